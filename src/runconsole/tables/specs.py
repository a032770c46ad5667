"""The specification of the frames: rows, columns and index of each, as one table to read."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from runconsole.events import TaskStatus
from runconsole.state import RunState, span_s
from runconsole.state.rows import Agent, Checkpoint, Phase, Subtask, Task, ToolCall
from runconsole.tables.dtypes import BOOL, FLOAT, INT, OBJECT, TEXT, TIME

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["BESIDE", "FRAMES", "Column", "Frame"]


class Column(NamedTuple):
    """A column: its name, its Arrow type (`OBJECT` for Python objects), and the function from a row to its value."""

    name: str
    kind: pa.DataType | None
    value: Callable[[Any], Any]


class Frame(NamedTuple):
    """A frame: the version of its part of the state, its rows, its columns, and the columns of its index.

    `changed` returns the last rows that changed, with their positions: at least so many changes, the newest last; None
    if so many are no longer known. A frame without it looks for them in all rows.
    """

    version: Callable[[RunState], Any]
    rows: Callable[[RunState], Sequence[Any]]
    columns: tuple[Column, ...]
    keys: tuple[str, ...] = ()
    changed: Callable[[RunState, int], dict[int, Any] | None] | None = None


def _columns(**kinds: pa.DataType | None) -> tuple[Column, ...]:
    """Return columns that are attributes of the row under the same name."""
    return tuple(Column(name, kind, attrgetter(name)) for name, kind in kinds.items())


def _details(**kinds: pa.DataType | None) -> tuple[Column, ...]:
    """Return columns of a task's rare details, under the same name."""

    def value_of(name: str) -> Callable[[Task], Any]:
        read = attrgetter(name)
        return lambda task: None if task.details is None else read(task.details)

    return tuple(Column(name, kind, value_of(name)) for name, kind in kinds.items())


def _rows(part: str) -> tuple[Callable[[RunState], Any], Callable[[RunState], Sequence[Any]]]:
    def rows(state: RunState) -> Sequence[Any]:
        held: Any = getattr(state, part)
        return list(held.values()) if isinstance(held, dict) else held

    return (lambda state: state.versions[part]), rows


def _changed_tasks(state: RunState, count: int) -> dict[int, Task] | None:
    """Return the tasks of the last `count` changes by their positions; None if so many are no longer known."""
    known = list(state.changed_tasks)
    if count > len(known):
        return None
    tasks = (state.tasks[task_id] for task_id in known[-count:])
    return {task.position: task for task in tasks}


def _duration(row: Task | Subtask | Agent | ToolCall) -> float | None:
    return row.duration_s if row.duration_s is not None else span_s(row.started_at, row.ended_at)


def _provider_time(task: Task) -> dict[str, Any] | None:
    """Return a copy: the caller may change the content of a cell."""
    details = task.details
    return None if details is None or details.provider_time is None else dict(details.provider_time)


def _count(status: TaskStatus) -> Callable[[Phase], int]:
    return lambda phase: phase.counts.get(status, 0)


def _options(checkpoint: Checkpoint) -> list[dict[str, Any]]:
    return [
        {
            "id": option.id,
            "label": option.label,
            "description": option.description,
            **({} if option.value is None else {"value": option.value}),
        }
        for option in checkpoint.options
    ]


def _json(name: str) -> Column:
    """Return a column of the values of JSON texts; a text that is no JSON is itself."""
    read = attrgetter(name)

    def value(row: Any) -> Any:
        text = read(row)
        try:
            return None if text is None else json.loads(text)
        except (ValueError, RecursionError):
            return text

    return Column(name, OBJECT, value)


def _by_model(agent: Agent) -> list[dict[str, Any]]:
    return [{"model": model, **{name: getattr(used, name) for name in _USED}} for model, used in agent.by_model.items()]


_USED = {
    "tokens": INT,
    "input_tokens": INT,
    "output_tokens": INT,
    "cached_tokens": INT,
    "reasoning_tokens": INT,
    "cost_usd": FLOAT,
}
_STATUS = Column("status", TEXT, lambda row: str(row.status))

