"""Ends of servers on asyncio: with its end, no connection is left that nobody closes.

A connection belongs to nobody for a few turns of the loop: the loop has accepted it, and its server does not know it
yet (https://github.com/python/cpython/issues/79033). A server that closes just then leaves it open for ever.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import weakref
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Protocol

__all__ = ["StreamServer", "stop_accepting"]

_TURNS_UNTIL_MADE = 3
"""Turns of the loop after which a connection that it accepted before has had its `connection_made`."""


class _Server(Protocol):
    """A server of asyncio, of websockets or of another library."""

    @property
    def sockets(self) -> Iterable[socket.socket]: ...


async def stop_accepting(*servers: _Server) -> None:
    """Accept no more connections; return when the servers know all that were accepted.

    To be called on the servers' loop, before they are closed. Clients that connect later are refused by that.
    """
    loop = asyncio.get_running_loop()
    for server in servers:
        for listener in server.sockets:
            with contextlib.suppress(NotImplementedError):  # the loop of Windows has no readers
                loop.remove_reader(listener.fileno())
    for _ in range(_TURNS_UNTIL_MADE):
        await asyncio.sleep(0)


class StreamServer:
    """Serves connections as streams of asyncio, each by a task of its own.

    Args:
        serve: serves one connection; the connection is closed when it returns, or is cancelled.
        limit: the most bytes that a reader buffers.
    """

    def __init__(
        self, serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]], *, limit: int
    ) -> None:
        self._serve = serve
        self._limit = limit
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self._transports: weakref.WeakSet[asyncio.WriteTransport] = weakref.WeakSet()

    async def open(self, listener: socket.socket) -> None:
        """Serve on this socket, which `close` closes."""
        self._server = await asyncio.start_server(self._connected, sock=listener, limit=self._limit)

    async def close(self, *, abruptly: bool = False) -> None:
        """Close every connection and end; `abruptly` before the tasks can send anything more."""
        server, self._server = self._server, None
        if server is None:
            return
        await stop_accepting(server)
        server.close()
        if abruptly:
            self._abort()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        self._abort()  # bytes that a client does not read would keep its connection open
        await asyncio.sleep(0)
        await server.wait_closed()

    def _abort(self) -> None:
        for transport in list(self._transports):
            transport.abort()

    # Not a coroutine: asyncio would make a task of it, and one that is cancelled before its first step closes nothing.
    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        self._transports.add(writer.transport)
        task.add_done_callback(self._serving.discard)
        task.add_done_callback(lambda _: writer.close())
