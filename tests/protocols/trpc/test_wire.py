"""The tRPC wire without a server: the transformer, the order of messages, events, resuming."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runconsole.errors import NotConnected
from runconsole.events import MalformedFrame, Received
from runconsole.protocols.base import Ping, ReconnectAsked, Send, StreamRefused
from runconsole.protocols.trpc import calls as trpc_calls
from runconsole.protocols.trpc.wire import TrpcWire
from tests.protocols.trpc.trpc_frames import (
    AT,
    EVENT,
    came,
    data,
    decision,
    failed,
    kinds,
    marks,
    opened,
    sent,
    started,
    stopped,
)

# ---- finding out the transformer -------------------------------------------------------------------------------------


@pytest.mark.parametrize("enveloped", [False, True])
def test_auto_probes_before_it_subscribes(*, enveloped: bool) -> None:
    wire = TrpcWire("stream.taskProgress", "t")
    [probe] = [json.loads(frame) for frame in wire.open()]
    assert probe["method"] == "query"
    assert probe["params"]["input"] == {}, "the only input that both kinds of server can read"
    subscription = sent(came(wire, failed(probe["id"], "NOT_FOUND", enveloped=enveloped)))
    assert subscription["id"] != probe["id"]
    assert subscription["method"] == "subscription"
    assert subscription["params"]["input"] == ({"json": "t"} if enveloped else "t")
    came(wire, started(subscription["id"]))
    [again] = [json.loads(frame) for frame in wire.open()]
    assert again["method"] == "subscription", "what was found out once is kept"


@pytest.mark.parametrize("enveloped", [False, True])
def test_auto_also_learns_from_an_error_that_names_no_request(*, enveloped: bool) -> None:
    wire = TrpcWire("stream.taskProgress", "t")
    wire.open()
    subscription = sent(came(wire, failed(None, "PARSE_ERROR", enveloped=enveloped)))
    assert subscription["params"]["input"] == ({"json": "t"} if enveloped else "t")


@pytest.mark.parametrize("answer", [{"json": 1}, {"json": 1, "meta": {}}, 5, {"json": 1, "x": 2}])
def test_auto_learns_from_a_server_that_answers_any_query(answer: Any) -> None:
    wire = TrpcWire("stream.taskProgress", "t")
    wire.open()
    enveloped = isinstance(answer, dict) and "x" not in answer
    assert sent(came(wire, data(1, answer)))["params"]["input"] == ({"json": "t"} if enveloped else "t")


def test_an_unknown_transformer_is_refused_for_good() -> None:
    wire = TrpcWire("stream.taskProgress", "t")
    wire.open()
    [refused] = came(wire, {"id": 1, "error": "[{}]"})
    assert isinstance(refused, StreamRefused)
    assert refused.fatal
    assert "superjson" in refused.reason


def test_until_the_transformer_is_known_nothing_else_is_sent() -> None:
    wire = TrpcWire("stream.taskProgress", "t")
    wire.open()
    with pytest.raises(NotConnected, match="superjson"):
        wire.decide(decision(), None)
    with pytest.raises(NotConnected, match="superjson"):
        wire.call(trpc_calls.cancel("t"))
    assert wire.pending == []


def test_auto_probes_again_when_the_server_changes_kind() -> None:
    wire = TrpcWire("stream.taskProgress", "t")
    wire.open()
    came(wire, failed(1, "NOT_FOUND"), started(2))
    wire.open()
    assert sent(came(wire, failed(3, "BAD_REQUEST", enveloped=True)))["params"]["input"] == {"json": "t"}


@pytest.mark.parametrize(("transformer", "right"), [("none", "superjson"), ("superjson", "none")])
def test_the_refusal_names_a_wrong_transformer(transformer: str, right: str) -> None:
    wire = opened(transformer=transformer)
    [refused] = came(wire, failed(None, "PARSE_ERROR", enveloped=transformer == "none"))
    assert isinstance(refused, StreamRefused)
    assert refused.fatal
    assert f'transformer="{right}"' in refused.reason


# ---- the order of messages -------------------------------------------------------------------------------------------


def test_trpc_10_may_send_data_before_started() -> None:
    wire = opened()
    assert kinds(came(wire, data(1), data(1), started(1))) == ["Established", "Received", "Received", "Ping"]


def test_trpc_10_may_send_everything_before_started() -> None:
    wire = opened()
    signals = came(wire, data(1), stopped(1), started(1), stopped(1))
    assert kinds(signals) == ["Established", "Received", "StreamEnded", "Ping", "Ping"]


def test_a_stream_that_ends_at_once_was_accepted() -> None:
    assert kinds(came(opened(), stopped(1))) == ["Established", "StreamEnded"]


def test_after_an_error_stopped_and_a_late_started_are_ignored() -> None:
    wire = opened()
    assert kinds(came(wire, failed(1, "INTERNAL_SERVER_ERROR"), stopped(1), started(1))) == [
        "StreamRefused",
        "Ping",
        "Ping",
    ]
    assert wire.drained


@pytest.mark.parametrize("spelled", [str, float])
def test_an_id_that_a_gateway_has_spelled_otherwise_is_ours(spelled: Any) -> None:
    wire = opened()
    frames = [started(1), data(1), stopped(1)]
    signals = came(wire, *({**frame, "id": spelled(frame["id"])} for frame in frames))
    assert kinds(signals) == ["Established", "Received", "StreamEnded"]
    assert kinds(came(opened(), {**started(1), "id": "another"})) == ["Ping"]
    assert kinds(came(opened(), {**started(1), "id": "9" * 5000})) == ["Ping"]


def test_events_between_our_stop_and_its_answer_are_read() -> None:
    wire = opened()
    came(wire, started(1))
    assert [json.loads(frame) for frame in wire.close()] == [{"id": 1, "method": "subscription.stop"}]
    assert wire.close() == []
    before = wire.drained
    assert kinds(came(wire, data(1), stopped(1))) == ["Received", "Ping"]
    assert (before, wire.drained) == (False, True)
    assert wire.close() == []


def test_an_error_after_our_stop_is_no_refusal() -> None:
    wire = opened()
    wire.close()
    assert kinds(came(wire, failed(1, "INTERNAL_SERVER_ERROR"))) == ["Ping"]


def test_the_server_is_established_once_a_connection() -> None:
    wire = opened()
    assert kinds(came(wire, started(1), started(1), data(1))) == ["Established", "Ping", "Received"]
    wire.open()
    assert kinds(came(wire, started(2))) == ["Established"]


def test_a_batch_of_messages_is_each_of_them() -> None:
    wire = opened()
    frame = json.dumps([started(1), data(1), 5, stopped(1)])
    assert kinds(came(wire, frame)) == ["Established", "Received", "Received", "StreamEnded"]


def test_keep_alive_is_answered_only_when_asked() -> None:
    wire = opened()
    assert came(wire, "PING", "PONG") == [Send("PONG"), Ping()]


def test_a_reconnect_is_passed_on() -> None:
    assert came(opened(), {"id": None, "method": "reconnect"}, {"method": "reconnect"}) == [ReconnectAsked()] * 2


# ---- events ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mark", "offset"), [("7", "7"), (7, "7"), (1.5, "1.5"), ("", "")])
def test_a_tracked_event_is_unwrapped_and_its_id_kept_as_text(mark: Any, offset: str) -> None:
    wire = opened()
    [_, event] = came(wire, data(1, mark=mark))
    assert isinstance(event, Received)
    assert (event.type, event.payload, event.offset) == ("task.started", '{"taskId": "t"}', offset)
    assert wire.last_event_id == offset


def test_an_untracked_event_is_not_unwrapped() -> None:
    event = {"id": "7", "data": {"x": 1}, "type": "custom"}
    [_, received] = came(opened(), data(1, event))
    assert isinstance(received, Received)
    assert (received.type, received.event_id, received.offset) == ("custom", "7", None)


def test_an_event_in_superjson_is_plain_json_again() -> None:
    wire = opened(transformer="superjson")
    payload = {"at": "2025-01-01T00:00:00.000Z", "gone": None, "n": "12345678901234567890"}
    event = {"id": "1", "data": {"type": "custom", "payload": payload}}
    notes = {"data.payload.at": ["Date"], "data.payload.gone": ["undefined"], "data.payload.n": ["bigint"]}
    frame = {"id": 1, "result": {"type": "data", "id": "1", "data": {"json": event, "meta": {"values": notes, "v": 1}}}}
    [_, received] = came(wire, frame)
    assert isinstance(received, Received)
    assert received.payload == '{"at":"2025-01-01T00:00:00.000Z","n":12345678901234567890}'


@pytest.mark.parametrize("transformer", ["none", "superjson"])
@pytest.mark.parametrize("mark", [None, "7"])
def test_an_event_with_half_a_character_is_kept(transformer: str, mark: str | None) -> None:
    wire = opened(transformer=transformer)
    frame = data(1, {"type": "task.output", "payload": {"data": "\ud83d", "taskId": "ť"}}, mark)
    if transformer == "superjson":
        frame["result"]["data"] = {"json": frame["result"]["data"]}
    [_, event] = came(wire, json.dumps(frame))
    assert isinstance(event, Received)
    assert (event.type, event.offset) == ("task.output", mark)
    assert json.loads(event.payload)["taskId"] == "ť"


def test_several_events_in_one_have_marks_of_their_own() -> None:
    wire = opened()
    assert marks(came(wire, data(1, [EVENT, EVENT, EVENT], "7"))) == ["7#0", "7#1", "7"]
    assert wire.last_event_id == "7"


def test_an_undefined_or_invalid_superjson_event_is_malformed() -> None:
    plain, enveloped = opened(), opened(transformer="superjson")
    for wire, frame in (
        (plain, {"id": 1, "result": {"type": "data"}}),
        (enveloped, {"id": 1, "result": {"type": "data", "data": 5}}),
    ):
        [_, event] = came(wire, frame)
        assert isinstance(event, Received)
        assert isinstance(event.fact, MalformedFrame)


GARBAGE = [
    "{",
    "5",
    "null",
    '"text"',
    "{}",
    '{"id":1}',
    '{"id":null}',
    '{"id":1,"result":null}',
    '{"id":1,"result":5}',
    '{"id":1,"result":{"type":"dance"}}',
    '{"id":{"a":1},"result":{"type":"started"}}',
    '{"id":1,"method":"subscription"}',
    '{"id":1,"result":{"type":"data","data":NaN}}',
    '{"id":1,"result":{"type":"data","data":{},"id":[]}}',
    '[{"id":1,',
    "[" * 5000,
]


@pytest.mark.parametrize("text", GARBAGE)
def test_garbage_is_a_malformed_event_with_its_text(text: str) -> None:
    [event] = opened().receive(text, AT)
    assert isinstance(event, Received)
    assert event.type == "malformed"
    assert event.payload == text
    assert event.received_at == AT


def test_bytes_are_read_as_text_and_what_is_no_utf_8_is_kept() -> None:
    wire = opened()
    assert kinds(wire.receive(json.dumps(started(1)).encode(), AT)) == ["Established"]
    [event] = wire.receive(b"\xff{", AT)
    assert isinstance(event, Received)
    assert event.payload == "\\xff{"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
messages = st.fixed_dictionaries(
    {},
    optional={
        "id": st.sampled_from([1, 2, None, "1", 1.5]) | json_values,
        "method": st.sampled_from(["reconnect", "x", None]) | json_values,
        "result": json_values
        | st.fixed_dictionaries(
            {"type": st.sampled_from(["data", "started", "stopped", "x", 5])},
            optional={"data": json_values | st.fixed_dictionaries({"json": json_values}), "id": json_values},
        ),
        "error": json_values
        | st.fixed_dictionaries({"message": json_values, "code": json_values, "data": json_values}),
    },
)


frames_of_any_kind = st.lists(messages.map(json.dumps) | json_values.map(json.dumps) | st.text(max_size=20), max_size=6)


@given(frames_of_any_kind, st.sampled_from(["none", "superjson", "auto"]))
def test_no_frame_can_make_the_wire_fail(frames: list[str], transformer: str) -> None:
    wire = opened(transformer=transformer)
    for frame in frames:
        wire.receive(frame, AT)
    wire.open()


# ---- resuming --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("input_", [None, {"taskId": "t"}])
def test_a_new_subscription_resumes_after_the_last_tracked_event(input_: Any) -> None:
    wire = opened(input=input_)
    before = wire.resumes_from
    came(wire, data(1, mark="a"), data(1, mark="b"))
    [frame] = [json.loads(frame) for frame in wire.open()]
    assert frame["params"]["lastEventId"] == "b"
    assert frame["params"].get("input") == input_
    assert (before, wire.resumes_from) == (None, "b")


@pytest.mark.parametrize("input_", ["t", 5, ["t"]])
def test_a_mark_that_trpc_would_drop_is_not_sent(input_: Any) -> None:
    wire = opened(input=input_)
    came(wire, data(1, mark="a"))
    [frame] = [json.loads(frame) for frame in wire.open()]
    assert "lastEventId" not in frame["params"]
    assert wire.resumes_from is None


def test_resuming_can_be_switched_off() -> None:
    wire = opened(resume=False)
    came(wire, data(1, mark="a"))
    assert "lastEventId" not in json.loads(wire.open()[0])["params"]


def test_a_refused_resume_is_retried_without_the_mark() -> None:
    wire = opened()
    came(wire, data(1, mark="a"))
    wire.open()
    again = sent(came(wire, failed(2, "BAD_REQUEST", "unrecognized_keys")))
    assert again["id"] == 3
    assert "lastEventId" not in again["params"]
    assert (wire.resume_refused, wire.resumes_from) == ("unrecognized_keys", None)
    assert kinds(came(wire, stopped(2), started(3), data(3, mark="b"))) == ["Ping", "Established", "Received"]
    wire.open()
    assert (wire.resume_refused, wire.resumes_from) == (None, "b")


def test_a_refusal_without_the_mark_is_a_refusal() -> None:
    wire = opened()
    came(wire, data(1, mark="a"))
    wire.open()
    came(wire, failed(2, "BAD_REQUEST"))
    [refused] = came(wire, failed(3, "BAD_REQUEST"))
    assert isinstance(refused, StreamRefused)
    assert refused.fatal


def test_a_failed_resume_keeps_the_mark_for_some_attempts() -> None:
    wire = opened()
    came(wire, data(1, mark="a"))
    for number in (2, 3):
        wire.open()
        assert wire.resumes_from == "a"
        [refused] = came(wire, failed(number, "INTERNAL_SERVER_ERROR"))
        assert isinstance(refused, StreamRefused)
        assert not refused.fatal
    wire.open()
    assert "lastEventId" not in sent(came(wire, failed(4, "INTERNAL_SERVER_ERROR")))["params"]
    assert wire.resume_refused == "no"


def test_a_resumed_stream_that_breaks_later_keeps_its_mark() -> None:
    wire = opened()
    came(wire, data(1, mark="a"))
    wire.open()
    came(wire, data(2, mark="b"))
    assert kinds(came(wire, failed(2, "NOT_FOUND"))) == ["StreamRefused"]
    wire.open()
    assert wire.resumes_from == "b"


def test_an_unauthorized_client_keeps_the_mark() -> None:
    wire = opened()
    came(wire, data(1, mark="a"))
    wire.open()
    assert kinds(came(wire, failed(2, "UNAUTHORIZED"))) == ["StreamRefused"]
