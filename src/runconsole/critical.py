"""The critical path of a run, by the times of its tasks alone: arrays in, positions out."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

__all__ = ["Micros", "chain"]

Micros: TypeAlias = "np.ndarray[Any, np.dtype[np.int64]]"


def chain(start: Micros, end: Micros) -> tuple[list[int], list[float]]:
    """Return the positions of one run's path, first to last, and the seconds of wait before each.

    The path ends with the task that ended last. Before each task stands the task that ended last before it began; of
    several, the longest.

    Args:
        start: the start of each task, at most its end; not empty.
        end: the end of each task.
    """
    order = np.lexsort((start, end))  # by end; of tasks that ended together, the longest first
    start, end = start[order], end[order]
    path: list[int] = []
    place = int(np.searchsorted(end, end[-1], "left"))
    while place >= 0:
        path.append(place)
        # The last one before the start; at most `place - 1`, so that tasks without any length cannot loop.
        before = min(int(np.searchsorted(end, start[place], "right")), place) - 1
        place = before if before < 0 else int(np.searchsorted(end, end[before], "left"))
    path.reverse()
    begun = np.array([start.min(), *(end[place] for place in path[:-1])])
    return [int(order[place]) for place in path], ((start[path] - begun) / 1e6).tolist()
