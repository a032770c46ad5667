"""The task family (seed 2) and the rest of ado's specification: payloads to facts. Durations arrive in seconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from msgspec import Raw, Struct

from runconsole.events import (
    AgentCompleted,
    Alert,
    ArtifactCreated,
    CheckpointSaved,
    ErrorReported,
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
)
from runconsole.wire.payload import Whole, first, read_status, read_time, reader

__all__ = ["FACTS", "LOGGED_FAMILIES", "Tagged", "read_tags"]

LOGGED_FAMILIES = ("agent.", "worker.", "provider.", "system.", "cost.")
"""Families that ado's specification names: an event of theirs with no meaning of its own is a row of the log."""


class Tagged(Struct):
    """The task an event belongs to, in either family's spelling."""

    taskId: str | None = None  # noqa: N815 - the wire's name
    task_id: str | None = None


read_tags = reader(Tagged)


class _TaskEvent(Struct, rename="camel"):
    task_id: str | None = None


class _TaskCreated(_TaskEvent, rename="camel"):
    prompt: str | None = None
    task_type: str | None = None
    queue_position: Whole | None = None
    estimated_start: str | float | None = None


class _TaskStarted(_TaskEvent, rename="camel"):
    worker_id: str | None = None
    provider_id: str | None = None
    access_mode: str | None = None


class _ProgressSubtask(Struct):
    id: str | None = None
    name: str | None = None
    progress: float | None = None
    status: str | None = None


class _Metrics(Struct, rename="camel"):
    elapsed: float | None = None
    estimated_remaining: float | None = None
    duration: float | None = None
    total_duration: float | None = None
    tokens_used: Whole | None = None
    cost: float | None = None


_NO_METRICS = _Metrics()


class _TaskProgress(_TaskEvent, rename="camel"):
    progress: float | None = None
    current_step: str | None = None
    status: str | None = None
    phase: str | None = None
    subtask: _ProgressSubtask | None = None
    metrics: _Metrics | None = None


class _TaskOutput(_TaskEvent, rename="camel"):
    stream: str | None = None
    data: str | None = None
    worker_id: str | None = None
    agent_id: str | None = None


class _ErrorInfo(Struct):
    code: str | None = None
    type: str | None = None
    name: str | None = None
    message: str | None = None
    recoverable: bool | None = None
    stack: str | None = None


class _Subtask(_TaskEvent, rename="camel"):
    subtask_id: str | None = None
    id: str | None = None
    name: str | None = None
    title: str | None = None
    description: str | None = None
    progress: float | None = None
    duration: float | None = None
    agent_id: str | None = None
    artifacts: tuple[str, ...] = ()
    error: _ErrorInfo | str | None = None


class _TaskPhase(_TaskEvent, rename="camel"):
    previous_phase: str | None = None
    new_phase: str | None = None
    phase: str | None = None


class _Saved(_TaskEvent, rename="camel"):
    checkpoint_id: str | None = None
    type: str | None = None
    reason: str | None = None


class _Result(Struct, rename="camel"):
    files_created: tuple[str, ...] = ()
    files_modified: tuple[str, ...] = ()
    files_deleted: tuple[str, ...] = ()


class _TaskEnded(_TaskEvent, rename="camel"):
    result: _Result | None = None
    error: _ErrorInfo | str | None = None
    metrics: _Metrics | None = None
    reason: str | None = None
    cancelled_by: str | None = None


class _File(Struct, rename="camel"):
    path: str | None = None
    file_path: str | None = None
    action: str | None = None
    change_type: str | None = None
    operation: str | None = None
    size: Whole | None = None
    language: str | None = None


class _FileChange(_File, rename="camel"):
    task_id: str | None = None
    file: _File | str | None = None


class _AgentEvent(_TaskEvent, rename="camel"):
    agent_id: str | None = None
    error: _ErrorInfo | str | None = None
    message: str | None = None
    code: str | None = None
    recoverable: bool | None = None
    action: str | None = None
    attempt: Whole | None = None
    max_retries: Whole | None = None
    metrics: _Metrics | None = None
    tokens_used: Whole | None = None
    cost: float | None = None


class _Alert(Struct, rename="camel"):
    level: str | None = None
    severity: str | None = None
    title: str | None = None
    message: str | None = None
    current: float | None = None
    threshold: float | None = None
    percentage: float | None = None


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
    part, metrics = data.subtask, data.metrics or _NO_METRICS
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


def _message(error: _ErrorInfo | str | None) -> str | None:
    return error.message if isinstance(error, _ErrorInfo) else error


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
            _message(data.error),
            data.artifacts,
        )

    return meaning


