"""Growing columns and the `events` frame on them: each frame is whole and stays, in any order of packing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runconsole.events import Fact, Logged, Received, TaskReported, TaskStatus
from runconsole.log import CHUNK, EventLog
from runconsole.log.eventlog import InMemory
from runconsole.state import RunState
from runconsole.tables import Tables
from runconsole.tables.dtypes import INT, TEXT, TIME
from runconsole.tables.growing import Growing, Numbers, Texts, Times

KINDS: dict[type[Growing], tuple[pa.DataType, list[Any]]] = {
    Texts: (TEXT, [None, "a", "b", "ž\u202e", ""]),
    Numbers: (INT, [None, 0, 3, -(2**63), 2**63 - 1]),
    Times: (TIME, [None, *map(pd.Timestamp, ("2025-11-16T16:34:45Z", "1970-01-01T00:00:00.000001Z"))]),
}


def packings(values: list[Any], kind: pa.DataType) -> list[pa.Array]:
    """Return the values in every form in which a chunk may hold them."""
    packed = [pa.array(values, kind)]
    if kind != TIME:
        packed.append(packed[0].dictionary_encode())
    if not any(value is not None for value in values):
        packed.append(pa.nulls(len(values)))
    return packed


def known_values(column: Any) -> list[Any]:
    """Return a column's values, None for unknown."""
    return [None if pd.isna(value) else value for value in column]


@pytest.mark.parametrize("column", KINDS)
@given(data=st.data())
@settings(max_examples=150)
def test_a_column_grows_and_its_earlier_values_stay(column: type[Growing], data: Any) -> None:
    kind, some = KINDS[column]
    growing, given_out = column(), []
    all_of_it: list[Any] = []
    runs = st.tuples(st.integers(0, 3), st.sampled_from(some), st.integers(1, 700), st.lists(st.sampled_from(some)))
    for again, value, times, others in data.draw(st.lists(runs, max_size=8)):
        new = [value] * times + others
        begin = max(0, len(all_of_it) - again)  # these rows come once more
        values = all_of_it[begin:] + new
        all_of_it += new
        growing.put(begin, data.draw(st.sampled_from(packings(values, kind))))
        given_out.append((growing.column(pd.RangeIndex(len(all_of_it))), list(all_of_it)))
    for frame, expected in given_out:
        assert known_values(frame) == expected


class Later(InMemory):
    """Seals on command."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def submit(self, seal: Callable[[], None]) -> None:
        self.waiting.append(seal)


def event(number: int) -> Received:
    fact: Fact = Logged(f"t{number}")
    if number % 3:
        fact = TaskReported(f"t{number % 7}", phase=number // CHUNK or None, wave=number % 5, status=TaskStatus.RUNNING)
    return Received("x", fact, f'{{"n":{number}}}', number, number if number % 2 else None, offset=str(number))


@given(st.lists(st.tuples(st.sampled_from([1, 500, CHUNK - 1, CHUNK]), st.integers(0, 2)), min_size=1, max_size=6))
@settings(max_examples=15, deadline=None)
def test_a_frame_read_repeatedly_equals_one_read_once(
    steps: list[tuple[int, int]],
) -> None:
    storage, number = Later(), 0
    log = EventLog(storage)
    tables = Tables(RunState(), log)
    for count, seals in steps:
        for _ in range(count):
            log.append(event(number))
            number += 1
        for seal in storage.waiting[:seals]:
            seal()
        del storage.waiting[:seals]
        pd.testing.assert_frame_equal(tables.frame("events"), Tables(RunState(), log).frame("events"))
    assert tables.frame("events")["payload"].tolist() == [f'{{"n":{n}}}' for n in range(number)]


def addresses(texts: Any) -> set[int]:
    return {piece.buffers()[2].address for piece in texts.chunks}


def test_sealed_texts_are_held_once() -> None:
    storage = Later()
    log = EventLog(storage)
    tables = Tables(RunState(), log)
    for number in range(CHUNK + 1):
        log.append(event(number))
        if number % 1000 == 0:
            tables.frame("events")
    [seal] = storage.waiting
    seal()
    log.append(event(CHUNK + 1))
    shown = pa.chunked_array(pa.array(tables.frame("events")["payload"], TEXT))
    sealed = next(log.batches()).column("payload").buffers()[2].address
    assert sealed in addresses(shown)
    assert [len(piece) for piece in shown.chunks] == [CHUNK, 2]


def test_a_text_that_comes_over_and_over_is_held_once() -> None:
    column = Texts()
    for begin in range(0, 8000, 1000):
        column.put(begin, pa.array(["same"] * 1000, TEXT).dictionary_encode())
    assert len(addresses(pa.chunked_array(pa.array(column.column(pd.RangeIndex(8000)), TEXT)))) == 1


def test_a_half_read_frame_is_whole_at_the_next_access(monkeypatch: pytest.MonkeyPatch) -> None:
    log = EventLog()
    tables = Tables(RunState(), log)
    for number in range(2 * CHUNK + 5):
        log.append(event(number))
    put, left = Texts.put, [7]

    def interrupted(self: Texts, begin: int, values: pa.Array) -> None:
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        put(self, begin, values)

    monkeypatch.setattr(Texts, "put", interrupted)
    with pytest.raises(KeyboardInterrupt):
        tables.frame("events")
    pd.testing.assert_frame_equal(tables.frame("events"), Tables(RunState(), log).frame("events"))
