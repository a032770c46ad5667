"""Changing from one connection to another without losing, doubling or reordering an event.

A server that asks for a new connection (tRPC's `reconnect`) goes on serving the old one, so for a while both deliver:

1. make `successor = wire.successor()` and a `Handover(successor)`; from here on pass what each wire returns through
   `from_old` and `from_new` as it arrives, and apply what these return instead;
2. connect anew, send `successor.open()`, and go on reading the old connection;
3. when `established` becomes true, send the old wire's `close()`;
4. when the old wire is `drained`, or its connection is gone, or some seconds have passed, apply `finish()` and go on
   with the new wire alone. Close the old connection when its `pending` is empty: those replies can come only there.

Should the new connection fail before it is `established`, forget it and keep the old one. Should the old one fail
before that, apply `finish()`: it is an ordinary reconnect.

Why it is complete: what happens before the new subscription exists comes over the old connection, which is read to its
end; what happens later comes over the new one. Tracked events of a subscription that goes on from the last one are in
order as they come, and the usual check for offsets already seen takes the doubles away. All others wait until the old
stream has ended; what the new one then begins with and the old one ended with came twice.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

from runconsole.events import Received
from runconsole.protocols.base import Established, Reply, Send, Signal

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Handover"]

_REMEMBERED = 10_000
"""More events than two connections can have in common while one takes over."""


class _Successor(Protocol):
    @property
    def resumes_from(self) -> str | None: ...


class Handover:
    """Selects the events to apply from two streams of the same events, while both are open.

    Attributes:
        established: True if the server of the new connection has accepted this console.
        dropped: the number of events that came twice and were removed, after `finish`.
    """

    def __init__(self, successor: _Successor) -> None:
        self.established = False
        self.dropped = 0
        self._successor = successor
        self._old: deque[Received] = deque(maxlen=_REMEMBERED)
        self._held: list[Signal] = []

    def from_old(self, signals: Sequence[Signal]) -> list[Signal]:
        """Return what to apply of the old connection's signals: from `established` on, events and replies only."""
        self._old.extend(signal for signal in signals if isinstance(signal, Received))
        if not self.established:
            return list(signals)
        return [signal for signal in signals if isinstance(signal, (Received, Reply, Send))]

    def from_new(self, signals: Sequence[Signal]) -> list[Signal]:
        """Return what to apply now of the new connection's signals; the rest waits for `finish`."""
        now: list[Signal] = []
        for signal in signals:
            if isinstance(signal, Established):
                self.established = True
            # Once something is held, all that follows waits behind it.
            if self._held or self._must_wait(signal):
                self._held.append(signal)
            else:
                now.append(signal)
        return now

    def _must_wait(self, signal: Signal) -> bool:
        return isinstance(signal, Received) and (signal.offset is None or self._successor.resumes_from is None)

    def finish(self) -> list[Signal]:
        """Return what was held back, without the events at its start that the old stream ended with."""
        held, self._held = self._held, []
        old = [_content(event) for event in self._old]
        new = [_content(signal) for signal in held if isinstance(signal, Received)]
        self.dropped = _overlap(old, new)
        return _without_first_events(held, self.dropped)


_Content = tuple[str, str, int | None, str | None, str | None]


def _content(event: Received) -> _Content:
    return event.type, event.payload, event.timestamp, event.event_id, event.offset


def _overlap(old: list[_Content], new: list[_Content]) -> int:
    """Return how many of the last of `old` are the first of `new`."""
    counts = range(min(len(old), len(new)), 0, -1)
    return next((count for count in counts if old[-count:] == new[:count]), 0)


def _without_first_events(signals: list[Signal], count: int) -> list[Signal]:
    kept = []
    for signal in signals:
        if count and isinstance(signal, Received):
            count -= 1
        else:
            kept.append(signal)
    return kept
