"""The questions of the task family as AG-UI's interrupts, and the answers to them. No I/O.

Each of the three kinds is another one of AG-UI: an approval of a tool call, a choice, and a form.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from runconsole.simulator.scenario import Answer, Checkpoint, Event, Refusal

__all__ = ["CALL", "answers_of_command", "answers_of_resume", "interrupt", "legacy_value"]

CALL: Final[Mapping[str, tuple[str, Event]]] = {
    "deployment": ("merge_and_deploy", {"environment": "production", "instances": 6})
}
"""The tool call that a kind of question is about: its name and its arguments."""

_APPROVAL: Final = {
    "type": "object",
    "properties": {
        "approved": {"type": "boolean"},
        "editedArgs": {"type": "object"},
        "reason": {"type": "string"},
    },
    "required": ["approved"],
}
_NEVER: Final = "2040"
"""Deadlines from this year on are none."""


def interrupt(question: Event) -> Event:
    """Return the interrupt of a question."""
    options = [option["id"] for option in question["options"]]
    common = {"id": question["checkpointId"], "message": question["title"]}
    if question["timeout"] < _NEVER:
        common["expiresAt"] = question["timeout"]
    metadata = {"description": question["description"], **question["context"]}
    match question["checkpointType"]:
        case "deployment":
            return common | {
                "reason": "tool_call",
                "toolCallId": question["checkpointId"],
                "responseSchema": _APPROVAL,
                "metadata": metadata,
            }
        case "architecture":
            schema: Event = {"type": "string", "enum": options}
            return common | {"reason": "confirmation", "responseSchema": schema, "metadata": metadata}
    form = {
        "type": "object",
        "properties": {
            "decision": {"type": "string", "enum": options, "default": question["defaultAction"]},
            "feedback": {"type": "string", "description": "What should be different"},
        },
    }
    return common | {"reason": "input_required", "responseSchema": form, "metadata": metadata}


def legacy_value(question: Event) -> Event:
    """Return the value of `on_interrupt`."""
    options = [option["id"] for option in question["options"]]
    return {"question": question["title"], "options": options, "context": question["context"]}


# ---- answers --------------------------------------------------------------------------------------------------------


def answers_of_resume(resume: Any, asked: Iterable[Checkpoint], body: Mapping[str, Any]) -> list[Answer]:
    """Return the answers in a resume, which must be those to all open interrupts. Raises Refusal."""
    entries = resume if isinstance(resume, list) else []
    if not entries or not all(isinstance(entry, dict) for entry in entries):
        raise Refusal("INVALID_RESUME", "Expected resume to be a list with an entry for each open interrupt.")
    given = {str(entry.get("interruptId")): entry for entry in entries}
    wanted = {checkpoint.id: checkpoint for checkpoint in asked}
    unknown = sorted(given.keys() - wanted.keys())
    if unknown or len(given) != len(entries):
        raise Refusal("UNKNOWN_INTERRUPT", f"No such open interrupt: {', '.join(unknown) or 'one is answered twice'}.")
    missing = sorted(wanted.keys() - given.keys())
    if missing:
        raise Refusal("INCOMPLETE_RESUME", f"A resume answers all open interrupts; missing: {', '.join(missing)}.")
    return [_resumed(wanted[name], entry, body) for name, entry in given.items()]


def _resumed(checkpoint: Checkpoint, entry: Mapping[str, Any], body: Mapping[str, Any]) -> Answer:
    status, payload = entry.get("status"), entry.get("payload")
    if checkpoint.id.split("-")[2] == "merge" and not _has_call(body.get("messages"), checkpoint.id):
        raise Refusal("NO_TOOL_CALL", f"The messages do not have the tool call {checkpoint.id!r} of the interrupt.")
    if status == "cancelled":
        return _checked(checkpoint, "reject")
    if status != "resolved":
        raise Refusal("INVALID_RESUME", f"Expected the status resolved or cancelled, not {status!r}.")
    if isinstance(payload, Mapping) and isinstance(payload.get("approved"), bool):
        edited = payload.get("editedArgs")
        option = "approve" if payload["approved"] else "reject"
        return _checked(checkpoint, option, payload.get("reason"), edited)
    if isinstance(payload, Mapping):
        return _checked(checkpoint, payload.get("decision", checkpoint.default), payload.get("feedback"))
    return _checked(checkpoint, payload)


def answers_of_command(command: Any, asked: Iterable[Checkpoint]) -> list[Answer]:
    """Return the answer in `forwardedProps.command`, to the one question of `on_interrupt`. Raises Refusal."""
    checkpoint = next(iter(asked))
    value = command.get("resume") if isinstance(command, dict) else None
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            value = json.loads(value)
    if isinstance(value, dict):
        option = value.get("option", value.get("decision"))
        return [_checked(checkpoint, option, value.get("feedback"))]
    return [_checked(checkpoint, value)]


def _checked(checkpoint: Checkpoint, option: Any, feedback: Any = None, modifications: Any = None) -> Answer:
    if option not in checkpoint.options:
        offered = ", ".join(checkpoint.options)
        raise Refusal("INVALID_PAYLOAD", f"{checkpoint.id} takes one of {offered}, not {option!r}.")
    return Answer(
        checkpoint.id,
        option,
        feedback=feedback if isinstance(feedback, str) and feedback else None,
        modifications=modifications,
    )


def _has_call(messages: Any, call_id: str) -> bool:
    calls = [
        call
        for message in (messages if isinstance(messages, list) else ())
        if isinstance(message, dict) and isinstance(message.get("toolCalls"), list)
        for call in message["toolCalls"]
    ]
    return any(isinstance(call, dict) and call.get("id") == call_id for call in calls)
