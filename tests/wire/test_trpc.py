"""The tRPC wire without a server: what it sends, what it makes of frames that no transcript has, what it keeps."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runconsole.errors import NotConnected, UnsupportedByWire
from runconsole.events import DecisionRequested, MalformedFrame, Received
from runconsole.wire import trpc_calls
from runconsole.wire.handover import Handover
from runconsole.wire.signals import (
    Established,
    Ping,
    ReconnectAsked,
    Reply,
    Request,
    Send,
    Signal,
    StreamEnded,
    StreamRefused,
)
from runconsole.wire.trpc import TrpcWire

if TYPE_CHECKING:
    from collections.abc import Sequence

AT = 1_700_000_000_000_000
EVENT = {"type": "task.started", "payload": {"taskId": "t"}}


def opened(path: str = "stream.taskEvents", input: Any = None, **options: Any) -> TrpcWire:  # noqa: A002
    """Return a wire whose transformer is known and whose subscription has the id 1."""
    wire = TrpcWire(path, input, **{"transformer": "none"} | options)
    wire.open()
    return wire


def came(wire: TrpcWire, *frames: dict[str, Any] | str) -> list[Signal]:
    texts = (frame if isinstance(frame, str) else json.dumps(frame) for frame in frames)
    return [signal for text in texts for signal in wire.receive(text, AT)]


def data(number: int, event: Any = EVENT, mark: Any = None) -> dict[str, Any]:
    if mark is None:
        return {"id": number, "result": {"type": "data", "data": event}}
    return {"id": number, "result": {"type": "data", "data": {"id": mark, "data": event}, "id": mark}}


def started(number: int) -> dict[str, Any]:
    return {"id": number, "result": {"type": "started"}}


def stopped(number: int) -> dict[str, Any]:
    return {"id": number, "result": {"type": "stopped"}}


def failed(number: int | None, code: str, message: str = "no", *, enveloped: bool = False) -> dict[str, Any]:
    numbers = {"PARSE_ERROR": -32700, "BAD_REQUEST": -32600, "UNAUTHORIZED": -32001, "NOT_FOUND": -32004}
    error = {"message": message, "code": numbers.get(code, -32603), "data": {"code": code}}
    if code == "INTERNAL_SERVER_ERROR":
        error["data"] = {"code": code, "httpStatus": 500, "stack": "Error: no\n    at file:///srv/secret.js:1:1"}
    return {"id": number, "error": {"json": error} if enveloped else error}


def kinds(signals: Sequence[Signal]) -> list[str]:
    return [type(signal).__name__ for signal in signals]


def marks(signals: Sequence[Signal]) -> list[str | None]:
    return [signal.offset for signal in signals if isinstance(signal, Received)]


def sent(signals: Sequence[Signal]) -> dict[str, Any]:
    """Return the one frame that the wire wants sent."""
    [frame] = [signal.frame for signal in signals if isinstance(signal, Send)]
    message: dict[str, Any] = json.loads(frame)
    return message


def decision(**fields: Any) -> DecisionRequested:
    told: dict[str, Any] = {"at": AT, "decision_id": "d-1", "checkpoint_id": "cp-1", "option": "approve"} | fields
    return DecisionRequested(**told)


# ---- finding out the transformer -----------------------------------------------------------------------------------


@pytest.mark.parametrize("enveloped", [False, True])
def test_auto_asks_for_a_path_that_no_server_has_and_holds_the_subscription_back(*, enveloped: bool) -> None:
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


def test_auto_starts_over_when_another_kind_of_server_answers_at_the_address() -> None:
    wire = TrpcWire("stream.taskProgress", "t")
    wire.open()
    came(wire, failed(1, "NOT_FOUND"), started(2))
    wire.open()
    assert sent(came(wire, failed(3, "BAD_REQUEST", enveloped=True)))["params"]["input"] == {"json": "t"}


@pytest.mark.parametrize(("transformer", "right"), [("none", "superjson"), ("superjson", "none")])
def test_a_transformer_told_wrong_is_named_in_the_refusal(transformer: str, right: str) -> None:
    wire = opened(transformer=transformer)
    [refused] = came(wire, failed(None, "PARSE_ERROR", enveloped=transformer == "none"))
    assert isinstance(refused, StreamRefused)
    assert refused.fatal
    assert f'transformer="{right}"' in refused.reason


# ---- the order of messages -----------------------------------------------------------------------------------------


def test_trpc_10_may_send_data_before_started() -> None:
    wire = opened()
    assert kinds(came(wire, data(1), data(1), started(1))) == ["Established", "Received", "Received", "Ping"]


def test_trpc_10_may_send_everything_before_started() -> None:
    wire = opened()
    signals = came(wire, data(1), stopped(1), started(1), stopped(1))
    assert kinds(signals) == ["Established", "Received", "StreamEnded", "Ping", "Ping"]


def test_a_stream_that_ends_at_once_was_accepted() -> None:
    assert kinds(came(opened(), stopped(1))) == ["Established", "StreamEnded"]


def test_after_an_error_neither_stopped_nor_a_late_started_means_anything() -> None:
    wire = opened()
    assert kinds(came(wire, failed(1, "INTERNAL_SERVER_ERROR"), stopped(1), started(1))) == [
        "StreamRefused",
        "Ping",
        "Ping",
    ]
    assert wire.drained


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


# ---- events --------------------------------------------------------------------------------------------------------


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
def test_a_string_cut_within_a_character_does_not_lose_the_event(transformer: str, mark: str | None) -> None:
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


def test_an_event_that_is_undefined_or_no_superjson_is_a_malformed_one() -> None:
    plain, enveloped = opened(), opened(transformer="superjson")
    for wire, frame in (
        (plain, {"id": 1, "result": {"type": "data"}}),
        (enveloped, {"id": 1, "result": {"type": "data", "data": 5}}),
    ):
        [_, event] = came(wire, frame)
        assert isinstance(event, Received)
        assert isinstance(event.fact, MalformedFrame)


GARBAGE = [
    "",
    "{",
    "ping",
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


# ---- resuming ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("input_", [None, {"taskId": "t"}])
def test_a_new_subscription_goes_on_after_the_last_tracked_event(input_: Any) -> None:
    wire = opened(input=input_)
    before = wire.resumes_from
    came(wire, data(1, mark="a"), data(1, mark="b"))
    [frame] = [json.loads(frame) for frame in wire.open()]
    assert frame["params"]["lastEventId"] == "b"
    assert frame["params"].get("input") == input_
    assert (before, wire.resumes_from) == (None, "b")


@pytest.mark.parametrize("input_", ["t", 5, ["t"]])
def test_where_trpc_would_drop_the_mark_it_is_not_sent_and_said_so(input_: Any) -> None:
    wire = opened(input=input_)
    came(wire, data(1, mark="a"))
    [frame] = [json.loads(frame) for frame in wire.open()]
    assert "lastEventId" not in frame["params"]
    assert wire.resumes_from is None


def test_resuming_can_be_switched_off() -> None:
    wire = opened(resume=False)
    came(wire, data(1, mark="a"))
    assert "lastEventId" not in json.loads(wire.open()[0])["params"]


def test_a_refused_resume_is_made_once_more_without_the_mark_and_said_so() -> None:
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


def test_what_is_refused_without_the_mark_too_is_refused() -> None:
    wire = opened()
    came(wire, data(1, mark="a"))
    wire.open()
    came(wire, failed(2, "BAD_REQUEST"))
    [refused] = came(wire, failed(3, "BAD_REQUEST"))
    assert isinstance(refused, StreamRefused)
    assert refused.fatal


def test_a_passing_failure_of_a_resume_keeps_the_mark_but_not_for_ever() -> None:
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


def test_who_is_not_let_in_does_not_try_without_the_mark() -> None:
    wire = opened()
    came(wire, data(1, mark="a"))
    wire.open()
    assert kinds(came(wire, failed(2, "UNAUTHORIZED"))) == ["StreamRefused"]


# ---- errors --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "fatal"),
    [
        ("UNAUTHORIZED", True),
        ("FORBIDDEN", True),
        ("NOT_FOUND", True),
        ("BAD_REQUEST", True),
        ("NOT_IMPLEMENTED", True),
        ("INTERNAL_SERVER_ERROR", False),
        ("SERVICE_UNAVAILABLE", False),
        ("TIMEOUT", False),
        ("TOO_MANY_REQUESTS", False),
        ("CONFLICT", False),
    ],
)
def test_the_code_tells_whether_trying_again_can_help(code: str, *, fatal: bool) -> None:
    statuses = {"UNAUTHORIZED": 401, "FORBIDDEN": 403, "NOT_FOUND": 404, "BAD_REQUEST": 400, "NOT_IMPLEMENTED": 501}
    statuses |= {"SERVICE_UNAVAILABLE": 503, "TIMEOUT": 408, "TOO_MANY_REQUESTS": 429, "CONFLICT": 409}
    error = {"message": "no", "code": -32603, "data": {"code": code, "httpStatus": statuses.get(code, 500)}}
    [refused] = came(opened(), {"id": 1, "error": error})
    assert isinstance(refused, StreamRefused)
    assert (refused.code, refused.fatal) == (code, fatal)


@pytest.mark.parametrize(
    ("error", "code", "fatal"),
    [
        ({"message": "no", "code": -32004}, "NOT_FOUND", True),
        ({"message": "no", "code": -32603, "data": {"my": "own"}}, "INTERNAL_SERVER_ERROR", False),
        ({"message": "no", "code": -32029, "data": None}, "TOO_MANY_REQUESTS", False),
        ({"message": "no", "code": 17}, "INTERNAL_SERVER_ERROR", False),
        ("a text", "INTERNAL_SERVER_ERROR", False),
        ({}, "INTERNAL_SERVER_ERROR", False),
    ],
)
def test_an_error_of_another_form_is_still_an_error(error: Any, code: str, *, fatal: bool) -> None:
    [refused] = came(opened(), {"id": 1, "error": error})
    assert isinstance(refused, StreamRefused)
    assert (refused.code, refused.fatal) == (code, fatal)


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        ("boom", "boom"),
        ("two\nlines", "two lines"),
        ("boom\n    at f (file:///srv/app.js:1:2)\n    at g (/srv/b.js:3:4)", "boom"),
        ("\x1b[31mred\x1b[0m", "[31mred [0m"),
        ("x" * 1000, "x" * 299 + "…"),
        (None, "internal server error"),
        ("[not json", "[not json"),
        ("[1, 2]", "[1, 2]"),
        ('[{"message":"Required","path":["a","b",0]}]', "a.b.0: Required"),
        ('[{"message":"Required"},{"message":"Too big","path":["n"]}]', "Required; n: Too big"),
        (json.dumps([{"message": f"m{n}", "path": []} for n in range(5)]), "m0; m1; m2; and 2 more"),
    ],
)
def test_a_message_is_one_readable_line(message: Any, sentence: str) -> None:
    wire = opened()
    wire.call(Request("query", "x"))
    [reply] = came(wire, {"id": 2, "error": {"message": message, "code": -32603}})
    assert isinstance(reply, Reply)
    assert reply.error == sentence


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"message": "taken", "code": -32009, "data": {"code": "CONFLICT"}}, "CONFLICT"),
        ({"message": "HITL_ALREADY_DECIDED", "code": -32009, "data": {"code": "CONFLICT"}}, "HITL_ALREADY_DECIDED"),
        ({"message": "too late", "code": -32603, "data": {"appCode": "CHECKPOINT_EXPIRED"}}, "CHECKPOINT_EXPIRED"),
        ({"message": "no", "code": -32600, "data": {"cause": {"code": "INVALID_OPTION"}}}, "INVALID_OPTION"),
    ],
)
def test_a_backends_own_code_is_found_wherever_it_stands(error: Any, code: str) -> None:
    wire = opened()
    wire.decide(decision(), "t")
    assert came(wire, {"id": 2, "error": error}) == [Reply("d-1", error=error["message"], code=code)]


# ---- errors that name no request -----------------------------------------------------------------------------------


def test_a_parse_error_is_the_last_unanswered_requests() -> None:
    wire = opened()
    came(wire, started(1))
    wire.call(Request("query", "slow"))
    wire.decide(decision(), "t")
    [reply] = came(wire, failed(None, "PARSE_ERROR"))
    assert isinstance(reply, Reply)
    assert (reply.request_id, reply.code) == ("d-1", "PARSE_ERROR")
    assert wire.pending == ["trpc-2"]


def test_a_parse_error_that_nothing_can_have_caused_is_shown() -> None:
    wire = opened()
    came(wire, started(1))
    frame = json.dumps(failed(None, "PARSE_ERROR"))
    [event] = came(wire, frame)
    assert isinstance(event, Received)
    assert (event.type, event.payload) == ("malformed", frame)


@pytest.mark.parametrize(("code", "fatal"), [("UNAUTHORIZED", True), ("INTERNAL_SERVER_ERROR", False)])
def test_a_context_that_fails_refuses_the_connection(code: str, *, fatal: bool) -> None:
    for wire in (opened(), TrpcWire("stream.x")):
        wire.open()
        [refused] = came(wire, failed(None, code))
        assert isinstance(refused, StreamRefused)
        assert (refused.code, refused.fatal) == (code, fatal)


# ---- connection parameters -----------------------------------------------------------------------------------------


def test_connection_parameters_are_the_first_frame_and_never_encoded() -> None:
    wire = TrpcWire("stream.x", transformer="superjson", connection_params={"token": "s3cret"})
    first, second = [json.loads(frame) for frame in wire.open()]
    assert first == {"method": "connectionParams", "data": {"token": "s3cret"}}
    assert second["params"]["input"] == {"json": None, "meta": {"values": ["undefined"], "v": 1}}


def test_trpc_10_does_not_know_connection_parameters() -> None:
    wire = TrpcWire("stream.x", connection_params={"token": "s3cret"})
    wire.open()
    [refused] = came(wire, failed(None, "PARSE_ERROR", "Invalid procedure type"))
    assert isinstance(refused, StreamRefused)
    assert refused.fatal
    assert "connection parameters" in refused.reason


def test_once_something_was_answered_the_parameters_were_taken() -> None:
    wire = TrpcWire("stream.x", transformer="none", connection_params={"token": "s3cret"})
    wire.open()
    came(wire, started(1))
    wire.call(Request("query", "x"))
    assert kinds(came(wire, failed(None, "PARSE_ERROR"))) == ["Reply"]


def test_a_secret_is_in_no_text_of_ours() -> None:
    wire = TrpcWire("stream.x", transformer="none", connection_params={"token": "s3cret"})
    assert "s3cret" not in repr(wire)
    wire.open()
    [refused] = came(wire, failed(None, "UNAUTHORIZED", "Bad token s3cret"))
    assert isinstance(refused, StreamRefused)
    assert "s3cret" not in refused.reason


# ---- requests ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "fields", "expected"),
    [
        ("checkpoints.resolve", {}, {"checkpointId": "cp-1", "decision": "approve"}),
        (
            "checkpoints.resolve",
            {"option": "o-1", "action": "modify", "feedback": "", "modifications": {"a": [1]}},
            {"checkpointId": "cp-1", "decision": "modify", "feedback": "", "modifications": {"a": [1]}},
        ),
        ("checkpoints.decide", {}, {"checkpointId": "cp-1", "action": "approve", "selectedOption": "approve"}),
        (
            "hitl.decide",
            {"option": "o-1", "action": "skip", "feedback": "why"},
            {"checkpointId": "cp-1", "action": "skip", "selectedOption": "o-1", "feedback": "why"},
        ),
    ],
)
def test_a_decision_is_a_mutation_without_empty_keys(path: str, fields: dict[str, Any], expected: Any) -> None:
    wire = opened(decide=path)
    outgoing = wire.decide(decision(**fields), "t")
    assert outgoing.request_id == "d-1"
    assert json.loads(outgoing.frame) == {"id": 2, "method": "mutation", "params": {"path": path, "input": expected}}


def test_a_function_can_say_how_decisions_travel() -> None:
    wire = opened(decide=lambda it: ("my.answer", {"id": it.checkpoint_id}), transformer="superjson")
    frame = json.loads(wire.decide(decision(), None).frame)
    assert frame["params"] == {"path": "my.answer", "input": {"json": {"id": "cp-1"}}}


@pytest.mark.parametrize("transformer", ["none", "superjson"])
def test_what_cannot_be_sent_is_refused_here_and_not_pending(transformer: str) -> None:
    wire = opened(transformer=transformer)
    with pytest.raises(ValueError, match="expected"):
        wire.decide(decision(modifications={"x": object()}), None)
    assert wire.pending == []


def test_the_backends_calls_have_the_inputs_of_their_specification() -> None:
    wire = opened()
    calls: list[tuple[Request, Any]] = [
        (trpc_calls.cancel("t"), "t"),
        (trpc_calls.pause("t"), "t"),
        (trpc_calls.resume("t"), {"taskId": "t"}),
        (trpc_calls.resume("t", "go"), {"taskId": "t", "feedback": "go"}),
        (trpc_calls.retry("t", "cp"), {"taskId": "t", "fromCheckpoint": "cp"}),
        (trpc_calls.task("t"), "t"),
        (trpc_calls.checkpoint("cp"), "cp"),
        (trpc_calls.pending_decisions(), {}),
        (trpc_calls.pending_decisions("t"), {"taskId": "t"}),
        (trpc_calls.pending_checkpoints("t", "spec"), {"taskId": "t", "type": "spec"}),
    ]
    for request, expected in calls:
        frame = json.loads(wire.call(request).frame)
        assert frame["method"] == request.kind
        assert frame["params"] == {"path": request.name, "input": expected}


def test_trpc_has_mutations_and_queries_only() -> None:
    with pytest.raises(UnsupportedByWire, match="mutation or query"):
        opened().call(Request("emit", "x"))


def test_a_reply_is_matched_by_its_id_once_and_its_value_is_plain_json() -> None:
    wire = opened(transformer="superjson")
    first, second = wire.call(Request("query", "a")), wire.call(Request("query", "b"))
    assert first.request_id != second.request_id
    value = {
        "json": {"at": "2025-01-01T00:00:00.000Z", "s": ["1"]},
        "meta": {"values": {"at": ["Date"], "s.0": ["bigint"]}},
    }
    assert came(wire, data(3, value)) == [Reply(second.request_id, {"at": "2025-01-01T00:00:00.000Z", "s": [1]})]
    assert came(wire, data(3, value), data(99, value)) == [Ping(), Ping()]
    assert wire.pending == [first.request_id]


def test_ids_are_never_used_twice() -> None:
    wire = opened()
    wire.decide(decision(), None)
    came(wire, {"id": 1, "result": {"type": "started"}})
    wire.open()
    wire.call(Request("query", "x"))
    other = wire.successor()
    numbers = [
        json.loads(frame)["id"] for frame in (*other.open(), other.call(Request("query", "x")).frame, *wire.open())
    ]
    assert numbers == [5, 6, 7]


def test_a_lost_connection_leaves_its_requests_unanswered_and_nothing_is_sent_again() -> None:
    wire = opened()
    came(wire, started(1))
    wire.decide(decision(), "t")
    call = wire.call(trpc_calls.cancel("t"))
    assert wire.pending == ["d-1", call.request_id]
    assert wire.lost() == ["d-1", call.request_id]
    assert wire.lost() == []
    assert [json.loads(frame)["method"] for frame in wire.open()] == ["subscription"]


def test_requests_that_nobody_asked_about_before_the_next_connection_are_not_forgotten() -> None:
    wire = opened()
    wire.decide(decision(), "t")
    wire.open()
    assert wire.pending == ["d-1"]
    assert wire.lost() == ["d-1"]


# ---- wrong arguments -----------------------------------------------------------------------------------------------


def test_arguments_that_cannot_work_are_refused_at_once() -> None:
    with pytest.raises(ValueError, match="transformer"):
        TrpcWire("x", transformer="devalue")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="strings"):
        TrpcWire("x", connection_params={"token": 5})  # type: ignore[dict-item]
    with pytest.raises(ValueError, match="expected"):
        TrpcWire("x", {"x": object()})


# ---- two connections -----------------------------------------------------------------------------------------------


def event(name: str, offset: str | None = None) -> Received:
    return Received(name, MalformedFrame(""), f'"{name}"', AT, offset=offset)


def names(signals: Sequence[Signal]) -> list[str]:
    return [signal.type for signal in signals if isinstance(signal, Received)]


def test_a_successor_goes_on_where_its_wire_is() -> None:
    wire = TrpcWire("stream.x", connection_params={"token": "s3cret"})
    wire.open()
    came(wire, failed(1, "NOT_FOUND", enveloped=True), data(2, {"json": 1}), started(2))
    wire.last_event_id = "b"
    first, second = [json.loads(frame) for frame in wire.successor().open()]
    assert first["method"] == "connectionParams"
    assert second["params"]["lastEventId"] == "b"


class Successor:
    """Stands for the new wire: whether its subscription goes on from an event."""

    def __init__(self, resumes_from: str | None) -> None:
        self.resumes_from = resumes_from


def test_tracked_events_that_go_on_from_the_last_one_pass_as_they_come() -> None:
    handover = Handover(Successor("1"))
    assert names(handover.from_new([Established(), event("b", "2")])) == ["b"]
    assert handover.established
    assert names(handover.from_old([event("b", "2"), StreamEnded()])) == ["b"]
    assert handover.finish() == []


def test_tracked_events_of_a_subscription_that_begins_anywhere_wait_for_the_old_ones() -> None:
    handover = Handover(Successor(None))
    assert names(handover.from_new([Established(), event("c", "3")])) == []
    assert names(handover.from_old([event("b", "2")])) == ["b"]
    assert names(handover.finish()) == ["c"]


@pytest.mark.parametrize(
    ("old", "new", "applied", "dropped"),
    [
        ("bc", "bcd", "abcd", 2),
        ("bcd", "bcd", "abcd", 3),
        ("bcd", "cd", "abcd", 2),
        ("bcd", "", "abcd", 0),
        ("b", "cd", "abcd", 0),
        ("", "bcd", "abcd", 0),
        ("bb", "bbc", "abbc", 2),
    ],
)
@pytest.mark.parametrize("early", [0, 1, 2])
def test_untracked_events_are_neither_lost_nor_doubled(
    old: str, new: str, applied: str, dropped: int, early: int
) -> None:
    """The first `early` events of the old connection are read before the new one's acceptance."""
    handover = Handover(Successor(None))
    seen: list[Signal] = handover.from_old([event("a")])
    for name in old[:early]:
        seen += handover.from_old([event(name)])
    seen += handover.from_new([Established()])
    seen += handover.from_new([event(name) for name in new])
    for name in old[early:]:
        seen += handover.from_old([event(name)])
    seen += handover.finish()
    assert "".join(names(seen)) == applied
    assert handover.dropped == dropped


def test_until_the_new_connection_stands_the_old_one_is_the_only_one() -> None:
    handover = Handover(Successor(None))
    signals: list[Signal] = [event("a"), StreamEnded()]
    assert handover.from_old(signals) == signals


def test_from_then_on_only_events_and_replies_of_the_old_one_count() -> None:
    handover = Handover(Successor(None))
    handover.from_new([Established()])
    reply = Reply("d-1")
    signals: list[Signal] = [Established(), reply, StreamEnded(), ReconnectAsked(), Send("PONG")]
    assert handover.from_old(signals) == [reply, Send("PONG")]


def test_what_follows_a_held_event_waits_with_it() -> None:
    handover = Handover(Successor(None))
    assert handover.from_new([Established(), event("a"), StreamEnded()]) == [Established()]
    assert kinds(handover.finish()) == ["Received", "StreamEnded"]
