"""Paints on a tick: the picture's changes as versioned patches, within ten messages and a byte budget a second."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from contextlib import suppress

import msgspec

from runconsole.events import Micros
from runconsole.view import DURABLE_BYTES, View
from runconsole.view.contract import Changes
from runconsole.widget.messages import Durable, FromKernel, Heartbeat, Patch, Snapshot
from runconsole.widget.replies import Budget

__all__ = ["Publisher"]

TICK = 1 / 9
"""Nine patches and the durable picture make ten messages; a heartbeat comes only in place of a patch."""
BYTES_PER_SECOND = 200_000 - DURABLE_BYTES
"""The budget of patches and answers: the rest is for the durable picture."""
TEXT_BYTES_PER_SECOND = 2_000_000
"""The budget of text that a person copies or stores; the page asks for each piece when it has the one before."""
SNAPSHOT_BYTES = 120_000
"""The size limit of a snapshot; patches bring the rest of a larger picture."""
CATCH_UP = TICK / 2
"""Seconds for which a patch waits for the newest output at most."""
READ_STEPS = 3
"""Turns of the event loop from a socket to the state: its bytes, its reader, and who waited for these."""
HEARTBEAT = 1.0
DURABLE = 1.0

_logger = logging.getLogger(__name__)


class Publisher:
    """Sends the changes of a view. Runs on the I/O thread.

    Args:
        view: the picture.
        send: sends one message to every browser view.
        save: stores the durable picture (a synced trait).
        now: returns this machine's time.
        is_bound: returns whether replies arrive while a cell runs (the widget's handshake).
        alert: shows one sentence about a failure to publish.
        budget: the byte budget, shared with the answers to the page.
        read_on: lets the link read at once what it has put off; returns whether there was anything of the kind.
    """

    def __init__(
        self,
        view: View,
        *,
        send: Callable[[FromKernel], None],
        save: Callable[[Durable], None],
        now: Callable[[], Micros],
        is_bound: Callable[[], bool],
        alert: Callable[[str], object] = _logger.error,
        budget: Budget | None = None,
        read_on: Callable[[], bool] = lambda: False,
    ) -> None:
        self._view = view
        view.is_paced = True
        self._send = send
        self._save = save
        self._now = now
        self._is_bound = is_bound
        self._alert = alert
        self._budget = budget or Budget(BYTES_PER_SECOND)
        self._read_on = read_on
        self._kept: View | None = None
        self._needs_whole = False  # True if the pages need a whole picture: of another view
        self._failed: set[str] = set()
        self._urgent = asyncio.Event()
        self._saved_version = self._kept_version = -1
        self._has_news = True  # since the durable picture was stored

    def hurry(self) -> None:
        """Paint at the next chance instead of the next tick."""
        self._urgent.set()

    async def run(self) -> None:
        """Publish until cancelled; the last picture is published by `flush`."""
        loop = asyncio.get_running_loop()
        self._urgent = asyncio.Event()  # of this loop: a restarted console may have another
        beat, saved = loop.time(), -math.inf
        while True:
            await self._read_newest()
            await self.catch_up(loop.time() + CATCH_UP)
            self._urgent.clear()
            (size, pause), now = self._try_patch(BYTES_PER_SECOND * TICK), loop.time()
            if self._has_news and now - saved >= DURABLE:
                saved = now
                self._try_save()
            if size:
                beat = now  # it has the version too
                self._budget.spend(size, now, TICK)
            elif now - beat >= HEARTBEAT:
                beat = now
                self.heartbeat()
            if pause:
                await asyncio.sleep(pause)
                # A snapshot for one page counts against the budget, too; urgent changes are small and do not wait.
                await self._wait(self._budget.delay(loop.time()))
            else:
                await self._wait(TICK)

    async def _read_newest(self) -> None:
        """Let the link read what it has put off, and the session fold it in: a paint then shows the newest."""
        if self._read_on():
            for _ in range(READ_STEPS):
                await asyncio.sleep(0)

    async def catch_up(self, until: float = math.inf) -> None:
        """Take in output that has come faster than it can be shown, or before, in steps with the loop's other work."""
        loop = asyncio.get_running_loop()
        while loop.time() < until and self._catches_up():  # noqa: ASYNC110 - this works, and waits for no event
            await asyncio.sleep(0)

    def _catches_up(self) -> bool:
        """Take in a part of the output; return whether more is left."""
        try:
            return self._view.catch_up()
        except Exception:  # noqa: BLE001 - the patch fails in the same way, and says so
            return False

    async def _wait(self, seconds: float) -> None:
        """Wait that long, or until something urgent happens; catch up meanwhile."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while not self._urgent.is_set() and loop.time() < end and self._catches_up():  # noqa: ASYNC110 - as above
            await asyncio.sleep(0)
        seconds = end - loop.time()
        if seconds <= 0:
            return
        # Not `wait_for`: in Python 3.11 it may swallow the cancellation that ends us.
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._urgent.wait()

    def flush(self) -> None:
        """Publish the remaining changes, and the durable picture."""
        with self._view.whole():
            self._try_patch()
            self._try_save()
        self.heartbeat()

    def _try_patch(self, limit: float = math.inf) -> tuple[int, float]:
        """Return the result of `patch`, and the seconds to wait after it; a failure is retried a second later."""
        try:
            size = self.patch(limit)
        except Exception as error:  # noqa: BLE001 - what cannot be painted does not end the painting of what can
            self._report(error, "the panel could not be painted")
            return 0, 1.0
        return size, max(TICK, size / BYTES_PER_SECOND) if size else 0.0

    def _try_save(self) -> None:
        try:
            self.save()
        except Exception as error:  # noqa: BLE001 - as above
            self._report(error, "the panel could not be stored for a reload and for the saved notebook")

    def _report(self, error: Exception, what: str) -> None:
        """Log each failure; show the first of each kind."""
        _logger.error("%s", what, exc_info=error)
        if what not in self._failed:
            self._failed.add(what)
            self._alert(f"{what} ({type(error).__name__}); the run goes on, and the tables hold it: please report this")

    def patch(self, limit: float = math.inf) -> int:
        """Send the changes, about `limit` bytes of them; return the size of the message, 0 for none."""
        if self._needs_whole:
            return self._send_whole()
        base = self._view.version
        changes = self._view.changes(limit)
        if not changes:
            return 0
        message: Patch = {
            "kind": "patch",
            "base": base,
            "version": self._view.version,
            "now": self._millis(),
            "changes": changes,
        }
        self._send(message)
        self._has_news = self._has_news or not _is_clock(changes)
        return len(msgspec.json.encode(message))

    def show(self, view: View, kept: View | None = None) -> None:
        """Show another view from here on: the next patch is a snapshot of it.

        `kept` is the view of the durable picture, where that is another.
        """
        self._view, self._kept = view, kept
        view.is_paced = True
        self._saved_version = -1
        self._has_news = self._needs_whole = True

    def snapshot(self) -> None:
        """Send the whole picture."""
        self.patch()
        self._send(self._snapshot())

    def whole(self, have: int) -> Snapshot | Heartbeat:
        """Return the picture for a page that has this version: a snapshot, or a heartbeat if it is the newest."""
        self.patch(BYTES_PER_SECOND * TICK)
        return self._beat() if have == self._view.version else self._snapshot()

    def _send_whole(self) -> int:
        self._view.changes(0)
        message = self._snapshot(to_all=True)
        self._needs_whole = False
        self._send(message)
        return len(msgspec.json.encode(message))

    def _snapshot(self, *, to_all: bool = False) -> Snapshot:
        picture = self._view.snapshot(SNAPSHOT_BYTES, to_all=to_all)
        return {"kind": "snapshot", "version": self._view.version, "now": self._millis(), "picture": picture}

    def keep(self) -> None:
        """Send the changes, and store the durable picture again: the one before may not have reached the file."""
        with self._view.whole():
            self._try_patch()
        if self._kept_version != self._view.version:
            self._saved_version = -1
            self._try_save()
            self._kept_version = self._saved_version

    def save(self) -> None:
        """Store the durable picture, unless it is stored already."""
        view = self._kept or self._view
        if view is self._kept:
            view.changes()
        if self._saved_version != view.version:
            self._save({"version": view.version, "now": self._millis(), "picture": view.durable()})
            self._saved_version = view.version
        self._has_news = self._kept is not None

    def heartbeat(self) -> None:
        """Send the newest version, to reveal the loss of a last patch."""
        self._send(self._beat())

    def _beat(self) -> Heartbeat:
        return {"kind": "heartbeat", "version": self._view.version, "now": self._millis(), "subshell": self._is_bound()}

    def _millis(self) -> int:
        return self._now() // 1000


def _is_clock(changes: Changes) -> bool:
    """Return whether only the position of a playing replay changed."""
    if changes.keys() != {"head"} or changes["head"].keys() != {"replay"}:
        return False
    replay = changes["head"]["replay"]
    return replay is not None and bool(replay["playing"])
