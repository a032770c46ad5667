"""This machine's clock, set while a run is followed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import pytest

__all__ = ["ClockStep", "Setting", "adjustable", "here"]


@dataclass(frozen=True, slots=True)
class ClockStep:
    """Set the clock by `seconds`, after that many rows of the log; with 0, when a question is first seen."""

    after: int
    seconds: float


class Setting:
    """The offset of a client's machine from the true time.

    Args:
        steps: the steps to come.
    """

    def __init__(self, steps: tuple[ClockStep, ...]) -> None:
        self.ahead_s = 0.0
        self._steps = list(steps)

    def advance(self, rows: int, *, asked: bool) -> None:
        """Do the steps that are due with that many rows in the log."""
        due = [step for step in self._steps if (rows >= step.after if step.after else asked)]
        for step in due:
            self._steps.remove(step)
            self.ahead_s += step.seconds


_HERE: ContextVar[Setting | None] = ContextVar("setting", default=None)


def here(setting: Setting) -> None:
    """Let this task, and those it starts, read the time of day of the machine with this setting."""
    _HERE.set(setting)


@contextmanager
def adjustable() -> Iterator[None]:
    """Let the time of day depend on the task that asks for it."""
    seconds, nanoseconds = time.time, time.time_ns

    def ahead_s() -> float:
        setting = _HERE.get()
        return 0.0 if setting is None else setting.ahead_s

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", lambda: seconds() + ahead_s())
        patch.setattr(time, "time_ns", lambda: nanoseconds() + round(ahead_s() * 1e9))
        yield
