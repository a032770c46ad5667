"""The execution family's pipeline events: generation stages, executions of a master plan, a pipeline's own console.

The backend of the execution family emits three more kinds of events, as flat data and mostly without a timestamp:

* the stages before an execution (``discovery_*``, ``masterplan_*``): generation with a percent, tokens and cost;
* the execution of a master plan (``masterplan_execution_start``, ``task_execution_progress``, …), which ends without an
  event of its own when its completed tasks reach their total;
* the events for its terminal console (``phase_started``, ``pipeline_update``, ``approval_request``, …).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from msgspec import Struct

from runconsole.decoding.payload import FactReader, Whole, fact_reader, first
from runconsole.events import (
    CheckpointOpened,
    CheckpointOption,
    CheckpointSaved,
    ErrorReported,
    ExecutionStarted,
    Fact,
    PhaseReported,
    PhaseTold,
    PipelineReported,
    StageReported,
    TaskOutput,
    TaskReported,
    TaskStatus,
)
from runconsole.statuses import read_status

__all__ = ["APPROVAL", "FACTS", "read_stage"]

APPROVAL = "approval_request"
"""The event of a question."""
_APPROVAL_RESPONSE = "approval_response"
"""The command of its answer."""


# ---- executions of a master plan -----------------------------------------------------------------------------------


class _PlanStarted(Struct):
    masterplan_id: str | None = None
    total_tasks: Whole | None = None


class _PlanTask(Struct):
    task_id: str | None = None
    description: str | None = None
    status: str | None = None
    output_files: tuple[str, ...] = ()
    completed_tasks: Whole | None = None
    total_tasks: Whole | None = None


def _plan_started(data: _PlanStarted) -> Fact:
    return ExecutionStarted(execution_id=data.masterplan_id, total_tasks=data.total_tasks)


def _plan_task(default: TaskStatus) -> Callable[[_PlanTask], Fact]:
    def meaning(data: _PlanTask) -> Fact:
        completed, total = data.completed_tasks, data.total_tasks
        return TaskReported(
            task_id=data.task_id,
            task_name=data.description,
            status=read_status(data.status) or default,
            completed_tasks=completed,
            total_tasks=total,
            files=data.output_files,
            is_last=completed is not None and total is not None and completed >= total > 0,
        )

    return meaning


# ---- stages before an execution ------------------------------------------------------------------------------------


class _Stage(Struct):
    percentage: float | None = None
    tokens_received: Whole | None = None
    estimated_total: Whole | None = None
    current_phase: str | None = None
    type: str | None = None
    count: Whole | None = None
    name: str | None = None
    entity_type: str | None = None
    from_entity: str | None = None
    to_entity: str | None = None
    pattern: str | None = None
    current_operation: str | None = None
    phase: str | None = None
    project_name: str | None = None
    generation_cost_usd: float | None = None
    duration_seconds: float | None = None
    message: str | None = None
    error: str | None = None


_STAGES = {"discovery": "Discovery", "masterplan": "Master plan"}
_WORDS: dict[str, TaskStatus | None] = {
    "start": TaskStatus.RUNNING,
    "started": TaskStatus.RUNNING,
    "progress": None,
    "streaming": None,
    "discovered": None,
    "found": None,
    "detected": None,
    "complete": TaskStatus.COMPLETED,
    "completed": TaskStatus.COMPLETED,
    "failed": TaskStatus.FAILED,
    "error": TaskStatus.FAILED,
    "cancelled": TaskStatus.CANCELLED,
}
"""The status of a stage by the last word of its event."""
_WHOLE = "generation"
"""The part of an event's name that stands for the stage as a whole."""
_NOTES = frozenset({"tokens", "entity", "relationship", "pattern", "phase"})
"""Parts of a name that report on the stage and are no step of it."""


_SHORT = {"streaming_progress": "discovery_tokens_progress"}
"""Events with the fields of another event, under a name that does not contain their stage."""


@lru_cache(maxsize=256)
def read_stage(kind: str) -> FactReader | None:
    """Return the reader of a stage's event (``masterplan_tokens_progress``); None where `kind` is no such event."""
    family, _, rest = _SHORT.get(kind, kind).partition("_")
    part, _, word = rest.rpartition("_")
    if family not in _STAGES or word not in _WORDS or not part:
        return None
    status = _WORDS[word]

    def meaning(data: _Stage) -> Fact:
        whole = part == _WHOLE or part in _NOTES
        return StageReported(
            stage=f"{family}_{_WHOLE}",
            name=f"{_STAGES[family]} {_WHOLE}",
            status=status if part == _WHOLE else None,
            progress=data.percentage,
            step=_step(data) if whole else None,
            part=None if whole else part,
            part_status=status,
            tokens=data.tokens_received,
            cost_usd=data.generation_cost_usd,
            duration_s=data.duration_seconds,
            error=first(data.error, data.message) if status is TaskStatus.FAILED else None,
        )

    return fact_reader(_Stage, meaning)


def _step(data: _Stage) -> str | None:
    found: str | None = first(data.current_phase, data.current_operation or None, data.phase, data.pattern)
    if found is not None:
        return found
    if data.from_entity is not None and data.to_entity is not None:
        return f"{data.from_entity} → {data.to_entity}"
    kind = first(data.type, data.entity_type)
    if kind is None:
        return data.project_name
    found = kind.replace("_", " ") if data.count is None else f"{kind.replace('_', ' ')} {data.count}"
    return f"{found}: {data.name}" if data.name else found


