"""Runs on WebSockets, on `websockets`: the plain-JSON and the tRPC wire of the simulator."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol, cast
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from runconsole.simulator.injector import Gate, Gone, Passage

if TYPE_CHECKING:
    import socket

    from websockets.http11 import Request, Response

    from runconsole.simulator.player import Player
    from runconsole.simulator.service import Frame

__all__ = ["Handshake", "Received", "Talk", "WebSocketDoor", "token_in"]

_AUTH_WITHIN_S = 5.0
_REORDER_WITHIN_S = 0.05
"""Events held to be reordered leave after this silence, however few they are."""
_HANDSHAKE_WITHIN_S = 10.0
_LOOK_S = 0.02


@dataclass(frozen=True, slots=True)
class Received:
    """A frame a client sent: when (UTC), by which client (numbered from 1), and its text."""

    at: datetime
    client: int
    text: str


@dataclass(frozen=True, slots=True)
class Handshake:
    """What a client showed when it connected."""

    token: str | None
    has_params: bool
    """Whether the address says that tRPC's connection parameters come first."""


class Talk(Protocol):
    """One client's conversation in some protocol, without I/O."""

    closing: tuple[int, str] | None
    admitted: bool
    stray: str
    """The refusal of a request that another client made."""

    def receive(self, frame: str | bytes) -> None:
        """Read one frame."""

    def next_frame(self) -> Frame | None:
        """Return the next frame to send; None while there is none."""

    def reject(self) -> None:
        """Give up on a client that has not shown the token in time."""

    def finish(self, *, close: bool) -> None:
        """Note that the run is over and everything has been sent."""

    def ask_reconnect(self) -> None:
        """Ask the client to connect anew, if the protocol can."""


class _Client:
    """One client's socket, as the gate needs it."""

    def __init__(self, connection: ServerConnection, talk: Talk) -> None:
        self._connection = connection
        self._talk = talk
        self.woken = asyncio.Event()

    async def write(self, frame: Frame) -> None:
        await self.write_raw(frame.text)

    async def write_raw(self, text: str) -> None:
        try:
            await self._connection.send(text)
        except ConnectionClosed:
            raise Gone from None

    async def write_stray(self) -> None:
        await self.write_raw(self._talk.stray)

    def ask_reconnect(self) -> None:
        self._talk.ask_reconnect()
        self.woken.set()

    def cut(self) -> None:
        self._connection.transport.abort()

    async def close(self, code: int) -> None:
        await self._connection.close(code)

    def listen(self, *, on: bool) -> None:
        transport = self._connection.transport
        if transport.is_closing():
            return
        if on:
            transport.resume_reading()
        else:
            transport.pause_reading()


class _Accepted(ServerConnection):
    """A connection that its door knows before the handshake, which `Server.connections` begins with."""

    def __init__(self, *args: Any, accepted: set[_Accepted], **options: Any) -> None:
        super().__init__(*args, **options)
        self._accepted = accepted

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._accepted.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._accepted.discard(self)
        super().connection_lost(exc)


