"""A small HTTP/1.1 server on streams of asyncio: requests, responses in chunks, and WebSockets on the same port."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

from websockets.exceptions import InvalidHandshake
from websockets.frames import Frame as WebSocketFrame
from websockets.frames import Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

from runconsole.listening import StreamServer
from runconsole.simulator.injector import Gone

if TYPE_CHECKING:
    import socket

    from runconsole.simulator.service import Frame

__all__ = ["Exchange", "HttpAcceptor", "HttpServer", "Request", "SocketExchange"]

_HEAD_WITHIN_S = 10.0
_MOST_HEAD: Final = 64 * 1024
_MOST_BODY: Final = 32 * 1024 * 1024
_PIECE: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """A request: its method, its path, the first value of each name of its query, its headers in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    head: bytes

    @property
    def wants_socket(self) -> bool:
        """True if it asks for a WebSocket."""
        return self.headers.get("upgrade", "").lower() == "websocket"

    @property
    def bearer(self) -> str | None:
        """The token of its Authorization header, else that of its query."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token if scheme.lower() == "bearer" and token else self.query.get("token")

    def json(self) -> Any:
        """Return the value of its body. Raises ValueError."""
        try:
            return json.loads(self.body or b"null", parse_constant=_refuse_constant)
        except RecursionError:
            raise ValueError("nested too deeply") from None


class Exchange:
    """A request with its response; as a stream it is a socket of the injector."""

    def __init__(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.request = request
        self._reader = reader
        self._writer = writer
        writer.transport.set_write_buffer_limits(high=0)  # so that `drain` returns when the system has taken all

    # ---- responses --------------------------------------------------------------------------------------------------

    async def respond(self, status: int, value: object, headers: Mapping[str, str] | None = None) -> None:
        """Respond with a value as JSON. Raises Gone."""
        body = json.dumps(value, ensure_ascii=False).encode()
        lines = {"content-type": "application/json", "content-length": str(len(body)), **(headers or {})}
        await self._write(_head(status, lines) + body)

    async def open(self) -> None:
        """Begin a stream of events. Raises Gone."""
        headers = {"content-type": "text/event-stream", "cache-control": "no-cache", "transfer-encoding": "chunked"}
        await self._write(_head(200, headers))

    async def end(self) -> None:
        """End a stream in good order. Raises Gone."""
        await self._write(b"0\r\n\r\n")

    async def gone(self) -> None:
        """Return when the client has closed the connection."""
        with contextlib.suppress(OSError):
            while await self._reader.read(_PIECE):
                pass

    # ---- the socket of the injector ---------------------------------------------------------------------------------

    async def write(self, frame: Frame) -> None:
        """Write a piece of the stream."""
        if frame.text:
            await self._write_chunk(frame.text)

    async def write_raw(self, text: str) -> None:
        """Write an event with this text as its data."""
        await self._write_chunk("".join(f"data: {line}\n" for line in text.split("\n")) + "\n")

    async def write_stray(self) -> None:
        """Do nothing: a response belongs to one request."""

    def ask_reconnect(self) -> None:
        """Do nothing: there is no such message."""

    def cut(self) -> None:
        """End the connection at once."""
        self._writer.transport.abort()

    async def close(self, code: int) -> None:  # noqa: ARG002 - HTTP has no codes
        """End the connection."""
        self._writer.close()

    def listen(self, *, on: bool) -> None:
        """Stop or resume reading."""
        transport = self._writer.transport
        if isinstance(transport, asyncio.ReadTransport) and not transport.is_closing():
            with contextlib.suppress(RuntimeError):
                (transport.resume_reading if on else transport.pause_reading)()

    async def _write_chunk(self, text: str) -> None:
        data = text.encode()
        await self._write(b"%x\r\n%b\r\n" % (len(data), data))

    async def _write(self, data: bytes) -> None:
        if self._writer.transport.is_closing():
            raise Gone
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError:
            raise Gone from None


class SocketExchange(Exchange):
    """A WebSocket, from its handshake on."""

    def __init__(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__(request, reader, writer)
        self._protocol = ServerProtocol(max_size=_MOST_BODY)
        self._events: deque[object] = deque()
        self._parts: list[bytes] = []

    async def accept(self) -> bool:
        """Answer the handshake; return whether it is one. Raises Gone."""
        self._protocol.receive_data(self.request.head)
        for request in self._protocol.events_received():
            response = self._protocol.accept(request)  # type: ignore[arg-type]  # the first event is the request
            self._protocol.send_response(response)
        await self._flush()
        return self._protocol.state is State.OPEN

    async def receive(self) -> str | None:
        """Return the next message; None when the client has gone."""
        while True:
            self._events += self._protocol.events_received()
            while self._events:
                message = self._message(self._events.popleft())
                if message is not None:
                    return message
            try:
                data = await self._reader.read(_PIECE)
            except OSError:
                return None
            if not data:
                return None
            self._protocol.receive_data(data)
            with contextlib.suppress(Gone):
                await self._flush()
            if self._protocol.state is not State.OPEN:
                self._writer.close()
                return None

    def _message(self, event: object) -> str | None:
        """Return the text of a message that a frame completes."""
        if not isinstance(event, WebSocketFrame) or event.opcode not in {Opcode.TEXT, Opcode.BINARY, Opcode.CONT}:
            return None
        self._parts.append(bytes(event.data))
        if not event.fin:
            return None
        message, self._parts = b"".join(self._parts), []
        return message.decode(errors="replace")

    async def write(self, frame: Frame) -> None:
        """Write a message."""
        if frame.text:
            await self.write_raw(frame.text)

    async def write_raw(self, text: str) -> None:
        """Write this text as a message."""
        if self._protocol.state is not State.OPEN:
            raise Gone
        self._protocol.send_text(text.encode())
        await self._flush()

    async def close(self, code: int) -> None:
        """End the connection with a close code."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(code)
            await self._flush()

    async def _flush(self) -> None:
        data = b"".join(self._protocol.data_to_send())
        if data:
            await self._write(data)


