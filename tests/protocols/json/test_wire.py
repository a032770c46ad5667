"""The plain-JSON wire: greetings, authentication, keep-alive, decisions and their replies; no socket."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runconsole.errors import UnsupportedByWire
from runconsole.events import (
    Answer,
    CheckpointDecided,
    DecisionRequested,
    Logged,
    MalformedFrame,
    Received,
    TaskStarted,
)
from runconsole.protocols.base import (
    Established,
    Ping,
    Reply,
    Request,
    Send,
    Signal,
    StreamRefused,
    SubscriptionRefused,
)
from runconsole.protocols.json.wire import ChannelWire

AT = 1_763_310_885_123_456
DECISION = DecisionRequested(AT, "d-1", "cp-456", Answer("approve"))
STARTED = {"type": "task.started", "payload": {"taskId": "t"}}


def receive(wire: ChannelWire, message: Any) -> Sequence[Signal]:
    return wire.receive(message if isinstance(message, (str, bytes)) else json.dumps(message), AT)


def asked(wire: ChannelWire, decision: DecisionRequested = DECISION) -> dict[str, Any]:
    outgoing = wire.decide(decision, "task-789")
    assert outgoing.request_id == decision.decision_id
    message: dict[str, Any] = json.loads(outgoing.frame)
    return message


def test_a_questions_own_command_carries_its_answer() -> None:
    decision = DecisionRequested(AT, "d-1", "b1", Answer("reject"), command="approval_response")
    assert asked(ChannelWire(), decision) == {
        "type": "execute_command",
        "payload": {
            "command": "approval_response",
            "args": {"batch_id": "b1", "approved": False, "timestamp": "2025-11-16T16:34:45.123Z"},
        },
        "timestamp": "2025-11-16T16:34:45.123Z",
        "correlationId": "d-1",
    }


def replies(signals: Sequence[Signal]) -> list[Reply]:
    return [signal for signal in signals if isinstance(signal, Reply)]


def events(signals: Sequence[Signal]) -> list[Received]:
    return [signal for signal in signals if isinstance(signal, Received)]


# ---- opening -------------------------------------------------------------------------------------------------------


def test_a_server_that_just_sends_is_asked_for_nothing() -> None:
    assert ChannelWire().open() == []


def test_the_token_goes_first_then_the_subscriptions() -> None:
    subscribe = {"type": "subscribe", "payload": {"channel": "system"}}
    wire = ChannelWire([subscribe, "raw text"], token="s3cret")
    frames = wire.open()
    assert json.loads(frames[0]) == {"type": "auth", "token": "s3cret"}
    assert json.loads(frames[1]) == subscribe
    assert frames[2:] == ["raw text"]
    assert wire.open() == frames


@pytest.mark.parametrize("kind", ["subscribed", "authenticated", "auth.success", "welcome"])
def test_a_greeting_is_logged_and_establishes_the_connection(kind: str) -> None:
    established, event = receive(ChannelWire(), {"type": kind, "payload": {"channel": "system"}})
    assert established == Established()
    assert isinstance(event, Received)
    assert (event.type, event.fact) == (kind, Logged())


def test_only_the_first_good_message_establishes_a_connection() -> None:
    wire = ChannelWire()
    assert Established() not in receive(wire, "garbage")
    assert Established() not in receive(wire, {"type": "error", "payload": {"message": "busy"}})
    assert receive(wire, STARTED)[0] == Established()
    assert Established() not in receive(wire, STARTED)
    wire.open()
    assert receive(wire, STARTED)[0] == Established()


def test_a_ping_is_answered_and_a_pong_is_a_sign_of_life() -> None:
    wire = ChannelWire()
    sent = [signal for signal in receive(wire, {"type": "ping"}) if isinstance(signal, Send)]
    assert [json.loads(signal.frame) for signal in sent] == [{"type": "pong", "timestamp": "2025-11-16T16:34:45.123Z"}]
    assert receive(wire, {"type": "pong"}) == [Ping()]


@pytest.mark.parametrize("code", ["UNAUTHORIZED", "FORBIDDEN", "INVALID_TOKEN", "AUTH_FAILED"])
def test_a_refused_token_is_fatal_and_stays_in_the_log(code: str) -> None:
    signals = receive(ChannelWire(), {"type": "error", "payload": {"code": code, "message": "bad token"}})
    assert StreamRefused("bad token", code=code, fatal=True) in signals
    assert [event.fact for event in events(signals)] == [Logged()]
    assert Established() not in signals


@pytest.mark.parametrize("code", ["Unauthorized", "invalid-token", "TOKEN_EXPIRED", 401, 403])
def test_a_refusal_is_known_however_its_code_is_spelled(code: str | int) -> None:
    signals = receive(ChannelWire(), {"type": "error", "payload": {"code": code, "message": "no"}})
    assert StreamRefused("no", code=str(code), fatal=True) in signals


@pytest.mark.parametrize("before", [[], [STARTED]])
def test_a_refusal_of_another_clients_request_is_logged(before: list[Any]) -> None:
    wire = ChannelWire()
    for frame in before:
        receive(wire, frame)
    theirs = {"type": "error", "correlationId": "x", "payload": {"code": "FORBIDDEN", "message": "no"}}
    signals = receive(wire, theirs)
    assert [event.fact for event in events(signals)] == [Logged()]
    assert not any(isinstance(signal, StreamRefused) for signal in signals)


def test_a_refusal_of_what_we_sent_first_is_one_of_us() -> None:
    wire = ChannelWire([{"type": "subscribe", "correlationId": "ours"}])
    wire.open()
    receive(wire, STARTED)
    ours = {"type": "error", "correlationId": "ours", "payload": {"code": "FORBIDDEN", "message": "no"}}
    assert StreamRefused("no", code="FORBIDDEN", fatal=True) in receive(wire, ours)


FAILED = {"type": "error", "payload": {"code": "SUBSCRIPTION_FAILED", "message": "no such task"}}


def refused(wire: ChannelWire, message: Any) -> list[bool]:
    """Return `last` of each refusal of a subscription."""
    return [signal.last for signal in receive(wire, message) if isinstance(signal, SubscriptionRefused)]


def test_subscriptions_carry_a_time_and_a_correlation_id() -> None:
    wire = ChannelWire(channels=[{"channel": "task.t", "taskId": "t"}])
    first, again = json.loads(wire.open(AT)[0]), json.loads(wire.open(AT)[0])
    assert first == {
        "type": "subscribe",
        "payload": {"channel": "task.t", "taskId": "t"},
        "timestamp": "2025-11-16T16:34:45.123Z",
        "correlationId": "subscribe-1",
    }
    assert again["correlationId"] != first["correlationId"]


def test_a_refused_subscription_is_no_event_of_the_run() -> None:
    wire = ChannelWire(channels=[{"channel": "task.t"}])
    wire.open(AT)
    signals = receive(wire, FAILED | {"correlationId": "subscribe-1"})
    assert [event.fact for event in events(signals)] == [Logged()]
    assert SubscriptionRefused("no such task", last=True) in signals
    assert "the server said: no such task" in wire.asked


@pytest.mark.parametrize("good", [STARTED, {"type": "subscribed", "payload": {}}])
def test_a_refusal_beside_a_granted_subscription_is_not_the_last(good: Any) -> None:
    wire = ChannelWire(channels=[{"channel": "a"}, {"channel": "b"}])
    wire.open(AT)
    assert refused(wire, FAILED | {"correlationId": "subscribe-1"}) == [False]
    receive(wire, good)
    assert refused(wire, FAILED | {"correlationId": "subscribe-2"}) == [False]


def test_a_server_that_is_busy_refuses_nothing() -> None:
    wire = ChannelWire(channels=[{"channel": "a"}])
    wire.open(AT)
    busy = {"type": "error", "payload": {"code": "OVERLOADED", "message": "overloaded, try again later"}}
    assert refused(wire, busy) == []


def test_an_error_that_comes_later_is_none_of_a_subscription() -> None:
    wire = ChannelWire(channels=[{"channel": "a"}])
    wire.open(AT)
    receive(wire, STARTED)
    assert refused(wire, {"type": "error", "payload": {"code": "DISK_FULL", "message": "no space left"}}) == []


def test_wider_channels_are_tried_again_only_if_they_helped() -> None:
    wire = ChannelWire(wider=[{"channel": "system"}])
    assert wire.open(AT) == []
    assert [json.loads(frame)["payload"] for frame in wire.widen(AT)] == [{"channel": "system"}]
    assert wire.widen(AT) == []
    receive(wire, {"type": "subscribed", "payload": {}})
    assert len(wire.open(AT)) == 1
    assert wire.open(AT) == []


@pytest.mark.parametrize("message", ["token bucket empty, try again", "rate limit exceeded"])
def test_a_limit_of_requests_is_no_refusal(message: str) -> None:
    signals = receive(ChannelWire(), {"type": "error", "payload": {"code": "FORBIDDEN", "message": message}})
    assert not any(isinstance(signal, StreamRefused) for signal in signals)


def test_an_error_of_a_task_is_no_refusal() -> None:
    wire = ChannelWire()
    receive(wire, STARTED)
    signals = receive(wire, {"type": "error", "data": {"task_id": "t", "message": "no", "code": "UNAUTHORIZED"}})
    assert [type(signal) for signal in signals] == [Received]


# ---- decisions -----------------------------------------------------------------------------------------------------


def test_a_decision_is_the_message_of_the_specification() -> None:
    assert asked(ChannelWire()) == {
        "type": "checkpoint.resolve",
        "payload": {"checkpointId": "cp-456", "taskId": "task-789", "decision": "approve"},
        "timestamp": "2025-11-16T16:34:45.123Z",
        "correlationId": "d-1",
    }


def test_feedback_and_modifications_are_sent_if_given() -> None:
    decision = DecisionRequested(AT, "d", "c", Answer("modify", "shorter", {"ttl": [1, None, "ž"]}))
    payload = asked(ChannelWire(), decision)["payload"]
    assert (payload["feedback"], payload["modifications"]) == ("shorter", {"ttl": [1, None, "ž"]})


def test_a_users_own_function_names_the_message_and_its_payload() -> None:
    wire = ChannelWire(decide=lambda decision: ("my.answer", {"for": decision.checkpoint_id}))
    message = asked(wire)
    assert (message["type"], message["payload"]) == ("my.answer", {"for": "cp-456"})
    assert message["correlationId"] == "d-1"


@pytest.mark.parametrize("kind", ["ack", "checkpoint.resolve", "checkpoint.resolved", "ok"])
def test_any_reply_with_its_id_acknowledges_a_decision(kind: str) -> None:
    wire = ChannelWire()
    asked(wire)
    payload = {"checkpointId": "cp-456", "decision": "approve"}
    signals = receive(wire, {"type": kind, "payload": payload, "correlationId": "d-1"})
    assert [(reply.request_id, reply.value, reply.error) for reply in replies(signals)] == [("d-1", payload, None)]
    assert len(events(signals)) == 1
    assert replies(receive(wire, {"type": kind, "payload": payload, "correlationId": "d-1"})) == []


@pytest.mark.parametrize(
    ("payload", "reply"),
    [
        ({"message": "no", "code": "HITL_ALREADY_DECIDED"}, Reply("d-1", error="no", code="HITL_ALREADY_DECIDED")),
        ({"error": "no"}, Reply("d-1", error="no")),
        ({"code": "X"}, Reply("d-1", error="X", code="X")),
        ({}, Reply("d-1", error="the server refused without a reason")),
        ("just text", Reply("d-1", error="just text")),
    ],
)
def test_an_error_with_its_correlation_id_refuses_a_decision(payload: object, reply: Reply) -> None:
    wire = ChannelWire()
    asked(wire)
    signals = receive(wire, {"type": "error", "payload": payload, "correlationId": "d-1"})
    assert replies(signals) == [reply]
    assert [event.fact for event in events(signals)] == [Logged()]


def test_a_reply_with_a_decider_is_also_that_event() -> None:
    wire = ChannelWire()
    asked(wire)
    message = {"type": "checkpoint.resolved", "payload": {"checkpointId": "cp-456"}, "correlationId": "d-1"}
    (event,) = events(receive(wire, message))
    assert event.fact == CheckpointDecided("cp-456")


def test_an_error_to_a_request_we_did_not_make_is_no_reply() -> None:
    wire = ChannelWire()
    receive(wire, STARTED)
    assert replies(receive(wire, {"type": "error", "payload": {"message": "no"}, "correlationId": "other"})) == []


def test_requests_without_a_reply_are_lost_once() -> None:
    wire = ChannelWire()
    asked(wire)
    assert list(wire.lost()) == ["d-1"]
    assert list(wire.lost()) == []
    assert replies(receive(wire, {"type": "ack", "correlationId": "d-1"})) == []


def test_plain_json_has_no_calls_and_nothing_to_say_at_the_end() -> None:
    with pytest.raises(UnsupportedByWire, match="plain JSON"):
        ChannelWire().call(Request("query", "tasks.get"))
    assert list(ChannelWire().close()) == []


# ---- everything is kept --------------------------------------------------------------------------------------------


def test_events_malformed_frames_and_arrays_all_become_signals() -> None:
    wire = ChannelWire()
    signals = [*receive(wire, json.dumps([STARTED, STARTED]).encode()), *receive(wire, b"\xff")]
    assert [event.fact for event in events(signals)] == [
        TaskStarted("t"),
        TaskStarted("t"),
        MalformedFrame("not UTF-8"),
    ]


keys = st.sampled_from(["type", "payload", "data", "correlationId", "timestamp", "message", "code"])
values = st.recursive(
    st.none()
    | st.integers()
    | st.text(max_size=5)
    | st.sampled_from(["error", "ping", "subscribed", "d-1", "UNAUTHORIZED"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(keys, values).map(json.dumps) | st.text() | st.binary(), max_size=6))
def test_no_frame_makes_the_wire_raise(frames: list[str | bytes]) -> None:
    wire = ChannelWire()
    asked(wire)
    for frame in frames:
        signals = wire.receive(frame, AT)
        assert len(replies(signals)) <= 1


def test_a_heartbeat_in_words_is_a_sign_of_life_and_no_row() -> None:
    wire = ChannelWire()
    wire.open()
    assert wire.receive("ping", AT) == [Send("pong")]
    for frame in ("", "\n", "heartbeat", ": comment", "2"):
        assert wire.receive(frame, AT) == [Ping()]


# ---- servers of another protocol -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "frame",
    [
        '{"id":null,"error":{"message":"Invalid request id","code":-32700}}',
        '{"id":null,"error":{"json":{"message":"Invalid request id","code":-32700}}}',
        '{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request"},"id":null}',
    ],
)
def test_an_error_of_a_remote_call_shows_another_protocol(frame: str) -> None:
    wire = ChannelWire()
    (event,) = events(receive(wire, frame))
    assert (event.type, type(event.fact), event.payload, wire.is_foreign) == ("error", Logged, frame, True)
    wire.open()
    assert not wire.is_foreign


@pytest.mark.parametrize("frame", ['{"error":"no"}', '{"id":3,"error":"no"}', '{"id":3}', '{"error":{"code":1}}'])
def test_other_messages_without_a_type_do_not(frame: str) -> None:
    wire = ChannelWire()
    receive(wire, frame)
    assert not wire.is_foreign


_FORMS: list[str | bytes] = [
    *(json.dumps(message) for message in (STARTED, {"type": "ping"}, {"type": "pong"}, {"type": "welcome"})),
    *(json.dumps(STARTED | more) for more in ({"id": 7}, {"seq": 3}, {"taskId": "beside"}, {"correlationId": "c"})),
    '{"type": "progress_update", "timestamp": "2025-11-16T16:34:45.123Z", "data": {"task_id": "t"}}',
    '{"type": "task_started", "taskId": "t"}',
    '{"type": "error", "message": "no"}',
    '{"type": "malformed", "data": {}}',
    '{"type": "malformed", "payload": {"id": 1, "error": {"code": -1}}}',
    '{"type": "checkpoint.resolved", "correlationId": "d-1", "payload": {"checkpointId": "cp-456"}}',
    json.dumps([STARTED, STARTED]),
    json.dumps(STARTED).encode(),
    b'{"type": "task_started", "taskId": "t"}',
    b"\xff{}",
    "ping",
    "",
    "{",
    'null\n{"type": "task_started"}',
]


@given(st.lists(st.sampled_from(_FORMS), max_size=12))
def test_frames_read_together_are_read_as_one_by_one(frames: list[str | bytes]) -> None:
    wires = ChannelWire(), ChannelWire()
    for wire in wires:
        wire.decide(DECISION, "t")
        receive(wire, STARTED)
    one_by_one = [signal for frame in frames for signal in wires[0].receive(frame, AT)]
    together: list[Signal] = []
    rest = frames
    while rest:
        found: Sequence[Signal] = wires[1].receive_plain(rest, AT)
        together += found or wires[1].receive(rest[0], AT)
        rest = rest[len(found) or 1 :]
    assert together == one_by_one
    assert wires[1].lost() == wires[0].lost()
    assert wires[1].asked == wires[0].asked


def test_nothing_is_plain_before_the_server_has_accepted_us() -> None:
    wire = ChannelWire()
    assert list(wire.receive_plain([json.dumps(STARTED)], AT)) == []
    receive(wire, STARTED)
    assert len(wire.receive_plain([json.dumps(STARTED)] * 3 + ["ping"], AT)) == 3
