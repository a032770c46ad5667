"""The events of a run to the clients of an application's Socket.IO server: each in order, each at its own pace.

The server queues without a limit what a client does not read, so a client is sent more only when its queue is short;
the rest waits in the journal. All methods are called on the server's event loop, unless they say otherwise.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec

from runconsole.reporting.journal import Journal

__all__ = ["MAIN", "RoomFeed", "loop_of"]

MAIN = "/"
"""The main namespace."""
_MOST_EVENTS, _MOST_CHARACTERS = 200, 250_000
"""Of one slice to a client."""
_LONG_QUEUE = 50
"""Packets in a client's queue; it is sent no more until they are fewer."""
_SOON_S, _LOOK_S = 0.001, 0.02
"""The shortest and longest pause before the next look at a client that is behind."""
_GATHER_S = 0.01
_ASKS_WITHIN_S = 0.5
"""Seconds in which a new client asks for the past; until then it gets no new events, so that they come in order."""
_GRACE_S = 5.0
"""Seconds in which clients get the last events at the end."""

_logger = logging.getLogger("runconsole")


@dataclass(slots=True, eq=False)
class _Reader:
    """A client: the position of its next event, and its requests for the past that are not yet fulfilled."""

    position: int
    begins_at: float
    requests: list[tuple[int, asyncio.Future[bool]]] = field(default_factory=list)

    def fulfil(self) -> None:
        """Fulfil the requests that have been served."""
        for end, request in self.requests:
            if end <= self.position and not request.done():
                request.set_result(True)
        self.requests = [(end, request) for end, request in self.requests if not request.done()]


