"""Lanes: rows without overlap, as few as ran at once, and the same ones while the run goes on."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from runconsole.timeline.lanes import lanes_of, rows_of

tasks = st.lists(
    st.tuples(st.integers(0, 50), st.integers(0, 20), st.integers(-1, 3)).map(lambda t: (t[0], t[0] + t[1], t[2])),
    max_size=40,
)


def array(values: Any) -> Any:
    return np.array(list(values), np.int64)


def lanes(rows: Any) -> Any:
    return lanes_of(array(r[0] for r in rows), array(r[1] for r in rows), array(r[2] for r in rows), 4)


@given(tasks)
def test_no_two_tasks_of_a_row_overlap(rows: Any) -> None:
    made = lanes(rows)
    for at, (start, end, lane) in enumerate(rows):
        assert (made.row[at] == -1) == (lane == -1)
        if lane >= 0:
            assert made.first[lane] <= made.row[at] < made.first[lane + 1]
        for other, (since, until, _) in enumerate(rows[:at]):
            if lane >= 0 and made.row[other] == made.row[at]:
                assert end <= since or until <= start or since == until or start == end


@given(tasks.map(lambda rows: [(start, end + 1, lane) for start, end, lane in rows]))
def test_a_lane_has_as_many_rows_as_ran_at_the_same_time(rows: Any) -> None:
    made = lanes(rows)
    for lane in range(4):
        own = [(start, end) for start, end, its in rows if its == lane]
        most = max((sum(a <= start < b for a, b in own) for start, _ in own), default=0)
        assert made.first[lane + 1] - made.first[lane] == most


@given(tasks, st.integers(0, 70))
def test_a_task_keeps_its_row_while_the_run_goes_on(rows: Any, now: int) -> None:
    begun = [row for row in sorted(rows) if row[0] <= now]
    then = [(start, end if end <= now else 10**9, lane) for start, end, lane in begun]
    before, after = lanes(then), lanes(sorted(rows))
    for place, (_, _, lane) in enumerate(begun):
        if lane >= 0:
            assert before.row[place] - before.first[lane] == after.row[place] - after.first[lane]


def test_successive_tasks_take_one_row() -> None:
    assert list(rows_of(array([0, 5, 9]), array([5, 9, 9]))) == [0, 0, 0]


def test_long_work_is_done_in_steps() -> None:
    steps = []

    def pace(work: Any) -> Any:
        for step in work:
            steps.append(step)
            yield step

    start = array(range(1200))
    rows_of(start, start + 2, pace)
    assert steps == [0, 500, 1000]
