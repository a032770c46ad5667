"""Messages by the batch: in order, whole, none lost at the end, and no more than fit."""

from __future__ import annotations

import asyncio
import itertools
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK
from websockets.utils import accept_key

from runconsole.transports.inbox import InboxConnection
from tests.servers.json_server import PATIENCE

Says = Callable[[ServerConnection], Awaitable[None]]
PEM = Path(__file__).parents[1] / "servers" / "localhost.pem"

with_tls = pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])


@asynccontextmanager
async def connected(says: Says, max_size: int = 2**20, *, tls: bool = False) -> AsyncIterator[InboxConnection]:
    theirs = ours = None
    if tls:
        theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        theirs.load_cert_chain(PEM)
        ours = ssl.create_default_context(cafile=str(PEM))
    async with serve(says, "127.0.0.1", 0, compression=None, ssl=theirs) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        url = f"{'wss' if tls else 'ws'}://127.0.0.1:{port}"
        async with connect(url, create_connection=InboxConnection, max_size=max_size, ssl=ours) as connection:
            assert isinstance(connection, InboxConnection)
            yield connection


async def all_of(connection: InboxConnection) -> tuple[list[str | bytes], ConnectionClosed]:
    messages: list[str | bytes] = []
    try:
        while True:
            got = await connection.receive_all()
            assert got
            messages += got
    except ConnectionClosed as closed:
        return messages, closed


Message = st.text(max_size=20) | st.binary(max_size=20)


@settings(max_examples=25, deadline=None)
@given(st.lists(Message | st.lists(st.text(max_size=9), min_size=1) | st.lists(st.binary(max_size=9), min_size=1)))
def test_whole_and_fragmented_messages_come_in_order(
    messages: list[str | bytes | list[str] | list[bytes]],
) -> None:
    async def says(peer: ServerConnection) -> None:
        for message in messages:
            await peer.send(message)

    async def follow() -> list[str | bytes]:
        async with connected(says) as connection:
            received, closed = await all_of(connection)
            assert isinstance(closed, ConnectionClosedOK)
            return received

    whole = [_joined(message) if isinstance(message, list) else message for message in messages]
    assert asyncio.run(follow()) == whole


_PING, _FRAGMENT, _DONE = b"\x89\x00", b"\x00\x01x", b"\x81\x04done"


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize(
    ("flood", "received"),
    [(_PING * 500 + _DONE, ["done"]), (b"\x01\x01x" + _FRAGMENT * 500 + b"\x80\x00" + _DONE, ["x" * 501, "done"])],
    ids=["pings", "fragments"],
)
async def test_other_tasks_run_during_a_flood_without_loss(
    monkeypatch: pytest.MonkeyPatch, flood: bytes, received: list[str], *, plain: bool
) -> None:
    monkeypatch.setattr("runconsole.transports.inbox._TURN", -1.0)
    monkeypatch.setattr("runconsole.transports.inbox._SLICE", 5)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def says(peer: ServerConnection) -> None:
        await peer.recv()
        peer.transport.write(flood)

    async with connected(says) as connection:
        connection._is_plain = plain
        counting = asyncio.create_task(count())
        await connection.send("now")
        assert (await all_of(connection))[0] == received
        counting.cancel()
    assert turns >= 200


async def test_a_connection_closes_in_the_middle_of_a_flood() -> None:
    async def says(peer: ServerConnection) -> None:
        try:
            while True:
                peer.transport.write(_PING * 10_000)
                await asyncio.sleep(0)
        finally:
            peer.transport.abort()

    async with connected(says) as connection:
        connection.close_timeout = 0.1
        async with asyncio.timeout(20):
            await connection.close()
    assert connection.connection_lost_waiter.done()


def _joined(parts: list[str] | list[bytes]) -> str | bytes:
    first = parts[0]
    return "".join(map(str, parts)) if isinstance(first, str) else b"".join(bytes(part) for part in parts)  # type: ignore[arg-type]


async def test_messages_before_a_break_are_returned_first() -> None:
    async def says(peer: ServerConnection) -> None:
        for number in range(500):
            await peer.send(str(number))
        peer.transport.abort()

    async with connected(says) as connection:
        await connection.wait_closed()
        received, closed = await all_of(connection)
        assert [int(message) for message in received] == list(range(len(received)))
        assert closed.rcvd is None
        with pytest.raises(ConnectionClosed):
            await connection.receive_all()


