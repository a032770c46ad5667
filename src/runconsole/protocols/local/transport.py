"""Connections to a `Source`: its events come in, answers and commands go out, on the I/O thread without a socket."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from runconsole.errors import DecisionExpired, LinkLost
from runconsole.protocols.local.source import Source
from runconsole.protocols.local.wire import Called, event_frame, read_call, reply_frame

__all__ = ["SourceTransport"]

_AHEAD = 256
"""The most frames that a source may be ahead of the console."""


class SourceTransport:
    """Makes connections to a source. Two of one source are equal."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SourceTransport) and other.source is self.source

    def __hash__(self) -> int:
        return id(self.source)

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[_SourceConnection]:
        """Begin to read the events of the source."""
        connection = _SourceConnection(self.source)
        try:
            yield connection
        finally:
            await connection.close()


class _SourceConnection:
    """One reading of a source's events."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._frames: asyncio.Queue[str | LinkLost] = asyncio.Queue(_AHEAD)
        self._end: LinkLost | None = None
        self._reading = asyncio.create_task(self._read(), name="runconsole-source")
        self._calls: set[asyncio.Task[None]] = set()

    async def receive(self) -> list[str]:
        """Return the waiting frames, or the next one. Raises LinkLost at the end of the events."""
        if self._end is not None:
            raise self._end
        frame = await self._frames.get()
        frames: list[str] = []
        while isinstance(frame, str):
            frames.append(frame)
            if self._frames.empty():
                return frames
            frame = self._frames.get_nowait()
        self._end = frame
        if not frames:
            raise frame
        return frames

    async def send(self, frame: str) -> None:
        """Call the source in the background; its reply is a frame."""
        call = asyncio.create_task(self._answer(read_call(frame)), name="runconsole-source-call")
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)

    async def close(self) -> None:
        """Stop reading, and cancel calls that have not returned."""
        tasks = {self._reading, *self._calls}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self) -> None:
        title = self._source.title
        events = None
        try:
            events = self._source.events()
            async for event in _asynchronous(events):
                await self._frames.put(event_frame(event))
            end = LinkLost(f"the events of {title} ended before the run did", fatal=True, orderly=True)
        except Exception as error:  # noqa: BLE001 - a user's function: its words are reported
            end = LinkLost(f"{title} failed ({type(error).__name__}: {error})", fatal=True)
        finally:
            close = getattr(events, "aclose", None)
            if close is not None:
                with suppress(Exception):
                    await close()
        await self._frames.put(end)

    async def _answer(self, called: Called) -> None:
        try:
            reply = reply_frame(called.id, await self._call(called))
        except DecisionExpired as error:
            reply = reply_frame(called.id, error=str(error), code="EXPIRED")
        except Exception as error:  # noqa: BLE001 - a user's function: its words are the refusal
            reply = reply_frame(called.id, error=str(error) or type(error).__name__)
        await self._frames.put(reply)

    async def _call(self, called: Called) -> Any:
        if called.answer is not None:
            return await self._source.decide(called.checkpoint_id, called.answer)
        return await self._source.command(called.verb, called.task_id, **called.details)


def _asynchronous(events: Any) -> AsyncIterator[Any]:
    """Return the events. Raises TypeError for the result of an ordinary function or of a coroutine."""
    if inspect.iscoroutine(events):
        events.close()
        raise TypeError("expected `events` to be an async generator, got a coroutine: it has no yield")
    if not hasattr(events, "__aiter__"):
        raise TypeError(f"expected `events` to be an async generator (async def, yield), got a {type(events).__name__}")
    found: AsyncIterator[Any] = events
    return found
