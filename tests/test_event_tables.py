"""One type of event as a frame: each field of its payload a typed column."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings

from tests.folding import fold, frames_of, task
from tests.streams import stamped, streams
from tests.test_tables import FLOAT, INT, TEXT, TIME


def test_one_type_of_event_is_a_frame_with_each_field_a_typed_column() -> None:
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


def test_nested_fields_are_dotted_lists_stay_and_what_is_absent_is_unknown() -> None:
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


def test_a_type_that_never_came_is_an_empty_frame_with_its_times() -> None:
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


def test_payloads_that_python_alone_calls_json_are_in_the_table_too() -> None:
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