async def test_text_that_is_not_utf_8_comes_as_bytes() -> None:
    async def says(peer: ServerConnection) -> None:
        await peer.send(b"\xff\xfe", text=True)
        await peer.send("well")

    async with connected(says) as connection:
        assert (await all_of(connection))[0] == [b"\xff\xfe", "well"]


async def test_a_reader_that_was_cancelled_loses_nothing() -> None:
    go = asyncio.Event()

    async def says(peer: ServerConnection) -> None:
        await go.wait()
        await peer.send("kept")

    async with connected(says) as connection:
        reader = asyncio.create_task(connection.receive_all())
        await asyncio.sleep(0)
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)
        go.set()
        assert await connection.receive_all() == ["kept"]


@with_tls
async def test_a_fast_server_is_held_back_without_loss(*, tls: bool) -> None:
    count = 30_000

    async def says(peer: ServerConnection) -> None:
        for number in range(count):
            await peer.send(f"{number:<200}")

    async with connected(says, tls=tls) as connection:
        while not connection._is_paused:  # noqa: ASYNC110 - what it waits for is no event of ours
            await asyncio.sleep(0)
        held = len(connection._inbox)
        for _ in range(50):
            await asyncio.sleep(0)
        assert len(connection._inbox) == held
        received, _ = await all_of(connection)
    assert [int(message) for message in received] == list(range(count))


async def test_a_fragmented_message_over_the_limit_ends_it() -> None:
    async def says(peer: ServerConnection) -> None:
        await peer.send(["x" * 600, "y" * 600])

    async with connected(says, max_size=1000) as connection:
        received, closed = await all_of(connection)
    assert received == []
    assert closed.sent is not None
    assert closed.sent.code == 1009


@with_tls
async def test_frequent_small_messages_are_read_together(*, tls: bool) -> None:
    count = 400

    async def says(peer: ServerConnection) -> None:
        for number in range(count):
            await peer.send(str(number))
            await asyncio.sleep(0.001)

    async with connected(says, tls=tls) as connection:
        batches = []
        with pytest.raises(ConnectionClosed):  # noqa: PT012 - whichever read is the last
            while True:
                batches.append(await connection.receive_all())
    assert [int(message) for batch in batches for message in batch] == list(range(count))
    assert len(batches) < count / 2


@pytest.fixture
def endless_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_PAUSE", "_LONG_PAUSE"):
        monkeypatch.setattr(f"runconsole.transports.inbox.{name}", 3600)


async def until_pause(connection: InboxConnection) -> int:
    """Take messages until reading pauses; return their number."""
    count = 0
    async with asyncio.timeout(PATIENCE):
        while connection._pause is None:
            count += len(await connection.receive_all())
    return count


async def counts(peer: ServerConnection) -> None:
    for number in itertools.count():
        await peer.send(str(number))
        await asyncio.sleep(0.001)


@with_tls
@pytest.mark.usefixtures("endless_pauses")
async def test_a_pause_ends_where_the_newest_messages_are_needed(*, tls: bool) -> None:
    async with connected(counts, tls=tls) as connection:
        count = await until_pause(connection)
        assert connection.read_on()
        async with asyncio.timeout(PATIENCE):
            assert (await connection.receive_all())[0] == str(count)


@pytest.mark.usefixtures("endless_pauses")
async def test_reading_goes_on_once_for_each_pause() -> None:
    async with connected(counts) as connection:
        await until_pause(connection)
        assert [connection.read_on(), connection.read_on()] == [True, False]


@pytest.mark.usefixtures("endless_pauses")
async def test_no_pause_holds_up_an_answer() -> None:
    async def answers(peer: ServerConnection) -> None:
        counting = asyncio.create_task(counts(peer))
        try:
            await peer.send(f"{await peer.recv()!s}, yes")
            await peer.wait_closed()
        finally:
            counting.cancel()

    async with connected(answers) as connection:
        await until_pause(connection)
        connection.expect_answer()
        await connection.send("really?")
        async with asyncio.timeout(PATIENCE):
            while "really?, yes" not in await connection.receive_all():
                assert connection._pause is None


