"""Questions and answers in the state: every transition of a decision, from every client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from runconsole.decoding.envelope import read_events
from runconsole.events import (
    DecisionSent,
    Fact,
)
from runconsole.state import RunState, Transmit, Urgent
from tests.state.asking import (
    ACKNOWLEDGED,
    DEADLINE,
    EXPIRED,
    PRESUMED,
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
from tests.support.folding import START, Folded, execution, fold, task

# ---- the question --------------------------------------------------------------------------------------------------


def test_a_question_waits_with_all_that_was_asked() -> None:
    row = asked(play())
    assert (row.task_id, row.title, row.status, row.default_action) == ("t", "Ship?", "pending", "reject")
    assert ([option.id for option in row.options], row.deadline) == (["approve", "reject"], moment(DEADLINE))
    assert (row.requested_at, row.is_open, row.decided_by) == (START, True, None)


def test_a_question_asked_again_stays_and_may_say_more() -> None:
    folded = play(opened(title="Another title", description="More words", at=1))
    assert (asked(folded).title, asked(folded).description, asked(folded).requested_at) == (
        "Ship?",
        "More words",
        START,
    )
    (event,) = read_events(opened(), START)
    assert folded.state.apply(event) == ()


def test_a_reminder_is_noted_once_and_may_move_the_deadline() -> None:
    reminder = task("checkpoint.reminder", 20, checkpointId="c", timeout=moment(90))
    folded = play(reminder, task("checkpoint.reminder", 30, checkpointId="c", timeout=moment(99)))
    assert (asked(folded).reminded, asked(folded).deadline) == (True, moment(90))
    assert not asked(play(task("checkpoint.reminder", 20, checkpointId="other"))).reminded
    assert not asked(play(decided("approve"), reminder)).reminded


def test_an_option_is_found_by_its_id_and_else_by_its_label() -> None:
    options = [{"id": "a", "label": "b"}, {"id": "b", "label": "Bee"}]
    row = fold([opened(options=options)]).state.checkpoints["c"]
    found = [row.option(name) for name in ("a", "b", "Bee", "c")]
    assert [option and option.id for option in found] == ["a", "b", "b", None]


# ---- what the server says alone ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "option", "by"),
    [
        (decided("approve", decidedBy="alice"), "approve", "other"),
        (decided(None), None, "other"),
        (decided("reject", autoTriggered=True), "reject", "timeout"),
        (task("checkpoint.timeout", 5, checkpointId="c", defaultAction="approve"), "approve", "timeout"),
        (task("checkpoint.timeout", 5, checkpointId="c"), "reject", "timeout"),
    ],
)
def test_a_foreign_answer_is_anothers_or_the_time_outs(frame: str, option: str | None, by: str) -> None:
    row = asked(play(frame))
    assert (row.status, row.decision, row.decided_by, row.decided_at) == ("decided", option, by, moment(5))
    assert (row.response_s, row.is_open) == (5.0, False)


def test_a_second_decision_only_fills_unknown_fields() -> None:
    row = asked(play(decided(None, decidedBy="alice"), decided("approve", 6, feedback="ok"), decided("reject", 7)))
    assert (row.decision, row.feedback, row.decided_by, row.decided_at) == ("approve", "ok", "other", moment(5))


def test_an_answer_before_its_question_is_kept_for_it() -> None:
    folded = fold([decided("approve", 5), opened(at=1)], step=0)
    row = asked(folded)
    assert (row.status, row.decision, row.title, row.response_s) == ("decided", "approve", "Ship?", 4.0)


@pytest.mark.parametrize("end", ["task.completed", "task.failed", "task.cancelled"])
def test_the_end_of_a_task_closes_only_its_questions(end: str) -> None:
    folded = play(opened("other", taskId="u"), task(end, 9), opened("after", 10))
    assert (asked(folded).status, asked(folded).is_open) == ("expired", False)
    assert "no longer needed" in (asked(folded).error or "")
    assert [row.checkpoint_id for row in folded.state.open_checkpoints] == ["other", "after"]


def test_the_end_of_the_run_closes_every_question() -> None:
    folded = play(opened("other", taskId="u"), execution("execution_completed", 9, status="success"))
    assert folded.state.open_checkpoints == []


def test_a_decision_settles_an_expired_question_but_opens_none() -> None:
    folded = play(EXPIRED)
    assert (asked(folded).status, asked(folded).decided_by) == ("expired", None)
    folded.feed([task("checkpoint.timeout", 64, checkpointId="c", defaultAction="reject")])
    assert (asked(folded).status, asked(folded).decided_by, asked(folded).error) == ("decided", "timeout", None)


# ---- our decision --------------------------------------------------------------------------------------------------


def test_a_decision_locks_the_question_and_asks_to_be_sent() -> None:
    state: RunState = play().state
    assert state.apply(request(feedback="fine", modifications={"a": 1})) == (Urgent(), Transmit("d"))
    row, decision = state.checkpoints["c"], state.decisions["d"]
    assert (row.status, row.decision_id, row.is_open) == ("sending", "d", True)
    assert (decision.state, decision.option, decision.feedback, decision.modifications) == (
        "queued",
        "approve",
        "fine",
        {"a": 1},
    )
    assert (decision.task_id, decision.by, decision.requested_at) == ("t", "you", moment(2))
    assert state.apply(request()) == ()


@pytest.mark.parametrize(
    ("steps", "decision", "checkpoint", "by"),
    [
        ([], "queued", "sending", None),
        ([SENT], "sent", "sending", None),
        ([SENT, ACKNOWLEDGED], "acknowledged", "decided", "you"),
        ([SENT, ACKNOWLEDGED, decided("approve")], "applied", "decided", "you"),
        ([SENT, ACKNOWLEDGED, decided(None)], "applied", "decided", "you"),
        ([SENT, ACKNOWLEDGED, decided("in words of its own")], "applied", "decided", "you"),
        ([SENT, ACKNOWLEDGED, decided("reject", decidedBy="alice")], "refused", "decided", "other"),
        ([SENT, ACKNOWLEDGED, decided("reject", autoTriggered=True)], "expired", "decided", "timeout"),
        ([SENT, decided("in words of its own")], "sent", "decided", None),
        ([SENT, ACKNOWLEDGED, decided("approve"), decided("approve")], "applied", "decided", "you"),
        ([SENT, decided("approve")], "sent", "decided", None),
        ([SENT, decided("approve"), PRESUMED], "applied", "decided", "you"),
        ([SENT, decided("approve"), UNANSWERED], "applied", "decided", "you"),
        ([SENT, decided("approve"), PRESUMED, ACKNOWLEDGED], "applied", "decided", "you"),
        ([SENT, decided("approve"), PRESUMED, refused(final=True)], "refused", "decided", "other"),
        ([SENT, PRESUMED], "sent", "sending", None),
        ([SENT, decided("approve", 0.5)], "refused", "decided", "other"),
        ([SENT, decided("approve", feedback="not my words")], "refused", "decided", "other"),
        ([SENT, decided("approve"), ACKNOWLEDGED], "applied", "decided", "you"),
        ([SENT, decided("reject", decidedBy="alice")], "refused", "decided", "other"),
        ([SENT, decided("reject", autoTriggered=True)], "expired", "decided", "timeout"),
        ([SENT, decided("approve", autoTriggered=True)], "expired", "decided", "timeout"),
        ([SENT, refused()], "refused", "pending", None),
        ([SENT, refused(final=True)], "refused", "decided", "other"),
        ([SENT, refused(expired=True)], "expired", "expired", None),
        ([SENT, refused(), ACKNOWLEDGED], "refused", "pending", None),
        ([SENT, decided("approve"), refused(final=True)], "refused", "decided", "other"),
        ([SENT, UNANSWERED], "unknown", "unknown", None),
        ([SENT, UNANSWERED, ACKNOWLEDGED], "acknowledged", "decided", "you"),
        ([SENT, UNANSWERED, decided("approve")], "applied", "decided", "you"),
        ([SENT, UNANSWERED, decided("reject", decidedBy="alice")], "refused", "decided", "other"),
        ([SENT, UNANSWERED, refused()], "refused", "pending", None),
        ([SENT, UNANSWERED, EXPIRED], "unknown", "unknown", None),
        ([SENT, ACKNOWLEDGED, UNANSWERED], "acknowledged", "decided", "you"),
        ([SENT, ACKNOWLEDGED, EXPIRED], "acknowledged", "decided", "you"),
        ([SENT, EXPIRED], "sent", "sending", None),
        ([EXPIRED], "expired", "expired", None),
        ([decided("approve", decidedBy="alice")], "refused", "decided", "other"),
        ([decided("reject", autoTriggered=True)], "expired", "decided", "timeout"),
        ([UNANSWERED], "queued", "sending", None),
        ([refused()], "refused", "pending", None),
        ([task("task.cancelled", 9)], "expired", "expired", None),
        ([SENT, task("task.cancelled", 9)], "sent", "sending", None),
        ([SENT, task("task.cancelled", 9), ACKNOWLEDGED], "acknowledged", "decided", "you"),
        ([SENT, UNANSWERED, task("task.cancelled", 9)], "unknown", "expired", None),
    ],
)
def test_every_way_that_a_decision_can_go(steps: Steps, decision: str, checkpoint: str, by: str | None) -> None:
    folded = play(request(), *steps)
    assert answer(folded).state == decision
    assert (asked(folded).status, asked(folded).decided_by) == (checkpoint, by)


def test_a_decision_with_our_correlation_id_is_ours() -> None:
    frame = decided("something_else").replace('"type"', '"correlationId": "d", "type"')
    folded = play(request(), SENT, frame)
    assert (answer(folded).state, asked(folded).decided_by) == ("applied", "you")


def test_an_option_may_be_known_to_the_server_by_its_action() -> None:
    options = [{"id": "more", "label": "Spend", "action": "approve"}]
    folded = fold([opened(options=options)], step=0)
    go_on(folded, request(option="more"), SENT, decided("approve"), PRESUMED)
    assert (answer(folded).state, asked(folded).decided_by) == ("applied", "you")


def test_the_answer_of_a_policy_is_named_as_one() -> None:
    policy = request(by="policy")
    folded = play(policy, SENT, ACKNOWLEDGED, request("late"))
    assert asked(folded).decided_by == "policy"
    assert folded.state.decisions["late"].error == "already decided by your policy: 'approve'"
    folded = play(policy, SENT, decided("approve"), PRESUMED)
    assert (asked(folded).decided_by, answer(folded).state) == ("policy", "applied")


def test_another_option_with_the_same_action_is_a_difference() -> None:
    options = [{"id": "keyset", "action": "approve"}, {"id": "view", "action": "approve"}]
    folded = fold([opened(options=options)], step=0)
    go_on(folded, request(option="view"), SENT, ACKNOWLEDGED)
    assert asked(folded).decision == "view"
    go_on(folded, decided("keyset"))
    assert (answer(folded).state, asked(folded).decision, asked(folded).decided_by) == ("refused", "keyset", "other")


def test_an_answer_lost_at_the_end_of_the_run_is_closed() -> None:
    folded = play(request(), SENT, execution("execution_completed", 9, status="success"))
    assert asked(folded).status == "sending"
    go_on(folded, UNANSWERED)
    assert (answer(folded).state, asked(folded).status, folded.state.open_checkpoints) == ("unknown", "expired", [])


def test_an_acknowledged_answer_says_what_was_decided_and_when() -> None:
    row = asked(play(request(feedback="fine"), SENT, ACKNOWLEDGED))
    assert (row.decision, row.feedback, row.decided_at, row.response_s) == ("approve", "fine", moment(3), 3.0)


def test_a_failed_answers_reason_stays_until_the_next_answer() -> None:
    folded = play(request(), SENT, refused())
    assert (asked(folded).error, answer(folded).error, answer(folded).code) == ("no", "no", "CODE")
    folded.apply(request("d2", at=4))
    assert (asked(folded).error, asked(folded).status) == (None, "sending")


# ---- a second press ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "state", "words"),
    [
        ([request()], "refused", "already on its way"),
        ([request(), SENT], "refused", "already on its way"),
        ([request(), SENT, ACKNOWLEDGED], "refused", "already decided by you: 'approve'"),
        ([decided("reject", decidedBy="alice")], "refused", "already decided by alice: 'reject'"),
        ([decided("reject")], "refused", "already decided by somebody else: 'reject'"),
        ([decided("reject", autoTriggered=True)], "refused", "already decided by the time-out: 'reject'"),
        ([EXPIRED], "expired", "the deadline has passed"),
        ([task("task.cancelled", 1)], "expired", "no longer needed"),
    ],
)
def test_a_press_that_cannot_count_is_never_sent(before: Steps, state: str, words: str) -> None:
    folded = play(*before)
    row = asked(folded)
    assert folded.state.apply(request("second", "reject", at=4)) == (Urgent(),)
    assert answer(folded, "second").state == state
    assert words in (answer(folded, "second").error or "")
    assert asked(folded) == row


def test_an_answer_after_the_deadline_is_refused_here() -> None:
    assert answer(_pressed(at=59.0)).state == "queued"
    assert answer(_pressed(at=61.0)).state == "expired"
    # A server whose clock is five minutes behind ours: by it there is time.
    slow = [task("worker.heartbeat", -300 + n) for n in range(3)]
    folded = fold([opened(at=-300), *slow], step=0)
    folded.apply(request(at=61.0))
    assert answer(folded).state == "queued"


def _pressed(at: float) -> Folded:
    folded = play()
    folded.apply(request(at=at))
    return folded


@pytest.mark.parametrize("again", [[request("d2", at=5)], [request("d2", at=5), DecisionSent(moment(5), "d2")]])
def test_after_an_unknown_outcome_the_person_may_choose_again(again: Steps) -> None:
    folded = play(request(), SENT, UNANSWERED, *again)
    assert (asked(folded).status, asked(folded).decision_id) == ("sending", "d2")
    # A late word about the first answer neither unlocks nor unsettles the second.
    folded.apply(refused())
    assert (answer(folded).state, asked(folded).status) == ("refused", "sending")


def test_a_late_yes_to_the_first_answer_stops_the_second() -> None:
    folded = play(request(), SENT, UNANSWERED, request("d2", "reject", at=5), ACKNOWLEDGED)
    assert (asked(folded).decision, asked(folded).decided_by) == ("approve", "you")
    assert (answer(folded).state, answer(folded, "d2").state) == ("acknowledged", "refused")


def test_a_refusal_of_the_second_answer_leaves_the_first() -> None:
    second = [request("d2", "reject", at=5), DecisionSent(moment(5), "d2")]
    folded = play(request(), SENT, UNANSWERED, *second, ACKNOWLEDGED, refused("d2", final=True))
    assert (asked(folded).status, asked(folded).decision, asked(folded).decided_by) == ("decided", "approve", "you")
    assert answer(folded, "d2").state == "refused"


@pytest.mark.parametrize("fact", [SENT, ACKNOWLEDGED, UNANSWERED, refused()], ids=lambda fact: type(fact).__name__)
def test_a_word_about_a_decision_changes_no_row_in_place(fact: Fact) -> None:
    folded = play(request())
    before: Callable[[], tuple[Any, Any]] = lambda: (asked(folded), answer(folded))  # noqa: E731
    rows = before()
    copies = play(request())
    folded.apply(fact)
    assert rows == (asked(copies), answer(copies))
