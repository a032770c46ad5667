"""How a row of a task or subtask moves on, and what a late event may still do to it."""

from __future__ import annotations

from runconsole.events import Micros, Received, TaskStatus
from runconsole.state.ordering import is_before
from runconsole.state.rows import FINISHED, Subtask, Task

__all__ = ["advance", "fill_unknown", "is_late", "moment", "note_error", "set_known", "settle_start"]


def moment(event: Received) -> Micros:
    """Return the event's own time, else when it arrived."""
    return event.received_at if event.timestamp is None else event.timestamp


def is_late(row: Task | Subtask, event: Received) -> bool:
    """Whether something newer is already known of the row. Without timestamps arrival order is all there is."""
    return is_before(event.timestamp, row.told_at)


def advance(row: Task | Subtask, status: TaskStatus | None, event: Received) -> bool:
    """Move the row to a status unless the event is late or only repeats; return whether it was news.

    What is finished stays finished unless the server says, later by its own clock, that it runs again. An end counts
    also where mere progress stamped later came before it: the clocks of two workers differ.
    """
    at, known_at, was = event.timestamp, row.told_at, row.status
    if at is not None:
        if known_at is None or at >= known_at or not is_before(at, known_at):
            row.told_at = at
        elif status not in FINISHED or was in FINISHED or is_before(at, row.status_at):
            return False
        if status is not None:
            row.status_at = at
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
    _mark_times(row, status, event)
    return True


def _mark_times(row: Task | Subtask, status: TaskStatus, event: Received) -> None:
    at = moment(event)
    if status in FINISHED:
        # A server that was asked says that it is over, the event, which may come later, when it was.
        if row.ended_at is None or (event.timestamp is not None and at < row.ended_at):
            row.ended_at = at
    elif status is not TaskStatus.PENDING and row.started_at is None:
        row.started_at = at


def settle_start(row: Task | Subtask) -> None:
    """A row that was only ever told to be done began its duration before its end; not before 1970, though."""
    if row.started_at is None and row.ended_at is not None and row.duration_s is not None:
        micros = row.duration_s * 1e6
        if 0 <= micros <= row.ended_at:
            row.started_at = row.ended_at - round(micros)


def set_known(row: object, **fields: object) -> None:
    """Set the fields that were told."""
    for name, value in fields.items():
        if value is not None:
            setattr(row, name, value)


def fill_unknown(row: object, **fields: object) -> None:
    """Set the fields that were told and not known before: all that a late event may do.

    A duration is not among them: it may be that of an attempt before the present one.
    """
    for name, value in fields.items():
        if value is not None and name != "duration_s" and getattr(row, name) is None:
            setattr(row, name, value)


def note_error(task: Task, message: str | None, at: Micros) -> None:
    """Set the task's error, unless it has a newer one."""
    if message is not None and (task.error_at is None or at >= task.error_at):
        task.error, task.error_at = message, at
