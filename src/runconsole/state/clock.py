"""The server's clock as far as its events tell it."""

from __future__ import annotations

from collections import deque

from runconsole.events import Micros

_SAMPLES = 9
_SAME_CLOCK = 1_000_000  # below one second of difference the two clocks count as one


class ServerClock:
    """Estimates how far the server's clock is ahead of ours from event and receive times.

    Live events carry a time just before their arrival, replayed ones an older time: so among the newest samples the
    largest differences are the true ones. The very largest is not believed alone: one wrong timestamp must not end
    a deadline early.
    """

    def __init__(self) -> None:
        self._differences: deque[int] = deque(maxlen=_SAMPLES)

    def observe(self, timestamp: Micros, received_at: Micros) -> None:
        """Take in one event's own time and when it arrived."""
        self._differences.append(timestamp - received_at)

    @property
    def offset(self) -> Micros:
        """Server clock minus ours, in microseconds; 0 while unknown or within a second."""
        if not self._differences:
            return 0
        ranked = sorted(self._differences)
        offset = ranked[-2] if len(ranked) > 2 else ranked[-1]
        return 0 if abs(offset) < _SAME_CLOCK else offset
