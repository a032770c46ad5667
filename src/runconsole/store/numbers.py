"""Numbers that count events: which came, which should have, and whether they count the events of the stream at all."""

from __future__ import annotations

import re
from typing import Literal

from msgspec import Struct

from runconsole.decoding.payload import loads
from runconsole.events import Micros, Received

__all__ = ["Marks", "Sequence", "stands_inside"]

_MOST_RANGES = 1000
_COUNTED = re.compile(r"(?s:(.*?))(\d{1,15})")
_COUNTING = 2
"""Steps of one in a row after which ids count."""
_DENSE = 8
"""Steps of one for each jump beyond the first, in numbers that count every event."""

Found = Literal["on", "late", "afresh", "known", "unknown"]
"""The place of a number: the next one; one that was missed; the first of another count; a known one; one that does
not show the number of missing ones before it."""


class Hole(Struct):
    """A range of numbers that did not come, both ends included."""

    first: int
    last: int
    at: Micros
    """The time at which the gap was found, by this machine's clock."""
    at_seam: bool
    """True if it is where two connections meet."""
    is_told: bool = False


def stands_inside(event: Received) -> bool:
    """Return whether an event's number stands in its data, and not beside its type."""
    try:
        data = loads(event.payload)
    except ValueError:
        return False
    return isinstance(data, dict) and "seq" in data and data.get("type") != event.type


class Sequence:
    """Sequence numbers of a stream.

    Numbers that are there twice over one connection, or that mostly skip, do not count its events: they are those of
    its tasks, or of a stream of which we get a part.
    """

    def __init__(self, *, filtered: bool) -> None:
        self._filtered = filtered
        self.is_inside = False
        """True if they stand in the events' data."""
        self.counts = True
        """True if they are the stream's, as far as is known."""
        self._first = 0
        self._top: int | None = None
        self._top_at: Micros | None = None
        self._steps = 0
        self._holes: list[Hole] = []
        self._lost = 0
        """Missing numbers of counts that are over."""
        self._is_fresh = False
        """True if the connection is another one than that over which the highest number came."""

    @property
    def is_used(self) -> bool:
        """True if numbers have come that count."""
        return self._top is not None and self.counts

    def connected(self) -> None:
        """Note a new connection."""
        self._is_fresh = True

    def is_ahead(self, number: int) -> bool:
        """Return whether a number leaves others out."""
        return self._top is not None and number > self._top + 1

    def missing(self, before: Micros | None) -> int:
        """Return how many numbers are missing, as far as they count; younger gaps of one connection left out."""
        if not self.counts:
            return 0
        is_dense = self._is_dense
        missing = self._lost
        for hole in self._holes:
            hole.is_told = hole.is_told or before is None or hole.at < before
            if hole.at_seam or (is_dense and not self._filtered and hole.is_told):
                missing += hole.last - hole.first + 1
        return missing

    @property
    def _is_dense(self) -> bool:
        jumps = sum(not hole.at_seam for hole in self._holes)
        if self._filtered:
            return not jumps and self._steps >= _DENSE
        return _DENSE * (jumps - (not self.is_inside)) < self._steps + self.is_inside

    def note(self, number: int, at: Micros | None, now: Micros, *, is_new: bool) -> Found:
        """Take in a number that came `now`."""
        top = self._top
        if top is None or number > top:
            return self._ahead(number, at, now, is_new=is_new)
        if not is_new:
            return "on" if number == top else "known"
        if self._is_late(number, at):
            self._first = min(self._first, number)
            return self._fill(number)
        if not self._is_fresh:
            self.counts = False  # two events of one connection have it
            return "unknown"
        self._lost += sum(hole.last - hole.first + 1 for hole in self._holes if hole.at_seam or self._is_dense)
        self._holes.clear()
        self._first = self._top = number
        self._top_at, self._is_fresh = at, False
        return "afresh"

    def _ahead(self, number: int, at: Micros | None, now: Micros, *, is_new: bool) -> Found:
        top, at_seam = self._top, self._is_fresh
        found: Found = "on"
        # A known number above the highest comes when a server that counted afresh replays what was before that.
        if top is not None and is_new:
            if number == top + 1:
                self._steps += 1
            elif not at_seam:
                self._open(top + 1, number - 1, now, at_seam=False)
            elif self._is_dense:
                self._open(top + 1, number - 1, now, at_seam=True)
            else:
                found = "unknown"
        if top is None:
            self._first = number
        self._top, self._top_at, self._is_fresh = number, at, False
        return found

    def _open(self, first: int, last: int, now: Micros, *, at_seam: bool) -> None:
        self._holes.append(Hole(first, last, now, at_seam))
        del self._holes[:-_MOST_RANGES]

    def _fill(self, number: int) -> Found:
        """Take a number out of the missing ones."""
        for place, hole in enumerate(self._holes):
            if hole.first <= number <= hole.last:
                ends = ((hole.first, number - 1), (number + 1, hole.last))
                self._holes[place : place + 1] = [
                    Hole(first, last, hole.at, hole.at_seam, hole.is_told) for first, last in ends if first <= last
                ]
                self._steps += not hole.at_seam
                break
        return "late"

    def pass_over(self, number: int, now: Micros) -> None:
        """Take in the number of an event that is left out."""
        if self._top is not None and self.counts and (number > self._top or any(self._within(number))):
            self.note(number, self._top_at, now, is_new=True)

    def _within(self, number: int) -> list[Hole]:
        return [hole for hole in self._holes if hole.first <= number <= hole.last]

    def _is_late(self, number: int, at: Micros | None) -> bool:
        """Return whether a new event with a low number is a late one, or the server counts afresh."""
        is_missing = bool(self._within(number))
        if not self._is_fresh and (is_missing or number >= self._first):
            return is_missing
        if at is not None and self._top_at is not None and at != self._top_at:
            return at < self._top_at
        return is_missing or not self._is_fresh


