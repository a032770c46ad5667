"""Answers by code: `on_checkpoint` and `next_checkpoint`, against the simulator."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from runconsole import Console, InvalidArgument
from runconsole.events import Answer
from runconsole.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runconsole.state import Checkpoint


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator("tasks", speed=100, decision_timeout=6000) as simulator:
        yield simulator


def first(checkpoint: Checkpoint) -> str:
    return checkpoint.options[0].id


ANSWERS: dict[str, Callable[[Checkpoint], Any]] = {
    "option": first,
    "option and feedback": lambda checkpoint: (first(checkpoint), "by code"),
    "answer": lambda checkpoint: Answer(first(checkpoint), "by code", {"n": 1}),
    "mapping": lambda checkpoint: {"option": first(checkpoint), "feedback": "by code", "modifications": {"n": 1}},
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
def test_a_policy_answers_every_checkpoint_once(simulator: Simulator, answer: Callable[[Checkpoint], Any]) -> None:
    asked: list[str] = []

    def policy(checkpoint: Checkpoint) -> Any:
        asked.append(checkpoint.checkpoint_id)
        return answer(checkpoint)

    with Console(simulator.url, on_checkpoint=policy) as console:
        assert console.wait(50)
        assert sorted(asked) == sorted(console.checkpoints.index)
        assert set(console.decisions["by"]) == {"policy"}
        assert (set(console.checkpoints["decided_by"]), set(console.decisions["by"])) == ({"you"}, {"policy"})
        assert "by your policy" in str(console)
        assert set(console.decisions["state"]) <= {"acknowledged", "applied"}


def test_a_policy_that_raises_is_shown_and_ends_nothing(simulator: Simulator) -> None:
    def policy(checkpoint: Checkpoint) -> str:
        raise LookupError("no rule for this one")

    with Console(simulator.url, on_checkpoint=policy) as console:
        while not any("no rule for this one" in alert.text for alert in list(console._engine.state.alerts)):
            assert not console.wait(0.05)
        while console.pending or not console.wait(0.05):
            for checkpoint in console.pending:
                console.decide(checkpoint.checkpoint_id, first(checkpoint))
        assert set(console.checkpoints["decided_by"]) == {"you"}


def test_a_policy_without_a_usable_answer_leaves_it_to_people(simulator: Simulator) -> None:
    replies = iter([None, 42])
    asked = threading.Event()

    def policy(_checkpoint: Checkpoint) -> Any:
        reply = next(replies, None)
        if reply == 42:
            asked.set()
        return reply

    with Console(simulator.url, on_checkpoint=policy) as console:
        assert asked.wait(30)
        while not any("expected on_checkpoint to return" in alert.text for alert in list(console._engine.state.alerts)):
            assert not console.wait(0.05)
        assert len(console.pending) == 2
        assert console.decisions.empty


async def test_the_next_checkpoint_is_awaited_until_the_run_has_ended(simulator: Simulator) -> None:
    with Console(simulator.url) as console:
        titles = []
        while (checkpoint := await console.next_checkpoint(timeout=30)) is not None:
            titles.append(checkpoint.title)
            await console.decide_async(checkpoint.checkpoint_id, first(checkpoint))
        assert len(titles) == 3
        assert await console.finished(timeout=30)


async def test_without_a_checkpoint_in_time_there_is_none(simulator: Simulator) -> None:
    with Console(simulator.url) as console:
        assert await console.next_checkpoint(timeout=0.001) is None


def test_what_is_no_function_is_no_policy() -> None:
    with pytest.raises(InvalidArgument, match="on_checkpoint= to be a function"):
        Console("ws://127.0.0.1:9", on_checkpoint="approve", start=False)  # type: ignore[arg-type]


def test_wait_says_nothing_of_questions_that_code_answers(
    simulator: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    with Console(simulator.url, on_checkpoint=first) as console:
        assert console.wait(60)
    assert capsys.readouterr().err == ""


def test_wait_says_of_a_question_that_code_leaves_to_people(
    simulator: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    left = threading.Event()

    def policy(checkpoint: Checkpoint) -> str | None:
        if "spec" not in checkpoint.checkpoint_id:
            return first(checkpoint)
        left.set()
        return None

    with Console(simulator.url, on_checkpoint=policy) as console:
        assert left.wait(60)
        assert not console.wait(5)
        assert "cp-101-spec" in capsys.readouterr().err
        console.decide("cp-101-spec", "approve")
        assert console.wait(60)
