"""The tasks that a page wants: those of a status or with a text in their names, in the order of a column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any

from runconsole.events import TaskStatus
from runconsole.state import RunState, Task

__all__ = ["ORDERS", "TaskChoice"]

_NEWS = (
    TaskStatus.FAILED,
    TaskStatus.PAUSED,
    TaskStatus.RUNNING,
    TaskStatus.PENDING,
    TaskStatus.CANCELLED,
    TaskStatus.SKIPPED,
    TaskStatus.COMPLETED,
)
_RANK = {status: rank for rank, status in enumerate(_NEWS)}


def _name(task: Task) -> str:
    return (task.name or task.task_id).casefold()


def _progress(task: Task) -> float | None:
    return 100.0 if task.status is TaskStatus.COMPLETED else task.progress


ORDERS: dict[str, Callable[[Task], Any]] = {
    "failed": lambda task: task.status is not TaskStatus.FAILED,
    "status": lambda task: _RANK[task.status],
    "name": _name,
    "phase": attrgetter("phase"),
    "wave": attrgetter("wave"),
    "step": attrgetter("step"),
    "subtasks": lambda task: task.subtasks or None,
    "progress": _progress,
    "started": attrgetter("started_at"),
    "attempts": attrgetter("attempts"),
    "tokens": attrgetter("tokens"),
    "cost": attrgetter("cost_usd"),
}
"""The value of a task for each order but that of its time, `duration`; None comes last, whichever the direction."""


class TaskChoice:
    """The tasks for one question of a page at a time, kept as long as no task changes."""

    def __init__(self, state: RunState) -> None:
        self._state = state
        self._known: tuple[object, list[Task]] = (None, [])

    def tasks(self, status: str | None, search: str, sort: str | None, *, descending: bool) -> list[Task]:
        """Return the tasks of a status, with a text in their id or name, sorted; equal ones by arrival.

        An unknown order is that of arrival.
        """
        question = (self._state.versions["tasks"], status, search, sort, descending)
        if self._known[0] != question:
            chosen = _chosen(self._state.tasks.values(), status, search.casefold())
            self._known = (question, self._sorted(chosen, sort, descending=descending))
        return self._known[1]

    def _sorted(self, tasks: list[Task], sort: str | None, *, descending: bool) -> list[Task]:
        if sort == "phase":
            # Phases without numbers are in the order of their names.
            tasks = _ordered(tasks, attrgetter("phase_name"), descending=descending)
        key = self._duration() if sort == "duration" else ORDERS.get(sort or "")
        return tasks if key is None else _ordered(tasks, key, descending=descending)

    def _duration(self) -> Callable[[Task], float | None]:
        """Return a function for the duration of a task: of a running one up to the newest event of any task."""
        newest = max((task.last_event_at or 0 for task in self._state.tasks.values()), default=0)

        def duration(task: Task) -> float | None:
            if task.started_at is not None and not task.finished:
                return max(0.0, (newest - task.started_at) / 1e6)
            if task.duration_s is not None:
                return task.duration_s
            if task.started_at is None or task.ended_at is None:
                return None
            return (task.ended_at - task.started_at) / 1e6

        return duration


def _chosen(tasks: Iterable[Task], status: str | None, wanted: str) -> list[Task]:
    if status:
        tasks = (task for task in tasks if task.status == status)
    if wanted:
        tasks = (task for task in tasks if wanted in task.task_id.casefold() or wanted in (task.name or "").casefold())
    return list(tasks)


def _ordered(tasks: Sequence[Task], key: Callable[[Task], Any], *, descending: bool) -> list[Task]:
    # 100,000 tasks are sorted a second or so apart, on the thread of the connections: no step per task is Python's.
    values = list(map(key, tasks))
    places: Sequence[int] = range(len(tasks))
    unknown: list[int] = []
    if None in values:
        places = [place for place, value in enumerate(values) if value is not None]
        unknown = [place for place, value in enumerate(values) if value is None]
    places = sorted(places, key=values.__getitem__, reverse=descending)
    return list(map(tasks.__getitem__, [*places, *unknown]))
