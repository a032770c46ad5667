"""Timestamps of a server that contradict the order of arrival."""

from __future__ import annotations

import json

import pytest

from runconsole.events import TaskStatus
from runconsole.state.ordering import LATE_WINDOW, is_before
from tests.support.folding import Folded


def report(count: int, timestamp: object, status: str = "completed", task: str | None = None) -> str:
    data = {"task_id": task or f"t{count}", "status": status, "completed_tasks": count, "total_tasks": 10}
    return json.dumps({"type": "progress_update", "timestamp": timestamp, "data": data})


def test_a_slightly_older_time_is_late_a_much_older_one_is_not() -> None:
    assert is_before(1, 2)
    assert is_before(1, LATE_WINDOW)
    assert not is_before(1, LATE_WINDOW + 1)
    assert not is_before(2, 2)
    assert not is_before(None, 2)
    assert not is_before(2, None)


@pytest.mark.parametrize(
    "odd",
    ["9999-12-31T23:59:59Z", "1971-01-01T00:00:00Z", 1_700_000_000, "2025-11-16T11:34:45", "yesterday", None],
    ids=["far future", "far past", "epoch", "another zone", "no time", "missing"],
)
def test_one_odd_timestamp_stops_no_counter_and_no_task(odd: object) -> None:
    folded = Folded()
    folded.feed([report(1, "2025-11-16T16:34:45Z"), report(2, odd, "in_progress", "t9")])
    folded.feed([report(3, "2025-11-16T16:34:46Z"), report(4, "2025-11-16T16:34:47Z", task="t9")])
    assert folded.state.completed_tasks == 4
    assert folded.state.tasks["t9"].status is TaskStatus.COMPLETED


def test_the_same_event_again_changes_nothing() -> None:
    first = report(1, "2025-11-16T16:00:00Z", "in_progress", "t1")
    folded = Folded().feed([first, report(5, "2025-11-16T16:00:40Z", task="t1")])
    folded.feed([first])
    assert folded.state.completed_tasks == 5
    assert folded.state.tasks["t1"].status is TaskStatus.COMPLETED


def event(kind: str, second: int, **payload: object) -> str:
    timestamp = f"2025-11-16T16:00:{second:02}Z"
    return json.dumps({"type": kind, "timestamp": timestamp, "payload": {"taskId": "t1", **payload}})


def test_an_end_counts_after_progress_with_a_later_time() -> None:
    folded = Folded().feed([event("task.started", 1), event("task.progress", 9, progress=90)])
    task = folded.feed([event("task.completed", 8, metrics={"duration": 7})]).state.tasks["t1"]
    assert (task.status, task.progress, task.duration_s) == (TaskStatus.COMPLETED, 100.0, 7.0)
    assert folded.feed([event("task.progress", 9, progress=95)]).state.tasks["t1"].status is TaskStatus.COMPLETED


def test_an_end_of_an_attempt_before_the_present_one_does_not() -> None:
    folded = Folded().feed([event("task.started", 1), event("task.started", 9)])
    assert folded.feed([event("task.failed", 8, error={"message": "x"})]).state.tasks["t1"].status is TaskStatus.RUNNING
