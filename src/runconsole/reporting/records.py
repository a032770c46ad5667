"""An emitter's records of a task and of an error."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType

from runconsole.reporting.tally import ENDED, Tally

__all__ = ["Problem", "TaskRecord", "problem_of"]

_LONGEST_STACK = 20_000
_CALLERS = ("concurrent.futures.", "distributed.", "runconsole.reporting.")


@dataclass(slots=True, eq=False)
class TaskRecord:
    """A task as last reported. Changed by the emitter alone, under its lock."""

    task_id: str
    name: str
    phase: int | None = None
    phase_name: str | None = None
    wave: int | None = None
    wave_tally: Tally | None = None
    max_retries: int | None = None
    status: str | None = None
    """None before it is announced."""
    progress: float | None = None
    """0 to 100."""
    step: str | None = None
    tokens: int | None = None
    cost_usd: float | None = None
    began: float | None = None
    """`time.monotonic` at its begin."""
    subtasks: int = 0
    is_stale: bool = False
    """True if its progress has changed since the last event."""
    progress_due: float = 0.0
    output_due: float = 0.0
    pieces: list[tuple[str, str]] = field(default_factory=list)
    """Output that waits to be sent: stream and text."""
    waiting: int = 0
    """Characters of `pieces`."""
    withdraw: Callable[[], bool] | None = None
    """Takes it back from the executor that is to do it; False where that has begun."""
    is_elsewhere: bool = False
    """True if it is done in another process."""
    is_cancelled: bool = False
    """True if somebody wants it to end: it does where it reports its progress next."""

    @property
    def share(self) -> float:
        """Its part in the mean progress of the run, 0 to 100."""
        if self.status in ENDED:
            return 100.0
        return self.progress or 0.0


@dataclass(frozen=True, slots=True)
class Problem:
    """An error in words."""

    message: str
    type: str | None = None
    stack: str | None = None


def _outside(trace: TracebackType | None) -> TracebackType | None:
    """Return a traceback without its first frames, as far as they are those that call a function of `map`."""
    while trace is not None and trace.tb_frame.f_globals.get("__name__", "").startswith(_CALLERS):
        trace = trace.tb_next
    return trace


def problem_of(error: BaseException | str) -> Problem:
    """Return an exception, or a sentence, as the words of an error."""
    if isinstance(error, str):
        return Problem(error)
    try:
        message = str(error)
    except Exception as other:  # noqa: BLE001 - a user's class
        message = f"its words raise {type(other).__name__}"
    stack = "".join(traceback.format_exception(type(error), error, _outside(error.__traceback__)))
    if len(stack) > _LONGEST_STACK:
        stack = f"{stack[: _LONGEST_STACK // 2]}\n[...]\n{stack[-_LONGEST_STACK // 2 :]}"
    return Problem(message or type(error).__name__, type(error).__name__, stack)
