"""Handlers of facts beside the tasks: stages before a run, phases as a whole, a pipeline's metrics."""

from __future__ import annotations

from copy import copy

from runconsole.events import (
    PhaseReported,
    PhaseTold,
    PipelineReported,
    Received,
    StageReported,
    SubtaskReported,
    TaskStatus,
)
from runconsole.state.advance import advance, fill_unknown, infer_start, moment, note_error, set_known
from runconsole.state.executions import set_counters
from runconsole.state.records import put_alert, put_error
from runconsole.state.rows import FINISHED, OutputChunk, Phase, Task
from runconsole.state.state import URGENT, Effect, RunState, handles
from runconsole.state.tasks import report_subtask

_NEARLY_FULL, _FULL = 80.0, 100.0
"""Percentages of a model's context at which a person is warned."""


@handles(StageReported)
def stage_reported(state: RunState, fact: StageReported, event: Received) -> tuple[Effect, ...] | None:
    task = state.task(fact.stage)
    task.name = task.name or fact.name
    values = {
        "progress": fact.progress,
        "step": fact.step,
        "tokens": fact.tokens,
        "cost_usd": fact.cost_usd,
        "duration_s": fact.duration_s,
    }
    implied = TaskStatus.RUNNING if task.status is TaskStatus.PENDING else None
    if advance(task, fact.status or implied, event):
        set_known(task, **values)
        state.point_at(fact.stage, event)
    else:
        fill_unknown(task, **values)
    if task.status is TaskStatus.COMPLETED:
        task.progress = 100.0
    task.metered, task.billed = task.metered or fact.tokens is not None, task.billed or fact.cost_usd is not None
    note_error(task, fact.error, moment(event))
    _report_part(state, task, fact, event)
    infer_start(task)
    state.put_task(task)
    state.begin(task.started_at or moment(event))
    if fact.error is None:
        return None
    put_error(state, moment(event), once=True, message=fact.error, task_id=fact.stage, task_name=task.name)
    return URGENT


def _report_part(state: RunState, task: Task, fact: StageReported, event: Received) -> None:
    """Set the reported step.

    The next step, or the end of the stage, ends the steps before: no event of their own does.
    """
    if fact.part is not None or task.status in FINISHED:
        for known in list(state.subtasks.get(task.task_id, {}).values()):
            if known.status is TaskStatus.RUNNING and known.subtask_id != fact.part:
                status = task.status if task.status in FINISHED else TaskStatus.COMPLETED
                report_subtask(state, task, SubtaskReported(task.task_id, known.subtask_id, status), event)
    if fact.part is not None:
        report_subtask(state, task, SubtaskReported(task.task_id, fact.part, fact.part_status), event)


@handles(PhaseTold)
def phase_told(state: RunState, fact: PhaseTold, event: Received) -> None:
    state.is_execution = True
    _set_phase(state, fact.reported, event)
    state.begin(moment(event))


def _set_phase(state: RunState, reported: PhaseReported, event: Received) -> None:
    number = reported.number if reported.number is not None else _number_of(state, reported.name)
    phase = copy(state.phases.get(number) or Phase(number))
    merge = set_known if state.is_newest(f"phase {number}", event) else fill_unknown
    merge(phase, name=reported.name, tasks=reported.total, reported_status=reported.status, reported_done=reported.done)
    if phase.reported_status is TaskStatus.COMPLETED and phase.tasks is not None and not phase.counts:
        phase.reported_done = phase.tasks
    if phase.started_at is None:
        phase.started_at = moment(event)
    if phase.reported_status in FINISHED and phase.last_end is None:
        phase.last_end = moment(event)
    state.put_phase(phase)


def _number_of(state: RunState, name: str | None) -> int:
    """Return the number of the phase of this name; a new name takes the next number."""
    numbers = state.named_phases
    if not numbers:
        numbers |= {phase.name: number for number, phase in state.phases.items() if phase.name is not None}
    number = numbers.get(name or "")
    if number is None:
        number = numbers[name or ""] = state.phases.next_number()
    return number


@handles(PipelineReported)
def pipeline_reported(state: RunState, fact: PipelineReported, event: Received) -> tuple[Effect, ...] | None:
    at = moment(event)
    if fact.reported is not None:
        state.is_execution = True
        _set_phase(state, fact.reported, event)
    if fact.total_tasks is not None or fact.completed_tasks is not None:
        state.is_execution = True
        set_counters(state, fact, event)
    if state.is_newest("metrics", event):
        set_known(
            state,
            failed_tasks=fact.failed_tasks,
            tokens_used=fact.tokens,
            cost_usd=fact.cost_usd,
            current_task=fact.current_task,
        )
    if fact.line is not None:
        state.output.append(OutputChunk(at, None, "stderr" if fact.is_error else "stdout", fact.line, None, None))
        state.versions["output"] += 1
    state.versions["run"] += 1
    state.begin(at)
    return None if fact.context_percent is None else _context_used(state, fact.context_percent, at)


def _context_used(state: RunState, percent: float, at: int) -> tuple[Effect, ...] | None:
    """Warn once when a model's context is nearly full, and once when it is full."""
    if percent < _NEARLY_FULL:
        state.context_warned = 0.0
        return None
    reached = _FULL if percent >= _FULL else _NEARLY_FULL
    if reached <= state.context_warned:
        return None
    state.context_warned = reached
    text = "The model's context is full" if reached == _FULL else f"The model's context is nearly full: {percent:.0f} %"
    put_alert(state, "warning", text, at)
    return URGENT
