"""State and log to DataFrames: always the same columns and dtypes, cached by version. pandas lives only here.

Times are ``datetime64[us, UTC]``, numbers ``Int64`` and ``Float64``, text ``string``, truth ``boolean``; unknown is NA.
Columns of lists and dicts are ``object``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec
import pandas as pd
import pyarrow as pa

from runconsole.events import TaskStatus
from runconsole.log import EventLog
from runconsole.state import RunState, span_s
from runconsole.state.rows import Checkpoint, Phase, Subtask, Task

__all__ = ["FRAMES", "Tables"]

TIME = pa.timestamp("us", tz="UTC")
INT, FLOAT, TEXT, BOOL = pa.int64(), pa.float64(), pa.string(), pa.bool_()
OBJECT = None
"""Marks a column of Python objects."""

_PANDAS = {
    INT: pd.Int64Dtype(),
    FLOAT: pd.Float64Dtype(),
    TEXT: pd.StringDtype("pyarrow"),
    pa.large_string(): pd.StringDtype("pyarrow"),
    BOOL: pd.BooleanDtype(),
}


class Column(NamedTuple):
    """A column: its name, Arrow type (`OBJECT` for Python objects) and how a row gives its value."""

    name: str
    kind: pa.DataType | None
    value: Callable[[Any], Any]


class Frame(NamedTuple):
    """A frame: which part of the state's version it follows, its rows, columns, and the columns of its index."""

    version: Callable[[RunState], Any]
    rows: Callable[[RunState], Sequence[Any]]
    columns: tuple[Column, ...]
    keys: tuple[str, ...] = ()


def _columns(**kinds: pa.DataType | None) -> tuple[Column, ...]:
    """Columns that are attributes of the row under the same name."""
    return tuple(Column(name, kind, _attribute(name)) for name, kind in kinds.items())


def _attribute(name: str) -> Callable[[Any], Any]:
    return lambda row: getattr(row, name)


def _rows(part: str) -> tuple[Callable[[RunState], Any], Callable[[RunState], list[Any]]]:
    def rows(state: RunState) -> list[Any]:
        held = getattr(state, part)
        return list(held.values()) if isinstance(held, dict) else list(held)

    return (lambda state: state.versions[part]), rows


def _task_duration(task: Task | Subtask) -> float | None:
    return task.duration_s if task.duration_s is not None else span_s(task.started_at, task.ended_at)


def _count(status: TaskStatus) -> Callable[[Phase], int]:
    return lambda phase: phase.counts.get(status, 0)


def _options(checkpoint: Checkpoint) -> list[dict[str, Any]]:
    return [
        {
            "id": option.id,
            "label": option.label,
            "description": option.description,
        }
        for option in checkpoint.options
    ]


_STATUS = Column("status", TEXT, lambda row: str(row.status))

FRAMES: dict[str, Frame] = {
    "tasks": Frame(
        *_rows("tasks"),
        (
            *_columns(task_id=TEXT, name=TEXT, phase=INT, phase_name=TEXT, wave=INT),
            _STATUS,
            *_columns(progress=FLOAT, step=TEXT, worker_id=TEXT, provider_id=TEXT, attempts=INT, max_retries=INT),
            Column("duration_s", FLOAT, _task_duration),
            *_columns(
                tokens=INT,
                cost_usd=FLOAT,
                started_at=TIME,
                ended_at=TIME,
                subtasks=INT,
                subtasks_done=INT,
                error=TEXT,
            ),
        ),
        ("task_id",),
    ),
    "subtasks": Frame(
        lambda state: state.versions["subtasks"],
        lambda state: [row for rows in list(state.subtasks.values()) for row in list(rows.values())],
        (
            *_columns(task_id=TEXT, subtask_id=TEXT, name=TEXT, description=TEXT),
            _STATUS,
            *_columns(progress=FLOAT),
            Column("duration_s", FLOAT, _task_duration),
            *_columns(agent_id=TEXT, started_at=TIME, ended_at=TIME, error=TEXT),
        ),
        ("task_id", "subtask_id"),
    ),
    "phases": Frame(
        *_rows("phases"),
        (
            *_columns(phase=INT, name=TEXT, tasks=INT),
            Column("completed", INT, _count(TaskStatus.COMPLETED)),
            Column("failed", INT, _count(TaskStatus.FAILED)),
            *_columns(progress=FLOAT),
            _STATUS,
            *_columns(started_at=TIME, ended_at=TIME, duration_s=FLOAT),
        ),
        ("phase",),
    ),
    "waves": Frame(
        *_rows("waves"),
        (
            *_columns(
                wave=INT,
                atoms=INT,
                atoms_completed=INT,
                success_rate=FLOAT,
                failed=INT,
                artifacts=INT,
                duration_s=FLOAT,
            ),
            _STATUS,
            *_columns(completed_at=TIME),
        ),
        ("wave",),
    ),
    "artifacts": Frame(
        *_rows("artifacts"),
        (
            *_columns(path=TEXT, size=INT),
            Column("type", TEXT, _attribute("kind")),
            *_columns(language=TEXT, task_id=TEXT, action=TEXT, created_at=TIME),
        ),
    ),
    "errors": Frame(
        *_rows("errors"),
        _columns(
            task_id=TEXT,
            task_name=TEXT,
            message=TEXT,
            error_type=TEXT,
            recoverable=BOOL,
            attempt=INT,
            max_retries=INT,
            stack=TEXT,
            at=TIME,
            action=TEXT,
        ),
    ),
    "output": Frame(
        *_rows("output"),
        _columns(at=TIME, task_id=TEXT, stream=TEXT, text=TEXT, worker_id=TEXT, agent_id=TEXT),
    ),
    "checkpoints": Frame(
        *_rows("checkpoints"),
        (
            *_columns(checkpoint_id=TEXT, task_id=TEXT),
            Column("type", TEXT, _attribute("kind")),
            *_columns(title=TEXT, description=TEXT),
            Column("options", OBJECT, _options),
            *_columns(
                context=OBJECT,
                default_action=TEXT,
                deadline=TIME,
                status=TEXT,
                decision=TEXT,
                decided_by=TEXT,
                feedback=TEXT,
                requested_at=TIME,
                decided_at=TIME,
                response_s=FLOAT,
            ),
        ),
        ("checkpoint_id",),
    ),
    "decisions": Frame(
        *_rows("decisions"),
        _columns(
            checkpoint_id=TEXT,
            task_id=TEXT,
            option=TEXT,
            feedback=TEXT,
            state=TEXT,
            by=TEXT,
            requested_at=TIME,
            sent_at=TIME,
            acknowledged_at=TIME,
            error=TEXT,
        ),
    ),
    "links": Frame(
        *_rows("links"),
        _columns(at=TIME, state=TEXT, attempt=INT, reason=TEXT, missed=INT, recovered=INT, duplicates=INT),
    ),
}


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """Return an Arrow table as a frame with the console's dtypes."""
    frame: pd.DataFrame = table.to_pandas(types_mapper=_PANDAS.get)
    return frame


