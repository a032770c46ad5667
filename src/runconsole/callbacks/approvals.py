"""Questions about calls of tools: approve, edit or reject; the same for every library."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from runconsole.reporting.asking import TakenAnswer

__all__ = ["APPROVE", "EDIT", "REJECT", "Verdict", "approval_question", "verdict_of"]

APPROVE = {"id": "approve", "label": "Approve"}
EDIT = {"id": "edit", "label": "Approve with changes", "description": "Calls it with the arguments below."}
REJECT = {"id": "reject", "label": "Reject", "description": "The feedback says why."}
_OPTIONS = {"approve": APPROVE, "edit": EDIT, "reject": REJECT}
_NO_ANSWER = "Nobody answered in time: the call was not approved."
_REJECTED = "The call was not approved."


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision on a call.

    Attributes:
        kind: what to do.
        arguments: the changed arguments, for ``"edit"``.
        message: the words for the model, for ``"reject"``.
    """

    kind: Literal["approve", "edit", "reject"]
    arguments: dict[str, Any] | None = None
    message: str = ""


def approval_question(
    tool: str,
    arguments: Any,
    *,
    allowed: tuple[str, ...] = ("approve", "reject"),
    description: str = "",
    agent: str = "",
) -> dict[str, Any]:
    """Return the arguments of `ActiveRun.ask` for the question if a tool may be called."""
    return {
        "title": f"Call {tool}?",
        "options": [_OPTIONS[name] for name in allowed],
        "description": description,
        "context": {"tool": tool, "args": readable(arguments), **({"agent": agent} if agent else {})},
        "type": "approval",
    }


def verdict_of(answer: TakenAnswer) -> Verdict:
    """Return what an answer means. No answer in time, and changes that are no arguments, are a rejection."""
    if answer.option is None:
        return Verdict("reject", message=_NO_ANSWER)
    if answer.option == "edit":
        changed = answer.modifications
        if isinstance(changed, Mapping):
            return Verdict("edit", arguments=dict(changed))
        return Verdict("reject", message=answer.feedback or "The changed arguments were missing: nothing was called.")
    if answer.option == "approve":
        return Verdict("approve")
    return Verdict("reject", message=answer.feedback or _REJECTED)


def readable(value: Any) -> Any:
    """Return a value as JSON can carry it: text that is JSON is read, anything else is its words."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return value
    try:
        return json.loads(json.dumps(value, default=str, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        return str(value)