class WebSocketDoor:
    """Lets clients in to a run.

    Args:
        path: where the run is served; the root path is the same.
        talk: begins a conversation.
        player: the run.
        gate: what lies in between.
        received: gets every frame that comes.
        on_admitted: called for every client that may see the run.
        close_when_done: end every conversation when the run is over.
    """

    def __init__(
        self,
        path: str,
        talk: Callable[[Handshake], Talk],
        *,
        player: Player,
        gate: Gate,
        received: list[Received],
        on_admitted: Callable[[], None],
        close_when_done: bool,
    ) -> None:
        self._path = path
        self._talk = talk
        self._player = player
        self._gate = gate
        self._received = received
        self._on_admitted = on_admitted
        self._close_when_done = close_when_done
        self._clients: set[_Client] = set()
        self._accepted: set[_Accepted] = set()
        self._server: Server | None = None

    # ---- life -------------------------------------------------------------------------------------------------------

    async def open(self, listener: socket.socket) -> None:
        """Serve on this socket."""
        self._server = await serve(
            self._welcome,
            sock=listener,
            create_connection=cast("type[ServerConnection]", partial(_Accepted, accepted=self._accepted)),
            process_request=self._look,
            compression=None,
            open_timeout=_HANDSHAKE_WITHIN_S,
            close_timeout=1,
            ping_interval=None,
            write_limit=0,
        )

    async def close(self) -> None:
        """Say goodbye to every client and end."""
        server, self._server = self._server, None
        if server is not None:
            for client in self._clients:
                client.listen(on=True)  # else a half-open one would keep us waiting for its goodbye
            server.close()
            await self._closed(server)

    async def crash(self) -> None:
        """End at once, without a word to anybody."""
        server, self._server = self._server, None
        if server is not None:
            for connection in list(self._accepted):
                connection.transport.abort()
            server.close()
            await self._closed(server)

    async def _closed(self, server: Server) -> None:
        """Wait until the server has ended, but for nobody who has connected and said nothing."""
        closed = asyncio.ensure_future(server.wait_closed())
        while not closed.done():
            for connection in list(self._accepted):
                if connection.request is None:
                    connection.transport.abort()
            await asyncio.wait({closed}, timeout=_LOOK_S)

    def wake(self) -> None:
        """Let every conversation look whether it has something to send."""
        for client in self._clients:
            client.woken.set()

    # ---- one client -------------------------------------------------------------------------------------------------

    def _look(self, connection: ServerConnection, request: Request) -> Response | None:
        """Refuse other paths, so that a mistyped address fails where it was mistyped; refuse what a fault says."""
        if urlsplit(request.path).path not in {"/", self._path}:
            return connection.respond(HTTPStatus.NOT_FOUND, f"The run is served at {self._path}.\n")
        status = self._gate.refuses()
        return None if status is None else connection.respond(HTTPStatus(status), "Not now.\n")

    async def _welcome(self, connection: ServerConnection) -> None:
        talk = self._talk(_handshake(connection.request))
        client = _Client(connection, talk)
        passage = self._gate.enter(client)
        self._clients.add(client)
        writer = asyncio.create_task(self._write(connection, client, talk, passage), name="runconsole-simulator-write")
        try:
            async for frame in connection:
                text = frame if isinstance(frame, str) else frame.decode(errors="replace")
                self._received.append(Received(datetime.now(UTC), passage.number, text))
                talk.receive(frame)
                client.woken.set()
        except ConnectionClosed:
            pass  # clients may vanish
        finally:
            self._clients.discard(client)
            self._gate.leave(passage)
            writer.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionClosed, Gone):
                await writer

    async def _write(self, connection: ServerConnection, client: _Client, talk: Talk, passage: Passage) -> None:
        """Send what there is, as it comes; close when the conversation says so."""
        if not await self._admit(client, talk, passage):
            await connection.close(*(talk.closing or (1000, "")))
            return
        self._on_admitted()
        while talk.closing is None:
            client.woken.clear()
            await _flush(talk, passage)
            if self._player.finished:
                talk.finish(close=self._close_when_done)
                await _flush(talk, passage)
            if talk.closing is None:
                await _news(client, passage)
        await connection.close(*talk.closing)

    async def _admit(self, client: _Client, talk: Talk, passage: Passage) -> bool:
        """Return whether the client has shown the token, in time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_AUTH_WITHIN_S):
                while not talk.admitted and talk.closing is None:
                    await _flush(talk, passage)
                    await client.woken.wait()
                    client.woken.clear()
        talk.reject()
        if not talk.admitted:
            await _flush(talk, passage)
        return talk.admitted


async def _flush(talk: Talk, passage: Passage) -> None:
    while (frame := talk.next_frame()) is not None:
        await passage.send(frame)
    await passage.catch_up()


async def _news(client: _Client, passage: Passage) -> None:
    """Wait until there may be something to send."""
    if not passage.holds:
        await client.woken.wait()
        return
    try:
        async with asyncio.timeout(_REORDER_WITHIN_S):
            await client.woken.wait()
    except TimeoutError:
        await passage.settle()


def _handshake(request: Request | None) -> Handshake:
    """Return the token of the handshake, from the query or the Authorization header, and what the query announces."""
    if request is None:
        return Handshake(None, has_params=False)
    query = urlsplit(request.path).query
    token = token_in(query, request.headers.get("Authorization"))
    return Handshake(token, has_params=parse_qs(query).get("connectionParams") == ["1"])


def token_in(query: str, authorization: str | None) -> str | None:
    """Return the token of a handshake: from the query, else the Authorization header."""
    scheme, _, bearer = (authorization or "").partition(" ")
    in_header = bearer if scheme.lower() == "bearer" and bearer else None
    return next(iter(parse_qs(query).get("token", ())), in_header)
