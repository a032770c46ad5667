"""The ends of servers: a client that connects at that very moment leaves nothing open, and nothing running."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
from websockets.asyncio.server import ServerConnection, serve

from runconsole.listening import StreamServer, stop_accepting

_PATIENCE_S = 60
Close = Callable[[], Awaitable[None]]

at_every_turn = pytest.mark.parametrize("turns", range(8))
"""Turns of the loop between the client's connect and the server's end: the loop accepts at the second one."""


def is_closed(client: socket.socket) -> bool:
    """Return whether the server has closed the connection; fail if it keeps it open."""
    client.settimeout(_PATIENCE_S)
    with client, suppress(ConnectionResetError):
        return client.recv(1) == b""
    return True


def connects_at_the_end(open_server: Callable[[socket.socket], Awaitable[Close]], turns: int) -> socket.socket:
    """Serve on a loop of its own that ends with the server; connect that many turns before, return the client."""

    async def main() -> socket.socket:
        listener = socket.create_server(("127.0.0.1", 0))
        close = await open_server(listener)
        client = socket.create_connection(listener.getsockname())
        for _ in range(turns):
            await asyncio.sleep(0)
        await close()
        return client

    return asyncio.run(main())


@at_every_turn
@pytest.mark.parametrize("abruptly", [True, False])
def test_streams_are_closed(turns: int, *, abruptly: bool) -> None:
    served: list[str] = []

    async def talk(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        served.append("begun")
        try:
            await reader.read()
        finally:
            served.append("ended")

    async def open_server(listener: socket.socket) -> Close:
        server = StreamServer(talk, limit=1024)
        await server.open(listener)
        return lambda: server.close(abruptly=abruptly)

    assert is_closed(connects_at_the_end(open_server, turns))
    assert served in ([], ["begun", "ended"])
    gc.collect()  # warns of what is open, and warnings are errors


@at_every_turn
def test_websockets_are_closed(turns: int) -> None:
    async def talk(page: ServerConnection) -> None:
        await page.wait_closed()

    async def open_server(listener: socket.socket) -> Close:
        server = await serve(talk, sock=listener, open_timeout=0.1)

        async def close() -> None:
            await stop_accepting(server)
            server.close()
            await server.wait_closed()

        return close

    client = connects_at_the_end(open_server, turns)
    with client:
        client.settimeout(_PATIENCE_S)
        with suppress(ConnectionResetError):
            received = client.recv(4096)
            assert not received or received.startswith(b"HTTP/1.1 503")
    gc.collect()


async def test_what_nobody_reads_does_not_hold_up_the_end() -> None:
    async def flood(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"x" * 2**24)
        flooded.set()

    flooded = asyncio.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    server = StreamServer(flood, limit=1024)
    await server.open(listener)
    with socket.create_connection(listener.getsockname()):
        await flooded.wait()
        async with asyncio.timeout(_PATIENCE_S):
            await server.close()
    gc.collect()


async def test_a_closed_server_can_be_closed_again() -> None:
    async def talk(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None: ...

    server = StreamServer(talk, limit=1024)
    await server.close()
    await server.open(socket.create_server(("127.0.0.1", 0)))
    await server.close()
    await server.close()
