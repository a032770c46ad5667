"""One question under any order of actions of people, servers and links, beside a server that is right by definition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from runconsole.events import (
    Answer,
    CheckpointDecided,
    CheckpointOpened,
    CheckpointOption,
    CheckpointReminded,
    DecisionAcknowledged,
    DecisionPresumed,
    DecisionRequested,
    DecisionSent,
    DecisionTurnedDown,
    DecisionUnanswered,
    Fact,
    Received,
)
from runconsole.state import Checkpoint, Presume, RunState, Transmit

SECOND = 1_000_000
OPTIONS = (CheckpointOption("approve", "Approve"), CheckpointOption("reject", "Reject"))
RANK = {"queued": 0, "sent": 1, "unknown": 2, "acknowledged": 3, "applied": 4, "refused": 4, "expired": 4}
"""Decisions only move up; one that was only presumed to be applied may still turn out as refused."""

choices = st.sampled_from(["approve", "reject"])
picks = st.integers(0, 100)


@dataclass
class Server:
    """The truth about one question: the decider and the decision of each round. The first answer counts."""

    askings: list[tuple[str, str] | None] = field(default_factory=lambda: [None])
    """Of each round, oldest first, ``(who, option)``; None while it is open."""

    @property
    def is_open(self) -> bool:
        return self.askings[-1] is None

    def decide(self, who: str, option: str) -> bool:
        """Return whether this answer counts."""
        if not self.is_open:
            return False
        self.askings[-1] = (who, option)
        return True


class OneQuestion(RuleBasedStateMachine):
    """A server, a console's state, and between them a link that delays, loses and repeats."""

    def __init__(self) -> None:
        super().__init__()
        self.state = RunState()
        self.server = Server()
        self.now = 1_000 * SECOND
        self.events: list[tuple[int, Fact]] = []
        """Facts of the server that have not arrived yet, oldest first, with their times."""
        self.arrived: list[tuple[int, Fact]] = []
        self.waiting: list[str] = []
        """Decisions to be sent."""
        self.flying: list[str] = []
        """Sent, and not read by the server."""
        self.replies: list[Callable[[], Fact]] = []
        self.patience: list[str] = []
        """Decisions to be presumed if no reply comes."""
        self.transmitted: list[str] = []
        self.lost: set[tuple[int, str]] = set()
        """Round and option of our decisions with a lost reply."""
        self.ranks: dict[str, int] = {}
        self.before: Checkpoint | None = None
        self.publish(CheckpointOpened("c", "t", options=OPTIONS))
        self.deliver()

    # ---- the parts --------------------------------------------------------------------------------------------------

    def apply(self, fact: Fact | Received) -> None:
        self.now += SECOND
        for effect in self.state.apply(fact):
            if isinstance(effect, Transmit):
                self.waiting.append(effect.decision_id)
                self.transmitted.append(effect.decision_id)
            elif isinstance(effect, Presume):
                self.patience.append(effect.decision_id)

    def receive(self, at: int, fact: Fact) -> None:
        # Each in words of its own: what is the same to the letter never gets as far as this.
        self.apply(Received("event", fact, str(self.now), self.now, at))

    def publish(self, fact: Fact) -> None:
        self.now += SECOND
        self.events.append((self.now, fact))

    def deliver(self) -> None:
        at, fact = self.events.pop(0)
        self.arrived.append((at, fact))
        self.receive(at, fact)

    def asking_of(self, decision: str) -> int:
        return self.state.decisions[decision].round

    @property
    def row(self) -> Checkpoint:
        return self.state.checkpoints["c"]

    # ---- we ---------------------------------------------------------------------------------------------------------

    @rule(option=choices)
    def press(self, option: str) -> None:
        self.apply(DecisionRequested(self.now, f"d{len(self.state.decisions)}", "c", Answer(option)))

    @precondition(lambda self: self.waiting)
    @rule()
    def send(self) -> None:
        decision = self.waiting.pop(0)
        if self.state.decisions[decision].state == "queued":
            self.apply(DecisionSent(self.now, decision))
            self.flying.append(decision)

    @precondition(lambda self: self.waiting)
    @rule()
    def withdraw(self) -> None:
        self.apply(DecisionTurnedDown(self.now, self.waiting.pop(0), "withdrawn"))

    @precondition(lambda self: self.patience)
    @rule()
    def presume(self) -> None:
        # In life an answer comes before this, or gets lost: then a refusal on its way never arrives.
        decision = self.patience.pop(0)
        if decision not in self.flying:
            self.apply(DecisionPresumed(self.now, decision))

    # ---- the server -------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.flying)
    @rule(tells_first=st.booleans())
    def read(self, *, tells_first: bool) -> None:
        decision = self.flying.pop(0)
        option = self.state.decisions[decision].option
        counts = self.server.decide(decision, option)
        if counts:
            self.publish(CheckpointDecided("c", option, decided_by="user"))
        reply: Callable[[], Fact] = lambda: (  # noqa: E731
            DecisionAcknowledged(self.now, decision)
            if counts
            else DecisionTurnedDown(self.now, decision, "already decided", "CONFLICT", final=True)
        )
        self.replies.append(reply)
        if counts and tells_first:
            while self.events:
                self.deliver()

    @rule(option=choices)
    def decide_elsewhere(self, option: str) -> None:
        if self.server.decide("other", option):
            self.publish(CheckpointDecided("c", option, decided_by="user"))

    @rule()
    def time_out(self) -> None:
        if self.server.decide("timeout", "reject"):
            self.publish(CheckpointDecided("c", "reject", automatic=True))

    @precondition(lambda self: not (self.server.is_open or self.flying or self.events))
    @rule()
    def ask_again(self) -> None:
        # An answer and the news of its lateness may cross. If the question is asked again under the same id before the
        # answer arrives, the protocol itself cannot say which of the two questions was answered.
        self.server.askings.append(None)
        self.publish(CheckpointOpened("c", "t", options=OPTIONS))

    @rule()
    def remind(self) -> None:
        if self.server.is_open:
            self.publish(CheckpointReminded("c"))

    # ---- the link ---------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.events)
    @rule()
    def event_arrives(self) -> None:
        self.deliver()

    @precondition(lambda self: self.replies)
    @rule()
    def reply_arrives(self) -> None:
        self.apply(self.replies.pop(0)())

    @precondition(lambda self: self.replies)
    @rule()
    def reply_arrives_twice(self) -> None:
        reply = self.replies.pop(0)
        self.apply(reply())
        self.apply(reply())

    @precondition(lambda self: self.replies)
    @rule(comes_late=st.booleans())
    def reply_is_lost(self, *, comes_late: bool) -> None:
        reply = self.replies[0] if comes_late else self.replies.pop(0)
        self._unanswered(getattr(reply(), "decision_id"))  # noqa: B009 - both kinds of reply have it

    @precondition(lambda self: self.flying)
    @rule()
    def frame_is_lost(self) -> None:
        self._unanswered(self.flying.pop(0))

    def _unanswered(self, decision: str) -> None:
        self.lost.add((self.asking_of(decision), self.state.decisions[decision].option))
        self.apply(DecisionUnanswered(self.now, decision, "the link broke"))

    @precondition(lambda self: self.arrived)
    @rule(pick=picks)
    def an_event_comes_again(self, pick: int) -> None:
        self.receive(*self.arrived[pick % len(self.arrived)])

    # ---- what always holds ------------------------------------------------------------------------------------------

    @invariant()
    def no_decision_is_sent_twice(self) -> None:
        assert len(self.transmitted) == len(set(self.transmitted))
        for decision in self.state.decisions.values():
            assert decision.sent_at is None or decision.decision_id in self.transmitted

    @invariant()
    def decisions_only_move_forward(self) -> None:
        for decision in self.state.decisions.values():
            rank = RANK[decision.state]
            assert rank >= self.ranks.get(decision.decision_id, 0)
            self.ranks[decision.decision_id] = rank

    @invariant()
    def one_answer_at_most_is_under_way_and_locks_the_question(self) -> None:
        flying = [d.decision_id for d in self.state.decisions.values() if d.state in {"queued", "sent"}]
        of_this = [decision for decision in flying if self.asking_of(decision) == self.row.round]
        if self.row.status == "sending":
            assert of_this == [self.row.decision_id]
        if self.row.is_open and not of_this:
            assert self.row.status != "sending"
        assert sum(self.state.decisions[d].state == "queued" for d in of_this) <= 1

    @invariant()
    def what_is_closed_opens_only_when_the_server_has_asked_again(self) -> None:
        row, before = self.row, self.before
        assert row.round <= len(self.server.askings)
        if before is not None and not before.is_open and row.is_open:
            assert row.round > before.round
        self.before = row

    @invariant()
    def who_decided_is_not_invented(self) -> None:
        row = self.row
        if row.status != "decided":
            assert row.decided_by is None
            return
        truth = self.server.askings[row.round - 1]
        assert truth is not None
        who, option = truth
        assert row.decision in {None, option}
        if row.decided_by == "timeout":
            assert who == "timeout"
        elif row.decided_by == "you":
            self._was_ours(who, option, row)

    def _was_ours(self, who: str, option: str, row: Checkpoint) -> None:
        """Check that it was this decision, or that a lost one hides that, or that its refusal is still due."""
        ours = self.state.decisions[row.decision_id or ""]
        assert who == ours.decision_id or (ours.presumed and who != "timeout" and option == ours.option)

    # ---- in the end -------------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        """Check that the console agrees with the server after all facts have arrived."""
        while self.flying:
            self.read(tells_first=False)
        while self.replies:
            self.apply(self.replies.pop(0)())
        while self.events:
            self.deliver()
        while self.patience:
            self.presume()
        row, truth = self.row, self.server.askings[-1]
        assert row.round == len(self.server.askings)
        if truth is None:
            assert row.is_open
            return
        who, option = truth
        assert (row.status, row.decision) == ("decided", option)
        decider = who if who in {"other", "timeout"} else "you"
        is_doubtful = (row.round, option) in self.lost and decider != "timeout"
        assert row.decided_by == decider or (is_doubtful and row.decided_by == "you"), (row, truth)
        for decision in self.state.decisions.values():
            if decision.round == row.round and decision.sent_at is not None and not is_doubtful:
                assert (decision.state in {"acknowledged", "applied"}) == (decision.decision_id == who), decision


def _settings() -> Any:
    return settings(max_examples=300, stateful_step_count=30)


OneQuestion.TestCase.settings = _settings()
TestOneQuestion = OneQuestion.TestCase
