"""The times and groups of all tasks as columns, kept up to date row by row."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from runconsole.critical import Micros
from runconsole.state import STATUSES, Task
from runconsole.timeline.lanes import Integers, Pace

__all__ = ["OPEN", "UNKNOWN", "Columns", "Grouping", "Mask", "Table"]

Mask: TypeAlias = "np.ndarray[Any, np.dtype[np.bool_]]"

OPEN = int(np.iinfo(np.int64).max)
"""The end of a task that has not ended."""
UNKNOWN = -1
_STEP = 500
_CODES = {status: code for code, status in enumerate(STATUSES)}
Grouping = Literal["worker", "phase", "wave"]


class Table(NamedTuple):
    """The columns of all tasks, by position."""

    start: Micros
    """-1 for a task that has not begun."""
    end: Micros
    """`OPEN` for a task that has not ended."""
    status: Integers
    worker: Integers
    """The codes of groups; -1 for none."""
    phase: Integers
    wave: Integers

    @property
    def begun(self) -> Mask:
        """True for each task that has begun."""
        return self.start != UNKNOWN  # type: ignore[no-any-return]


class Columns:
    """Columns of rows that are replaced when they change; only those are read again.

    Args:
        pace: lets other threads run.
    """

    def __init__(self, pace: Pace = iter) -> None:
        self._pace = pace
        self._known: list[Task] = []
        self.revision = 0
        """Grows with each change of a column."""
        self.names: dict[Grouping, dict[object, int]] = {"worker": {}, "phase": {}, "wave": {}}
        """The code of each group by its name: of phases the number, else the name."""
        self.table = _table(0)

    def update(self, tasks: list[Task]) -> None:
        """Take the present rows, by position."""
        changed: list[int] = []
        for first in self._pace(range(0, len(self._known), _STEP)):
            pairs = zip(self._known[first : first + _STEP], tasks[first : first + _STEP], strict=False)
            changed += [first + place for place, (old, new) in enumerate(pairs) if old is not new]
        changed += range(len(self._known), len(tasks))
        table = _table(len(tasks), self.table)
        for first in self._pace(range(0, len(changed), _STEP)):
            places = changed[first : first + _STEP]
            values = np.array([self._values(tasks[place]) for place in places], np.int64)
            for column, new in zip(table, values.T, strict=True):
                column[places] = new
        same = len(table.start) == len(self.table.start) and all(
            np.array_equal(old[changed], new[changed]) for old, new in zip(self.table, table, strict=True)
        )
        self.revision += not same
        self._known, self.table = tasks, table

    def _values(self, task: Task) -> tuple[int, ...]:
        end = task.ended_at if task.ended_at is not None else task.started_at if task.finished else None
        start = task.started_at if task.started_at is not None else end
        return (
            UNKNOWN if start is None else start if end is None else min(start, end),
            OPEN if end is None else end,
            _CODES[task.status],
            self._code("worker", task.worker_id),
            self._code("phase", task.phase_name if task.phase is None else task.phase),
            self._code("wave", task.wave),
        )

    def _code(self, grouping: Grouping, name: object) -> int:
        names = self.names[grouping]
        return UNKNOWN if name is None else names.setdefault(name, len(names))


def _table(count: int, before: Table | None = None) -> Table:
    """Return columns for some tasks, with the values of the first ones."""
    made = Table(*(np.full(count, UNKNOWN, np.int64) for _ in Table._fields))
    for old, new in () if before is None else zip(before, made, strict=True):
        new[: len(old)] = old
    return made
