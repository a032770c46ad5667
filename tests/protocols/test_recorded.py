"""A wire with another wire's sent frames reads the received ones in the same way: recordings depend on it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runconsole.events import Answer, DecisionRequested, Logged, Received
from runconsole.protocols.base import Signal, Wire
from runconsole.protocols.json.wire import ChannelWire
from runconsole.protocols.socketio.wire import SocketIoWire
from runconsole.protocols.trpc import calls as trpc_calls
from runconsole.protocols.trpc.wire import TrpcWire
from tests.support.folding import task

DECISION = DecisionRequested(1_763_310_720_000_000, "d-1", "c", Answer("approve"))


def events(signals: Any) -> list[Signal]:
    return [signal for signal in signals if isinstance(signal, Received)]


def both(live: Wire, frames: list[Any], replayed: Wire, *, sent: list[str]) -> list[Signal]:
    """Return the events of the frames, which both wires must read alike."""
    replayed.begin()
    for frame in sent:
        replayed.sent(frame, {"d-1"})
    read = [events(live.receive(frame, 5)) for frame in frames]
    assert [events(replayed.receive(frame, 5)) for frame in frames] == read
    return [event for some in read for event in some]


def test_plain_json_knows_the_reply_to_a_decision_again() -> None:
    live, replayed = ChannelWire([{"correlationId": "mine"}]), ChannelWire()
    sent = [*live.open(), live.decide(DECISION, "t").frame, "pong"]
    started = json.loads(task("task.started"))
    replies = [json.dumps(started | {"correlationId": name}) for name in ("d-1", "mine")]
    read = both(live, replies, replayed, sent=sent)
    assert [isinstance(event.fact, Logged) for event in read if isinstance(event, Received)] == [True, False]


@pytest.mark.parametrize("transformer", ["auto", "none"])
def test_trpc_recognizes_recorded_streams_and_requests(transformer: Any) -> None:
    live, replayed = TrpcWire("stream.all", transformer=transformer), TrpcWire("other", transformer=transformer)
    sent = list(live.open())
    frames: list[str] = []
    if transformer == "auto":
        error = {"message": "No such procedure", "code": -32004, "data": {"code": "NOT_FOUND", "httpStatus": 404}}
        frames.append(json.dumps({"id": 1, "error": error}))
        replayed.begin()
        replayed.sent(sent[0], ())
        (signal,) = live.receive(frames[0], 5)
        assert len(events(replayed.receive(frames[0], 5))) == 0
        sent.append(signal.frame)  # type: ignore[union-attr]
    number = json.loads(sent[-1])["id"]
    sent += [live.decide(DECISION, "t").frame, live.call(trpc_calls.cancel("t")).frame, "PONG"]
    data = json.loads(task("task.started"))
    came = [
        {"id": number, "result": {"type": "started"}},
        {"id": number, "result": {"type": "data", "id": "17", "data": {"id": "17", "data": data}}},
        {"id": number + 1, "result": {"data": data}},
        {"id": number + 2, "error": {"message": "no", "code": -32600, "data": {"code": "BAD_REQUEST"}}},
    ]
    rest = sent[1:] if transformer == "auto" else sent
    if transformer == "none":
        replayed.begin()
    for frame in rest:
        replayed.sent(frame, ())
    for message in came:
        frame = json.dumps(message)
        assert events(replayed.receive(frame, 5)) == events(live.receive(frame, 5))
    assert replayed.last_event_id == live.last_event_id == "17"


def test_socketio_knows_joins_and_calls_again() -> None:
    rooms = [("join_execution", {"execution_id": "e"})]
    live, replayed = SocketIoWire(rooms), SocketIoWire(rooms)
    sent = [*live.open(), live.decide(DECISION, "t").frame]
    ids = [json.loads(frame)[1] for frame in sent]
    event = json.dumps(["event", ["task.started", json.loads(task("task.started", 1))]])
    frames = ['["connected",{"sid":"s"}]', event, *(f'["ack","{name}",[{{"ok":true}}]]' for name in ids), event]
    assert len(both(live, frames, replayed, sent=sent)) == 2
    assert replayed.rooms == 1
