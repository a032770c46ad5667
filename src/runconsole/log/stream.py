"""All events of one stream, in arrival order, if several logs share it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple, Protocol

from runconsole.events import Received
from runconsole.log.eventlog import EventLog

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Rows", "StreamLog"]


class Rows(Protocol):
    """Numbered events, in arrival order."""

    def __len__(self) -> int: ...

    def read(self, first: int, count: int) -> list[tuple[int, Received]]:
        """Return up to `count` events from number `first` on, with their numbers."""

    def batches(self, first: int = 0) -> Iterator[pa.RecordBatch]:
        """Yield the events from number `first` on as rows."""


class _Segment(NamedTuple):
    first: int
    """Its first event's number in the stream."""
    log: EventLog
    begin: int
    """That event's number in the log."""


_first = attrgetter("first")


class StreamLog:
    """The events of several logs in order of arrival. One thread writes; any thread reads.

    The events are in the logs; this class records their interleaving.
    """

    def __init__(self, log: EventLog) -> None:
        self._parts = [_Segment(0, log, 0)]
        """Append-only, but for a last one without events, which the next one replaces."""

    def turn(self, log: EventLog) -> None:
        """Note that events from here on are appended to this log."""
        last = self._parts[-1]
        if last.log is not log:
            count = len(last.log) - last.begin
            segment = _Segment(last.first + count, log, len(log))
            if count:
                self._parts.append(segment)
            else:
                self._parts[-1] = segment

    def __len__(self) -> int:
        last = self._parts[-1]
        return last.first + len(last.log) - last.begin

    def _spans(self, first: int) -> Iterator[tuple[int, EventLog, int, int]]:
        """Yield spans from number `first` on: a number, the log, the number there, and the length of the span."""
        parts, count = self._parts, len(self._parts)
        for place in range(max(0, bisect_right(parts, first, hi=count, key=_first) - 1), count):
            part = parts[place]
            end = parts[place + 1].first if place + 1 < count else part.first + len(part.log) - part.begin
            begin = max(first, part.first)
            if begin < end:
                yield begin, part.log, part.begin + begin - part.first, end - begin

    def read(self, first: int, count: int) -> list[tuple[int, Received]]:
        """Return up to `count` events from number `first` on, with their numbers. As `EventLog.read`."""
        found: list[tuple[int, Received]] = []
        for number, log, begin, length in self._spans(max(0, first)):
            wanted = min(length, count - len(found))
            if wanted <= 0:
                break
            found += enumerate((event for _, event in log.read(begin, wanted)), number)
        return found

    def logs(self, first: int, count: int) -> list[int] | None:
        """Return the number of each event's log, in the order in which the logs began; None for a single log."""
        numbers: dict[int, int] = {}
        for part in self._parts:
            numbers.setdefault(id(part.log), len(numbers))
        if len(numbers) == 1:
            return None
        found: list[int] = []
        for _, log, _, length in self._spans(max(0, first)):
            found += [numbers[id(log)]] * min(length, count - len(found))
        return found

    def batches(self, first: int = 0) -> Iterator[pa.RecordBatch]:
        """Yield the events from number `first` on as rows. As `EventLog.batches`."""
        for _, log, begin, length in self._spans(max(0, first)):
            left = length
            for batch in log.batches(begin):
                yield batch.slice(0, left)
                left -= min(left, batch.num_rows)
                if not left:
                    break
