"""The facts about one task beside its row: its errors, files, questions and last lines, in a bounded answer."""

from __future__ import annotations

from itertools import islice
from typing import Any

import msgspec

from runconsole.state import Checkpoint, RunState, Task
from runconsole.view import rows
from runconsole.view.contract import OutputRow, TaskHistory, TaskQuestion
from runconsole.view.error_groups import ErrorGroups, error_entry_row
from runconsole.view.output import OutputLines
from runconsole.view.rows import NAME, Cutter, ms, reference, short

__all__ = ["find_task", "task_history"]

ERRORS, FILES, QUESTIONS, LINES = 20, 100, 50, 60
ROOM = 100_000
"""Bytes of the errors and lines: an answer is one message."""
SCANNED = 65_536
"""Lines from the end of the output among which those of a task are looked for."""
_BLOCK = 1024


def find_task(state: RunState, name: str) -> Task | None:
    """Return the task of an id as a page knows it: marked and cut, where it is odd or long."""
    known = state.tasks.get(name)
    if known is not None:
        return known
    if name.isascii() and len(name) < NAME:
        return None
    return next((task for task in state.tasks.values() if name in _shown(task.task_id)), None)


def _shown(task_id: str) -> tuple[str, ...]:
    return Cutter()("id", task_id, NAME), short(task_id), reference(task_id)


def task_history(state: RunState, lines: OutputLines, groups: ErrorGroups, task: Task) -> TaskHistory:
    """Return the newest of each kind, with the numbers of all."""
    errors = [number for number, row in state.errors.items() if row.task_id == task.task_id]
    files = [(number, row) for number, row in enumerate(state.artifacts.values()) if row.task_id == task.task_id]
    asked = [row for row in state.checkpoints.values() if row.task_id == task.task_id]
    error_rows = [_row(error_entry_row, number, groups.entry(state, number)) for number in errors[-ERRORS:]]
    return {
        "errors": _fitting(error_rows, ROOM),
        "errors_total": len(errors),
        "files": [_row(rows.artifact_row, number, row) for number, row in files[-FILES:]],
        "files_total": len(files),
        "questions": [_question(row) for row in asked[-QUESTIONS:]],
        "questions_total": len(asked),
        "output": _fitting(_last_lines(lines, task.task_id), ROOM),
        "output_searched": min(len(lines.lines), SCANNED),
    }


def _row(make: Any, number: int, item: Any) -> Any:
    cutter = Cutter()
    return cutter.mark(make(number, item, cutter))


def _fitting(found: list[Any], room: int) -> list[Any]:
    """Return the last rows that have room."""
    kept: list[Any] = []
    for row in reversed(found):
        room -= len(msgspec.json.encode(row))
        if room < 0:
            break
        kept.append(row)
    return kept[::-1]


def _last_lines(lines: OutputLines, task_id: str) -> list[OutputRow]:
    """Return the task's last lines among the newest of the run."""
    every = lines.lines
    found: list[OutputRow] = []
    for end in range(len(every), max(0, len(every) - SCANNED), -_BLOCK):
        start = max(0, end - _BLOCK)
        block = enumerate(every[start:end], start)
        own = [(number, line) for number, line in block if line.task_id == task_id]
        found += [_row(rows.output_row, number, line) for number, line in islice(reversed(own), LINES - len(found))]
        if len(found) >= LINES:
            break
    return found[::-1]


def _question(row: Checkpoint) -> TaskQuestion:
    option = row.option(row.decision) if row.decision else None
    answer = option.label if option else row.decision
    return {
        "key": reference(row.checkpoint_id),
        "title": short(row.heading),
        "status": row.status,
        "answer": answer and short(answer),
        "by": row.decided_by,
        "asked_at": ms(row.requested_at),
        "decided_at": ms(row.decided_at),
    }
