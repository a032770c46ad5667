"""One type of event as a frame: each field of its payload a typed column."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runconsole import Console, InvalidArgument
from tests.support.folding import Folded, execution, fold, frames_of, task
from tests.support.streams import stamped, streams
from tests.tables.test_tables import FLOAT, INT, TEXT, TIME


def test_one_type_of_event_has_each_field_as_a_typed_column() -> None:
    tables = fold(frames_of("seed-execution")).tables
    frame = tables.table("progress_update")
    assert frame.index.tolist() == [1]
    assert list(frame.columns[:2]) == ["received_at", "timestamp"]
    assert frame["timestamp"].tolist() == [pd.Timestamp("2025-11-16T16:34:45.123Z")]
    values = frame.iloc[0].to_dict()
    assert values["task_id"] == "task_001"
    assert values["subtask_status.subtask_1"] == "completed"
    dtypes = {name: str(frame[name].dtype) for name in ("progress", "progress_percent", "task_name", "duration_ms")}
    assert dtypes == {"progress": INT, "progress_percent": FLOAT, "task_name": TEXT, "duration_ms": INT}


def test_nested_fields_are_dotted_and_missing_ones_unknown() -> None:
    frames = [
        task("task.progress", 1, progress=5, metrics={"elapsed": 1.5, "tokensUsed": 7}),
        task("task.progress", 2, progress=None, subtask={"id": "s"}, timestamp="own", received_at="mine"),
    ]
    frame = fold(frames).tables.table("task.progress")
    assert set(frame.columns) == {
        *("received_at", "timestamp", "taskId", "progress", "metrics.elapsed", "metrics.tokensUsed", "subtask.id"),
        *("payload.timestamp", "payload.received_at"),
    }
    assert frame["metrics.tokensUsed"].tolist() == [7, pd.NA]
    assert str(frame["metrics.tokensUsed"].dtype) == INT
    assert frame["payload.timestamp"].tolist() == [pd.NA, "own"]


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"a.b": 1, "a": {"b": 2}}, {"a.b": 1, "payload.a.b": 2}),
        ({"a": {"b": 2}, "a.b": 1}, {"a.b": 1, "payload.a.b": 2}),
        ({"a": {"b.c": 1, "b": {"c": 2}}}, {"a.b.c": 1, "a.payload.b.c": 2}),
        ({"a": {"b.c": 1}, "a.b": {"c": 2}}, {"a.b.c": 1, "payload.a.b.c": 2}),
        ({"a.b": 1, "a": {"b": 2}, "payload.a.b": 3}, {"a.b": 1, "payload.a.b": 3, "payload.payload.a.b": 2}),
        ({"timestamp": 1, "payload": {"timestamp": 2}}, {"payload.timestamp": 2, "payload.payload.timestamp": 1}),
    ],
)
def test_two_fields_with_one_dotted_name_are_both_there(payload: dict[str, Any], expected: dict[str, int]) -> None:
    frame = fold([execution("odd", 0, **payload)]).tables.table("odd")
    assert frame.drop(columns=["received_at", "timestamp"]).iloc[0].to_dict() == expected


_names = st.sampled_from(["a", "b", "a.b", "payload", "payload.a", "payload.payload.a", "timestamp"])
_nested = st.recursive(
    st.integers(0, 9), lambda inner: st.dictionaries(_names, inner, min_size=1, max_size=4), max_leaves=12
)


@given(st.dictionaries(_names, _nested, min_size=1, max_size=5))
def test_no_value_is_lost_by_the_names_of_fields(payload: dict[str, Any]) -> None:
    def leaves(value: Any) -> list[int]:
        return [leaf for each in value.values() for leaf in leaves(each)] if isinstance(value, dict) else [value]

    frame = fold([execution("odd", 0, **payload)]).tables.table("odd")
    assert sorted(frame.drop(columns=["received_at", "timestamp"]).iloc[0].tolist()) == sorted(leaves(payload))


@pytest.mark.parametrize("wrong", [5, None, b"odd", ["odd"]])
def test_a_type_that_is_no_text_is_refused_in_one_sentence(wrong: Any) -> None:
    console = Console("ws://127.0.0.1:1/ws", start=False)
    with pytest.raises(InvalidArgument, match=r"expected a type of event such as 'task\.progress', got .*: see run\."):
        console.table(wrong)


def test_an_unknown_type_is_an_empty_frame_with_times() -> None:
    frame = fold([]).tables.table("progress_update")
    assert (len(frame), list(frame.columns)) == (0, ["received_at", "timestamp"])
    assert str(frame["timestamp"].dtype) == TIME


@pytest.mark.parametrize(
    ("frames", "column", "values"),
    [
        (["garbage", "{"], "text", ["garbage", "{"]),
        (["[1]", "7"], "value", [1, 7]),
    ],
)
def test_malformed_frames_have_a_table_too(frames: list[str], column: str, values: list[Any]) -> None:
    assert fold(frames).tables.table("malformed")[column].tolist() == values


def test_payloads_of_pythons_json_are_in_the_table() -> None:
    frame = '{"type":"progress_update","data":{"task_id":"a","progress":NaN}}'
    assert fold([frame]).tables.table("progress_update")["task_id"].tolist() == ["a"]


@pytest.mark.parametrize("name", ["variants", "garbage"])
def test_every_type_that_ever_came_has_a_readable_table(name: str) -> None:
    tables = fold(frames_of(name)).tables
    kinds = tables.frame("events")["type"]
    assert {kind: len(tables.table(kind)) for kind in kinds} == kinds.value_counts().to_dict()


@given(streams(most=15))
@settings(max_examples=30)
def test_the_table_of_any_type_has_the_rows_of_that_type(frames: list[str]) -> None:
    tables = fold([*frames, *stamped([{"type": "progress_update", "data": {}}])]).tables
    events = tables.frame("events")
    for kind in {*events["type"]}:
        assert tables.table(kind).index.tolist() == events.index[events["type"] == kind].tolist()


# ---- read again and again ------------------------------------------------------------------------------------------

_values: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.integers(-3, 3),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=3),
    st.lists(st.integers(0, 3), max_size=2),
    st.dictionaries(st.sampled_from("xy"), st.integers(0, 3) | st.text(max_size=2)),
)
_kinds: st.SearchStrategy[Any] = st.sampled_from([st.integers(-9, 9), st.floats(-9, 9), st.booleans(), _values])
_payloads = st.lists(
    st.dictionaries(st.sampled_from("abc"), _kinds.flatmap(lambda kind: kind), max_size=3), max_size=12
)


def flat_payload(payload: dict[str, Any]) -> dict[str, Any]:
    """Return the payload's fields, nested ones dotted, without empty ones."""
    flat = {name: value for name, value in payload.items() if not isinstance(value, dict)}
    nested = {
        f"{k}.{n}": value for k, inner in payload.items() if isinstance(inner, dict) for n, value in inner.items()
    }
    return {name: value for name, value in (flat | nested).items() if value is not None}


