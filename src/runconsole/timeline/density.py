"""Densities: the mean number of tasks at work in each of many short times."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from runconsole.critical import Micros

__all__ = ["Floats", "occupancy", "shares"]

Floats: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"


def occupancy(start: Micros, end: Micros, edges: Micros) -> Floats:
    """Return the mean number of open intervals between each two edges.

    The cost is that of sorting the intervals, whatever the number of edges is.

    Args:
        start: the start of each interval.
        end: its end, not before its start.
        edges: the limits of the buckets, rising: one more than there are buckets.
    """
    first, last = edges[0], edges[-1]
    at = (edges - first).astype(np.float64)
    filled = _elapsed(np.clip(start, first, last) - first, at) - _elapsed(np.clip(end, first, last) - first, at)
    width = np.diff(at)
    mean: Floats = np.divide(np.diff(filled), width, out=np.zeros(len(width)), where=width > 0).clip(min=0)
    return mean


def _elapsed(times: Micros, at: Floats) -> Floats:
    """Return the sum of the time that has passed since each of the times, at each of the moments."""
    times = np.sort(times)
    sums = np.concatenate(([0.0], np.cumsum(times, dtype=np.float64)))
    count = np.searchsorted(times, at, "right")
    elapsed: Floats = at * count - sums[count]
    return elapsed


def shares(values: Floats, peak: float) -> list[int]:
    """Return values as whole percent of a peak; a value above zero is at least 1."""
    if peak <= 0:
        return [0] * len(values)
    percent = np.minimum(100, np.rint(values * (100 / peak)))
    return np.where(values > 0, np.maximum(1, percent), 0).astype(np.int64).tolist()  # type: ignore[no-any-return]
