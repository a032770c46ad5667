"""Detection of copies of one event that come over several rooms at once."""

from __future__ import annotations

from collections import Counter, deque

from runconsole.events import Received

__all__ = ["Copies"]

_NEAR = 4
"""The number of other events that may come between two copies."""
_EARLY = 100_000
"""The most events that are remembered while rooms are joined."""
_SHOWN, _TELLING = 16, 2
"""The largest and smallest numbers of recent events that determine the number of copies."""


class Copies:
    """Tells copies of an event from equal events, over one connection.

    A client in two rooms gets each event twice, one copy close behind the other. The number of copies follows from
    recent events: if most came twice, the second of two equal events is a copy; if most came alone, each counts. Until
    then, one copy is expected for each room.

    Args:
        expected: the number of copies of each event that may come; with 1, each event counts.
    """

    def __init__(self, expected: int) -> None:
        self._expected = max(expected, 1)
        self._shown: deque[int] = deque(maxlen=_SHOWN)
        """The number of copies of each of the last events."""
        self._counts: Counter[int] = Counter()
        self._near: deque[int] = deque()
        self._unsure: set[int] = set()
        """Recent events that prove nothing: copies may have come before all rooms were joined, or none comes."""
        self._early: Counter[int] = Counter()
        """The count of each event with a time of its own while rooms are joined: each room may replay its past."""
        self._is_joined = False

    def expect(self, copies: int) -> None:
        """Expect at least this number of copies of each event."""
        self._expected = max(copies, self._expected)

    def note_connection(self) -> None:
        """Note a connection. The known number of copies stays."""
        self._counts.clear()
        self._near.clear()
        self._unsure.clear()
        self._early.clear()
        self._is_joined = False

    def note_joined(self) -> None:
        """Note that all rooms are joined, and no replay runs: from here on events show the number of copies."""
        if not self._is_joined:
            self._is_joined = True
            self._unsure.update(self._near)
            self._early.clear()

    def forget(self) -> None:
        """Forget the known number of copies: it came from a replay."""
        self._shown.clear()
        self._is_joined = False

    @property
    def _copies(self) -> int:
        if len(self._shown) < _TELLING:
            return self._expected
        fitting = (
            copies
            for copies in range(self._expected, 1, -1)
            if 2 * sum(count % copies == 0 for count in self._shown) > len(self._shown)
        )
        return next(fitting, 1)

    def is_copy(self, event: Received, text: str, *, alone: bool = False) -> bool:
        """Return whether an event, whose data came as `text`, is a copy of one just before it.

        Events with marks of their own are left to the deduplication by marks. `alone`: the event may have been sent to
        us and to no room, so it proves nothing about the copies of others.
        """
        if self._expected == 1:
            return False
        key = hash((event.type, text))
        if self._was_replayed(key, event):
            return True
        if key not in self._counts:
            self._near.append(key)
            if len(self._near) > _NEAR:
                self._learn(self._near.popleft())
            self._counts[key] = 1
            if alone:
                self._unsure.add(key)
            return False
        count = self._counts[key]
        self._counts[key] = count + 1
        if event.event_id is not None or event.seq is not None or self._stands_alone(key):
            return False
        return count % self._copies != 0

    def _was_replayed(self, key: int, event: Received) -> bool:
        """Return whether an event came before over another room, with any number of events in between."""
        if self._is_joined or event.timestamp is None or len(self._early) >= _EARLY:
            return False
        came = self._early[key]
        self._early[key] = came + 1
        is_marked = event.event_id is not None or event.seq is not None
        return not is_marked and key not in self._counts and came % self._expected != 0

    def _stands_alone(self, key: int) -> bool:
        """Return whether the events just before prove that two equal events in a row are no copies."""
        return (
            self._is_joined
            and len(self._shown) < _TELLING
            and self._near[-1] == key
            and any(self._counts[near] == 1 for near in self._near if near not in self._unsure)
        )

    def _learn(self, key: int) -> None:
        count = self._counts.pop(key)
        if self._is_joined and key not in self._unsure:
            self._shown.append(count)
        self._unsure.discard(key)
