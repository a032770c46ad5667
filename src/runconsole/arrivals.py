"""Which events are new, which came before, and which are missing: by event id, resume mark and sequence number."""

from __future__ import annotations

from typing import Any

from runconsole.events import Received

__all__ = ["Arrivals"]

_REMEMBERED = 200_000


class Arrivals:
    """Remembers what came, over all connections of a run.

    An event is a duplicate when its id, its resume mark, or its sequence number together with its content came
    before. A number that jumps ahead leaves a gap; a number that fills a gap is a recovered event.
    """

    def __init__(self) -> None:
        self._seen: dict[Any, None] = {}
        self._last_seq: int | None = None
        self._missing: set[int] = set()
        self.missed = 0
        """Events known to be missing since the last `report`."""
        self.recovered = 0
        """Events that filled a gap since the last `report`."""

    def admit(self, event: Received) -> bool:
        """Return whether the event is new."""
        key = _key(event)
        if key is not None:
            if key in self._seen:
                return False
            self._seen[key] = None
            if len(self._seen) > _REMEMBERED:
                del self._seen[next(iter(self._seen))]
        if event.seq is not None:
            self._number(event.seq)
        return True

    def _number(self, seq: int) -> None:
        last = self._last_seq
        if last is None or seq == last + 1:
            self._last_seq = seq
        elif seq > last:
            gap = range(last + 1, seq)
            self.missed += len(gap)
            self._missing.update(gap[-_REMEMBERED:])
            self._last_seq = seq
        elif seq in self._missing:
            self._missing.discard(seq)
            self.missed -= 1
            self.recovered += 1
        else:  # lower, and not one we miss: the server counts afresh
            self._last_seq = seq
            self._missing.clear()

    def report(self) -> tuple[int, int]:
        """Return the missed and recovered counts since the last report, and begin anew."""
        counts = self.missed, self.recovered
        self.missed = self.recovered = 0
        return counts


def _key(event: Received) -> Any:
    if event.offset is not None:
        return ("offset", event.offset)
    if event.event_id is not None:
        return event.event_id
    if event.seq is not None:
        return (event.seq, event.type, hash(event.payload))
    return None
