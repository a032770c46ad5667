"""Faults on request: each once, at its place, and the server's own record of it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus

from runconsole.simulator import (
    AskReconnect,
    Crash,
    Drop,
    Duplicate,
    Fault,
    Freeze,
    Garbage,
    HalfOpen,
    LoseReply,
    Refuse,
    Reorder,
    Simulator,
    Slow,
)
from runconsole.simulator.faults import FAULTS, parse_fault

HOURS = 1e6
SPEC = "cp-101-spec"
RESOLVE = {"type": "checkpoint.resolve", "correlationId": "c", "payload": {"checkpointId": SPEC, "decision": "approve"}}


def run(*faults: Fault, **options: Any) -> Simulator:
    given: dict[str, Any] = {"speed": 0, "faults": faults} | options
    return Simulator("execution", **given)


@asynccontextmanager
async def connected(sim: Simulator) -> AsyncIterator[ClientConnection]:
    async with connect(sim.url, compression=None, max_queue=None, close_timeout=0.2) as connection:
        yield connection


async def texts(connection: ClientConnection, count: int | None = None) -> list[str]:
    """Return that many frames; None takes all until the connection ends."""
    came: list[str] = []
    try:
        while count is None or len(came) < count:
            came.append(str(await connection.recv()))
    except ConnectionClosed:
        assert count is None
    return came


async def first_texts(sim: Simulator, count: int) -> list[str]:
    """Return the texts of the run's first events."""
    async with connect(sim.url, compression=None, max_queue=None) as connection:
        return await texts(connection, count)


@pytest.mark.parametrize(("code", "received"), [(None, 1006), (1011, 1011)])
async def test_a_drop_ends_one_connection_after_its_event(code: int | None, received: int) -> None:
    with run(Drop(5, code)) as sim:
        async with connected(sim) as connection:
            came = await texts(connection)
            assert connection.close_code == received
        assert len(came) >= 5
        async with connected(sim) as connection:
            assert len(await texts(connection, 20)) == 20
    assert [event["type"] for event in sim.delivered[0]][:5] == [event["type"] for event in sim.events[:5]]
    assert sim.delivered[1][:20] == sim.events[:20]


@pytest.mark.parametrize("forget", [False, True])
async def test_a_crashed_server_returns_with_or_without_memory(*, forget: bool) -> None:
    with run(Crash(5, 0.2, forget), speed=50) as sim:  # so that events come while nobody serves
        async with connected(sim) as connection:
            assert len(await texts(connection)) >= 5
        while sim.connections < 2:
            try:
                async with connected(sim) as connection:
                    await texts(connection, 1)
            except (OSError, InvalidMessage):
                await asyncio.sleep(0.02)
        assert (sim.delivered[1][0] == sim.events[0]) is not forget


async def test_a_silent_connection_delays_neither_crash_nor_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runconsole.simulator.wires.server._HANDSHAKE_WITHIN_S", 1000)

    async def silent() -> asyncio.StreamReader:
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(sim.url).port)
        writers.append(writer)
        return reader

    async def ended(reader: asyncio.StreamReader) -> None:
        with suppress(ConnectionResetError):
            assert await reader.read() == b""

    writers: list[asyncio.StreamWriter] = []
    with run(Crash(5, 0.01)) as sim:
        crashed = await silent()
        async with connected(sim) as connection:
            assert len(await texts(connection)) >= 5
        await ended(crashed)
        while True:
            with suppress(OSError, InvalidMessage):
                async with connected(sim) as connection:
                    await texts(connection, 1)
                    break
            await asyncio.sleep(0.02)
        stopped = await silent()
        await asyncio.to_thread(sim.stop)
        await ended(stopped)
    for writer in writers:
        writer.close()


async def test_a_frozen_server_is_silent_and_then_goes_on() -> None:
    with run(Freeze(5, 0.4)) as sim:
        before = time.monotonic()  # the server is ahead of a client on a busy machine
        async with connected(sim) as connection:
            assert len(await texts(connection, 5)) == 5
            await (await connection.ping())
            assert len(await texts(connection, 5)) == 5
            assert time.monotonic() - before >= 0.3


async def test_a_half_open_connection_is_silent_and_others_are_not() -> None:
    with run(HalfOpen(5)) as sim:
        async with connected(sim) as dead:
            assert len(await texts(dead, 5)) == 5
            pong = asyncio.ensure_future(await dead.ping())
            async with connected(sim) as alive:
                assert len(await texts(alive, 10)) == 10
                assert (sim.clients, sim.connections) == (1, 2)
            assert not pong.done()
            dead.transport.abort()
    assert len(sim.delivered[0]) == 5


async def test_events_are_sent_again_and_counted_again() -> None:
    with run(Duplicate(5, 3)) as sim:
        async with connected(sim) as connection:
            came = await texts(connection, 10)
    assert came[5:8] == came[2:5]
    assert sim.delivered[0][5:8] == sim.events[2:5]


async def test_events_change_places_and_none_is_missing() -> None:
    with run(Reorder(5, 6)) as sim:
        async with connected(sim) as connection:
            came = await texts(connection, 20)
        plain = await first_texts(sim, 20)
    assert came[:5] + came[11:] == plain[:5] + plain[11:]
    assert sorted(came[5:11]) == sorted(plain[5:11])
    assert came[5:11] != plain[5:11]
    assert sim.delivered[0][5:11] != sim.events[5:11]


