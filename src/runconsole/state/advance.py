"""Changes of status of a row of a task, a subtask, an agent or a tool call, and the effect of a late event on it."""

from __future__ import annotations

from typing import TypeAlias

from runconsole.events import Micros, Received, TaskStatus
from runconsole.state.ordering import is_before
from runconsole.state.rows import FINISHED, Agent, Subtask, Task, ToolCall

__all__ = ["advance", "fill_unknown", "infer_start", "is_late", "moment", "note_error", "set_known"]

Row: TypeAlias = Task | Subtask | Agent | ToolCall


def moment(event: Received) -> Micros:
    """Return the event's own time, else the time of its arrival."""
    return event.received_at if event.timestamp is None else event.timestamp


def is_late(row: Row, event: Received) -> bool:
    """Return whether the row has newer news. Without timestamps the order of arrival decides."""
    return is_before(event.timestamp, row.last_event_at)


def advance(row: Row, status: TaskStatus | None, event: Received) -> bool:
    """Move the row to a status unless the event is late or repeated; return whether it was news.

    A finished row stays finished unless the server reports, at a later time by its own clock, that it runs again. An
    end also counts if mere progress with a later timestamp came before it: the clocks of two workers differ.
    """
    at, known_at, was = event.timestamp, row.last_event_at, row.status
    if at is not None:
        if known_at is None or at >= known_at or not is_before(at, known_at):
            row.last_event_at = at
        elif status not in FINISHED or was in FINISHED or is_before(at, row.status_at):
            return False
        if status is not None:
            row.status_at = at
    if row.turned_at is None:
        row.turned_at = moment(event)
    if status is None or status is was:
        if row.started_at is None or was in FINISHED:
            _mark_times(row, was, event)
        return True
    newer = at is not None and known_at is not None and at != known_at
    if was in FINISHED and not newer and (status not in FINISHED or was is TaskStatus.COMPLETED):
        return False
    if was in FINISHED and status not in FINISHED:
        row.ended_at = row.duration_s = None
    row.status = status
    row.turned_at = moment(event)
    _mark_times(row, status, event)
    return True


def _mark_times(row: Row, status: TaskStatus, event: Received) -> None:
    at = moment(event)
    if status in FINISHED:
        # A server's answer to a query may report an end before its event, which comes later with the earlier, true
        # time.
        if row.ended_at is None or (event.timestamp is not None and at < row.ended_at):
            row.ended_at = at
    elif status is not TaskStatus.PENDING and row.started_at is None:
        row.started_at = at


def infer_start(row: Row) -> None:
    """Infer the start of a row of which only the end was reported: its duration before its end, not before 1970."""
    if row.started_at is None and row.ended_at is not None and row.duration_s is not None:
        micros = row.duration_s * 1e6
        if 0 <= micros <= row.ended_at:
            row.started_at = row.ended_at - round(micros)


def set_known(row: object, **fields: object) -> None:
    """Set the fields that are not None."""
    for name, value in fields.items():
        if value is not None:
            setattr(row, name, value)


def fill_unknown(row: object, **fields: object) -> None:
    """Set the unknown fields to values that are not None: a late event may do no more.

    A duration is not set: it may belong to an earlier attempt.
    """
    for name, value in fields.items():
        if value is not None and name != "duration_s" and getattr(row, name) is None:
            setattr(row, name, value)


def note_error(task: Task, message: str | None, at: Micros) -> None:
    """Set the task's error, unless it has a newer one."""
    if message is not None and (task.error_at is None or at >= task.error_at):
        task.error, task.error_at = message, at
