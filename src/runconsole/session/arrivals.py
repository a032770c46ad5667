"""Which events are new, and which came before: by event id, resume mark, sequence number and content."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from runconsole.events import MalformedFrame, Micros, Received
from runconsole.recent import Recent
from runconsole.session.gaps import Gaps

__all__ = ["AGAIN", "DUPLICATE", "NEW", "Arrival", "Arrivals"]

_REMEMBERED = 100_000


class Arrival(Enum):
    """What an event is to those that came before it."""

    NEW = "new"
    AGAIN = "again"
    """The server says the same once more: a row of the log, though it tells the state nothing."""
    DUPLICATE = "duplicate"
    """The server sent the same event twice: it counts once."""


NEW, AGAIN, DUPLICATE = Arrival


class Arrivals:
    """Remembers what came, over all connections of a run; `gaps` knows what did not.

    An event with an id, a resume mark or a sequence number is a duplicate when the same came before with the same
    content: a server that has lost its memory gives the same numbers to other events.

    An event without any of these is a duplicate when it came over an *earlier* connection as often as it has come over
    this one: a server that replays its past does that. Without a timestamp this holds only until the first new event
    of a connection.
    """

    def __init__(self) -> None:
        self.gaps = Gaps()
        self._seen: Recent[int] = Recent(_REMEMBERED, self._forget)
        """The last connection over which a content came."""
        self._often: dict[int, int] = {}
        """How often it did, where that is more than once."""
        self._due: dict[int, int] = {}
        """How often it may come again over this connection and still be known."""
        self._connection = 0
        self._replaying = False
        self._by_content = True

    def connected(self, back_at: Micros | None, *, assured: bool = False, knows_repeats: bool = False) -> None:
        """Note a new connection; `back_at` is the server's time of a reconnect, None where nothing can have been lost.

        `assured`: the server says that it sends all that was missed. `knows_repeats`: the wire itself recognizes what
        a server without ids sends again.
        """
        self._connection += 1
        self._replaying = self._connection > 1
        self._by_content = not knows_repeats
        self._due.clear()
        self.gaps.connected(back_at, assured=assured)

    @property
    def has_connected(self) -> bool:
        """Whether there was a connection."""
        return self._connection > 0

    def admit(self, event: Received) -> Arrival:
        """Return what the event is. A frame that cannot be read is always new: nobody replays an accident."""
        if event.fact.__class__ is MalformedFrame:
            return NEW
        mark: str | int | None = event.event_id
        if mark is not None:
            key = hash((mark, event.type, event.payload))
        else:
            mark = event.offset if event.offset is not None else event.seq
            key = hash((mark, event.type, event.payload, event.timestamp))
        came_over = self._seen.note(key, self._connection)
        if came_over is None:
            arrival, self._replaying = NEW, False
        elif mark is not None or self._is_replay(key, came_over, event):
            arrival = DUPLICATE
        else:
            arrival = AGAIN
            if came_over == self._connection:
                self._often[key] = self._often.get(key, 1) + 1
        if mark is not None or self.gaps.is_back:
            self.gaps.note(event, is_new=arrival is not DUPLICATE)
        return arrival

    def _is_replay(self, key: int, came_over: int, event: Received) -> bool:
        if not self._by_content or not (self._replaying or event.timestamp is not None):
            return False
        if came_over < self._connection:
            self._due[key] = self._often.get(key, 1) - 1
            return True
        if not self._due.get(key):
            return False
        self._due[key] -= 1
        return True

    def _forget(self, keys: Iterable[int]) -> None:
        if self._often or self._due:
            for key in keys:
                if key not in self._seen:
                    self._often.pop(key, None)
                    self._due.pop(key, None)
