"""Rows of the event log: that of an event itself, and those that say one more thing about it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import msgspec

from runconsole.events import Fact, Micros, Names, Received
from runconsole.protocols.langgraph.facts import GraphRun

__all__ = ["ThreadRows"]


class ThreadRows:
    """Makes the rows of one event, or of the result of a call.

    Args:
        mark: its id.
        kind: its type.
        text: its frame.
        at: the time of its arrival.
        time: of the server; None where nobody knows it.
    """

    def __init__(self, mark: str, kind: str, text: str, at: Micros, time: Micros | None) -> None:
        self._mark, self._kind, self._text, self._at, self.time = mark, kind, text, at, time
        self._numbers = itertools.count(1)

    def own(self, fact: Fact, run: GraphRun | None) -> Received:
        """Return the row of the event itself."""
        return Received(self._kind, fact, self._text, self._at, self.time, self._mark, beside=_names(run))

    def derived(self, kind: str, fact: Fact, run: GraphRun | None, time: Micros | None = None) -> Received:
        """Return a row of the console's own, at `time` or that of the event."""
        mark = f"{self._mark}#{next(self._numbers)}"
        payload = msgspec.json.encode({"from": self._mark, "fact": type(fact).__name__}).decode()
        at = self.time if time is None else time
        return Received(kind, fact, payload, self._at, at, mark, beside=_names(run))

    def about(self, execution_id: str, fact: Fact, time: Micros | None) -> Received:
        """Return a row about a question of an execution, which may not be the present one."""
        row = self.derived("input", fact, None, time)
        return msgspec.structs.replace(row, beside=Names(execution=execution_id))

    def of(self, facts: Sequence[Fact], run: GraphRun) -> list[Received]:
        """Return the rows of an event's facts, its own first."""
        return [self.own(facts[0], run), *(self.derived(self._kind, fact, run) for fact in facts[1:])]


def _names(run: GraphRun | None) -> Names | None:
    return None if run is None else Names(execution=run.execution_id)
