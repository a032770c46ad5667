"""Silences to report to the person: a live link over which no run comes, and a run that does not say its end."""

from __future__ import annotations

from typing import Literal, NamedTuple

from runconsole.state import RunState
from runconsole.state.completion import is_complete

__all__ = ["Quiet", "Silence"]


_MOST_REPORTS = 8


class Quiet(NamedTuple):
    """A silence: its kind, and one sentence about it."""

    kind: Literal["silent", "done"]
    text: str


class Silence:
    """Reports each silence once; a silent link anew where the server has said something of what was asked for since.

    Args:
        state: of the run.
        after: seconds without an event after which a silence counts.
    """

    def __init__(self, state: RunState, *, after: float) -> None:
        self.state = state
        self._after = after
        self._asked: set[str] = set()
        """The subscriptions at each report of a silent link."""
        self._done_told: int | None = None

    def is_silent(self, live_s: float) -> bool:
        """Return whether the link is live for long enough, and nothing of a run has ever come."""
        return live_s >= self._after and not self.state.has_run

    def look(self, *, live_s: float, quiet_s: float, events: int, asked: str) -> Quiet | None:
        """Return a silence to report now; None for none.

        Args:
            live_s: seconds since the link is live; 0 while it is not.
            quiet_s: seconds since the last event.
            events: the number of events that came.
            asked: the subscriptions of the wire, and what could be meant instead.
        """
        if asked not in self._asked and len(self._asked) < _MOST_REPORTS and self.is_silent(live_s):
            self._asked.add(asked)
            came = f"{events:,} messages came, but none tells of a run" if events else "no event has come yet"
            return Quiet("silent", f"the link is live, and {came}: {asked}")
        state = self.state
        if live_s == 0 or quiet_s < self._after or state.finished or state.open_count or not is_complete(state):
            return None  # a run that asks goes on with the answer
        tasks = max(len(state.tasks), state.total_tasks or 0)
        if self._done_told == tasks:
            return None
        self._done_told = tasks
        whole = "the task is done" if tasks == 1 else f"all {tasks:,} tasks are done"
        return Quiet("done", f"{whole}; the server has not said that the run has ended")
