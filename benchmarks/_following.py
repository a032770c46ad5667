"""A run that is read, logged, folded in and shown as a console does it, without a socket and without a thread."""

from __future__ import annotations

from typing import Any

from runconsole.events import Received
from runconsole.log import EventLog
from runconsole.protocols.json.wire import ChannelWire
from runconsole.state import RunState
from runconsole.store import Runs, RunWriter
from runconsole.store.dedup import Dedup
from runconsole.view import View
from runconsole.view.contract import Described
from runconsole.widget.publisher import BYTES_PER_SECOND, TICK, Publisher

__all__ = ["Following"]

_FIRST = 1_763_310_885_000_000
"""2025-11-16T16:34:45Z, the arrival of the first frame; the others follow a millisecond apart."""
SAVE_EVERY = 9
"""Patches from one durable picture to the next."""


class Following:
    """One connection over which plain JSON comes, and a panel that shows the newest run."""

    def __init__(self) -> None:
        self.runs = Runs(RunState(), EventLog())
        self._writer = RunWriter(self.runs, dedup=Dedup(self.runs.log))
        self._writer.connected(None)
        self._wire = ChannelWire()
        self._frames = self._painted = 0
        self._shown = self.runs.newest
        self._sent: Any = None
        self._publisher = Publisher(
            self._view(), send=self._keep, save=self._keep, now=lambda: 0, is_bound=lambda: True
        )

    def take(self, frame: str) -> None:
        """Read a frame, log its events and fold them in."""
        at = _FIRST + 1000 * self._frames
        self._frames += 1
        for event in self._wire.receive(frame, at):
            if isinstance(event, Received):
                self._writer.take(event)

    def paint(self) -> None:
        """Patch the picture, and now and then store it."""
        if self.runs.newest is not self._shown:
            self._shown = self.runs.newest
            self._publisher.show(self._view())
        self._publisher.patch(BYTES_PER_SECOND * TICK)
        if self._painted % SAVE_EVERY == 0:
            self._publisher.save()
        self._painted += 1

    def _keep(self, message: object) -> None:
        self._sent = message

    def _view(self) -> View:
        return View(self._shown.state, self._shown.log.read, self._described)

    def _described(self) -> Described:
        log = self._shown.log
        return {
            "title": "",
            "url": "",
            "protocol": "json",
            "link": "live",
            "events": len(log),
            "malformed": log.malformed,
            "unknown": log.unknown,
            "replay": None,
            "commands": [],
        }
