"""Questions about calls of tools: approve, edit or reject; the same for every library."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from msgspec import structs

from runconsole.events import ActionDecision, ActionRequest, ActionVerb
from runconsole.reporting.asking import TakenAnswer

__all__ = ["ToolVerdict", "approval_question", "readable", "requests_question", "unanswered", "verdict_of"]

_NO_ANSWER = "Nobody answered in time: the call was not approved."
_REJECTED = "The call was not approved."
_REFUSALS: tuple[ActionVerb, ...] = ("reject", "ignore", "respond")
"""Decisions without a call, the plainest first."""


@dataclass(frozen=True, slots=True)
class ToolVerdict:
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
    tool: str, arguments: Any, *, allowed: tuple[ActionVerb, ...] = ("approve", "reject"), agent: str = ""
) -> dict[str, Any]:
    """Return the arguments of `ActiveRun.ask` for the question if a tool may be called."""
    question = requests_question(f"Call {tool}?", [ActionRequest(tool, arguments, allowed=allowed)])
    return question | ({"context": {"agent": agent}} if agent else {})


def requests_question(title: str, requests: Sequence[ActionRequest]) -> dict[str, Any]:
    """Return the arguments of `ActiveRun.ask` for a question about actions."""
    asked = [
        structs.replace(each, args=readable(each.args), schema=readable(each.schema) if each.schema else None)
        for each in requests
    ]
    return {"title": title, "requests": asked, "type": "approval"}


def unanswered(requests: Sequence[ActionRequest]) -> list[ActionDecision]:
    """Return the decisions where nobody answered in time: no call happens."""
    return [ActionDecision(_refusal(request), message=_NO_ANSWER) for request in requests]


def _refusal(request: ActionRequest) -> ActionVerb:
    return next((verb for verb in _REFUSALS if verb in request.allowed), "reject")  # or else the asker raises


def verdict_of(answer: TakenAnswer) -> ToolVerdict:
    """Return what an answer about one call means. No answer in time is a rejection."""
    decision = answer.decisions[0] if answer.decisions else ActionDecision("reject", message=_NO_ANSWER)
    match decision.type:
        case "edit":
            return ToolVerdict("edit", arguments=decision.args)
        case "approve":
            return ToolVerdict("approve")
    return ToolVerdict("reject", message=decision.message or _REJECTED)


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
