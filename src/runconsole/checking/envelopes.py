"""The promises of every event, whatever its family: its time, its id, its number."""

from __future__ import annotations

from runconsole.checking.fields import is_time
from runconsole.checking.findings import Findings
from runconsole.events import Received
from runconsole.store.generations import Recent

__all__ = ["EnvelopeRules"]

_MOST_IDS = 500_000
"""Ids that are remembered, at least; the older ones of a longer stream are forgotten."""
_MOST_JUMPS = 10_000


class EnvelopeRules:
    """Follows the marks of events."""

    def __init__(self, findings: Findings) -> None:
        self._found = findings
        self._ids: Recent[bool] = Recent(_MOST_IDS)
        self._numbers, self._task_numbers = _Numbers(), _Numbers(begin_low=True)

    def connected(self) -> None:
        """Note a new connection: a server may send there again what it sent before."""
        self._ids = Recent(_MOST_IDS)
        self.begin_run()

    def begin_run(self) -> None:
        """Note another run, or events that were lost: the next number may be any."""
        self._numbers.begin()
        self._task_numbers.begin()

    def repeated(self, event: Received, number: int) -> None:
        """Take an event that came before, over this connection or an earlier one."""
        self._note_id(event, number)

    def take(self, event: Received, number: int, stamp: object) -> None:
        """Take an event; `stamp` is its time as the server wrote it, None for none."""
        self._note_id(event, number)
        self._note_seq(event, number)
        if not is_time(stamp, in_utc=True):
            self._found.add(
                "times are ISO 8601 in UTC",
                "a timestamp as in 2026-05-31T18:00:00.000Z",
                "none" if stamp is None else stamp,
                event=number,
                type=event.type,
            )

    def _note_id(self, event: Received, number: int) -> None:
        if event.event_id is None:
            return
        if self._ids.note(hash(event.event_id), True) is not None:  # noqa: FBT003 - a mark that is there
            self._found.add(
                "an id is one event's",
                "another id for each event of a connection",
                f"{event.event_id!r} again",
                event=number,
                type=event.type,
            )

    def _note_seq(self, event: Received, number: int) -> None:
        if event.seq is not None:
            task = getattr(event.fact, "task_id", None)
            self._numbers.take("", event.seq, number, event.type)
            self._task_numbers.take(str(task), event.seq, number, event.type)

    def finish(self) -> None:
        """Report numbers that skip or repeat, unless they are those of each task."""
        if self._task_numbers.count_tasks and not self._task_numbers.jumps:
            return
        for number, kind, got in self._numbers.jumps:
            self._found.add(
                "numbers go up by one",
                "seq to be one more than that of the event before",
                got,
                event=number,
                type=kind,
            )


class _Numbers:
    """Numbers of events that go up by one; those of each key for themselves.

    Attributes:
        jumps: the first ones that do not: the event's place and type, and the numbers.
        count_tasks: True if two numbers of one key follow each other.
    """

    def __init__(self, *, begin_low: bool = False) -> None:
        self._begin_low = begin_low
        self._last: dict[str, int] = {}
        self._is_whole = True
        self.jumps: list[tuple[int, str, str]] = []
        self.count_tasks = False

    def begin(self) -> None:
        """Let the next numbers be any."""
        self._last.clear()
        self._is_whole = False

    def take(self, key: str, seq: int, number: int, kind: str) -> None:
        last = self._last.get(key)
        self._last[key] = seq
        if last is not None and seq == last + 1:
            self.count_tasks = True
        elif (last is not None or (self._begin_low and self._is_whole and seq > 1)) and len(self.jumps) < _MOST_JUMPS:
            self.jumps.append((number, kind, f"{seq} after {last}"))
