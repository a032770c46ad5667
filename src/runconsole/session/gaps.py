"""What is missing: by sequence numbers, by ids that count, or not to be known."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from runconsole.events import Micros, Received

__all__ = ["Gaps", "Losses"]

_MOST_RANGES = 1000
_COUNTED = re.compile(r"(?s:(.*?))(\d{1,15})")
_COUNTING = 2
"""Steps of one in a row after which ids count."""


class Losses(NamedTuple):
    """What is known of events that did not come when they should have."""

    missed: int | None
    """Events that never came; None where the server gives nothing to know it by."""
    recovered: int
    """Events that came late: after a reconnect, or filling a gap."""
    at_least: int = 0
    """Where `missed` is None: how many are known to be missing."""
    is_back: bool = False
    """Whether this is the first word about a reconnect."""

    @property
    def words(self) -> str:
        """For a person: ``12 events recovered, 3 missed``."""
        parts = [f"{self.recovered:,} events recovered"] if self.recovered else []
        if self.missed is None:
            missing = f"at least {self.at_least:,} missed, and more" if self.at_least else "events in between"
            parts.append(f"{missing} may be missing: the server gives no numbers to know it by")
        elif self.missed:
            parts.append(f"{self.missed:,} missed" if parts else f"{self.missed:,} events missed")
        return ", ".join(parts) or "nothing missed"


_Seam = Literal["none", "open", "proven"]
"""Where two connections meet: there is none; nothing is known yet; what is missing there has been counted."""


class Gaps:
    """Counts what is missing.

    A sequence number that jumps ahead leaves a gap, whenever it does; one that fills a gap is a recovered event. Ids
    that count up by one tell what is missing between two connections; within one they may be anything, because a
    connection loses nothing, and a server that tells us of one task in many skips the others. Without numbers nobody
    can know what was missed while there was no connection.
    """

    def __init__(self) -> None:
        self._sequence = _Sequence()
        self._marks = _Marks()
        self._has_seq = False
        self._seam: _Seam = "none"
        self.is_back = False
        """Whether there was a reconnect of which nothing has been reported yet."""
        self._back_at: Micros | None = None
        self._changes = False
        self._uncertain = False
        self._owes = False
        self._missed = 0
        self._recovered = 0

    def connected(self, back_at: Micros | None, *, assured: bool) -> None:
        """Note a new connection; `back_at` is the server's time of a reconnect, None where the old one was told out.

        `assured`: the server says that it sends all that was missed, or was asked to go on from the last event.
        """
        self._sequence.connected()
        self._back_at = back_at
        self._changes = back_at is None and not assured
        if back_at is None:
            return
        if assured:  # this time; what was open before stays so
            self._doubt()
        self.is_back = True
        self._seam = "proven" if assured else "open"

    @property
    def recovered(self) -> int:
        """Events that came late since the last report."""
        return self._recovered

    def note(self, event: Received, *, is_new: bool) -> None:
        """Take in an event that came; `is_new` if it has not come before."""
        late = False
        if event.seq is not None:
            self._has_seq = True
            late = self._note_seq(event.seq, event.timestamp, is_new=is_new)
        elif not self._has_seq and (event.offset is not None or event.event_id is not None):
            self._note_mark(event.offset or event.event_id or "", is_new=is_new)
        if is_new and not late and self._back_at is not None and event.timestamp is not None:
            self._recovered += event.timestamp < self._back_at

    def _note_seq(self, number: int, at: Micros | None, *, is_new: bool) -> bool:
        """Return whether the event is a late one, which has been counted."""
        before = self._sequence.missing
        found = self._sequence.note(number, at, is_new=is_new)
        self._missed += self._sequence.missing - before
        if found == "late":
            self._recovered += 1
        elif found == "afresh":
            self._doubt()
        elif found == "on" and self._seam == "open":
            self._seam = "proven"
        return found == "late"

    def _note_mark(self, mark: str, *, is_new: bool) -> None:
        is_open = self._seam == "open"
        skipped = self._marks.note(mark, is_new=is_new, at_seam=is_open or self._changes)
        if skipped is not None and (is_open or self._changes or skipped < 0):
            self._missed += skipped
            self._recovered += skipped < 0
            self._seam = "proven" if is_open else self._seam
        elif is_open and is_new:
            self._doubt()
        self._changes = self._changes and not is_new

    def _doubt(self) -> None:
        """What is missing at an open seam will never be known; say so, unless that has been said."""
        if self._seam == "open":
            self._seam = "none"
            self._uncertain = self._uncertain or self.is_back

    def report(self) -> Losses | None:
        """Return what was learned since the last report, None for nothing; then begin anew."""
        is_back, self.is_back = self.is_back, False
        missed, self._missed = self._missed, 0
        recovered, self._recovered = self._recovered, 0
        unknown, self._uncertain = self._uncertain or (is_back and self._seam == "open"), False
        settled = self._owes and self._seam == "proven"
        self._owes = self._seam == "open" and (self._owes or is_back)
        if is_back:
            self._back_at = None
        if unknown:
            return Losses(None, recovered, max(missed, 0), is_back)
        if is_back or settled or missed > 0 or recovered:
            return Losses(max(missed, 0), recovered, is_back=is_back)
        return None


class _Holes:
    """Ranges of missing numbers, both ends included."""

    def __init__(self) -> None:
        self._ranges: list[tuple[int, int]] = []

    def open(self, first: int, last: int) -> int:
        """Add a range, if it is one; return how many numbers it holds."""
        if first > last:
            return 0
        self._ranges.append((first, last))
        del self._ranges[:-_MOST_RANGES]
        return last - first + 1

    def __contains__(self, number: int) -> bool:
        return any(first <= number <= last for first, last in self._ranges)

    def fill(self, number: int) -> int:
        """Take a number out; return how many that were: 1 or 0."""
        for place, (first, last) in enumerate(self._ranges):
            if first <= number <= last:
                rest = ((first, number - 1), (number + 1, last))
                self._ranges[place : place + 1] = [part for part in rest if part[0] <= part[1]]
                return 1
        return 0

    def clear(self) -> None:
        self._ranges.clear()


_Found = Literal["on", "late", "afresh", "known"]


class _Sequence:
    """Sequence numbers: which came, and which should have."""

    def __init__(self) -> None:
        self.missing = 0
        """How many are missing, of all that were ever expected."""
        self._first = 0
        self._top: int | None = None
        self._top_at: Micros | None = None
        self._holes = _Holes()
        self._is_fresh = False
        """Whether the connection is another one than that over which the highest number came."""

    def connected(self) -> None:
        self._is_fresh = True

    def note(self, number: int, at: Micros | None, *, is_new: bool) -> _Found:
        """Take in a number. It goes `on`, fills what was missing, begins `afresh`, or says nothing (`known`)."""
        top = self._top
        if top is None or number > top:
            # A known number above the highest comes when a server that counted afresh replays what was before that.
            if top is not None and is_new:
                self.missing += self._holes.open(top + 1, number - 1)
            if top is None:
                self._first = number
            self._top, self._top_at, self._is_fresh = number, at, False
            return "on"
        if not is_new:
            return "on" if number == top else "known"
        if self._is_late(number, at):
            self.missing -= self._holes.fill(number)
            self._first = min(self._first, number)
            return "late"
        self._first = self._top = number
        self._top_at, self._is_fresh = at, False
        self._holes.clear()
        return "afresh"

    def _is_late(self, number: int, at: Micros | None) -> bool:
        """Whether a new event with a low number is a late one, or the server counts afresh."""
        is_missing = number in self._holes
        if not self._is_fresh and (is_missing or number >= self._first):
            return is_missing
        if at is not None and self._top_at is not None and at != self._top_at:
            return at < self._top_at
        return is_missing or not self._is_fresh


class _Marks:
    """Ids that may count."""

    def __init__(self) -> None:
        self._prefix = ""
        self._last: int | None = None
        self._steps = 0
        self._holes = _Holes()

    def note(self, mark: str, *, is_new: bool, at_seam: bool) -> int | None:
        """Take in an id; return how many more are missing for it, None where it does not tell."""
        found = _COUNTED.fullmatch(mark)
        if found is None:
            if is_new:
                self._last, self._steps = None, 0
            return None
        prefix, number = found[1], int(found[2])
        last = self._last if prefix == self._prefix else None
        if not is_new:
            return 0 if number == last else None
        if not at_seam and last is not None and number < last:
            self._steps = 0
            return -self._holes.fill(number) or None
        skipped = self._skipped(last, number)
        if at_seam and skipped:
            self._holes.open(number - skipped, number - 1)
        self._steps = self._steps + (not at_seam) if skipped == 0 or (at_seam and skipped is not None) else 0
        self._prefix, self._last = prefix, number
        return skipped

    def _skipped(self, last: int | None, number: int) -> int | None:
        if last is None or number <= last or (number > last + 1 and self._steps < _COUNTING):
            return None
        return number - last - 1