FRAMES: dict[str, Frame] = {
    "tasks": Frame(
        *_rows("tasks"),
        (
            *_columns(task_id=TEXT, name=TEXT, phase=INT, phase_name=TEXT, wave=INT),
            _STATUS,
            *_columns(progress=FLOAT, step=TEXT, worker_id=TEXT, provider_id=TEXT, attempts=INT, max_retries=INT),
            Column("duration_s", FLOAT, _duration),
            *_columns(
                tokens=INT,
                cost_usd=FLOAT,
                started_at=TIME,
                ended_at=TIME,
                subtasks=INT,
                subtasks_done=INT,
                error=TEXT,
            ),
            *_details(
                type=TEXT,
                queue_position=INT,
                estimated_start=TIME,
                access_mode=TEXT,
                elapsed_s=FLOAT,
                remaining_s=FLOAT,
                tests_run=INT,
                tests_passed=INT,
                coverage=FLOAT,
                commit=TEXT,
                pull_request=TEXT,
                spec_path=TEXT,
                changelog=TEXT,
            ),
            Column("provider_time", OBJECT, _provider_time),
            *_details(last_checkpoint=TEXT),
        ),
        ("task_id",),
        _changed_tasks,
    ),
    "subtasks": Frame(
        lambda state: state.versions["subtasks"],
        lambda state: [row for rows in list(state.subtasks.values()) for row in list(rows.values())],
        (
            *_columns(task_id=TEXT, subtask_id=TEXT, name=TEXT, description=TEXT),
            _STATUS,
            *_columns(progress=FLOAT),
            Column("duration_s", FLOAT, _duration),
            *_columns(agent_id=TEXT, started_at=TIME, ended_at=TIME, error=TEXT),
        ),
        ("task_id", "subtask_id"),
    ),
    "agents": Frame(
        *_rows("agents"),
        (
            *_columns(agent_id=TEXT, name=TEXT, parent_id=TEXT, task_id=TEXT, model=TEXT),
            _STATUS,
            *(Column(name, kind, attrgetter(f"used.{name}")) for name, kind in _USED.items()),
            Column("by_model", OBJECT, _by_model),
            *_columns(started_at=TIME, ended_at=TIME),
            Column("duration_s", FLOAT, _duration),
            *_columns(error=TEXT),
        ),
        ("agent_id",),
    ),
    "tool_calls": Frame(
        *_rows("tool_calls"),
        (
            *_columns(tool_call_id=TEXT, task_id=TEXT, agent_id=TEXT, name=TEXT),
            _STATUS,
            *map(_json, ("arguments", "result")),
            *_columns(error=TEXT, started_at=TIME, ended_at=TIME),
            Column("duration_s", FLOAT, _duration),
        ),
        ("tool_call_id",),
    ),
    "phases": Frame(
        *_rows("phases"),
        (
            *_columns(phase=INT, name=TEXT, tasks=INT),
            *_columns(completed=INT),
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
            Column("type", TEXT, attrgetter("kind")),
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
            Column("type", TEXT, attrgetter("kind")),
            *_columns(title=TEXT, description=TEXT),
            Column("options", OBJECT, _options),
            *_columns(
                context=OBJECT,
                default_action=TEXT,
                deadline=TIME,
                status=TEXT,
                decision=TEXT,
            ),
            Column("decided_by", TEXT, lambda row: "you" if row.is_decided_here else row.decided_by),
            *_columns(
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

BESIDE: dict[str, Frame] = {
    "restore_points": Frame(
        *_rows("restore_points"),
        (
            *_columns(checkpoint_id=TEXT, task_id=TEXT),
            Column("type", TEXT, attrgetter("kind")),
            *_columns(reason=TEXT),
            *_columns(created_at=TIME, restored_at=TIME),
        ),
        ("checkpoint_id",),
    ),
    "usage": Frame(
        lambda state: (state.usage.version, *(state.versions[part] for part in ("run", "tasks", "agents"))),
        lambda state: state.usage_samples(),
        _columns(at=TIME, completed_tasks=INT, tokens_used=INT, cost_usd=FLOAT),
    ),
}
"""Frames that are no part of a data set: checkpoints without a question, and the growth of the run."""
