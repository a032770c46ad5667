"""The exchange with one viewer, over whatever carries frames of text."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from runconsole.reporting.conversation import ViewerConversation, batches
from runconsole.reporting.fanout import Fanout, Follower
from runconsole.reporting.journal import GATHER_S, Journal

__all__ = ["JournalView"]

_AUTH_WITHIN_S = 10.0
_REPLY_WITHIN_S = 2.0
"""Seconds in which a viewer gets the replies to its answers when the events have ended."""


class JournalView:
    """One viewer: gets every event from the first on, and replies to its messages.

    Args:
        journal: the events.
        conversation: what its messages mean.
        send: sends a frame; it may wait for a slow viewer, and nobody else does.
        fanout: sends events to viewers that have all so far; None for a viewer that gets them by `send` alone.
        write: writes bytes to the viewer without waiting, for the fan-out; returns False where that is not possible.
    """

    def __init__(
        self,
        journal: Journal,
        conversation: ViewerConversation,
        send: Callable[[str], Awaitable[None]],
        fanout: Fanout | None = None,
        write: Callable[[bytes], bool] = lambda _: False,
    ) -> None:
        self._journal = journal
        self._fanout = fanout
        self._follower = Follower(write)
        self._conversation = conversation
        self._send = send
        self._admitted = asyncio.Event()
        self._owed: set[asyncio.Task[None]] = set()
        """Replies that come later."""

    @property
    def is_behind(self) -> bool:
        """True if the viewer may see the run and has not got all events so far."""
        return self._conversation.admitted and self._follower.position < len(self._journal)

    async def run(self, frames: AsyncIterator[str | bytes]) -> None:
        """Exchange until the viewer has gone, is denied, or has got the last event there will be."""
        writing = asyncio.create_task(self._write(), name="runconsole-view")
        reading = asyncio.create_task(self._read(frames), name="runconsole-view-read")
        try:
            await asyncio.wait({writing, reading}, return_when=asyncio.FIRST_COMPLETED)
            if self._owed and not reading.done():
                await asyncio.wait(self._owed, timeout=_REPLY_WITHIN_S)
        finally:
            tasks = (writing, reading, *self._owed)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self, frames: AsyncIterator[str | bytes]) -> None:
        async for frame in frames:
            for reply in self._conversation.receive(frame):
                if isinstance(reply, str):
                    await self._send(reply)
                else:
                    self._owe(reply)
            if self._conversation.admitted:
                self._admitted.set()
            if self._conversation.is_denied:
                return

    def _owe(self, reply: Awaitable[str | None]) -> None:
        task = asyncio.create_task(self._send_later(reply), name="runconsole-view-reply")
        self._owed.add(task)
        task.add_done_callback(self._owed.discard)

    async def _send_later(self, reply: Awaitable[str | None]) -> None:
        text = await reply
        if text is not None:
            await self._send(text)

    async def _write(self) -> None:
        if not self._conversation.admitted:
            async with asyncio.timeout(_AUTH_WITHIN_S):
                await self._admitted.wait()
        follower = self._follower
        with self._journal.reading():
            while True:
                events = self._journal.read(follower.position)
                for frame in batches(events):
                    await self._send(frame)
                follower.position += len(events)
                if events:
                    self._journal.seal()
                elif not await self._news():
                    return

    async def _news(self) -> bool:
        """Return when there are events that the viewer has not; False where none follow."""
        if self._fanout is not None:
            return await self._fanout.follow(self._follower)
        if not await self._journal.grown(self._follower.position):
            return False
        await asyncio.sleep(GATHER_S)
        return True
