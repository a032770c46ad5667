"""The history of every task's status."""

from __future__ import annotations

from runconsole.events import TaskStatus
from runconsole.state import STATUSES
from tests.support.folding import START, fold, task


def turns(*frames: str) -> list[tuple[int, float, TaskStatus]]:
    columns = fold(frames).state.turns.columns()
    return [
        (position, (at - START) / 1e6, STATUSES[code])
        for position, at, code in zip(columns.positions, columns.times, columns.statuses, strict=True)
    ]


def test_each_change_of_status_is_kept_with_its_time() -> None:
    assert turns(
        task("task.created", 0),
        task("task.started", 2),
        task("task.progress", 3, progress=50),
        task("task.created", 4, taskId="u"),
        task("task.paused", 5),
        task("task.resumed", 8),
        task("task.failed", 9, error="no"),
        task("task.started", 11),
        task("task.completed", 12),
    ) == [
        (0, 0, "pending"),
        (0, 2, "running"),
        (1, 4, "pending"),
        (0, 5, "paused"),
        (0, 8, "running"),
        (0, 9, "failed"),
        (0, 11, "running"),
        (0, 12, "completed"),
    ]


def test_repeated_and_late_events_are_no_changes() -> None:
    once = [task("task.created", 0), task("task.started", 2), task("task.completed", 9)]
    assert turns(*once, *once) == turns(*once)


def test_without_a_time_the_arrival_counts() -> None:
    assert turns(task("task.created"), task("task.started")) == [(0, 0.1, "pending"), (0, 0.2, "running")]


def test_a_copy_does_not_grow() -> None:
    state = fold([task("task.created", 0)]).state
    copy = state.turns.columns()
    fold_more = fold([task("task.created", 0), task("task.started", 1)]).state
    assert len(fold_more.turns) == 2
    state.turns.note(0, START, TaskStatus.RUNNING)
    assert len(copy.positions) == len(copy.times) == len(copy.statuses) == 1