@given(_payloads, st.integers(1, 4))
@settings(max_examples=150, deadline=None)
def test_a_table_read_repeatedly_equals_one_read_once(payloads: list[dict[str, Any]], every: int) -> None:
    frames = [execution("odd", number, **payload) for number, payload in enumerate(payloads)]
    often, once = Folded(), fold(frames).tables.table("odd")
    for begin in range(0, len(frames), every):
        often.feed(frames[begin : begin + every])
        often.tables.table("odd")
    pd.testing.assert_frame_equal(often.tables.table("odd"), once)
    found = once.drop(columns=["received_at", "timestamp"]).to_dict("records")
    assert [{k: v for k, v in row.items() if v is not pd.NA and v is not None} for row in found] == [
        flat_payload(p) for p in payloads
    ]


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([1, 2], INT),
        ([1, None], INT),
        ([1, 2.5], FLOAT),
        ([1.0, 2.0], FLOAT),
        ([True, None], "boolean"),
        (["a", None], TEXT),
        ([1, "a"], "object"),
        ([True, 1], "object"),
        ([[1], [2]], "object"),
        ([2**64, 1], "object"),
        ([None, None], "object"),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
def test_a_column_is_as_narrow_as_its_values_allow(values: list[Any], dtype: str, *, at_once: bool) -> None:
    folded = Folded()
    for value in values:
        folded.feed([execution("odd", value=value)])
        if not at_once:
            folded.tables.table("odd")
    column = folded.tables.table("odd")["value"]
    assert str(column.dtype) == dtype
    assert column.tolist() == [pd.NA if value is None else value for value in values]


def test_a_changed_list_in_a_table_is_the_callers_own() -> None:
    folded = fold([execution("odd", value=[1])])
    folded.tables.table("odd")["value"].iloc[0].clear()
    folded.feed([execution("odd", value=[2])])
    assert folded.tables.table("odd")["value"].tolist() == [[1], [2]]


def test_whole_numbers_beside_fractions_keep_their_digits() -> None:
    big = 9_007_199_254_740_993
    frames = [f'{{"type":"x","data":{{"n":{value}}}}}' for value in (1, big, 0.5)]
    for order in (frames, frames[::-1], [frames[1], frames[2]], [frames[2], frames[1]]):
        table = fold(order).tables.table("x")
        assert big in table["n"].tolist()
    later = fold(frames[:2])
    later.tables.table("x")
    assert later.feed(frames[2:]).tables.table("x")["n"].tolist() == [1, big, 0.5]
    assert str(fold([frames[0], frames[2]]).tables.table("x")["n"].dtype) == "Float64"


def test_json_in_json_has_its_fields_in_the_table() -> None:
    frame = '{"type":"x","data":"{\\"n\\":5}"}'
    assert fold([frame]).tables.table("x")["n"].tolist() == [5]
