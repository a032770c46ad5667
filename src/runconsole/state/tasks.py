"""Handlers of facts about tasks and subtasks."""

from __future__ import annotations

from copy import copy
from typing import Any

import msgspec

from runconsole.events import (
    Micros,
    Received,
    SubtaskReported,
    TaskCancelled,
    TaskCompleted,
    TaskCreated,
    TaskDetails,
    TaskFailed,
    TaskPhaseChanged,
    TaskProgressed,
    TaskProviderChanged,
    TaskStarted,
    TaskStatus,
    TaskStatusChanged,
)
from runconsole.state.advance import advance, fill_unknown, infer_start, moment, note_error, set_known
from runconsole.state.checkpoints import close_checkpoints
from runconsole.state.ordering import is_before
from runconsole.state.records import put_alert, put_artifact, put_error
from runconsole.state.rows import FINISHED, Subtask, Task
from runconsole.state.state import URGENT, Effect, RunState, handles
from runconsole.statuses import STATUS_OF, read_status


@handles(TaskCreated)
def task_created(state: RunState, fact: TaskCreated, event: Received) -> None:
    task = state.task(fact.task_id)
    fill_unknown(task, name=_title(fact.prompt))
    newest = task.status is TaskStatus.PENDING and advance(task, TaskStatus.PENDING, event)
    detail(task, fact.details, is_newest=newest)
    state.put_task(task)
    state.begin(moment(event))


def detail(task: Task, new: TaskDetails | None, *, is_newest: bool) -> None:
    """Merge rare details; a late event fills in only unknown ones."""
    if new is None:
        return
    known = task.details
    if known is None:
        task.details = new
        return
    first, second = (new, known) if is_newest else (known, new)
    task.details = TaskDetails(*map(_either, msgspec.structs.astuple(first), msgspec.structs.astuple(second)))


def _either(value: object, other: object) -> Any:
    return other if value is None else value


def _title(prompt: str | None) -> str | None:
    """Return a prompt's first line: a task has no other name in this family."""
    lines = (prompt or "").strip().splitlines()
    return lines[0].rstrip() if lines else None


@handles(TaskStarted)
def task_started(state: RunState, fact: TaskStarted, event: Received) -> None:
    task = state.task(fact.task_id)
    values = {"worker_id": fact.worker_id, "provider_id": fact.provider_id}
    newest = advance(task, TaskStatus.RUNNING, event)
    if newest:
        set_known(task, **values)
        state.point_at(fact.task_id, event)
    else:
        fill_unknown(task, **values)
    detail(task, fact.details, is_newest=newest)
    state.put_task(task)
    state.begin(moment(event))


@handles(TaskProviderChanged)
def task_provider_changed(state: RunState, fact: TaskProviderChanged, event: Received) -> tuple[Effect, ...]:
    task = state.task(fact.task_id)
    before = task.provider_id
    if advance(task, None, event):
        task.provider_id = fact.provider_id
    else:
        fill_unknown(task, provider_id=fact.provider_id)
    state.put_task(task)
    why = f" ({fact.reason.replace('_', ' ')})" if fact.reason else ""
    instead = f" instead of {before}" if before and before != fact.provider_id else ""
    put_alert(
        state, "info", f"{task.name or fact.task_id} goes on with {fact.provider_id}{instead}{why}", moment(event)
    )
    return URGENT


@handles(TaskStatusChanged)
def task_status_changed(state: RunState, fact: TaskStatusChanged, event: Received) -> None:
    task = state.task(fact.task_id)
    advance(task, fact.status, event)
    state.put_task(task)


@handles(TaskPhaseChanged)
def task_phase_changed(state: RunState, fact: TaskPhaseChanged, event: Received) -> None:
    task = state.task(fact.task_id)
    if advance(task, None, event):
        set_known(task, phase_name=fact.phase_name)
    else:
        fill_unknown(task, phase_name=fact.phase_name)
    state.put_task(task)


@handles(TaskProgressed)
def task_progressed(state: RunState, fact: TaskProgressed, event: Received) -> None:
    task = state.task(fact.task_id)
    values = {
        "progress": fact.progress,
        "step": fact.step if fact.step is not None else fact.status_word,
        "phase_name": fact.phase_name,
        "tokens": fact.tokens,
        "cost_usd": fact.cost_usd,
    }
    # Progress of a pending task means that it runs.
    implied = TaskStatus.RUNNING if task.status is TaskStatus.PENDING and fact.status_word is None else None
    if fact.status_word is not None:
        state.warn_of_status(fact.status_word, event)
    newest = advance(task, fact.status or implied, event)
    if newest:
        set_known(task, **values)
        state.point_at(fact.task_id, event)
    else:
        fill_unknown(task, **values)
    if fact.details is not None:
        detail(task, fact.details, is_newest=newest)
    if task.status is TaskStatus.COMPLETED:
        task.progress = 100.0
    task.metered, task.billed = task.metered or fact.tokens is not None, task.billed or fact.cost_usd is not None
    infer_start(task)
    if fact.subtask is not None:
        report_subtask(state, task, fact.subtask, event)
    state.put_task(task)
    state.begin(task.started_at or moment(event))


@handles(SubtaskReported)
def subtask_reported(state: RunState, fact: SubtaskReported, event: Received) -> None:
    task = state.task(fact.task_id)
    report_subtask(state, task, fact, event)
    state.put_task(task)
    for path in fact.artifacts:
        put_artifact(state, path, moment(event), kind="file", task_id=fact.task_id)


