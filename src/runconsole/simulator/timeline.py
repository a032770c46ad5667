"""The brain of the simulator: scripts in, timed events out. No clock, no I/O, no threads.

A *scenario* is some scripts: generators that yield steps (`Tell` an event, `Sleep`, `Ask` a person) and get back what
the person decided. A `Timeline` runs them side by side in simulated seconds. Whoever plays it says when time has come
(`step`) and what was decided (`decide`); the same scenario and the same decisions at the same simulated times always
give the same events.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runconsole.simulator.steps import (
    Answer,
    Ask,
    Checkpoint,
    Clock,
    Decision,
    Event,
    Refusal,
    Scenario,
    Script,
    Sleep,
    Tell,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

__all__ = ["Timeline", "play_through"]


@dataclass(eq=False, slots=True)
class _Track:
    """One script under way. `turn` counts its wakings, so that a deadline made void by a decision is recognized."""

    script: Script
    background: bool
    turn: int = 0
    asking: Ask | None = None


@dataclass(slots=True, order=True)
class _Waking:
    at: float
    order: int
    track: _Track = field(compare=False)
    turn: int = field(compare=False)


class Timeline:
    """Scripts under way, side by side, in simulated time."""

    def __init__(self, scenario: Scenario, started_at: datetime) -> None:
        self.clock = Clock(started_at)
        self.checkpoints: dict[str, Checkpoint] = {}
        """Every checkpoint asked so far, by id, in order."""
        self._scenario = scenario
        self._asking: dict[str, _Track] = {}
        self._wakings: list[_Waking] = []
        self._order = 0
        self._running = 0
        for script in scenario.scripts(self.clock):
            self._running += 1
            self._wake_in(0.0, _Track(script, background=False))
        for script in scenario.background(self.clock):
            self._wake_in(0.0, _Track(script, background=True))

    @property
    def finished(self) -> bool:
        """Whether every script of the run is over."""
        return self._running == 0

    @property
    def next_at(self) -> float | None:
        """When the next step is due, in simulated seconds; None when the run is over."""
        while self._wakings and self._wakings[0].turn != self._wakings[0].track.turn:
            heapq.heappop(self._wakings)
        return None if self.finished else self._wakings[0].at

    def step(self) -> list[Event]:
        """Move the clock to the next due step, take it, and return the events it told."""
        if self.next_at is None:
            return []
        waking = heapq.heappop(self._wakings)
        self.clock.seconds = waking.at
        track = waking.track
        asked = track.asking
        if asked is None or not asked.last:
            return self._run(track, None)
        return self._run(track, self._settle(asked.checkpoint, Answer(asked.checkpoint.id, asked.checkpoint.default)))

    def decide(self, answer: Answer, at: float) -> tuple[Decision, list[Event]]:
        """Take an answer at simulated time `at`, when every step due before has been taken.

        Returns the decision and the events it causes at once. Raises Refusal where it cannot count.
        """
        checkpoint = self._open_checkpoint(answer)
        self.clock.seconds = max(self.clock.seconds, at)
        decision = self._settle(checkpoint, answer, automatic=False)
        return decision, self._run(self._asking[checkpoint.id], decision)

    def _open_checkpoint(self, answer: Answer) -> Checkpoint:
        checkpoint = self.checkpoints.get(answer.checkpoint_id)
        if checkpoint is None or answer.task_id not in {None, checkpoint.task_id}:
            where = "" if answer.task_id is None else f" in task {answer.task_id}"
            raise Refusal("CHECKPOINT_NOT_FOUND", f"There is no checkpoint {answer.checkpoint_id}{where}.")
        if checkpoint.state == "expired":
            message = f"The deadline of {checkpoint.id} has passed; the default '{checkpoint.default}' was taken."
            raise Refusal("CHECKPOINT_EXPIRED", message)
        if checkpoint.decision is not None:
            message = f"{checkpoint.id} was already decided: '{checkpoint.decision.option}'."
            raise Refusal("HITL_ALREADY_DECIDED", message)
        if answer.option not in checkpoint.options:
            offered = ", ".join(checkpoint.options)
            raise Refusal("INVALID_OPTION", f"{checkpoint.id} has no option '{answer.option}'; it offers {offered}.")
        return checkpoint

    def _settle(self, checkpoint: Checkpoint, answer: Answer, *, automatic: bool = True) -> Decision:
        asked_at = self.clock.seconds if checkpoint.asked_at is None else checkpoint.asked_at
        checkpoint.decision = Decision(
            checkpoint_id=checkpoint.id,
            task_id=checkpoint.task_id,
            option=answer.option,
            feedback=answer.feedback,
            modifications=answer.modifications,
            by="timeout" if automatic else answer.by,
            automatic=automatic,
            response_s=round(self.clock.seconds - asked_at, 3),
        )
        return checkpoint.decision

    def _run(self, track: _Track, outcome: Decision | None) -> list[Event]:
        """Let a script run until it sleeps, asks or ends; return what it told."""
        track.turn += 1
        track.asking = None
        events: list[Event] = []
        while True:
            try:
                step = track.script.send(outcome)
            except StopIteration:
                self._running -= not track.background
                return events
            outcome = None
            match step:
                case Tell():
                    events.append(self._scenario.envelope(self.clock, step))
                case Sleep(seconds):
                    self._wake_in(seconds, track)
                    return events
                case Ask(checkpoint, seconds):
                    self._open(checkpoint, track)
                    track.asking = step
                    self._wake_in(seconds, track)
                    return events

    def _open(self, checkpoint: Checkpoint, track: _Track) -> None:
        if checkpoint.asked_at is None:
            checkpoint.asked_at = self.clock.seconds
        self.checkpoints[checkpoint.id] = checkpoint
        self._asking[checkpoint.id] = track

    def _wake_in(self, seconds: float, track: _Track) -> None:
        self._order += 1
        heapq.heappush(self._wakings, _Waking(self.clock.seconds + seconds, self._order, track, track.turn))


def play_through(
    scenario: Scenario,
    started_at: datetime,
    decide: Callable[[Checkpoint], Answer | None] = lambda _checkpoint: None,
) -> list[tuple[float, Event]]:
    """Play a scenario to its end without waiting and return its events with their simulated seconds.

    `decide` is asked once for each checkpoint, when it opens; None lets it run into its default.
    """
    timeline = Timeline(scenario, started_at)
    played: list[tuple[float, Event]] = []
    asked: set[str] = set()
    while not timeline.finished:
        played += [(timeline.clock.seconds, event) for event in timeline.step()]
        for checkpoint in [c for c in timeline.checkpoints.values() if c.id not in asked]:
            asked.add(checkpoint.id)
            answer = decide(checkpoint)
            if answer is not None:
                _, events = timeline.decide(answer, timeline.clock.seconds)
                played += [(timeline.clock.seconds, event) for event in events]
    return played
