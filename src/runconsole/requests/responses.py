"""The answers that libraries take to their requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from runconsole.events import ActionDecision, ActionRequest, ActionVerb
from runconsole.requests.options import option_of
from runconsole.requests.shapes import Requests

__all__ = ["option_in", "response"]

_NAMES: dict[str, ActionVerb] = {verb: verb for verb in get_args(ActionVerb)}
_INBOX: dict[ActionVerb, str] = {"approve": "accept", "edit": "edit", "respond": "response", "ignore": "ignore"}
_OF_INBOX: dict[str, ActionVerb] = {name: verb for verb, name in _INBOX.items()}


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


def option_in(requests: Requests, answer: Any) -> str | None:
    """Return the id of the option that an answer of somebody else is; None for one that decides nothing known here."""
    verbs: list[ActionVerb | None]
    match requests.shape, answer:
        case "hitl", {"decisions": [*given]}:
            verbs = [_verb(each, _NAMES) for each in given]
        case "tool_approval", _:
            verbs = [_verb(answer, _NAMES)]
        case "human_interrupt", [*given]:
            verbs = [_verb(each, _OF_INBOX) for each in given]
        case "approval", {"approved": bool() as approved}:
            verbs = ["reject" if not approved else "edit" if answer.get("editedArgs") is not None else "approve"]
        case _:
            return None
    decisions = [ActionDecision(verb) for verb in verbs if verb is not None]
    return option_of(decisions) if len(decisions) == len(verbs) == len(requests.actions) else None


def _verb(decision: Any, names: Mapping[str, ActionVerb]) -> ActionVerb | None:
    name = decision.get("type") if isinstance(decision, Mapping) else None
    return names.get(name) if isinstance(name, str) else None


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
