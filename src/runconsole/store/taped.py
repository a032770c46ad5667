"""Arrivals that a recording hears of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runconsole.events import Micros, Received
from runconsole.store.dedup import DUPLICATE, Arrival, Arrivals
from runconsole.store.gaps import Gaps

if TYPE_CHECKING:
    from runconsole.recording import Tape

__all__ = ["TapedArrivals"]


class TapedArrivals:
    """Does what `arrivals` does and tells the tape; so a session that is not recorded pays nothing for it."""

    def __init__(self, arrivals: Arrivals, tape: Tape) -> None:
        self._arrivals = arrivals
        self._tape = tape

    @property
    def gaps(self) -> Gaps:
        """What is missing."""
        return self._arrivals.gaps

    @property
    def has_connected(self) -> bool:
        """Whether there was a connection."""
        return self._arrivals.has_connected

    def connected(self, back_at: Micros | None, *, assured: bool = False, replays: int = 0) -> None:
        """Note a new connection."""
        self._tape.connected(back_at, assured=assured, replays=replays)
        self._arrivals.connected(back_at, assured=assured, replays=replays)

    def caught_up(self, left: int = 0) -> None:
        """Note that the server has replayed its past."""
        self._arrivals.caught_up(left)

    def drop(self, event: Received) -> None:
        """Note an event that the wire has recognized as one that came before."""
        self._tape.dropped(event)

    def pass_over(self, event: Received) -> None:
        """Note an event that is left out: it is no part of what the recording gives."""
        self._tape.passed_over(event)
        self._arrivals.pass_over(event)

    def admit(self, event: Received) -> Arrival:
        """Return what the event is."""
        arrival = self._arrivals.admit(event)
        if arrival is DUPLICATE:
            self._tape.dropped(event)
        else:
            self._tape.took(event)
        return arrival
