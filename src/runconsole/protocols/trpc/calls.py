"""The calls of tRPC backends of the task family: decisions, and requests for `TrpcWire.call`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from runconsole.protocols.base import Request, TaskCommand

if TYPE_CHECKING:
    from runconsole.events import DecisionRequested

__all__ = [
    "TrpcQueries",
    "cancel",
    "checkpoint",
    "command",
    "decision_call",
    "pause",
    "pending_checkpoints",
    "pending_decisions",
    "restore",
    "resume",
    "retry",
    "task",
]


def decision_call(path: str, decision: DecisionRequested) -> tuple[str, dict[str, Any]]:
    """Return a decision's mutation and input: the `decide` form for a path of that name, else the `resolve` form."""
    action = decision.action or decision.sent_value
    payload: dict[str, Any] = {"checkpointId": decision.checkpoint_id}
    if path.rpartition(".")[2] == "decide":
        payload |= {"action": action, "selectedOption": decision.sent_value}
    else:
        payload["decision"] = action
        if decision.shares_action:
            payload["selectedOption"] = decision.sent_value
    return path, payload | decision.answer.details()


def command(command: TaskCommand) -> Request:
    """Return the call of a command for a task. Raises KeyError for an unknown one, TypeError for unknown details."""
    return _COMMANDS[command.verb](command.task_id, **command.details)


def cancel(task_id: str) -> Request:
    """Cancel a task."""
    return Request("mutation", "tasks.cancel", task_id)


def pause(task_id: str) -> Request:
    """Pause a task."""
    return Request("mutation", "tasks.pause", task_id)


def resume(task_id: str, feedback: str | None = None) -> Request:
    """Resume a paused task."""
    return Request("mutation", "tasks.resume", _given(taskId=task_id, feedback=feedback))


def retry(task_id: str, from_checkpoint: str | None = None) -> Request:
    """Run a failed task again, from a checkpoint if one is named."""
    return Request("mutation", "tasks.retry", _given(taskId=task_id, fromCheckpoint=from_checkpoint))


def restore(task_id: str, checkpoint_id: str, reason: str | None = None) -> Request:
    """Put a task back to a restore point."""
    return Request("mutation", "checkpoints.restore", _given(checkpointId=checkpoint_id, taskId=task_id, reason=reason))


_COMMANDS: dict[str, Callable[..., Request]] = {
    "cancel": cancel,
    "pause": pause,
    "restore": restore,
    "resume": resume,
    "retry": retry,
}


def task(task_id: str) -> Request:
    """Query a task's present state."""
    return Request("query", "tasks.get", task_id)


def checkpoint(checkpoint_id: str) -> Request:
    """Query a checkpoint and its decision."""
    return Request("query", "checkpoints.get", checkpoint_id)


def pending_decisions(task_id: str | None = None) -> Request:
    """Query the checkpoints that wait for a person, of one task or of all."""
    return Request("query", "checkpoints.getHITLPending", _given(taskId=task_id))


def pending_checkpoints(task_id: str | None = None, kind: str | None = None) -> Request:
    """Query all waiting checkpoints, of one task or of all, of one type or of any."""
    return Request("query", "checkpoints.listPending", _given(taskId=task_id, type=kind))


class TrpcQueries:
    """The queries of a tRPC server (`Queries`)."""

    def open_checkpoints(self, task_id: str | None) -> tuple[Request, ...]:
        """Return the two queries by which servers list the waiting checkpoints."""
        return pending_decisions(task_id), pending_checkpoints(task_id)

    def checkpoint(self, checkpoint_id: str) -> Request:
        """Return the query for a checkpoint."""
        return checkpoint(checkpoint_id)

    def task(self, task_id: str) -> Request:
        """Return the query for a task."""
        return task(task_id)


def _given(**fields: str | None) -> dict[str, str]:
    """Return the fields that are not None: zod takes no null for an optional key."""
    return {name: value for name, value in fields.items() if value is not None}
