"""Paints on a tick: the picture's changes as versioned patches, ten times a second at most, within a byte budget."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec

from runconsole.events import Micros
from runconsole.view import View

__all__ = ["Publisher"]

TICK = 0.1
BYTES_PER_SECOND = 200_000
HEARTBEAT = 1.0
DURABLE = 1.0

_logger = logging.getLogger(__name__)

Message = dict[str, Any]


class Publisher:
    """Sends what changed in a view. Runs on the I/O thread.

    Args:
        view: the picture.
        send: sends one message to every browser view.
        save: stores the durable picture (a synced trait).
        now: this machine's time.
        is_bound: whether answers come back while a cell runs (the widget's handshake).
    """

    def __init__(
        self,
        view: View,
        *,
        send: Callable[[Message], None],
        save: Callable[[Message], None],
        now: Callable[[], Micros],
        is_bound: Callable[[], bool],
    ) -> None:
        self._view = view
        self._send = send
        self._save = save
        self._now = now
        self._is_bound = is_bound
        self._urgent = asyncio.Event()
        self._saved_version = -1

    def hurry(self) -> None:
        """Paint at the next chance instead of the next tick."""
        self._urgent.set()

    async def run(self) -> None:
        """Publish until cancelled; the last picture is published by `flush`."""
        loop = asyncio.get_running_loop()
        self._urgent = asyncio.Event()  # of this loop: a console that goes on may have another
        beat = saved = loop.time()
        while True:
            size = self._try_patch()
            if loop.time() - saved >= DURABLE or self._urgent.is_set():
                saved = loop.time()
                self.save()
            self._urgent.clear()
            if loop.time() - beat >= HEARTBEAT:
                beat = loop.time()
                self.heartbeat()
            if size:
                await asyncio.sleep(max(TICK, size / BYTES_PER_SECOND))
            else:
                # Not `wait_for`: in Python 3.11 it may swallow the cancellation that ends us.
                with suppress(TimeoutError):
                    async with asyncio.timeout(TICK):
                        await self._urgent.wait()

    def flush(self) -> None:
        """Publish what is left, and the durable picture."""
        self.patch()
        self.save()
        self.heartbeat()

    def _try_patch(self) -> int:
        """As `patch`; what cannot be painted is logged, and does not end the painting of what can."""
        try:
            return self.patch()
        except Exception:
            _logger.exception("the panel could not be painted")
            return BYTES_PER_SECOND  # once a second, not ten times

    def patch(self) -> int:
        """Send what changed; return its size in bytes, 0 when nothing did."""
        base = self._view.version
        changes = self._view.changes()
        if not changes:
            return 0
        message = {
            "kind": "patch",
            "base": base,
            "version": self._view.version,
            "now": self._millis(),
            "changes": changes,
        }
        self._send(message)
        return len(msgspec.json.encode(changes))

    def show(self, view: View) -> None:
        """Show another view from here on."""
        view.changes()
        self._view = view
        self._send_whole()

    def snapshot(self) -> None:
        """Send the whole picture."""
        self.patch()
        self._send_whole()

    def _send_whole(self) -> None:
        self._send(
            {"kind": "snapshot", "version": self._view.version, "now": self._millis(), "picture": self._view.snapshot()}
        )

    def save(self) -> None:
        """Store the durable picture, unless it is stored already."""
        if self._saved_version != self._view.version:
            self._saved_version = self._view.version
            self._save({"version": self._view.version, "now": self._millis(), "picture": self._view.durable()})

    def heartbeat(self) -> None:
        """Send the newest version, so that a lost last patch is noticed."""
        self._send(
            {"kind": "heartbeat", "version": self._view.version, "now": self._millis(), "subshell": self._is_bound()}
        )

    def _millis(self) -> int:
        return self._now() // 1000