@with_tls
async def test_the_end_comes_after_all_messages_although_reading_pauses(*, tls: bool) -> None:
    count = 40

    async def says(peer: ServerConnection) -> None:
        for number in range(count):
            await peer.send(str(number))
            await asyncio.sleep(0.001)

    async with connected(says, tls=tls) as connection:
        paused = await until_pause(connection)
        received, closed = await all_of(connection)
    assert isinstance(closed, ConnectionClosedOK)
    assert [int(message) for message in received] == list(range(paused, count))


@pytest.mark.usefixtures("endless_pauses")
async def test_reading_does_not_pause_for_messages_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runconsole.transports.inbox._OFTEN", 0.0)

    async with connected(counts) as connection:
        received = 0
        async with asyncio.timeout(PATIENCE):
            while received < 100:
                received += len(await connection.receive_all())
                assert connection._pause is None


# ---- against the library's own parser -------------------------------------------------------------------------------

Frame = tuple[int, bytes]
"""A frame's first byte and payload."""

PLAIN, BINARY, PING, PONG = 0x81, 0x82, 0x89, 0x8A
WHOLE = st.tuples(st.sampled_from([PLAIN, BINARY]), st.binary(max_size=300) | st.text(max_size=9).map(str.encode))
LONG = st.tuples(st.just(PLAIN), st.integers(120, 70_000).map(lambda size: b"x" * size))
CONTROL = st.tuples(st.sampled_from([PING, PONG]), st.binary(max_size=125))
PARTS = st.lists(st.binary(max_size=9), min_size=2, max_size=4).map(
    lambda parts: [(0x02, parts[0]), *((0x00, part) for part in parts[1:-1]), (0x80, parts[-1])]
)
GARBAGE = st.binary(min_size=1, max_size=20)


def frame_of(frame: Frame) -> bytes:
    first, payload = frame
    size = len(payload)
    if size < 126:
        return bytes([first, size]) + payload
    if size < 2**16:
        return bytes([first, 126]) + size.to_bytes(2) + payload
    return bytes([first, 127]) + size.to_bytes(8) + payload


HANDSHAKE = re.compile(rb"Sec-WebSocket-Key: (.*?)\r\n", re.IGNORECASE)


async def read_all(
    stream: bytes, cuts: list[int], kind: type[ClientConnection]
) -> tuple[list[str | bytes], int | None]:
    """Send bytes after a handshake, in these pieces; return the messages read and the code that was answered."""

    async def serve_raw(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = HANDSHAKE.search(await reader.readuntil(b"\r\n\r\n"))
        assert asked is not None
        head = (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept_key(asked[1].decode())}\r\n\r\n"
        )
        whole = head.encode() + stream
        for first, last in pairwise([0, *sorted({min(cut, len(whole)) for cut in cuts} - {0}), len(whole)]):
            writer.write(whole[first:last])
            await writer.drain()
            await asyncio.sleep(0)
        writer.write_eof()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve_raw, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    messages: list[str | bytes] = []
    async with (
        server,
        connect(f"ws://127.0.0.1:{port}", create_connection=kind, compression=None, max_size=66_000) as connection,
    ):
        try:
            while True:
                if isinstance(connection, InboxConnection):
                    messages += await connection.receive_all()
                else:
                    messages.append(await connection.recv(decode=False))
        except ConnectionClosed as closed:
            return messages, None if closed.sent is None else closed.sent.code


@settings(max_examples=60, deadline=None)
@given(
    st.lists(WHOLE.map(lambda frame: [frame]) | LONG.map(lambda frame: [frame]) | CONTROL.map(lambda f: [f]) | PARTS),
    st.just(b"") | GARBAGE,
    st.lists(st.integers(0, 3000), max_size=12),
)
def test_any_stream_in_any_pieces_is_read_as_by_the_library(
    frames: list[list[Frame]], garbage: bytes, cuts: list[int]
) -> None:
    stream = b"".join(frame_of(frame) for message in frames for frame in message) + garbage
    ours, our_code = asyncio.run(read_all(stream, cuts, InboxConnection))
    theirs, their_code = asyncio.run(read_all(stream, cuts, ClientConnection))
    assert [message.encode() if isinstance(message, str) else message for message in ours] == theirs
    assert our_code == their_code
