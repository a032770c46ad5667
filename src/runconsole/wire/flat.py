"""The task family's core events: flat and in snake case, as its event stream emits them. Durations in milliseconds."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from runconsole.events import (
    CheckpointDecided,
    CheckpointOpened,
    CheckpointOption,
    CheckpointSaved,
    Fact,
    TaskCancelled,
    TaskCompleted,
    TaskCreated,
    TaskDetails,
    TaskFailed,
    TaskOutput,
    TaskProgressed,
    TaskStarted,
    TaskStatus,
    TaskStatusChanged,
)
from runconsole.wire.payload import FactReader, Whole, first, seconds, understood

__all__ = ["FACTS"]


class _Flat(Struct, rename="camel"):
    task_id: str | None = None
    queue_position: Whole | None = None
    provider_id: str | None = None
    session_id: str | None = None
    progress: float | None = None
    message: str | None = None
    content: str | None = None
    is_partial: bool | None = None
    success: bool | None = None
    output: str | None = None
    duration: float | None = None
    error: str | None = None
    recoverable: bool | None = None
    reason: str | None = None
    checkpoint_id: str | None = None
    approval_id: str | None = None
    approved: bool | None = None


_APPROVE = (CheckpointOption("approve", "Approve"), CheckpointOption("reject", "Reject"))


def _of_task(meaning: Callable[[str, _Flat], Fact | None]) -> FactReader:
    """Return a reader of events that say nothing without their task."""
    return understood(_Flat, lambda data: None if data.task_id is None else meaning(data.task_id, data))


def _output(task_id: str, data: _Flat) -> Fact | None:
    if data.content is None:
        return None
    # A message that is whole ends its line, or the next one would go on in it.
    ends = "\n" if data.is_partial is False and not data.content.endswith("\n") else ""
    return TaskOutput(task_id, "stdout", data.content + ends)


def _completed(task_id: str, data: _Flat) -> Fact:
    duration = seconds(data.duration)
    if data.success is False:
        return TaskFailed(task_id, first(data.error, data.output, "failed"), duration_s=duration)
    return TaskCompleted(task_id, duration)


def _failed(task_id: str, data: _Flat) -> Fact:
    message = first(data.error, data.message, data.reason, "failed")
    return TaskFailed(task_id, message, recoverable=data.recoverable, duration_s=seconds(data.duration))


def _requested(data: _Flat) -> Fact | None:
    if data.approval_id is None:
        return None
    return CheckpointOpened(data.approval_id, data.task_id, "approval", data.message, options=_APPROVE)


def _decided(data: _Flat) -> Fact | None:
    if data.approval_id is None:
        return None
    option = None if data.approved is None else "approve" if data.approved else "reject"
    return CheckpointDecided(data.approval_id, option)


FACTS: dict[str, FactReader] = {
    "task_queued": _of_task(
        lambda task, data: TaskCreated(task, details=TaskDetails(queue_position=data.queue_position))
    ),
    "task_started": _of_task(lambda task, data: TaskStarted(task, provider_id=data.provider_id)),
    "task_progress": _of_task(lambda task, data: TaskProgressed(task, data.progress, data.message)),
    "task_output": _of_task(_output),
    "task_paused": _of_task(lambda task, _: TaskStatusChanged(task, TaskStatus.PAUSED)),
    "task_resumed": _of_task(lambda task, _: TaskStatusChanged(task, TaskStatus.RUNNING)),
    "task_completed": _of_task(_completed),
    "task_failed": _of_task(_failed),
    "task_cancelled": _of_task(lambda task, data: TaskCancelled(task, data.reason)),
    "checkpoint_created": understood(_Flat, lambda data: CheckpointSaved(data.task_id, data.checkpoint_id)),
    "approval_requested": understood(_Flat, _requested),
    "approval_decided": understood(_Flat, _decided),
}
"""For each event type, what its payload means."""
