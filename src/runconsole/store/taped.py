"""Dedup that a recording hears of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runconsole.events import Micros, Received
from runconsole.store.dedup import DUPLICATE, Arrival, Dedup
from runconsole.store.gaps import Gaps

if TYPE_CHECKING:
    from runconsole.recording import Recorder

__all__ = ["RecordedDedup"]


class RecordedDedup:
    """Does what `dedup` does and tells the recorder; so a session that is not recorded pays nothing for it."""

    def __init__(self, dedup: Dedup, recorder: Recorder) -> None:
        self._dedup = dedup
        self._recorder = recorder

    @property
    def gaps(self) -> Gaps:
        """What is missing."""
        return self._dedup.gaps

    @property
    def has_connected(self) -> bool:
        """Whether there was a connection."""
        return self._dedup.has_connected

    def connected(self, back_at: Micros | None, *, assured: bool = False, replays: int = 0) -> None:
        """Note a new connection."""
        self._recorder.connected(back_at, assured=assured, replays=replays)
        self._dedup.connected(back_at, assured=assured, replays=replays)

    def caught_up(self, left: int = 0) -> None:
        """Note that the server has replayed its past."""
        self._dedup.caught_up(left)

    def drop(self, event: Received) -> None:
        """Note an event that the wire has recognized as one that came before."""
        self._recorder.dropped(event)

    def pass_over(self, event: Received) -> None:
        """Note an event that is left out: it is no part of what the recording gives."""
        self._recorder.passed_over(event)
        self._dedup.pass_over(event)

    def admit(self, event: Received) -> Arrival:
        """Return what the event is."""
        arrival = self._dedup.admit(event)
        if arrival is DUPLICATE:
            self._recorder.dropped(event)
        else:
            self._recorder.took(event)
        return arrival
