"""The browser's requests: pages of any table, chosen tasks, one row in full."""

from __future__ import annotations

import re

import pytest

from runconsole.log import CHUNK
from runconsole.view.view import PAGE
from tests.support.folding import Folded, execution, fold, frames_of, task


def many(count: int = 700) -> Folded:
    """Return a run of many tasks, each with a line of output and every seventh done."""
    frames = []
    for number in range(count):
        status = "completed" if number % 7 == 0 else "running"
        name = f"Build part {number}"
        frames.append(execution("progress_update", task_id=f"t{number}", task_name=name, status=status))
        frames.append(task("task.output", taskId=f"t{number}", stream="stdout", data=f"line {number}\n"))
    return fold(frames)


def test_a_page_has_the_rows_from_its_offset_and_the_total() -> None:
    view = many().view
    total, rows = view.page("tasks", 650, 20)
    assert (total, [row["id"] for row in rows]) == (700, [f"t{n}" for n in range(650, 670)])
    assert [row["key"] for row in rows] == [str(n) for n in range(650, 670)]
    total, rows = view.page("output", 3, 2)
    assert (total, [(row["key"], row["text"]) for row in rows]) == (700, [("3", "line 3"), ("4", "line 4")])


@pytest.mark.parametrize(
    ("offset", "limit", "first", "count"),
    [
        (0, 10_000, "t0", PAGE),
        (-5, 3, "t0", 3),
        (699, 10, "t699", 1),
        (700, 10, None, 0),
        (5, 0, None, 0),
        (5, -1, None, 0),
    ],
)
def test_a_page_is_bounded_whatever_is_asked(offset: int, limit: int, first: str | None, count: int) -> None:
    _, rows = many().view.page("tasks", offset, limit)
    assert (next((row["id"] for row in rows), None), len(rows)) == (first, count)


@pytest.mark.parametrize(
    ("status", "search", "expected"),
    [
        ("completed", None, 100),
        (None, "part 69", 11),
        (None, "PART 69", 11),
        (None, "t123", 1),
        ("completed", "part 69", 1),
        ("failed", "", 0),
        (None, "nothing of the kind", 0),
    ],
)
def test_tasks_are_chosen_by_status_and_part_of_a_name(status: str | None, search: str | None, expected: int) -> None:
    total, rows = many().view.page("tasks", 0, 500, status=status, search=search)
    assert total == len(rows) == expected


@pytest.mark.parametrize(
    "name", ["phases", "waves", "artifacts", "errors", "checkpoints", "decisions", "active", "events"]
)
def test_every_tables_pages_have_the_rows_of_the_picture(name: str) -> None:
    folded = fold(frames_of("variants")[:66])
    shown = folded.picture()["picture"][name]
    total, rows = folded.view.page(name, 0, 500)
    assert total == shown["total"]
    by_key = {row["key"]: row for row in rows}
    assert [by_key[row["key"]] for row in shown["rows"]] == shown["rows"]


def test_a_page_of_events_reaches_back_to_the_first_one() -> None:
    folded = fold([task("worker.heartbeat", workerId=str(n)) for n in range(CHUNK + 100)] + ["garbage", task("odd")])
    total, rows = folded.view.page("events", CHUNK - 2, 4)
    assert total == CHUNK + 102
    assert [row["key"] for row in rows] == [str(CHUNK + n) for n in (-2, -1, 0, 1)]
    assert [row["payload"] for row in rows] == [f'{{"taskId": "t", "workerId": "{CHUNK + n}"}}' for n in (-2, -1, 0, 1)]
    _, newest = folded.view.page("events", CHUNK + 99, 10)
    assert [(row["type"], row["kind"]) for row in newest] == [
        ("worker.heartbeat", "known"),
        ("malformed", "malformed"),
        ("odd", "unknown"),
    ]


def test_an_unknown_table_has_no_pages_and_no_rows() -> None:
    view = Folded().view
    with pytest.raises(KeyError):
        view.page("nonsense", 0, 1)
    with pytest.raises(KeyError):
        view.detail("nonsense", "0")


def test_a_detail_is_the_row_with_its_text_uncut() -> None:
    long = "x" * 90_000
    folded = fold(
        [
            execution("error", message=long, stack_trace=long, task_id="t"),
            task("task.output", stream="stdout", data=long),
            task("task.hitl_required", checkpointId="c", description=long, context={"spec": long}),
            task("odd", text=long),
        ]
    )
    folded.view.changes()
    for name, key, field in (
        ("errors", "0", "message"),
        ("output", "0", "text"),
        ("checkpoints", "c", "description"),
        ("events", "3", "payload"),
        ("tasks", "0", "error"),
    ):
        row = folded.view.detail(name, key)
        assert row is not None
        assert len(row[field]) >= len(long)
        assert "cut" not in row


@pytest.mark.parametrize(
    ("name", "key"), [("errors", "5"), ("errors", "x"), ("checkpoints", "x"), ("tasks", "-1"), ("events", "9")]
)
def test_a_row_that_is_not_there_has_no_detail(name: str, key: str) -> None:
    assert fold(frames_of("seed-execution")).view.detail(name, key) is None


def test_the_detail_of_an_active_task_is_that_task() -> None:
    folded = fold([task("task.started", taskId=f"t{n}") for n in range(9)] + [task("task.completed", taskId="t0")])
    row = folded.picture()["picture"]["active"]["rows"][0]
    assert folded.view.detail("active", row["key"]) == row
    assert row["id"] == "t8"


def test_a_long_line_of_output_shows_its_beginning_and_its_end() -> None:
    text = "begin " + "\x1b[31mx\x1b[0m" * 5000 + " end"
    view = fold([task("task.output", stream="stdout", data=f"{text}\n")]).view
    _, (row,) = view.page("output", 0, 1)
    assert len(row["text"]) <= 4000
    assert row["text"].startswith("begin ")
    assert row["text"].endswith(" end")
    assert row["cut"] == ["text"]
    assert "\x1b" not in re.sub(r"\x1b\[[0-9;]*m", "", row["text"])
    whole = view.detail("output", "0")
    assert whole is not None
    assert whole["text"] == text
