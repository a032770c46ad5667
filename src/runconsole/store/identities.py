"""Marks of events: an event with a known event id, resume mark or sequence number came before."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from enum import Enum

from runconsole.events import ExecutionStarted, Received
from runconsole.log import Rows
from runconsole.store.digests import Digests
from runconsole.store.generations import Recent
from runconsole.store.sameness import is_id_within, is_same

__all__ = ["FOREIGN", "KNOWN", "UNSEEN", "Identities", "Verdict"]

_NEWEST = 32_768
"""Marks of one connection among which one that comes again is looked for."""
_MOST_COMPARED = 16
_TELLING = 8
"""Marks that must tell events apart for each one that does not: else they are no marks of events."""


class Verdict(Enum):
    """The verdict of a mark on its event."""

    UNSEEN = "unseen"
    """It is another event than all before it."""
    KNOWN = "known"
    """It came before."""
    FOREIGN = "foreign"
    """Nothing: the mark is not the event's own."""


UNSEEN, KNOWN, FOREIGN = Verdict


class Identities:
    """Remembers every mark, 12 bytes each. The events themselves are in the log.

    A mark that comes again is the same event where it says the same, in whatever spelling; a server that has lost its
    memory gives the marks to other events. A mark that different events have over one connection is not theirs: it is
    the task's, or a constant. Then nothing is said by it.

    Args:
        contents: the digest of each event of the log.
        log: to compare with what is not alike to the letter; None does not.
    """

    def __init__(self, contents: Digests, log: Rows | None, base: int) -> None:
        self._contents = contents
        self._log = log
        self._base = base
        self._marks = Digests()
        self._add_mark = self._marks.add
        self._rows: array[int] = array("I")
        self._newest: Recent[int] = Recent(_NEWEST)
        self._distinct = 0
        self._shared: set[int] = set()
        self._begin = 0
        """The place of the first mark of this connection."""
        self._begins_afresh = False
        self._run_begin = 0
        """Over this connection: the place of the first mark of the newest run, where its server counts that afresh."""

    @property
    def are_own(self) -> bool:
        """True if marks tell events apart, as far as is known."""
        return not self._shared or self._distinct >= _TELLING * len(self._shared)

    def connected(self) -> None:
        """Note a new connection."""
        self._marks.freeze()
        self._begin = len(self._marks)
        self._begins_afresh = False
        self._run_begin = 0

    def note(self, mark: str | int, event: Received, content: int) -> Verdict:
        """Return what a mark says of an event; remember it where it is another one. `content` is its digest."""
        digest = hash(mark)
        if digest in self._shared:
            return FOREIGN
        count = len(self._rows)
        newest = self._newest.note(digest, count)
        if newest is None and not self._begin:  # the way of most events
            self._add_mark(digest)
            self._rows.append(len(self._contents))
            self._distinct += 1
            return UNSEEN
        if newest is not None:
            self._newest.note(digest, newest)
        places = [place for place in self._places(digest, newest) if place >= self._run_begin]
        if not places:
            return self._add(digest, distinct=True)
        if self._is_known(places, event, content):
            is_own = self._is_own(mark, event)
            return KNOWN if is_own else FOREIGN
        if places[0] >= self._begin:
            if isinstance(event.fact, ExecutionStarted):  # another execution, whose events are counted from here on
                self._run_begin = count
                return self._add(digest, distinct=True)
            self._shared.add(digest)
        else:
            self._begins_afresh = True
        return self._add(digest) if self._is_own(mark, event) else FOREIGN

    def _add(self, digest: int, *, distinct: bool = False) -> Verdict:
        self._newest.note(digest, len(self._rows))
        self._add_mark(digest)
        self._rows.append(len(self._contents))
        self._distinct += distinct
        return UNSEEN

    def _places(self, digest: int, newest: int | None) -> Iterator[int]:
        if newest is not None:
            yield newest
        if self._begin:
            for count, place in enumerate(self._marks.places(digest)):
                if count >= _MOST_COMPARED:
                    return
                if place != newest:
                    yield place

    def _is_known(self, places: list[int], event: Received, content: int) -> bool:
        if any(self._contents[self._rows[place]] == content for place in places):
            return True
        return any(self._is_same(place, event) for place in places)

    def _is_same(self, place: int, event: Received) -> bool:
        if self._log is None:
            return False
        found = self._log.read(self._base + self._rows[place], 1)
        # A server may stamp what it replays anew. One that counts afresh gives other events the marks.
        restamped = event.event_id is not None and place < self._begin and not self._begins_afresh
        return bool(found) and is_same(found[0][1], event, restamped=restamped)

    def _is_own(self, mark: str | int, event: Received) -> bool:
        """Return whether a mark that came before is the event's own."""
        if event.event_id is None:
            return event.offset is not None or self.are_own
        if not self.are_own or is_id_within(str(mark), event):
            return False
        return self._distinct > 1 or not str(mark).isdecimal()
