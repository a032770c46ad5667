"""Rows of the state to rows of the picture: plain JSON, times in milliseconds, long text cut with a note."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from itertools import islice
from typing import Any, Literal, NamedTuple, cast, overload

from runconsole.events import MalformedFrame, Micros, Received, TaskStatus, UnknownEvent
from runconsole.state import Artifact, ErrorRecord, Phase, Subtask, Task, UsageSample, Wave, span_s
from runconsole.text.length import shortened
from runconsole.text.marks import marked
from runconsole.view.contract import (
    ArtifactRow,
    ErrorRow,
    EventRow,
    OutputRow,
    PhaseRow,
    Row,
    SubtaskRow,
    TaskRow,
    UsageRow,
    WaveRow,
)
from runconsole.view.meaning import meaning
from runconsole.view.output import OutputLine

AnyRow = dict[str, Any]
"""A row of any table, and the same shape for data assembled table by table."""

NAME, SENTENCE, LINE, PROSE, SPEC, STACK, PAYLOAD = 200, 500, 4_000, 4_000, 8_000, 8_000, 160
LABEL = 60
"""Characters of a task's name beside each of its lines."""
ROW = 16_000
"""Bytes of text of a row in patches and pages: urgent data must not wait behind a large row."""
WHOLE = 64_000_000
"""Characters of a row in an answer to a `detail` request."""

_SUBTASKS = 30
_COLOR = re.compile(r"\x1b\[[0-9;:]*m")
_SEQUENCE = 64


