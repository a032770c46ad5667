"""Rows of the state to rows of the picture: plain JSON, times in milliseconds, long text cut and said so."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NamedTuple

from runconsole.events import MalformedFrame, Micros, Received, TaskStatus, UnknownEvent
from runconsole.state import Artifact, Checkpoint, Decision, ErrorRow, Phase, RunState, Subtask, Task, Wave, span_s
from runconsole.view.lines import Line

Row = dict[str, Any]

NAME, SENTENCE, LINE, PROSE, SPEC, STACK, PAYLOAD = 200, 500, 4_000, 4_000, 20_000, 8_000, 240
WHOLE = 1_000_000
"""Characters of a text field in an answer to a `detail` request."""

_SUBTASKS = 30
_CHANGES = 100
_DESTRUCTIVE = re.compile(
    r"^(reject|cancel|abort|deny|decline|delete|discard|stop|terminate|rollback|roll_back)", re.IGNORECASE
)
_MODIFIES = re.compile(r"^(modify|edit|change|revise|adjust)", re.IGNORECASE)


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


class Question(NamedTuple):
    """A checkpoint with what its row tells of others."""

    checkpoint: Checkpoint
    ours: Decision | None
    task_name: str | None


def question(checkpoint: Checkpoint, state: RunState) -> Question:
    """Return the checkpoint with our newest decision on it and its task's name."""
    task = state.tasks.get(checkpoint.task_id) if checkpoint.task_id else None
    ours = state.decisions.get(checkpoint.decision_id) if checkpoint.decision_id else None
    return Question(checkpoint, ours, task.name if task else None)


def checkpoint_row(item: Question, cutter: Cutter) -> Row:
    checkpoint, ours, task_name = item
    return {
        "key": checkpoint.checkpoint_id,
        "id": checkpoint.checkpoint_id,
        "task": cutter("task", checkpoint.task_id, NAME),
        "task_name": cutter("task_name", task_name, NAME),
        "type": cutter("type", checkpoint.kind, NAME),
        "title": cutter("title", checkpoint.title, NAME) or checkpoint.kind or checkpoint.checkpoint_id,
        "description": cutter("description", checkpoint.description, PROSE),
        "options": [
            {
                "id": option.id,
                "label": option.label[:NAME],
                "description": option.description and option.description[:SENTENCE],
                "is_default": option.is_default or option.id == checkpoint.default_action,
                "destructive": bool(_DESTRUCTIVE.match(option.action or option.id)),
                "modifies": bool(_MODIFIES.match(option.action or option.id)),
            }
            for option in checkpoint.options
        ],
        "context": _context(checkpoint.context or {}, cutter),
        "default_action": checkpoint.default_action,
        "deadline": ms(checkpoint.deadline),
        "reminded": checkpoint.reminded,
        "status": checkpoint.status,
        "delivery": ours.state if ours else None,
        "decision": checkpoint.decision or (ours.option if ours else None),
        "decided_by": checkpoint.decided_by,
        "feedback": cutter("feedback", checkpoint.feedback, PROSE),
        "error": cutter("error", checkpoint.error, SENTENCE),
        "requested_at": ms(checkpoint.requested_at),
        "decided_at": ms(checkpoint.decided_at),
    }


def _context(context: dict[str, Any], cutter: Cutter) -> Row:
    """Return the parts of a checkpoint's context that have a place on the card, the rest as JSON text."""
    shown: Row = {}
    rest = dict(context)
    if isinstance(context.get("spec"), str):
        shown["spec"] = cutter("context.spec", rest.pop("spec"), SPEC)
    changes = context.get("changes")
    if isinstance(changes, list) and all(isinstance(change, str) for change in changes):
        shown["changes"] = [change[:PROSE] for change in rest.pop("changes")[:_CHANGES]]
    cost = context.get("cost")
    if isinstance(cost, (int, float)) and not isinstance(cost, bool):
        shown["cost"] = number(rest.pop("cost"), 6)
    if isinstance(context.get("risk"), str):
        shown["risk"] = cutter("context.risk", rest.pop("risk"), SENTENCE)
    if rest:
        text = json.dumps(rest, indent=2, ensure_ascii=False, default=str)
        shown["other"] = cutter("context.other", text, PROSE)
    return shown


class Answer(NamedTuple):
    """A decision with the title of what it answers."""

    decision: Decision
    title: str | None
    asked_at: Micros | None
    """When the question reached us, by our clock."""


def answer(decision: Decision, state: RunState) -> Answer:
    """Return the decision with its checkpoint's title and when that came."""
    checkpoint = state.checkpoints.get(decision.checkpoint_id)
    return Answer(decision, checkpoint.title, checkpoint.opened_at) if checkpoint else Answer(decision, None, None)


def decision_row(index: int, item: Answer, cutter: Cutter) -> Row:
    decision, title, asked_at = item
    return {
        "key": str(index),
        "checkpoint": decision.checkpoint_id,
        "title": cutter("title", title, NAME),
        "option": decision.option,
        "feedback": cutter("feedback", decision.feedback, PROSE),
        "state": decision.state,
        "by": decision.by,
        # From the question, not from the press: the panel shows how long the person took.
        "requested_at": ms(asked_at or decision.requested_at),
        "sent_at": ms(decision.sent_at),
        "acknowledged_at": ms(decision.acknowledged_at),
        "error": cutter("error", decision.error, SENTENCE),
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