async def test_reordered_events_do_not_wait_for_more_than_there_are() -> None:
    with Simulator("tasks", speed=400, decision_timeout=HOURS, faults=[Reorder(1, 3_000)]) as sim:
        async with connected(sim) as connection:
            while len(sim.checkpoints) < 2:
                await connection.recv()


async def test_garbage_comes_between_the_events_and_is_none_of_them() -> None:
    with run(Garbage(5), Garbage(7)) as sim:
        async with connected(sim) as connection:
            came = await texts(connection, 12)
        expected = await first_texts(sim, 10)
    assert [text for text in came if text in expected] == expected
    assert len([text for text in came if text not in expected]) == 2
    assert len(sim.delivered[0]) >= 10


async def test_a_slow_server_takes_a_pause_over_each_event() -> None:
    with run(Slow(2, seconds=30, pause=0.05)) as sim:
        before = time.monotonic()
        async with connected(sim) as connection:
            await texts(connection, 8)
            assert time.monotonic() - before >= 0.2


@pytest.mark.parametrize("wire", ["json", "trpc", "socketio"])
async def test_the_next_attempts_are_refused_and_counted(wire: Any) -> None:
    with run(Refuse(2, status=503), wire=wire) as sim:
        url = sim.url.replace("http", "ws") + ("/socket.io/?transport=websocket&EIO=4" if wire == "socketio" else "")
        for _ in range(2):
            with pytest.raises(InvalidStatus) as refused:
                async with connect(url):
                    pass
            assert refused.value.response.status_code == 503
        async with connect(url):
            assert sim.attempts == 3


@pytest.mark.parametrize("cut", [True, False])
async def test_a_lost_reply_is_a_decision_taken_and_never_answered(*, cut: bool) -> None:
    with Simulator("tasks", speed=400, decision_timeout=HOURS, faults=[LoseReply(1, cut=cut)]) as sim:
        async with connected(sim) as connection:
            while not sim.checkpoints:
                await connection.recv()
            await connection.send(json.dumps(RESOLVE))
            if cut:
                assert '"correlationId": "c"' not in "".join(await texts(connection))
            else:
                await until(lambda: sim.decisions)
                await connection.send('{"type":"ping","correlationId":"p"}')
                came = ""
                while '"correlationId": "p"' not in came:
                    came = str(await connection.recv())
                    assert '"correlationId": "c"' not in came
        assert [decision.option for decision in sim.decisions] == ["approve"]


async def until(condition: Callable[[], object]) -> None:
    while not condition():  # noqa: ASYNC110 - the server's thread has no event to wait for
        await asyncio.sleep(0.01)


async def test_a_fault_can_be_brought_about_now_or_some_events_later() -> None:
    with Simulator("tasks", speed=400, decision_timeout=HOURS) as sim:
        async with connected(sim) as connection:
            while not sim.checkpoints:
                await connection.recv()
            sim.inject(Drop(code=1012))
            await texts(connection)
            assert connection.close_code == 1012
        sim.inject(Drop(after=1, code=1013))
        async with connected(sim) as connection:
            while len(sim.checkpoints) < 2:
                await connection.recv()
            sim.decide(SPEC, "approve")
            await texts(connection)
            assert connection.close_code == 1013


async def test_the_same_seed_makes_the_same_trouble() -> None:
    trouble = []
    for _ in range(2):
        with run(Reorder(3, 8), Garbage(20), seed=7) as sim:
            async with connected(sim) as connection:
                trouble.append([text[:20] for text in await texts(connection, 30)])
    assert trouble[0] == trouble[1]


# ---- how they are written -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("drop:100", Drop(100)),
        ("drop:100:1011", Drop(100, 1011)),
        ("crash:200:2", Crash(200, 2.0)),
        ("crash:200:0.5:1", Crash(200, 0.5, forget=True)),
        ("lose-reply:2:0:0", LoseReply(2, 0, cut=False)),
        ("refuse:3", Refuse(3)),
        ("half-open:9", HalfOpen(9)),
        ("ask-reconnect", AskReconnect()),
    ],
)
def test_a_fault_can_be_written_as_a_word(text: str, fault: Fault) -> None:
    assert parse_fault(text) == fault


def test_every_fault_has_a_word() -> None:
    assert {type(parse_fault(name)) for name in FAULTS} == set(FAULTS.values())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("flood:1", "expected one of drop, freeze"),
        ("drop:soon", "expected a whole number for AFTER, got 'drop:soon'"),
        ("drop:1.5", "expected a whole number for AFTER"),
        ("crash:1:x", "expected a number for DOWN_S"),
        ("crash:1:1:2", "expected 0 or 1 for FORGET"),
        ("garbage:1:2", "expected at most garbage:AFTER"),
    ],
)
def test_a_word_that_is_no_fault_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_fault(text)


@pytest.mark.parametrize(
    ("fault", "wire", "words"),
    [
        ("drop", "json", "faults must be values like Drop"),
        (Drop(-1), "json", "after of Drop must be 0 to"),
        (Freeze(1, 1e9), "json", "seconds of Freeze must be 0 to 3600"),
        (Refuse(1, status=401), "json", "status of Refuse must be 500 to 599"),
        (AskReconnect(), "json", "only the wire 'trpc' can ask"),
        (Drop(1, 1011), "socketio", "Socket.IO has no close codes"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_at_once(fault: Any, wire: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Simulator("execution", wire=wire, faults=[fault])
