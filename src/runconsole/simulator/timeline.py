"""The logic of the simulator: scripts in, timed events out. No clock, no I/O, no threads.

A *scenario* is some scripts: generators that yield steps (`Emit` an event, `Sleep`, `Ask` a person) and get back the
person's decision. A `Timeline` runs them side by side in simulated seconds. Its player reports passed time (`step`) and
decisions (`decide`); the same scenario and the same decisions at the same simulated times always give the same events.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from runconsole.simulator.scenario import (
    Answer,
    Ask,
    AtTask,
    Checkpoint,
    Clock,
    Command,
    Decision,
    Emit,
    Event,
    Interrupted,
    Refusal,
    Scenario,
    Script,
    Sleep,
    Step,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

__all__ = ["Timeline", "play_through"]


@dataclass(eq=False, slots=True)
class _Track:
    """One script under way. `turn` counts its wakings, to recognize one made void by a decision or command."""

    script: Script
    background: bool
    turn: int = 0
    asking: Ask | None = None
    task_id: str | None = None
    wakes_at: float = 0.0
    paused_for: float | None = None
    """The seconds that it had still to sleep when it was paused; None while it is not."""


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
        self._tracks: list[_Track] = []
        self._again: dict[str, Callable[[], Script]] = {}
        self._wakings: list[_Waking] = []
        self._order = 0
        self._running = 0
        for script in scenario.scripts(self.clock):
            self._wake_in(0.0, self._begin(script, background=False))
        for script in scenario.background(self.clock):
            self._wake_in(0.0, self._begin(script, background=True))

    def _begin(self, script: Script, *, background: bool) -> _Track:
        track = _Track(script, background)
        self._tracks.append(track)
        self._running += not background
        return track

    @property
    def finished(self) -> bool:
        """True if every script of the run is over."""
        return self._running == 0

    @property
    def waits_for_people(self) -> bool:
        """True if every script of the run that is not over waits for a decision."""
        return self._running > 0 and all(track.background or track.asking is not None for track in self._tracks)

    @property
    def next_at(self) -> float | None:
        """The time of the next step, in simulated seconds; None when the run is over, or all of it is paused."""
        while self._wakings and self._wakings[0].turn != self._wakings[0].track.turn:
            heapq.heappop(self._wakings)
        return None if self.finished or not self._wakings else self._wakings[0].at

    def step(self) -> list[Event]:
        """Move the clock to the next due step, take it, and return its events."""
        if self.next_at is None:
            return []
        waking = heapq.heappop(self._wakings)
        self.clock.seconds = waking.at
        track = waking.track
        asked = track.asking
        if asked is None or not asked.last:
            return self._run(track, None)
        return self._run(
            track, self._record_decision(asked.checkpoint, Answer(asked.checkpoint.id, asked.checkpoint.default))
        )

    def decide(self, answer: Answer, at: float) -> tuple[Decision, list[Event]]:
        """Take an answer at simulated time `at`, when every step due before has been taken.

        Returns the decision and its immediate events. Raises Refusal where it cannot count.
        """
        checkpoint = self._open_checkpoint(answer)
        answer = replace(answer, option=checkpoint.chosen(answer.option))
        self.clock.seconds = max(self.clock.seconds, at)
        decision = self._record_decision(checkpoint, answer, automatic=False)
        return decision, self._run(self._asking[checkpoint.id], decision)

    def command(self, command: Command, at: float) -> list[Event]:
        """Take a command at simulated time `at`; return its immediate events. Raises Refusal.

        The caller decides whether a task may be run again.
        """
        track = next((track for track in self._tracks if track.task_id == command.task_id), None)
        self.clock.seconds = max(self.clock.seconds, at)
        if command.verb == "retry":
            again = self._again.get(command.task_id)
            if track is not None or again is None or self.finished:
                raise Refusal("INVALID_STATE", f"{command.task_id} cannot be run again now.")
            return self._run(self._begin(again(), background=False), None)
        if track is None:
            raise Refusal("INVALID_STATE", f"{command.task_id} is not under way.")
        if command.verb == "cancel":
            return self._cancel(track)
        return self._pause(track, command.task_id) if command.verb == "pause" else self._resume(track, command.task_id)

    def _cancel(self, track: _Track) -> list[Event]:
        if track.asking is not None:
            track.asking.checkpoint.withdrawn = True
        track.paused_for = None
        return self._run(track, None, interrupted=True)

    def _pause(self, track: _Track, task_id: str) -> list[Event]:
        if track.paused_for is not None:
            raise Refusal("INVALID_STATE", f"{task_id} is already paused.")
        track.paused_for = max(0.0, track.wakes_at - self.clock.seconds)
        track.turn += 1
        step = Emit("task.paused", {"taskId": task_id, "reason": "Paused by user"})
        return [self._scenario.envelope(self.clock, step)]

    def _resume(self, track: _Track, task_id: str) -> list[Event]:
        if track.paused_for is None:
            raise Refusal("INVALID_STATE", f"{task_id} is not paused.")
        self._wake_in(track.paused_for, track)
        track.paused_for = None
        step = Emit("task.resumed", {"taskId": task_id, "resumedBy": "user"})
        return [self._scenario.envelope(self.clock, step)]

    def _open_checkpoint(self, answer: Answer) -> Checkpoint:
        checkpoint = self.checkpoints.get(answer.checkpoint_id)
        if checkpoint is None or answer.task_id not in {None, checkpoint.task_id}:
            where = "" if answer.task_id is None else f" in task {answer.task_id}"
            raise Refusal("CHECKPOINT_NOT_FOUND", f"There is no checkpoint {answer.checkpoint_id}{where}.")
        if checkpoint.withdrawn:
            raise Refusal("CHECKPOINT_EXPIRED", f"{checkpoint.id} is no longer needed: its task was cancelled.")
        if checkpoint.state == "expired":
            message = f"The deadline of {checkpoint.id} has passed; the default '{checkpoint.default}' was taken."
            raise Refusal("CHECKPOINT_EXPIRED", message)
        if checkpoint.decision is not None:
            message = f"{checkpoint.id} was already decided: '{checkpoint.decision.option}'."
            raise Refusal("HITL_ALREADY_DECIDED", message)
        if checkpoint.chosen(answer.option) not in checkpoint.options:
            offered = ", ".join(checkpoint.options)
            raise Refusal("INVALID_OPTION", f"{checkpoint.id} has no option '{answer.option}'; it offers {offered}.")
        return checkpoint

    def _record_decision(self, checkpoint: Checkpoint, answer: Answer, *, automatic: bool = True) -> Decision:
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

    def _run(self, track: _Track, outcome: Decision | None, *, interrupted: bool = False) -> list[Event]:
        """Run a script until it sleeps, asks or ends; return its events."""
        track.turn += 1
        track.asking = None
        events: list[Event] = []
        try:
            step = track.script.throw(Interrupted()) if interrupted else track.script.send(outcome)
            while self._goes_on(step, track, events):
                step = track.script.send(None)
        except StopIteration:
            self._tracks.remove(track)
            self._running -= not track.background
        return events

    def _goes_on(self, step: Step, track: _Track, events: list[Event]) -> bool:
        """Take one step of a script; return whether the next one follows at once."""
        match step:
            case Emit():
                events.append(self._scenario.envelope(self.clock, step))
            case AtTask(task_id, again):
                track.task_id = task_id
                if task_id is not None and again is not None:
                    self._again[task_id] = again
            case Sleep(seconds):
                self._wake_in(seconds, track)
                return False
            case Ask(checkpoint, seconds):
                self._open(checkpoint, track)
                track.asking = step
                self._wake_in(seconds, track)
                return False
        return True

    def _open(self, checkpoint: Checkpoint, track: _Track) -> None:
        if checkpoint.asked_at is None:
            checkpoint.asked_at = self.clock.seconds
        self.checkpoints[checkpoint.id] = checkpoint
        self._asking[checkpoint.id] = track

    def _wake_in(self, seconds: float, track: _Track) -> None:
        self._order += 1
        track.wakes_at = self.clock.seconds + seconds
        heapq.heappush(self._wakings, _Waking(track.wakes_at, self._order, track, track.turn))


def play_through(
    scenario: Scenario,
    started_at: datetime,
    decide: Callable[[Checkpoint], Answer | None] = lambda _checkpoint: None,
) -> list[tuple[float, Event]]:
    """Play a scenario to its end without waiting and return its events with their simulated seconds.

    `decide` is called once for each checkpoint, when it opens; None lets it run into its default.
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
