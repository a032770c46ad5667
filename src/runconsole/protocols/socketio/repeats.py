"""Copies of one event that come over several rooms at once."""

from __future__ import annotations

from collections import Counter, deque

from runconsole.events import Received

__all__ = ["Copies"]

_NEAR = 4
"""The number of other events that may come between two copies."""
_EARLY = 100_000
"""The most events that are remembered while rooms are joined."""
_SHOWN, _TELLING = 16, 2
"""The numbers of last events, at most and at least, that show how many copies come."""


class Copies:
    """Tells the copies of an event from the same said twice, on the connection where they come.

    A client in two rooms gets each event twice, one copy close behind the other. How many copies there are shows in
    what came of late: where most events came twice, the second of two that are alike is a copy; where most came alone,
    each counts. Before anything has shown it, as many are expected as there are rooms.

    Args:
        expected: how many copies of each event may come; with one, each event counts.
    """

    def __init__(self, expected: int) -> None:
        self._expected = max(expected, 1)
        self._shown: deque[int] = deque(maxlen=_SHOWN)
        """The number of copies of each of the last events."""
        self._counts: Counter[int] = Counter()
        self._near: deque[int] = deque()
        self._unsure: set[int] = set()
        """Those of the nearest that show nothing: copies may have come before all rooms were joined, or none comes."""
        self._early: Counter[int] = Counter()
        """How often each event with a time of its own came while rooms are joined: each room may replay its past."""
        self._settles = False

    def expect(self, copies: int) -> None:
        """Note that so many copies of each event may come, if not more."""
        self._expected = max(copies, self._expected)

    def connected(self) -> None:
        """Note a connection. How many copies come is as before."""
        self._counts.clear()
        self._near.clear()
        self._unsure.clear()
        self._early.clear()
        self._settles = False

    def settled(self) -> None:
        """Note that all rooms are joined, and nothing is replayed: from here on it shows how many copies come."""
        if not self._settles:
            self._settles = True
            self._unsure.update(self._near)
            self._early.clear()

    def forget(self) -> None:
        """Note that what has shown how many copies come was a replay."""
        self._shown.clear()
        self._settles = False

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

        What has a mark of its own is left to those who know it. `alone`: it may have been sent to us and to no room;
        so it does not show how many copies of others come.
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
        """Return whether an event came before over another room, however many others came between the two."""
        if self._settles or event.timestamp is None or len(self._early) >= _EARLY:
            return False
        came = self._early[key]
        self._early[key] = came + 1
        is_marked = event.event_id is not None or event.seq is not None
        return not is_marked and key not in self._counts and came % self._expected != 0

    def _stands_alone(self, key: int) -> bool:
        """Return whether the events just before show that the same event twice in a row is no copy."""
        return (
            self._settles
            and len(self._shown) < _TELLING
            and self._near[-1] == key
            and any(self._counts[near] == 1 for near in self._near if near not in self._unsure)
        )

    def _learn(self, key: int) -> None:
        count = self._counts.pop(key)
        if self._settles and key not in self._unsure:
            self._shown.append(count)
        self._unsure.discard(key)
