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

from runconsole.listening import stop_accepting
from runconsole.simulator.injector import ClientLink, FaultInjector, Gone

if TYPE_CHECKING:
    import socket

    from websockets.http11 import Request, Response

    from runconsole.simulator.player import Player
    from runconsole.simulator.service import Frame

__all__ = ["Handshake", "Peer", "Received", "WebSocketAcceptor", "token_in"]

_AUTH_WITHIN_S = 5.0
_REORDER_WITHIN_S = 0.05
"""Events held to be reordered are sent after this silence, however few they are."""
_HANDSHAKE_WITHIN_S = 10.0
_LOOK_S = 0.02


@dataclass(frozen=True, slots=True)
class Received:
    """A frame that a client sent: its time (UTC), its client (numbered from 1), and its text."""

    at: datetime
    client: int
    text: str


@dataclass(frozen=True, slots=True)
class Handshake:
    """A client's credentials in the handshake."""

    token: str | None
    has_params: bool
    """True if the address announces tRPC's connection parameters."""


class Peer(Protocol):
    """The server's side of one client's conversation in some protocol, without I/O."""

    closing: tuple[int, str] | None
    admitted: bool
    stray: str
    """The refusal of another client's request."""

    def receive(self, frame: str | bytes) -> None:
        """Read one frame."""

    def next_frame(self) -> Frame | None:
        """Return the next frame to send; None while there is none."""

    def reject(self) -> None:
        """Refuse a client that has not sent the token in time."""

    def finish(self, *, close: bool) -> None:
        """Note that the run is over and all its events have been sent."""

    def ask_reconnect(self) -> None:
        """Ask the client to connect anew, if the protocol can."""


class _Client:
    """One client's socket, as the injector needs it."""

    def __init__(self, connection: ServerConnection, peer: Peer) -> None:
        self._connection = connection
        self._peer = peer
        self.woken = asyncio.Event()

    async def write(self, frame: Frame) -> None:
        await self.write_raw(frame.text)

    async def write_raw(self, text: str) -> None:
        try:
            await self._connection.send(text)
        except ConnectionClosed:
            raise Gone from None

    async def write_stray(self) -> None:
        await self.write_raw(self._peer.stray)

    def ask_reconnect(self) -> None:
        self._peer.ask_reconnect()
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
    """A connection that its acceptor knows before the handshake, from which on `Server.connections` has it."""

    def __init__(self, *args: Any, accepted: set[_Accepted], **options: Any) -> None:
        super().__init__(*args, **options)
        self._accepted = accepted

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._accepted.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._accepted.discard(self)
        super().connection_lost(exc)


class WebSocketAcceptor:
    """Accepts the clients of a run.

    Args:
        path: the path of the run; the root path is the same.
        peer: begins a conversation.
        player: the run.
        injector: the faults.
        received: gets every received frame.
        on_admitted: called for every client that may see the run.
        close_when_done: end every conversation when the run is over.
    """

    def __init__(
        self,
        path: str,
        peer: Callable[[Handshake], Peer],
        *,
        player: Player,
        injector: FaultInjector,
        received: list[Received],
        on_admitted: Callable[[], None],
        close_when_done: bool,
    ) -> None:
        self._path = path
        self._peer = peer
        self._player = player
        self._injector = injector
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
        """Close every client and end."""
        server, self._server = self._server, None
        if server is not None:
            for client in self._clients:
                client.listen(on=True)  # else the close would wait for a half-open one
            await stop_accepting(server)
            server.close()
            await self._closed(server)

    async def crash(self) -> None:
        """End at once, without a close."""
        server, self._server = self._server, None
        if server is not None:
            await stop_accepting(server)
            for connection in list(self._accepted):
                connection.transport.abort()
            server.close()
            await self._closed(server)

    async def _closed(self, server: Server) -> None:
        """Wait until the server has ended, but not for connections without a request."""
        closed = asyncio.ensure_future(server.wait_closed())
        while not closed.done():
            for connection in list(self._accepted):
                if connection.request is None:
                    connection.transport.abort()
            await asyncio.wait({closed}, timeout=_LOOK_S)

    def wake(self) -> None:
        """Let every conversation check for frames to send."""
        for client in self._clients:
            client.woken.set()

    # ---- one client -------------------------------------------------------------------------------------------------

    def _look(self, connection: ServerConnection, request: Request) -> Response | None:
        """Refuse other paths, so that a mistyped address fails there; refuse attempts that a fault refuses."""
        if urlsplit(request.path).path not in {"/", self._path}:
            return connection.respond(HTTPStatus.NOT_FOUND, f"The run is served at {self._path}.\n")
        status = self._injector.refuses()
        return None if status is None else connection.respond(HTTPStatus(status), "Not now.\n")

    async def _welcome(self, connection: ServerConnection) -> None:
        peer = self._peer(_handshake(connection.request))
        client = _Client(connection, peer)
        link = self._injector.enter(client)
        self._clients.add(client)
        writer = asyncio.create_task(self._write(connection, client, peer, link), name="runconsole-simulator-write")
        try:
            async for frame in connection:
                text = frame if isinstance(frame, str) else frame.decode(errors="replace")
                self._received.append(Received(datetime.now(UTC), link.number, text))
                peer.receive(frame)
                client.woken.set()
        except ConnectionClosed:
            pass  # clients may vanish
        finally:
            self._clients.discard(client)
            self._injector.leave(link)
            writer.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionClosed, Gone):
                await writer

    async def _write(self, connection: ServerConnection, client: _Client, peer: Peer, link: ClientLink) -> None:
        """Send frames as they come; close at the end of the conversation."""
        if not await self._admit(client, peer, link):
            await connection.close(*(peer.closing or (1000, "")))
            return
        self._on_admitted()
        while peer.closing is None:
            client.woken.clear()
            await _flush(peer, link)
            if self._player.finished:
                peer.finish(close=self._close_when_done)
                await _flush(peer, link)
            if peer.closing is None:
                await _news(client, link)
        await connection.close(*peer.closing)

    async def _admit(self, client: _Client, peer: Peer, link: ClientLink) -> bool:
        """Return whether the client has sent the token, in time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_AUTH_WITHIN_S):
                while not peer.admitted and peer.closing is None:
                    await _flush(peer, link)
                    await client.woken.wait()
                    client.woken.clear()
        peer.reject()
        if not peer.admitted:
            await _flush(peer, link)
        return peer.admitted


async def _flush(peer: Peer, link: ClientLink) -> None:
    while (frame := peer.next_frame()) is not None:
        await link.send(frame)
    await link.catch_up()


async def _news(client: _Client, link: ClientLink) -> None:
    """Wait until there may be something to send."""
    if not link.holds:
        await client.woken.wait()
        return
    try:
        async with asyncio.timeout(_REORDER_WITHIN_S):
            await client.woken.wait()
    except TimeoutError:
        await link.release_held()


def _handshake(request: Request | None) -> Handshake:
    """Return the token of the handshake, from the query or the Authorization header, and the query's announcements."""
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
