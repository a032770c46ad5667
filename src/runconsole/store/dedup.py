"""Deduplication of events: by event id, resume mark, sequence number and content."""

from __future__ import annotations

from collections import Counter
from enum import Enum
from typing import TYPE_CHECKING

from runconsole.decoding.names import is_answer
from runconsole.events import Alert, ErrorReported, Logged, MalformedFrame, Micros, Received, TaskOutput
from runconsole.log import Rows
from runconsole.store.digests import Digests
from runconsole.store.gaps import Gaps
from runconsole.store.identities import FOREIGN, KNOWN, Identities
from runconsole.store.sameness import is_same

if TYPE_CHECKING:
    from runconsole.store.moments import Moments

__all__ = ["DUPLICATE", "NEW", "Arrival", "Dedup"]

_MOST_LIVE = 1_000
_MOST_COMPARED = 64
_ROWS = (TaskOutput, ErrorReported, Alert)
"""Facts of which each is a row of its own."""


class Arrival(Enum):
    """The verdict on an event, compared to those that came before it."""

    NEW = "new"
    DUPLICATE = "duplicate"
    """The same event once more: it counts once."""


NEW, DUPLICATE = Arrival


class Dedup:
    """Remembers what came, over all connections of a run; `gaps` knows what did not.

    What one connection says counts each time. A duplicate is

    * an event whose own id, resume mark or sequence number came before, in whatever spelling (see `Identities`);
    * an event that came over *earlier* connections as often as it has come over this one: a server that replays its
      past does that. Without a timestamp this holds only while a replay can be going on.

    Args:
        log: the log of the events; each is appended after it was admitted as new.
        filtered: True if this console gets only a part of the events that the server numbers.
        longest_silence: after so long a replay that nobody declares over is over, when nothing of it has come.
    """

    def __init__(self, log: Rows | None = None, *, filtered: bool = False, longest_silence: Micros = 5_000_000) -> None:
        self._longest_silence = longest_silence
        self.gaps = Gaps(filtered=filtered)
        self._log = log
        self._base = 0 if log is None else len(log)
        self._contents = Digests()
        """Of each event of the log, in its order."""
        self._identities = Identities(self._contents, log, self._base)
        self._connection = 0
        self._has_past = False
        """True if an earlier connection, or an earlier replay over this one, has brought something."""
        self._looks_back = False
        """True if a replay may bring something again over this connection."""
        self._newest: Micros = 0
        self._newest_before: Micros = 0
        self._replay = _Replay(0, longest_silence, is_first=True, is_answered=False)
        self._moments: Moments | None = None
        self._matched: set[int] = set()
        self._came: Counter[int] = Counter()
        """The number of arrivals of each content, while several replays run at once."""
        self._kept: Counter[int] = Counter()
        """The number of those arrivals that were new."""

    def connected(self, back_at: Micros | None, *, assured: bool = False, replays: int = 0) -> None:
        """Note a new connection; `back_at` is the server's time of a reconnect, None where nothing can have been lost.

        `assured`: the server says that it sends all that was missed. `replays`: how many replays of its past may come
        in between what is new, until `caught_up`; 0 where one comes before what is new.
        """
        self._connection += 1
        self._has_past = self._connection > 1
        self._looks_back = self._has_past or replays > 0
        self._identities.connected()
        self._look_back_from_here()
        self._replay = _Replay(
            replays, self._longest_silence, is_first=self._connection == 1, is_answered=self._replay.is_answered
        )
        self.gaps.connected(back_at, assured=assured)

    def caught_up(self, left: int = 0) -> None:
        """Note that the server has replayed its past; `left` more replays of it are to come over this connection."""
        if left and self._replay.passes > 1:
            self._has_past = True
            self._look_back_from_here()  # what this one brought comes again in the next
            self._replay.begin_next(left)
        if not left:
            self._replay.end()

    def _look_back_from_here(self) -> None:
        self._contents.freeze()
        self._newest_before = self._newest
        self._moments = None
        self._matched.clear()
        self._came.clear()
        self._kept.clear()

    @property
    def has_connected(self) -> bool:
        """True if there was a connection."""
        return self._connection > 0

    def admit(self, event: Received) -> Arrival:
        """Return what the event is. A frame that cannot be read is always new: nobody replays an accident."""
        if event.fact.__class__ is MalformedFrame:
            self._contents.add(0)
            return NEW
        at = event.timestamp
        content = hash((event.type, event.payload, at))
        mark: str | int | None = event.event_id
        if mark is None:
            mark = event.offset if event.offset is not None else event.seq
            if mark is None and not (self._looks_back or self.gaps.is_back):  # the way of most events
                self._contents.add(content)
                if at is not None and at > self._newest:
                    self._newest = at
                return NEW
        verdict = FOREIGN if mark is None else self._identities.note(mark, event, content)
        is_new = verdict is not KNOWN
        if verdict is FOREIGN and self._looks_back and not self._replay.is_answer(event):
            is_new = not self._came_before(content, event)
        if is_new:
            self._contents.add(content)
            if at is not None and at > self._newest:
                self._newest = at
            if self._looks_back:
                self._replay.note_new(content, event)
        if mark is not None or self.gaps.is_back:
            self.gaps.note(event, is_new=is_new, is_marked=verdict is not FOREIGN or event.event_id is None)
        return NEW if is_new else DUPLICATE

    def note_copy(self, event: Received) -> None:
        """Note a copy over another room: one of an event that came before may as well belong to the last replay."""
        replay = self._replay
        is_last = self._has_past and replay.passes == 1 and replay.is_open(event.received_at)
        if is_last and self._contents.count(_content(event)):
            replay.note_copy()

    def note(self, event: Received) -> None:
        """Note that the log gets an event, whatever is thought of it here: a recording says so."""
        if self.admit(event) is DUPLICATE:
            self._contents.add(_content(event))

    def pass_over(self, event: Received) -> None:
        """Note an event that is left out: its number is not missing."""
        if event.seq is not None:
            self.gaps.pass_over(event.seq, event.received_at)

    def _came_before(self, content: int, event: Received) -> bool:
        """Return whether an earlier connection brought this as often as it has come over this one."""
        at = event.timestamp
        if self._replay.passes > 1 and self._replay.is_open(event.received_at):
            return self._came_in_another(content, event.received_at)
        if self._has_past:
            may_be_old = self._replay.is_open(event.received_at) if at is None else at <= self._newest_before
            if may_be_old and (
                self._contents.take(content) or (at is not None and self._is_respelled(at, content, event))
            ):
                self._replay.note_repeat(event.received_at)
                return True
        return self._replay.overlaps(content, event)

    def _came_in_another(self, content: int, at: Micros) -> bool:
        """Return whether one of several replays that go on at once has brought this, or an earlier connection."""
        self._came[content] += 1
        brought = -(-self._came[content] // self._replay.passes)
        if brought <= self._contents.count(content) + self._kept[content]:
            self._replay.note_repeat(at)
            return True
        self._kept[content] += 1
        return False

    def _is_respelled(self, at: Micros, content: int, event: Received) -> bool:
        """Return whether an earlier connection brought the same event in another spelling. Slow, and seldom needed."""
        if self._log is None or not self._newest_before:
            return False
        if self._moments is None:
            from runconsole.store.moments import Moments

            self._moments = Moments(self._log, self._base)
        contents, base = self._contents, self._base
        rows = [row for row in self._moments.rows(at) if row not in self._matched and contents[row - base] != content]
        for row in rows[:_MOST_COMPARED]:
            found = self._log.read(row, 1)
            if found and is_same(found[0][1], event):
                self._matched.add(row)
                return True
        return False


def _content(event: Received) -> int:
    return hash((event.type, event.payload, event.timestamp))


class _Replay:
    """The replay of a server over one connection, as far as it can be inferred.

    Without interleaving the first new event ends it. With it the server's word does; where it has never said that, a
    silence. Between the connection and the beginning of the replay events may come live; they come again in it.
    """

    def __init__(self, passes: int, longest_silence: Micros, *, is_first: bool, is_answered: bool) -> None:
        self.passes = passes
        """The number of replays that have not ended."""
        self._interleaves = passes > 0
        self._longest_silence = longest_silence
        self.is_answered = is_answered
        """True if this server says when it has replayed all."""
        self._is_over = is_first and not passes
        self._live: list[int] = []
        self._again = 0
        """The number of live ones that have come again, in their order."""
        self._has_begun = False
        self._may_have_begun = False
        self._last_at: Micros | None = None
        self._newest: Micros = 0

    def is_answer(self, event: Received) -> bool:
        """Return whether an event is the server's answer to us, over this connection."""
        return self._interleaves and event.fact.__class__ is Logged and is_answer(event.type)

    def is_open(self, at: Micros) -> bool:
        """Return whether the replay may be going on at this time of ours."""
        if self._is_over or not self._interleaves or self.is_answered:
            return not self._is_over
        if self._last_at is None:
            self._last_at = at
        return at - self._last_at < self._longest_silence

    def begin_next(self, left: int) -> None:
        """Note that one of several replays is over: what came live before its end is the past of those `left`."""
        self.passes = left
        self._live.clear()
        self._again = 0
        self._has_begun = self._may_have_begun = False

    def end(self) -> None:
        """Note that it is over."""
        self._is_over = self.is_answered = True

    def note_repeat(self, at: Micros) -> None:
        """Note that something came again."""
        self._has_begun = True
        self._last_at = at

    def note_copy(self) -> None:
        """Note that a copy over another room came, or the first event of the replay."""
        self._may_have_begun = True

    def note_new(self, content: int, event: Received) -> None:
        """Note an event that did not come before."""
        if not self._interleaves:
            self._is_over = True
        if self._is_over:
            return
        at = event.timestamp
        if at is not None:
            self._has_begun = self._has_begun or at < self._newest
            self._newest = max(self._newest, at)
        if not self._has_begun and len(self._live) < _MOST_LIVE:
            self._live.append(content)

    def overlaps(self, content: int, event: Received) -> bool:
        """Return whether the event came live over this connection, before its replay began, and comes again in that."""
        if not self._interleaves or self._again >= len(self._live) or not self.is_open(event.received_at):
            return False
        if content != self._live[self._again]:
            return False
        goes_back = event.timestamp is not None and event.timestamp < self._newest
        if isinstance(event.fact, _ROWS) and not (self._has_begun or self._may_have_begun or goes_back):
            return False
        self._again += 1
        self.note_repeat(event.received_at)
        return True
