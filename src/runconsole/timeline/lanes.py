"""Lanes: the tasks of one worker, phase or wave, in as many rows as ran at the same time."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from runconsole.critical import Micros

__all__ = ["Integers", "Lanes", "Pace", "lanes_of", "rows_of"]

Integers: TypeAlias = "np.ndarray[Any, np.dtype[np.int64]]"
Pace: TypeAlias = "Callable[[Iterable[Any]], Iterable[Any]]"
"""Yields the steps of long work, and lets other threads run in between."""

_STEP = 500


class Lanes(NamedTuple):
    """Lanes from top to bottom, and the place of each task in them."""

    lane: Integers
    """The lane of each task; -1 for a task that has not begun."""
    row: Integers
    """The row of each task, counted through all lanes; -1 for a task that has not begun."""
    first: Integers
    """The first row of each lane; its last element is the number of rows."""

    @property
    def rows(self) -> int:
        """The number of all rows."""
        return int(self.first[-1])


def lanes_of(start: Micros, end: Micros, lane: Integers, count: int, pace: Pace = iter) -> Lanes:
    """Return the lanes with their rows.

    A task gets the topmost row that is free at its start, in the order of the starts. So a task keeps its row while
    later tasks come in, and while others end.

    Args:
        start: the start of each task.
        end: its end, not before its start.
        lane: its lane, -1 for none.
        count: the number of lanes.
        pace: lets other threads run.
    """
    order = np.lexsort((np.arange(len(start)), start, lane))
    order = order[np.searchsorted(lane[order], 0) :]
    bounds = np.searchsorted(lane[order], np.arange(count + 1))
    row = np.full(len(start), -1, np.int64)
    first = np.zeros(count + 1, np.int64)
    for number in range(count):
        tasks = order[bounds[number] : bounds[number + 1]]
        places = rows_of(start[tasks], end[tasks], pace)
        row[tasks] = np.asarray(places, np.int64) + first[number]
        first[number + 1] = first[number] + max(places, default=-1) + 1
    return Lanes(lane, row, first)


def rows_of(start: Micros, end: Micros, pace: Pace = iter) -> Sequence[int]:
    """Return the row of each interval, so that none overlaps another one in its row. They are sorted by their start."""
    if len(start) < 2 or bool(np.all(start[1:] >= np.maximum.accumulate(end)[:-1])):
        return [0] * len(start)
    free: list[int] = []
    busy: list[tuple[int, int]] = []
    rows: list[int] = []
    for begin in pace(range(0, len(start), _STEP)):
        stretch = slice(begin, begin + _STEP)
        for since, until in zip(start[stretch].tolist(), end[stretch].tolist(), strict=True):
            while busy and busy[0][0] <= since:
                heapq.heappush(free, heapq.heappop(busy)[1])
            row = heapq.heappop(free) if free else len(busy)
            heapq.heappush(busy, (until, row))
            rows.append(row)
    return rows
