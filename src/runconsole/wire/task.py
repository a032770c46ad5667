"""The task family (seed 2) and the rest of ado's specification: payloads to facts. Durations arrive in seconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from runconsole.events import (
    CheckpointSaved,
    Fact,
    SubtaskReported,
    TaskCancelled,
    TaskCompleted,
    TaskCreated,
    TaskFailed,
    TaskOutput,
    TaskPhaseChanged,
    TaskProgressed,
    TaskStarted,
    TaskStatus,
    TaskStatusChanged,
    UnknownEvent,
)
from runconsole.statuses import read_status
from runconsole.wire.payload import FactReader, Whole, first, reader, understood
from runconsole.wire.times import read_time

__all__ = [
    "FACTS",
    "LOGGED_FAMILIES",
    "NO_METRICS",
    "ErrorInfo",
    "Metrics",
    "Tagged",
    "TaskEvent",
    "message_of",
    "read_tags",
    "told_beside",
]

LOGGED_FAMILIES = ("agent.", "worker.", "provider.", "system.", "cost.")
"""Families that ado's specification names: an event of theirs with no meaning of its own is a row of the log."""


class Tagged(Struct):
    """The task an event belongs to, in either family's spelling."""

    taskId: str | None = None  # noqa: N815 - the wire's name
    task_id: str | None = None


read_tags = reader(Tagged)


class TaskEvent(Struct, rename="camel"):
    task_id: str | None = None


class _TaskCreated(TaskEvent, rename="camel"):
    prompt: str | None = None
    task_type: str | None = None
    queue_position: Whole | None = None
    estimated_start: str | float | None = None


class _TaskStarted(TaskEvent, rename="camel"):
    worker_id: str | None = None
    provider_id: str | None = None
    access_mode: str | None = None


class _ProgressSubtask(Struct):
    id: str | None = None
    name: str | None = None
    progress: float | None = None
    status: str | None = None


class Metrics(Struct, rename="camel"):
    elapsed: float | None = None
    estimated_remaining: float | None = None
    duration: float | None = None
    total_duration: float | None = None
    tokens_used: Whole | None = None
    tokens_total: Whole | None = None
    cost: float | None = None


NO_METRICS = Metrics()


class _TaskProgress(TaskEvent, rename="camel"):
    progress: float | None = None
    current_step: str | None = None
    status: str | None = None
    phase: str | None = None
    subtask: _ProgressSubtask | None = None
    metrics: Metrics | None = None


class _TaskOutput(TaskEvent, rename="camel"):
    stream: str | None = None
    data: str | None = None
    worker_id: str | None = None
    agent_id: str | None = None


class ErrorInfo(Struct):
    code: str | None = None
    type: str | None = None
    name: str | None = None
    message: str | None = None
    recoverable: bool | None = None
    stack: str | None = None


class _Subtask(TaskEvent, rename="camel"):
    subtask_id: str | None = None
    id: str | None = None
    name: str | None = None
    title: str | None = None
    description: str | None = None
    progress: float | None = None
    duration: float | None = None
    agent_id: str | None = None
    artifacts: tuple[str, ...] = ()
    error: ErrorInfo | str | None = None


class _TaskPhase(TaskEvent, rename="camel"):
    previous_phase: str | None = None
    new_phase: str | None = None
    phase: str | None = None


class _Saved(TaskEvent, rename="camel"):
    checkpoint_id: str | None = None
    type: str | None = None
    reason: str | None = None


class _Result(Struct, rename="camel"):
    files_created: tuple[str, ...] = ()
    files_modified: tuple[str, ...] = ()
    files_deleted: tuple[str, ...] = ()


class _TaskEnded(TaskEvent, rename="camel"):
    result: _Result | None = None
    error: ErrorInfo | str | None = None
    metrics: Metrics | None = None
    reason: str | None = None
    cancelled_by: str | None = None


def _task_created(data: _TaskCreated) -> Fact | None:
    if data.task_id is None:
        return None
    return TaskCreated(data.task_id, data.prompt, data.task_type, data.queue_position, read_time(data.estimated_start))


def _task_started(data: _TaskStarted) -> Fact | None:
    return (
        None if data.task_id is None else TaskStarted(data.task_id, data.worker_id, data.provider_id, data.access_mode)
    )


def _task_progress(data: _TaskProgress) -> Fact | None:
    if data.task_id is None:
        return None
    part, metrics = data.subtask, data.metrics or NO_METRICS
    subtask = None
    if part is not None and part.id is not None:
        subtask = SubtaskReported(
            data.task_id, part.id, read_status(part.status), name=part.name, progress=part.progress
        )
    return TaskProgressed(
        data.task_id,
        data.progress,
        data.current_step,
        read_status(data.status),
        data.phase,
        subtask,
        metrics.elapsed,
        metrics.estimated_remaining,
        metrics.tokens_used,
        metrics.cost,
    )