def _status(status: TaskStatus) -> Callable[[_TaskEvent], Fact | None]:
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
    result, metrics = data.result or _Result(), data.metrics or _NO_METRICS
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
    error, metrics = data.error, data.metrics or _NO_METRICS
    info = error if isinstance(error, _ErrorInfo) else _ErrorInfo()
    return TaskFailed(
        data.task_id,
        first(_message(error), data.reason, info.code, "failed"),
        info.code,
        info.recoverable,
        first(metrics.duration, metrics.total_duration),
        metrics.tokens_used,
        metrics.cost,
    )


def _task_cancelled(data: _TaskEnded) -> Fact | None:
    return None if data.task_id is None else TaskCancelled(data.task_id, data.reason, data.cancelled_by)


_ACTIONS = {"create": "created", "add": "created", "modify": "modified", "update": "modified", "delete": "deleted"}


def _file_change(data: _FileChange) -> Fact | None:
    file = data.file if isinstance(data.file, _File) else _File(path=data.file)
    path = first(data.path, data.file_path, file.path, file.file_path)
    if path is None:
        return None
    action = first(data.action, data.change_type, data.operation, file.action, file.change_type, file.operation)
    return ArtifactCreated(
        path,
        first(data.size, file.size),
        "file",
        first(data.language, file.language),
        data.task_id,
        _ACTIONS.get(action, action),
    )


def _agent_error(data: _AgentEvent) -> Fact | None:
    info = data.error if isinstance(data.error, _ErrorInfo) else _ErrorInfo()
    message = first(_message(data.error), data.message, info.code, data.code)
    if message is None:
        return None
    return ErrorReported(
        message,
        data.task_id,
        error_type=first(info.code, info.type, info.name, data.code),
        recoverable=first(info.recoverable, data.recoverable),
        attempt=data.attempt,
        max_retries=data.max_retries,
        stack=info.stack,
        action=data.action,
    )


def _agent_completed(data: _AgentEvent) -> Fact | None:
    if data.agent_id is None:
        return None
    metrics = data.metrics or _NO_METRICS
    return AgentCompleted(
        data.agent_id, data.task_id, first(metrics.tokens_used, data.tokens_used), first(metrics.cost, data.cost)
    )


def _alert(data: _Alert) -> Fact | None:
    text = ": ".join(part for part in (data.title, data.message) if part)
    return Alert(first(data.level, data.severity, "info"), text) if text else None


def _cost_threshold(data: _Alert) -> Fact:
    if data.message:
        return Alert("warning", data.message)
    if data.current is not None and data.threshold is not None:
        return Alert("warning", f"Cost ${data.current:,.2f} passed the threshold of ${data.threshold:,.2f}")
    share = f" ({data.percentage:g} %)" if data.percentage is not None else ""
    return Alert("warning", f"A cost threshold was passed{share}")


FACTS: dict[str, tuple[Callable[[Raw], Any], Callable[[Any], Fact | None]]] = {
    "task.created": (reader(_TaskCreated), _task_created),
    "task.queued": (reader(_TaskCreated), _task_created),
    "task.started": (reader(_TaskStarted), _task_started),
    "task.progress": (reader(_TaskProgress), _task_progress),
    "task.output": (reader(_TaskOutput), _task_output),
    "task.paused": (reader(_TaskEvent), _status(TaskStatus.PAUSED)),
    "task.resumed": (reader(_TaskEvent), _status(TaskStatus.RUNNING)),
    "task.phase_changed": (reader(_TaskPhase), _phase_changed),
    "task.checkpoint": (reader(_Saved), _saved),
    "checkpoint.created": (reader(_Saved), _saved),
    "checkpoint.restored": (reader(_Saved), _saved),
    "task.completed": (reader(_TaskEnded), _task_completed),
    "task.failed": (reader(_TaskEnded), _task_failed),
    "task.cancelled": (reader(_TaskEnded), _task_cancelled),
    "agent.file_change": (reader(_FileChange), _file_change),
    "agent.error": (reader(_AgentEvent), _agent_error),
    "agent.completed": (reader(_AgentEvent), _agent_completed),
    "system.alert": (reader(_Alert), _alert),
    "cost.threshold": (reader(_Alert), _cost_threshold),
}
"""For each event type: the reader of its payload, and the function that says what it means (None: nothing known)."""

FACTS |= {
    prefix + event: (reader(_Subtask), _subtask(status))
    for prefix in ("task.subtask.", "subtask.")
    for event, status in (
        ("created", TaskStatus.PENDING),
        ("started", TaskStatus.RUNNING),
        ("completed", TaskStatus.COMPLETED),
        ("failed", TaskStatus.FAILED),
    )
}
