"""The tRPC wire on real servers that refuse, forget, fall silent and go away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from runconsole.events import Answer, DecisionRequested, Received
from runconsole.protocols.base import Established, ReconnectAsked, Reply, Request, Send, StreamRefused
from runconsole.protocols.trpc import calls as trpc_calls
from runconsole.protocols.trpc.wire import TrpcWire
from runconsole.session.handover import Handover
from tests.protocols.trpc.trpc_link import Link, event, question, steps, without_seen_offsets
from tests.servers.node import TrpcServer

if TYPE_CHECKING:
    from collections.abc import Callable


# ---- what the server and we do not agree on --------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["11", "10"])
@pytest.mark.parametrize("superjson", [False, True])
async def test_a_wrong_transformer_is_named(
    serve_trpc: Callable[..., TrpcServer], version: str, *, superjson: bool
) -> None:
    server = serve_trpc(trpc=version, superjson=superjson)
    for input_ in ("task", None):
        wire = TrpcWire("stream.taskProgress", input_, transformer="none" if superjson else "superjson")
        async with Link(wire, server.url) as link:
            refused = await link.first(StreamRefused)
        assert refused.fatal
        assert f'pass transformer="{"superjson" if superjson else "none"}"' in refused.reason


async def test_the_issues_of_zod_4_are_read_too(serve_trpc: Callable[..., TrpcServer]) -> None:
    async with Link(TrpcWire("stream.taskEvents", {"taskId": 5}), serve_trpc(zod=4).url) as link:
        refused = await link.first(StreamRefused)
    assert "taskId: Invalid input: expected string, received number" in refused.reason


# ---- resuming --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("superjson", [False, True])
@pytest.mark.parametrize(("path", "input_"), [("stream.taskEvents", {"taskId": "t"}), ("stream.systemEvents", None)])
async def test_after_a_crash_the_stream_goes_on_where_it_was(
    serve_trpc: Callable[..., TrpcServer], path: str, input_: Any, *, superjson: bool
) -> None:
    server = serve_trpc(superjson=superjson)
    wire = TrpcWire(path, input_)
    async with Link(wire, server.url) as link:
        await link.live()
        server.emit(*(event("t", number) for number in range(3)))
        before = await link.events(3)
        server.command("drop")
        await link.until(lambda: link.closed)
    server.emit(*(event("t", number) for number in range(3, 6)))
    with server.restarted() as again:
        async with Link(wire, again.url) as link:
            assert wire.resumes_from == "3"
            after = await link.events(3)
            again.emit(event("t", 6))
            after = await link.events(4)
        assert again.log()["subscriptions"][0]["lastEventId"] == "3"
    assert steps(before + after) == [0, 1, 2, 3, 4, 5, 6]


async def test_a_server_that_takes_no_mark_is_asked_again_without_it(serve_trpc: Callable[..., TrpcServer]) -> None:
    server = serve_trpc()
    wire = TrpcWire("stream.strictTaskEvents", {"taskId": "t"})
    async with Link(wire, server.url) as link:
        await link.live()
        server.emit(event("t", 1))
        await link.events(1)
    async with Link(wire, server.url) as link:
        await link.live()
        server.emit(event("t", 2))
        assert steps(await link.events(1)) == [2]
        assert wire.resume_refused is not None
        assert "lastEventId" in wire.resume_refused
        assert wire.resumes_from is None
        assert not link.every(StreamRefused)


async def test_a_stream_with_a_string_input_cannot_resume(serve_trpc: Callable[..., TrpcServer]) -> None:
    server = serve_trpc()
    wire = TrpcWire("stream.taskProgress", "t")
    async with Link(wire, server.url) as link:
        await link.live()
        server.emit(event("t", 1))
        await link.events(1)
    async with Link(wire, server.url) as link:
        await link.live()
        assert wire.last_event_id == "1"
        assert wire.resumes_from is None


# ---- who may come in -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "place"), [("11", "header"), ("11", "query"), ("11", "params"), ("11.7", "params"),
                                                ("10", "header"), ("10", "query")])  # fmt: skip
@pytest.mark.parametrize("superjson", [False, True])
async def test_a_wrong_token_is_refused_for_good(
    serve_trpc: Callable[..., TrpcServer],
    version: str,
    place: str,
    *,
    superjson: bool,
) -> None:
    server = serve_trpc(trpc=version, superjson=superjson, auth={"token": "s3cret", "in": place, "at": "context"})
    for token in ("s3cret", "wrong-one"):
        options: dict[str, Any] = (
            {"additional_headers": {"Authorization": f"Bearer {token}"}} if place == "header" else {}
        )
        url = {"header": "", "query": f"/?token={token}", "params": "/?connectionParams=1"}[place]
        wire = TrpcWire("stream.systemEvents", connection_params={"token": token} if place == "params" else None)
        async with Link(wire, server.url + url, **options) as link:
            if token == "s3cret":
                await link.live()
                assert (await link.call(Request("query", "debug.echo", 5))).value == 5
            else:
                refused = await link.first(StreamRefused)
                assert (refused.code, refused.fatal) == ("UNAUTHORIZED", True)
                await link.until(lambda: link.closed)
                assert not link.every(Established)


async def test_procedures_may_check_for_themselves(serve_trpc: Callable[..., TrpcServer]) -> None:
    server = serve_trpc(auth={"token": "s3cret", "in": "header", "at": "procedure"})
    async with Link(TrpcWire("stream.systemEvents"), server.url) as link:
        refused = await link.first(StreamRefused)
        reply = await link.call(trpc_calls.cancel("t"))
    assert (refused.code, refused.fatal) == ("UNAUTHORIZED", True)
    assert (reply.code, reply.error) == ("UNAUTHORIZED", "Not authenticated")


@pytest.mark.parametrize("superjson", [False, True])
async def test_trpc_10_says_that_it_knows_no_connection_parameters(
    serve_trpc: Callable[..., TrpcServer], *, superjson: bool
) -> None:
    server = serve_trpc(trpc="10", superjson=superjson)
    wire = TrpcWire("stream.systemEvents", connection_params={"token": "s3cret"})
    async with Link(wire, f"{server.url}/?connectionParams=1") as link:
        refused = await link.first(StreamRefused)
    assert refused.fatal
    assert "connection parameters (tRPC 10 has none)" in refused.reason


async def test_a_server_that_waits_for_connection_parameters_says_so(serve_trpc: Callable[..., TrpcServer]) -> None:
    async with Link(TrpcWire("stream.systemEvents"), f"{serve_trpc().url}/?connectionParams=1") as link:
        refused = await link.first(StreamRefused)
    assert refused.fatal
    assert "waits for connection parameters" in refused.reason


# ---- a link that breaks ----------------------------------------------------------------------------------------------


async def test_keep_alive_questions_are_answered(serve_trpc: Callable[..., TrpcServer]) -> None:
    server = serve_trpc(keepAlive={"pingMs": 50, "pongWaitMs": 1000})
    async with Link(TrpcWire("stream.systemEvents"), server.url) as link:
        await link.until(lambda: len([signal for signal in link.every(Send) if signal.frame == "PONG"]) >= 3)
        assert not link.closed
    assert [it["text"] for it in server.log()["received"]].count("PONG") >= 2


@pytest.mark.parametrize("version", ["11", "10"])
async def test_a_decision_with_a_lost_reply_is_never_sent_again(
    serve_trpc: Callable[..., TrpcServer], version: str
) -> None:
    server = serve_trpc(trpc=version, superjson=True)
    server.emit(question("t", "cp"))
    server.command("replies", mode="lose")
    wire = TrpcWire("stream.systemEvents")
    async with Link(wire, server.url) as link:
        await link.live()
        outgoing = wire.decide(DecisionRequested(0, "d-1", "cp", Answer("approve")), "t")
        await link.send(outgoing.frame)
        await link.until(lambda: link.closed)
        assert wire.lost() == ["d-1"]
    async with Link(wire, server.url) as link:
        await link.live()
        assert (await link.call(trpc_calls.checkpoint("cp"))).value["status"] == "decided"
        assert (await link.decide("cp")).code == "CONFLICT"
    assert len(server.log()["mutations"]) == 1


async def switch(old: Link, server: TrpcServer, more: list[dict[str, Any]]) -> None:
    """Change to a new connection as `handover` says; something happens at every step."""
    successor = old.wire.successor()
    handover = Handover(successor)
    old.through = handover.from_old
    new = Link(successor, server.url)
    new.through, new.applied = handover.from_new, old.applied
    server.emit(more[0])
    async with new:
        server.emit(more[1])
        await new.live()
        assert handover.established
        server.emit(more[2])
        await old.send(*old.wire.close())
        server.emit(more[3])
        await old.until(lambda: old.wire.drained)
        server.emit(more[4])
        await new.until(lambda: steps(new.every(Received))[-1:] == [more[-1]["payload"]["progress"]])
        new.applied += handover.finish()


@pytest.mark.parametrize("version", ["11", "11.0", "10"])
@pytest.mark.parametrize(
    ("path", "input_"),
    [("stream.taskEvents", {"taskId": "t"}), ("stream.taskProgress", "t"), ("tasks.onTaskEvent", "t")],
)
async def test_a_requested_reconnect_loses_and_doubles_nothing(
    serve_trpc: Callable[..., TrpcServer], version: str, path: str, input_: Any
) -> None:
    server = serve_trpc(trpc=version, superjson=True)
    async with Link(TrpcWire(path, input_), server.url) as old:
        await old.live()
        server.emit(event("t", 0), event("t", 1))
        await old.events(2)
        server.command("reconnect")
        await old.first(ReconnectAsked)
        await switch(old, server, [event("t", number) for number in range(2, 7)])
    assert steps(without_seen_offsets(old.applied)) == [0, 1, 2, 3, 4, 5, 6]


async def test_a_reply_still_owed_comes_over_the_old_connection(serve_trpc: Callable[..., TrpcServer]) -> None:
    server = serve_trpc()
    server.emit(question("t", "cp"))
    server.command("replies", mode="hold")
    async with Link(TrpcWire("stream.systemEvents"), server.url) as old:
        await old.live()
        await old.send(old.wire.decide(DecisionRequested(0, "d-1", "cp", Answer("approve")), "t").frame)
        server.command("reconnect")
        await old.first(ReconnectAsked)
        async with Link(old.wire.successor(), server.url) as new:
            await new.live()
            await old.send(*old.wire.close())
            await old.until(lambda: old.wire.drained)
            assert old.wire.pending == ["d-1"]
            server.command("release")
            assert (await old.first(Reply)).error is None
            assert old.wire.pending == []
            assert not new.every(Reply)
