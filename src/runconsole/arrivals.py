"""Which events are new, which came before, which are missing: by event id, resume mark, sequence number and content."""

from __future__ import annotations

from typing import Any, NamedTuple

from runconsole.events import Micros, Received

__all__ = ["Arrivals", "Losses"]

_REMEMBERED = 200_000


class Losses(NamedTuple):
    """What is known of events that did not come when they should have."""

    missed: int | None
    """Events that never came; None where the server gives nothing to know it by."""
    recovered: int
    """Events that came late: after a reconnect, or filling a gap."""


class Arrivals:
    """Remembers what came, over all connections of a run.

    An event is a duplicate when its id, or its resume mark or sequence number together with its content, came before.
    An event without any of these is a duplicate when the same content came over an *earlier* connection: a server that
    replays its past does that. Without a timestamp this holds only until the first new event of a connection.

    A sequence number that jumps ahead leaves a gap; one that fills a gap is a recovered event.
    """

    def __init__(self) -> None:
        self._seen: dict[Any, int] = {}
        self._connection = 0
        self._replaying = False
        self._last_seq: int | None = None
        self._missing: set[int] = set()
        self._gap_missed = 0
        self._recovered = 0
        self._back_at: Micros | None = None
        self._assured = False
        self._by_content = True

    def connected(self, at: Micros | None, *, assured: bool, knows_repeats: bool = False) -> None:
        """Note a new connection; `at` is the server's time of a reconnect, None for the first connection.

        `assured`: the server was asked to go on from the last event, and tells if it cannot. `knows_repeats`: the wire
        itself recognizes what a server without ids sends again.
        """
        self._connection += 1
        self._replaying = at is not None
        self._back_at = at
        self._assured = assured
        self._by_content = not knows_repeats

    def admit(self, event: Received) -> bool:
        """Return whether the event is new."""
        identified = event.event_id is not None or event.seq is not None or event.offset is not None
        key = _key(event)
        came_over = self._seen.get(key)
        if came_over is not None and (identified or self._is_replay(event, came_over)):
            return False
        if came_over is None:
            self._replaying = False
        self._seen[key] = self._connection
        if len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]
        if event.seq is not None:
            self._number(event.seq)
        elif self._back_at is not None and event.timestamp is not None and event.timestamp < self._back_at:
            self._recovered += 1
        return True

    def _is_replay(self, event: Received, came_over: int) -> bool:
        return self._by_content and came_over < self._connection and (event.timestamp is not None or self._replaying)

    def _number(self, seq: int) -> None:
        last = self._last_seq
        if last is None or seq == last + 1:
            self._last_seq = seq
        elif seq > last:
            gap = range(last + 1, seq)
            self._gap_missed += len(gap)
            self._missing.update(gap[-_REMEMBERED:])
            self._last_seq = seq
        elif seq in self._missing:
            self._missing.discard(seq)
            self._gap_missed -= 1
            self._recovered += 1
        else:  # lower, and not one that is missing: the server counts afresh
            self._last_seq = seq
            self._missing.clear()

    @property
    def came_back(self) -> Micros | None:
        """The server's time of a reconnect that has not been reported yet."""
        return self._back_at

    def report(self) -> Losses | None:
        """Return what was learned since the last report, None for nothing; then begin anew."""
        back, self._back_at = self._back_at, None
        missed, self._gap_missed = self._gap_missed, 0
        recovered, self._recovered = self._recovered, 0
        if back is None:
            return Losses(missed, recovered) if missed or recovered else None
        known = self._assured or self._last_seq is not None
        return Losses(missed if known else None, recovered)


def _key(event: Received) -> Any:
    if event.event_id is not None:
        return event.event_id
    mark = event.offset if event.offset is not None else event.seq
    return hash((mark, event.type, event.payload, event.timestamp))
