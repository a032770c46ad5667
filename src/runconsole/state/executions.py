"""Handlers of facts about executions: the run's counters, phases, waves."""

from __future__ import annotations

from copy import copy
from typing import Protocol

from runconsole.events import ExecutionCompleted, ExecutionStarted, Received, TaskReported, TaskStatus, WaveCompleted
from runconsole.state.advance import advance, fill_unknown, infer_start, moment, note_error, set_known
from runconsole.state.checkpoints import close_checkpoints
from runconsole.state.ordering import is_before
from runconsole.state.records import put_artifact
from runconsole.state.rows import FINISHED, Phase, Task, Wave
from runconsole.state.state import Effect, RunState, handles
from runconsole.state.tasks import end_of_task, report_subtasks

_MOST_WAVES = 10_000
_RUN_STATUS = {
    "success": TaskStatus.COMPLETED,
    "completed": TaskStatus.COMPLETED,
    "complete": TaskStatus.COMPLETED,
    "partial_success": "partial",
    "partial": "partial",
    "failed": TaskStatus.FAILED,
    "error": TaskStatus.FAILED,
    "cancelled": TaskStatus.CANCELLED,
    "canceled": TaskStatus.CANCELLED,
}


@handles(ExecutionStarted)
def execution_started(state: RunState, fact: ExecutionStarted, event: Received) -> None:
    state.is_execution = True
    set_fields = set_known if state.is_newest("plan", event) else fill_unknown
    beside = None if event.beside is None else event.beside.execution
    set_fields(state, execution_id=fact.execution_id or beside, estimated_duration_s=fact.estimated_duration_s)
    fill_unknown(  # a console's own options come first
        state,
        title=fact.title,
        token_budget=fact.token_budget,
        cost_limit=fact.cost_limit,
        expected_artifacts=fact.expected_artifacts,
    )
    if state.counters_at is None:
        set_fields(state, total_tasks=fact.total_tasks)
    if state.completed_tasks is None:
        state.completed_tasks = 0
    for plan in fact.phases:
        phase = copy(state.phases.get(plan.number) or Phase(plan.number))
        set_fields(phase, name=plan.name, tasks=plan.tasks)
        fill_unknown(phase, reported_status=plan.status)
        state.phases[plan.number] = phase
    state.versions["phases"] += 1
    state.versions["run"] += 1
    state.begin(moment(event))


@handles(TaskReported)
def task_reported(state: RunState, fact: TaskReported, event: Received) -> tuple[Effect, ...] | None:
    # Hot path: calls are guarded inline.
    state.is_execution = True
    begun = moment(event)
    if state.started_at is None or begun < state.started_at:
        state.begin(begun)
    set_counters(state, fact, event)
    wave = fact.wave
    if wave is not None and (state.current_wave is None or wave > state.current_wave):
        _reach_wave(state, wave)
    task_id = fact.task_id
    if task_id is None:
        return None
    task = state.task(task_id)
    if advance(task, fact.status, event):
        _set_task(task, fact)
        if fact.status_word is not None:
            task.step = fact.status_word
            state.warn_of_status(fact.status_word, event)
        state.point_at(task_id, event)
    else:
        fill_unknown(task, name=fact.task_name, phase=fact.phase, phase_name=fact.phase_name, wave=wave)
    started_at = task.started_at
    if started_at is None:
        infer_start(task)
        started_at = task.started_at
    if started_at is not None and started_at < state.started_at:  # type: ignore[operator]  # begun above
        state.begin(started_at)
    if fact.subtask_status or fact.error is not None:
        _set_details(state, task, fact, event)
    state.put_task(task)
    for path in fact.files:
        put_artifact(state, path, begun, kind="file", task_id=task_id, action="created")
    effects = end_of_task(state, task, event) if task.status in FINISHED else None
    return _end_by_count(state, event) if fact.is_last else effects


def _end_by_count(state: RunState, event: Received) -> tuple[Effect, ...]:
    """End a run whose counters are the only sign of its end."""
    failed, cancelled = state.counts[TaskStatus.FAILED], state.counts[TaskStatus.CANCELLED]
    state.reported_status = "partial" if failed else TaskStatus.COMPLETED
    if not failed and not cancelled:
        _complete_parts(state)
    close_checkpoints(state, None, "the run has ended")
    return state.finish(moment(event))


def _set_task(task: Task, fact: TaskReported) -> None:
    """Set the task's reported fields; `set_known` without its loop, on the hottest path."""
    if fact.task_name is not None:
        task.name = fact.task_name
    if fact.phase is not None:
        task.phase = fact.phase
    if fact.phase_name is not None:
        task.phase_name = fact.phase_name
    if fact.wave is not None:
        task.wave = fact.wave
    if fact.duration_s is not None:
        task.duration_s = fact.duration_s
    if task.status is TaskStatus.COMPLETED:
        task.progress = 100.0


