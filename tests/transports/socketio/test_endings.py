"""Failures and ends of Socket.IO connections: other servers, certificates, proxies, and nothing left behind."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import ssl
import subprocess
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import engineio.base_client
import pytest

from runconsole.errors import LinkLost
from runconsole.transports.socketio.transport import SocketIoTransport
from tests.servers.socketio_server import SocketIoServer
from tests.support.ports import free_port
from tests.transports.socketio.socketio_link import TOKEN, drain, follow, refused, until

if TYPE_CHECKING:
    from collections.abc import Callable

PEM = Path(__file__).parents[2] / "servers" / "localhost.pem"


# ---- what is no Socket.IO server ------------------------------------------------------------------------------------


async def test_nothing_listens() -> None:
    lost = await refused(SocketIoTransport(f"http://127.0.0.1:{free_port()}?token={TOKEN}", token=TOKEN))
    assert "connection refused" in str(lost)
    assert TOKEN not in str(lost)
    assert not lost.fatal


async def test_a_host_that_is_none() -> None:
    lost = await refused(SocketIoTransport("http://nobody.invalid"))
    assert "cannot be resolved" in str(lost)
    assert lost.doubtful


async def test_a_url_without_a_host() -> None:
    lost = await refused(SocketIoTransport("http://"))
    assert "expected a URL like http://host:port" in str(lost)
    assert lost.fatal


async def test_a_path_says_where_it_is_mounted(serve_socketio: Callable[..., SocketIoServer]) -> None:
    server = serve_socketio(path="api/live")
    async with SocketIoTransport(f"{server.url}/api/live/").connect() as connection:
        assert (await connection.receive())[0].startswith('["connected"')
    lost = await refused(SocketIoTransport(server.url))
    assert "no Socket.IO at /socket.io" in str(lost)
    assert "namespace" not in str(lost)
    lost = await refused(SocketIoTransport(f"{server.url}/runs"))
    assert "no Socket.IO at /runs (the path says where Socket.IO is mounted; a namespace cannot be" in str(lost)


@contextlib.asynccontextmanager
async def answering(answer: Callable[[asyncio.StreamWriter], Any]) -> Any:
    """Serve another protocol than Socket.IO: `answer` is called when a client has sent something."""
    writers = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with contextlib.suppress(ConnectionError):
            request = await reader.readuntil(b"\r\n\r\n")
            answer_of = answer(writer)
            if answer_of == "accept":
                writer.write(_accept(request))

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for writer in writers:
            writer.transport.abort()


def _accept(request: bytes) -> bytes:
    import base64
    import hashlib

    key = next(
        line.partition(b": ")[2] for line in request.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key")
    )
    digest = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())  # noqa: S324 - RFC 6455
    return (
        b"HTTP/1.1 101 Ok\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + digest + b"\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 200 Fine\r\nContent-Length: 0\r\n\r\n", "got HTTP 200 OK"),
        (b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", "got HTTP 404 Not Found"),
        (b"HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n", "502 Bad Gateway: the server is not ready"),
        (b"HTTP/1.1 599 No\r\nContent-Length: 0\r\n\r\n", "599: the server is not ready"),
        (b"SSH-2.0-OpenSSH_9\r\n", "expected a Socket.IO server"),
        (None, "expected a Socket.IO server"),
    ],
)
async def test_another_kind_of_server(answer: bytes | None, said: str) -> None:
    def reply(writer: asyncio.StreamWriter) -> None:
        writer.close() if answer is None else writer.write(answer)

    async with answering(reply) as url:
        assert said in str(await refused(SocketIoTransport(url)))


@pytest.mark.parametrize(
    "first",
    [
        b"\x88\x02\x03\xe8",
        b"\x81\x05hello",
        b'\x81\x08{"id":1}',
        b'\x81\x0d0{"no":"sid"}',
        b"\x81\x00",
        b"\x82\x01\x00",
    ],
)
async def test_a_websocket_server_that_speaks_something_else(first: bytes) -> None:
    def reply(writer: asyncio.StreamWriter) -> str:
        asyncio.get_running_loop().call_later(0.05, writer.write, first)
        return "accept"

    async with answering(reply) as url:
        lost = await refused(SocketIoTransport(url))
    assert "expected a Socket.IO server" in str(lost)
    assert lost.doubtful


@pytest.mark.parametrize("accept", ["accept", "nothing"])
async def test_a_server_that_says_nothing_is_given_up(accept: str) -> None:
    async with answering(lambda _: accept) as url:
        assert "did not answer within 0.2 s" in str(await refused(SocketIoTransport(url, open_timeout=0.2)))


# ---- certificates and proxies ---------------------------------------------------------------------------------------


async def test_a_given_private_authority_is_trusted(serve_socketio: Callable[..., SocketIoServer]) -> None:
    server = serve_socketio(ssl_certfile=PEM, ssl_keyfile=PEM)
    context = ssl.create_default_context(cafile=PEM)
    async with follow(server, ssl=context) as follower:
        await follower.joined()
    assert follower.lost == []
    untrusting = await refused(SocketIoTransport(server.url))
    assert "is not trusted" in str(untrusting)
    assert untrusting.fatal


async def test_tls_where_there_is_none(serve_socketio: Callable[..., SocketIoServer]) -> None:
    lost = await refused(SocketIoTransport(serve_socketio().url.replace("http:", "https:")))
    assert "use http:// instead of https://" in str(lost)
    assert lost.fatal


async def test_an_environment_proxy_is_used_except_for_localhost(
    serve_socketio: Callable[..., SocketIoServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    server = serve_socketio()
    async with answering(lambda writer: writer.write(b"HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n")) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        asked.append(str(await refused(SocketIoTransport("http://runs.invalid"))))
        async with follow(server) as follower:
            await follower.joined()
        monkeypatch.setenv("NO_PROXY", "runs.invalid")
        asked.append(str(await refused(SocketIoTransport("http://runs.invalid"))))
    assert "502" in asked[0]
    assert "cannot be resolved" in asked[1]


# ---- leaving --------------------------------------------------------------------------------------------------------


async def left_behind(work: Callable[[], Any]) -> list[str]:
    """Return the remains of `work`: tasks, warnings, clients in python-engineio's list."""
    before, clients_before = asyncio.all_tasks(), list(engineio.base_client.connected_clients)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        await work()
        gc.collect()
        await asyncio.sleep(0)
    clients = [str(it) for it in engineio.base_client.connected_clients if it not in clients_before]
    return [str(it.get_coro()) for it in asyncio.all_tasks() - before] + [str(it.message) for it in caught] + clients