def report_subtask(state: RunState, task: Task, fact: SubtaskReported, event: Received) -> None:
    known = state.subtasks.setdefault(task.task_id, {})
    subtask = copy(known.get(fact.subtask_id) or Subtask(task.task_id, fact.subtask_id))
    implied = TaskStatus.RUNNING if subtask.status is TaskStatus.PENDING and fact.progress is not None else None
    values = {
        "name": fact.name,
        "description": fact.description,
        "progress": fact.progress,
        "duration_s": fact.duration_s,
        "agent_id": fact.agent_id,
        "error": fact.error,
    }
    if advance(subtask, fact.status or implied, event):
        set_known(subtask, **values)
    else:
        fill_unknown(subtask, **values)
    _put_subtask(state, task, subtask)


@handles(TaskCompleted)
def task_completed(state: RunState, fact: TaskCompleted, event: Received) -> tuple[Effect, ...]:
    effects = _end_task(state, fact, TaskStatus.COMPLETED, event)
    for paths, action in (
        (fact.files_created, "created"),
        (fact.files_modified, "modified"),
        (fact.files_deleted, "deleted"),
    ):
        for path in paths:
            put_artifact(state, path, moment(event), kind="file", task_id=fact.task_id, action=action)
    return effects


@handles(TaskFailed)
def task_failed(state: RunState, fact: TaskFailed, event: Received) -> tuple[Effect, ...]:
    known = state.tasks.get(fact.task_id)
    put_error(
        state,
        moment(event),
        once=True,  # a task fails once, in any number of events
        message=fact.message,
        task_id=fact.task_id,
        task_name=known.name if known else None,
        error_type=fact.code,
        recoverable=fact.recoverable,
        stack=fact.stack,
    )
    return _end_task(state, fact, TaskStatus.FAILED, event, error=fact.message)


@handles(TaskCancelled)
def task_cancelled(state: RunState, fact: TaskCancelled, event: Received) -> tuple[Effect, ...]:
    by = f" by {fact.cancelled_by}" if fact.cancelled_by else ""
    why = f": {fact.reason}" if fact.reason else ""
    return _end_task(state, fact, TaskStatus.CANCELLED, event, error=f"cancelled{by}{why}")


def _end_task(
    state: RunState,
    fact: TaskCompleted | TaskFailed | TaskCancelled,
    status: TaskStatus,
    event: Received,
    *,
    error: str | None = None,
) -> tuple[Effect, ...]:
    task = state.task(fact.task_id)
    values = {"duration_s": fact.duration_s, "tokens": fact.tokens, "cost_usd": fact.cost_usd}
    task.metered, task.billed = task.metered or fact.tokens is not None, task.billed or fact.cost_usd is not None
    note_error(task, error, moment(event))
    newest = advance(task, status, event)
    if newest:
        set_known(task, **values)
        if status is TaskStatus.COMPLETED:
            task.progress = 100.0
    else:
        fill_unknown(task, **values)
    detail(task, fact.details, is_newest=newest)
    infer_start(task)
    state.put_task(task)
    state.begin(task.started_at or moment(event))
    return end_of_task(state, task, event)


def end_of_task(state: RunState, task: Task, event: Received) -> tuple[Effect, ...]:
    """Close the open questions of an ended task; the end of the single followed task is the end of the run."""
    if task.status not in FINISHED:
        return ()
    if state.checkpoints:
        close_checkpoints(state, task.task_id, f"the task is {task.status}", moment(event))
    return state.finish(moment(event)) if task.task_id == state.followed_task else ()


def report_subtasks(state: RunState, task: Task, words: dict[str, str], event: Received) -> None:
    """Set the subtasks that are reported by name and status alone; an unknown word counts as pending."""
    known = state.subtasks.get(task.task_id)
    if known is None:
        known = state.subtasks[task.task_id] = {}
    at, now = event.timestamp, moment(event)
    for subtask_id, word in words.items():
        status = STATUS_OF.get(word) or read_status(word) or TaskStatus.PENDING
        row = known.get(subtask_id)
        if row is None:
            known[subtask_id] = _new_subtask(task.task_id, subtask_id, status, at, now)
            task.subtasks_done += status is TaskStatus.COMPLETED
        elif row.status is not status:
            subtask = copy(row)
            advance(subtask, status, event)
            _put_subtask(state, task, subtask)
        elif at is not None:
            last_event_at = row.last_event_at
            if last_event_at is None or at >= last_event_at or not is_before(at, last_event_at):
                row.last_event_at = row.status_at = at
    if len(known) != task.subtasks:
        state.versions["subtasks"] += 1
        task.subtasks = len(known)


def _new_subtask(task_id: str, subtask_id: str, status: TaskStatus, at: Micros | None, now: Micros) -> Subtask:
    """Return a new row as `advance` and `_put_subtask` would make it."""
    is_over = status in FINISHED
    # Positional: a run of many tasks builds most rows here. The order is `Subtask`'s.
    return Subtask(
        task_id,
        subtask_id,
        subtask_id,
        None,
        status,
        100.0 if status is TaskStatus.COMPLETED else None,
        None,
        None,
        None if is_over or status is TaskStatus.PENDING else now,
        now if is_over else None,
        None,
        at,
        at,
        now,
    )


def _put_subtask(state: RunState, task: Task, new: Subtask) -> None:
    """Store a subtask's changed row with the implications of its status, and update its task's counts."""
    if new.status is TaskStatus.COMPLETED:
        new.progress = 100.0
    if new.started_at is None:
        infer_start(new)
    known = state.subtasks[task.task_id]
    old = known.get(new.subtask_id)
    known[new.subtask_id] = new
    task.subtasks = len(known)
    was_done = old is not None and old.status is TaskStatus.COMPLETED
    task.subtasks_done += (new.status is TaskStatus.COMPLETED) - was_done
    state.versions["subtasks"] += 1
