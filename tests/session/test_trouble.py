"""One run's link when things go wrong at once: streams that break with answers under way, changes, gaps at the end."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any, Self

import pytest

from runconsole.errors import LinkLost
from runconsole.events import Answer, DecisionRequested
from runconsole.log import EventLog
from runconsole.protocols.base import Wire
from runconsole.protocols.json.wire import ChannelWire
from runconsole.protocols.trpc.wire import TrpcWire
from runconsole.reconnect import Reconnect
from runconsole.session import Session
from runconsole.session.pace import Pace
from runconsole.simulator import AskReconnect, HalfOpen, Simulator
from runconsole.state import RunState
from runconsole.store.dedup import Dedup
from runconsole.transports.websocket import WebSocketTransport
from tests.servers.json_server import PATIENCE, JsonServer, Peer
from tests.support.folding import task
from tests.support.writers import live_writer

QUICK = Pace(tick=0.02, linger=0.05, catching_up=0.05, reply=5.0, parting=5.0)
QUESTION = json.loads(task("task.hitl_required", checkpointId="c", options=["approve"]))
STARTED = {"result": {"type": "started"}}
BROKEN = {"error": {"message": "boom", "code": -32603, "data": {"code": "INTERNAL_SERVER_ERROR", "httpStatus": 500}}}


class Run:
    """A session under way, in short pauses."""

    def __init__(self, url: str, wire: Wire, *, dedup: Dedup | None = None, **options: Any) -> None:
        self.state, self.log = RunState(), EventLog()
        self.session = Session(
            live_writer(self.state, self.log, dedup=dedup),
            wire,
            WebSocketTransport(url),
            observe=lambda _effects: None,
            reconnect=Reconnect(first=0.01, longest=0.02),
            pace=QUICK,
            **options,
        )

    async def __aenter__(self) -> Self:
        self.task = asyncio.create_task(self.session.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():  # noqa: ASYNC110 - conditions on both sides of the wire
                await asyncio.sleep(0.01)

    @property
    def is_live(self) -> bool:
        return bool(self.state.links) and self.state.links[-1].state == "live"

    @property
    def seen(self) -> list[str]:
        return [event.payload for _, event in self.log.read(0, 10_000)]


class Trpc:
    """A tRPC server that has one question and does with the answer what the test says."""

    def __init__(self, then: Callable[[Trpc, Peer, int], None]) -> None:
        self._then = then
        self.stream: Any = None
        self.mutations: list[Any] = []

    def __call__(self, peer: Peer) -> None:
        done = 0
        while not peer.closed.is_set():
            messages = peer.messages
            for message in messages[done:]:
                self._on_signal(peer, message)
            done = len(messages)
            time.sleep(0.005)

    def _on_signal(self, peer: Peer, message: dict[str, Any]) -> None:
        number, method = message["id"], message["method"]
        if method == "subscription":
            self.stream = number
            peer.send({"id": number, **STARTED}, {"id": number, "result": {"type": "data", "data": QUESTION}})
        elif method == "mutation":
            self.mutations.append(message["params"])
            self._then(self, peer, number)
        elif method == "query":
            peer.send({"id": number, **BROKEN})


# ---- answers under way ----------------------------------------------------------------------------------------------


async def test_an_answer_is_awaited_after_the_stream_broke_off() -> None:
    def then(server: Trpc, peer: Peer, number: int) -> None:
        peer.send({"id": server.stream, **BROKEN})
        time.sleep(0.2)
        peer.send({"id": number, "result": {"type": "data", "data": {"ok": True}}})

    trpc = Trpc(then)
    with JsonServer(trpc) as server:
        async with Run(server.url, TrpcWire("stream.x", transformer="none")) as run:
            await run.until(lambda: run.state.open_checkpoints)
            run.session.decide(DecisionRequested(1, "d", "c", Answer("approve")))
            await run.until(lambda: len(server.peers) == 2)
            assert run.state.decisions["d"].state == "acknowledged"
        assert len(trpc.mutations) == 1


async def test_new_decisions_wait_for_the_next_connection() -> None:
    def then(server: Trpc, peer: Peer, _number: int) -> None:
        peer.send({"id": server.stream, **BROKEN})

    trpc = Trpc(then)
    second = json.loads(task("task.hitl_required", checkpointId="c2", options=["approve"]))
    with JsonServer(trpc) as server:
        async with Run(server.url, TrpcWire("stream.x", transformer="none")) as run:
            await run.until(lambda: run.state.open_checkpoints)
            server.peer.send({"id": trpc.stream, "result": {"type": "data", "data": second}})
            await run.until(lambda: len(run.state.open_checkpoints) == 2)
            run.session.decide(DecisionRequested(1, "d", "c", Answer("approve")))
            await run.until(lambda: trpc.mutations and not run.session._link_log.is_live)
            run.session.decide(DecisionRequested(2, "d2", "c2", Answer("approve")))
            assert run.state.decisions["d2"].state == "queued"
            server.peer.drop()
            await run.until(lambda: len(trpc.mutations) == 2)
            assert run.state.decisions["d"].state == "unknown"
            assert len(server.peers) == 2


# ---- changes of connections -----------------------------------------------------------------------------------------


async def test_a_server_that_asks_twice_for_a_reconnect_gets_one() -> None:
    with Simulator("tasks", wire="trpc", speed=400, decision_timeout=1e6) as sim:
        async with Run(sim.url, TrpcWire("stream.systemEvents")) as run:
            await run.until(lambda: run.state.open_checkpoints)
            sim.inject(AskReconnect())
            sim.inject(AskReconnect())
            await run.until(lambda: sim.connections == 2 and sim.clients == 1)
            sim.decide("cp-101-spec", "approve")
            await run.until(lambda: len(sim.checkpoints) >= 2 and len(run.log) == len(sim.events))
            assert sim.connections == 2
            assert [link.state for link in run.state.links] == ["connecting", "live", "live"]


# ---- reports --------------------------------------------------------------------------------------------------------


async def test_losses_are_reported_before_the_end() -> None:
    def numbered(number: int, kind: str = "worker.beat") -> dict[str, Any]:
        return {"type": kind, "seq": number, "data": {"n": number, "status": "success"}}

    def script(peer: Peer) -> None:
        if peer.number == 0:
            peer.send(numbered(1), numbered(2))
            time.sleep(0.05)
            peer.drop()
        else:
            peer.send(numbered(5), numbered(6, "execution_completed"))
            peer.close(1000)

    with JsonServer(script) as server:
        run = Run(server.url, ChannelWire())
        async with asyncio.timeout(PATIENCE):
            await run.session.run()
    *_, said, ended = run.state.links
    assert (said.state, said.missed, ended.state) == ("live", 2, "ended")


async def test_the_memory_of_a_session_before_knows_what_comes_again() -> None:
    frames = [task("task.started", 1), task("task.progress", 2, progress=50)]
    with JsonServer(frames) as server:
        async with Run(server.url, ChannelWire()) as run:
            await run.until(lambda: len(run.log) == 2)
        async with Run(server.url, ChannelWire(), dedup=run.session._dedup) as again:
            await again.until(lambda: sum(link.duplicates for link in again.state.links) == 2)
            assert again.seen == []


# ---- what is no reason to give up, and what is ----------------------------------------------------------------------


async def test_an_address_that_was_right_once_is_retried() -> None:
    with JsonServer(lambda peer: peer.send(task("task.started", peer.number))) as server:
        async with Run(server.url, ChannelWire()) as run:
            await run.until(lambda: run.is_live and run.seen)
            server._refusals[:] = [404] * 8
            server.peer.drop()
            await run.until(lambda: len(run.seen) == 2)
            assert server.handshakes == 10


@pytest.mark.parametrize("status", [400, 404, 405, 410, 426])
async def test_a_restarting_server_is_waited_for(status: int) -> None:
    with JsonServer(lambda peer: peer.send(task("task.started", peer.number))) as server:
        async with Run(server.url, ChannelWire()) as run:
            await run.until(lambda: run.is_live and run.seen)
            server._refusals[:] = [status] * 8
            server.peer.drop()
            await run.until(lambda: len(run.seen) == 2)


@pytest.mark.parametrize(("refusals", "comes_back"), [(3, True), (100, False)])
async def test_a_live_server_that_refuses_us_is_asked_a_few_times(refusals: int, *, comes_back: bool) -> None:
    with JsonServer(lambda peer: peer.send(task("task.started", peer.number))) as server:
        async with Run(server.url, ChannelWire()) as run:
            await run.until(lambda: run.is_live and run.seen)
            server._refusals[:] = [401] * refusals
            server.peer.drop()
            await run.until(lambda: len(run.seen) == 2 or run.task.done())
            assert (run.state.links[-1].state != "failed") is comes_back
            assert server.handshakes == (5 if comes_back else 7)


@pytest.mark.parametrize(
    ("code", "reason", "says_first", "handshakes"),
    [
        (1008, "", False, 1),
        (1008, "", True, 6),
        (4403, "", True, 6),
        (3000, "invalid token", True, 1),
        (1008, "unauthorized", True, 1),
        (4404, "", False, 4),
        (4401, "", False, 1),
        (4000, "Invalid token", True, 6),
    ],
)
async def test_a_refusing_close_fails_after_some_tries(
    code: int, reason: str, *, says_first: bool, handshakes: int
) -> None:
    def script(peer: Peer) -> None:
        if says_first:
            peer.send(task("task.started"))
        peer.close(code, reason)

    with JsonServer(script) as server:
        async with Run(server.url, ChannelWire()) as run:
            await run.until(run.task.done)
            assert run.state.links[-1].state == "failed"
            assert server.handshakes == handshakes
            assert str(code) in (run.state.links[-1].reason or "")


async def test_a_limit_of_requests_is_waited_out() -> None:
    def script(peer: Peer) -> None:
        if peer.number < 8:
            peer.close(1008, "token bucket empty, try again")
        else:
            peer.send(task("task.started"))

    with JsonServer(script) as server:
        async with Run(server.url, ChannelWire()) as run:
            await run.until(lambda: run.seen)


async def test_a_refusal_of_another_client_ends_nothing() -> None:
    refusal = {"type": "error", "correlationId": "theirs", "payload": {"code": "FORBIDDEN", "message": "not yours"}}
    with JsonServer([task("task.started"), refusal, task("task.progress", progress=50)]) as server:
        async with Run(server.url, ChannelWire()) as run:
            await run.until(lambda: run.state.tasks.get("t") and run.state.tasks["t"].progress == 50)
            assert run.is_live
            assert server.handshakes == 1


async def test_only_doubtful_failures_count_as_doubts() -> None:
    with JsonServer([task("task.started")], refuse=[503] * 5 + [404] * 3) as server:
        async with Run(server.url, ChannelWire()) as run:
            await run.until(lambda: run.seen)


# ---- the transport --------------------------------------------------------------------------------------------------


async def read_to_the_end(url: str, **options: Any) -> LinkLost:
    async with WebSocketTransport(url, **options).connect() as connection:
        with pytest.raises(LinkLost) as lost:  # noqa: PT012 - whichever read comes last
            while True:
                await connection.receive()
        return lost.value


async def test_a_half_open_connection_is_noticed_after_two_heartbeats() -> None:
    with Simulator("execution", speed=0, faults=[HalfOpen(3)]) as sim:
        async with asyncio.timeout(PATIENCE):
            lost = await read_to_the_end(sim.url, heartbeat=0.1)
    assert "answered no ping for 0.1 s" in str(lost)


async def test_our_own_long_message_keeps_the_mark() -> None:
    with JsonServer(lambda peer: peer.close(1009)) as server:
        lost = await read_to_the_end(server.url)
    assert lost.code is None
    assert "a message of ours was too long" in str(lost)


async def test_a_message_that_is_too_long_for_us_is_known_by_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runconsole.transports.websocket.MAX_SIZE", 2**20)
    with JsonServer(["x" * (2**20 + 1)]) as server:
        lost = await read_to_the_end(server.url)
    assert lost.code == 1009
    assert "sent a message of over 1 MiB" in str(lost)
