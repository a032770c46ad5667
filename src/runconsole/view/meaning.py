"""The meaning of an event in one line: of whom it tells, the fact, and the text that comes with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from runconsole.text.length import shortened

__all__ = ["meaning"]

_LONG = 20_000
"""Characters of a payload above which its fields are not read."""
_DETAIL = 160
_ENVELOPES = ("data", "payload", "body")
_TEXTS = (
    *("message", "error", "error_message", "errorMessage", "reason", "current_step", "currentStep", "step", "title"),
    *("path", "file_path", "filePath", "prompt", "text", "line", "data", "output", "content", "chunk", "option"),
    *("decision", "name", "description", "summary"),
)
"""Fields that hold what an event says, the most telling first."""
_PROGRESS = ("progress", "percentage", "percent", "progress_percent")
_IDS = ("task_id", "taskId", "agent_id", "agentId", "worker_id", "workerId", "provider_id", "providerId")
_VAGUE = re.compile(r"(?:^|[ _])(?:progress|update|updated|changed|status)$")
"""Types that say nothing without the status in the payload."""
_ENDED = re.compile(r"\b(?:completed|failed|cancelled|canceled|skipped|done)\b")
_FAMILIES = frozenset({"task", "agent"})
_WORDS = {
    "hitl required": "asks",
    "approval requested": "asks",
    "hitl decided": "was answered",
    "approval decided": "was answered",
    "in progress": "is running",
}
_SEQUENCE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")


def meaning(kind: str, payload: str, task: str | None) -> str:
    """Return the meaning of an event of this type, with this payload (JSON), about this task."""
    data: Mapping[str, Any] = {"text": payload} if kind == "malformed" else _fields_of(payload)
    about = task or _text_of(data, _IDS)
    words = _words_of(kind, data, has_subject=about is not None)
    number: float | None = next((data[name] for name in _PROGRESS if type(data.get(name)) in {int, float}), None)
    # With the end of a task some servers send the progress of the whole run.
    if number is not None and 0 <= number <= 100 and not _ENDED.search(words):
        words = f"{words}, {number:.0f}%"
    detail = _text_of(data, _TEXTS)
    if detail is not None and (detail == about or (task is not None and detail.startswith(task))):
        detail = None
    return " ".join(part for part in (about, f"{words}: {detail}" if detail else words) if part)


def _fields_of(payload: str) -> Mapping[str, Any]:
    if len(payload) > _LONG:
        return {}
    try:
        data = msgspec.json.decode(payload)
    except (msgspec.DecodeError, RecursionError):
        return {}
    if not isinstance(data, dict):
        return {"text": data} if isinstance(data, str) else {}
    inner = next((data[name] for name in _ENVELOPES if isinstance(data.get(name), dict)), None)
    return data if inner is None else inner


def _words_of(kind: str, data: Mapping[str, Any], *, has_subject: bool) -> str:
    *before, last = re.split(r"[.:/]", kind)
    words = last.replace("_", " ").replace("-", " ").strip()
    status = data.get("status")
    if _VAGUE.search(words) and isinstance(status, str) and status:
        words = _line(status.replace("_", " "))
    elif has_subject:
        words = words.removeprefix("task ")
    if words in {"output", "task output"} and data.get("stream") in ("stdout", "stderr"):
        words = f"wrote to {data['stream']}"
    family = [part for part in before if not (has_subject and part in _FAMILIES)]
    part = next((part for part in ("wave", "phase") if part in words), "")
    part_number = next((str(data[name]) for name in (part, f"{part}_number") if _is_plain(data.get(name))), "")
    words = _WORDS.get(words, words)
    if part_number:
        words = words.replace(part, f"{part} {_line(part_number)}", 1)
    return " ".join([*family, words]).strip() or "event"


def _is_plain(value: Any) -> bool:
    return isinstance(value, int | str) and not isinstance(value, bool)


def _text_of(data: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    """Return the first of these fields that has a text, on one line."""
    for name in names:
        value = data.get(name)
        if isinstance(value, dict):
            value = value.get("message") or value.get("name") or value.get("title")
        if isinstance(value, str) and value.strip():
            return _line(value)
    return None


def _line(text: str) -> str:
    return shortened(" ".join(_SEQUENCE.sub("", text[: 4 * _DETAIL]).split()), _DETAIL)
