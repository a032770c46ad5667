"""Questions that are asked again under the same id, against late and repeated facts about the earlier round."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runconsole.events import Fact
from tests.state.asking import (
    ACKNOWLEDGED,
    DEADLINE,
    SENT,
    UNANSWERED,
    Steps,
    answer,
    asked,
    decided,
    go_on,
    moment,
    opened,
    play,
    refused,
    request,
)
from tests.support.folding import task


def asked_again(at: float = 10, **payload: Any) -> str:
    return opened(at=at, timeout=moment(at + DEADLINE), **payload)


@pytest.mark.parametrize(
    "closed",
    [
        [decided("reject", decidedBy="alice")],
        [decided("reject", autoTriggered=True)],
        [request(), SENT, ACKNOWLEDGED],
        [request(), SENT, ACKNOWLEDGED, decided("approve")],
        [request(), SENT, refused(final=True)],
        [task("task.cancelled", 9)],
    ],
)
def test_a_closed_question_that_is_asked_again_waits_again(closed: Steps) -> None:
    folded = play(*closed, asked_again(description="anew"))
    row = asked(folded)
    assert (row.status, row.round, row.decided_by, row.decision, row.error) == ("pending", 2, None, None, None)
    assert (row.requested_at, row.deadline, row.description) == (moment(10), moment(70), "anew")
    go_on(folded, request("d2", at=11))
    assert (answer(folded, "d2").state, asked(folded).status) == ("queued", "sending")


@pytest.mark.parametrize(
    "late", [opened(at=0, description="other words"), opened(at=1), opened(at=4.9), decided("approve", 6)]
)
def test_late_facts_about_an_answered_question_open_nothing(late: str) -> None:
    folded = play(decided("reject", decidedBy="alice"), late)
    assert (asked(folded).status, asked(folded).decision, asked(folded).round) == ("decided", "reject", 1)


@pytest.mark.parametrize(
    "late", [decided("reject", 5), decided("reject", autoTriggered=True), ACKNOWLEDGED, UNANSWERED, refused(final=True)]
)
def test_late_news_of_an_earlier_round_closes_nothing(late: str | Fact) -> None:
    folded = play(request(), SENT, UNANSWERED, decided("approve", 3), asked_again(), late)
    assert (asked(folded).status, asked(folded).round, asked(folded).decided_by) == ("pending", 2, None)


def test_a_late_decision_concerns_the_first_round() -> None:
    folded = play(opened(at=8, description="again"), decided("reject", 5, decidedBy="alice"))
    assert (asked(folded).status, asked(folded).round) == ("pending", 2)
    go_on(folded, decided("approve", 9, decidedBy="alice"))
    assert (asked(folded).status, asked(folded).decision) == ("decided", "approve")


def test_without_timestamps_a_later_deadline_asks_again() -> None:
    def bare(frame: str) -> str:
        return json.dumps({name: value for name, value in json.loads(frame).items() if name != "timestamp"})

    folded = play(decided("reject"), bare(opened(description="x")))
    assert asked(folded).status == "decided"
    go_on(folded, bare(opened(timeout=moment(200))))
    assert (asked(folded).status, asked(folded).deadline) == ("pending", moment(200))


def test_a_newer_announcement_may_move_the_deadline() -> None:
    assert asked(play(opened(at=3, timeout=moment(90)))).deadline == moment(90)
    assert asked(play(opened(at=-3, timeout=moment(30)))).deadline == moment(DEADLINE)
