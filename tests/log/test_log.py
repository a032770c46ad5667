"""The event log: complete, in order, byte for byte, for every chunk; readable while it grows."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runconsole.decoding.envelope import read_events
from runconsole.events import (
    Fact,
    Logged,
    MalformedFrame,
    Received,
    TaskReported,
    TaskStatus,
    UnknownEvent,
    WaveCompleted,
)
from runconsole.log import CHUNK, EventLog
from runconsole.log.chunks import KnownEvent
from runconsole.log.eventlog import InMemory
from tests.support.folding import fold, frames_of

COLUMNS = ["seq", "received_at", "timestamp", "type", "task_id", "phase", "wave", "status", "event_id", "payload"]


def numbered(number: int, fact: Fact | None = None) -> Received:
    return Received("x", fact or Logged(f"t{number}"), f'{{"n":{number}}}', number)


def filled(count: int) -> EventLog:
    log = EventLog()
    for number in range(count):
        log.append(numbered(number))
    return log


def numbers(log: EventLog) -> list[int]:
    return [int(payload[5:-1]) for payload in log.to_arrow()["payload"].to_pylist()]


@pytest.mark.parametrize("count", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 1])
def test_nothing_is_lost_where_a_chunk_ends(count: int) -> None:
    log = filled(count)
    table = log.to_arrow()
    assert len(log) == table.num_rows == count
    assert table["seq"].to_pylist() == numbers(log) == list(range(count))
    assert table.column_names == COLUMNS
    assert table.schema == filled(0).to_arrow().schema


@pytest.mark.parametrize("kind", [fact for fact in Fact.__subclasses__() if "phase" in fact.__struct_fields__])
def test_the_phase_of_every_fact_is_a_number(kind: type[Fact]) -> None:
    assert kind.__annotations__["phase"] == "int | None"


def test_a_phase_as_a_whole_is_a_row() -> None:
    log = EventLog()
    for event in read_events('{"type": "phase_completed", "data": {"phase": 1, "name": "Build"}}', 0):
        log.append(event)
    assert log.to_arrow()["type"].to_pylist() == ["phase_completed"]
    assert log.to_arrow()["phase"].to_pylist() == [None]


def test_a_row_holds_the_envelope_and_what_the_event_is_about() -> None:
    fact = TaskReported("t", phase=2, wave=3, status=TaskStatus.COMPLETED)
    log = EventLog()
    log.append(Received("progress_update", fact, '{"a": 1}', 5, 4, "evt-1"))
    log.append(Received("wave_completed", WaveCompleted(7), "{}", 6, offset="17"))
    first, second = log.to_arrow().cast(_plain(log)).to_pylist()
    assert list(first.values()) == [0, 5, 4, "progress_update", "t", 2, 3, "completed", "evt-1", '{"a": 1}']
    assert list(second.values()) == [1, 6, None, "wave_completed", None, None, 7, None, "17", "{}"]


def _plain(log: EventLog) -> pa.Schema:
    """Return the schema with times as numbers."""
    time = pa.timestamp("us", tz="UTC")
    return pa.schema(
        [(field.name, pa.int64() if field.type == time else field.type) for field in log.to_arrow().schema]
    )


def test_malformed_and_unknown_events_are_counted() -> None:
    log = EventLog()
    for fact in (MalformedFrame("not JSON"), UnknownEvent("t"), UnknownEvent(), Logged()):
        log.append(numbered(0, fact))
    assert (log.malformed, log.unknown, len(log)) == (1, 2, 4)


def test_a_number_past_64_bits_is_unknown() -> None:
    log = EventLog()
    log.append(numbered(0, TaskReported("t", phase=2**63, wave=-(2**63))))
    assert log.to_arrow().select(["phase", "wave"]).to_pylist() == [{"phase": None, "wave": -(2**63)}]


@pytest.mark.parametrize("name", ["seed-execution", "seed-task", "variants", "garbage"])
def test_payloads_are_kept_byte_for_byte(name: str) -> None:
    events = [event for frame in frames_of(name) for event in read_events(frame, 1)]
    assert fold(frames_of(name)).log.to_arrow()["payload"].to_pylist() == [event.payload for event in events]


# ---- reading a stretch of it ---------------------------------------------------------------------------------------


@given(st.integers(0, 40), st.integers(-5, 50), st.integers(0, 50))
@settings(max_examples=200)
def test_any_stretch_of_the_log_can_be_read_across_chunks(count: int, first: int, wanted: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("runconsole.log.eventlog.CHUNK", 8)
        read = filled(count).read(first, wanted)
    expected = list(range(max(0, first), min(max(0, first) + wanted, count)))
    assert [number for number, _ in read] == expected
    assert [event.payload for _, event in read] == [f'{{"n":{number}}}' for number in expected]
    assert [getattr(event.fact, "task_id", None) for _, event in read] == [f"t{number}" for number in expected]


def test_a_sealed_event_keeps_its_time_and_kind() -> None:
    log = EventLog()
    events = [
        Received("progress_update", TaskReported("t"), "{}", 5, 4, "evt-1"),
        Received("odd", UnknownEvent("u"), "[]", 6),
        Received("malformed", MalformedFrame("not JSON"), "ž{", 7),
    ]
    for event in events:
        log.append(event)
    before = [event for _, event in log.read(0, 3)]
    for number in range(CHUNK):
        log.append(numbered(number))
    after = [event for _, event in log.read(0, 3)]
    marks = [(e.type, e.payload, e.received_at, e.timestamp, e.event_id) for e in after]
    assert before == events
    assert marks == [(e.type, e.payload, e.received_at, e.timestamp, e.event_id) for e in events]
    assert [type(event.fact) for event in after] == [KnownEvent, UnknownEvent, MalformedFrame]
    assert [getattr(event.fact, "task_id", None) for event in after] == ["t", "u", None]


@given(st.integers(0, 40), st.integers(0, 50))
@settings(max_examples=100)
def test_the_rows_from_any_event_on_can_be_read_across_chunks(count: int, first: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("runconsole.log.eventlog.CHUNK", 8)
        batches = list(filled(count).batches(first))
    found = [time for batch in batches for time in batch.column("received_at").cast(pa.int64()).to_pylist()]
    assert found == list(range(first, count))


# ---- while it is sealed --------------------------------------------------------------------------------------------


class Later(InMemory):
    """Seals on command."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def submit(self, seal: Callable[[], None]) -> None:
        self.waiting.append(seal)