class Marks:
    """Ids that may count."""

    def __init__(self) -> None:
        self._prefix = ""
        self._last: int | None = None
        self._steps = 0
        self._skips = 0
        self._missing: list[Hole] = []

    @property
    def has_holes(self) -> bool:
        """True if ids are missing, as far as is known."""
        return bool(self._missing)

    def note(self, mark: str, is_new: bool, *, at_seam: bool = False) -> int | None:  # noqa: FBT001 - as it is kept
        """Take in an id; return how many more are missing for it, None if it does not show that."""
        found = _COUNTED.fullmatch(mark)
        if found is None:
            if is_new:
                self._last, self._steps = None, 0
            return None
        prefix, number = found[1], int(found[2])
        last = self._last if prefix == self._prefix else None
        if not is_new:
            if last is not None and number == last + 1 and not at_seam:
                self._last = number
            return 0 if number == last else None
        if not at_seam and last is not None and number < last:
            return self._back(number)
        skipped = self._skipped(last, number)
        if at_seam and skipped:
            self._missing.append(Hole(number - skipped, number - 1, 0, at_seam=True))
            del self._missing[:-_MOST_RANGES]
        elif last is not None and number > last + 1:
            self._skips += 1
        self._steps = self._steps + (not at_seam) if skipped == 0 or (at_seam and skipped is not None) else 0
        self._prefix, self._last = prefix, number
        return skipped

    def _back(self, number: int) -> int | None:
        """Take in a new id that is lower than the last one. Where none was left out before, they count afresh."""
        filled = self._fill(number)
        if not filled and not self._skips:
            self._last = number
        self._steps = 0
        self._skips = max(0, self._skips - 1)
        return -filled or None

    def _skipped(self, last: int | None, number: int) -> int | None:
        counts = self._steps >= _COUNTING and self._skips == 0
        if last is None or number <= last or (number > last + 1 and not counts):
            return None
        return number - last - 1

    def _fill(self, number: int) -> int:
        for place, hole in enumerate(self._missing):
            if hole.first <= number <= hole.last:
                ends = ((hole.first, number - 1), (number + 1, hole.last))
                self._missing[place : place + 1] = [
                    Hole(first, last, 0, at_seam=True) for first, last in ends if first <= last
                ]
                return 1
        return 0
