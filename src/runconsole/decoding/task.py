"""The task family, core and extended (docs/protocols/tasks.md): payloads to facts. Durations arrive in seconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from msgspec import Struct

from runconsole.decoding.payload import FactReader, Whole, fact_reader, first, reader, salvage
from runconsole.decoding.times import read_time
from runconsole.decoding.words import words_of
from runconsole.events import (
    CheckpointSaved,
    Fact,
    SubtaskReported,
    TaskCancelled,
    TaskCompleted,
    TaskCreated,
    TaskDetails,
    TaskFailed,
    TaskOutput,
    TaskPhaseChanged,
    TaskProgressed,
    TaskProviderChanged,
    TaskStarted,
    TaskStatus,
    TaskStatusChanged,
)
from runconsole.statuses import read_status, unknown_status

__all__ = [
    "FACTS",
    "LOGGED_FAMILIES",
    "ErrorInfo",
    "Metrics",
    "Tagged",
    "TaskEvent",
    "info_of",
    "read_tags",
]

LOGGED_FAMILIES = ("agent.", "worker.", "provider.", "system.", "cost.")
"""Prefixes of the task family's event names: an event among them without a fact of its own is a row of the log."""


class Tagged(Struct):
    """The task id of an event, in both families' spellings."""

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
    provider: str | None = None
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
    provider_time: dict[str, float] | None = None


_NO_METRICS = Metrics()


class _TaskProgress(TaskEvent, rename="camel"):
    progress: float | None = None
    current_step: str | None = None
    message: str | None = None
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


class _SubtaskResult(Struct, rename="camel"):
    """The result of a subtask."""

    success: bool | None = None
    files_changed: tuple[str, ...] = ()
    output: str | None = None


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
    error: Any = None
    result: _SubtaskResult | None = None


class _TaskPhase(TaskEvent, rename="camel"):
    previous_phase: str | None = None
    new_phase: str | None = None
    phase: str | None = None


class _Saved(TaskEvent, rename="camel"):
    checkpoint_id: str | None = None
    type: str | None = None
    reason: str | None = None


class _Fallback(TaskEvent, rename="camel"):
    from_provider: str | None = None
    to_provider: str | None = None
    reason: str | None = None


class _Result(Struct, rename="camel"):
    files_created: tuple[str, ...] = ()
    files_modified: tuple[str, ...] = ()
    files_deleted: tuple[str, ...] = ()
    tests_run: Whole | None = None
    tests_passed: Whole | None = None
    coverage: float | None = None
    commit_hash: str | None = None
    pull_request_url: str | None = None
    spec_path: str | None = None
    changelog_entry: str | None = None


class _TaskEnded(TaskEvent, rename="camel"):
    result: _Result | None = None
    error: Any = None
    message: Any = None
    error_message: Any = None
    detail: Any = None
    errors: Any = None
    description: Any = None
    metrics: Metrics | None = None
    reason: str | None = None
    cancelled_by: str | None = None
    last_checkpoint: str | None = None
    duration: float | None = None
    cost: float | None = None


def _details(**fields: Any) -> TaskDetails | None:
    """Return the given details, None for none."""
    return TaskDetails(**fields) if any(value is not None for value in fields.values()) else None


def _task_created(data: _TaskCreated) -> Fact | None:
    if data.task_id is None:
        return None
    details = _details(
        type=data.task_type, queue_position=data.queue_position, estimated_start=read_time(data.estimated_start)
    )
    return TaskCreated(data.task_id, data.prompt, details)


def _task_started(data: _TaskStarted) -> Fact | None:
    if data.task_id is None:
        return None
    details = _details(access_mode=data.access_mode)
    return TaskStarted(data.task_id, data.worker_id, first(data.provider_id, data.provider), details)


def _task_progress(data: _TaskProgress) -> Fact | None:
    if data.task_id is None:
        return None
    part, metrics = data.subtask, data.metrics or _NO_METRICS
    subtask = None
    if part is not None and part.id is not None:
        subtask = SubtaskReported(
            data.task_id, part.id, read_status(part.status), name=part.name, progress=part.progress
        )
    has_times = metrics.elapsed is not None or metrics.estimated_remaining is not None
    return TaskProgressed(
        data.task_id,
        data.progress,
        data.current_step if data.current_step is not None else data.message,
        read_status(data.status),
        data.phase,
        subtask,
        metrics.tokens_used,
        metrics.cost,
        TaskDetails(elapsed_s=metrics.elapsed, remaining_s=metrics.estimated_remaining) if has_times else None,
        unknown_status(data.status),
    )


def _task_output(data: _TaskOutput) -> Fact | None:
    if data.data is None:
        return None
    stream: Literal["stdout", "stderr"] = "stderr" if data.stream == "stderr" else "stdout"
    return TaskOutput(data.task_id, stream, data.data, data.worker_id, data.agent_id)


