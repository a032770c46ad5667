"""uvicorn on a loop that is already running, with control over both directions of each WebSocket."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import TYPE_CHECKING, Any, TypeAlias

import uvicorn

from runconsole.listening import stop_accepting
from runconsole.simulator.injector import Gone

if TYPE_CHECKING:
    import socket

__all__ = ["Pipe", "Server"]

_Message: TypeAlias = MutableMapping[str, Any]
_Receive: TypeAlias = Callable[[], Awaitable[_Message]]
_Send: TypeAlias = Callable[[_Message], Awaitable[None]]

_EVENT_PACKET = "42"


class Pipe:
    """One WebSocket between the Socket.IO server and uvicorn."""

    def __init__(self, connection: Any, receive: _Receive, send: _Send) -> None:
        self._connection = connection
        self._receive = receive
        self._send = send
        self._open = asyncio.Event()
        self._open.set()
        self._moved = asyncio.Event()
        self._expected = 0
        self._sent = 0
        self._gone = False
        connection.transport.set_write_buffer_limits(high=0)

    async def receive(self) -> _Message:
        """Return the next message for the server, while reading is on."""
        message = await self._receive()
        if not self._open.is_set():
            self._connection.transport.pause_reading()  # uvicorn resumes reading after each message
        await self._open.wait()
        if message["type"] == "websocket.disconnect":
            self.release()
        return message

    async def send(self, message: _Message) -> None:
        """Pass on a message of the server; return when the system has taken all of it."""
        await self._open.wait()
        await self._send(message)
        await self._connection.writable.wait()
        if str(message.get("text") or "").startswith(_EVENT_PACKET):
            self._sent += 1
            self._moved.set()

    async def flushed(self, emitting: Awaitable[None]) -> None:
        """Emit an event; return when the system has taken it. Raises Gone."""
        target = self._count()
        await emitting
        await self._reached(target)

    async def write(self, text: str) -> None:
        """Send a text past the Socket.IO server. Raises Gone."""
        self._expected += text.startswith(_EVENT_PACKET)
        if self._gone:
            raise Gone
        await self.send({"type": "websocket.send", "text": text})

    def note_event(self) -> None:
        """Note that the server emits an event on its own."""
        self._count()

    def _count(self) -> int:
        self._expected += 1
        return self._expected

    async def _reached(self, target: int) -> None:
        while self._sent < target:
            if self._gone:
                raise Gone
            self._moved.clear()
            await self._moved.wait()

    def listen(self, *, on: bool) -> None:
        """Stop or resume reading and writing, pings included."""
        transport = self._connection.transport
        if on:
            self._open.set()
            if not transport.is_closing():
                transport.resume_reading()
        else:
            self._open.clear()
            transport.pause_reading()

    def cut(self) -> None:
        """End the connection at once."""
        self.release()
        self._connection.transport.abort()

    def release(self) -> None:
        """Wake every waiting task: the connection is over."""
        self._gone = True
        self._open.set()
        self._moved.set()


class Server(uvicorn.Server):
    """Serves an ASGI application; `refuses` returns a status that refuses a WebSocket handshake, or None."""

    def __init__(self, app: Callable[..., Awaitable[None]], refuses: Callable[[], int | None]) -> None:
        super().__init__(
            uvicorn.Config(
                self._serve_one,
                interface="asgi3",
                ws="websockets-sansio",
                ws_ping_interval=None,
                ws_per_message_deflate=False,
                lifespan="off",
                log_config=None,
                log_level="critical",
            )
        )
        self._app = app
        self._refuses = refuses
        self._pipes: set[Pipe] = set()
        self._is_up = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the process's signals to the process."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start as uvicorn does, and set `_is_up` then."""
        await super().startup(sockets)
        self._is_up.set()

    async def open(self, listener: socket.socket) -> None:
        """Serve on this socket from now on."""
        self._task = asyncio.create_task(self.serve([listener]), name="runconsole-simulator-uvicorn")
        await self._is_up.wait()

    async def close(self, *, abruptly: bool) -> None:
        """End; `abruptly` without a close."""
        await stop_accepting(*self.servers)
        for server in self.servers:
            server.close()
        for pipe in list(self._pipes):
            pipe.cut() if abruptly else pipe.release()
        if abruptly:
            for connection in list(self.server_state.connections):
                if connection.transport is not None:
                    connection.transport.abort()
        self.should_exit = True
        self.force_exit = abruptly
        if self._task is not None:
            await self._task

    async def _serve_one(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        status = self._refuses()
        if status is not None:
            await send({"type": "websocket.http.response.start", "status": status, "headers": []})
            await send({"type": "websocket.http.response.body", "body": b"Not now.\n"})
            return
        connections = self.server_state.connections
        connection = next(known for known in connections if getattr(known, "client", None) == scope["client"])
        pipe = scope["runconsole.pipe"] = Pipe(connection, receive, send)
        self._pipes.add(pipe)
        try:
            await self._app(scope, pipe.receive, pipe.send)
        finally:
            pipe.release()
            self._pipes.discard(pipe)
