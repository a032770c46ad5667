"""The segments of a bar: every moment of a task has one kind."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runconsole.events import TaskStatus
from runconsole.timeline.segments import segments_of

RUNNING, PAUSED, FAILED, PENDING = TaskStatus.RUNNING, TaskStatus.PAUSED, TaskStatus.FAILED, TaskStatus.PENDING


@pytest.mark.parametrize(
    ("span", "turns", "more", "expected"),
    [
        ((10, 20), [], {}, [("working", 10, 20)]),
        ((10, None), [(10, RUNNING)], {}, [("working", 10, None)]),
        ((10, 20), [(4, PENDING), (10, RUNNING)], {}, [("queued", 4, 10), ("working", 10, 20)]),
        (
            (10, 30),
            [(10, RUNNING), (15, PAUSED), (20, RUNNING)],
            {},
            [("working", 10, 15), ("paused", 15, 20), ("working", 20, 30)],
        ),
        (
            (10, 30),
            [(10, RUNNING), (15, FAILED), (18, RUNNING), (30, TaskStatus.COMPLETED)],
            {},
            [("working", 10, 15), ("retrying", 15, 30)],
        ),
        ((10, 30), [(10, RUNNING), (15, FAILED), (18, PENDING)], {}, [("working", 10, 15), ("retrying", 15, 30)]),
        (
            (10, 30),
            [(10, RUNNING), (15, PENDING), (18, RUNNING)],
            {},
            [*zip(("working", "queued", "working"), (10, 15, 18), (15, 18, 30), strict=True)],
        ),
        ((10, 30), [], {"failures": [12, 20]}, [("working", 10, 12), ("retrying", 12, 30)]),
        (
            (10, 30),
            [(12, PAUSED), (18, RUNNING)],
            {"asked": [(13, 17)]},
            [("working", 10, 12), ("paused", 12, 13), ("asked", 13, 17), ("paused", 17, 18), ("working", 18, 30)],
        ),
        ((10, None), [(12, PAUSED)], {"asked": [(12, None)]}, [("working", 10, 12), ("asked", 12, None)]),
        ((10, 30), [], {"asked": [(2, 40)]}, [("asked", 10, 30)]),
        ((10, 30), [(4, PENDING)], {"asked": [(5, 12)]}, [("queued", 4, 10), ("asked", 10, 12), ("working", 12, 30)]),
        ((10, 30), [], {"asked": [(30, 40), (1, 9)]}, [("working", 10, 30)]),
        ((10, 10), [(10, RUNNING)], {}, [("working", 10, 10)]),
        ((10, 30), [(20, RUNNING), (12, PAUSED)], {}, [("working", 10, 12), ("paused", 12, 20), ("working", 20, 30)]),
    ],
)
def test_segments_of_a_task(span: Any, turns: Any, more: Any, expected: Any) -> None:
    assert segments_of(span, turns, **more) == expected


moments = st.integers(0, 60)
spans = st.tuples(moments, st.none() | moments).map(lambda pair: (pair[0], None if pair[1] is None else sum(pair)))  # type: ignore[arg-type]


@given(
    spans,
    st.lists(st.tuples(moments, st.sampled_from(TaskStatus))),
    st.lists(spans, max_size=3),
    st.lists(moments, max_size=4),
)
def test_segments_cover_the_task_without_gap_or_overlap(span: Any, turns: Any, asked: Any, failures: Any) -> None:
    start, end = span
    segments = segments_of(span, turns, asked=asked, failures=failures)
    assert all(before.end == after.start for before, after in pairwise(segments))
    assert all(before.kind != after.kind for before, after in pairwise(segments))
    own = [segment for segment in segments if segment.kind != "queued" or segment.start >= start]
    assert (own[0].start, segments[-1].end) == (start, end)
    assert all(segment.end is None or segment.start < segment.end for segment in segments) or start == end
    for moment in range(start, 121 if end is None else end):
        kind = next(s.kind for s in own if s.start <= moment and (s.end is None or moment < s.end))
        is_asked = any(since <= moment and (until is None or moment < until) for since, until in asked)
        assert (kind == "asked") == is_asked
