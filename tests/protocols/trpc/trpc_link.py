"""A plain WebSocket loop around the tRPC wire, for tests with real servers."""

from __future__ import annotations

import asyncio
import itertools
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self, TypeVar

import websockets

from runconsole.events import Received
from runconsole.protocols.base import Established, Reply, Request, Send, Signal
from tests.support.decisions import requested

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType

    from runconsole.protocols.trpc.wire import TrpcWire

S = TypeVar("S", bound=Signal)
PATIENCE = 60.0
numbers = itertools.count(1)


class Link:
    """A plain WebSocket loop around a wire, and all signals of the wire."""

    def __init__(self, wire: TrpcWire, url: str, **options: Any) -> None:
        self.wire = wire
        self.signals: list[Signal] = []
        self.through: Callable[[list[Signal]], list[Signal]] = list
        self.applied: list[Signal] = []
        self._connect = websockets.connect(url, proxy=None, close_timeout=1, **options)
        self._news = asyncio.Event()
        self.closed = False

    async def __aenter__(self) -> Self:
        self._socket = await self._connect
        self._reader = asyncio.create_task(self._read())
        with suppress(websockets.ConnectionClosed):  # a server may refuse us first; what it says is read all the same
            await self.send(*self.wire.open())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._socket.close()
        await self._reader

    async def _read(self) -> None:
        with suppress(websockets.ConnectionClosed):
            while True:
                signals = self.wire.receive(await self._socket.recv(), time.time_ns() // 1000)
                self.signals += signals
                self.applied += self.through(signals)
                for signal in signals:
                    if isinstance(signal, Send):
                        await self._socket.send(signal.frame)
                self._news.set()
        self.closed = True
        self._news.set()

    async def send(self, *frames: str) -> None:
        for frame in frames:
            await self._socket.send(frame)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for a condition, checked after each frame."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._news.clear()
                await self._news.wait()

    def every(self, kind: type[S]) -> list[S]:
        return [signal for signal in self.signals if isinstance(signal, kind)]

    async def first(self, kind: type[S]) -> S:
        await self.until(lambda: self.every(kind))
        return self.every(kind)[0]

    async def live(self) -> Self:
        await self.first(Established)
        return self

    async def events(self, count: int) -> list[Received]:
        await self.until(lambda: len(self.every(Received)) >= count)
        return self.every(Received)

    async def call(self, request: Request) -> Reply:
        outgoing = self.wire.call(request)
        return await self._reply(outgoing.request_id, outgoing.frame)

    async def decide(self, checkpoint_id: str, option: str = "approve", **fields: Any) -> Reply:
        decision = requested(0, f"decision-{next(numbers)}", checkpoint_id, option, **fields)
        outgoing = self.wire.decide(decision, None)
        return await self._reply(outgoing.request_id, outgoing.frame)

    async def _reply(self, request_id: str, frame: str) -> Reply:
        await self.send(frame)
        await self.until(lambda: any(reply.request_id == request_id for reply in self.every(Reply)))
        return next(reply for reply in self.every(Reply) if reply.request_id == request_id)


def event(task_id: str, number: int) -> dict[str, Any]:
    payload = {"taskId": task_id, "progress": number, "currentStep": f"krok {number} 🐴"}
    return {"type": "task.progress", "payload": payload, "timestamp": "2025-01-15T10:30:00.000Z"}


def question(task_id: str, checkpoint_id: str) -> dict[str, Any]:
    payload = {"taskId": task_id, "checkpointId": checkpoint_id, "title": "Go on?", "options": ["approve", "reject"]}
    return {"type": "task.hitl_required", "payload": payload, "timestamp": "2025-01-15T10:30:00.000Z"}


def steps(events: Iterable[Received]) -> list[int]:
    return [getattr(event.fact, "progress", -1) for event in events]


def without_seen_offsets(signals: list[Signal]) -> Iterator[Received]:
    """Give the events that a session would take: each offset once."""
    seen: set[str] = set()
    for signal in signals:
        if isinstance(signal, Received) and (signal.offset is None or signal.offset not in seen):
            yield signal
            seen.add(signal.offset or "")