# ---- what a pipeline's own console listens to ----------------------------------------------------------------------


class _Phase(Struct):
    phase: Whole | str | None = None
    name: str | None = None
    success: bool | None = None


class _PipelineMetrics(Struct):
    llm_tokens: Whole | None = None
    llm_cost: float | None = None


class _Pipeline(Struct):
    phase: Whole | str | None = None
    name: str | None = None
    progress: float | None = None
    total: Whole | None = None
    phase_status: str | None = None
    current_task: str | None = None
    message: str | None = None
    level: str | None = None
    total_tasks: Whole | None = None
    completed_tasks: Whole | None = None
    failed_tasks: Whole | None = None
    metrics: _PipelineMetrics | None = None


class _Test(Struct):
    test_name: str | None = None
    passed: bool | None = None
    message: str | None = None


class _Log(Struct):
    level: str | None = None
    message: str | None = None
    source: str | None = None


class _Context(Struct):
    usage_percentage: float | None = None
    total_tokens: Whole | None = None


class _Snapshot(Struct):
    snapshot_id: str | None = None
    name: str | None = None


class _Operation(Struct):
    file: str | None = None
    operation: str | None = None
    preview: str | None = None
    diff: str | None = None


class _Approval(Struct):
    batch_id: str | None = None
    operations: tuple[_Operation, ...] = ()
    message: str | None = None


_LOUD = frozenset({"error", "critical", "fatal", "warning", "warn"})
_APPROVE = (CheckpointOption("approve", "Approve"), CheckpointOption("reject", "Reject"))


def _phase(status: TaskStatus) -> Callable[[_Phase], Fact | None]:
    def meaning(data: _Phase) -> Fact | None:
        if data.phase is None and data.name is None:
            return None
        reported = TaskStatus.FAILED if data.success is False else status
        number, name = (data.phase, data.name) if isinstance(data.phase, int) else (None, first(data.name, data.phase))
        return PhaseTold(PhaseReported(number, name, reported))

    return meaning


def _pipeline(data: _Pipeline) -> Fact:
    phase = None
    if data.phase is not None:
        number, name = (data.phase, data.name) if isinstance(data.phase, int) else (None, data.phase)
        done = None if data.progress is None else int(data.progress)
        phase = PhaseReported(number, name, read_status(data.phase_status), done, data.total)
    metrics = data.metrics or _PipelineMetrics()
    return PipelineReported(
        reported=phase,
        current_task=data.current_task,
        total_tasks=data.total_tasks,
        completed_tasks=data.completed_tasks,
        failed_tasks=data.failed_tasks,
        tokens=metrics.llm_tokens,
        cost_usd=metrics.llm_cost,
        line=_line(data.message),
        is_error=(data.level or "").lower() in _LOUD,
    )


def _line(message: str | None) -> str | None:
    return message if message is None or message.endswith("\n") else message + "\n"


def _test(data: _Test) -> Fact | None:
    if data.test_name is None:
        return None
    if data.passed is False:
        why = f": {data.message}" if data.message else ""
        return ErrorReported(f"test {data.test_name} failed{why}", error_type="test")
    return TaskOutput(None, "stdout", f"test {data.test_name} {'passed' if data.passed else 'ended'}\n")


def _log(data: _Log) -> Fact | None:
    line = _line(data.message)
    if line is None:
        return None
    return TaskOutput(None, "stderr" if (data.level or "").lower() in _LOUD else "stdout", line, data.source)


def _context(data: _Context) -> Fact | None:
    if data.usage_percentage is None:
        return None
    return PipelineReported(context_percent=data.usage_percentage)


def _snapshot(data: _Snapshot) -> Fact | None:
    return None if data.snapshot_id is None else CheckpointSaved(None, data.snapshot_id, "snapshot", data.name)


def _approval(data: _Approval) -> Fact | None:
    if data.batch_id is None:
        return None
    count = len(data.operations)
    return CheckpointOpened(
        data.batch_id,
        kind=APPROVAL,
        title=data.message or f"Approve {count} file {'operation' if count == 1 else 'operations'}?",
        options=_APPROVE,
        context={"changes": [_change(operation) for operation in data.operations]},
        command=_APPROVAL_RESPONSE,
    )


def _change(operation: _Operation) -> dict[str, str]:
    fields = {
        "action": operation.operation,
        "path": operation.file,
        "diff": operation.diff,
        "preview": operation.preview,
    }
    return {name: value for name, value in fields.items() if value is not None}


FACTS: dict[str, FactReader] = {
    "masterplan_execution_start": fact_reader(_PlanStarted, _plan_started),
    "task_execution_progress": fact_reader(_PlanTask, _plan_task(TaskStatus.RUNNING)),
    "task_execution_complete": fact_reader(_PlanTask, _plan_task(TaskStatus.COMPLETED)),
    "phase_started": fact_reader(_Phase, _phase(TaskStatus.RUNNING)),
    "phase_completed": fact_reader(_Phase, _phase(TaskStatus.COMPLETED)),
    "pipeline_update": fact_reader(_Pipeline, _pipeline),
    "test_result": fact_reader(_Test, _test),
    "log_message": fact_reader(_Log, _log),
    "context_update": fact_reader(_Context, _context),
    "snapshot_created": fact_reader(_Snapshot, _snapshot),
    APPROVAL: fact_reader(_Approval, _approval),
}
"""A reader of payloads for each event type."""
