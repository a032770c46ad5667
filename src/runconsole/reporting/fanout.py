"""`Fanout`: new events to all viewers that have everything so far, each frame encoded once, one write a viewer.

A viewer that does not take its frames at once leaves the fan-out, and gets the rest at its own pace.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from websockets.frames import Frame, Opcode

from runconsole.reporting.conversation import batches
from runconsole.reporting.journal import GATHER_S, Journal

__all__ = ["Fanout", "Follower"]

_logger = logging.getLogger("runconsole")
_TURN_S = 0.004
"""Seconds after which others on the event loop have their turn."""
_EVERY = 16
"""Viewers between two looks at the clock."""


class Follower:
    """A viewer, in the fan-out or on its own.

    Args:
        write: writes bytes without waiting; returns False where that is not possible now.

    Attributes:
        position: the number of events that it has got.
    """

    def __init__(self, write: Callable[[bytes], bool]) -> None:
        self.write = write
        self.position = 0
        self._left: asyncio.Future[bool] | None = None

    async def stay(self) -> bool:
        """Return when the viewer has left; False where nothing follows."""
        self._left = asyncio.get_running_loop().create_future()
        return await self._left

    def leave(self, *, goes_on: bool) -> None:
        """Leave the fan-out: the viewer goes on by itself, or has all there will be."""
        if self._left is not None and not self._left.done():
            self._left.set_result(goes_on)

    @property
    def has_left(self) -> bool:
        """True if the viewer is on its own."""
        return self._left is None or self._left.done()


class Fanout:
    """Writes the events of a journal to followers. All methods are called on one event loop."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._followers: set[Follower] = set()
        self._work: asyncio.Task[None] | None = None

    async def follow(self, follower: Follower) -> bool:
        """Let a viewer that has all events so far follow, until it lags; return False where nothing follows."""
        self._followers.add(follower)
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._run(follower.position), name="runconsole-fanout")
            self._work.add_done_callback(self._ended)
        try:
            return await follower.stay()
        finally:
            self._followers.discard(follower)

    def close(self) -> None:
        """End."""
        if self._work is not None:
            self._work.cancel()

    def _ended(self, work: asyncio.Task[None]) -> None:
        """Let the viewers go on by themselves, whatever has ended the work."""
        if not work.cancelled() and (error := work.exception()) is not None:
            _logger.error("the viewers of a run get its events one by one", exc_info=error)
        for follower in self._followers:
            follower.leave(goes_on=True)

    async def _run(self, position: int) -> None:
        """Write what comes from a position on, as long as there are followers."""
        newest = -GATHER_S
        while self._followers:
            if not await self._journal.grown(position):
                for follower in self._followers:
                    follower.leave(goes_on=False)
                return
            await asyncio.sleep(newest + GATHER_S - time.monotonic())  # not the first event after a pause
            newest = time.monotonic()
            events = self._journal.read(position)
            frames = b"".join(_framed(frame) for frame in batches(events))
            await self._write(position, position + len(events), frames)
            position += len(events)
            self._journal.seal()

    async def _write(self, start: int, end: int, frames: bytes) -> None:
        until = time.perf_counter() + _TURN_S
        for number, follower in enumerate(list(self._followers)):
            if follower.has_left or follower.position >= end:
                continue
            if follower.position == start and follower.write(frames):
                follower.position = end
            else:
                follower.leave(goes_on=True)
            if number % _EVERY == 0 and time.perf_counter() > until:
                await asyncio.sleep(0)
                until = time.perf_counter() + _TURN_S


def _framed(text: str) -> bytes:
    """Return a text as a frame of a server without extensions."""
    return Frame(Opcode.TEXT, text.encode()).serialize(mask=False)
