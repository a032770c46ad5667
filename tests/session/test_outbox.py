"""The outbox: every decision leaves once at most, and every answer, or its absence, reaches the state."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from runconsole.decoding.envelope import read_events
from runconsole.events import Answer, DecisionRequested, Fact
from runconsole.log import EventLog
from runconsole.protocols.base import Reply
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
