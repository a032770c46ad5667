"""The detail of a task: its rare facts."""

from __future__ import annotations

from tests.support.folding import fold, frames_of, task


def test_the_detail_of_a_task_has_fields_reported_once() -> None:
    view = fold(frames_of("seed-task")).view
    view.changes()
    row = view.detail("tasks", "0")
    assert row is not None
    assert dict(row["details"]) == {
        "Type": "feature",
        "Queue position": "1",
        "Estimated start": "2025-11-16 17:00:02 UTC",
        "Access": "subscription",
        "Elapsed": "4.0 s",
        "Remaining": "12.0 s",
        "Tests passed": "14 of 14",
        "Coverage": "0.91",
        "Commit": "3f2c1d0",
        "Pull request": "https://example.org/pulls/7",
        "Specification": "docs/password-reset.md",
        "Changelog": "Added: password reset",
        "Time at providers": "provider-a 15.2 s",
    }


def test_a_shown_row_marks_its_details_without_them() -> None:
    view = fold([task("task.created", prompt="A", taskType="feature"), task("task.created", taskId="u")]).view
    view.changes()
    first, second = view.snapshot()["tasks"]["rows"]
    assert ("details" in first, first["cut"]) == (False, ["details"])
    assert "cut" not in second


def test_text_that_deceives_is_marked_in_the_detail_too() -> None:
    view = fold([task("task.created", taskType="fea\u202eture")]).view
    row = view.detail("tasks", "0")
    assert row is not None
    assert "\u202e" not in dict(row["details"])["Type"]