class Tables:
    """The DataFrames of one run. Safe to read from any thread while events arrive; each access is the newest state.

    What is returned is the caller's own: changing it changes nothing here.
    """

    def __init__(self, state: RunState, log: EventLog) -> None:
        self._state = state
        self.log = log
        self._cache: dict[str, tuple[Any, pd.DataFrame]] = {}

    def frame(self, name: str) -> pd.DataFrame:
        """Return one of `FRAMES` or ``"events"``."""
        if name == "events":
            return self._cached(name, len(self.log), self._events)
        spec = FRAMES[name]
        # The version is read first: a row that comes in between is then read again next time, never missed.
        return self._cached(name, spec.version(self._state), lambda: _build(spec, self._state))

    def _cached(self, name: str, version: Any, build: Callable[[], pd.DataFrame]) -> pd.DataFrame:
        known = self._cache.get(name)
        if known is None or known[0] != version:
            known = self._cache[name] = (version, build())
        return known[1].copy(deep=False)  # copy-on-write: cheap, and the caller's changes stay the caller's

    def _events(self) -> pd.DataFrame:
        return to_pandas(self.log.to_arrow()).set_index("seq")

    def table(self, event_type: str) -> pd.DataFrame:
        """Return every event of one type with each field of its payload as a typed column, nested ones dotted.

        The index is `seq` as in `events`; `received_at` and `timestamp` come first. A payload's own field of one of
        these two names appears as ``payload.<name>``. An unknown type gives an empty frame.
        """
        return self._cached(f"table:{event_type}", len(self.log), lambda: self._typed(event_type))

    def _typed(self, event_type: str) -> pd.DataFrame:
        events = self.frame("events")
        events = events[events["type"] == event_type]
        marks = events[["received_at", "timestamp"]]
        payloads = [_decode(text) for text in events["payload"]]
        fields = pd.json_normalize(payloads) if payloads else pd.DataFrame()
        fields.index = events.index
        fields = fields.rename(columns={name: f"payload.{name}" for name in marks.columns})
        return pd.concat([marks, fields.infer_objects().convert_dtypes()], axis=1)


def _decode(text: str) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        try:
            value = json.loads(text)  # reads NaN, too
            json.dumps(value, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            return {"text": text}
    return value if isinstance(value, dict) else {"value": value}


def _build(spec: Frame, state: RunState) -> pd.DataFrame:
    rows = spec.rows(state)
    typed = [column for column in spec.columns if column.kind is not OBJECT]
    arrays = [pa.array(_values(rows, column), column.kind) for column in typed]
    frame = to_pandas(pa.Table.from_arrays(arrays, names=[column.name for column in typed]))
    for position, column in enumerate(spec.columns):
        if column.kind is OBJECT:
            frame.insert(position, column.name, pd.Series(_values(rows, column), dtype=object, index=frame.index))
    return frame.set_index(list(spec.keys)) if spec.keys else frame


def _values(rows: Sequence[Any], column: Column) -> list[Any]:
    values = [column.value(row) for row in rows]
    if column.kind == INT:
        return [value if value is None or -(2**63) <= value < 2**63 else None for value in values]
    return values
