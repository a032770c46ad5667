"""The vocabulary of scenarios: steps, checkpoints, answers, decisions, simulated time."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Protocol, TypeAlias

__all__ = [
    "Answer",
    "Ask",
    "AtTask",
    "Checkpoint",
    "Clock",
    "Command",
    "Decision",
    "Emit",
    "Event",
    "Interrupted",
    "Refusal",
    "Scenario",
    "Script",
    "Sleep",
    "Step",
]

Event: TypeAlias = dict[str, Any]
"""One event exactly as it is sent."""


@dataclass(slots=True)
class Clock:
    """Simulated time: `seconds` since `started_at`. Only the timeline moves it."""

    started_at: datetime
    seconds: float = 0.0

    def stamp(self, ahead: float = 0.0) -> str:
        """Return the time `ahead` seconds from now as ISO 8601, UTC, milliseconds, ending in `Z`."""
        at = self.started_at.astimezone(UTC) + timedelta(seconds=self.seconds + ahead)
        return at.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


@dataclass(frozen=True, slots=True)
class Answer:
    """A client's answer: an option for a checkpoint. `task_id`, when given, must be the checkpoint's own."""

    checkpoint_id: str
    option: str
    task_id: str | None = None
    feedback: str | None = None
    modifications: Any = None
    by: str = "user"


@dataclass(frozen=True, slots=True)
class Decision:
    """A checkpoint's outcome. `response_s` is simulated seconds from question to answer."""

    checkpoint_id: str
    task_id: str
    option: str
    feedback: str | None
    modifications: Any
    by: str
    automatic: bool
    response_s: float


@dataclass(slots=True)
class Checkpoint:
    """A question to a person: its option ids, and the default that counts without an answer."""

    id: str
    task_id: str
    options: tuple[str, ...]
    default: str
    asked_at: float | None = None
    decision: Decision | None = None
    withdrawn: bool = False
    """True if its task was cancelled while it was open."""
    actions: tuple[str, ...] = ()
    """The orchestrator's action for each option; some clients answer with that alone."""

    @property
    def state(self) -> Literal["unasked", "open", "decided", "expired"]:
        """The state of the question."""
        if self.decision is not None:
            return "expired" if self.decision.automatic else "decided"
        if self.withdrawn:
            return "expired"
        return "unasked" if self.asked_at is None else "open"

    def chosen(self, answer: str) -> str:
        """Return the option of an answer: the one of that name, else one of that action, preferably the default."""
        if answer in self.options:
            return answer
        meant = [option for option, action in zip(self.options, self.actions, strict=False) if action == answer]
        return self.default if self.default in meant else next(iter(meant), answer)


class Refusal(Exception):
    """An answer that cannot count. `code` is the backends' own error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Command:
    """A client's command for a task."""

    verb: Literal["cancel", "pause", "resume", "retry"]
    task_id: str


class Interrupted(Exception):
    """Thrown into a script whose task is cancelled."""


@dataclass(frozen=True, slots=True)
class Emit:
    """Send an event now."""

    type: str
    body: Event


@dataclass(frozen=True, slots=True)
class Sleep:
    """Let simulated time pass."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Ask:
    """Wait for a decision, at most `seconds`.

    Without an answer: if `last`, the default is taken, else None is sent and the question stays open.
    """

    checkpoint: Checkpoint
    seconds: float
    last: bool = True


@dataclass(frozen=True, slots=True)
class AtTask:
    """Assign the script to this task (None: to none), so that it can be commanded; `again` runs it once more."""

    task_id: str | None
    again: Callable[[], Script] | None = None


Step: TypeAlias = Emit | Sleep | Ask | AtTask
Script: TypeAlias = Generator[Step, Decision | None, None]


class Scenario(Protocol):
    """A run to play."""

    def scripts(self, clock: Clock) -> Sequence[Script]:
        """Return fresh scripts; the run is over when all of them are."""

    def background(self, clock: Clock) -> Sequence[Script]:
        """Return fresh scripts that run beside the run (heartbeats) and end with it."""

    def envelope(self, clock: Clock, step: Emit) -> Event:
        """Return the emitted event as it is sent."""
