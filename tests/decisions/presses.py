"""Pressing from other threads, and reading the frames about it."""

from __future__ import annotations

import threading
from typing import Any

import pandas as pd

from runconsole import Console
from runconsole.state import Decision

__all__ = ["Press", "at_once", "decided", "row", "states"]


class Press:
    """A `decide` in a thread of its own. `outcome` is its result or exception."""

    def __init__(self, console: Console, option: str, checkpoint: str = "c", **options: Any) -> None:
        self.outcome: Decision | Exception | None = None
        self._arguments = (console, checkpoint, option, {"timeout": 40.0} | options)
        self._thread = threading.Thread(target=self._decide)
        self._thread.start()

    def _decide(self) -> None:
        console, checkpoint, option, options = self._arguments
        try:
            self.outcome = console.decide(checkpoint, option, **options)
        except Exception as error:  # noqa: BLE001 - it is what the test looks at
            self.outcome = error

    def end(self) -> Decision | Exception:
        """Wait until it has ended; return its end."""
        self._thread.join(50)
        assert self.outcome is not None, "the decision never ended"
        return self.outcome


def at_once(*presses: tuple[Console, str], checkpoint: str = "c") -> list[Decision | Exception]:
    """Press several times at the same moment; return the end of each."""
    ready = threading.Barrier(len(presses))

    class Waiting(Press):
        def _decide(self) -> None:
            ready.wait(20)
            super()._decide()

    return [press.end() for press in [Waiting(console, option, checkpoint) for console, option in presses]]


def states(console: Console) -> list[str]:
    """Return the states in the frame `decisions`, in order."""
    return list(console.decisions["state"])


def row(console: Console, checkpoint: str = "c") -> dict[str, Any]:
    """Return a row of the frame `checkpoints`, None for unknown values."""
    found = console.checkpoints.loc[[checkpoint]].iloc[0]
    return {
        str(name): None if pd.api.types.is_scalar(value) and pd.isna(value) else value for name, value in found.items()
    }


def decided(console: Console, checkpoint: str = "c") -> tuple[str | None, str | None, str | None]:
    """Return a checkpoint's status, decision and decider in the frame."""
    if checkpoint not in console.checkpoints.index:
        return None, None, None
    found = row(console, checkpoint)
    return found["status"], found["decision"], found["decided_by"]
