"""The order and the choice of tasks, over all tasks of a run."""

from __future__ import annotations

import pytest

from runconsole.view.choosing import ORDERS
from tests.support.folding import Folded, execution, fold, task


def run() -> Folded:
    """Return a run of four tasks with different values."""
    return fold(
        [
            execution(
                "progress_update", 1, task_id="b", task_name="Beta", phase=2, status="completed", duration_ms=9000
            ),
            execution("progress_update", 2, task_id="a", task_name="alpha", phase=1, status="failed", duration_ms=3000),
            execution("progress_update", 3, task_id="d", task_name="delta", status="in_progress", duration_ms=0),
            execution(
                "progress_update", 30, task_id="c", task_name="Gamma", phase=3, status="completed", duration_ms=5000
            ),
            task("task.progress", 31, taskId="b", tokensUsed=70),
            task("task.progress", 31, taskId="a", tokensUsed=500),
        ]
    )


def order(folded: Folded, sort: str | None, *, descending: bool = False, **choice: str) -> str:
    total, rows = folded.view.page("tasks", 0, 100, sort=sort, descending=descending, **choice)
    assert total == len(rows)
    return "".join(row["id"] for row in rows)


@pytest.mark.parametrize(
    ("sort", "rising", "falling"),
    [
        ("name", "abdc", "cdba"),
        ("phase", "abcd", "cbad"),
        ("failed", "abdc", "bdca"),
        ("status", "adbc", "bcda"),
        ("started", "badc", "cdab"),
        ("nonsense", "badc", "badc"),
        (None, "badc", "badc"),
    ],
)
def test_tasks_are_sorted_by_a_column_and_unknown_values_come_last(sort: str | None, rising: str, falling: str) -> None:
    folded = run()
    assert order(folded, sort) == rising
    assert order(folded, sort, descending=True) == falling


def test_a_running_task_is_as_long_as_the_run_has_seen_it() -> None:
    assert order(run(), "duration", descending=True) == "dbca"


def test_every_order_holds_for_a_run_without_values() -> None:
    folded = fold([task("task.created", taskId=f"t{number}") for number in range(3)])
    for sort in {*ORDERS, "duration"} - {"name"}:
        assert order(folded, sort) == order(folded, sort, descending=True) == "t0t1t2"


def test_an_order_holds_over_all_pages_and_with_a_choice() -> None:
    frames = [
        execution(
            "progress_update", n, task_id=f"t{n}", task_name=f"Part {n:04}", status="failed" if n % 3 else "completed"
        )
        for n in range(1200)
    ]
    folded = fold(frames)
    total, rows = folded.view.page("tasks", 1000, 300, sort="name", descending=True)
    assert (total, [row["name"] for row in rows]) == (1200, [f"Part {n:04}" for n in range(199, -1, -1)])
    total, rows = folded.view.page("tasks", 0, 1, status="failed", search="part 11", sort="name", descending=True)
    assert (total, rows[0]["name"], rows[0]["key"]) == (67, "Part 1199", "1199")


def test_an_order_follows_the_changes_of_tasks() -> None:
    folded = run()
    assert order(folded, "failed")[0] == "a"
    folded.feed([execution("progress_update", 40, task_id="d", status="failed")])
    assert order(folded, "failed") == "adbc"
