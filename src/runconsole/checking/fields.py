"""The fields that the documents promise of each event, with their types."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from math import isfinite
from typing import Any, NamedTuple

__all__ = ["FIELDS", "EventField", "is_time", "problems", "words"]

_WORDS = {
    "text": "a text",
    "texts": "a list of texts",
    "whole": "a whole number",
    "count": "a whole number, 0 or more",
    "amount": "a number, 0 or more",
    "percent": "a number from 0 to 100",
    "share": "a number from 0 to 1",
    "flag": "true or false",
    "time": "an ISO 8601 time",
    "list": "a list",
    "object": "an object",
    "named": "a text or an object",
    "value": "a value",
}
_CLASSES: dict[str, type | tuple[type, ...]] = {
    "text": str,
    "flag": bool,
    "list": list,
    "object": dict,
    "named": (str, dict),
    "value": object,
}
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(:\d\d([.,]\d+)?)?([Zz]|[+-]\d\d:?\d\d)?", re.ASCII)
_PAST_THE_END = re.compile(r"(?<=\d\d:)60(?=\D|$)|(?<=T)24(?=:00)")
"""A leap second, and the end of a day as ISO 8601 writes it."""


class EventField(NamedTuple):
    """A field of an event.

    Attributes:
        name: its path, with a dot between the names, and ``[]`` for each item of a list; several with ``/`` between
            them where one of them is enough.
        kind: its type: one of these names, or the words that it may be, with ``|`` between them.
        need: True if the event means nothing without it; False if it is promised, and advice where it lacks; None if it
            is optional.
    """

    name: str
    kind: str
    need: bool | None = False


def _all(text: str) -> tuple[EventField, ...]:
    """Read fields: ``name:kind``, with ``!`` behind a needed one and ``?`` behind an optional one."""
    fields = []
    for part in text.split():
        name, _, kind = part.rstrip("!?").partition(":")
        fields.append(EventField(name, kind, {"!": True, "?": None}.get(part[-1], False)))
    return tuple(fields)


_QUESTION = (
    "checkpointId:text! title:text! description:text? options:list! context:object? context.spec:text?"
    " context.changes:texts? context.cost:amount?"
)
_OPTIONS = " options[]:object! options[].id:text! options[].label:text options[].description:text?"
_SUMS = " metrics.tokensUsed:count metrics.cost:amount"
_AGENT = (
    "agentId:text! taskId:text? name/agentName/agentType/role:text? parentAgentId/parentId:text? model/modelId:text?"
    " status:text?"
)
_USE = "".join(
    f" {part}:object? {part}.tokensUsed/{part}.totalTokens/{part}.tokensTotal:count? {part}.cost:amount?"
    f" {part}.inputTokens/{part}.tokensInput:count? {part}.outputTokens/{part}.tokensOutput:count?"
    f" {part}.cachedTokens/{part}.cachedInputTokens/{part}.cacheReadTokens:count?"
    f" {part}.reasoningTokens/{part}.tokensReasoning:count?"
    for part in ("metrics", "usage")
)
_AGENT_END = f"{_AGENT}{_USE} tokensUsed:count? cost:amount? success:flag?"
_CALL_ID = "toolCallId/toolUseId/callId/id/tool.id"
_TOOL = "toolName/name/tool.name/tool"
_CALL = (
    f"{_CALL_ID}/{_TOOL}/agentId:named! {_CALL_ID}:text? toolName/name/tool.name:text? tool:named? agentId:text?"
    " taskId:text? success:flag? isError:flag? duration:amount? status:text?"
)

FIELDS: dict[str, tuple[EventField, ...]] = {
    "execution_started": _all(
        "execution_id:text! total_tasks:count total_atoms:count? estimated_duration_ms:amount? phases:list"
        " phases[]:object! phases[].number:count phases[].name:text phases[].tasks:count?"
    ),
    "progress_update": _all(
        "task_id:text! task_name:text status:text! progress:count progress_percent:percent completed_tasks:count!"
        " total_tasks:count? phase:whole? phase_name:text? current_wave:count? duration_ms:amount?"
        " subtask_status:object?"
    ),
    "wave_completed": _all(
        "wave_number:count! duration_ms:amount success_rate:share? atoms_in_wave:count? atoms_completed:count?"
    ),
    "artifact_created": _all("path:text! size:count type:text language:text? task_id:text?"),
    "error": _all(
        "message:text! error_type:text recoverable:flag! task_id:text? task_name:text? retry_attempt:count?"
        " max_retries:count?"
    ),
    "execution_completed": _all(
        "execution_id:text status:text! total_tasks:count completed_tasks:count! failed_tasks:count! duration_ms:amount"
        " artifacts_created:count tokens_used:count? cost_usd:amount?"
    ),
    "task.created": _all("taskId:text! prompt:text taskType:text queuePosition:count estimatedStart:time"),
    "task.started": _all("taskId:text! workerId:text providerId:text accessMode:subscription|api"),
    "task.progress": _all(
        "taskId:text! progress:percent currentStep:text subtask:object? subtask.id:text subtask.name:text"
        " subtask.progress:percent metrics:object? metrics.elapsed:amount metrics.estimatedRemaining:amount" + _SUMS
    ),
    "task.output": _all("taskId:text stream:stdout|stderr! data:text! workerId:text agentId:text"),
    "task.subtask.started": _all("taskId:text! subtaskId:text! name:text description:text agentId:text"),
    "task.subtask.completed": _all("taskId:text! subtaskId:text! name:text duration:amount artifacts:texts"),
    "task.checkpoint": _all("taskId:text! checkpointId:text! type:auto|hitl|manual reason:text"),
    "task.hitl_required": _all(f"taskId:text! checkpointType:text {_QUESTION.replace('text?', 'text', 1)}{_OPTIONS}"),
    "checkpoint.pending": _all(f"taskId:text? {_QUESTION}"),
    "checkpoint.hitl_required": _all(f"taskId:text? {_QUESTION}"),
    "task.completed": _all(
        "taskId:text! result:object result.success:true result.filesCreated:texts result.filesModified:texts"
        " result.filesDeleted:texts result.testsRun:count result.testsPassed:count result.coverage:amount"
        " result.commitHash:text? result.pullRequestUrl:text? result.specPath:text result.changelogEntry:text?"
        " metrics:object metrics.totalDuration:amount metrics.providerTime:object" + _SUMS
    ),
    "task.failed": _all(
        "taskId:text! error:object! error.code:text error.message:text! error.recoverable:flag lastCheckpoint:text?"
        " metrics:object metrics.duration:amount" + _SUMS
    ),
    **dict.fromkeys(("agent.spawned", "agent.ready", "agent.thinking"), _all(_AGENT)),
    "agent.usage": _all(f"{_AGENT}{_USE} metrics/usage:object"),
    **dict.fromkeys(("agent.completed", "agent.terminated"), _all(_AGENT_END)),
    "agent.tool_call": _all(f"{_CALL} {_TOOL}:named"),
    "agent.tool_result": _all(_CALL),
    "agent.file_change": _all(
        "path/filePath/file:named! path/filePath/file.path/file.filePath:text? action/changeType/operation:text?"
        " size:count? language:text? taskId:text?"
    ),
    "agent.error": _all(
        "error/message/detail/errors/reason/code:value! agentId:text? taskId:text? code:text? recoverable:flag?"
        " attempt:count? maxRetries:count? action:named?"
    ),
    "task.cancelled": _all("taskId:text! reason:text cancelledBy:user|system|timeout lastCheckpoint:text?"),
}
"""By the type of the event."""


def problems(data: Mapping[str, Any], fields: tuple[EventField, ...]) -> Iterator[tuple[EventField, str]]:
    """Yield each field that lacks or has another type, with what came: ``"nothing"``, or the value."""
    for field in fields:
        paths = field.name.split("/")
        values = [value for path in paths for value in _values(data, path.split("."))]
        if len(paths) > 1:
            values = [value for value in values if value is not None] or values[:1]
        for value in values:
            if value is None:
                if field.need is not None:
                    yield field, "nothing"
            elif not _fits(value, field.kind):
                yield field, repr(value)


def _values(data: Mapping[str, Any], path: list[str]) -> Iterator[Any]:
    """Yield the values at a path; nothing where the object lacks that would have them, which is reported itself."""
    name, *rest = path
    value = data.get(name.removesuffix("[]"))
    values = [value] if not name.endswith("[]") else value if isinstance(value, list) else []
    if not rest:
        yield from values
        return
    for each in values:
        if isinstance(each, Mapping):
            yield from _values(each, rest)


def words(kind: str) -> str:
    """Return the words for a type."""
    return _WORDS[kind] if kind in _WORDS else " or ".join(kind.split("|"))


def _fits(value: object, kind: str) -> bool:
    if kind in _CLASSES:
        return isinstance(value, _CLASSES[kind])
    match kind:
        case "texts":
            return isinstance(value, list) and all(isinstance(item, str) for item in value)
        case "time":
            return is_time(value)
        case "true":
            return value is True
        case "whole" | "count" | "amount" | "percent" | "share":
            return _is_number(value, kind)
    return isinstance(value, str) and value in kind.split("|")


def _is_number(value: object, kind: str) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool) or not isfinite(value):
        return False
    if kind in {"whole", "count"} and value != value // 1:
        return False
    most = {"percent": 100, "share": 1}.get(kind, float("inf"))
    return kind == "whole" or 0 <= value <= most


def is_time(value: object, *, in_utc: bool = False) -> bool:
    """Return whether a value is an ISO 8601 time of the calendar; `in_utc`: with seconds, and ``Z`` at its end."""
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None or not isinstance(value, str) or (in_utc and (found[1] is None or found[3] != "Z")):
        return False
    try:
        datetime.fromisoformat(_PAST_THE_END.sub(lambda text: f"{int(text[0]) - 1}", value.upper()))
    except ValueError:
        return False
    return True
