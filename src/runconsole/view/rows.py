"""Rows of the state to rows of the picture: plain JSON, times in milliseconds, long text cut and said so."""

from __future__ import annotations

import math
from typing import Any

from runconsole.events import MalformedFrame, Micros, Received, TaskStatus, UnknownEvent
from runconsole.state import Artifact, ErrorRow, Phase, Subtask, Task, Wave, span_s
from runconsole.view.lines import Line

Row = dict[str, Any]

NAME, SENTENCE, LINE, PROSE, SPEC, STACK, PAYLOAD = 200, 500, 4_000, 4_000, 20_000, 8_000, 160
WHOLE = 1_000_000
"""Characters of a text field in an answer to a `detail` request."""

_SUBTASKS = 30


class Cutter:
    """Cuts text fields to length and notes which it cut."""

    def __init__(self, *, whole: bool = False) -> None:
        self._whole = whole
        self.cut: list[str] = []

    def __call__(self, field: str, text: str | None, length: int) -> str | None:
        """Return the text, at most `length` characters of it."""
        length = WHOLE if self._whole else length
        if text is None or len(text) <= length:
            return text
        self.cut.append(field)
        return text[:length]

    def mark(self, row: Row) -> Row:
        """Return the row with the names of its cut fields, if any."""
        if self.cut:
            row["cut"] = self.cut
        return row


def ms(at: Micros | None) -> int | None:
    """Return milliseconds for microseconds."""
    return None if at is None else at // 1000


def number(value: float | None, digits: int = 3) -> float | None:
    """Return a number as JSON can hold it."""
    return None if value is None or not abs(value) < math.inf else round(value, digits)


def phase_row(phase: Phase, cutter: Cutter) -> Row:
    return {
        "key": str(phase.phase),
        "number": phase.phase,
        "name": cutter("name", phase.name, NAME) or f"Phase {phase.phase}",
        "tasks": phase.tasks,
        "completed": phase.count(TaskStatus.COMPLETED),
        "failed": phase.count(TaskStatus.FAILED),
        "progress": number(phase.progress),
        "status": str(phase.status),
        "duration_s": number(phase.duration_s),
    }


def wave_row(wave: Wave, _cutter: Cutter) -> Row:
    return {
        "key": str(wave.wave),
        "wave": wave.wave,
        "status": str(wave.status),
        "atoms": wave.atoms,
        "atoms_completed": wave.atoms_completed,
        "failed": wave.failed,
        "success_rate": number(wave.success_rate, 6),
        "artifacts": wave.artifacts,
        "duration_s": number(wave.duration_s),
    }


def task_row(task: Task, cutter: Cutter, subtasks: dict[str, Subtask]) -> Row:
    seconds = task.duration_s if task.duration_s is not None else span_s(task.started_at, task.ended_at)
    return {
        "key": str(task.position),
        "id": cutter("id", task.task_id, NAME),
        "name": cutter("name", task.name, NAME) or task.task_id[:NAME],
        "phase": task.phase,
        "phase_name": cutter("phase_name", task.phase_name, NAME),
        "wave": task.wave,
        "status": str(task.status),
        "progress": number(task.progress),
        "step": cutter("step", task.step, SENTENCE),
        "attempts": task.attempts,
        "max_retries": task.max_retries,
        "started_at": ms(task.started_at),
        "ended_at": ms(task.ended_at),
        "duration_s": number(seconds),
        "tokens": task.tokens,
        "cost_usd": number(task.cost_usd, 6),
        "worker_id": cutter("worker_id", task.worker_id, NAME),
        "provider_id": cutter("provider_id", task.provider_id, NAME),
        "error": cutter("error", task.error, SENTENCE),
        "subtasks_total": task.subtasks,
        "subtasks_done": task.subtasks_done,
        "subtasks": [_subtask_row(row) for row in list(subtasks.values())[:_SUBTASKS]],
    }


def _subtask_row(subtask: Subtask) -> Row:
    seconds = subtask.duration_s if subtask.duration_s is not None else span_s(subtask.started_at, subtask.ended_at)
    return {
        "id": subtask.subtask_id[:NAME],
        "name": (subtask.name or subtask.subtask_id)[:NAME],
        "description": subtask.description and subtask.description[:SENTENCE],
        "status": str(subtask.status),
        "progress": number(subtask.progress),
        "duration_s": number(seconds),
    }


def output_row(index: int, line: Line, cutter: Cutter) -> Row:
    return {
        "key": str(index),
        "task": line.task_id and line.task_id[:NAME],
        "stream": line.stream,
        "text": cutter("text", line.text, LINE),
        "at": ms(line.at),
    }


def artifact_row(index: int, row: Artifact, cutter: Cutter) -> Row:
    return {
        "key": str(index),
        "path": cutter("path", row.path, SENTENCE),
        "size": row.size,
        "type": cutter("type", row.kind, NAME),
        "language": cutter("language", row.language, NAME),
        "task": cutter("task", row.task_id, NAME),
        "action": cutter("action", row.action, NAME),
        "at": ms(row.created_at),
    }


def error_row(index: int, row: ErrorRow, cutter: Cutter) -> Row:
    return {
        "key": str(index),
        "task": cutter("task", row.task_id, NAME),
        "task_name": cutter("task_name", row.task_name, NAME),
        "message": cutter("message", row.message, PROSE),
        "error_type": cutter("error_type", row.error_type, NAME),
        "recoverable": row.recoverable,
        "attempt": row.attempt,
        "max_retries": row.max_retries,
        "stack": cutter("stack", row.stack, STACK),
        "at": ms(row.at),
    }


def event_row(index: int, event: Received, cutter: Cutter) -> Row:
    kind = event.fact.__class__
    task = getattr(event.fact, "task_id", None)
    return {
        "key": str(index),
        "type": cutter("type", event.type, NAME),
        "task": task and task[:NAME],
        "at": ms(event.timestamp if event.timestamp is not None else event.received_at),
        "kind": "malformed" if kind is MalformedFrame else "unknown" if kind is UnknownEvent else "known",
        "payload": cutter("payload", event.payload, PAYLOAD),
    }
