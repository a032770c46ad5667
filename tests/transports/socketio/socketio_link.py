"""A plain loop around the Socket.IO transport and wire, for tests with real servers."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any, Self

import pytest

from runconsole.errors import LinkLost
from runconsole.events import Logged, Received
from runconsole.protocols.base import CaughtUp, Established, Repeated, Reply, Signal
from runconsole.protocols.socketio.wire import SocketIoWire
from runconsole.store.dedup import DUPLICATE, Dedup
from runconsole.transports.socketio.transport import SocketIoTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType

    from runconsole.transports.socketio.client import Client
    from tests.servers.socketio_server import SocketIoServer

PATIENCE = 60.0
PAUSE = 0.05
JOIN = ("join_execution", {"execution_id": "e1"})
ROOM = "execution_e1"
TOKEN = "s3cret-t0ken"


class Follower:
    """Connects, and again when the link is lost, until that cannot help. Keeps all signals.

    Attributes:
        lost: the end of each connection.
        events: the events of the run, each once.
    """

    def __init__(self, transport: SocketIoTransport, wire: SocketIoWire) -> None:
        self.transport = transport
        self.wire = wire
        self.frames: list[str] = []
        self.signals: list[Signal] = []
        self.events: list[Received] = []
        self.lost: list[LinkLost] = []
        self.connection: Client | None = None
        self._news = asyncio.Event()
        self._dedup = Dedup()
        self._is_known = False

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._follow(), name="follower")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _follow(self) -> None:
        while not (self.lost and self.lost[-1].fatal):
            try:
                await self._attempt()
            except LinkLost as lost:
                self.lost.append(lost)
            self.connection = None
            self._news.set()
            await asyncio.sleep(PAUSE)

    async def _attempt(self) -> None:
        async with self.transport.connect() as self.connection:
            self._is_known = False
            await self.send(*self.wire.open())
            while True:
                for frame in await self.connection.receive():
                    self.frames.append(frame)
                    signals = list(self._judged(self.wire.receive(frame, time.time_ns() // 1000)))
                    self.signals += signals
                    self.events += [
                        it for it in signals if isinstance(it, Received) and not isinstance(it.fact, Logged)
                    ]
                self._news.set()

    def _judged(self, signals: Sequence[Signal]) -> Iterator[Signal]:
        """Yield the signals, with a replay's repetitions as repeats, as a session judges them."""
        for signal in signals:
            if isinstance(signal, Established) or (isinstance(signal, Received) and not self._is_known):
                self._is_known = True
                self._dedup.connected(0, replays=self.wire.replays)
            if isinstance(signal, CaughtUp) and self._is_known:
                self._dedup.caught_up(signal.left)
            is_repeat = isinstance(signal, Received) and self._dedup.admit(signal) is DUPLICATE
            yield Repeated(signal) if is_repeat else signal  # type: ignore[arg-type]  # an event, then

    async def send(self, *frames: str) -> None:
        assert self.connection is not None
        for frame in frames:
            await self.connection.send(frame)

    async def until(self, condition: Callable[[], Any]) -> None:
        """Wait for the condition, checked after each frame and each lost link."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._news.clear()
                await self._news.wait()

    @property
    def repeated(self) -> int:
        return sum(isinstance(signal, Repeated) for signal in self.signals)

    @property
    def replies(self) -> list[Reply]:
        return [signal for signal in self.signals if isinstance(signal, Reply)]

    async def joined(self, times: int = 1) -> Self:
        """Wait until that many joins and requests to catch up have been acknowledged."""
        await self.until(lambda: min(self._acknowledged("join"), self._acknowledged("catch-up")) >= times)
        return self

    def _acknowledged(self, what: str) -> int:
        return sum(frame.startswith(f'["ack","{what}') for frame in self.frames)


def follow(server: SocketIoServer, *joins: tuple[str, Any], **options: Any) -> Follower:
    return Follower(SocketIoTransport(server.url, **options), SocketIoWire(joins or (JOIN,)))


def update(number: int, **fields: Any) -> tuple[str, dict[str, Any]]:
    data = {"task_id": f"t{number}", "status": "completed", **fields}
    return "progress_update", {
        "type": "progress_update",
        "timestamp": f"2026-01-01T00:00:00.{number:06}Z",
        "data": data,
    }


def tokens(number: int) -> tuple[str, dict[str, Any]]:
    return "discovery_tokens_progress", {"session_id": "s1", "tokens_received": number}


def numbers(follower: Follower) -> list[int]:
    """Return the numbers of the received events, in order."""
    payloads = [json.loads(event.payload) for event in follower.events]
    return [int(it["task_id"][1:]) if "task_id" in it else it["tokens_received"] for it in payloads]


async def drain(connection: Client) -> None:
    while True:
        await connection.receive()


async def refused(transport: SocketIoTransport) -> LinkLost:
    with pytest.raises(LinkLost) as lost:
        async with transport.connect():
            pass
    return lost.value


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - it is the server's thread that makes it hold
            await asyncio.sleep(0.01)
