"""The Socket.IO wire without a socket: received frames, sent frames, copies and replays."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runconsole.errors import UnsupportedByWire
from runconsole.events import (
    Alert,
    DecisionRequested,
    ErrorReported,
    Logged,
    Received,
    TaskReported,
    UnknownEvent,
)
from runconsole.protocols.base import CaughtUp, Established, Ping, Repeated, Reply, Request, Signal, StreamRefused
from runconsole.protocols.socketio.repeats import Copies
from runconsole.protocols.socketio.wire import SocketIoWire
from tests.support.decisions import requested

SECOND = 1_000_000
CONNECTED = '["connected",{"sid":"s"},false]'
JOIN = ("join_execution", {"execution_id": "e1"})
BOTH = (JOIN, ("join_discovery", {"session_id": "e1"}))


def frame(kind: str, *parts: Any) -> str:
    return json.dumps([kind, *parts], separators=(",", ":"))


def event(name: str, *arguments: Any) -> str:
    return frame("event", [name, *arguments])


def stamped(task: str, second: int = 0) -> dict[str, Any]:
    data = {"task_id": task, "status": "completed"}
    return {"type": "progress_update", "timestamp": f"2026-01-01T00:00:{second:02}Z", "data": data}


def bare(tokens: int) -> dict[str, Any]:
    return {"session_id": "e1", "tokens_received": tokens}


class Played:
    """A connected wire, and its signals for frames."""

    def __init__(self, *joins: tuple[str, Any], **options: Any) -> None:
        self.wire = SocketIoWire(joins, **options)
        self.now = 0
        self.connect()

    def connect(self) -> None:
        """Connect, for the first time or anew."""
        self.calls = [json.loads(text) for text in self.wire.open()]
        self.first = self.receive(CONNECTED)

    def receive(self, *frames: str) -> list[Signal]:
        return [signal for text in frames for signal in self.wire.receive(text, self.now)]

    def acknowledge(self, *values: Any) -> list[Signal]:
        """Answer every call of this connection."""
        return self.receive(*(frame("ack", call[1], list(values)) for call in self.calls))

    def rows(self, *frames: str) -> list[Received]:
        return [signal for signal in self.receive(*frames) if isinstance(signal, Received)]


# ---- what is sent ---------------------------------------------------------------------------------------------------


def test_each_room_is_joined_and_caught_up_with() -> None:
    played = Played(*BOTH, ("watch", {"all": True}), ("hello", None))
    assert [call[2] for call in played.calls] == [
        ["join_execution", {"execution_id": "e1"}],
        ["join_discovery", {"session_id": "e1"}],
        ["watch", {"all": True}],
        ["hello"],
        ["request_catch_up", {"execution_id": "e1"}],
        ["request_catch_up", {"session_id": "e1"}],
    ]
    assert len({call[1] for call in played.calls}) == 6


def test_a_catch_up_among_the_joins_is_not_repeated() -> None:
    played = Played(JOIN, ("request_catch_up", {"execution_id": "e1"}))
    assert [call[2][0] for call in played.calls] == ["join_execution", "request_catch_up"]


def test_a_new_connection_joins_again_under_new_ids() -> None:
    played = Played(JOIN)
    before = played.calls
    played.connect()
    assert [call[2] for call in played.calls] == [call[2] for call in before]
    assert not {call[1] for call in played.calls} & {call[1] for call in before}


def decision(**fields: Any) -> DecisionRequested:
    return requested(0, "d1", "cp1", **fields)


def test_a_decision_is_an_event_to_be_acknowledged() -> None:
    wire = SocketIoWire()
    outgoing = wire.decide(decision(feedback="ship it", modifications={"a": [1]}), "t1")
    assert outgoing.request_id == "d1"
    payload = {
        "checkpointId": "cp1",
        "decision": "approve",
        "feedback": "ship it",
        "modifications": {"a": [1]},
        "taskId": "t1",
    }
    assert json.loads(outgoing.frame) == ["call", "d1", ["checkpoint_resolve", payload]]


@pytest.mark.parametrize(("decide", "name"), [("answer", "answer"), (lambda it: ("said", it.option), "said")])
def test_a_decision_travels_as_the_user_says(decide: Any, name: str) -> None:
    sent = json.loads(SocketIoWire(decide=decide).decide(decision(), None).frame)
    assert sent[2][0] == name
    assert sent[2][1] in ("approve", {"checkpointId": "cp1", "decision": "approve", "taskId": None})


def test_any_event_can_be_called_and_tRPC_paths_cannot() -> None:  # noqa: N802 - its name
    wire = SocketIoWire()
    outgoing = wire.call(Request("event", "status", {"id": 1}))
    assert json.loads(outgoing.frame) == ["call", outgoing.request_id, ["status", {"id": 1}]]
    assert wire.receive(frame("ack", outgoing.request_id, [{"up": True}]), 0) == [
        Reply(outgoing.request_id, {"up": True})
    ]
    with pytest.raises(UnsupportedByWire, match=r"got Socket\.IO"):
        wire.call(Request("query", "tasks.get", "t1"))


def test_requests_without_a_reply_are_lost_once() -> None:
    wire = SocketIoWire()
    wire.decide(decision(), None)
    assert wire.lost() == ["d1"]
    assert wire.lost() == []
    assert wire.receive(frame("ack", "d1", []), 0) == [Ping()]


# ---- acknowledgements -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "value"),
    [([], None), ([True], True), ([{"status": "rejected"}], {"status": "rejected"}), ([1, 2], [1, 2])],
)
def test_a_reply_without_a_refusal_acknowledges(values: list[Any], value: Any) -> None:
    wire = SocketIoWire()
    wire.decide(decision(), None)
    assert wire.receive(frame("ack", "d1", values), 0) == [Reply("d1", value)]


@pytest.mark.parametrize(
    ("values", "message", "code"),
    [
        ([{"error": "already decided"}], "already decided", None),
        ([{"error": {"message": "too late", "code": "CHECKPOINT_EXPIRED"}}], "too late", "CHECKPOINT_EXPIRED"),
        ([{"error": "gone", "code": 410}], "gone", "GONE"),
        ([{"error": True, "message": "no"}], "no", None),
        ([{"error": True, "code": ["odd"]}], "the server refused without a reason", None),
        ([{"ok": False, "message": "unknown option", "code": 400}], "unknown option", "400"),
        ([{"success": False}], "the server refused without a reason", None),
        ([{"status": "error", "code": "CONFLICT"}], "CONFLICT", "CONFLICT"),
        ([{"error": "first, as in Node"}, None], "first, as in Node", None),
    ],
)
def test_an_acknowledgement_that_says_no_is_a_refusal(values: list[Any], message: str, code: str | None) -> None:
    wire = SocketIoWire()
    wire.decide(decision(), None)
    assert wire.receive(frame("ack", "d1", values), 0) == [Reply("d1", error=message, code=code)]


# ---- being accepted -------------------------------------------------------------------------------------------------


def test_without_a_room_to_join_the_connection_is_all() -> None:
    assert Played().first == [Established()]


@pytest.mark.parametrize(
    "proof", [event("execution_joined", {"execution_id": "e1"}), event("progress_update", stamped("t1"))]
)
def test_the_servers_word_or_a_first_event_accepts_us_once(proof: str) -> None:
    played = Played(JOIN)
    assert played.first == [Ping()]
    signals = played.receive(event("connected", {"sid": "s"}), proof, event("progress_update", stamped("t2")))
    assert signals.count(Established()) == 1
    assert signals.index(Established()) == 1, "before the event that says so"


def test_a_joins_acknowledgement_establishes_a_catch_ups_does_not() -> None:
    played = Played(JOIN)
    join, catch_up = (frame("ack", call[1], []) for call in played.calls)
    assert played.receive(catch_up) == [Ping()]
    assert played.receive(join) == [Established(), CaughtUp()]


def test_an_acknowledged_join_after_a_bare_error_is_refused() -> None:
    played = Played(JOIN)
    [row] = played.receive(event("error", {"message": "execution_id is required"}))
    assert isinstance(row, Received)
    assert row.fact == Alert("error", "execution_id is required")
    assert Established() not in played.acknowledge()


@pytest.mark.parametrize(
    "data",
    [
        {"message": "Invalid or expired token"},
        {"message": "Authentication token required"},
        {"message": "no", "code": "UNAUTHORIZED"},
        {"error": {"message": "no", "code": 403}},
    ],
)
def test_being_denied_is_the_end_and_a_row(data: dict[str, Any]) -> None:
    played = Played(JOIN)
    row, refused = played.receive(event("error", data))
    assert isinstance(row, Received)
    assert row.fact == Logged()
    assert isinstance(refused, StreamRefused)
    assert refused.fatal


@pytest.mark.parametrize(
    "data",
    [
        {"message": "Forbidden", "correlationId": "theirs"},
        {"message": "token bucket empty, try again"},
        {"message": "rate limit exceeded", "code": "FORBIDDEN"},
    ],
)
def test_a_refusal_of_another_or_for_now_is_not_the_end(data: dict[str, Any]) -> None:
    signals = Played(JOIN).receive(event("error", data))
    assert not any(isinstance(signal, StreamRefused) for signal in signals)


@pytest.mark.parametrize(
    ("answer", "fatal"), [({"error": "Forbidden"}, True), ({"ok": False, "message": "busy"}, False)]
)
def test_a_join_can_be_refused_by_its_acknowledgement(answer: dict[str, Any], fatal: bool) -> None:  # noqa: FBT001
    refused = Played(JOIN).acknowledge(answer)[0]
    assert isinstance(refused, StreamRefused)
    assert refused.fatal is fatal


def test_a_later_refusal_is_an_alert_a_tasks_error_is_not() -> None:
    played = Played()
    task_error = {"task_id": "t1", "message": "token missing in the form", "error_type": "AssertionError"}
    refusal, error, enveloped = played.rows(
        event("error", {"message": "Invalid token"}),
        event("error", task_error),
        event("error", {"type": "error", "timestamp": "2026-01-01T00:00:00Z", "data": {"message": "m"}}),
    )
    assert refusal.fact == Alert("error", "Invalid token")
    assert isinstance(error.fact, ErrorReported)
    assert isinstance(enveloped.fact, ErrorReported)


# ---- events ---------------------------------------------------------------------------------------------------------


def test_an_events_payload_is_byte_for_byte_what_came() -> None:
    data = '{ "task_id":"t\\u0031", "duration_ms": 1.50 }'
    [row] = Played().rows(f'["event",["progress_update", {{"data": {data}, "type":"progress_update"}} ]]')
    assert row.payload == data
    assert row.fact == TaskReported(task_id="t1", duration_s=0.0015)


@pytest.mark.parametrize(
    ("arguments", "payload"),
    [
        ([{"task_id": "t1"}], '{"task_id":"t1"}'),
        ([{"task_id": "t1"}, "Q83XDi4"], '{"task_id":"t1"}'),
        ([{"task_id": "t1"}, {"more": 1}], '[{"task_id":"t1"},{"more":1}]'),
        (["a", "b"], '["a","b"]'),
        (["a"], '"a"'),
        ([], "null"),
    ],
)
def test_all_arguments_are_kept_but_the_mark_that_node_adds(arguments: list[Any], payload: str) -> None:
    [row] = Played().rows(event("custom", *arguments))
    assert (row.type, row.payload) == ("custom", payload)
    assert isinstance(row.fact, UnknownEvent)


def test_json_of_python_with_nan_is_read() -> None:
    [row] = Played().rows('["event",["progress_update",{"task_id":"t1","duration_ms":NaN}]]')
    assert isinstance(row.fact, TaskReported)
    assert row.payload == '{"task_id":"t1","duration_ms":NaN}'
    [reply] = Played().receive('["ack","nobody",[NaN]]')
    assert reply == Ping()


@pytest.mark.parametrize("name", ["connected", "execution_joined", "execution_left", "catch_up_complete"])
def test_the_backends_own_replies_are_only_logged(name: str) -> None:
    played = Played(JOIN)
    rows = played.rows(event(name, {"execution_id": "e1"}))
    played.connect()
    rows += played.rows(event(name, {"execution_id": "e1"}))
    assert [row.fact for row in rows] == [Logged(), Logged()]


@pytest.mark.parametrize(
    ("text", "payload"),
    [
        ('["event",{oops]', "{oops"),
        ('["event",[]]', "[]"),
        ('["event",[1,{}]]', "[1,{}]"),
        ("2{oops", "2{oops"),
        ("", ""),
        ('["event"]', '["event"]'),
        ("[" * 100_000, "[" * 100_000),
    ],
)
def test_a_frame_without_an_event_is_kept_as_malformed(text: str, payload: str) -> None:
    [row] = Played().rows(text)
    assert (row.type, row.payload) == ("malformed", payload)


texts = st.text() | st.sampled_from(
    ['["event",["e",', '["ack","d1",', "]", "NaN", '"\\ud800"', "{", "[[", "1e999", '"a"']
)


@given(st.lists(texts, max_size=6).map("".join))
def test_no_frame_makes_it_raise(text: str) -> None:
    played = Played(JOIN)
    for frame_ in (text, f'["event",{text}]', f'["event",["error",{text}]]', f'["ack","join-1",{text}]'):
        for signal in played.receive(frame_):
            if isinstance(signal, Received):
                signal.payload.encode()


# ---- repeats --------------------------------------------------------------------------------------------------------


def test_the_same_said_twice_over_one_room_is_there_twice() -> None:
    for played in (Played(), Played(JOIN)):
        assert len(played.rows(*[event("progress_update", stamped("t1"))] * 10, *[event("tick", {})] * 3)) == 13


def test_events_with_an_id_or_number_are_never_copies() -> None:
    numbered = {**stamped("t1"), "seq": 7}
    assert len(Played(*BOTH).rows(event("progress_update", numbered), event("progress_update", numbered))) == 2


def test_an_event_that_comes_over_each_of_two_rooms_counts_once() -> None:
    played = Played(*BOTH)
    doubled = [event("discovery_tokens_progress", bare(tokens)) for tokens in (1, 2, 2, 3) for _ in range(2)]
    assert [json.loads(row.payload)["tokens_received"] for row in played.rows(*doubled)] == [1, 2, 2, 3]
    played.acknowledge()
    assert len(played.rows(*doubled)) == 4
    overtaken = [event("discovery_tokens_progress", bare(tokens)) for tokens in (11, 12, 11, 12)]
    assert len(played.rows(*overtaken)) == 2
    assert sum(isinstance(signal, Repeated) for signal in played.receive(*doubled)) == 4


def test_equal_events_of_one_active_room_are_no_copies() -> None:
    played = Played(*BOTH)
    played.acknowledge()
    begin, dot = event("execution_started", {"execution_id": "e1"}), event("progress_update", stamped("t1"))
    assert len(played.rows(begin, *[dot] * 10, *[event("tick", {})] * 2)) == 13


def test_a_slow_catch_up_proves_no_number_of_copies() -> None:
    played = Played(*BOTH)
    past, new = (
        [event("discovery_tokens_progress", bare(n)) for n in numbers] for numbers in (range(20), range(20, 40))
    )
    doubled = [text for text in new for _ in range(2)]
    for _ in range(2):  # the first time it has not shown that it answers, the second time it has
        played.now += 6 * SECOND
        played.receive(*past, *past)
        played.acknowledge()
        assert len(played.rows(*doubled)) == len(new)
        played.connect()


def test_an_error_for_us_alone_proves_no_number_of_copies() -> None:
    played = Played(*BOTH)
    played.acknowledge()
    error = event("error", {"message": "not allowed", "correlationId": "another"})
    first, second = (event("discovery_tokens_progress", bare(tokens)) for tokens in (1, 2))
    assert len(played.rows(error, first, first, second, second)) == 3


def test_a_room_doubled_by_our_own_brings_each_event_twice() -> None:
    played = Played(BOTH[1])
    assert len(played.rows(*[event("tick", {"n": n}) for n in (1, 1, 2, 2)])) == 2


def test_the_catch_up_ends_with_the_last_answer() -> None:
    played = Played(JOIN)
    joined, caught_up = (frame("ack", call[1], []) for call in played.calls)
    assert CaughtUp() not in played.receive(joined)
    assert CaughtUp() in played.receive(caught_up)


def test_a_session_that_the_server_took_up_again_is_said() -> None:
    played = Played(JOIN)
    played.wire.open()
    played.receive('["connected",{"sid":"s"},true]')
    resumed: str | None = played.wire.resumes_from
    assert resumed == "s"
    played.connect()
    assert played.wire.resumes_from is None


@given(st.lists(st.sampled_from("abcdef"), min_size=6), st.integers(1, 3))
def test_copies_count_once_and_equal_events_each(names: list[str], copies: int) -> None:
    known = Copies(copies)
    known.note_connection()
    said = [Received(name, Logged(), "") for name in names for _ in range(copies)]
    assert [one.type for one in said if not known.is_copy(one, one.type)] == names


@given(st.integers(1, 40), st.integers(2, 3), st.data())
def test_long_replays_of_each_room_count_once(length: int, rooms: int, data: st.DataObject) -> None:
    known = Copies(rooms)
    known.note_connection()
    past = [Received("tick", Logged(), "", timestamp=number) for number in range(length)]
    texts = [f'{{"n":{number % 3},"at":{number}}}' for number in range(length)]
    came = [
        event for _ in range(rooms) for event, text in zip(past, texts, strict=True) if not known.is_copy(event, text)
    ]
    assert came == past
    known.note_joined()
    said = data.draw(st.lists(st.sampled_from(range(length)), max_size=4, unique=True))
    assert [known.is_copy(past[number], texts[number]) for number in said] == [False] * len(said)
