"""State and log as DataFrames: fixed columns and dtypes, the caller's own copy, the newest state."""

from __future__ import annotations

import json
import math
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from runconsole.events import Answer, DecisionRequested, DecisionSent, TaskDetails
from runconsole.log import EventLog
from runconsole.state import RunState, span_s
from runconsole.tables import FRAMES, Tables, entities
from runconsole.tables.entities import EntityFrame
from runconsole.tables.specs import BESIDE
from tests.support.folding import Folded, execution, fold, frames_of, task
from tests.support.streams import streams

if TYPE_CHECKING:
    import pyarrow as pa

TIME, INT, FLOAT, TEXT, BOOL, OBJECT = "datetime64[us, UTC]", "Int64", "Float64", "string", "boolean", "object"

CONTRACT: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    # The public contract: the index, and the columns in their order (there may be more).
    "events": (
        ("seq",),
        {
            "received_at": TIME,
            "timestamp": TIME,
            "type": TEXT,
            "task_id": TEXT,
            "phase": INT,
            "wave": INT,
            "status": TEXT,
            "event_id": TEXT,
            "payload": TEXT,
        },
    ),
    "tasks": (
        ("task_id",),
        {
            "name": TEXT,
            "phase": INT,
            "phase_name": TEXT,
            "wave": INT,
            "status": TEXT,
            "progress": FLOAT,
            "step": TEXT,
            "worker_id": TEXT,
            "provider_id": TEXT,
            "attempts": INT,
            "max_retries": INT,
            "duration_s": FLOAT,
            "tokens": INT,
            "cost_usd": FLOAT,
            "started_at": TIME,
            "ended_at": TIME,
            "subtasks": INT,
            "subtasks_done": INT,
            "error": TEXT,
        },
    ),
    "subtasks": (
        ("task_id", "subtask_id"),
        {
            "name": TEXT,
            "description": TEXT,
            "status": TEXT,
            "progress": FLOAT,
            "duration_s": FLOAT,
            "agent_id": TEXT,
            "started_at": TIME,
            "ended_at": TIME,
        },
    ),
    "agents": (
        ("agent_id",),
        {
            "name": TEXT,
            "parent_id": TEXT,
            "task_id": TEXT,
            "model": TEXT,
            "status": TEXT,
            "tokens": INT,
            "input_tokens": INT,
            "output_tokens": INT,
            "cached_tokens": INT,
            "reasoning_tokens": INT,
            "cost_usd": FLOAT,
            "by_model": OBJECT,
            "started_at": TIME,
            "ended_at": TIME,
            "duration_s": FLOAT,
            "error": TEXT,
        },
    ),
    "tool_calls": (
        ("tool_call_id",),
        {
            "task_id": TEXT,
            "agent_id": TEXT,
            "name": TEXT,
            "status": TEXT,
            "arguments": OBJECT,
            "result": OBJECT,
            "error": TEXT,
            "started_at": TIME,
            "ended_at": TIME,
            "duration_s": FLOAT,
        },
    ),
    "phases": (
        ("phase",),
        {
            "name": TEXT,
            "tasks": INT,
            "completed": INT,
            "failed": INT,
            "progress": FLOAT,
            "status": TEXT,
            "started_at": TIME,
            "ended_at": TIME,
            "duration_s": FLOAT,
        },
    ),
    "waves": (
        ("wave",),
        {
            "atoms": INT,
            "atoms_completed": INT,
            "success_rate": FLOAT,
            "failed": INT,
            "artifacts": INT,
            "duration_s": FLOAT,
            "status": TEXT,
            "completed_at": TIME,
        },
    ),
    "artifacts": (
        (),
        {
            "path": TEXT,
            "size": INT,
            "type": TEXT,
            "language": TEXT,
            "task_id": TEXT,
            "action": TEXT,
            "created_at": TIME,
        },
    ),
    "errors": (
        (),
        {
            "task_id": TEXT,
            "task_name": TEXT,
            "message": TEXT,
            "error_type": TEXT,
            "recoverable": BOOL,
            "attempt": INT,
            "max_retries": INT,
            "stack": TEXT,
            "at": TIME,
        },
    ),
    "output": ((), {"at": TIME, "task_id": TEXT, "stream": TEXT, "text": TEXT, "worker_id": TEXT, "agent_id": TEXT}),
    "checkpoints": (
        ("checkpoint_id",),
        {
            "task_id": TEXT,
            "type": TEXT,
            "title": TEXT,
            "description": TEXT,
            "options": OBJECT,
            "context": OBJECT,
            "default_action": TEXT,
            "deadline": TIME,
            "status": TEXT,
            "decision": TEXT,
            "decided_by": TEXT,
            "feedback": TEXT,
            "requested_at": TIME,
            "decided_at": TIME,
            "response_s": FLOAT,
        },
    ),
    "decisions": (
        (),
        {
            "checkpoint_id": TEXT,
            "task_id": TEXT,
            "option": TEXT,
            "feedback": TEXT,
            "state": TEXT,
            "by": TEXT,
            "requested_at": TIME,
            "sent_at": TIME,
            "acknowledged_at": TIME,
            "error": TEXT,
        },
    ),
    "links": ((), {"at": TIME, "state": TEXT, "attempt": INT, "reason": TEXT, "missed": INT, "recovered": INT}),
}


