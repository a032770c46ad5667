"""A timeline against the clock: logs each event when its time has come, takes decisions, knows no socket."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from runconsole.simulator.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Callable

    from runconsole.simulator.scenario import Answer, Checkpoint, Command, Decision, Event, Scenario

__all__ = ["LogEntry", "Player"]

_STEPS_AT_ONCE = 50  # before other tasks of the loop run


@dataclass(frozen=True, slots=True)
class LogEntry:
    """An event of the log: its number from 1, and its JSON text, encoded once for all clients."""

    number: int
    event: Event
    text: str


class Player:
    """One run in real time, `speed` simulated seconds a second (`math.inf`: without waiting).

    The run belongs to the player, not to its listeners: `log` holds all events so far. All methods belong to the loop
    that awaits `play`. Without `started_at` the run's times begin when `play` does. `form` turns each event into its
    sent form; None sends it to no client. A `patient` player stops the time of a run without waiting while all of it
    waits for people.
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        speed: float,
        started_at: datetime | None = None,
        form: Callable[[Event], Event | None] = lambda event: event,
        patient: bool = False,
    ) -> None:
        self.log: list[LogEntry] = []
        self.timeline = Timeline(scenario, started_at or datetime.now(UTC))
        self._starts_now = started_at is None
        self._speed = speed
        self._form = form
        self._patient = patient and math.isinf(speed)
        self.stopped = False
        """True once the run was given up."""
        self._origin: float | None = None
        self._woken = asyncio.Event()
        self._listeners: set[Callable[[], None]] = set()

    @property
    def started(self) -> bool:
        """True if `play` has begun."""
        return self._origin is not None

    @property
    def finished(self) -> bool:
        """True if the run is over."""
        return self.timeline.finished

    @property
    def waits_for_people(self) -> bool:
        """True if the run goes on only after a decision."""
        return self.timeline.waits_for_people

    @property
    def checkpoints(self) -> list[Checkpoint]:
        """Every checkpoint asked so far, in order."""
        return list(self.timeline.checkpoints.values())

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` when the log has grown, the run waits or is over, until the returned function is called."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    async def play(self) -> None:
        """Play the run to its end."""
        self._origin = asyncio.get_running_loop().time()
        if self._starts_now:
            self.timeline.clock.started_at = datetime.now(UTC)  # the player may have waited for its first client
        steps = 0
        while not self.finished and not self.stopped:
            due = None if self._patient and self.waits_for_people else self.timeline.next_at
            delay = math.inf if due is None else self._delay(due)
            if delay > 0:
                await self._wait(delay)
                continue
            self._log_events(self.timeline.step())
            steps += 1
            if steps % _STEPS_AT_ONCE == 0:
                await asyncio.sleep(0)
        self._notify()

    def decide(self, answer: Answer) -> Decision:
        """Take an answer now. Raises Refusal where it cannot count; the first answer wins."""
        decision, events = self.timeline.decide(answer, self._catch_up())
        self._log_events(events)
        self._woken.set()
        return decision

    def command(self, command: Command) -> None:
        """Take a command now. Raises Refusal where it cannot be carried out."""
        self._log_events(self.timeline.command(command, self._catch_up()))
        self._woken.set()

    def stop(self) -> None:
        """Give the run up: nothing more happens in it."""
        self.stopped = True
        self._woken.set()

    def _catch_up(self) -> float:
        """Take the steps that have just become due: a deadline that has passed comes first. Return the time."""
        now = self._now()
        while (due := self.timeline.next_at) is not None and due < now:
            self._log_events(self.timeline.step())
        return now

    def _now(self) -> float:
        """Return the simulated time; without waiting, the time of the last step."""
        if self._origin is None or math.isinf(self._speed):
            return self.timeline.clock.seconds
        return (asyncio.get_running_loop().time() - self._origin) * self._speed

    def _delay(self, due: float) -> float:
        return 0.0 if math.isinf(self._speed) else (due - self._now()) / self._speed

    async def _wait(self, delay: float) -> None:
        """Wait until the next step is due, or a decision has changed the next step."""
        self._woken.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), None if math.isinf(delay) else delay)

    def _log_events(self, events: list[Event]) -> None:
        for event in events:
            sent = self._form(event)
            if sent is not None:
                self.log.append(
                    LogEntry(len(self.log) + 1, event, json.dumps(sent, ensure_ascii=False, allow_nan=False))
                )
        if events or self.waits_for_people:
            self._notify()

    def _notify(self) -> None:
        for listener in list(self._listeners):
            listener()
