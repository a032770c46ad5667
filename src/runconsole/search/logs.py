"""The searches of one run's logs: the newest ones are kept, so that the next match is found at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from runconsole.search.matches import Matches, Part
from runconsole.search.parts import EventPart
from runconsole.search.query import LogQuery, Search, labels_of, tasks_like

__all__ = ["LogSearches", "Match", "Snapshot"]

_KEPT = 6
_FIELDS = {"output": ("text",), "events": ("type", "task_id", "payload")}
"""The columns of text of each log."""


class Snapshot(NamedTuple):
    """A log at one moment."""

    name: str
    parts: Sequence[Part]
    tasks: Sequence[str]
    """The ids of the tasks with output."""
    names: Mapping[str, str | None]
    """The names of tasks."""
    is_cancelled: Callable[[], bool]
    """Returns whether nobody waits for a search of it any more."""


class Match(NamedTuple):
    """A match, and its place."""

    number: int | None
    """The number of its row; None if nothing matches."""
    place: int
    """The number of shown rows before it."""
    ordinal: int
    """The number of matches before it."""
    matches: int
    shown: int


class LogSearches:
    """Searches of one run. Used by one thread; each call takes a new snapshot of the log."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, Search], Matches] = {}
        self._counts: tuple[int, Counter[str]] = (0, Counter())
        """The number of chunks whose events are counted, and their types."""

    def matches(self, log: Snapshot, query: LogQuery) -> Matches:
        """Return the rows that a query chooses. Raises Cancelled, InvalidArgument."""
        tasks = tasks_like(query.task, labels_of(log.tasks, log.names)) if query.task else None
        search = Search(query, tasks, _FIELDS[log.name])
        found = self._kept.pop((log.name, search), None)
        if found is None:
            wider = (known for (name, one), known in self._kept.items() if name == log.name and search.narrows(one))
            found = Matches(search, next(wider, None))
        self._kept[log.name, search] = found
        if len(self._kept) > _KEPT:
            del self._kept[next(iter(self._kept))]
        found.update(log.parts, log.is_cancelled)
        return found

    def match(self, log: Snapshot, shown: LogQuery, wanted: LogQuery, near: int, step: int) -> Match:
        """Return the match after a row (`step` 1), before it (-1), or the nearest one from it on (0)."""
        rows = self.matches(log, shown)
        found = self.matches(log, wanted)
        if len(found) == 0:
            return Match(None, 0, 0, 0, len(rows))
        if step == 0:
            ordinal = min(found.rank(near), len(found) - 1)
        else:
            ordinal = (found.rank(near + 1) if step > 0 else found.rank(near) - 1) % len(found)
        number = found.number(ordinal)
        return Match(number, rows.rank(number), ordinal, len(found), len(rows))

    def counts(self, parts: Sequence[EventPart]) -> dict[str, int]:
        """Return the number of events of each type."""
        full, counted = self._counts
        for part in parts[full:-1]:
            counted.update(part.counts())
        self._counts = max(full, len(parts) - 1), counted
        return dict(counted + Counter(parts[-1].counts()))
