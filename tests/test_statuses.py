"""The servers' words for a task's status, read as the console's words."""

from __future__ import annotations

import pytest

from runconsole.events import TaskStatus
from runconsole.statuses import STATUS_OF, read_status, unknown_status


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


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("Enqueued SUBMITTED no_status", TaskStatus.PENDING),
        ("inProgress IN_PROGRESS up_for_retry AwaitingRetry TaskStatus.RUNNING ContainerCreating", TaskStatus.RUNNING),
        ("deferred interrupted requires_action inputRequired", TaskStatus.PAUSED),
        ("State.SUCCESS Succeeded cached", TaskStatus.COMPLETED),
        ("timedOut TIMED_OUT killed crashed upstream_failed expired OOMKilled CrashLoopBackOff", TaskStatus.FAILED),
        ("WORKFLOW_EXECUTION_STATUS_TIMED_OUT startup-failure", TaskStatus.FAILED),
        ("revoked removed TERMINATED", TaskStatus.CANCELLED),
        ("not_applicable Omitted", TaskStatus.SKIPPED),
    ],
)
def test_words_of_other_engines_are_known_in_any_spelling(words: str, status: TaskStatus) -> None:
    assert {word: read_status(word) for word in words.split()} == dict.fromkeys(words.split(), status)


@pytest.mark.parametrize(
    ("word", "shown"),
    [("frobnicated", "frobnicated"), (" Odd ", "Odd"), ("done", None), ("", None), (5, None), (None, None)],
)
def test_an_unknown_word_is_shown_as_it_is(word: object, shown: str | None) -> None:
    assert unknown_status(word) == shown
