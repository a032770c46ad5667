"""The fields that the documents promise of each event, with their types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

__all__ = ["FIELDS", "Field", "problems"]

Kind = Literal["text", "whole", "number", "percent", "share", "flag", "list", "object"]
_WORDS: dict[Kind, str] = {
    "text": "a text",
    "whole": "a whole number",
    "number": "a number",
    "percent": "a number from 0 to 100",
    "share": "a number from 0 to 1",
    "flag": "true or false",
    "list": "a list",
    "object": "an object",
}


_CLASSES: dict[Kind, type] = {"text": str, "flag": bool, "list": list, "object": dict}


class Field(NamedTuple):
    """A field of an event.

    Attributes:
        name: its path, with a dot between the names.
        kind: its type.
        need: True if the event means nothing without it; False if it is promised, and advice where it lacks; None if it
            is optional.
    """

    name: str
    kind: Kind
    need: bool | None = False


def _all(text: str) -> tuple[Field, ...]:
    """Read fields: ``name:kind``, with ``!`` behind a needed one and ``?`` behind an optional one."""
    fields = []
    for part in text.split():
        name, _, kind = part.rstrip("!?").partition(":")
        fields.append(Field(name, kind, {"!": True, "?": None}.get(part[-1], False)))  # type: ignore[arg-type]
    return tuple(fields)


FIELDS: dict[str, tuple[Field, ...]] = {
    "execution_started": _all("execution_id:text! total_tasks:whole phases:list"),
    "progress_update": _all(
        "task_id:text! task_name:text status:text! progress:whole progress_percent:percent completed_tasks:whole!"
        " total_tasks:whole? phase:whole? phase_name:text? current_wave:whole? duration_ms:number?"
        " subtask_status:object?"
    ),
    "wave_completed": _all("wave_number:whole! duration_ms:number success_rate:share? atoms_in_wave:whole?"),
    "artifact_created": _all("path:text! size:whole type:text language:text? task_id:text?"),
    "error": _all(
        "message:text! error_type:text recoverable:flag! task_id:text? retry_attempt:whole? max_retries:whole?"
    ),
    "execution_completed": _all(
        "execution_id:text status:text! total_tasks:whole completed_tasks:whole! failed_tasks:whole! duration_ms:number"
        " artifacts_created:whole tokens_used:whole? cost_usd:number?"
    ),
    "task.created": _all("taskId:text! prompt:text taskType:text queuePosition:whole? estimatedStart:text?"),
    "task.started": _all("taskId:text! workerId:text providerId:text? accessMode:text?"),
    "task.progress": _all(
        "taskId:text! progress:percent? currentStep:text? subtask:object? subtask.progress:percent? metrics:object?"
        " metrics.elapsed:number? metrics.estimatedRemaining:number? metrics.tokensUsed:whole? metrics.cost:number?"
    ),
    "task.output": _all("taskId:text? stream:text! data:text! workerId:text? agentId:text?"),
    "task.subtask.started": _all("taskId:text! subtaskId:text! name:text"),
    "task.subtask.completed": _all("taskId:text! subtaskId:text! name:text duration:number? artifacts:list?"),
    "task.checkpoint": _all("taskId:text! checkpointId:text! type:text reason:text"),
    "task.hitl_required": _all("taskId:text! checkpointId:text! title:text! options:list! context:object?"),
    "checkpoint.pending": _all("checkpointId:text! title:text options:list"),
    "task.completed": _all("taskId:text! result:object metrics:object?"),
    "task.failed": _all("taskId:text! error:object! error.message:text! error.recoverable:flag metrics:object?"),
    "task.cancelled": _all("taskId:text! reason:text cancelledBy:text"),
}
"""By the type of the event."""


def problems(data: Mapping[str, Any], fields: tuple[Field, ...]) -> Iterator[tuple[Field, str]]:
    """Yield each field that is missing or has another type, with what came in its place."""
    for field in fields:
        outer, _, inner = field.name.rpartition(".")
        holder = data.get(outer) if outer else data
        if not isinstance(holder, Mapping):
            continue  # said of the holder itself, or optional
        value = holder.get(inner)
        if value is None:
            if field.need is not None and not (outer and data.get(outer) is None):
                yield field, "nothing"
        elif not _fits(value, field.kind):
            yield field, repr(value)


def words(kind: Kind) -> str:
    """Return the words for a type."""
    return _WORDS[kind]


def _fits(value: object, kind: Kind) -> bool:
    if kind in _CLASSES:
        return isinstance(value, _CLASSES[kind])
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    if kind == "whole":
        return value == value // 1
    return kind == "number" or 0 <= value <= (100 if kind == "percent" else 1)