@pytest.mark.parametrize(
    "way",
    [
        *("leave", "lost", "frozen", "refused", "timeout"),
        *("cancelled", "cancelled while opening", "cancelled again while closing"),
    ],
)
async def test_nothing_is_left_behind(serve_socketio: Callable[..., SocketIoServer], way: str) -> None:
    late = way in {"cancelled while opening", "timeout"}
    server = serve_socketio(connect_delay=1000 if late else 0, token=TOKEN if way == "refused" else None)
    transport = SocketIoTransport(server.url, open_timeout=0.3 if way == "timeout" else 20)

    async def use() -> None:
        async with transport.connect() as connection:
            if way == "lost":
                server.kill()
            if way in {"frozen", "cancelled again while closing"}:
                stack.enter_context(server.frozen())
            if way in {"lost", "cancelled", "cancelled again while closing"}:
                await drain(connection)

    async def work() -> None:
        task = asyncio.create_task(use())
        if way.startswith("cancelled"):
            await until(lambda: server.connections)
            await asyncio.sleep(0 if late else 0.1)
            task.cancel()
        if "again" in way:
            for _ in range(20):
                await asyncio.sleep(0)
                task.cancel()
        with contextlib.suppress(LinkLost, asyncio.CancelledError):
            await task

    with contextlib.ExitStack() as stack:
        assert await left_behind(work) == []


async def test_the_server_sees_us_leave(serve_socketio: Callable[..., SocketIoServer]) -> None:
    server = serve_socketio()
    async with SocketIoTransport(server.url).connect():
        pass
    await until(lambda: server.farewells)


def test_a_program_that_uses_it_ends_without_a_word(serve_socketio: Callable[..., SocketIoServer]) -> None:
    code = f"""
import asyncio
from runconsole.transports.socketio.transport import SocketIoTransport

async def main():
    async with SocketIoTransport({serve_socketio().url!r}).connect() as connection:
        print((await connection.receive())[0][:12])

asyncio.run(main())
"""
    command = [sys.executable, "-W", "error", "-c", code]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert (ended.stdout, ended.stderr, ended.returncode) == ('["connected"\n', "", 0)


@pytest.mark.parametrize("missing", ["socketio", "aiohttp", "engineio"])
def test_without_the_extra_one_sentence_says_what_to_install(missing: str) -> None:
    code = f"""
import asyncio, sys
sys.modules[{missing!r}] = None
from runconsole.errors import LinkLost
from runconsole.transports.socketio.transport import SocketIoTransport

async def main():
    try:
        async with SocketIoTransport("http://127.0.0.1:1").connect():
            pass
    except LinkLost as lost:
        print(lost.fatal, lost)

asyncio.run(main())
"""
    command = [sys.executable, "-W", "error", "-c", code]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=50, check=True)
    assert ended.stdout == (
        'True expected the Socket.IO client, which is not installed: pip install "runconsole[socketio]"\n'
    )
