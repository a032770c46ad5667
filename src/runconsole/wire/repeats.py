"""Which events a server sent before, where it marks none of them."""

from __future__ import annotations

from runconsole.events import Micros, Received
from runconsole.recent import Recent

__all__ = ["Repeats"]

_REMEMBERED = 100_000
_LONGEST_REPLAY: Micros = 5_000_000
"""A replay that nobody declares over is over then."""


class Repeats:
    """Tells a repeated event by its content: its name and the text of its data, timestamp included.

    An event with a timestamp is a repeat when the same content came before, at any time. An event without one may say
    the same again and mean it, so it is a repeat only

    * while a server replays its past after a reconnect, when the same content came before;
    * right after its like, where events arrive several times: over each room joined, or as was seen of identified ones.

    An event with an id or a sequence number is none of its business.

    Args:
        rooms: how many rooms are joined; an event may come over each of them.
    """

    def __init__(self, rooms: int) -> None:
        self._copies = max(rooms, 1)
        self._seen: Recent[int] = Recent(_REMEMBERED)
        self._last: int | None = None
        self._run = 0
        self._replay_until: Micros = 0

    def connected(self, at: Micros, *, again: bool) -> None:
        """Note a connection; a server replays, or was asked to, when it is not the first."""
        self._last = None
        self._replay_until = at + _LONGEST_REPLAY if again else 0

    def replay_is_over(self) -> None:
        """Note that the server has replayed all it will."""
        self._replay_until = 0

    def is_repeat(self, event: Received, text: str) -> bool:
        """Return whether the event, whose data came as `text`, came before; remember it."""
        key = hash((event.type, text))
        self._run = self._run + 1 if key == self._last else 0
        self._last = key
        replaying = event.received_at < self._replay_until
        if event.event_id is not None or event.seq is not None:
            self._learn(replaying=replaying)
            return False
        known = self._seen.note(key, key) is not None
        if event.timestamp is not None:
            self._learn(replaying=replaying)
            return known
        return (known and replaying) or self._run % self._copies != 0

    def _learn(self, *, replaying: bool) -> None:
        """An event that says when or which it is came twice in a row: so do the others."""
        if self._run and not replaying:
            self._copies = max(self._copies, 2)
