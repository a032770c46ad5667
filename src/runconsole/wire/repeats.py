"""Copies of one event that come over several rooms at once."""

from __future__ import annotations

import re
from collections import Counter, deque
from math import gcd

from runconsole.events import Received

__all__ = ["Copies", "is_answer"]

_ANSWER = re.compile(r"connected$|.*_(joined|left)$|.*catch_?up", re.IGNORECASE | re.DOTALL)

_NEAR = 4
"""How many other events may come between two copies."""


def is_answer(name: str) -> bool:
    """Whether a Socket.IO event's name is that of a backend's own answers: they say nothing of the run."""
    return _ANSWER.match(name) is not None


class Copies:
    """Tells the copies of an event from the same said twice, on the connection where they come.

    A client in two rooms gets each event twice, one copy close behind the other. How many copies there are shows in
    what came: where every event so far came twice, the second of two that are alike is a copy; where one came alone,
    each counts. Before anything has shown it, as many are expected as rooms were joined.

    Args:
        expected: how many copies of each event are to be expected, until it shows.
    """

    def __init__(self, expected: int) -> None:
        self._most = max(expected, 1) + 1
        self._expected = max(expected, 1)
        self._shown = 0
        """What divides the counts of all that were seen; 0 before any was."""
        self._counts: Counter[int] = Counter()
        self._near: deque[int] = deque()
        self._settles = False

    def connected(self) -> None:
        """Note a connection. How many copies come is as before."""
        self._counts.clear()
        self._near.clear()
        self._expected, self._shown = self._copies, 0
        self._settles = False

    def settled(self) -> None:
        """Note that all rooms are joined, and nothing is replayed: from here on it shows how many copies come."""
        if not self._settles:
            self._settles = True
            self._shown = 0
            self._counts.clear()
            self._near.clear()

    @property
    def _copies(self) -> int:
        return self._expected if not self._shown else max(n for n in range(1, self._most + 1) if self._shown % n == 0)

    def is_copy(self, event: Received, text: str) -> bool:
        """Return whether an event, whose data came as `text`, is a copy of one just before it.

        What has a mark of its own is left to those who know it.
        """
        key = hash((event.type, text))
        if key not in self._counts:
            self._near.append(key)
            if len(self._near) > _NEAR:
                self._learn(self._counts.pop(self._near.popleft()))
            self._counts[key] = 1
            return False
        count = self._counts[key]
        self._counts[key] = count + 1
        if event.event_id is not None or event.seq is not None or self._stands_alone(key):
            return False
        return count % self._copies != 0

    def _stands_alone(self, key: int) -> bool:
        """Whether something just before shows already that what comes twice in a row is no copy."""
        return self._settles and self._near[-1] == key and any(self._counts[near] == 1 for near in self._near)

    def _learn(self, count: int) -> None:
        if self._settles:
            self._shown = gcd(self._shown, count)
