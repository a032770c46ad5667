"""The head of the picture: when the newest event came, and how often they usually do."""

from __future__ import annotations

from typing import Any

from tests.state.asking import ACKNOWLEDGED, SENT, play, request
from tests.support.folding import START, Folded, task

SECOND = 1_000_000
PROGRESS = task("task.progress", 0, progress=1)


def head(run: Folded) -> dict[str, Any]:
    return dict(run.picture()["picture"]["head"])


def test_it_says_when_the_newest_event_came() -> None:
    run = Folded(step=SECOND)
    assert head(run)["last_event_at"] is None
    run.feed([PROGRESS, PROGRESS])
    assert head(run)["last_event_at"] == (START + 2 * SECOND) // 1000


def test_the_usual_gap_is_that_of_pauses_not_of_bursts() -> None:
    run = Folded(step=SECOND // 100)
    run.feed([PROGRESS] * 20)
    assert head(run)["usual_gap_s"] is None
    for _ in range(20):
        run.now += 2 * SECOND
        run.feed([PROGRESS] * 20)
    assert 1.9 < head(run)["usual_gap_s"] < 2.1


def test_an_answer_of_a_function_is_not_called_yours() -> None:
    run = play(request(by="policy"), SENT, ACKNOWLEDGED)
    (row,) = run.picture()["picture"]["checkpoints"]["rows"]
    assert (row["status"], row["decided_by"]) == ("decided", "policy")
