"""Whole runs of the simulator on every wire: what it says was decided, and by whom, is what the frames say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from runconsole import Console, DecisionError
from runconsole.simulator import LoseReply, Simulator
from tests.decisions.hosts import until
from tests.decisions.presses import at_once, decided, states

WIRES = ("json", "trpc", "socketio")
SYSTEM = {"type": "subscribe", "payload": {"channel": "system"}, "timestamp": "2026-01-01T00:00:00Z"}
WANTED: dict[str, dict[str, Any]] = {"json": {"subscribe": SYSTEM}}
"""What a strict server wants to be asked for."""
WHO = {"user": "you", "colleague": "other", "timeout": "timeout"}


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def playing(stack: ExitStack, wire: Any, **options: Any) -> Simulator:
    # Simulated deadlines far off: what a fast run says of the time must not end a question.
    given: dict[str, Any] = {"speed": 50, "decision_timeout": 9000} | options
    return stack.enter_context(Simulator("tasks", wire=wire, **given))


def follows(stack: ExitStack, simulator: Simulator, **options: Any) -> Console:
    return stack.enter_context(Console(simulator.url, **options))


def told(simulator: Simulator) -> dict[str, tuple[str, str]]:
    """Return by checkpoint what was decided and by whom, by the server's own log."""
    return {decision.checkpoint_id: (decision.option, decision.by) for decision in simulator.decisions}


@pytest.mark.parametrize("wire", WIRES)
def test_of_two_consoles_that_answer_every_question_at_once_one_counts_each_time(stack: ExitStack, wire: str) -> None:
    simulator = playing(stack, wire)
    one, two = follows(stack, simulator), follows(stack, simulator)
    winners = {}
    for number in range(3):
        until(lambda: any(c.status == "pending" for c in one.pending), "a question")
        name = next(c.checkpoint_id for c in one.pending if c.status == "pending")
        until(lambda name=name: name in [c.checkpoint_id for c in two.pending])  # type: ignore[misc]
        # The second answer is another one, or the same: then the option alone does not tell whose it was.
        options = [option.id for option in one.state.checkpoints[name].options]
        ends = at_once((one, options[0]), (two, options[number % 2]), checkpoint=name)
        assert sorted(isinstance(end, Exception) for end in ends) == [False, True]
        winners[name] = 0 if not isinstance(ends[0], Exception) else 1
    assert one.wait(50)
    assert two.wait(50)
    for name, winner in winners.items():
        option, _ = told(simulator)[name]
        rows = [decided(console, name) for console in (one, two)]
        assert rows[winner] == ("decided", option, "you")
        assert rows[1 - winner] == ("decided", option, "other")
    for console in (one, two):
        assert set(states(console)) <= {"applied", "refused"}


@pytest.mark.parametrize("cut", [True, False], ids=["the link dies", "the link lives"])
@pytest.mark.parametrize("wire", WIRES)
def test_a_reply_that_is_lost_is_made_up_for_by_what_the_server_tells(
    stack: ExitStack, wire: str, *, cut: bool
) -> None:
    simulator = playing(stack, wire, faults=[LoseReply(cut=cut)])
    console = follows(stack, simulator)
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
    assert len(told(simulator)) == 3
    until(lambda: states(console) == ["applied"] * 3)
    for name, (option, by) in told(simulator).items():
        assert decided(console, name) == ("decided", option, WHO[by])
    sent = [frame for frame in simulator.received if any(name in str(frame) for name in answered)]
    resolves = [frame for frame in sent if re.search(r"checkpoint[s_.]+(resolve|decide)\b", str(frame))]
    assert len(resolves) == 3, "each decision was sent once"


@pytest.mark.parametrize(("wire", "strict"), [*((wire, False) for wire in WIRES), ("json", True)])
def test_a_colleague_and_the_time_out_are_told_from_us(stack: ExitStack, wire: str, *, strict: bool) -> None:
    simulator = playing(stack, wire, speed=20, decision_timeout=40, strict=strict)
    console = follows(stack, simulator, **(WANTED[wire] if strict else {}))
    until(lambda: console.pending, "the first question")
    first = console.pending[0]
    simulator.decide(first.checkpoint_id, first.options[0].id)
    assert console.wait(50)
    assert [by for _, by in told(simulator).values()] == ["colleague", "timeout", "timeout"]
    for name, (option, by) in told(simulator).items():
        assert decided(console, name) == ("decided", option, WHO[by])