def test_a_chunk_reads_the_same_before_and_after_sealing() -> None:
    storage, count = Later(), 2 * CHUNK + 3
    log = EventLog(storage)
    facts = (TaskReported("t", phase=1, wave=2, status=TaskStatus.RUNNING), UnknownEvent("u"), MalformedFrame("no"))
    for number in range(count):
        log.append(numbered(number, facts[number % 3]))
    before, events, counts = log.to_arrow(), log.read(CHUNK - 2, 4), (log.unknown, log.malformed)
    assert [seal() for seal in storage.waiting] == [None, None]
    assert log.to_arrow() == before
    assert (log.unknown, log.malformed) == counts
    after = log.read(CHUNK - 2, 4)
    assert [(n, e.type, e.payload, e.received_at) for n, e in after] == [
        (n, e.type, e.payload, e.received_at) for n, e in events
    ]


def test_unstorable_text_is_replaced() -> None:
    log = EventLog()
    for number in range(CHUNK):
        log.append(Received("x", Logged("a\ud800b"), '"ž"', number))
    assert log.to_arrow()["task_id"][0].as_py() == "a\ufffdb"
    assert log.to_arrow()["payload"][0].as_py() == '"ž"'


# ---- while it grows ------------------------------------------------------------------------------------------------


def test_a_reader_sees_a_prefix_of_a_growing_log() -> None:
    log, total, lengths = EventLog(), 3 * CHUNK + 7, [0]

    def write() -> None:
        for number in range(total):
            log.append(numbered(number))

    writer = threading.Thread(target=write)
    writer.start()
    while lengths[-1] < total:
        seen = numbers(log)
        assert seen == list(range(len(seen)))
        assert len(log) >= len(seen) >= lengths[-1]
        lengths.append(len(seen))
    writer.join()
