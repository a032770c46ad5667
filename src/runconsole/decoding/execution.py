"""The execution family: payloads to facts. Durations arrive in milliseconds.

Each struct holds the documented names, and further names in use for the same field (`docs/protocols/execution.md`).
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from runconsole.decoding.payload import FactReader, Whole, fact_reader, first, loads_encodable, salvage, seconds
from runconsole.decoding.words import words_of
from runconsole.events import (
    Alert,
    ArtifactCreated,
    ErrorReported,
    ExecutionCompleted,
    ExecutionStarted,
    Fact,
    PhasePlan,
    TaskReported,
    TaskStatus,
    WaveCompleted,
)
from runconsole.statuses import STATUS_OF, read_status, unknown_status

__all__ = ["FACTS"]


class _PlannedPhase(Struct):
    number: Whole | None = None
    phase: Whole | None = None
    name: str | None = None
    phase_name: str | None = None
    tasks: Whole | None = None
    task_count: Whole | None = None
    status: str | None = None


class _ExecutionStarted(Struct):
    execution_id: str | None = None
    title: str | None = None
    token_budget: Whole | None = None
    cost_limit: float | None = None
    expected_artifacts: Whole | None = None
    total_tasks: Whole | None = None
    total_atoms: Whole | None = None
    estimated_duration_ms: float | None = None
    phases: list[_PlannedPhase] | None = None


class _ProgressUpdate(Struct, gc=False):
    task_id: str | None = None
    task_name: str | None = None
    phase: Whole | None = None
    phase_name: str | None = None
    status: str | None = None
    progress: float | None = None
    progress_percent: float | None = None
    completed_tasks: Whole | None = None
    total_tasks: Whole | None = None
    current_wave: Whole | None = None
    duration_ms: float | None = None
    subtask_status: dict[str, str] | None = None
    current_task: str | None = None
    completed: Whole | None = None
    total: Whole | None = None
    error: Any = None
    message: Any = None


class _WaveCompleted(Struct):
    wave_number: Whole | None = None
    wave: Whole | None = None
    atoms_in_wave: Whole | None = None
    tasks_in_wave: Whole | None = None
    atoms_completed: Whole | None = None
    successful_tasks: Whole | None = None
    failed_tasks: Whole | None = None
    artifacts_created: Whole | None = None
    duration_ms: float | None = None
    success_rate: float | None = None


class _ArtifactMetadata(Struct):
    language: str | None = None


class _ArtifactCreated(Struct):
    path: str | None = None
    file_path: str | None = None
    artifact_name: str | None = None
    size: Whole | None = None
    size_bytes: Whole | None = None
    type: str | None = None
    artifact_type: str | None = None
    language: str | None = None
    metadata: _ArtifactMetadata | None = None
    task_id: str | None = None
    artifact_id: str | None = None


class _Error(Struct):
    task_id: str | None = None
    atom_id: str | None = None
    task_name: str | None = None
    message: str | None = None
    error_message: str | None = None
    error_type: str | None = None
    recoverable: bool | None = None
    retry_attempt: Whole | None = None
    retry_count: Whole | None = None
    max_retries: Whole | None = None
    stack_trace: str | None = None


class _FinalStats(Struct):
    total_tasks: Whole | None = None
    completed_tasks: Whole | None = None
    failed_tasks: Whole | None = None
    skipped_tasks: Whole | None = None
    artifacts_created: Whole | None = None
    tokens_used: Whole | None = None
    total_tokens: Whole | None = None
    cost_usd: float | None = None
    total_cost: float | None = None


class _ExecutionCompleted(_FinalStats):
    execution_id: str | None = None
    status: str | None = None
    duration_ms: float | None = None
    total_duration_ms: float | None = None
    final_stats: _FinalStats | None = None


def _phase_plan(phase: _PlannedPhase, position: int) -> PhasePlan:
    return PhasePlan(
        number=first(phase.number, phase.phase, position),
        name=first(phase.name, phase.phase_name),
        tasks=first(phase.tasks, phase.task_count),
        status=read_status(phase.status),
    )


def _execution_started(data: _ExecutionStarted) -> ExecutionStarted:
    return ExecutionStarted(
        execution_id=data.execution_id,
        total_tasks=data.total_tasks,
        total_atoms=data.total_atoms,
        estimated_duration_s=seconds(data.estimated_duration_ms),
        phases=tuple(_phase_plan(phase, position) for position, phase in enumerate(data.phases or ())),
        title=data.title,
        token_budget=data.token_budget,
        cost_limit=data.cost_limit,
        expected_artifacts=data.expected_artifacts,
    )


def _progress_update(data: _ProgressUpdate) -> TaskReported:
    completed = data.completed_tasks if data.completed_tasks is not None else data.completed
    progress = data.progress
    if completed is None and progress is not None and data.progress_percent is not None and abs(progress) < 2**53:
        completed = int(progress)  # documented: `progress` is the same counter
    duration = data.duration_ms
    status = STATUS_OF.get(data.status) or read_status(data.status)
    # Positional: the hottest constructor of the family. The order is `TaskReported`'s.
    fact = TaskReported(
        data.task_id,
        data.task_name,
        data.phase,
        data.phase_name,
        status,
        data.current_wave,
        None if duration is None else duration / 1000,
        completed,
        data.total_tasks if data.total_tasks is not None else data.total,
        data.progress_percent,
        data.current_task,
        data.subtask_status,
        None if status is not None or data.status is None else unknown_status(data.status),
    )
    if status is not TaskStatus.FAILED:
        return fact
    words = first(words_of(data.error), words_of(data.message))
    return fact if words is None else msgspec.structs.replace(fact, error=words)


def _wave_completed(data: _WaveCompleted) -> WaveCompleted | None:
    number = first(data.wave_number, data.wave)
    if number is None:
        return None
    return WaveCompleted(
        wave=number,
        atoms=first(data.atoms_in_wave, data.tasks_in_wave),
        atoms_completed=first(data.atoms_completed, data.successful_tasks),
        failed=data.failed_tasks,
        success_rate=data.success_rate,
        artifacts=data.artifacts_created,
        duration_s=seconds(data.duration_ms),
    )


def _artifact_created(data: _ArtifactCreated) -> ArtifactCreated | None:
    path = first(data.path, data.file_path, data.artifact_name)
    if path is None:
        return None
    return ArtifactCreated(
        path=path,
        size=first(data.size, data.size_bytes),
        kind=first(data.type, data.artifact_type),
        language=first(data.language, data.metadata and data.metadata.language),
        task_id=data.task_id,
        action="created",
    )


def _error(data: _Error) -> Fact | None:
    message = first(data.message or None, data.error_message or None)
    if message is None and data.error_type is None:
        return None
    return ErrorReported(
        message=message or data.error_type or "",
        task_id=data.task_id,
        task_name=data.task_name,
        error_type=data.error_type,
        recoverable=data.recoverable,
        attempt=first(data.retry_attempt, data.retry_count),
        max_retries=data.max_retries,
        stack=data.stack_trace,
    )


_read_known_error = fact_reader(_Error, _error)


def _read_error(text: str) -> Fact | None:
    """Return the error of documented form, else the words of an error in any other form."""
    known = _read_known_error(text)
    if known is not None and not (isinstance(known, ErrorReported) and known.message == known.error_type):
        return known
    try:
        value = loads_encodable(text)
    except ValueError:
        return known
    words = words_of(value)
    if words is None:
        return known
    if isinstance(known, ErrorReported):
        return msgspec.structs.replace(known, message=words)
    data = salvage(value, _Error) or _Error()
    task = value.get("taskId") if isinstance(value, dict) else None
    code = value.get("code") if isinstance(value, dict) else None
    return ErrorReported(
        words,
        first(data.task_id, task if isinstance(task, str) else None),
        data.task_name,
        first(data.error_type, code if isinstance(code, str) else None),
        data.recoverable,
        first(data.retry_attempt, data.retry_count),
        data.max_retries,
        data.stack_trace,
    )


def _execution_completed(data: _ExecutionCompleted) -> ExecutionCompleted:
    final = data.final_stats or _FinalStats()
    return ExecutionCompleted(
        status=data.status,
        execution_id=data.execution_id,
        total_tasks=first(data.total_tasks, final.total_tasks),
        completed_tasks=first(data.completed_tasks, final.completed_tasks),
        failed_tasks=first(data.failed_tasks, final.failed_tasks),
        skipped_tasks=first(data.skipped_tasks, final.skipped_tasks),
        duration_s=seconds(first(data.duration_ms, data.total_duration_ms)),
        artifacts=first(data.artifacts_created, final.artifacts_created),
        tokens_used=first(data.tokens_used, data.total_tokens, final.tokens_used, final.total_tokens),
        cost_usd=first(data.cost_usd, data.total_cost, final.cost_usd, final.total_cost),
    )


def refusal(message: str) -> Alert:
    """Return the fact of a bare ``{"message": …}``: the server refused a request; no task failed."""
    return Alert(level="error", text=message)


FACTS: dict[str, FactReader] = {
    "execution_started": fact_reader(_ExecutionStarted, _execution_started),
    "progress_update": fact_reader(_ProgressUpdate, _progress_update),
    "wave_completed": fact_reader(_WaveCompleted, _wave_completed),
    "artifact_created": fact_reader(_ArtifactCreated, _artifact_created),
    "error": _read_error,
    "execution_completed": fact_reader(_ExecutionCompleted, _execution_completed),
}
"""A reader of payloads for each event type."""
