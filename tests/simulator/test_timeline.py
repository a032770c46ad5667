"""The logic: scripts side by side in simulated time, and the effects of decisions."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from runconsole.simulator.scenario import (
    Answer,
    Ask,
    AtTask,
    Checkpoint,
    Clock,
    Command,
    Emit,
    Event,
    Interrupted,
    Refusal,
    Script,
    Sleep,
)
from runconsole.simulator.timeline import Timeline, play_through

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass
class Play:
    """A scenario made of the given scripts."""

    makers: Sequence[Callable[[], Script]]
    beside: Sequence[Callable[[], Script]] = field(default=())

    def scripts(self, clock: Clock) -> Sequence[Script]:  # noqa: ARG002 - the protocol's signature
        return [make() for make in self.makers]

    def background(self, clock: Clock) -> Sequence[Script]:  # noqa: ARG002 - the protocol's signature
        return [make() for make in self.beside]

    def envelope(self, clock: Clock, emit: Emit) -> Event:
        return {"type": emit.type, "at": clock.stamp()}


def steps(*given: Emit | Sleep) -> Callable[[], Script]:
    def script() -> Script:
        yield from given

    return script


def question(*, last: bool = True) -> Script:
    decision = yield Ask(Checkpoint("cp", "task", ("yes", "no"), "no"), 10, last=last)
    if decision is None:
        yield Emit("reminded", {})
        decision = yield Ask(Checkpoint("cp", "task", ("yes", "no"), "no"), 10)
    assert decision is not None
    yield Emit(f"{decision.by} said {decision.option}", {})


def types_of(played: list[tuple[float, Event]]) -> list[tuple[float, str]]:
    return [(at, event["type"]) for at, event in played]


def test_scripts_run_side_by_side_in_the_order_of_their_times() -> None:
    play = Play(
        [steps(Sleep(2), Emit("b", {}), Sleep(2), Emit("d", {})), steps(Emit("a", {}), Sleep(3), Emit("c", {}))]
    )
    assert types_of(play_through(play, START)) == [(0, "a"), (2, "b"), (3, "c"), (4, "d")]


def test_events_are_stamped_with_simulated_time_in_milliseconds() -> None:
    played = play_through(Play([steps(Sleep(61.5), Emit("a", {}))]), START)
    assert played == [(61.5, {"type": "a", "at": "2026-01-02T03:05:06.500Z"})]


def test_a_background_script_ends_with_the_run() -> None:
    def heartbeat() -> Script:
        while True:
            yield Sleep(1)
            yield Emit("beat", {})

    played = play_through(Play([steps(Sleep(2.5), Emit("end", {}))], [heartbeat]), START)
    assert types_of(played) == [(1, "beat"), (2, "beat"), (2.5, "end")]


def test_an_unanswered_question_takes_its_default() -> None:
    assert types_of(play_through(Play([question]), START)) == [(10, "timeout said no")]


def test_a_question_that_is_not_the_last_wait_stays_open() -> None:
    timeline = Timeline(Play([lambda: question(last=False)]), START)
    timeline.step()
    assert timeline.step() == [{"type": "reminded", "at": "2026-01-02T03:04:15.000Z"}]
    assert timeline.checkpoints["cp"].state == "open"
    timeline.decide(Answer("cp", "yes"), 12)
    assert timeline.finished


def test_a_decision_goes_on_at_once_and_voids_the_deadline() -> None:
    timeline = Timeline(Play([question, steps(Sleep(30), Emit("later", {}))]), START)
    timeline.step()
    timeline.step()
    decision, events = timeline.decide(Answer("cp", "yes", feedback="fine"), 4)
    assert (decision.option, decision.feedback, decision.automatic, decision.response_s) == ("yes", "fine", False, 4)
    assert events == [{"type": "user said yes", "at": "2026-01-02T03:04:09.000Z"}]
    assert timeline.next_at == 30


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer("other", "yes"), "CHECKPOINT_NOT_FOUND"),
        (Answer("cp", "yes", task_id="other"), "CHECKPOINT_NOT_FOUND"),
        (Answer("cp", "maybe"), "INVALID_OPTION"),
    ],
)
def test_an_unfit_answer_is_refused_and_changes_nothing(answer: Answer, code: str) -> None:
    timeline = Timeline(Play([question]), START)
    timeline.step()
    with pytest.raises(Refusal) as refused:
        timeline.decide(answer, 1)
    assert refused.value.code == code
    assert timeline.checkpoints["cp"].state == "open"


def test_a_second_answer_is_refused() -> None:
    timeline = Timeline(Play([question]), START)
    timeline.step()
    timeline.decide(Answer("cp", "yes"), 1)
    with pytest.raises(Refusal, match="already decided: 'yes'") as refused:
        timeline.decide(Answer("cp", "no"), 2)
    assert refused.value.code == "HITL_ALREADY_DECIDED"


def test_an_answer_after_the_deadline_is_refused() -> None:
    timeline = Timeline(Play([question]), START)
    timeline.step()
    timeline.step()
    with pytest.raises(Refusal) as refused:
        timeline.decide(Answer("cp", "yes"), 11)
    assert refused.value.code == "CHECKPOINT_EXPIRED"


# ---- commands -------------------------------------------------------------------------------------------------------


def job() -> Script:
    """A task of ten seconds with a question in its middle, which can be cancelled and run again."""
    yield AtTask("t", again=job)
    try:
        yield Sleep(5)
        yield from question()
        yield Sleep(5)
        yield Emit("done", {})
    except Interrupted:
        yield Emit("cancelled", {})
    yield AtTask(None)


def command(timeline: Timeline, verb: str, at: float, task_id: str = "t") -> list[str]:
    return [event["type"] for event in timeline.command(Command(verb, task_id), at)]  # type: ignore[arg-type]


def test_a_resumed_script_sleeps_for_the_remaining_time() -> None:
    timeline = Timeline(Play([job, steps(Sleep(50), Emit("other", {}))]), START)
    timeline.step()
    timeline.step()
    assert command(timeline, "pause", 3) == ["task.paused"]
    assert timeline.next_at == 50
    assert command(timeline, "resume", 20) == ["task.resumed"]
    assert timeline.next_at == 22


def test_a_run_of_which_all_is_paused_waits_and_is_not_over() -> None:
    timeline = Timeline(Play([job]), START)
    timeline.step()
    command(timeline, "pause", 1)
    assert (timeline.next_at, timeline.finished, timeline.step()) == (None, False, [])


def test_a_cancelled_script_withdraws_its_question() -> None:
    timeline = Timeline(Play([job, steps(Sleep(50))]), START)
    for _ in range(3):
        timeline.step()
    assert timeline.checkpoints["cp"].state == "open"
    assert command(timeline, "cancel", 6) == ["cancelled"]
    with pytest.raises(Refusal, match="no longer needed") as refused:
        timeline.decide(Answer("cp", "yes"), 7)
    assert refused.value.code == "CHECKPOINT_EXPIRED"


def test_an_ended_script_can_be_run_again() -> None:
    timeline = Timeline(Play([job, steps(Sleep(50))]), START)
    timeline.step()
    command(timeline, "cancel", 1)
    assert command(timeline, "retry", 2) == []
    assert timeline.next_at == 0  # the other script has not begun
    timeline.step()
    assert timeline.next_at == 7


@pytest.mark.parametrize(
    ("verb", "task_id"), [("cancel", "u"), ("pause", "u"), ("resume", "t"), ("retry", "t"), ("retry", "u")]
)
def test_a_command_that_makes_no_sense_now_is_refused(verb: str, task_id: str) -> None:
    timeline = Timeline(Play([job]), START)
    timeline.step()
    with pytest.raises(Refusal) as refused:
        command(timeline, verb, 1, task_id)
    assert refused.value.code == "INVALID_STATE"
