"""Frames to events: every documented envelope, and garbage that must not raise."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runconsole.decoding.envelope import MALFORMED, read_event, read_events, read_named
from runconsole.decoding.texts import is_heartbeat, trimmed
from runconsole.events import (
    Alert,
    ErrorReported,
    Logged,
    MalformedFrame,
    Received,
    TaskReported,
    TaskStarted,
    TaskStatus,
    UnknownEvent,
)

AT = 1_763_310_885_999_999
STAMP = "2025-11-16T16:34:45.123Z"
STAMPED = 1_763_310_885_123_000
DATA = {"task_id": "task_001", "status": "completed", "completed_tasks": 10, "total_tasks": 120}
FACT = TaskReported(task_id="task_001", status=TaskStatus.COMPLETED, completed_tasks=10, total_tasks=120)


def one(frame: str | bytes) -> Received:
    (event,) = read_events(frame, AT)
    return event


def compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


# ---- the forms -----------------------------------------------------------------------------------------------------


def test_the_envelope_of_the_execution_family_is_read() -> None:
    event = one(json.dumps({"type": "progress_update", "timestamp": STAMP, "data": DATA}))
    assert event == Received("progress_update", FACT, json.dumps(DATA), AT, STAMPED)


def test_the_envelope_of_the_task_family_is_read() -> None:
    event = one(json.dumps({"type": "task.started", "payload": {"taskId": "t"}, "timestamp": STAMP}))
    assert event == Received("task.started", TaskStarted("t"), '{"taskId": "t"}', AT, STAMPED)


def test_bare_data_beside_the_type_is_its_own_payload() -> None:
    frame = json.dumps({"type": "progress_update", "timestamp": STAMP, **DATA})
    assert one(frame) == Received("progress_update", FACT, frame, AT, STAMPED)


def test_a_named_message_is_an_envelope_or_bare_data() -> None:
    bare = json.dumps({**DATA, "timestamp": STAMP})
    envelope = json.dumps({"type": "progress_update", "timestamp": STAMP, "data": DATA})
    assert read_named("progress_update", bare, AT) == [Received("progress_update", FACT, bare, AT, STAMPED)]
    assert read_named("progress_update", envelope, AT) == read_events(envelope, AT)


def test_the_timestamp_and_number_may_stand_in_the_data() -> None:
    event = one(json.dumps({"type": "progress_update", "data": {**DATA, "timestamp": STAMP, "seq": 7}}))
    assert (event.timestamp, event.seq, event.fact) == (STAMPED, 7, FACT)


def test_marks_beside_the_type_win_over_those_inside() -> None:
    inner = {**DATA, "timestamp": "2020-01-01T00:00:00Z", "seq": 1}
    event = one(json.dumps({"type": "progress_update", "timestamp": STAMP, "seq": 7, "data": inner}))
    assert (event.timestamp, event.seq) == (STAMPED, 7)


def test_the_fields_of_the_base_event_are_kept() -> None:
    base = {
        "id": "evt-1",
        "version": "1.0",
        "source": "x",
        "correlationId": "c-1",
        "causationId": "c-0",
        "metadata": {},
    }
    event = one(json.dumps(base | {"type": "task.started", "seq": 12, "payload": {"taskId": "t"}}))
    assert (event.event_id, event.seq, event.correlation_id, event.fact) == ("evt-1", 12, "c-1", TaskStarted("t"))


@pytest.mark.parametrize(
    ("field", "value", "read"),
    [
        ("id", 5, ("5", None, None)),
        ("id", 7.5, ("7.5", None, None)),
        ("id", {"a": 1}, (None, None, None)),
        ("seq", "5", (None, 5, None)),
        ("seq", 5.0, (None, 5, None)),
        ("seq", "five", (None, None, None)),
        ("seq", 10**30, (None, None, None)),
        ("correlationId", 3, (None, None, "3")),
        ("timestamp", {"at": 1}, (None, None, None)),
        ("timestamp", [STAMP], (None, None, None)),
    ],
)
def test_a_mark_of_an_odd_type_is_read_as_far_as_it_can_be(field: str, value: object, read: tuple[Any, ...]) -> None:
    event = one(json.dumps({"type": "progress_update", "data": DATA, field: value}))
    assert (event.event_id, event.seq, event.correlation_id) == read
    assert (event.fact, event.timestamp) == (FACT, None)


@pytest.mark.parametrize("stamp", ["yesterday", "", None, 12, True, "9999999999999999999999"])
def test_an_event_with_a_bad_timestamp_keeps_its_receive_time(stamp: object) -> None:
    event = one(json.dumps({"type": "progress_update", "timestamp": stamp, "data": DATA}))
    assert (event.timestamp, event.received_at, event.fact) == (None, AT, FACT)


def test_an_array_is_the_events_it_holds_in_their_order() -> None:
    frames = [{"type": "progress_update", "data": DATA}, {"type": "task.started", "payload": {"taskId": "t"}}, 5]
    events = read_events(json.dumps(frames, indent=2), AT)
    assert [event.type for event in events] == ["progress_update", "task.started", MALFORMED]
    assert events[0].fact == FACT


def test_an_array_with_nan_is_read_item_by_item() -> None:
    events = read_events('[{"type":"progress_update","data":{"task_id":"a","progress":NaN}} , {"type":"x"}]', AT)
    assert [event.type for event in events] == ["progress_update", "x"]
    assert events[0].payload == '{"task_id":"a","progress":NaN}'


def test_a_nested_array_is_malformed_and_an_empty_one_is_nothing() -> None:
    (event,) = read_events('[[{"type":"x"}]]', AT)
    assert (event.type, event.payload) == (MALFORMED, '[{"type":"x"}]')
    assert read_events(" [ ] ", AT) == []


def test_a_binary_frame_in_utf8_is_read_as_text() -> None:
    text = json.dumps({"type": "progress_update", "data": {**DATA, "task_name": "Přístup 🔐"}}, ensure_ascii=False)
    assert read_events(text.encode(), AT) == read_events(text, AT)


def test_a_binary_frame_keeps_bytes_that_are_not_utf8_escaped() -> None:
    event = one(b'{"type":"x","data":{"a":"\xff\xfe"}}')
    assert event.fact == MalformedFrame("not UTF-8")
    assert event.payload == '{"type":"x","data":{"a":"\\xff\\xfe"}}'


@pytest.mark.parametrize(
    "frame",
    [
        "not json",
        "{",
        "[1",
        '"text"',
        "42",
        "null",
        "{}",
        '{"type":7}',
        '{"type":null}',
        '{"data":{}}',
        '{"type":"x","data":{}} trailing',
        '{"type":"x","data":{}',
        "\ufeff{}",
        "{'type':'x'}",
        "[,]",
    ],
)
def test_a_frame_that_is_no_event_is_kept_whole_as_malformed(frame: str) -> None:
    event = one(frame)
    assert (event.type, event.payload, event.received_at) == (MALFORMED, frame, AT)
    assert isinstance(event.fact, MalformedFrame)


EVENT = '{"type":"task.started","payload":{"taskId":"t"}}'


@pytest.mark.parametrize(
    "frame",
    [
        f"{EVENT}\n{EVENT}",
        f"{EVENT}{EVENT}",
        f"{EVENT}\r\n{EVENT}\r\n",
        f"\x1e{EVENT}\n\x1e{EVENT}\n",
        f"{EVENT}\x1e{EVENT}\x1e",
        f"{EVENT}\x00{EVENT}\x00",
        f"\ufeff{EVENT}\n{EVENT}",
        json.dumps(f"[{EVENT},{EVENT}]"),
        f"[{json.dumps(json.loads(EVENT))}]{EVENT}",
    ],
)
def test_several_texts_in_one_frame_are_an_event_each(frame: str) -> None:
    for sent in (frame, frame.encode()):
        assert [event.fact for event in read_events(sent, AT)] == [TaskStarted("t")] * 2


@pytest.mark.parametrize(
    "frame",
    [
        json.dumps(EVENT),
        json.dumps({"type": "task.started", "payload": json.dumps({"taskId": "t"})}),
        json.dumps({"payload": EVENT}),
        json.dumps({"data": json.loads(EVENT)}),
        f"\ufeff{EVENT}\x00",
        f"{EVENT}\x1e",
    ],
)
def test_json_in_json_and_fillers_around_it_are_read(frame: str) -> None:
    assert one(frame).fact == TaskStarted("t")


def test_data_of_json_in_json_stay_unchanged_in_the_log() -> None:
    event = one(json.dumps({"type": "task.started", "payload": '{"taskId":"t"}'}))
    assert event.payload == json.dumps('{"taskId":"t"}')


def test_a_line_that_is_no_json_costs_only_itself() -> None:
    events = read_events(f"{EVENT}\nrubbish\n{EVENT}", AT)
    assert [event.type for event in events] == ["task.started", MALFORMED, "task.started"]
    assert events[1].payload == "rubbish"


@pytest.mark.parametrize(
    "frame", ["", " ", "\n", "\x00", "ping", "PING", '"ping"', "heartbeat", ": keep-alive", "2", "3", b"\n"]
)
def test_a_heartbeat_holds_no_event(frame: str | bytes) -> None:
    assert read_events(frame, AT) == []


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        ('0{"sid":"x"}', "a packet of Socket.IO"),
        ('42["event",{}]', "a packet of Socket.IO"),
        ("<!DOCTYPE html><p>Sign in</p>", "a page of HTML"),
        ('data: {"type":"x"}', "server-sent events"),
        ('"words"', "a JSON text"),
        ("words", "not JSON"),
    ],
)
def test_the_error_names_an_unreadable_frame(frame: str, kind: str) -> None:
    fact = one(frame).fact
    assert isinstance(fact, MalformedFrame)
    assert fact.error.startswith(kind)


def test_a_named_message_may_hold_json_as_text() -> None:
    for argument in (EVENT, '{"taskId":"t"}'):
        (event,) = read_named("task.started", json.dumps(argument), AT)
        assert event.fact == TaskStarted("t")


# ---- what they mean ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "data", "fact"),
    [
        ("build.finished", {"taskId": "t"}, UnknownEvent("t")),
        ("build.finished", {"task_id": 5}, UnknownEvent("5")),
        ("build.finished", [1], UnknownEvent(None)),
        ("progress_update", [1], UnknownEvent(None)),
        ("progress_update", None, UnknownEvent(None)),
        ("task.started", {"workerId": "w"}, UnknownEvent(None)),
        ("wave_completed", {"atoms_in_wave": 3, "task_id": "t"}, UnknownEvent("t")),
        ("agent.thinking", {"taskId": "t"}, Logged("t")),
        ("worker.registered", {}, Logged(None)),
        ("provider.limit", {}, Logged(None)),
        ("system.status", {}, Logged(None)),
    ],
)
def test_an_event_without_a_known_meaning_is_kept_with_its_task(kind: str, data: object, fact: object) -> None:
    event = one(compact({"type": kind, "data": data}))
    assert (event.type, event.fact, event.payload) == (kind, fact, compact(data))


@pytest.mark.parametrize("extra", [{}, {"timestamp": STAMP}, {"correlationId": "c"}, {"id": "e1"}])
def test_a_bare_message_of_type_error_is_a_refusal(extra: dict[str, str]) -> None:
    assert one(compact({"type": "error", "message": "Not allowed"} | extra)).fact == Alert("error", "Not allowed")
    assert read_named("error", compact({"message": "Not allowed"}), AT)[0].fact == Alert("error", "Not allowed")


def test_an_error_event_is_an_error_of_a_task_in_every_envelope() -> None:
    data = {"task_id": "t", "message": "Not allowed"}
    fact = ErrorReported("Not allowed", "t")
    assert one(compact({"type": "error", "data": data})).fact == fact
    assert one(compact({"type": "error", **data})).fact == fact
    assert one(compact({"type": "error", "data": {"message": "Not allowed"}})).fact == ErrorReported("Not allowed")


def test_an_inner_event_gets_the_outer_protocols_marks() -> None:
    text = compact({"type": "task.started", "payload": {"taskId": "t"}})
    assert read_event(text, AT) == one(text)
    event = read_event(text, AT, event_id="e", offset="17")
    assert (event.event_id, event.offset, event.fact) == ("e", "17", TaskStarted("t"))
    own = read_event(compact({"type": "x", "id": "own", "payload": {}}), AT, event_id="e")
    assert own.event_id == "own"


@pytest.mark.parametrize("text", ["[]", '[{"type":"x"},{"type":"y"}]'])
def test_another_protocol_carries_one_event_at_a_time(text: str) -> None:
    event = read_event(text, AT, offset="17")
    assert (event.type, event.payload, event.offset) == (MALFORMED, text, "17")


# ---- byte for byte -------------------------------------------------------------------------------------------------


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=15,
)
kinds = st.sampled_from(["progress_update", "task.output", "task.hitl_required", "error", "agent.error"]) | st.text()
frames = st.builds(
    lambda kind, body, marks: {"type": kind} | body | marks,
    kinds,
    st.dictionaries(st.sampled_from(["data", "payload"]), json_values, max_size=1),
    st.dictionaries(st.sampled_from(["timestamp", "id", "seq", "correlationId", "metadata"]), json_values),
)


@given(frame=frames, indent=st.sampled_from([None, 0, 3]), ascii_only=st.booleans(), binary=st.booleans())
def test_the_payload_is_the_exact_slice_of_the_frame(
    frame: dict[str, Any], indent: int | None, *, ascii_only: bool, binary: bool
) -> None:
    text = json.dumps(frame, indent=indent, ensure_ascii=ascii_only)
    event = one(text.encode() if binary else text)
    assert event.type == frame["type"]
    body = frame.get("data", frame.get("payload", frame))
    assert event.payload in text
    assert repr(json.loads(event.payload)) == repr(body)


@pytest.mark.parametrize(
    "data",
    [
        '{"a":1.50,"b" : 1e3}',
        '{"a":"\\u0041\\/"}',
        '{ "a":\n[ ]}',
        '{"a":NaN}',
        '{"a":-Infinity}',
        '{"a":"\\ud800"}',
        '{"a":1,"a":2}',
        '{"a":' + "9" * 5000 + "}",
        '"text"',
        "null",
        "[1, 2]",
    ],
    ids=lambda data: data[:20],
)
def test_even_an_odd_payload_stays_as_it_was_written(data: str) -> None:
    assert one('{"type":"build.finished", "data" : ' + data + " }").payload == data
    assert [event.payload for event in read_events(f'[{{"type":"x","payload":{data}}}]', AT)] == [data]


def test_an_event_of_three_mebibytes_is_read() -> None:
    output = "x" * (3 * 2**20)
    text = compact({"type": "task.output", "payload": {"taskId": "t", "stream": "stdout", "data": output}})
    event = one(text)
    assert event.payload == text[len('{"type":"task.output","payload":') : -1]
    assert getattr(event.fact, "text", None) == output


# ---- nothing raises ------------------------------------------------------------------------------------------------


@given(st.text(st.characters() | st.characters(categories=["Cs"])) | st.binary() | json_values.map(json.dumps))
@example("[" * 100_000)
@example("[" * 100_000 + "]" * 100_000)
@example('{"type":"x","data":' + '{"a":' * 100_000 + "1" + "}" * 100_001)
@example('{"type":"error","x":' + "[" * 3000 + "]" * 3000 + "}")
@example('{"type":"progress_update","data":{"phase":1,"x":' + "[" * 800 + "]" * 800 + "}}")
@example('{"type":"\\ud800","data":{"task_id":"\\udfff"}}')
@example('{"type":"x","data":"\ud800"}')
@example(b'{"type":"progress_update","data":{"task_id":"\xed\xa0\x80"}}')
def test_reading_never_raises_and_keeps_every_frame(frame: str | bytes) -> None:
    events = read_events(frame, AT)
    text = frame if isinstance(frame, str) else frame.decode(errors="replace")
    assert events or is_heartbeat(trimmed(text)) or json.loads(text) == []
    for event in events:
        event.payload.encode()
        event.type.encode()


@given(st.text(), st.text(st.characters() | st.characters(categories=["Cs"])) | json_values.map(json.dumps))
@example("error", "[" * 100_000)
@example("progress_update", '{"type":"x","data":' + "[" * 3000 + "]" * 3000 + "}")
def test_reading_a_named_message_never_raises(name: str, argument: str) -> None:
    (event,) = read_named(name, argument, AT)
    event.payload.encode()