def full() -> Folded:
    """Return a run in which every frame has a row."""
    folded = fold(frames_of("variants")[:66])
    folded.apply(DecisionRequested(folded.now, "d", "q4", Answer("approve", "yes")))
    folded.apply(DecisionSent(folded.now, "d"))
    return folded


@pytest.mark.parametrize("name", CONTRACT)
@pytest.mark.parametrize("make", [Folded, full], ids=["empty", "full"])
def test_every_frame_has_the_columns_and_dtypes_of_the_contract(make: Callable[[], Folded], name: str) -> None:
    frame = make().tables.frame(name)
    index, columns = CONTRACT[name]
    assert len(frame) or make is not full
    assert tuple(frame.index.names) == (index or (None,))
    assert list(frame.columns)[: len(columns)] == list(columns)
    assert {column: str(frame[column].dtype) for column in columns} == columns


@pytest.mark.parametrize("name", [*FRAMES, *BESIDE])
def test_dtypes_are_the_same_empty_and_full(name: str) -> None:
    empty, rows = Folded().tables.frame(name), full().tables.frame(name)
    assert list(empty.columns) == list(rows.columns)
    assert empty.dtypes.to_dict() == rows.dtypes.to_dict()
    assert [empty.index.get_level_values(n).dtype for n in range(empty.index.nlevels)] == [
        rows.index.get_level_values(n).dtype for n in range(rows.index.nlevels)
    ]


def test_the_frames_of_the_contract_are_all_there_are() -> None:
    assert {*FRAMES, "events"} == set(CONTRACT)


# ---- the same as slowly ----------------------------------------------------------------------------------------------


def as_time(at: int | None) -> Any:
    return None if at is None else pd.Timestamp(at, unit="us", tz="UTC")


def slowly(state: RunState) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of some frames, made one by one from the state in the most obvious way."""
    return {
        "tasks": [
            {
                "task_id": row.task_id,
                "name": row.name,
                "phase": row.phase,
                "status": row.status.value,
                "progress": row.progress,
                "duration_s": row.duration_s if row.duration_s is not None else span_s(row.started_at, row.ended_at),
                "started_at": as_time(row.started_at),
                "ended_at": as_time(row.ended_at),
                "subtasks": len(state.subtasks.get(row.task_id, {})),
                "error": row.error,
            }
            for row in state.tasks.values()
        ],
        "subtasks": [
            {"task_id": task_id, "subtask_id": key, "status": row.status.value, "progress": row.progress}
            for task_id, rows in state.subtasks.items()
            for key, row in rows.items()
        ],
        "phases": [
            {
                "phase": number,
                "tasks": phase.tasks,
                "completed": sum(t.phase == number and t.status == "completed" for t in state.tasks.values()),
                "failed": sum(t.phase == number and t.status == "failed" for t in state.tasks.values()),
            }
            for number, phase in state.phases.items()
        ],
        "output": [{"text": row.text, "stream": row.stream, "at": as_time(row.at)} for row in state.output],
        "checkpoints": [
            {
                "checkpoint_id": key,
                "status": row.status,
                "decided_by": row.decided_by,
                "options": [{"id": o.id, "label": o.label, "description": o.description} for o in row.options],
            }
            for key, row in state.checkpoints.items()
        ],
    }


def rows_of(frame: pd.DataFrame, names: list[str]) -> list[dict[str, Any]]:
    """Return the frame's rows as plain values, None for unknown."""
    flat = frame.reset_index() if frame.index.names != [None] else frame
    return [
        {name: None if value is pd.NA or value is pd.NaT else value for name, value in zip(names, row, strict=True)}
        for row in flat[names].itertuples(index=False, name=None)
    ]


@given(streams(most=30))
@settings(max_examples=60)
def test_frames_say_what_the_state_says(frames: list[str]) -> None:
    folded = fold(frames)
    for name, expected in slowly(folded.state).items():
        frame = folded.tables.frame(name)
        assert len(frame) == len(expected)
        found = rows_of(frame, list(expected[0])) if expected else []
        assert found == expected