class RoomFeed:
    """Emits the events of a run to the clients in a room, from their arrival on; to those that ask, the past as well.

    Args:
        sio: the `socketio.AsyncServer`.
        room: the room; None for every client.
        journal: the events.
        wants: returns whether a client in the room wants this run.
        on_look: called before each look at the clients.
    """

    def __init__(
        self, sio: Any, room: str | None, journal: Journal, wants: Callable[[str], bool], on_look: Callable[[], None]
    ) -> None:
        self.room = room
        self._sio = sio
        self._journal = journal
        self._wants = wants
        self._on_look = on_look
        self._readers: dict[str, _Reader] = {}
        self._front: int | None = None
        """The number of events at the last look: a client first seen at the next one gets those that follow."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._work: asyncio.Task[None] | None = None
        self._woken = asyncio.Event()
        self.is_over = False
        """True if nothing more is to be emitted."""

    def has(self, sid: str) -> bool:
        """Return whether this client gets the run."""
        return sid in self._readers

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The event loop that this works on, if it still runs. Any thread may ask."""
        return self._loop if self._loop is not None and self._loop.is_running() else None

    # ---- life -------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin on the running event loop; do nothing if that has been done, or all is over."""
        loop = asyncio.get_running_loop()
        if self.is_over or (self._work is not None and self._loop is loop and not self._work.done()):
            return
        earlier, former = self._work, self.loop
        if earlier is not None and former is not None and former is not loop:
            former.call_soon_threadsafe(earlier.cancel)
        self._loop = loop
        self._readers = {}
        self._woken = asyncio.Event()
        if self._front is None:  # those who are there already get all of the run
            self._front = 0 if any(self._members()) else len(self._journal)
        self._work = loop.create_task(self._run(), name="runconsole-socketio")
        self._work.add_done_callback(self._ended)

    async def close(self) -> None:
        """End when every client has all events so far, or after some seconds."""
        end = len(self._journal)
        if self._work is not None and not self._work.done():
            self._look()
        with suppress(TimeoutError):
            async with asyncio.timeout(_GRACE_S):
                while any(reader.position < end or self._queued(sid) for sid, reader in self._readers.items()):
                    self._woken.set()
                    await asyncio.sleep(_LOOK_S)
        self.is_over = True
        if self._work is not None:
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)

    def _ended(self, work: asyncio.Task[None]) -> None:
        error = None if work.cancelled() else work.exception()
        if error is not None:
            _logger.error("the events of a run are emitted on its Socket.IO server no longer", exc_info=error)
        if work is self._work:
            for sid in list(self._readers):
                self._forget(sid)

    # ---- clients ----------------------------------------------------------------------------------------------------

    async def catch_up(self, sid: str) -> bool:
        """Send a client everything from the first event on; return True when it has all events so far."""
        if self.is_over:
            return False
        self.start()
        reader = self._readers.get(sid)
        if reader is None:
            reader = self._readers[sid] = _Reader(0, 0.0)
        reader.position, reader.begins_at = 0, 0.0
        request: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        reader.requests.append((len(self._journal), request))
        self._woken.set()
        return await request

    def _members(self) -> Iterator[str]:
        """Yield the clients that are to get the run."""
        manager = self._sio.manager
        for sid, _ in manager.get_participants(MAIN, self.room):
            if manager.is_connected(sid, MAIN) and self._wants(sid):  # not while the application still examines it
                yield sid

    def _look(self) -> None:
        """Note the clients that came and went."""
        self._on_look()
        members = set(self._members())
        for sid, reader in list(self._readers.items()):
            asks = bool(reader.requests) and self._sio.manager.is_connected(sid, MAIN)
            if sid not in members and not asks:
                self._forget(sid)
        now = asyncio.get_running_loop().time()
        for sid in members - self._readers.keys():
            self._readers[sid] = _Reader(self._front or 0, now + _ASKS_WITHIN_S)
        self._front = len(self._journal)

    def _forget(self, sid: str) -> None:
        for _, request in self._readers.pop(sid).requests:
            if not request.done():
                request.set_result(False)

    def _queued(self, sid: str) -> int:
        """Return the number of packets that the server has not yet written to a client."""
        socket = self._sio.eio.sockets.get(self._sio.manager.eio_sid_from_sid(sid, MAIN))
        queued: int = 0 if socket is None else socket.queue.qsize()
        return queued

    # ---- events -----------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        watching = asyncio.create_task(self._watch(), name="runconsole-socketio-watch")
        try:
            pause = _SOON_S
            while not self._is_astray():
                self._woken.clear()
                self._look()
                if await self._advance():
                    pause = _SOON_S
                else:
                    await self._news(pause)
                    pause = min(2 * pause, _LOOK_S)
        finally:
            watching.cancel()

    def _is_astray(self) -> bool:
        """Return whether the server works on another event loop than this; go on there."""
        if self._loop is not asyncio.get_running_loop():
            return True
        loop = loop_of(self._sio)
        if loop is None or loop is self._loop or not loop.is_running():
            return False
        loop.call_soon_threadsafe(self.start)
        return True

    async def _watch(self) -> None:
        """Wake for new events, at most a hundred times a second."""
        known = len(self._journal)
        while await self._journal.grown(known):
            known = len(self._journal)
            self._woken.set()
            await asyncio.sleep(_GATHER_S)

    async def _news(self, pause: float) -> None:
        """Wait for events or requests; only for a pause, while a client is behind."""
        is_behind = any(reader.position < len(self._journal) for reader in self._readers.values())
        with suppress(TimeoutError):
            async with asyncio.timeout(pause if is_behind else None):
                await self._woken.wait()

    async def _advance(self) -> bool:
        """Send the next events to each client that can take them; return False if there was none."""
        now, end = asyncio.get_running_loop().time(), len(self._journal)
        ready: dict[int, list[str]] = {}
        for sid, reader in self._readers.items():
            reader.fulfil()
            if reader.position < end and reader.begins_at <= now and self._queued(sid) < _LONG_QUEUE:
                ready.setdefault(reader.position, []).append(sid)
        for position, sids in ready.items():
            await self._send(position, sids)
        return bool(ready)

    async def _send(self, position: int, sids: list[str]) -> None:
        sent = 0
        for frame in _slice(self._journal.read(position)):
            event = msgspec.json.decode(frame)
            await self._sio.emit(event["type"], event, to=sids, ignore_queue=True)
            sent += 1
        for sid in sids:
            reader = self._readers.get(sid)
            if reader is not None and reader.position == position:  # else it has asked for the past meanwhile
                reader.position += sent
                reader.fulfil()


def _slice(frames: list[str]) -> Iterator[str]:
    size = 0
    for frame in frames[:_MOST_EVENTS]:
        yield frame
        size += len(frame)
        if size >= _MOST_CHARACTERS:
            return


def loop_of(sio: Any) -> asyncio.AbstractEventLoop | None:
    """Return the event loop on which a server works, if it has begun and says so."""
    work = getattr(sio.eio, "service_task_handle", None)
    return work.get_loop() if isinstance(work, asyncio.Task) else None
