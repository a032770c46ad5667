"""The Socket.IO transport and wire with Node's own server, which can resume a broken connection."""

from __future__ import annotations

import asyncio
import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from runconsole.errors import LinkLost
from runconsole.events import Received
from runconsole.protocols.base import Reply, Request
from runconsole.protocols.socketio.wire import SocketIoWire
from runconsole.transports.socketio.transport import SocketIoTransport
from tests.servers.socketio_server import NodeSocketIoServer
from tests.transports.socketio.socketio_link import Follower

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

JOIN = ("join_execution", {"execution_id": "e1"})
ROOM = "execution_e1"


@pytest.fixture
def serve() -> Iterator[Callable[..., NodeSocketIoServer]]:
    """Start servers with the options given, and end them after the test."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(NodeSocketIoServer(**options))


def follow(server: NodeSocketIoServer, **options: Any) -> Follower:
    return Follower(SocketIoTransport(server.url, **options), SocketIoWire([JOIN]))


def tokens(number: int) -> list[Any]:
    return ["discovery_tokens_progress", {"session_id": "s1", "tokens_received": number}]


def numbers(follower: Follower) -> list[int]:
    return [json.loads(event.payload)["tokens_received"] for event in follower.events]


async def joined(follower: Follower, times: int = 1) -> None:
    def joins() -> int:
        return sum(isinstance(it, Received) and it.type == "execution_joined" for it in follower.signals)

    await follower.until(lambda: joins() >= times)


@pytest.mark.parametrize("recovery", [False, True])
async def test_events_come_in_order_without_the_servers_marks(
    serve: Callable[..., NodeSocketIoServer],
    recovery: bool,  # noqa: FBT001
) -> None:
    server = serve(recovery=recovery, token="t")
    async with follow(server, token="t") as follower:
        await joined(follower)
        server.command("emit", events=[tokens(n) for n in range(100)], room=ROOM)
        await follower.until(lambda: len(follower.events) >= 100)
    assert numbers(follower) == list(range(100))
    assert ('"Q' in follower.frames[-1]) is recovery, "the mark is there"


async def test_a_connection_goes_on_where_it_broke_off(serve: Callable[..., NodeSocketIoServer]) -> None:
    server = serve(recovery=True)
    async with follow(server) as follower:
        await joined(follower)
        server.command("emit", events=[tokens(n) for n in range(3)], room=ROOM)
        await follower.until(lambda: len(follower.events) == 3)
        server.command("cut")
        server.command("emit", events=[tokens(n) for n in range(3, 6)], room=ROOM)
        await joined(follower, 2)
        assert follower.wire.resumes_from is not None
        server.command("emit", events=[tokens(n) for n in range(6, 8)], room=ROOM)
        await follower.until(lambda: len(follower.events) >= 8)
    assert numbers(follower) == list(range(8))
    assert server.command("log")["recovered"] == 1


async def test_a_session_that_was_ended_is_not_taken_up_again(serve: Callable[..., NodeSocketIoServer]) -> None:
    server = serve(recovery=True)
    async with follow(server) as follower:
        await joined(follower)
        server.command("disconnect")
        await joined(follower, 2)
        assert follower.wire.resumes_from is None
        server.command("emit", events=[tokens(1)], room=ROOM)
        await follower.until(lambda: follower.events)
    assert [lost.fatal for lost in follower.lost] == [False]
    assert server.command("log")["recovered"] == 0


async def test_another_server_at_the_same_address_starts_afresh(serve: Callable[..., NodeSocketIoServer]) -> None:
    first = serve(recovery=True)
    async with follow(first) as follower:
        await joined(follower)
        first.command("emit", events=[tokens(1)], room=ROOM)
        await follower.until(lambda: follower.events)
        first.kill()
        await follower.until(lambda: follower.lost)
        second = serve(recovery=True, port=first.port)
        await joined(follower, 2)
        assert follower.wire.resumes_from is None
        second.command("emit", events=[tokens(2)], room=ROOM)
        await follower.until(lambda: len(follower.events) == 2)
    assert numbers(follower) == [1, 2]


async def test_a_call_is_acknowledged(serve: Callable[..., NodeSocketIoServer]) -> None:
    server = serve()
    async with follow(server) as follower:
        await joined(follower)
        outgoing = follower.wire.call(Request("event", "echo", {"a": [1, "ž"]}))
        await follower.send(outgoing.frame)
        await follower.until(lambda: follower.replies)
    assert follower.replies == [Reply(outgoing.request_id, {"a": [1, "ž"]})]


async def test_a_refused_token_is_the_end(serve: Callable[..., NodeSocketIoServer]) -> None:
    server = serve(token="right")
    with pytest.raises(LinkLost, match="does not accept us") as lost:
        async with asyncio.timeout(20), SocketIoTransport(server.url, token="wrong").connect():
            pass
    assert lost.value.fatal
    assert server.command("log")["connections"] == 0
