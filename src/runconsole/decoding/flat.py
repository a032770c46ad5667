"""The task family's short names: the flat events of its core in snake case, and the bare words of its other pages.

Durations of core events are in milliseconds, those of the other pages in seconds.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from runconsole.decoding import checkpoint, task
from runconsole.decoding.payload import FactReader, Whole, fact_reader, first, seconds
from runconsole.events import (
    CheckpointDecided,
    CheckpointOpened,
    CheckpointOption,
    CheckpointSaved,
    Fact,
    SubtaskReported,
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
from runconsole.statuses import read_status

__all__ = ["FACTS", "OF_TASK"]


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
    """Return a reader of events that mean nothing without a task id."""
    return fact_reader(_Flat, lambda data: None if data.task_id is None else meaning(data.task_id, data))


def _output(task_id: str, data: _Flat) -> Fact | None:
    if data.content is None:
        return None
    # A complete message ends its line; else the next one would continue it.
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
        lambda task_id, data: TaskCreated(task_id, details=TaskDetails(queue_position=data.queue_position))
    ),
    "task_started": _of_task(lambda task_id, data: TaskStarted(task_id, provider_id=data.provider_id)),
    "task_progress": _of_task(lambda task_id, data: TaskProgressed(task_id, data.progress, data.message)),
    "task_output": _of_task(_output),
    "task_paused": _of_task(lambda task_id, _: TaskStatusChanged(task_id, TaskStatus.PAUSED)),
    "task_resumed": _of_task(lambda task_id, _: TaskStatusChanged(task_id, TaskStatus.RUNNING)),
    "task_completed": _of_task(_completed),
    "task_failed": _of_task(_failed),
    "task_cancelled": _of_task(lambda task_id, data: TaskCancelled(task_id, data.reason)),
    "checkpoint_created": fact_reader(_Flat, lambda data: CheckpointSaved(data.task_id, data.checkpoint_id)),
    "approval_requested": fact_reader(_Flat, _requested),
    "approval_decided": fact_reader(_Flat, _decided),
}
"""A reader of payloads for each event type."""


class _Word(Struct, rename="camel"):
    task_id: str | None = None
    status: str | None = None
    progress: float | None = None
    current_step: str | None = None
    message: str | None = None
    phase: str | None = None
    data: str | None = None
    content: str | None = None
    level: str | None = None
    passed: bool | None = None
    success: bool | None = None


def _status(task_id: str, data: _Word) -> Fact:
    match read_status(data.status):
        case TaskStatus.COMPLETED:
            return TaskCompleted(task_id)
        case TaskStatus.FAILED:
            return TaskFailed(task_id, data.message or "failed")
        case TaskStatus.CANCELLED:
            return TaskCancelled(task_id, data.message)
        case status:
            step = first(data.current_step, data.message)
            return TaskProgressed(task_id, data.progress, step, status, data.phase)


def _log(task_id: str, data: _Word) -> Fact | None:
    line = first(data.message, data.data, data.content)
    if line is None:
        return None
    is_error = (data.level or "").lower() in {"error", "warn", "warning", "fatal"}
    return TaskOutput(task_id, "stderr" if is_error else "stdout", line if line.endswith("\n") else line + "\n")


def _validation(task_id: str, data: _Word) -> Fact:
    outcome = first(data.passed, data.success)
    status = None if outcome is None else TaskStatus.COMPLETED if outcome else TaskStatus.FAILED
    return SubtaskReported(task_id, "validation", status, "Validation", error=None if outcome else data.message)


def _reached(text: str) -> Fact | None:
    """Return a question where the checkpoint has words for one, else a restore point."""
    fact = checkpoint.FACTS["checkpoint.pending"](text)
    if isinstance(fact, CheckpointOpened) and (fact.title or fact.description or '"options"' in text):
        return fact
    return task.FACTS["checkpoint.created"](text)


def _word(meaning: Callable[[str, _Word], Fact | None]) -> FactReader:
    return fact_reader(_Word, lambda data: None if data.task_id is None else meaning(data.task_id, data))


OF_TASK: dict[str, FactReader] = {
    "status": _word(_status),
    "progress": _word(_status),
    "log": _word(_log),
    "output": _word(_log),
    "validation": _word(_validation),
    "checkpoint": _reached,
    **{
        word: task.FACTS[f"task.{word}"]
        for word in ("created", "queued", "started", "paused", "resumed", "completed", "failed", "cancelled")
    },
}
"""A reader of payloads for each bare word that is the type of an event with a task id."""
