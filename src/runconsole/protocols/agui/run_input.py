"""The request that starts a run, and those that go on with it: AG-UI's RunAgentInput."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from runconsole.text.length import shortened

if TYPE_CHECKING:  # the options of every console are checked with this module
    from runconsole.protocols.agui.conversation import Conversation

__all__ = ["first_input", "next_input", "problem_of_input", "title_of"]

_LONGEST_TITLE = 80


def problem_of_input(given: Any) -> str | None:
    """Return a sentence about an input that is no message and no RunAgentInput; None where it can be used."""
    if isinstance(given, str):
        return None if given.strip() else "expected input= to be a message to the agent, got an empty text"
    if not isinstance(given, Mapping):
        return f"expected input= to be a message, or a RunAgentInput as a dict, got a {type(given).__name__}"
    messages = given.get("messages", [])
    if not isinstance(messages, list) or not all(isinstance(message, Mapping) for message in messages):
        return "expected the messages of input= to be a list of dicts with id, role and content"
    return None


def first_input(given: Any) -> dict[str, Any]:
    """Return the request for an input. Servers of 0.x want every field, and refuse those they do not know."""
    if isinstance(given, str):
        given = {"messages": [{"id": str(uuid.uuid4()), "role": "user", "content": given}]}
    defaults = {
        "threadId": str(uuid.uuid4()),
        "runId": str(uuid.uuid4()),
        "state": {},
        "messages": [],
        "tools": [],
        "context": [],
        "forwardedProps": {},
    }
    known = {_camel(name): value for name, value in given.items()}
    return defaults | {name: value for name, value in known.items() if value is not None or name == "state"}


def next_input(before: Mapping[str, Any], conversation: Conversation) -> dict[str, Any]:
    """Return a request for another run of the same thread, with everything that was said."""
    request = {name: value for name, value in before.items() if name not in {"resume", "parentRunId"}}
    return request | {
        "runId": str(uuid.uuid4()),
        "messages": conversation.messages(),
        "state": conversation.state.value,
    }


def title_of(request: Mapping[str, Any]) -> str | None:
    """Return the first line of the user's newest message, shortened; None for none."""
    messages = request.get("messages")
    texts = [
        message["content"]
        for message in (messages if isinstance(messages, list) else ())
        if isinstance(message, Mapping) and message.get("role") == "user" and isinstance(message.get("content"), str)
    ]
    line = next(iter(texts[-1].strip().splitlines()), "") if texts else ""
    return shortened(line, _LONGEST_TITLE) or None


def _camel(name: str) -> str:
    """Return a name as it is on the wire; names of Python (``thread_id``) are understood."""
    first, *rest = str(name).split("_")
    return first + "".join(part.capitalize() for part in rest)
