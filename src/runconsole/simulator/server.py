"""A run on a WebSocket: the plain-JSON wire of the simulator, on `websockets`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from runconsole.simulator.desk import Delivery, Desk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from websockets.http11 import Request, Response

    from runconsole.simulator.player import Player

__all__ = ["PATH", "Door", "Received", "send_frame"]

PATH = "/ws"
"""Where the run is served; the root path is the same."""

_AUTH_WITHIN_S = 5.0

Sender: TypeAlias = Callable[[ServerConnection, str], Awaitable[None]]
"""What lies between the run and one client's socket. Faults take its place."""


@dataclass(frozen=True, slots=True)
class Received:
    """A frame a client sent: when (UTC), by which client (numbered from 1), and its text."""

    at: datetime
    client: int
    text: str


async def send_frame(connection: ServerConnection, text: str) -> None:
    """Send a frame as it is."""
    await connection.send(text)


@dataclass(slots=True)
class Door:
    """Lets clients in to a run, and keeps count of them.

    `on_admitted` is called for every client that may see the run.
    """

    player: Player
    token: str | None
    replay: bool
    delivery: Delivery
    close_when_done: bool
    received: list[Received]
    on_admitted: Callable[[], None]
    sender: Sender = send_frame
    accepted: int = 0
    """Clients so far."""
    present: int = 0
    """Clients now."""

    @contextlib.asynccontextmanager
    async def open(self, host: str, port: int) -> AsyncIterator[int]:
        """Serve until the block ends; gives the port. Raises OSError when it cannot be had."""
        async with serve(
            self._welcome, host, port, process_request=_check_path, compression=None, close_timeout=1
        ) as server:
            yield next(iter(server.sockets)).getsockname()[1]

    async def _welcome(self, connection: ServerConnection) -> None:
        self.accepted += 1
        self.present += 1
        client = self.accepted
        desk = Desk(
            self.player,
            token=self.token,
            offered=_offered_token(connection.request),
            replay=self.replay,
            delivery=self.delivery,
        )
        woken = asyncio.Event()
        forget = self.player.listen(woken.set)
        writer = asyncio.create_task(self._write(connection, desk, woken))
        try:
            async for frame in connection:
                text = frame if isinstance(frame, str) else frame.decode(errors="replace")
                self.received.append(Received(datetime.now(UTC), client, text))
                desk.receive(frame)
                woken.set()
        except ConnectionClosed:
            pass  # clients may vanish
        finally:
            self.present -= 1
            forget()
            writer.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionClosed):
                await writer

    async def _write(self, connection: ServerConnection, desk: Desk, woken: asyncio.Event) -> None:
        """Send what the desk has, as it comes; close when it says so or the run is over."""
        if not await self._admit(connection, desk, woken):
            return
        self.on_admitted()
        while True:
            woken.clear()
            await self._flush(connection, desk)
            if self.player.finished and self.close_when_done:
                await connection.close(1000, "the run is over")
                return
            await woken.wait()

    async def _admit(self, connection: ServerConnection, desk: Desk, woken: asyncio.Event) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_AUTH_WITHIN_S):
                while not desk.admitted and desk.closing is None:
                    await self._flush(connection, desk)
                    await woken.wait()
                    woken.clear()
        desk.reject()
        if desk.closing is not None:
            await self._flush(connection, desk)
            await connection.close(*desk.closing)
        return desk.admitted

    async def _flush(self, connection: ServerConnection, desk: Desk) -> None:
        while (frame := desk.next_frame()) is not None:
            await self.sender(connection, frame)


def _check_path(connection: ServerConnection, request: Request) -> Response | None:
    """Refuse other paths, so that a mistyped address fails where it was mistyped."""
    if urlsplit(request.path).path in {"/", PATH}:
        return None
    return connection.respond(HTTPStatus.NOT_FOUND, f"The run is served at {PATH}.\n")


def _offered_token(request: Request | None) -> str | None:
    """Return the token of the handshake, from the query or the Authorization header."""
    if request is None:
        return None
    for token in parse_qs(urlsplit(request.path).query).get("token", ()):
        return token
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" and token else None
