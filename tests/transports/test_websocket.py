"""WebSocket connections on real sockets: each failure is one clear sentence, and one verdict on a new attempt."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.utils import accept_key

from runconsole.errors import LinkLost
from runconsole.transports.websocket import WebSocketTransport
from tests.servers.json_server import JsonServer, Peer, closes, says
from tests.servers.other_servers import ECHO, closed_port, http, tcp_server

PEM = Path(__file__).parents[1] / "servers" / "localhost.pem"
"""A certificate for localhost that no authority has signed, with its key."""
SECRET = "s3cret-value"


async def lost(url: str, **options: Any) -> LinkLost:
    """Return the failure of connecting (or else of receiving)."""
    with pytest.raises(LinkLost) as caught:  # noqa: PT012 - whichever comes first
        async with WebSocketTransport(url, **options).connect() as connection:
            while True:
                await connection.receive()
    sentence = str(caught.value)
    assert sentence
    assert SECRET not in sentence
    assert "\n" not in sentence
    return caught.value


def tls_server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)
    return context


# ---- a good connection ---------------------------------------------------------------------------------------------


async def test_frames_go_both_ways_as_they_are() -> None:
    frames: list[str | bytes] = ["text", "ž" * 10, b"bytes", "{}", "", b""]
    with JsonServer(says(*frames)) as server:
        async with WebSocketTransport(server.url, headers={"X-Mine": "yes"}).connect() as connection:
            received: list[str | bytes] = []
            while len(received) < len(frames):
                received += await connection.receive()
            assert received == frames
            await connection.send('{"type":"hello"}')
            assert await asyncio.to_thread(server.peer.expect) == {"type": "hello"}
            assert server.peer.headers["X-Mine"] == "yes"
        assert server.peer.closed.wait(10)


async def test_a_frame_of_three_mebibytes_arrives() -> None:
    with JsonServer(["x" * 3 * 2**20]) as server:
        async with WebSocketTransport(server.url).connect() as connection:
            assert [len(frame) for frame in await connection.receive()] == [3 * 2**20]


async def test_sending_over_a_connection_that_ended_says_so() -> None:
    with JsonServer(closes(1001)) as server:
        async with WebSocketTransport(server.url).connect() as connection:
            with pytest.raises(LinkLost):
                await connection.receive()
            with pytest.raises(LinkLost, match="code 1001"):
                await connection.send("late")


# ---- how connections end -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "reason", "words", "orderly", "fatal"),
    [
        (1000, "", "closed the connection with code 1000", True, False),
        (1001, "going away", "code 1001 (going away)", False, False),
        (1011, "internal error", "code 1011 (internal error)", False, False),
        (1012, "restart", "code 1012 (restart)", False, False),
        (4000, "x\x1b[2Jy", "code 4000 (x [2Jy)", False, False),
        (4001, "bad token", "does not accept us (bad token): pass a valid token=", False, True),
    ],
)
async def test_a_closed_connection_has_its_code_and_reason(
    code: int, reason: str, words: str, *, orderly: bool, fatal: bool
) -> None:
    with JsonServer(closes(code, reason)) as server:
        error = await lost(server.url)
    assert words in str(error)
    assert f"localhost:{server.port}" in str(error)
    assert (error.code, error.orderly, error.fatal, error.doubtful) == (code, orderly, fatal, False)


async def test_a_broken_connection_may_be_retried() -> None:
    with JsonServer(Peer.drop) as server:
        error = await lost(server.url)
    assert "broke without a goodbye" in str(error)
    assert (error.code, error.orderly, error.fatal) == (1006, False, False)


# ---- how connecting fails ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "words", "fatal", "doubtful"),
    [
        (401, "refused us with HTTP 401 Unauthorized: pass a valid token=", True, False),
        (403, "refused us with HTTP 403 Forbidden: pass a valid token=", True, False),
        (404, "expected a WebSocket endpoint at localhost:", False, True),
        (400, "got HTTP 400 Bad Request: check the path", True, False),
        (200, "got HTTP 200 OK: check the path", True, False),
        (500, "answered HTTP 500 Internal Server Error: the server is not ready", False, False),
        (503, "answered HTTP 503 Service Unavailable", False, False),
        (429, "answered HTTP 429 Too Many Requests", False, False),
    ],
)
async def test_a_refused_handshake_has_its_status(status: int, words: str, *, fatal: bool, doubtful: bool) -> None:
    with JsonServer(refuse=[status]) as server:
        error = await lost(f"{server.url}?token={SECRET}")
    assert words in str(error)
    assert (error.code, error.fatal, error.doubtful) == (status, fatal, doubtful)


@contextmanager
def raw(answer: bytes | None) -> Iterator[str]:
    with tcp_server(answer) as port:
        yield f"ws://localhost:{port}/ws?token={SECRET}"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (http("200 OK"), "expected a WebSocket"),
        (http("301 Moved\r\nLocation: /elsewhere"), "expected a WebSocket"),
        (ECHO, "expected a WebSocket server at localhost:"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "expected a WebSocket server at localhost:"),
        (None, "expected a WebSocket server at localhost:"),
    ],
    ids=["http", "redirect", "echo", "ssh", "hang-up"],
)
async def test_a_server_of_another_kind_is_said_to_be_one(answer: bytes | None, words: str) -> None:
    with raw(answer) as url:
        error = await lost(url)
    assert words in str(error)
    assert "check" in str(error)


async def test_a_port_where_nobody_listens_is_a_refused_connection() -> None:
    with closed_port() as port:
        error = await lost(f"ws://localhost:{port}/ws?token={SECRET}")
    assert str(error) == f"nothing listens at localhost:{port} (connection refused): start the server or check the port"
    assert (error.fatal, error.doubtful) == (False, False)


async def test_a_host_that_has_no_address_is_said_to_have_none() -> None:
    error = await lost(f"ws://no-such-host.invalid/ws?token={SECRET}")
    assert "cannot be resolved: check its spelling" in str(error)


# ---- TLS -----------------------------------------------------------------------------------------------------------


async def test_an_untrusted_certificate_is_reported_with_advice() -> None:
    with JsonServer(ssl=tls_server_context()) as server:
        error = await lost(server.url)
    assert "is not trusted (self" in str(error)
    assert "pass ssl= with a context or the path of its CA" in str(error)
    assert error.fatal


async def test_a_certificate_of_a_given_private_ca_is_accepted() -> None:
    with JsonServer(["hello"], ssl=tls_server_context()) as server:
        context = ssl.create_default_context(cafile=str(PEM))
        async with WebSocketTransport(server.url, ssl=context).connect() as connection:
            assert await connection.receive() == ["hello"]


async def test_a_certificate_for_another_name_is_not_accepted() -> None:
    with JsonServer(ssl=tls_server_context(), host="127.0.0.2") as server:
        error = await lost(server.url, ssl=ssl.create_default_context(cafile=str(PEM)))
    assert "the certificate of 127.0.0.2" in str(error)
    assert "is not trusted (IP address mismatch" in str(error)


async def test_tls_to_a_server_without_it_says_to_use_ws() -> None:
    with JsonServer() as server:
        error = await lost(server.url.replace("ws:", "wss:"))
    assert "use ws:// instead of wss://" in str(error) or "check the port and the scheme" in str(error)
    assert error.fatal or error.doubtful


async def test_plain_ws_to_a_server_with_tls_says_to_use_wss() -> None:
    with JsonServer(ssl=tls_server_context()) as server:
        error = await lost(server.url.replace("wss:", "ws:"))
    assert "wss://" in str(error) or "the scheme" in str(error)


async def test_a_close_that_is_cancelled_leaves_no_socket_open() -> None:
    async def says_no_goodbye(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = re.search(rb"Sec-WebSocket-Key: (\S+)", await reader.readuntil(b"\r\n\r\n"))
        assert asked is not None
        answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        writer.write(f"{answer}Sec-WebSocket-Accept: {accept_key(asked[1].decode())}\r\n\r\n".encode())
        await reader.read()  # up to the end
        writer.close()
        ended.set()

    async def follow() -> None:
        async with WebSocketTransport(f"ws://127.0.0.1:{port}/ws").connect() as connection:
            open_connections.append(connection)
            await asyncio.Event().wait()

    open_connections: list[Any] = []
    ended = asyncio.Event()
    async with await asyncio.start_server(says_no_goodbye, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        following = asyncio.create_task(follow())
        while not open_connections:  # noqa: ASYNC110 - what it waits for is no event of ours
            await asyncio.sleep(0)
        following.cancel()
        await asyncio.sleep(0)  # it waits for the server's goodbye
        assert not following.done()
        following.cancel()
        await asyncio.wait({following})
        assert open_connections[0]._connection.transport.is_closing()
        await ended.wait()
