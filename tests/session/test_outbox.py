"""The outbox: every decision leaves once at most, and every answer, or its absence, reaches the state."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from runconsole.decoding.envelope import read_events
from runconsole.errors import UnsupportedByWire
from runconsole.events import Answer, CheckpointExpired, DecisionRequested, Fact
from runconsole.log import EventLog
from runconsole.protocols.base import Outgoing, Reply
from runconsole.protocols.json.wire import ChannelWire
from runconsole.session.outbox import Outbox, Post
from runconsole.state import WITHDRAWN, RunState, Transmit
from runconsole.store import Runs
from tests.support.folding import START, task


class Desk:
    """A state with two open questions, an outbox, and a link that keeps what is sent.

    Args:
        deadline: of the questions, in seconds after `START`.
        ahead: seconds by which the server's clock is ahead.
    """

    def __init__(self, *, patience: float = 30.0, deadline: float | None = None, ahead: float = 0, **wire: Any) -> None:
        self.state = RunState()
        self.wire = ChannelWire(**wire)
        self.sent: list[dict[str, Any]] = []
        self.now = START + 1000
        self.outbox = Outbox(Runs(self.state, EventLog()), lambda: self.now, patience=patience)
        self.live = True
        timeout = {} if deadline is None else {"timeout": START + round(deadline * 1e6)}
        for name in ("c1", "c2"):
            asked = task("task.hitl_required", ahead, checkpointId=name, options=["approve"], **timeout)
            (event,) = read_events(asked, START)
            self.state.apply(event)

    def flush(self) -> None:
        """Send what is queued over a link that keeps the frames."""
        self.take(self.outbox.flush(self.wire))

    def take(self, steps: Iterable[Fact | Post]) -> None:
        """Apply facts and keep frames, in their order."""
        for step in steps:
            if isinstance(step, Post):
                self.sent.append(json.loads(step.frame))
            else:
                self.apply(step)

    def apply(self, fact: Fact) -> None:
        if any(isinstance(effect, Transmit) for effect in self.state.apply(fact)) and self.live:
            self.flush()

    def answer(self, reply: Reply) -> bool:
        """Take a reply; return whether it answers a decision."""
        fact = self.outbox.answered(reply)
        if fact is not None:
            self.apply(fact)
        return fact is not None

    def presume(self, decision: str) -> None:
        fact = self.outbox.presume(decision)
        if fact is not None:
            self.apply(fact)

    async def until_overdue(self) -> None:
        """Wait for the first decision whose answer has not come in time."""
        async for fact in self.outbox.overdue():
            self.apply(fact)
            return

    def press(self, decision: str, checkpoint: str = "c1") -> None:
        request = DecisionRequested(START, decision, checkpoint, Answer("approve"))
        self.outbox.hold(request)
        self.apply(request)

    def became(self, decision: str = "d") -> str:
        return self.state.decisions[decision].state


async def test_a_decision_leaves_at_once_where_there_is_a_line() -> None:
    desk = Desk()
    desk.press("d")
    assert desk.became() == "sent"
    assert [message["correlationId"] for message in desk.sent] == ["d"]


async def test_a_decision_waits_for_a_line_and_leaves_once() -> None:
    desk = Desk()
    desk.live = False
    desk.press("d")
    assert desk.became() == "queued"
    desk.flush()
    desk.flush()
    assert [message["correlationId"] for message in desk.sent] == ["d"]


async def test_what_is_no_longer_queued_never_leaves() -> None:
    desk = Desk()
    desk.live = False
    desk.press("first")
    desk.press("second")
    assert desk.became("second") == "refused"
    (event,) = read_events(task("checkpoint.resolved", checkpointId="c1", decision="approve"), START)
    desk.state.apply(event)
    desk.flush()
    assert desk.sent == []


@pytest.mark.parametrize(
    ("reply", "decision", "checkpoint"),
    [
        (Reply("d"), "acknowledged", "decided"),
        (Reply("d", error="no"), "refused", "pending"),
        (Reply("d", error="no", code="INVALID_OPTION"), "refused", "pending"),
        (Reply("d", error="no", code="HITL_ALREADY_DECIDED"), "refused", "decided"),
        (Reply("d", error="no", code="conflict"), "refused", "decided"),
        (Reply("d", error="no", code="CHECKPOINT_NOT_FOUND"), "refused", "expired"),
        (Reply("d", error="no", code="NOT_FOUND"), "refused", "expired"),
        (
            Reply("d", error='No procedure found on path "x"', code="NOT_FOUND", is_unknown_call=True),
            "refused",
            "pending",
        ),
        (
            Reply("d", error='No "mutation"-procedure on path "x"', code="NOT_FOUND", is_unknown_call=True),
            "refused",
            "pending",
        ),
        (Reply("d", error="no", code="CHECKPOINT_EXPIRED"), "expired", "expired"),
    ],
)
async def test_the_servers_answer_reaches_the_state(reply: Reply, decision: str, checkpoint: str) -> None:
    desk = Desk()
    desk.press("d")
    assert desk.answer(reply)
    assert (desk.became(), desk.state.checkpoints["c1"].status) == (decision, checkpoint)


async def test_an_answer_to_something_else_is_not_for_the_outbox() -> None:
    desk = Desk()
    desk.press("d")
    assert not desk.answer(Reply("call-7"))
    assert desk.became() == "sent"


async def test_a_lost_link_leaves_unanswered_decisions_unknown() -> None:
    desk = Desk()
    desk.press("d1")
    desk.press("d2", "c2")
    desk.answer(Reply("d1"))
    desk.take(desk.outbox.lost(["d1", "d2", "call-7"]))
    assert (desk.became("d1"), desk.became("d2")) == ("acknowledged", "unknown")
    assert "the link broke" in (desk.state.decisions["d2"].error or "")


async def test_without_any_answer_the_outcome_is_unknown() -> None:
    desk = Desk(patience=0.01)
    desk.press("d")
    await desk.until_overdue()
    assert desk.became() == "unknown"
    assert "no answer came within" in (desk.state.decisions["d"].error or "")


@pytest.mark.parametrize("decide", [lambda decision: 1 / 0, lambda decision: ("x", object())])
async def test_an_unwritable_answer_is_refused_with_the_reason(decide: Any) -> None:
    desk = Desk(decide=decide)
    desk.press("d")
    assert desk.became() == "refused"
    assert "could not be written as a message" in (desk.state.decisions["d"].error or "")
    assert desk.state.checkpoints["c1"].status == "pending"


# ---- the deadline --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [0, 1, 1_900_000, 60_000_000], ids=lambda after: f"{after} us after it")
async def test_nothing_leaves_the_outbox_after_the_deadline(after: int) -> None:
    desk = Desk(deadline=60)
    desk.live = False
    desk.press("d")
    desk.now = START + 60_000_000 + after
    desk.flush()
    assert (desk.became(), desk.state.checkpoints["c1"].status, desk.sent) == ("expired", "expired", [])
    assert "nothing was sent" in (desk.state.decisions["d"].error or "")


async def test_until_the_last_moment_before_the_deadline_it_leaves() -> None:
    desk = Desk(deadline=60)
    desk.live = False
    desk.press("d")
    desk.now = START + 59_999_999
    desk.flush()
    assert (desk.became(), len(desk.sent)) == ("sent", 1)


@pytest.mark.parametrize(
    ("ahead", "seconds", "state"),
    [(300, 99.5, "sent"), (300, 100, "expired"), (-300, 699.5, "sent"), (-300, 700, "expired")],
    ids=["5 min ahead, before it", "5 min ahead, at it", "5 min behind, before it", "5 min behind, at it"],
)
async def test_the_deadline_passes_by_the_servers_clock(ahead: float, seconds: float, state: str) -> None:
    desk = Desk(deadline=400, ahead=ahead)
    desk.live = False
    request = DecisionRequested(START - 300_000_000, "d", "c1", Answer("approve"))
    desk.outbox.hold(request)
    desk.apply(request)
    desk.now = START + round(seconds * 1e6)
    desk.flush()
    assert (desk.became(), len(desk.sent)) == (state, state == "sent")


# ---- the end of the console ----------------------------------------------------------------------------------------


async def test_a_stop_withdraws_queued_decisions() -> None:
    desk = Desk()
    desk.live = False
    desk.press("d")
    desk.take(desk.outbox.close())
    desk.flush()
    assert (desk.became(), desk.state.checkpoints["c1"].status, desk.sent) == ("refused", "pending", [])
    assert desk.state.decisions["d"].code == WITHDRAWN


async def test_when_the_console_stops_what_was_not_answered_is_unknown() -> None:
    desk = Desk()
    desk.press("d")
    desk.take(desk.outbox.close())
    assert (desk.became(), desk.outbox.is_waiting) == ("unknown", False)


# ---- an event that tells of the same answer --------------------------------------------------------------------------


def resolved(**payload: Any) -> Any:
    (event,) = read_events(task("checkpoint.resolved", checkpointId="c1", **payload), START + 2000)
    return event


async def test_a_reply_after_the_event_says_whose_decision_it_is() -> None:
    for reply, state, by in (
        (Reply("d"), "applied", "you"),
        (Reply("d", error="too late", code="CONFLICT"), "refused", "other"),
    ):
        desk = Desk()
        desk.press("d")
        desk.state.apply(resolved(decision="approve"))
        desk.presume("d")
        assert desk.became() == "sent"
        desk.answer(reply)
        assert (desk.became(), desk.state.checkpoints["c1"].decided_by) == (state, by)
        assert not desk.outbox.is_waiting


async def test_without_a_reply_the_event_is_the_answer() -> None:
    desk = Desk()
    desk.press("d")
    desk.state.apply(resolved(decision="approve"))
    desk.presume("d")
    await desk.until_overdue()
    assert (desk.became(), desk.state.checkpoints["c1"].decided_by) == ("applied", "you")
    # The real answer may still come, and knows better.
    desk.answer(Reply("d", error="too late", code="CONFLICT"))
    assert (desk.became(), desk.state.checkpoints["c1"].decided_by) == ("refused", "other")


# ---- answers that go out together ------------------------------------------------------------------------------------


class TogetherWire(ChannelWire):
    """A wire on which one frame answers both questions."""

    def together(self, checkpoint_id: str) -> tuple[str, ...]:  # noqa: ARG002 - as the base class has it
        return ("c1", "c2")

    def decide_all(self, decisions: Sequence[DecisionRequested]) -> Outgoing:
        frame = json.dumps({"answers": {each.checkpoint_id: each.option for each in decisions}})
        return Outgoing(decisions[0].decision_id, frame, patience=0.01)


def together(**options: Any) -> Desk:
    desk = Desk(**options)
    desk.wire = TogetherWire()
    return desk


def waits(desk: Desk) -> bool:
    return desk.outbox.is_holding


def errors(desk: Desk) -> list[str | None]:
    """Return what is said of the first decision and of its question."""
    return [desk.state.decisions["d"].error, desk.state.checkpoints["c1"].error]


async def test_an_answer_waits_for_those_that_go_out_with_it() -> None:
    desk = together()
    desk.press("d")
    desk.flush()
    assert desk.sent == []
    assert desk.became() == "queued"
    held = "waits for the answer to “c2”: all open questions are answered together"
    assert errors(desk) == [held, held]
    assert waits(desk)
    desk.press("e", "c2")
    desk.flush()
    assert desk.sent == [{"answers": {"c1": "approve", "c2": "approve"}}]
    assert {desk.became("d"), desk.became("e")} == {"sent"}
    assert errors(desk) == [None, None]
    assert not waits(desk)
    assert desk.answer(Reply("d"))
    assert desk.answer(Reply("e"))
    assert {desk.became("d"), desk.became("e")} == {"acknowledged"}


async def test_answers_that_went_out_together_are_each_waited_for_as_long_as_the_wire_says() -> None:
    desk = together()
    desk.press("d")
    desk.press("e", "c2")
    await desk.until_overdue()
    await desk.until_overdue()
    assert {desk.became("d"), desk.became("e")} == {"unknown"}


async def test_an_answer_does_not_wait_for_a_question_that_is_closed() -> None:
    desk = together()
    desk.press("d")
    desk.apply(CheckpointExpired(desk.now, "c2"))
    desk.flush()
    assert desk.sent == []
    assert desk.became() == "refused"
    assert "the run cannot go on without an answer to “c2”, which is closed" in str(desk.state.decisions["d"].error)
    assert desk.state.checkpoints["c1"].status == "pending"
    assert not waits(desk)


async def test_answers_that_cannot_be_written_are_all_refused() -> None:
    class Refusing(TogetherWire):
        def decide_all(self, decisions: Sequence[DecisionRequested]) -> Outgoing:  # noqa: ARG002 - as above
            raise UnsupportedByWire("no")

    desk = together()
    desk.wire = Refusing()
    desk.press("d")
    desk.press("e", "c2")
    assert {desk.became("d"), desk.became("e")} == {"refused"}
    assert desk.sent == []


async def test_a_console_that_stops_says_of_a_waiting_answer_what_it_waited_for() -> None:
    desk = together()
    desk.press("d")
    desk.take(desk.outbox.close())
    assert desk.became() == "refused"
    assert "stopped before the other answers were there: nothing was sent" in str(desk.state.decisions["d"].error)
