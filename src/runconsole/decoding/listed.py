"""Answers to a query for checkpoints: the shapes of the task family's backends, turned into one shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["applied_option", "as_question", "decision_of", "listed_items"]

_LISTS = ("checkpoints", "items", "data", "pending")


def listed_items(answer: Any) -> list[dict[str, Any]] | None:
    """Return the checkpoints of a list, each as `as_question` gives it; None where the answer is no list."""
    if isinstance(answer, Mapping):
        answer = next((answer[key] for key in _LISTS if key in answer), None)
    return [as_question(item) for item in answer if isinstance(item, Mapping)] if isinstance(answer, list) else None


def as_question(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return a checkpoint by the names of ``task.hitl_required``.

    The item may be wrapped (``{checkpoint, task, timeRemaining}``), with the question's words in its ``hitlConfig`` and
    its decision in ``hitlDecision``.
    """
    wrapped = item.get("checkpoint")
    checkpoint = {**wrapped, **_beside(item)} if isinstance(wrapped, Mapping) else dict(item)
    config = checkpoint.pop("hitlConfig", None)
    if isinstance(config, Mapping):
        checkpoint |= _configured(checkpoint, config)
    decision = checkpoint.pop("hitlDecision", None)
    if isinstance(decision, Mapping):
        checkpoint |= {"decision": dict(decision), "status": checkpoint.get("status", _status(decision))}
    if "checkpointId" not in checkpoint and "id" in checkpoint:
        checkpoint["checkpointId"] = checkpoint["id"]
    return checkpoint


def _beside(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a wrapped checkpoint that stand beside it."""
    found = {name: item[name] for name in ("decision", "hitlDecision") if isinstance(item.get(name), Mapping)}
    task = item.get("task")
    if isinstance(task, Mapping) and isinstance(task.get("id"), str):
        found["taskId"] = task["id"]
    return found


def _configured(checkpoint: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    timeout = config.get("timeout")
    limits: Mapping[str, Any] = timeout if isinstance(timeout, Mapping) else {"expiresAt": timeout}
    fields = {
        "title": config.get("title"),
        "description": config.get("message") or checkpoint.get("description"),
        "options": config.get("options"),
        "context": config.get("context"),
        "timeout": limits.get("expiresAt") or checkpoint.get("timeout"),
        "defaultAction": limits.get("defaultAction") or config.get("defaultAction") or checkpoint.get("defaultAction"),
        "checkpointType": checkpoint.get("checkpointType") or checkpoint.get("trigger") or checkpoint.get("type"),
    }
    return {name: value for name, value in fields.items() if value is not None}


def _status(decision: Mapping[str, Any]) -> str:
    return "expired" if decision.get("autoTriggered") is True else "decided"


def decision_of(checkpoint: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the decision of a checkpoint (of `as_question`), None without one."""
    decision = checkpoint.get("decision")
    return decision if isinstance(decision, Mapping) else None


def applied_option(answer: Any) -> str | None:
    """Return the option, else the action, that the server says it has applied; None without one."""
    if not isinstance(answer, Mapping):
        return None
    decision = answer.get("decision", answer.get("hitlDecision"))
    if decision is None and isinstance(answer.get("checkpoint"), Mapping):
        decision = decision_of(as_question(answer["checkpoint"]))
    if isinstance(decision, str):
        return decision
    if not isinstance(decision, Mapping):
        return None
    names = (decision.get(name) for name in ("selectedOption", "decision", "action"))
    return next((value for value in names if isinstance(value, str)), None)