class Cutter:
    """Marks deceptive characters in text fields (`marks`), cuts the fields to length, and notes the parts left out."""

    def __init__(self, *, whole: bool = False) -> None:
        self.whole = whole
        self._left = WHOLE if whole else ROW
        self.rest: dict[str, list[int]] = {}
        """The lines and characters left out of each cut field."""

    @overload
    def __call__(self, field: str, text: str, length: int, *, controls: bool = True) -> str: ...
    @overload
    def __call__(self, field: str, text: str | None, length: int, *, controls: bool = True) -> str | None: ...
    def __call__(self, field: str, text: str | None, length: int, *, controls: bool = True) -> str | None:
        """Return the text, at most `length` characters of it; `controls` as in `marked`."""
        if text is None:
            return None
        room = self._room(text, length)
        return self._cut(field, marked(text[: room + 1], controls=controls), room, text)

    def raw(self, field: str, text: str, length: int) -> str:
        """Return the text without marks, for values that are sent back, and for JSON with escapes."""
        return self._cut(field, text, self._room(text, length), text)

    def leave(self, field: str, lines: int, characters: int) -> None:
        """Note the size of a part left out of a field."""
        rest = self.rest.setdefault(field, [0, 0])
        rest[0] += lines
        rest[1] += characters

    def mark(self, row: Row) -> Row:
        """Return the row with the names of its cut fields, if any."""
        if self.rest:
            row["cut"] = list(self.rest)
        return row

    @property
    def is_full(self) -> bool:
        """True if the row has its full size."""
        return self._left <= 0

    def _room(self, text: str, length: int) -> int:
        if self.whole:
            return self._left
        return min(length, self._left if text.isascii() else self._left // 3)

    def _cut(self, field: str, shown: str, room: int, text: str) -> str:
        if len(text) > room or len(shown) > room:
            kept = min(room, len(text))
            self.leave(field, text.count("\n", kept), max(1, len(text) - kept))
        shown = shown[:room]
        self._left -= len(shown if shown.isascii() else shown.encode("utf-8", "replace"))
        return shown


def short(text: str, length: int = NAME) -> str:
    """Return a text with marks, at most `length` characters of it, and an ellipsis for a longer one."""
    return shortened(marked(text[: length + 1]), length)


def marked_sentence(text: str) -> str:
    """Return a sentence about a request, marked and cut to the length of a sentence."""
    return short(text, SENTENCE)


def reference(name: str) -> str:
    """Return the page's reference for an id: the id, or for a long one its beginning with a digest."""
    if len(name) <= NAME:
        return name
    return f"{name[:NAME]}…{blake2b(name.encode('utf-8', 'surrogatepass'), digest_size=8).hexdigest()}"


def referred(known: str, names: Iterable[str]) -> str:
    """Return the id of a reference of the page."""
    if len(known) <= NAME:
        return known
    return next((name for name in names if len(name) > NAME and reference(name) == known), known)


def ms(at: Micros | None) -> int | None:
    """Return milliseconds for microseconds."""
    return None if at is None else at // 1000


def number(value: float | None, digits: int = 3) -> float | None:
    """Return a number as JSON can hold it."""
    return None if value is None or not abs(value) < math.inf else round(value, digits)


def phase_row(phase: Phase, cutter: Cutter) -> PhaseRow:
    return {
        "key": str(phase.phase),
        "number": phase.phase,
        "name": cutter("name", phase.name, NAME) or f"Phase {phase.phase}",
        "tasks": phase.tasks,
        "completed": phase.completed,
        "failed": phase.count(TaskStatus.FAILED),
        "cancelled": phase.count(TaskStatus.CANCELLED),
        "progress": number(phase.progress),
        "status": _phase_status(phase),
        "started_at": ms(phase.started_at),
        "duration_s": number(phase.duration_s),
    }


def _phase_status(phase: Phase) -> str:
    """Return the status; `partial` where only some tasks failed, unless the server calls the phase failed."""
    is_mixed = phase.status is TaskStatus.FAILED and phase.completed and phase.reported_status is not TaskStatus.FAILED
    return "partial" if is_mixed else str(phase.status)


def wave_row(wave: Wave, _cutter: Cutter) -> WaveRow:
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


def task_row(task: Task, cutter: Cutter, subtasks: dict[str, Subtask]) -> TaskRow:
    seconds = task.duration_s if task.duration_s is not None else span_s(task.started_at, task.ended_at)
    return {
        "key": str(task.position),
        "id": cutter("id", task.task_id, NAME),
        "name": cutter("name", task.name, NAME) or short(task.task_id),
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
        "subtasks": [_subtask_row(row) for row in list(islice(subtasks.values(), _SUBTASKS))],
    }


def _subtask_row(subtask: Subtask) -> SubtaskRow:
    seconds = subtask.duration_s if subtask.duration_s is not None else span_s(subtask.started_at, subtask.ended_at)
    return {
        "id": short(subtask.subtask_id),
        "name": short(subtask.name or subtask.subtask_id),
        "description": subtask.description and short(subtask.description, SENTENCE),
        "status": str(subtask.status),
        "progress": number(subtask.progress),
        "duration_s": number(seconds),
    }


class NamedLine(NamedTuple):
    """A line of output with the name of its task, which may become known later than the line."""

    line: OutputLine
    name: str | None


def named_line(line: OutputLine, tasks: Mapping[str, Task]) -> NamedLine:
    task = None if line.task_id is None else tasks.get(line.task_id)
    name = None if task is None or task.name == line.task_id else task.name
    return NamedLine(line, short(name, LABEL) if name else None)


def output_row(index: int, line: OutputLine, cutter: Cutter, name: str | None = None) -> OutputRow:
    row: OutputRow = {
        "key": str(index),
        "task": line.task_id and short(line.task_id),
        "stream": cast("Literal['stdout', 'stderr']", line.stream),
        "text": cutter("text", _both_ends(line.text, cutter), LINE, controls=False),
        "at": ms(line.at),
    }
    if name is not None:
        row["name"] = name
    return row


def _both_ends(text: str, cutter: Cutter) -> str:
    """Return the beginning and the end of a long line: the newest text is at the end."""
    if len(text) <= LINE or cutter.whole:
        return text
    first, last = _edge(text, LINE // 4), _edge(text, len(text) - LINE // 2)
    cutter.leave("text", 0, last - first)
    return f"{text[:first]}\x1b[0m … {last - first:,} characters … {text[last:]}"


def _edge(text: str, at: int) -> int:
    """Return a position in a text, moved behind a color sequence at that position."""
    color = _COLOR.match(text, max(0, text.rfind("\x1b", at - _SEQUENCE, at)))
    return color.end() if color is not None and color.end() > at else at


def usage_row(key: str, sample: UsageSample) -> UsageRow:
    return {
        "key": key,
        "at": sample.at // 1000,
        "tasks": sample.completed_tasks,
        "tokens": sample.tokens_used,
        "cost_usd": number(sample.cost_usd, 6),
    }


def artifact_row(index: int, row: Artifact, cutter: Cutter) -> ArtifactRow:
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


def error_row(index: int, row: ErrorRecord, cutter: Cutter) -> ErrorRow:
    """Return the row of an error, without its kind and outcome (`view.error_groups`)."""
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


def event_row(index: int, event: Received, cutter: Cutter) -> EventRow:
    kind = event.fact.__class__
    task = getattr(event.fact, "task_id", None)
    return {
        "key": str(index),
        "type": cutter("type", event.type, NAME),
        "task": task and short(task),
        "at": ms(event.timestamp if event.timestamp is not None else event.received_at),
        "kind": "malformed" if kind is MalformedFrame else "unknown" if kind is UnknownEvent else "known",
        "meaning": short(meaning(event.type, event.payload, task and short(task, LABEL)), SENTENCE),
        "payload": cutter.raw("payload", event.payload, PAYLOAD),
    }
