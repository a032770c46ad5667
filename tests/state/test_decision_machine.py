"""The decision machine under any order of what people, servers and links can do."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from runconsole.events import (
    CheckpointDecided,
    CheckpointExpired,
    CheckpointOpened,
    CheckpointOption,
    CheckpointReminded,
    DecisionAcknowledged,
    DecisionRequested,
    DecisionSent,
    DecisionTurnedDown,
    DecisionUnanswered,
    Fact,
    Received,
    TaskCancelled,
    TaskStarted,
)
from runconsole.state import RunState, Transmit

OPTIONS = (CheckpointOption("approve", "Approve"), CheckpointOption("reject", "Reject"))
IN_FLIGHT = {"queued", "sent"}
DONE = {"acknowledged", "applied", "refused", "expired"}
checkpoints = st.sampled_from(["c0", "c1"])
choices = st.sampled_from(["approve", "reject"])


class DecisionMachine(RuleBasedStateMachine):
    """Two questions of one task; presses, links and servers that behave as badly as they may."""

    held = Bundle("held")
    under_way = Bundle("under_way")

    def __init__(self) -> None:
        super().__init__()
        self.state = RunState()
        self.now = 1_000_000
        self.transmitted: list[str] = []
        self.told: dict[str, str] = {}
        for checkpoint in ("c0", "c1"):
            self.server(CheckpointOpened(checkpoint, "t", options=OPTIONS, deadline=500_000_000))

    def apply(self, fact: Fact | Received) -> None:
        self.now += 1_000_000
        effects = self.state.apply(fact)
        self.transmitted += [effect.decision_id for effect in effects if isinstance(effect, Transmit)]

    def server(self, fact: Fact, correlation: str | None = None) -> None:
        self.apply(Received("event", fact, "{}", self.now, self.now, correlation_id=correlation))

    @rule(target=held, checkpoint=checkpoints, option=choices)
    def press(self, checkpoint: str, option: str) -> str:
        decision = f"d{len(self.state.decisions)}"
        self.apply(DecisionRequested(self.now, decision, checkpoint, option))
        return decision

    @rule(target=under_way, decision=consumes(held))
    def send(self, decision: str) -> str:
        self.apply(DecisionSent(self.now, decision))
        return decision

    @rule(decision=under_way)
    def acknowledge(self, decision: str) -> None:
        self.apply(DecisionAcknowledged(self.now, decision))

    @rule(decision=under_way, final=st.booleans(), expired=st.booleans())
    def refuse(self, decision: str, *, final: bool, expired: bool) -> None:
        self.apply(DecisionTurnedDown(self.now, decision, "no", final=final, expired=expired))

    @rule(decision=under_way)
    def lose_the_link(self, decision: str) -> None:
        self.apply(DecisionUnanswered(self.now, decision, "lost"))

    @rule(checkpoint=checkpoints)
    def expire(self, checkpoint: str) -> None:
        self.apply(CheckpointExpired(self.now, checkpoint))

    @rule(checkpoint=checkpoints, option=choices | st.none(), automatic=st.booleans())
    def decide_elsewhere(self, checkpoint: str, option: str | None, *, automatic: bool) -> None:
        self.server(CheckpointDecided(checkpoint, option, automatic=automatic))

    @rule(decision=under_way)
    def confirm(self, decision: str) -> None:
        row = self.state.decisions[decision]
        self.server(CheckpointDecided(row.checkpoint_id, row.option), correlation=decision)

    @rule(checkpoint=checkpoints)
    def ask_again(self, checkpoint: str) -> None:
        self.server(CheckpointOpened(checkpoint, "t", options=OPTIONS))
        self.server(CheckpointReminded(checkpoint))

    @rule()
    def cancel_the_task_and_start_it_again(self) -> None:
        self.server(TaskCancelled("t"))
        self.server(TaskStarted("t"))

    @invariant()
    def no_decision_is_sent_twice(self) -> None:
        assert len(self.transmitted) == len(set(self.transmitted))

    @invariant()
    def a_question_has_one_answer_under_way_at_most_and_is_locked_by_it(self) -> None:
        for checkpoint in self.state.checkpoints.values():
            flying = [
                decision.decision_id
                for decision in self.state.decisions.values()
                if decision.checkpoint_id == checkpoint.checkpoint_id and decision.state in IN_FLIGHT
            ]
            assert len(flying) <= 1
            if checkpoint.status == "sending":
                assert flying == [checkpoint.decision_id]

    @invariant()
    def only_what_was_asked_to_be_sent_is_ever_sent(self) -> None:
        for decision in self.state.decisions.values():
            if decision.sent_at is not None:
                assert decision.decision_id in self.transmitted

    @invariant()
    def what_is_decided_by_us_was_said_by_us(self) -> None:
        for checkpoint in self.state.checkpoints.values():
            if checkpoint.decided_by == "you":
                assert checkpoint.status == "decided"
                assert checkpoint.decision_id in self.transmitted
            if checkpoint.status == "decided":
                assert checkpoint.decided_by is not None

    @invariant()
    def what_has_ended_stays_ended(self) -> None:
        for decision in self.state.decisions.values():
            before = self.told.get(decision.decision_id)
            if before in DONE:
                assert decision.state in DONE
            if before in {"refused", "expired"}:
                assert decision.state == before
            self.told[decision.decision_id] = decision.state


DecisionMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=25)
TestDecisionMachine = DecisionMachine.TestCase
