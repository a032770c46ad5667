"""The newest frame of a recording, while the session takes its events: one line when all of them are taken."""

from __future__ import annotations

import base64

from runconsole.events import Micros, Received
from runconsole.recording.format import Entry, Op

__all__ = ["OpenFrame"]


class OpenFrame:
    """The newest frame while its events are being taken."""

    def __init__(self, number: int, link: int, frame: str | bytes, at: Micros, events: list[Received]) -> None:
        self.number = number
        self.link = link
        self.frame = frame
        self.at = at
        self.events = events
        self.next = 0
        self.ops: list[Op] | None = None
        """The fates of the events so far, if not "taken in order"."""

    @property
    def is_done(self) -> bool:
        """True if the fate of all its events is known."""
        return self.next >= len(self.events)

    def add(self, op: Op) -> None:
        """Note a fact that happened in between."""
        if self.ops is None:
            self.ops = list(range(self.next))
        self.ops.append(op)

    def note_fate(self, event: Received, *, taken: bool) -> bool:
        """Note the fate of one of its events; return whether it is one."""
        place = self.next
        if place >= len(self.events) or self.events[place] is not event:
            place = next((k for k, other in enumerate(self.events) if other is event and k >= self.next), -1)
            if place < 0:
                return False
        if self.ops is not None or not taken or place != self.next:
            self.add(place if taken else ~place)
        self.next = place + 1
        return True

    def pass_over(self, event: Received) -> None:
        """Note that one of its events is left out."""
        place = next((k for k, other in enumerate(self.events) if other is event and k >= self.next), -1)
        if place >= 0:
            self.ops = list(range(self.next)) if self.ops is None else self.ops
            self.next = place + 1

    def entry(self) -> Entry:
        """Return its line."""
        ops = self.ops
        if ops is None and not self.is_done:
            ops = list(range(self.next))
        if isinstance(self.frame, bytes):
            text = base64.b64encode(self.frame).decode()
            return Entry(self.at, "in", self.link, base64=text, ops=ops)
        return Entry(self.at, "in", self.link, self.frame, ops=ops)
