"""The server's clock, estimated from its events."""

from __future__ import annotations

from collections import deque

from runconsole.events import Micros

_SAMPLES = 9
_SAME_CLOCK = 1_000_000  # below one second of difference the two clocks count as one
_SETTLING = 5_000_000
_ZONE_STEP = 15 * 60 * 1_000_000  # zones differ by quarters of an hour
_PROMPT = 5_000_000
_SAME_ZONE = 60_000_000


def own_offset(timestamp: Micros | None, received_at: Micros) -> Micros | None:
    """Return an event's clock minus ours, in microseconds, if that can be the difference of two time zones.

    A live event's offset is one (or zero); a replayed event's only by accident.
    """
    if timestamp is None:
        return None
    difference = timestamp - received_at
    past_zone = (difference + _ZONE_STEP // 2) % _ZONE_STEP - _ZONE_STEP // 2
    return difference if abs(past_zone) <= _PROMPT else None


class ServerClock:
    """Estimates the offset of the server's clock from event and receive times.

    Live events carry a time just before their arrival, replayed ones an older time: so the largest differences among
    the newest samples are the true ones. The very largest is not used alone: one wrong timestamp must not end a
    deadline early.
    """

    def __init__(self) -> None:
        self._differences: deque[int] = deque(maxlen=_SAMPLES)
        self._settled_at: Micros = 0
        self._floor: int = 0

    def observe(self, timestamp: Micros, received_at: Micros) -> None:
        """Add a sample: one event's own time and the time of its arrival."""
        difference = timestamp - received_at
        if received_at >= self._settled_at or difference >= self._floor:
            self._differences.append(difference)

    def reconnected(self, at: Micros) -> None:
        """Note that events just after `at` (by our clock) may be old: they do not put the clock back."""
        if self._differences:
            self._floor = self.estimate - _SAME_CLOCK
            self._settled_at = at + _SETTLING

    def contradicts(self, offset: Micros | None) -> bool:
        """Return whether an event with this `own_offset` uses another clock or zone than the newest events."""
        return offset is not None and abs(offset - self.estimate) > _SAME_ZONE

    @property
    def is_known(self) -> bool:
        """True if any event had a time."""
        return bool(self._differences)

    @property
    def estimate(self) -> Micros:
        """Server clock minus ours, in microseconds, as exactly as known: at most the truth. 0 while unknown."""
        if not self._differences:
            return 0
        ranked = sorted(self._differences)
        return ranked[-2] if len(ranked) > 2 else ranked[-1]

    def at(self, ours: Micros) -> Micros:
        """Return the server's time at a time of ours."""
        return ours + self.offset

    @property
    def offset(self) -> Micros:
        """Server clock minus ours, in microseconds; 0 while unknown or within a second."""
        estimate = self.estimate
        return 0 if abs(estimate) < _SAME_CLOCK else estimate
