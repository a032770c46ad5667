"""The task family's events as its core emits them: flat, in snake case, with durations in milliseconds. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from runconsole.simulator.scenario import Event

__all__ = ["flat"]

_MILLISECONDS: Final = 1000


def flat(event: Event) -> Event | None:
    """Return an event of the task family in the flat form; None for an event without one."""
    write = _FORMS.get(event["type"])
    if write is None:
        return None
    body = event["payload"]
    name, own = write(body)
    return {"type": name, "taskId": body["taskId"], "timestamp": event["timestamp"], **own}


def _completed(body: Event) -> tuple[str, Event]:
    fields = {"success": body["result"]["success"], "output": body["result"]["changelogEntry"]}
    return "task_completed", fields | {"duration": round(body["metrics"]["totalDuration"] * _MILLISECONDS)}


def _failed(body: Event) -> tuple[str, Event]:
    return "task_failed", {"error": body["error"]["message"], "recoverable": body["error"].get("recoverable", False)}


def _asked(body: Event) -> tuple[str, Event]:
    return "approval_requested", {"approvalId": body["checkpointId"], "message": body["title"]}


def _decided(body: Event) -> tuple[str, Event]:
    return "approval_decided", {"approvalId": body["checkpointId"], "approved": body["action"] != "reject"}


_FORMS: Final[Mapping[str, Callable[[Any], tuple[str, Event]]]] = {
    "task.queued": lambda body: ("task_queued", {"queuePosition": body["queuePosition"]}),
    "task.started": lambda body: ("task_started", {"providerId": body["providerId"]}),
    "task.progress": lambda body: ("task_progress", {"progress": body["progress"], "message": body["currentStep"]}),
    "task.output": lambda body: ("task_output", {"content": body["data"], "isPartial": True}),
    "task.paused": lambda body: ("task_paused", {"reason": body["reason"]}),
    "task.resumed": lambda _body: ("task_resumed", {}),
    "task.completed": _completed,
    "task.failed": _failed,
    "task.cancelled": lambda body: ("task_cancelled", {"reason": body["reason"]}),
    "task.checkpoint": lambda body: ("checkpoint_created", {"checkpointId": body["checkpointId"]}),
    "task.hitl_required": _asked,
    "checkpoint.hitl_decided": _decided,
}
"""The flat form of an event by its type: its name, and its fields beside the task and the time."""
