"""Every frame against the reference, on random runs of both families."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings

from tests.support.folding import fold
from tests.support.reference import Reference, Row
from tests.support.streams import streams

SHOWN = {
    # Of each frame the columns that follow from the documents alone.
    "tasks": (
        "task_id name phase phase_name wave status progress step worker_id provider_id attempts max_retries tokens "
        "cost_usd started_at ended_at error"
    ),
    "subtasks": "task_id subtask_id name description status progress agent_id started_at ended_at",
    "agents": "agent_id name parent_id task_id model status tokens input_tokens cost_usd started_at ended_at error",
    "tool_calls": "tool_call_id task_id agent_id name status arguments result error started_at ended_at",
    "phases": "phase name tasks completed failed progress",
    "waves": "wave atoms atoms_completed success_rate failed artifacts duration_s status completed_at",
    "artifacts": "path size type language task_id action created_at",
    "errors": "task_id task_name message error_type recoverable attempt max_retries stack at",
    "output": "at task_id stream text worker_id agent_id",
    "checkpoints": (
        "checkpoint_id task_id type title description options default_action status decision decided_by requested_at "
        "decided_at"
    ),
}


def rows_of(frame: pd.DataFrame, names: list[str]) -> list[Row]:
    """Return the frame's rows as plain values: None for unknown, microseconds for times."""
    flat = frame.reset_index() if frame.index.names != [None] else frame
    return [dict(zip(names, map(plain, row), strict=True)) for row in flat[names].itertuples(index=False, name=None)]


def plain(value: Any) -> Any:
    if value is pd.NA or value is pd.NaT:
        return None
    return value.value // 1000 if isinstance(value, pd.Timestamp) else value


def close(rows: list[Row]) -> list[Row]:
    """Return the rows with sums of floats rounded: the order of addition is not specified."""
    return [{name: round(value, 6) if isinstance(value, float) else value for name, value in r.items()} for r in rows]


@pytest.mark.parametrize("name", SHOWN)
@given(frames=streams(most=30))
@settings(max_examples=60, deadline=None)
def test_a_frame_holds_what_the_reference_does(name: str, frames: list[str]) -> None:
    names = SHOWN[name].split()
    expected = [{column: row[column] for column in names} for row in Reference(frames).rows(name)]
    assert close(rows_of(fold(frames).tables.frame(name), names)) == close(expected)


@given(streams(most=30))
@settings(max_examples=60, deadline=None)
def test_the_events_frame_holds_what_the_reference_does(frames: list[str]) -> None:
    expected = Reference(frames).events
    frame = fold(frames).tables.frame("events")
    found = rows_of(frame, ["timestamp", "type", "task_id", "phase", "wave", "payload"])
    assert [row | {"payload": json.loads(row["payload"])} for row in found] == [
        {name: event[name] for name in found[0]} for event in expected
    ]
    assert frame.index.tolist() == list(range(len(frames)))


@given(streams(most=30))
@settings(max_examples=40, deadline=None)
def test_derived_columns_agree_with_their_sources(frames: list[str]) -> None:
    tables, reference = fold(frames).tables, Reference(frames)
    tasks, subtasks = tables.frame("tasks"), reference.rows("subtasks")
    done = [row["task_id"] for row in subtasks if row["status"] == "completed"]
    assert tasks["subtasks"].tolist() == [sum(row["task_id"] == task for row in subtasks) for task in tasks.index]
    assert tasks["subtasks_done"].tolist() == [done.count(task) for task in tasks.index]
    checkpoints = tables.frame("checkpoints")
    waited = (checkpoints["decided_at"] - checkpoints["requested_at"]).dt.total_seconds()
    assert plain_all(checkpoints["response_s"]) == plain_all(waited.clip(lower=0))


def plain_all(column: pd.Series) -> list[Any]:
    return [None if pd.isna(value) else round(float(value), 6) for value in column]


@given(streams(most=30))
@settings(max_examples=40, deadline=None)
def test_frames_read_after_every_event_end_as_those_read_once(frames: list[str]) -> None:
    often, once = fold([]), fold(frames)
    for frame in frames:
        often.feed([frame])
        for name in (*SHOWN, "events"):
            often.tables.frame(name)
    for name in (*SHOWN, "events"):
        pd.testing.assert_frame_equal(often.tables.frame(name), once.tables.frame(name))
