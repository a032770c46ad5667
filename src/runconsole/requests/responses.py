"""The answers that libraries take to their requests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runconsole.events import ActionDecision, ActionRequest
from runconsole.requests.shapes import Requests

__all__ = ["response"]

_INBOX = {"approve": "accept", "edit": "edit", "respond": "response", "ignore": "ignore"}


def response(requests: Requests, decisions: Sequence[ActionDecision]) -> Any:
    """Return the value that answers a question, made of one decision for each of its actions."""
    pairs = list(zip(requests.actions, decisions, strict=True))
    match requests.shape:
        case "hitl":
            return {"decisions": [_langchain(*pair) for pair in pairs]}
        case "tool_approval":
            return _langchain(*pairs[0])
        case "human_interrupt":
            return [_inbox(*pair) for pair in pairs]
        case "approval":
            return _approval(*pairs[0])


def _langchain(request: ActionRequest, decision: ActionDecision) -> dict[str, Any]:
    if decision.type == "edit":
        return {"type": "edit", "edited_action": {"name": request.name, "args": decision.args}}
    takes_words = decision.type != "approve" and decision.message is not None
    return {"type": decision.type, **({"message": decision.message} if takes_words else {})}


def _inbox(request: ActionRequest, decision: ActionDecision) -> dict[str, Any]:
    words = {"respond": decision.message, "ignore": None}
    action = {"action": request.name, "args": decision.args if decision.type == "edit" else request.args}
    return {"type": _INBOX[decision.type], "args": words.get(decision.type, action)}


def _approval(request: ActionRequest, decision: ActionDecision) -> dict[str, Any]:
    payload: dict[str, Any] = {"approved": decision.type != "reject"}
    if decision.message is not None:
        payload["reason"] = decision.message
    if decision.type == "edit" and decision.args != request.args:
        payload["editedArgs"] = decision.args
    return payload
