"""Implausible deadlines: mixed time zones, clocks that were set, durations from now."""

from __future__ import annotations

from typing import Any

import pytest

from runconsole.events import Answer, DecisionRequested
from runconsole.session.endings import expired
from runconsole.state import Checkpoint
from tests.support.folding import START, Folded, execution, fold, task

MINUTE = 60
HOUR = 60 * MINUTE
ZONES = [9 * HOUR, -8 * HOUR, 5.5 * HOUR, 5.75 * HOUR]


def asked(at: float | None, **payload: Any) -> str:
    return task("task.hitl_required", at, **{"checkpointId": "c", "options": ["go"], "title": "Ship?"} | payload)


def moment(seconds: float) -> int:
    return START + round(seconds * 1e6)


def row(folded: Folded) -> Checkpoint:
    return folded.state.checkpoints["c"]


def is_open_at(folded: Folded, seconds: float) -> bool:
    """Return whether the question is open and can be answered after this time by our clock."""
    now = moment(seconds)
    assert list(expired(folded.state, now)) == []
    folded.apply(DecisionRequested(now, "d", "c", Answer("go")))
    return folded.state.decisions["d"].state == "queued"


@pytest.mark.parametrize("shift", ZONES)
def test_a_deadline_before_the_question_itself_is_not_believed(shift: float) -> None:
    times = {"at": abs(shift), "timeout": moment(600)} if shift > 0 else {"at": 0, "timeout": moment(shift + 600)}
    folded = fold([asked(**times)])
    assert row(folded).deadline is None
    assert "until" not in folded.screen()
    assert folded.picture()["picture"]["checkpoints"]["rows"][0]["deadline"] is None
    assert is_open_at(folded, 5)


@pytest.mark.parametrize("shift", ZONES)
@pytest.mark.parametrize("who", ["the question", "the others"])
def test_naive_times_beside_aware_ones_expire_no_question(shift: float, who: str) -> None:
    ours, theirs = (shift, 0.0) if who == "the question" else (0.0, shift)
    before = [task("task.progress", theirs, progress=number) for number in range(3)]
    after = [task("task.progress", theirs + number, progress=number) for number in range(10)]
    folded = fold([*before, asked(ours, timeout=moment(ours + 600)), *after], step=1000)
    assert row(folded).deadline == moment(ours + 600)
    assert folded.picture()["picture"]["checkpoints"]["rows"][0]["deadline"] is None
    assert is_open_at(folded, 30)


def test_a_question_in_one_time_zone_expires_at_its_deadline() -> None:
    shift = 9 * HOUR
    folded = fold([task("task.progress", shift), asked(shift, timeout=moment(shift + 600))], step=1000)
    assert list(expired(folded.state, moment(599))) == []
    assert [fact.checkpoint_id for fact in expired(folded.state, moment(603))] == ["c"]


def test_the_end_of_a_doubt_shows_the_deadline_again() -> None:
    folded = fold([asked(0, timeout=moment(600))], step=1000)
    shown = [folded.picture()["picture"]["checkpoints"]["rows"][0]["deadline"]]
    for shift in (HOUR, 0):
        folded.feed([task("task.progress", shift + number * 0.001, progress=number) for number in range(10)])
        shown.append(folded.picture()["picture"]["checkpoints"]["rows"][0]["deadline"])
    assert shown == [moment(600) // 1000, None, moment(600) // 1000]


@pytest.mark.parametrize("timeout", [300, "300", "PT5M", {"duration": 300, "defaultAction": "go"}], ids=repr)
@pytest.mark.parametrize("at", [0, None], ids=["stamped", "unstamped"])
def test_seconds_count_from_the_question(timeout: object, at: float | None) -> None:
    folded = fold([asked(at, timeout=timeout)], step=0)
    assert row(folded).deadline == moment(300)
    assert list(expired(folded.state, moment(299))) == []
    assert len(list(expired(folded.state, moment(303)))) == 1


def test_a_repeated_question_without_a_time_is_no_new_round() -> None:
    folded = fold([asked(None, timeout=300)], step=0)
    folded.feed([task("checkpoint.timeout", checkpointId="c", defaultAction="go")])
    folded.now += 1_000_000
    folded.feed([asked(None, timeout=300)])
    assert (row(folded).status, row(folded).round) == ("decided", 1)


@pytest.mark.parametrize("stamp", ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z", 0])
def test_a_zero_time_makes_no_run_of_two_thousand_years(stamp: object) -> None:
    frame = execution("progress_update", task_id="t", status="running", timestamp=stamp)
    folded = fold([frame, execution("progress_update", 10, task_id="t", status="completed")])
    run = folded.state.run()
    assert run.started_at is not None
    assert START <= run.started_at <= START + 1_000_000
    assert "1970" not in folded.screen()


def test_an_unknown_status_is_shown_and_changes_nothing() -> None:
    folded = fold([execution("progress_update", 1, task_id="t", status="running")])
    for at, word in enumerate(("purple", "purple", "mauve"), 2):
        folded.feed(
            [execution("progress_update", at, task_id="t", status=word), task("task.progress", at, status=word)]
        )
    state = folded.state
    assert (state.tasks["t"].status, state.tasks["t"].step) == ("running", "mauve")
    assert [alert.text.split("status '")[1].split("'")[0] for alert in state.alerts] == ["purple", "mauve"]


def test_a_frame_of_another_protocol_is_named_once() -> None:
    folded = fold(['0{"sid":"x"}', '40{"sid":"x"}', "<html></html>"])
    assert [alert.text.split(":")[0] for alert in folded.state.alerts] == [
        "The server sends a packet of Socket.IO",
        "The server sends a page of HTML or XML, not JSON",
    ]
    assert folded.log.malformed == 3
