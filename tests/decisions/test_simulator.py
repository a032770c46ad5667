"""Whole runs of the simulator on every wire: its own record of decisions and the frames agree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from runconsole import Console, DecisionError
from runconsole.simulator import Decision, LoseReply, Simulator
from tests.decisions.hosts import until
from tests.decisions.presses import at_once, decided, states
from tests.support.personalities import KIND, STRICT, Personality, named

SERVERS = KIND + STRICT
WHO = {"user": "you", "colleague": "other", "timeout": "timeout"}


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def playing(stack: ExitStack, server: Personality, **options: Any) -> Simulator:
    # Simulated deadlines far off: what a fast run says of the time must not end a question.
    given: dict[str, Any] = {"speed": 50, "decision_timeout": 9000} | options
    return stack.enter_context(server.simulator(**given))


def outcomes_of(simulator: Simulator, console: Console) -> dict[str, tuple[str, str]]:
    """Return the decision and decider, by the server's own log, of each question that the console got.

    A console that got two options of a question (approve, reject) gets the one that the server's choice means.
    """
    decisions = [decision for decision in simulator.decisions if decision.checkpoint_id in console.checkpoints.index]
    return {decision.checkpoint_id: (_as_offered(console, decision), decision.by) for decision in decisions}


def _as_offered(console: Console, decision: Decision) -> str:
    offered = [option.id for option in console._engine.state.checkpoints[decision.checkpoint_id].options]
    return decision.option if decision.option in offered else "approve"


@pytest.mark.parametrize("server", SERVERS, ids=named)
def test_of_two_consoles_one_answer_counts_each_time(stack: ExitStack, server: Personality) -> None:
    simulator = playing(stack, server)
    one, two = (stack.enter_context(server.console(simulator)) for _ in range(2))
    winners = {}
    for number in range(server.questions):
        until(lambda: any(c.status == "pending" for c in one.pending), "a question")
        name = next(c.checkpoint_id for c in one.pending if c.status == "pending")
        until(lambda name=name: name in [c.checkpoint_id for c in two.pending])  # type: ignore[misc]
        # The second answer is another one, or the same: then the option alone does not tell whose it was.
        options = [option.id for option in one._engine.state.checkpoints[name].options]
        ends = at_once((one, options[0]), (two, options[number % 2]), checkpoint=name)
        assert sorted(isinstance(end, Exception) for end in ends) == [False, True]
        winners[name] = 0 if not isinstance(ends[0], Exception) else 1
    assert one.wait(50)
    assert two.wait(50)
    for name, winner in winners.items():
        option, _ = outcomes_of(simulator, one)[name]
        rows = [decided(console, name) for console in (one, two)]
        assert rows[winner] == ("decided", option, "you")
        assert rows[1 - winner] == ("decided", option, "other")
    for console in (one, two):
        assert set(states(console)) <= {"applied", "refused"}


@pytest.mark.parametrize("cut", [True, False], ids=["the link dies", "the link lives"])
@pytest.mark.parametrize("server", SERVERS, ids=named)
def test_an_event_makes_up_for_a_lost_reply(stack: ExitStack, server: Personality, *, cut: bool) -> None:
    simulator = playing(stack, server, faults=[LoseReply(cut=cut)])
    console = stack.enter_context(server.console(simulator))
    answered: set[str] = set()

    def answer() -> bool:
        for checkpoint in console.pending:
            if checkpoint.status == "pending" and checkpoint.checkpoint_id not in answered:
                answered.add(checkpoint.checkpoint_id)
                try:
                    console.decide(checkpoint.checkpoint_id, checkpoint.options[0].id)
                except DecisionError as error:
                    assert "it may or may not count" in str(error)  # noqa: PT017 - the first one alone
        return console.run.ended_at is not None

    until(answer, "the end of the run")
    assert len(outcomes_of(simulator, console)) == server.questions
    until(lambda: states(console) == ["applied"] * server.questions)
    for name, (option, by) in outcomes_of(simulator, console).items():
        assert decided(console, name) == ("decided", option, WHO[by])
    sent = [frame for frame in simulator.received if any(name in str(frame) for name in answered)]
    resolves = [frame for frame in sent if re.search(rf"checkpoints?[._]{server.procedure}\b", str(frame))]
    assert len(resolves) == server.questions, "each decision was sent once"


@pytest.mark.parametrize("server", SERVERS, ids=named)
def test_decisions_of_others_are_not_taken_for_ours(stack: ExitStack, server: Personality) -> None:
    simulator = playing(stack, server, speed=20, decision_timeout=40)
    console = stack.enter_context(server.console(simulator))
    until(lambda: console.pending, "the first question")
    first = console.pending[0]
    simulator.decide(first.checkpoint_id, first.options[0].id)
    assert console.wait(50)
    decisions = outcomes_of(simulator, console)
    assert [by for _, by in decisions.values()] == ["colleague", "timeout", "timeout"][: server.questions]
    for name, (option, by) in decisions.items():
        assert decided(console, name) == ("decided", option, WHO[by] if server.says_who else "other")
