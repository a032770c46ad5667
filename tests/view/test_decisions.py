"""The Decisions tab: decider, option, time and outcome of each decision, ours or not."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from runconsole.events import Answer, DecisionAcknowledged, DecisionRequested, DecisionSent, DecisionTurnedDown, Micros
from runconsole.view.contract import DecisionRow
from tests.support.folding import START, Folded, fold, task

SECOND: Micros = 1_000_000
OPTIONS = [{"id": "approve", "label": "Approve"}, {"id": "reject", "label": "Reject"}]


def asked(name: str, at: float = 0, **more: Any) -> str:
    return task("task.hitl_required", at, checkpointId=name, title=f"Question {name}", options=OPTIONS, **more)


def history(folded: Folded) -> list[DecisionRow]:
    folded.view.changes()
    return folded.view.snapshot()["decisions"]["rows"]


def ours(folded: Folded, decision_id: str, name: str, option: str = "approve", after: float = 10) -> None:
    at = folded.now + round(after * SECOND)
    folded.apply(DecisionRequested(at, decision_id, name, Answer(option, "go")))
    folded.apply(DecisionSent(at + SECOND, decision_id))
    folded.now = at + SECOND


def test_our_answers_time_starts_with_the_question() -> None:
    folded = fold([asked("c")])
    ours(folded, "d", "c")
    folded.apply(DecisionAcknowledged(folded.now + SECOND, "d"))
    (row,) = history(folded)
    assert (row["title"], row["option"], row["by"], row["state"]) == ("Question c", "Approve", "you", "acknowledged")
    assert (row["feedback"], row["took_s"], row["at"]) == ("go", 12.0, (folded.now + SECOND) // 1000)


def test_decisions_of_others_and_time_outs_are_history_too() -> None:
    folded = fold([asked("a"), asked("b")])
    folded.feed(
        [
            task("checkpoint.hitl_decided", 30, checkpointId="b", selectedOption="reject", feedback="not now"),
            task("checkpoint.hitl_decided", 60, checkpointId="a", selectedOption="approve", autoTriggered=True),
        ]
    )
    shown = [(row["title"], row["option"], row["by"], row["state"], row["took_s"]) for row in history(folded)]
    assert shown == [
        ("Question b", "Reject", "other", "applied", 30.0),
        ("Question a", "Approve", "timeout", "applied", 60.0),
    ]
    assert [row["feedback"] for row in history(folded)] == ["not now", None]


def test_a_withdrawn_question_has_a_reason_and_no_decider() -> None:
    folded = fold([asked("c"), task("task.cancelled", 5, reason="obsolete")])
    (row,) = history(folded)
    assert (row["option"], row["by"], row["state"]) == (None, None, "expired")
    assert "no longer needed" in str(row["error"])


def test_an_answer_that_somebody_overtook_stands_beside_theirs() -> None:
    folded = fold([asked("c")])
    ours(folded, "d", "c")
    folded.apply(DecisionTurnedDown(folded.now, "d", "already decided by ana", "CONFLICT", final=True))
    folded.feed([task("checkpoint.hitl_decided", 8, checkpointId="c", selectedOption="reject")])
    shown = [(row["option"], row["by"], row["state"]) for row in history(folded)]
    assert shown == [("Approve", "you", "refused"), ("Reject", "other", "applied")]


def test_an_entry_keeps_its_number_and_changes_its_state() -> None:
    folded = fold([asked("a"), asked("b")])
    ours(folded, "d", "a")
    before = history(folded)
    folded.feed([task("checkpoint.hitl_decided", 8, checkpointId="b", selectedOption="approve")])
    folded.apply(DecisionAcknowledged(folded.now, "d"))
    after = history(folded)
    assert [row["key"] for row in after] == ["0", "1"]
    assert (before[0]["state"], after[0]["state"]) == ("sent", "acknowledged")


steps = st.lists(st.tuples(st.sampled_from(["ours", "theirs", "cancel"]), st.integers(0, 4)), max_size=12)


@given(steps)
def test_the_history_only_grows_with_each_foreign_end_once(happenings: list[tuple[str, int]]) -> None:
    folded = fold([asked(f"c{number}", taskId=f"t{number}") for number in range(5)], at=START)
    keys: list[tuple[str, str, bool]] = []
    for position, (what, number) in enumerate(happenings):
        if what == "ours":
            folded.apply(DecisionRequested(folded.now, f"d{position}", f"c{number}", Answer("approve")))
        elif what == "theirs":
            folded.feed([task("checkpoint.hitl_decided", checkpointId=f"c{number}", selectedOption="reject")])
        else:
            folded.feed([task("task.cancelled", taskId=f"t{number}")])
        rows = [(row["key"], row["checkpoint"], row["by"] == "you") for row in history(folded)]
        assert rows[: len(keys)] == keys
        keys = rows
    theirs = [checkpoint for _, checkpoint, is_ours in keys if not is_ours]
    assert len(theirs) == len(set(theirs))