class HttpServer:
    """Serves connections, one request each.

    Args:
        handle: answers a request. It may end early: the connection is closed then.
        socket: the class of WebSockets.
    """

    def __init__(
        self, handle: Callable[[Exchange], Awaitable[None]], *, socket: type[SocketExchange] = SocketExchange
    ) -> None:
        self._handle = handle
        self._socket = socket
        self._server = StreamServer(self._connected, limit=_MOST_HEAD)

    async def open(self, listener: socket.socket) -> None:
        """Serve on this socket."""
        await self._server.open(listener)

    async def close(self, *, abruptly: bool = False) -> None:
        """Close every connection and end."""
        await self._server.close(abruptly=abruptly)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Clients may vanish.
        with contextlib.suppress(Gone, OSError, TimeoutError, InvalidHandshake):
            request = await _read(reader)
            if request is not None:
                kind = self._socket if request.wants_socket else Exchange
                await self._handle(kind(request, reader, writer))


class HttpAcceptor:
    """A wire over an `HttpServer`: its life, and the events that wake the streams of its clients."""

    def __init__(self, server: HttpServer) -> None:
        self._server = server
        self._sleeping: set[asyncio.Event] = set()
        """One for each open stream."""

    async def open(self, listener: socket.socket) -> None:
        """Serve on this socket."""
        await self._server.open(listener)

    async def close(self) -> None:
        """Close every connection and end."""
        await self._server.close()

    async def crash(self) -> None:
        """End at once."""
        await self._server.close(abruptly=True)

    def wake(self) -> None:
        """Let every stream check for events to send."""
        for woken in self._sleeping:
            woken.set()


async def _read(reader: asyncio.StreamReader) -> Request | None:
    """Return the request of a connection; None where there is none that can be read."""
    try:
        async with asyncio.timeout(_HEAD_WITHIN_S):
            head = await reader.readuntil(b"\r\n\r\n")
            line, *lines = head.decode("latin-1").split("\r\n")
            method, target, _version = line.split(" ")
            headers = {
                name.strip().lower(): value.strip() for name, _, value in (text.partition(":") for text in lines)
            }
            length = int(headers.get("content-length") or 0)
            if not 0 <= length <= _MOST_BODY or "chunked" in headers.get("transfer-encoding", ""):
                return None
            body = await reader.readexactly(length)
    except (ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return None
    parts = urlsplit(target)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    return Request(method, parts.path, query, headers, body, head)


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "connection: close", "", ""]).encode("latin-1")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
