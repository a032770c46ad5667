"""The Socket.IO transport and wire with python-socketio's own server: connecting, breaking, coming back, leaving."""

from __future__ import annotations

import asyncio
import gc
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runconsole.errors import LinkLost
from runconsole.events import Answer, DecisionRequested
from runconsole.protocols.base import Reply
from runconsole.transports.socketio import transport as transport_module
from runconsole.transports.socketio.transport import SocketIoTransport
from tests.servers.socketio_server import NO_ANSWER, SocketIoServer
from tests.transports.socketio.socketio_link import (
    JOIN,
    ROOM,
    TOKEN,
    drain,
    follow,
    numbers,
    refused,
    tokens,
    until,
    update,
)

if TYPE_CHECKING:
    from collections.abc import Callable


PEM = Path(__file__).parents[2] / "servers" / "localhost.pem"


# ---- events ---------------------------------------------------------------------------------------------------------


async def test_packets_before_the_connection_are_not_lost(
    serve_socketio: Callable[..., SocketIoServer],
) -> None:
    server = serve_socketio()
    async with SocketIoTransport(server.url).connect() as connection:
        texts: list[str] = []
        while len(texts) < 2:
            texts += await connection.receive()
    frames = [json.loads(text) for text in texts]
    sid = frames[1][1][1]["sid"]
    assert frames == [["connected", {"sid": sid}, False], ["event", ["connected", {"sid": sid}]]]


async def test_a_burst_keeps_its_order(serve_socketio: Callable[..., SocketIoServer]) -> None:
    asyncio.get_running_loop().set_debug(False)  # many times slower, with a task for each packet
    server = serve_socketio()
    async with follow(server) as follower:
        await follower.joined()
        await asyncio.to_thread(server.emit, *(update(n) for n in range(5000)), rooms=[ROOM])
        await follower.until(lambda: len(follower.events) >= 5000)
    assert numbers(follower) == list(range(5000))
    assert follower.lost == []


async def test_a_payload_is_byte_for_byte_what_the_server_sent(serve_socketio: Callable[..., SocketIoServer]) -> None:
    server = serve_socketio()
    async with follow(server) as follower:
        await follower.joined()
        server.send_raw('2["progress_update",{ "task_id" : "t\\u0031", "duration_ms":1.50}]')
        await follower.until(lambda: follower.events)
    assert follower.events[0].payload == '{ "task_id" : "t\\u0031", "duration_ms":1.50}'


async def test_a_message_of_5_MB_arrives(serve_socketio: Callable[..., SocketIoServer]) -> None:  # noqa: N802 - its unit
    server = serve_socketio()
    async with follow(server) as follower:
        await follower.joined()
        server.emit(update(1, note="x" * 5_000_000), rooms=[ROOM])
        await follower.until(lambda: follower.events)
    assert len(json.loads(follower.events[0].payload)["note"]) == 5_000_000


