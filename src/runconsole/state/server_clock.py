"""The server's clock as far as its events tell it."""

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
    """Return how far ahead of ours an event's own clock is, where that can be the difference of two time zones.

    So it is, or zero, of an event just told; of one that is replayed only by accident.
    """
    if timestamp is None:
        return None
    difference = timestamp - received_at
    past_zone = (difference + _ZONE_STEP // 2) % _ZONE_STEP - _ZONE_STEP // 2
    return difference if abs(past_zone) <= _PROMPT else None


class ServerClock:
    """Estimates how far the server's clock is ahead of ours from event and receive times.

    Live events carry a time just before their arrival, replayed ones an older time: so among the newest samples the
    largest differences are the true ones. The very largest is not believed alone: one wrong timestamp must not end
    a deadline early.
    """

    def __init__(self) -> None:
        self._differences: deque[int] = deque(maxlen=_SAMPLES)
        self._settled_at: Micros = 0
        self._floor: int = 0

    def observe(self, timestamp: Micros, received_at: Micros) -> None:
        """Take in one event's own time and when it arrived."""
        difference = timestamp - received_at
        if received_at >= self._settled_at or difference >= self._floor:
            self._differences.append(difference)

    def reconnected(self, at: Micros) -> None:
        """Note that what comes just after `at` (by our clock) may tell of the past: it does not put the clock back."""
        if self._differences:
            self._floor = self.estimate - _SAME_CLOCK
            self._settled_at = at + _SETTLING

    def contradicts(self, offset: Micros | None) -> bool:
        """Whether an event with this `own_offset` counts its time in another way than the newest events do."""
        return offset is not None and abs(offset - self.estimate) > _SAME_ZONE

    @property
    def is_known(self) -> bool:
        """Whether any event had a time."""
        return bool(self._differences)

    @property
    def estimate(self) -> Micros:
        """Server clock minus ours, in microseconds, as exactly as is known: at most the truth. 0 while unknown."""
        if not self._differences:
            return 0
        ranked = sorted(self._differences)
        return ranked[-2] if len(ranked) > 2 else ranked[-1]

    def at(self, ours: Micros) -> Micros:
        """Return what the server's clock says at a moment of ours."""
        return ours + self.offset

    @property
    def offset(self) -> Micros:
        """Server clock minus ours, in microseconds; 0 while unknown or within a second."""
        estimate = self.estimate
        return 0 if abs(estimate) < _SAME_CLOCK else estimate
