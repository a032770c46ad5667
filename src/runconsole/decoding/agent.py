"""Events of agents in the task family (docs/protocols/tasks.md): changed files, errors, tokens and cost."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from runconsole.decoding.payload import FactReader, Whole, fact_reader, first
from runconsole.decoding.task import NO_METRICS, Metrics, TaskEvent, info_of
from runconsole.decoding.words import words_of
from runconsole.events import AgentCompleted, ArtifactCreated, ErrorReported, Fact

__all__ = ["FACTS"]


class _File(Struct, rename="camel"):
    path: str | None = None
    file_path: str | None = None
    action: str | None = None
    change_type: str | None = None
    operation: str | None = None
    size: Whole | None = None
    language: str | None = None


class _FileChange(_File, rename="camel"):
    task_id: str | None = None
    file: _File | str | None = None


class _ErrorAction(Struct):
    type: str | None = None
    name: str | None = None


class _AgentEvent(TaskEvent, rename="camel"):
    agent_id: str | None = None
    error: Any = None
    message: Any = None
    detail: Any = None
    errors: Any = None
    reason: Any = None
    code: str | None = None
    recoverable: bool | None = None
    action: _ErrorAction | str | None = None
    attempt: Whole | None = None
    max_retries: Whole | None = None
    metrics: Metrics | None = None
    tokens_used: Whole | None = None
    cost: float | None = None


_ACTIONS = {"create": "created", "add": "created", "modify": "modified", "update": "modified", "delete": "deleted"}


def _file_change(data: _FileChange) -> Fact | None:
    file = data.file if isinstance(data.file, _File) else _File(path=data.file)
    path = first(data.path, data.file_path, file.path, file.file_path)
    if path is None:
        return None
    action = first(data.action, data.change_type, data.operation, file.action, file.change_type, file.operation)
    return ArtifactCreated(
        path,
        first(data.size, file.size),
        "file",
        first(data.language, file.language),
        data.task_id,
        _ACTIONS.get(action, action),
    )


def _agent_error(data: _AgentEvent) -> Fact | None:
    info = info_of(data.error)
    candidates = (data.error, data.message, data.detail, data.errors, data.reason)
    message = first(*map(words_of, candidates), info.code, data.code)
    if message is None:
        return None
    action = data.action if isinstance(data.action, _ErrorAction) else _ErrorAction(data.action)
    return ErrorReported(
        message,
        data.task_id,
        error_type=first(info.code, info.type, info.name, data.code),
        recoverable=first(info.recoverable, data.recoverable),
        attempt=data.attempt,
        max_retries=data.max_retries,
        stack=info.stack,
        action=first(action.type, action.name),
    )


def _agent_ended(data: _AgentEvent) -> Fact | None:
    if data.agent_id is None:
        return None
    metrics = data.metrics or NO_METRICS
    tokens = first(metrics.tokens_used, metrics.tokens_total, data.tokens_used)
    return AgentCompleted(data.agent_id, data.task_id, tokens, first(metrics.cost, data.cost))


FACTS: dict[str, FactReader] = {
    "agent.file_change": fact_reader(_FileChange, _file_change),
    "agent.error": fact_reader(_AgentEvent, _agent_error),
    "agent.completed": fact_reader(_AgentEvent, _agent_ended),
    "agent.terminated": fact_reader(_AgentEvent, _agent_ended),
}
"""A reader of payloads for each event type."""