def _set_details(state: RunState, task: Task, fact: TaskReported, event: Received) -> None:
    """Set the fields that few events report."""
    if fact.subtask_status:
        report_subtasks(state, task, fact.subtask_status, event)
    if fact.error is not None:
        note_error(task, fact.error, moment(event))


class _Counters(Protocol):
    """The run's counters in an event."""

    @property
    def total_tasks(self) -> int | None: ...
    @property
    def completed_tasks(self) -> int | None: ...
    @property
    def percent(self) -> float | None: ...
    @property
    def current_task(self) -> str | None: ...


def set_counters(state: RunState, fact: _Counters, event: Received) -> None:
    """Set the run's counters. A smaller count holds only if its event is newer by the server's own clock."""
    at, known_at = event.timestamp, state.counters_at
    in_order = False
    if at is not None:
        if known_at is not None and at != known_at:
            if at < known_at and is_before(at, known_at):
                return
            in_order = True
        state.counters_at = at
    if fact.total_tasks is not None:
        state.total_tasks = fact.total_tasks
    completed = fact.completed_tasks
    if completed is None:
        if fact.percent is not None:
            state.reported_percent = fact.percent
    elif in_order or completed >= (state.completed_tasks or 0):
        state.completed_tasks = completed
        state.reported_percent = fact.percent
    if fact.current_task is not None:
        state.point_at(fact.current_task, event)
    state.versions["run"] += 1


def _reach_wave(state: RunState, number: int) -> None:
    """Add the waves from 1 to the current one; a number beyond `_MOST_WAVES` counts no waves, and adds one."""
    current = state.current_wave
    if current is not None and number <= current:
        return
    state.current_wave = number
    unknown = min(1, number) if current is None else max(current + 1, min(1, number))
    for wave in range(unknown if number <= _MOST_WAVES else number, number + 1):
        state.waves.setdefault(wave, Wave(wave))
    state.versions["waves"] += 1


@handles(WaveCompleted)
def wave_completed(state: RunState, fact: WaveCompleted, event: Received) -> None:
    state.is_execution = True
    _reach_wave(state, fact.wave)
    wave = copy(state.waves.get(fact.wave) or Wave(fact.wave))
    values = {
        "atoms": fact.atoms,
        "atoms_completed": fact.atoms_completed,
        "failed": fact.failed,
        "success_rate": fact.success_rate,
        "artifacts": fact.artifacts,
        "duration_s": fact.duration_s,
    }
    if not is_before(moment(event), wave.last_event_at):
        wave.last_event_at = moment(event)
        set_known(wave, **values)
    else:
        fill_unknown(wave, **values)
    if wave.success_rate is None and wave.atoms and wave.atoms_completed is not None:
        wave.success_rate = wave.atoms_completed / wave.atoms
    wave.status = TaskStatus.COMPLETED
    if wave.completed_at is None:
        wave.completed_at = moment(event)
    state.waves[fact.wave] = wave
    state.versions["waves"] += 1


@handles(ExecutionCompleted)
def execution_completed(state: RunState, fact: ExecutionCompleted, event: Received) -> tuple[Effect, ...]:
    state.is_execution = True
    state.reported_status = _RUN_STATUS.get((fact.status or "completed").lower(), TaskStatus.COMPLETED)
    set_known(
        state,
        execution_id=fact.execution_id,
        total_tasks=fact.total_tasks,
        completed_tasks=fact.completed_tasks,
        failed_tasks=fact.failed_tasks,
        skipped_tasks=fact.skipped_tasks,
        duration_s=fact.duration_s,
        reported_artifacts=fact.artifacts,
        tokens_used=fact.tokens_used,
        cost_usd=fact.cost_usd,
        counters_at=event.timestamp,
    )
    state.versions["run"] += 1
    if state.reported_status is TaskStatus.COMPLETED:
        _complete_parts(state)
    close_checkpoints(state, None, "the run has ended")
    return state.finish(moment(event))


def _complete_parts(state: RunState) -> None:
    """Complete every wave and phase of a run that ended well, if no event has completed it."""
    for wave in state.waves.values():
        if wave.status is TaskStatus.RUNNING:
            state.waves[wave.wave] = done = copy(wave)
            done.status = TaskStatus.COMPLETED
    for phase in state.phases.values():
        state.phases[phase.phase] = whole = copy(phase)
        whole.reported_status = TaskStatus.COMPLETED
    state.versions["waves"] += 1
    state.versions["phases"] += 1
