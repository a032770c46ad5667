"""Missing events: counted by sequence numbers or by ids that count, or of unknown number."""

from __future__ import annotations

from collections import deque
from typing import Literal, NamedTuple

from runconsole.events import Micros, Received
from runconsole.store.numbers import Marks, Sequence, stands_inside

__all__ = ["Gaps", "Losses"]


_LOOKED_AT = 256
"""Ids of a connection that show whether they count."""


class Losses(NamedTuple):
    """Keeps the number of events that should have come and did not."""

    missed: int | None
    """Events that never came; None where the server gives nothing to know it by."""
    recovered: int
    """Events that came late: after a reconnect, or filling a gap."""
    at_least: int = 0
    """The known number of missing events if `missed` is None."""
    is_back: bool = False
    """True if this is the first word about a reconnect."""
    filled: int = 0
    """The number of events that were reported as missed before, and are not."""

    @property
    def words(self) -> str:
        """For a person: ``12 events recovered, 3 missed``."""
        parts = [f"{self.recovered:,} events recovered"] if self.recovered else []
        if self.missed is None:
            missing = f"at least {self.at_least:,} missed, and more" if self.at_least else "events in between"
            parts.append(f"{missing} may be missing: the server gives no numbers to know it by")
        elif self.missed:
            parts.append(f"{self.missed:,} missed" if parts else f"{self.missed:,} events missed")
        if self.filled > self.recovered:
            parts.append(f"{self.filled - self.recovered:,} counted as missed are not: the server's numbers skip")
        return ", ".join(parts) or "nothing missed"


_Seam = Literal["none", "open", "proven"]
"""The seam between two connections: there is none; nothing is known yet; the missing events are counted."""


class Gaps:
    """Counts what is missing.

    A sequence number that jumps ahead leaves a gap, as long as the numbers are those of the stream: dense, and each
    there once. One that fills a gap is a recovered event. Ids that count up by one report what is missing between two
    connections; within one they may be anything, because a connection loses nothing. Without numbers nobody can know
    what was missed while there was no connection.

    Args:
        filtered: True if this console gets only a part of the events that the server numbers: then no jump over one
            connection is a gap.
    """

    def __init__(self, *, filtered: bool = False) -> None:
        self._sequence = Sequence(filtered=filtered)
        self._marks = Marks()
        self._unread: deque[tuple[str, bool]] = deque(maxlen=_LOOKED_AT)
        """The newest ids of a connection, and whether each was new."""
        self._seam: _Seam = "none"
        self.is_back = False
        """True if there was a reconnect of which nothing has been reported yet."""
        self._back_at: Micros | None = None
        self._changes = False
        self._uncertain = False
        self._owes = False
        self._missed = 0
        self._reported = 0
        self._recovered = 0
        self._filled = 0
        """Gaps that were filled since the last report."""

    def connected(self, back_at: Micros | None, *, assured: bool) -> None:
        """Note a new connection; `back_at` is the server's time of a reconnect, None if nothing is missing.

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
        return self._recovered + self._filled

    def note(self, event: Received, *, is_new: bool, is_marked: bool = True) -> None:
        """Take in an event that came; `is_new` if it has not come before, `is_marked` if its id is its own."""
        late = False
        if event.seq is not None and self._sequence.counts:
            late = self._note_seq(event, event.seq, is_new=is_new)
        elif is_marked and not self._sequence.is_used:
            mark = event.offset or event.event_id
            if mark is not None:
                self._note_mark(mark, is_new=is_new)
        if is_new and not late and self._back_at is not None and event.timestamp is not None:
            self._recovered += event.timestamp < self._back_at

    def pass_over(self, number: int, at: Micros) -> None:
        """Take in the number of an event that is left out."""
        self._sequence.pass_over(number, at)

    def _note_seq(self, event: Received, number: int, *, is_new: bool) -> bool:
        """Return whether the event is a late one, which has been counted."""
        sequence = self._sequence
        if sequence.is_ahead(number) and not sequence.is_inside:
            sequence.is_inside = stands_inside(event)
        found = sequence.note(number, event.timestamp, event.received_at, is_new=is_new)
        if found == "late":
            self._filled += 1
        elif found in {"afresh", "unknown"}:
            self._doubt()
        elif found == "on" and self._seam == "open":
            self._seam = "proven"
        return found == "late"

    def _note_mark(self, mark: str, *, is_new: bool) -> None:
        is_open = self._seam == "open"
        if not (is_open or self._changes or self._marks.has_holes):
            self._unread.append((mark, is_new))  # nothing is learned of it before there is another connection
            return
        while self._unread:
            self._marks.note(*self._unread.popleft())
        skipped = self._marks.note(mark, is_new, at_seam=is_open or self._changes)
        if skipped is not None and (is_open or self._changes or skipped < 0):
            self._missed += skipped
            self._recovered += skipped < 0
            self._seam = "proven" if is_open else self._seam
        elif is_open and is_new:
            self._doubt()
        self._changes = self._changes and not is_new

    def _doubt(self) -> None:
        """Note that the number of events missing at an open seam will stay unknown, unless that was reported."""
        if self._seam == "open":
            self._seam = "none"
            self._uncertain = self._uncertain or self.is_back

    def report(self, before: Micros | None = None) -> Losses | None:
        """Return what was learned since the last report, None for nothing; then begin anew.

        A gap within a connection that showed at or after `before`, by our clock, is left for the next report.
        """
        is_back, self.is_back = self.is_back, False
        missing = self._missed + self._sequence.missing(before)
        missed, self._reported = missing - self._reported, missing
        recovered = self._recovered + (self._filled if self._sequence.counts else 0)
        self._recovered = self._filled = 0
        unknown, self._uncertain = self._uncertain or (is_back and self._seam == "open"), False
        is_settled = self._owes and self._seam == "proven"
        self._owes = self._seam == "open" and (self._owes or is_back)
        if is_back:
            self._back_at = None
        filled = max(-missed, 0)
        if unknown:
            return Losses(None, recovered, max(missed, 0), is_back, filled)
        if is_back or is_settled or missed or recovered:
            return Losses(max(missed, 0), recovered, is_back=is_back, filled=filled)
        return None