async def test_a_message_over_the_limit_ends_the_connection(
    serve_socketio: Callable[..., SocketIoServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runconsole.transports.socketio.client.MAX_SIZE", 1000)
    server = serve_socketio()
    async with follow(server) as follower:
        await follower.joined()
        server.emit(update(1, note="x" * 1000), rooms=[ROOM])
        await follower.until(lambda: follower.lost)
    assert follower.lost[0].code == 1009
    assert "was over the limit" in str(follower.lost[0])


async def test_binary_arguments_come_as_base64(serve_socketio: Callable[..., SocketIoServer]) -> None:
    server = serve_socketio()
    async with follow(server) as follower:
        await follower.joined()
        server.emit(("blob", {"data": b"\x00\xff", "n": 1}), ("tick", {}))
        await follower.until(lambda: len(follower.events) == 2)
    assert [(it.type, it.payload) for it in follower.events] == [("blob", '{"data":"AP8=","n":1}'), ("tick", "{}")]


@pytest.mark.parametrize("name", ["connect", "disconnect", "connect_error", "frame", "gone", "*", "message", ""])
async def test_an_event_may_have_any_name(serve_socketio: Callable[..., SocketIoServer], name: str) -> None:
    server = serve_socketio()
    async with follow(server) as follower:
        await follower.joined()
        server.emit((name, {"n": 1}))
        await follower.until(lambda: follower.events)
    assert [(it.type, it.payload) for it in follower.events] == [(name, '{"n":1}')]
    assert follower.lost == []


@pytest.mark.parametrize(
    "packet",
    [
        *("", "9", "2", "2{oops", "2[]", "3", "30[]", "399[]", "x", b"\x01\x02", "51-{oops", '0["odd"]', "2[NaN]"),
        '51-["e",{"_placeholder":true,"num":7}]',
    ],
)
async def test_no_packet_disturbs_what_follows(
    serve_socketio: Callable[..., SocketIoServer], packet: str | bytes, caplog: pytest.LogCaptureFixture
) -> None:
    server = serve_socketio()
    async with follow(server) as follower:
        await follower.joined()
        server.send_raw(packet)
        if str(packet).startswith('51-["e"'):
            server.send_raw(b"an attachment")
        server.emit(update(1), rooms=[ROOM])
        await follower.until(lambda: "t1" in [getattr(event.fact, "task_id", None) for event in follower.events])
    assert follower.lost == []
    gc.collect()
    assert caplog.records == []


async def test_a_server_that_asks_gets_an_empty_answer(serve_socketio: Callable[..., SocketIoServer]) -> None:
    server = serve_socketio()
    async with follow(server) as follower:
        await follower.joined()
        assert await asyncio.to_thread(server.ask, "question", {"n": 1}) is None
    assert [event.type for event in follower.events] == ["question"]


# ---- rooms ----------------------------------------------------------------------------------------------------------


async def test_an_event_that_comes_over_two_rooms_counts_once(serve_socketio: Callable[..., SocketIoServer]) -> None:
    server = serve_socketio()
    rooms: list[str | None] = [ROOM, "discovery_s1"]
    async with follow(server, JOIN, ("join_discovery", {"session_id": "s1"})) as follower:
        await follower.joined(2)
        server.emit(*(update(n) for n in range(20)), *(tokens(n) for n in range(20)), rooms=rooms)
        await follower.until(lambda: follower.repeated >= 40)
    assert numbers(follower) == [*range(20), *range(20)]


async def test_a_late_comer_gets_what_the_server_remembers(serve_socketio: Callable[..., SocketIoServer]) -> None:
    server = serve_socketio()
    server.emit(*(update(n) for n in range(3)), rooms=[ROOM], key="e1")
    async with follow(server) as follower:
        await follower.until(lambda: len(follower.events) == 3)
    assert numbers(follower) == [0, 1, 2]


@pytest.mark.parametrize("make", [update, tokens], ids=["with timestamps", "without"])
@pytest.mark.parametrize("end", ["kill", "cut_all", "disconnect_all"])
async def test_missed_events_come_once_after_a_reconnect(
    serve_socketio: Callable[..., SocketIoServer], make: Callable[[int], tuple[str, Any]], end: str
) -> None:
    server = serve_socketio()
    async with follow(server) as follower:
        await follower.joined()
        server.emit(*(make(n) for n in range(5)), rooms=[ROOM], key="e1")
        await follower.until(lambda: len(follower.events) == 5)
        getattr(server, end)()
        await follower.until(lambda: follower.lost)
        if end == "kill":
            server.history["e1"] += [make(n) for n in range(5, 8)]
            server.start()
        await follower.joined(2)
        server.emit(*(make(n) for n in range(8, 10)), rooms=[ROOM], key="e1")
        last = 10 if end == "kill" else 7
        await follower.until(lambda: len(follower.events) >= last)
    assert numbers(follower) == [*range(5), *(range(5, 10) if end == "kill" else range(8, 10))]
    assert follower.repeated == 5, [str(it) for it in follower.lost]
    assert not any(lost.fatal for lost in follower.lost)


# ---- decisions ------------------------------------------------------------------------------------------------------


async def decided(server: SocketIoServer, checkpoint_id: str) -> Reply:
    async with follow(server) as follower:
        await follower.joined()
        decision = DecisionRequested(0, "d1", checkpoint_id, Answer("approve", "ship it"))
        await follower.send(follower.wire.decide(decision, "t1").frame)
        await follower.until(lambda: follower.replies)
    return follower.replies[0]


async def test_a_decision_is_acknowledged(serve_socketio: Callable[..., SocketIoServer]) -> None:
    server = serve_socketio()
    assert await decided(server, "cp1") == Reply("d1", {"status": "ok"})
    assert server.until("checkpoint_resolve") == [
        {"checkpointId": "cp1", "decision": "approve", "feedback": "ship it", "taskId": "t1"}
    ]


async def test_a_decision_is_refused(serve_socketio: Callable[..., SocketIoServer]) -> None:
    server = serve_socketio()
    server.answers["cp1"] = {"error": "already decided", "code": "HITL_ALREADY_DECIDED"}
    assert await decided(server, "cp1") == Reply("d1", error="already decided", code="HITL_ALREADY_DECIDED")


async def test_a_decision_that_nobody_acknowledges_has_no_reply(serve_socketio: Callable[..., SocketIoServer]) -> None:
    server = serve_socketio()
    server.answers["cp1"] = NO_ANSWER
    async with follow(server) as follower:
        await follower.joined()
        await follower.send(follower.wire.decide(DecisionRequested(0, "d1", "cp1", Answer("approve")), None).frame)
        await asyncio.to_thread(server.until, "checkpoint_resolve")
        server.emit(update(1), rooms=[ROOM])
        await follower.until(lambda: follower.events)
        assert follower.replies == []
        assert follower.wire.lost() == ["d1"]


async def test_sending_over_a_connection_that_has_ended_says_so(serve_socketio: Callable[..., SocketIoServer]) -> None:
    server = serve_socketio()
    async with SocketIoTransport(server.url).connect() as connection:
        server.kill()
        with pytest.raises(LinkLost, match="broke without a goodbye") as lost:
            await drain(connection)
        assert lost.value.code == 1006
        with pytest.raises(LinkLost):
            await connection.send('["call","1",["tick"]]')


# ---- being let in ---------------------------------------------------------------------------------------------------


async def test_the_token_goes_into_the_auth_object(serve_socketio: Callable[..., SocketIoServer]) -> None:
    server = serve_socketio(token=TOKEN)
    async with follow(server, token=TOKEN) as follower:
        await follower.joined()
    assert server.auths == [{"token": TOKEN}]


@pytest.mark.parametrize(
    ("refusal", "fatal", "said"),
    [
        (
            ("Invalid or expired token", {"code": "UNAUTHORIZED"}),
            True,
            "does not accept us (Invalid or expired token, UN",
        ),
        (("no", {"code": "UNAUTHORIZED"}), True, "does not accept us (no, UNAUTHORIZED)"),
        ((), True, "does not accept us (Connection rejected by server)"),
        (("still starting",), False, "does not let us in (still starting)"),
        (("token bucket empty, try again",), False, "does not let us in (token bucket empty, try again)"),
        (("no", {"status": 401}), True, "does not accept us (no)"),
        ((f"{TOKEN} is no valid token\x1b[2J",), True, "(*** is no valid token [2J)"),
    ],
)
async def test_a_refusal_says_why_and_shows_no_secret(
    serve_socketio: Callable[..., SocketIoServer],
    refusal: tuple[Any, ...],
    fatal: bool,  # noqa: FBT001
    said: str,
) -> None:
    lost = await refused(SocketIoTransport(serve_socketio(refusal=refusal).url, token=TOKEN))
    assert said in str(lost)
    assert lost.fatal is fatal


async def test_one_read_is_small_so_that_other_tasks_run(
    serve_socketio: Callable[..., SocketIoServer],
) -> None:
    async with SocketIoTransport(serve_socketio().url).connect() as client:
        transport: Any = client._dialer.socket._response.connection.transport  # type: ignore[union-attr]
        assert transport.max_size == 16 * 2**10


async def test_a_refused_token_is_tried_once(serve_socketio: Callable[..., SocketIoServer]) -> None:
    server = serve_socketio(token=TOKEN)
    async with follow(server, token="wrong") as follower:
        await follower._task
    assert (server.handshakes, server.connections) == (1, 1)
    assert [lost.fatal for lost in follower.lost] == [True]


async def test_a_token_revoked_offline_is_tried_once_more(
    serve_socketio: Callable[..., SocketIoServer],
) -> None:
    server = serve_socketio(token=TOKEN)
    async with follow(server, token=TOKEN) as follower:
        await follower.joined()
        server.token = "another"
        server.cut_all()
        await follower._task
    assert [lost.fatal for lost in follower.lost] == [False, True]
    assert server.handshakes == 2


async def test_a_server_that_accepts_and_closes_is_recognized(
    serve_socketio: Callable[..., SocketIoServer],
) -> None:
    server = serve_socketio(refusal=("Unauthorized",), always_connect=True)
    async with follow(server) as follower:
        await follower._task
    assert [str(lost).partition(" ")[2] for lost in follower.lost] == [
        "does not accept us (Unauthorized): pass a valid token="
    ]


async def test_a_slow_connect_handler_is_waited_for(serve_socketio: Callable[..., SocketIoServer]) -> None:
    server = serve_socketio(connect_delay=1.5)
    async with follow(server) as follower:
        await follower.joined()
    assert follower.lost == []


async def test_a_connect_handler_that_never_ends_is_given_up(serve_socketio: Callable[..., SocketIoServer]) -> None:
    lost = await refused(SocketIoTransport(serve_socketio(connect_delay=1000).url, open_timeout=0.3))
    assert "did not answer within 0.3 s" in str(lost)
    assert not lost.fatal


async def test_a_break_during_the_handshake_is_noticed_at_once(
    serve_socketio: Callable[..., SocketIoServer],
) -> None:
    server = serve_socketio(connect_delay=1000)
    opening = asyncio.create_task(refused(SocketIoTransport(server.url, open_timeout=1000)))
    await until(lambda: server.connections)
    server.kill()
    assert "broke without a goodbye" in str(await opening)


# ---- breaking -------------------------------------------------------------------------------------------------------


async def test_a_goodbye_is_no_failure(serve_socketio: Callable[..., SocketIoServer]) -> None:
    server = serve_socketio()
    async with follow(server) as follower:
        await follower.joined()
        server.disconnect_all()
        await follower.joined(2)
    assert [(str(lost).partition(" ")[2], lost.fatal, lost.orderly) for lost in follower.lost] == [
        ("ended the connection", False, True)
    ]


async def test_a_half_open_connection_is_noticed_by_our_pings(
    serve_socketio: Callable[..., SocketIoServer],
) -> None:
    server = serve_socketio(ping_interval=1000, ping_timeout=1000)
    async with follow(server, heartbeat=0.2) as follower:
        await follower.joined()
        with server.frozen():
            await follower.until(lambda: follower.lost)
        await follower.joined(2)
    assert "answered no ping for 0.1 s" in str(follower.lost[0])


def test_a_half_open_connection_is_noticed_within_25_seconds() -> None:
    rounding = 2  # aiohttp's timers end on whole seconds
    assert transport_module.HEARTBEAT * 1.5 + rounding <= 25


async def test_a_server_that_answers_pings_stays(serve_socketio: Callable[..., SocketIoServer]) -> None:
    server = serve_socketio(ping_interval=0.2, ping_timeout=5)
    # A pong has half of the heartbeat's time: less than a crowded machine takes would be no answer.
    async with follow(server, heartbeat=2) as follower:
        await follower.joined()
        await asyncio.sleep(4.5)
        server.emit(update(1), rooms=[ROOM])
        await follower.until(lambda: follower.events)
    assert follower.lost == []
