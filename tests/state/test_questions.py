"""The index of the checkpoints: its answers are those of a search through all of them."""

from __future__ import annotations

import math
from operator import attrgetter
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from runconsole.state import Checkpoint
from runconsole.state.questions import Questions
from runconsole.state.rows import CheckpointStatus

rows = st.builds(
    Checkpoint,
    st.sampled_from(["a", "b", "c", "d", "e"]),
    task_id=st.sampled_from([None, "t", "u"]),
    status=st.sampled_from(get_args(CheckpointStatus)),
    deadline=st.sampled_from([None, 0, 5, 7]),
    decided_at=st.sampled_from([None, 3, 9]),
)


@given(st.lists(rows))
def test_its_orders_are_those_of_all_rows(puts: list[Checkpoint]) -> None:
    questions, known = Questions(), dict[str, Checkpoint]()
    for row in puts:
        questions.put(row)
        known[row.checkpoint_id] = row
    ages = {checkpoint_id: age for age, checkpoint_id in enumerate(known)}
    waiting = [row for row in known.values() if row.is_open]
    closed = [row for row in known.values() if not row.is_open]
    assert len(questions) == len(waiting)
    assert questions.open() == ids(waiting)
    for task_id in ("t", "u", "other"):
        assert questions.open_of(task_id) == ids([row for row in waiting if row.task_id == task_id])
    due = sorted(waiting, key=lambda row: row.deadline or math.inf)[:2]
    assert questions.due_first(2) == ids(sorted(due, key=lambda row: ages[row.checkpoint_id]))
    last = sorted(closed, key=lambda row: row.decided_at or 0, reverse=True)[:2]
    assert questions.closed_last(2) == ids(last[::-1])
    assert questions.by_age(set(known)) == list(known)
    assert set(questions.closings) >= set(ids(closed))


def ids(found: list[Checkpoint]) -> list[str]:
    return list(map(attrgetter("checkpoint_id"), found))