def _task_output(data: _TaskOutput) -> Fact | None:
    if data.data is None:
        return None
    stream: Literal["stdout", "stderr"] = "stderr" if data.stream == "stderr" else "stdout"
    return TaskOutput(data.task_id, stream, data.data, data.worker_id, data.agent_id)


def message_of(error: ErrorInfo | str | None) -> str | None:
    return error.message if isinstance(error, ErrorInfo) else error


def _subtask(status: TaskStatus) -> Callable[[_Subtask], Fact | None]:
    def meaning(data: _Subtask) -> Fact | None:
        subtask_id = first(data.subtask_id, data.id)
        if data.task_id is None or subtask_id is None:
            return None
        return SubtaskReported(
            data.task_id,
            subtask_id,
            status,
            first(data.name, data.title),
            data.description,
            data.progress,
            data.duration,
            data.agent_id,
            message_of(data.error),
            data.artifacts,
        )

    return meaning


def _status(status: TaskStatus) -> Callable[[TaskEvent], Fact | None]:
    return lambda data: None if data.task_id is None else TaskStatusChanged(data.task_id, status)


def _phase_changed(data: _TaskPhase) -> Fact | None:
    return (
        None
        if data.task_id is None
        else TaskPhaseChanged(data.task_id, first(data.new_phase, data.phase), data.previous_phase)
    )


def _saved(data: _Saved) -> Fact:
    return CheckpointSaved(data.task_id, data.checkpoint_id, data.type, data.reason)


def _task_completed(data: _TaskEnded) -> Fact | None:
    if data.task_id is None:
        return None
    result, metrics = data.result or _Result(), data.metrics or NO_METRICS
    return TaskCompleted(
        data.task_id,
        first(metrics.total_duration, metrics.duration),
        metrics.tokens_used,
        metrics.cost,
        result.files_created,
        result.files_modified,
        result.files_deleted,
    )


def _task_failed(data: _TaskEnded) -> Fact | None:
    if data.task_id is None:
        return None
    error, metrics = data.error, data.metrics or NO_METRICS
    info = error if isinstance(error, ErrorInfo) else ErrorInfo()
    return TaskFailed(
        data.task_id,
        first(message_of(error), data.reason, info.code, "failed"),
        info.code,
        info.recoverable,
        first(metrics.duration, metrics.total_duration),
        metrics.tokens_used,
        metrics.cost,
    )


def _task_cancelled(data: _TaskEnded) -> Fact | None:
    return None if data.task_id is None else TaskCancelled(data.task_id, data.reason, data.cancelled_by)


def told_beside(kind: str, task_id: str, payload: str) -> Fact:
    """Return what an event means that names its task beside its data, as ado's shipped ``tasks.onTaskEvent`` does.

    A ``status`` event there says what the task's own events say in seed 2.
    """
    data = _read_progress(payload) if kind in {"status", "progress"} else None
    if data is None:
        return UnknownEvent(task_id)
    match read_status(data.status):
        case TaskStatus.COMPLETED:
            return TaskCompleted(task_id)
        case TaskStatus.FAILED:
            return TaskFailed(task_id, "failed")
        case TaskStatus.CANCELLED:
            return TaskCancelled(task_id)
        case status:
            return TaskProgressed(task_id, data.progress, data.current_step, status, data.phase)


_read_progress = reader(_TaskProgress)

FACTS: dict[str, FactReader] = {
    "task.created": understood(_TaskCreated, _task_created),
    "task.queued": understood(_TaskCreated, _task_created),
    "task.started": understood(_TaskStarted, _task_started),
    "task.progress": understood(_TaskProgress, _task_progress),
    "task.output": understood(_TaskOutput, _task_output),
    "task.paused": understood(TaskEvent, _status(TaskStatus.PAUSED)),
    "task.resumed": understood(TaskEvent, _status(TaskStatus.RUNNING)),
    "task.phase_changed": understood(_TaskPhase, _phase_changed),
    "task.checkpoint": understood(_Saved, _saved),
    "checkpoint.created": understood(_Saved, _saved),
    "checkpoint.restored": understood(_Saved, _saved),
    "task.completed": understood(_TaskEnded, _task_completed),
    "task.failed": understood(_TaskEnded, _task_failed),
    "task.cancelled": understood(_TaskEnded, _task_cancelled),
}
"""For each event type, what its payload means."""

FACTS |= {
    prefix + event: understood(_Subtask, _subtask(status))
    for prefix in ("task.subtask.", "subtask.")
    for event, status in (
        ("created", TaskStatus.PENDING),
        ("started", TaskStatus.RUNNING),
        ("completed", TaskStatus.COMPLETED),
        ("failed", TaskStatus.FAILED),
    )
}
