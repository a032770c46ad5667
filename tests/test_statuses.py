"""What servers call a task's status, in the console's words."""

from __future__ import annotations

import pytest

from runconsole.events import TaskStatus
from runconsole.statuses import STATUS_OF, read_status


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["pending", "queued", "waiting", "PENDING"], TaskStatus.PENDING),
        (["running", "in_progress", "in-progress", "In Progress", "started"], TaskStatus.RUNNING),
        (["paused", "on_hold"], TaskStatus.PAUSED),
        (["completed", "success", "done", " Completed "], TaskStatus.COMPLETED),
        (["failed", "error", "timed_out"], TaskStatus.FAILED),
        (["cancelled", "canceled", "aborted"], TaskStatus.CANCELLED),
        (["skipped"], TaskStatus.SKIPPED),
        (["", "purple", 3, None, ["completed"]], None),
    ],
)
def test_the_words_of_the_wires_become_one_vocabulary(words: list[object], status: TaskStatus | None) -> None:
    assert {read_status(word) for word in words} == {status}


def test_the_usual_spellings_need_no_reading() -> None:
    assert set(STATUS_OF.values()) == set(TaskStatus)
    assert all(read_status(word) is status for word, status in STATUS_OF.items())
