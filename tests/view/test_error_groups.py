"""Errors by their kind, what became of each, storms; files by folder and by task."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.folding import Folded, execution, fold, task

_HAPPENINGS = [
    *((True, recoverable) for recoverable in (None, True, False)),
    *((False, status) for status in ("in_progress", "failed", "completed", "cancelled")),
]


def error(at: float, task_id: str | None, message: str, **more: Any) -> str:
    return execution("error", at, **({"task_id": task_id} if task_id else {}), message=message, **more)


def ended(at: float, task_id: str, status: str) -> str:
    return execution("progress_update", at, task_id=task_id, status=status)


def groups(folded: Folded) -> list[dict[str, Any]]:
    total, rows = folded.view.page("error_groups", 0, 100)
    assert total == len(rows)
    return rows


def test_errors_that_differ_in_numbers_and_ids_are_one_kind() -> None:
    folded = fold(
        [
            error(1, "a", "Link 17 broke at 0x7ffe after 3.5 s", error_type="LinkError"),
            error(2, "b", "link 4 broke at 0x10 after 12 s\nmore", error_type="LinkError"),
            error(3, "b", "Link 5 broke at 0x11 after 9 s", error_type="OtherError"),
            error(4, None, "LinkError: link 5 broke at 0x11 after 9 s"),
        ]
    )
    newest, other = groups(folded)
    assert (newest["error_type"], newest["count"], newest["tasks"]) == ("LinkError", 3, 2)
    assert (other["error_type"], other["count"], other["task"]) == ("OtherError", 1, "b")
    picture = folded.picture()["picture"]["errors"]["rows"]
    assert [row["group"] for row in picture] == [newest["key"], newest["key"], other["key"], newest["key"]]
    total, rows = folded.view.page("errors", 0, 2, of=newest["key"])
    assert (total, [row["key"] for row in rows]) == (3, ["3", "1"])
    assert folded.view.page("errors", 0, 10, of="nothing") == (0, [])


@pytest.mark.parametrize(
    ("frames", "outcomes"),
    [
        ([error(1, "t", "a", recoverable=True)], ["open"]),
        ([error(1, "t", "a", recoverable=True), ended(2, "t", "completed")], ["recovered"]),
        ([error(1, "t", "a"), error(2, "t", "b"), ended(3, "t", "failed")], ["recovered", "fatal"]),
        ([error(1, "t", "a", recoverable=False)], ["fatal"]),
        ([error(1, "t", "a", recoverable=False), ended(2, "t", "completed")], ["recovered"]),
        ([error(1, "t", "a"), ended(2, "t", "failed"), ended(3, "t", "in_progress")], ["open"]),
        ([error(1, None, "a")], ["open"]),
        ([error(1, None, "a", recoverable=True)], ["recovered"]),
        ([error(1, None, "a", recoverable=False)], ["fatal"]),
    ],
)
def test_an_error_is_fatal_if_its_task_failed_with_it(frames: list[str], outcomes: list[str]) -> None:
    folded = fold(frames)
    picture = folded.picture()["picture"]
    assert [row["outcome"] for row in picture["errors"]["rows"]] == outcomes
    head = picture["head"]
    assert (head["errors_fatal"], head["errors_open"]) == (outcomes.count("fatal"), outcomes.count("open"))
    shown = groups(folded)
    assert sum(row["fatal"] for row in shown) == outcomes.count("fatal")
    assert sum(row["open"] for row in shown) == outcomes.count("open")


def test_an_outcome_that_changes_is_sent_again() -> None:
    folded = fold([error(1, "t", "a")])
    folded.view.changes()
    changes = folded.feed([ended(2, "t", "failed")]).view.changes()
    assert [(row["key"], row["outcome"]) for row in changes["errors"]["set"]] == [("0", "fatal")]
    assert "errors" not in folded.feed([ended(3, "other", "failed")]).view.changes()


def test_many_errors_of_one_kind_in_a_short_time_are_a_storm() -> None:
    folded = fold([error(n, f"t{n % 4}", f"link {n} broke", error_type="LinkError") for n in range(9)])
    assert folded.picture()["picture"]["head"]["storm"] is None
    folded.feed([error(9 + n, "t1", f"link {n} broke", error_type="LinkError") for n in range(3)])
    storm = folded.picture()["picture"]["head"]["storm"]
    assert (storm["type"], storm["count"], storm["tasks"], storm["at"] - storm["since"]) == ("LinkError", 12, 4, 11_000)
    folded.feed([error(500, "t1", "link 7 broke", error_type="LinkError")])
    assert folded.picture()["picture"]["head"]["storm"] is None


def test_slow_errors_are_no_storm() -> None:
    folded = fold([error(n * 30, "t", "link broke", error_type="LinkError") for n in range(40)])
    assert folded.picture()["picture"]["head"]["storm"] is None


def test_fatal_kinds_come_first() -> None:
    folded = fold(
        [
            error(1, "a", "first kind"),
            ended(2, "a", "failed"),
            error(3, "b", "second kind"),
            error(4, None, "x", recoverable=True),
        ]
    )
    assert [row["message"] for row in groups(folded)] == ["first kind", "second kind", "x"]


def files() -> Folded:
    paths = ["src/a.py", "src/b.py", "src/deep/c.py", "top.md"]
    return fold(
        [execution("artifact_created", n, path=path, size=100 * n, task_id=f"t{n % 2}") for n, path in enumerate(paths)]
        + [execution("progress_update", 9, task_id="t0", task_name="Build")]
    )


def test_files_are_grouped_by_folder() -> None:
    view = files().view
    total, rows = view.page("artifact_groups", 0, 10, sort="folder")
    assert (total, [(row["name"], row["count"], row["size"]) for row in rows]) == (
        3,
        [("", 1, 300), ("src", 2, 100), ("src/deep", 1, 200)],
    )
    total, found = view.page("artifacts", 0, 10, sort="folder", of="src")
    assert (total, [row["path"] for row in found]) == (2, ["src/b.py", "src/a.py"])
    assert view.page("artifact_groups", 2, 10, sort="folder")[1][0]["name"] == "src/deep"


def test_files_are_grouped_by_task() -> None:
    view = files().view
    _, rows = view.page("artifact_groups", 0, 10, sort="task")
    assert [(row["name"], row["task_name"], row["count"]) for row in rows] == [("t0", "Build", 2), ("t1", None, 2)]
    total, found = view.page("artifacts", 0, 1, sort="task", of="t0")
    assert (total, [row["path"] for row in found]) == (2, ["src/deep/c.py"])


def test_a_page_of_errors_beyond_the_picture_has_their_outcomes() -> None:
    folded = fold(
        [error(n, f"t{n}", f"m {n}") for n in range(300)] + [task("task.failed", 400, taskId="t7", error="m 7")]
    )
    _, rows = folded.view.page("errors", 7, 1)
    assert rows[0]["outcome"] in {"fatal", "recovered"}
    assert folded.picture()["picture"]["head"]["errors_fatal"] == 1


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(_HAPPENINGS)), max_size=25))
def test_the_counts_are_those_of_the_outcomes_one_by_one(steps: list[tuple[str, Any]]) -> None:
    folded, head = Folded(), dict[str, Any]()
    for at, (task_id, (is_error, what)) in enumerate(steps):
        frame = error(at, task_id or None, f"{what} broke", recoverable=what) if is_error else ended(at, task_id, what)
        folded.feed([frame])
        head = folded.picture()["picture"]["head"]
    rows = folded.view.page("errors", 0, 100)[1]
    outcomes = [row["outcome"] for row in rows]
    if head:
        assert (head["errors_fatal"], head["errors_open"]) == (outcomes.count("fatal"), outcomes.count("open"))
    for group in groups(folded):
        of_group = [row["outcome"] for row in rows if row["group"] == group["key"]]
        assert (group["fatal"], group["open"]) == (of_group.count("fatal"), of_group.count("open"))