def info_of(error: object) -> ErrorInfo:
    """Return the structured part of an error."""
    return salvage(error, ErrorInfo) or ErrorInfo()


def _subtask(status: TaskStatus) -> Callable[[_Subtask], Fact | None]:
    def meaning(data: _Subtask) -> Fact | None:
        subtask_id = first(data.subtask_id, data.id)
        if data.task_id is None or subtask_id is None:
            return None
        part = data.result or _SubtaskResult()
        failed = status is TaskStatus.COMPLETED and part.success is False
        return SubtaskReported(
            data.task_id,
            subtask_id,
            TaskStatus.FAILED if failed else status,
            first(data.name, data.title),
            data.description,
            data.progress,
            data.duration,
            data.agent_id,
            first(words_of(data.error), part.output if failed else None),
            data.artifacts + part.files_changed,
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


def _restored(data: _Saved) -> Fact:
    return CheckpointSaved(data.task_id, data.checkpoint_id, data.type, restored=True)


def _task_completed(data: _TaskEnded) -> Fact | None:
    if data.task_id is None:
        return None
    result, metrics = data.result or _Result(), data.metrics or _NO_METRICS
    return TaskCompleted(
        data.task_id,
        first(metrics.total_duration, metrics.duration, data.duration),
        metrics.tokens_used,
        first(metrics.cost, data.cost),
        result.files_created,
        result.files_modified,
        result.files_deleted,
        _details(
            tests_run=result.tests_run,
            tests_passed=result.tests_passed,
            coverage=result.coverage,
            commit=result.commit_hash,
            pull_request=result.pull_request_url,
            spec_path=result.spec_path,
            changelog=result.changelog_entry,
            provider_time=metrics.provider_time,
        ),
    )


def _task_failed(data: _TaskEnded) -> Fact | None:
    if data.task_id is None:
        return None
    error, metrics = data.error, data.metrics or _NO_METRICS
    info = info_of(error)
    candidates = (error, data.reason, data.message, data.error_message, data.detail, data.errors, data.description)
    return TaskFailed(
        data.task_id,
        first(*map(words_of, candidates), info.code, "failed"),
        info.code,
        info.recoverable,
        first(metrics.duration, metrics.total_duration, data.duration),
        metrics.tokens_used,
        first(metrics.cost, data.cost),
        info.stack,
        _details(last_checkpoint=data.last_checkpoint, provider_time=metrics.provider_time),
    )


def _task_cancelled(data: _TaskEnded) -> Fact | None:
    if data.task_id is None:
        return None
    metrics = data.metrics or _NO_METRICS
    return TaskCancelled(
        data.task_id,
        data.reason,
        data.cancelled_by,
        first(metrics.duration, metrics.total_duration),
        metrics.tokens_used,
        metrics.cost,
        _details(last_checkpoint=data.last_checkpoint, provider_time=metrics.provider_time),
    )


def _fallback(data: _Fallback) -> Fact | None:
    if data.task_id is None or data.to_provider is None:
        return None
    return TaskProviderChanged(data.task_id, data.to_provider, data.reason)


FACTS: dict[str, FactReader] = {
    "task.created": fact_reader(_TaskCreated, _task_created),
    "task.queued": fact_reader(_TaskCreated, _task_created),
    "task.started": fact_reader(_TaskStarted, _task_started),
    "task.progress": fact_reader(_TaskProgress, _task_progress),
    "task.output": fact_reader(_TaskOutput, _task_output),
    "task.paused": fact_reader(TaskEvent, _status(TaskStatus.PAUSED)),
    "task.resumed": fact_reader(TaskEvent, _status(TaskStatus.RUNNING)),
    "task.phase_changed": fact_reader(_TaskPhase, _phase_changed),
    "task.checkpoint": fact_reader(_Saved, _saved),
    "checkpoint.created": fact_reader(_Saved, _saved),
    "checkpoint.restored": fact_reader(_Saved, _restored),
    "task.completed": fact_reader(_TaskEnded, _task_completed),
    "task.failed": fact_reader(_TaskEnded, _task_failed),
    "task.cancelled": fact_reader(_TaskEnded, _task_cancelled),
    "provider.fallback_triggered": fact_reader(_Fallback, _fallback),
}
"""A reader of payloads for each event type."""

FACTS |= {
    prefix + event: fact_reader(_Subtask, _subtask(status))
    for prefix in ("task.subtask.", "subtask.")
    for event, status in (
        ("created", TaskStatus.PENDING),
        ("started", TaskStatus.RUNNING),
        ("completed", TaskStatus.COMPLETED),
        ("failed", TaskStatus.FAILED),
    )
}