@given(streams(most=30))
@settings(max_examples=30)
def test_the_event_frame_has_each_event_in_order_of_arrival(frames: list[str]) -> None:
    events = fold(frames).tables.frame("events")
    sent = [json.loads(frame) for frame in frames]
    assert events.index.tolist() == list(range(len(sent)))
    assert events["type"].tolist() == [event["type"] for event in sent]
    assert [json.loads(text) for text in events["payload"]] == [e.get("data", e.get("payload")) for e in sent]
    assert events["timestamp"].tolist() == [pd.Timestamp(event["timestamp"]) for event in sent]


# ---- at any time, the caller's own -----------------------------------------------------------------------------------


def test_changes_of_a_frame_stay_with_the_caller() -> None:
    tables = full().tables
    for name in CONTRACT:
        before = tables.frame(name)
        mine = tables.frame(name)
        mine["mine"] = 1
        column = next(column for column in CONTRACT[name][1] if mine[column].dtype == "string")
        mine[column] = "changed"
        mine.index = pd.Index(range(len(mine)))
        pd.testing.assert_frame_equal(tables.frame(name), before)


def test_a_callers_change_to_a_list_in_a_cell_stays_the_callers() -> None:
    folded = full()
    tables = folded.tables
    tables.frame("checkpoints")["options"].iloc[0].clear()
    folded.feed([task("task.hitl_required", checkpointId="next", taskId="t9")])
    assert [option["id"] for option in tables.frame("checkpoints")["options"].iloc[0]] == [
        "approve",
        "modify",
        "reject",
    ]


def test_only_a_changed_frame_is_built_again(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[list[str]] = []
    build = EntityFrame._batch

    def watched(self: EntityFrame, rows: Sequence[Any]) -> pa.RecordBatch:
        built.append([row.task_id for row in rows])
        return build(self, rows)

    monkeypatch.setattr(EntityFrame, "_batch", watched)
    folded = fold([execution("progress_update", task_id="a")])
    folded.tables.frame("tasks")
    folded.feed([task("task.output", data="x", taskId="a")])
    folded.tables.frame("tasks")
    assert built == [["a"]]
    folded.feed([execution("progress_update", task_id="b")])
    assert folded.tables.frame("tasks").index.tolist() == ["a", "b"]
    assert built == [["a"], ["a", "b"]]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 99)), max_size=20), st.integers(1, 9))
