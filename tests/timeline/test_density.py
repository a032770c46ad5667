"""Densities: the mean number of open intervals, by another way of counting."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runconsole.timeline.density import occupancy, shares

intervals = st.lists(st.tuples(st.integers(-20, 120), st.integers(0, 60)).map(lambda t: (t[0], sum(t))), max_size=30)


def array(values: Any) -> Any:
    return np.array(list(values), np.int64)


@given(intervals, st.integers(0, 50), st.integers(1, 60), st.integers(1, 12))
def test_occupancy_is_the_mean_number_of_open_intervals(rows: Any, first: int, width: int, count: int) -> None:
    edges = array(first + width * place for place in range(count + 1))
    found = occupancy(array(r[0] for r in rows), array(r[1] for r in rows), edges)
    for place, mean in enumerate(found):
        low, high = edges[place], edges[place + 1]
        covered = sum(max(0, min(end, high) - max(start, low)) for start, end in rows)
        assert mean == pytest.approx(covered / width)


def test_occupancy_is_exact_far_from_the_epoch() -> None:
    now = 1_763_310_720_000_000
    found = occupancy(array([now] * 100_000), array([now + 5_000_000] * 100_000), array([now, now + 10_000_000]))
    assert found.tolist() == [50_000.0]


def test_nothing_that_happened_vanishes_in_rounding() -> None:
    assert shares(np.array([0.0, 0.001, 5.0, 10.0]), 10.0) == [0, 1, 50, 100]
    assert shares(np.array([0.0, 3.0]), 0.0) == [0, 0]
