"""The tRPC wire without a server: decisions, calls, connection parameters, wrong arguments."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runconsole.errors import UnsupportedByWire
from runconsole.protocols.base import Ping, Reply, Request, StreamRefused
from runconsole.protocols.trpc import calls as trpc_calls
from runconsole.protocols.trpc.wire import TrpcWire
from tests.protocols.trpc.trpc_frames import came, data, decision, failed, kinds, opened, started

# ---- requests --------------------------------------------------------------------------------------------------------


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
def test_an_unsendable_decision_is_refused_and_not_pending(transformer: str) -> None:
    wire = opened(transformer=transformer)
    with pytest.raises(ValueError, match="expected"):
        wire.decide(decision(modifications={"x": object()}), None)
    assert wire.pending == []


def test_the_calls_have_the_documented_inputs() -> None:
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


def test_a_reply_is_matched_once_and_its_value_is_plain_json() -> None:
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


@pytest.mark.parametrize("words", ['No procedure found on path "x"', 'No "mutation"-procedure on path "x"'])
def test_an_unknown_call_is_no_unknown_checkpoint(words: str) -> None:
    wire = opened()
    wire.call(Request("mutation", "x"))
    wire.call(Request("mutation", "checkpoints.get"))
    unknown, missing = came(wire, failed(2, "NOT_FOUND", words), failed(3, "NOT_FOUND", "no checkpoint 'c'"))
    assert isinstance(unknown, Reply)
    assert isinstance(missing, Reply)
    assert (unknown.is_unknown_call, missing.is_unknown_call) == (True, False)


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


def test_requests_of_a_lost_connection_are_not_sent_again() -> None:
    wire = opened()
    came(wire, started(1))
    wire.decide(decision(), "t")
    call = wire.call(trpc_calls.cancel("t"))
    assert wire.pending == ["d-1", call.request_id]
    assert wire.lost() == ["d-1", call.request_id]
    assert wire.lost() == []
    assert [json.loads(frame)["method"] for frame in wire.open()] == ["subscription"]


def test_lost_requests_are_kept_over_the_next_connection() -> None:
    wire = opened()
    wire.decide(decision(), "t")
    wire.open()
    assert wire.pending == ["d-1"]
    assert wire.lost() == ["d-1"]


# ---- connection parameters -------------------------------------------------------------------------------------------


def test_connection_parameters_are_the_first_plain_frame() -> None:
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


# ---- wrong arguments -------------------------------------------------------------------------------------------------


def test_arguments_that_cannot_work_are_refused_at_once() -> None:
    with pytest.raises(ValueError, match="transformer"):
        TrpcWire("x", transformer="devalue")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="strings"):
        TrpcWire("x", connection_params={"token": 5})  # type: ignore[dict-item]
    with pytest.raises(ValueError, match="expected"):
        TrpcWire("x", {"x": object()})