def test_only_the_blocks_with_a_changed_row_are_built_again(changes: list[tuple[int, int]], size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(entities, "BLOCK", size)
        folded, expected = Folded(), {}
        build, built = EntityFrame._batch, [0]

        def watched(self: EntityFrame, rows: Sequence[Any]) -> pa.RecordBatch:
            built[0] += 1
            return build(self, rows)

        patch.setattr(EntityFrame, "_batch", watched)
        for number, progress in changes:
            folded.feed([task("task.progress", taskId=f"t{number}", progress=progress)])
            expected[f"t{number}"] = float(progress)
            built[0] = 0
            assert folded.tables.frame("tasks")["progress"].to_dict() == expected
            assert built[0] <= 1


DETAILS = {"type": "check", "coverage": 0.5, "provider_time": {"a": 1.0}}
steps_of_tasks = st.one_of(
    st.tuples(st.integers(0, 12), st.sampled_from(["name", "progress", "started_at", *DETAILS]), st.integers(0, 2)),
    st.sampled_from(["read", "to_arrow"]),
)


def change_task(state: RunState, number: int, field: str, value: int) -> None:
    """Set a field of a task, which is perhaps new; 0 is unknown."""
    row = state.task(f"t{number}")
    values = {"name": f"n{value}", "progress": value, "started_at": value * 1_000_000, "type": f"k{value}"}
    new: Any = values.get(field, {"m": value} if field == "provider_time" else value / 2)
    if field in DETAILS:
        known = TaskDetails() if row.details is None else row.details
        row.details = structs.replace(known, **{field: new if value else None})
    else:
        setattr(row, field, new if value else None)
    state.put_task(row)


@given(st.lists(steps_of_tasks, max_size=40), st.integers(1, 5), st.integers(1, 9))
@settings(max_examples=150, deadline=None)
def test_a_frame_with_some_columns_anew_equals_one_made_anew(steps: list[Any], size: int, kept: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(entities, "BLOCK", size)
        state = RunState()
        state.changed_tasks = deque(maxlen=kept)
        tables, given_out = Tables(state, EventLog()), []
        for step in steps:
            if step == "to_arrow":
                assert tables.to_arrow("tasks").equals(Tables(state, EventLog()).to_arrow("tasks"))
            elif step == "read":
                given_out.append((tables.frame("tasks"), Tables(state, EventLog()).frame("tasks")))
            else:
                change_task(state, *step)
        given_out.append((tables.frame("tasks"), Tables(state, EventLog()).frame("tasks")))
        for frame, expected in given_out:
            pd.testing.assert_frame_equal(frame, expected)


def test_columns_without_a_change_are_not_copied() -> None:
    state = RunState()
    for number in range(100):
        change_task(state, number, "progress", 1)
    tables = Tables(state, EventLog())
    before = tables.frame("tasks")
    change_task(state, 7, "name", 2)
    after = tables.frame("tasks")
    assert after["name"].tolist()[6:9] == [pd.NA, "n2", pd.NA]
    data: list[Any] = [frame["progress"].array for frame in (before, after)]
    assert np.shares_memory(data[0]._data, data[1]._data)
    assert np.shares_memory(before["provider_time"].to_numpy(), after["provider_time"].to_numpy())


def test_a_write_to_a_frame_stays_out_of_the_next_one_that_shares_its_columns() -> None:
    state = RunState()
    for number in range(3):
        change_task(state, number, "progress", 1)
        change_task(state, number, "provider_time", 1)
    tables = Tables(state, EventLog())
    mine = tables.frame("tasks")
    mine.loc["t1", "progress"] = 50.0
    mine["provider_time"].iloc[0].clear()
    change_task(state, 2, "name", 2)
    assert tables.frame("tasks")["progress"].tolist() == [1.0, 1.0, 1.0]
    assert tables.frame("tasks")["provider_time"].tolist() == [{"m": 1}, {"m": 1}, {"m": 1}]


def test_frames_can_be_read_while_another_thread_writes() -> None:
    folded, total = Folded(), 400
    names = list(CONTRACT)
    stop = threading.Event()
    events = [
        event
        for n in range(total)
        for event in (
            execution(
                "progress_update", task_id=f"t{n}", phase=n % 7, current_wave=n % 9, subtask_status={"a": "running"}
            ),
            execution("error", task_id=f"t{n}", message="x"),
            task("task.output", taskId=f"t{n}", stream="stdout", data="line\n"),
            execution("artifact_created", path=f"{n}.py"),
            task("task.hitl_required", taskId=f"t{n}", checkpointId=f"c{n}"),
        )
    ]

    def write() -> None:
        folded.feed(events)
        stop.set()

    writer = threading.Thread(target=write)
    writer.start()
    lengths = dict.fromkeys(names, 0)
    while not stop.is_set():
        for name in names:
            frame = folded.tables.frame(name)
            assert len(frame) >= lengths[name]
            lengths[name] = len(frame)
    writer.join()
    found = {name: len(folded.tables.frame(name)) for name in ("events", "tasks", "subtasks", "output", "checkpoints")}
    assert found == {"events": 5 * total, **dict.fromkeys(("tasks", "subtasks", "output", "checkpoints"), total)}


# ---- values that would break a frame ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        {"duration_ms": 1e300, "status": "completed"},
        {"phase": 2**63 - 1, "current_wave": -(2**63)},
        {"task_name": "\ud800", "phase_name": "\x00\u202e", "phase": 1},
        {"progress": math.inf, "progress_percent": math.nan},
        {"completed_tasks": 10**30, "total_tasks": "many"},
    ],
)
def test_no_value_of_an_event_makes_a_frame_unreadable(data: dict[str, Any]) -> None:
    folded = fold([execution("progress_update", at=5, task_id="t", **data)])
    for name in CONTRACT:
        folded.tables.frame(name)
    assert folded.tables.frame("tasks").index.tolist() == ["t"]


@pytest.mark.parametrize("stamp", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59-23:59"])
def test_the_ends_of_the_calendar_are_no_times_of_a_run(stamp: str) -> None:
    frame = json.dumps({"type": "task.started", "payload": {"taskId": "t"}, "timestamp": stamp})
    folded = fold([frame, task("checkpoint.pending", checkpointId="c", timeout=stamp)])
    assert folded.tables.frame("events")["timestamp"].isna().all()
    started = folded.tables.frame("tasks")["started_at"].item()
    assert started == folded.tables.frame("events")["received_at"].iloc[0]
    assert stamp[:4] in {"0001", repr(folded.tables.frame("checkpoints")["deadline"].item().year)}


def test_the_growth_of_a_run_is_totals_with_unknown_ones_as_na() -> None:
    frames = [
        execution("progress_update", 0, task_id="a", status="completed", total_tasks=4, completed_tasks=1),
        execution("progress_update", 2, task_id="b", status="completed", total_tasks=4, completed_tasks=3),
    ]
    usage = fold(frames).tables.frame("usage")
    assert usage["completed_tasks"].tolist() == [1, 3]
    assert usage["tokens_used"].isna().all()
    assert usage["at"].is_monotonic_increasing
