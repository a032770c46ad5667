"""Events of agents in the task family (docs/protocols/tasks.md): their life, tokens, tool calls, files and errors."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
from msgspec import Struct

from runconsole.decoding.payload import FactReader, Whole, fact_reader, first
from runconsole.decoding.task import Metrics, TaskEvent, info_of
from runconsole.decoding.words import words_of
from runconsole.events import (
    AgentReported,
    ArtifactCreated,
    ErrorReported,
    Fact,
    Logged,
    TaskStatus,
    TokenUsage,
    ToolCallReported,
)
from runconsole.statuses import read_status

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


class _AgentMetrics(Metrics, rename="camel"):
    """The cached tokens are a part of the input, the reasoning tokens one of the output."""

    total_tokens: Whole | None = None
    input_tokens: Whole | None = None
    tokens_input: Whole | None = None
    output_tokens: Whole | None = None
    tokens_output: Whole | None = None
    cached_tokens: Whole | None = None
    cached_input_tokens: Whole | None = None
    cache_read_tokens: Whole | None = None
    reasoning_tokens: Whole | None = None
    tokens_reasoning: Whole | None = None


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
    metrics: _AgentMetrics | None = None
    usage: _AgentMetrics | None = None
    tokens_used: Whole | None = None
    cost: float | None = None
    status: str | None = None
    success: bool | None = None
    name: str | None = None
    agent_name: str | None = None
    agent_type: str | None = None
    role: str | None = None
    parent_agent_id: str | None = None
    parent_id: str | None = None
    model: str | None = None
    model_id: str | None = None


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
    message = first(*_words(data), info.code, data.code)
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
        agent_id=data.agent_id,
    )


def _words(data: _AgentEvent) -> list[str | None]:
    return [words_of(each) for each in (data.error, data.message, data.detail, data.errors, data.reason)]


def _agent_told(status: TaskStatus | None, data: _AgentEvent) -> Fact:
    if data.agent_id is None:
        return Logged(data.task_id)
    error = words_of(data.error) if data.success is not False else first(*_words(data), "the agent failed")
    if error is not None and status is TaskStatus.COMPLETED:
        status = TaskStatus.FAILED
    metrics = data.metrics or _NO_METRICS
    return AgentReported(
        data.agent_id,
        data.task_id,
        read_status(data.status) or status,
        first(data.name, data.agent_name, data.agent_type, data.role),
        first(data.parent_agent_id, data.parent_id),
        first(data.model, data.model_id),
        _used(data, metrics),
        error=error,
    )


def _used(data: _AgentEvent, metrics: _AgentMetrics) -> tuple[TokenUsage, ...]:
    """Return what an agent has used in all, where the event has anything of it."""
    other = data.usage or _NO_METRICS

    def count(*names: str) -> Any:
        return first(*(getattr(part, name) for part in (metrics, other) for name in names))

    usage = TokenUsage(
        model=first(data.model, data.model_id),
        tokens=first(count("tokens_used", "tokens_total", "total_tokens"), data.tokens_used),
        input_tokens=count("input_tokens", "tokens_input"),
        output_tokens=count("output_tokens", "tokens_output"),
        cached_tokens=count("cached_tokens", "cached_input_tokens", "cache_read_tokens"),
        reasoning_tokens=count("reasoning_tokens", "tokens_reasoning"),
        cost_usd=first(count("cost"), data.cost),
    )
    return () if usage == TokenUsage(model=usage.model) else (usage,)


_NO_METRICS = _AgentMetrics()


# ---- tool calls -----------------------------------------------------------------------------------------------------


class _Tool(Struct, rename="camel"):
    id: str | None = None
    name: str | None = None
    arguments: Any = None
    args: Any = None
    input: Any = None
    parameters: Any = None
    result: Any = None
    output: Any = None
    error: Any = None


class _ToolEvent(_Tool, rename="camel"):
    task_id: str | None = None
    agent_id: str | None = None
    tool_call_id: str | None = None
    tool_use_id: str | None = None
    call_id: str | None = None
    tool: _Tool | str | None = None
    tool_name: str | None = None
    status: str | None = None
    success: bool | None = None
    is_error: bool | None = None
    content: Any = None
    message: Any = None
    duration: float | None = None


def _tool_told(status: TaskStatus, data: _ToolEvent) -> Fact:
    tool = data.tool if isinstance(data.tool, _Tool) else _Tool(name=data.tool)
    call_id = first(data.tool_call_id, data.tool_use_id, data.call_id, data.id, tool.id)
    name = first(tool.name, data.tool_name, data.name)
    if call_id is None and name is None and data.agent_id is None:
        return Logged(data.task_id)
    result = first(data.result, data.output, data.content, tool.result, tool.output)
    error = first(words_of(data.error), words_of(tool.error))
    if status is TaskStatus.RUNNING and (result is not None or error is not None):
        status = TaskStatus.COMPLETED  # start and end in one
    if data.success is False or data.is_error:
        error = first(error, words_of(data.message), words_of(result), "the call failed")
    if error is not None and status is TaskStatus.COMPLETED:
        status = TaskStatus.FAILED
    return ToolCallReported(
        call_id,
        data.task_id,
        data.agent_id,
        name,
        read_status(data.status) or status,
        _json(first(*(getattr(part, spelling) for part in (data, tool) for spelling in _ARGUMENTS))),
        _json(result),
        error,
        data.duration,
    )


_ARGUMENTS = ("arguments", "args", "input", "parameters")


def _json(value: Any) -> str | None:
    """Return a value as JSON text; None for none."""
    return None if value is None else msgspec.json.encode(value).decode()


def _agent(status: TaskStatus | None) -> FactReader:
    return fact_reader(_AgentEvent, partial(_agent_told, status))


FACTS: dict[str, FactReader] = {
    "agent.file_change": fact_reader(_FileChange, _file_change),
    "agent.error": fact_reader(_AgentEvent, _agent_error),
    "agent.spawned": _agent(TaskStatus.RUNNING),
    "agent.ready": _agent(TaskStatus.RUNNING),
    "agent.thinking": _agent(TaskStatus.RUNNING),
    "agent.usage": _agent(None),
    "agent.completed": _agent(TaskStatus.COMPLETED),
    "agent.terminated": _agent(TaskStatus.CANCELLED),
    "agent.tool_call": fact_reader(_ToolEvent, partial(_tool_told, TaskStatus.RUNNING)),
    "agent.tool_result": fact_reader(_ToolEvent, partial(_tool_told, TaskStatus.COMPLETED)),
}
"""A reader of payloads for each event type. One whose payload says nothing of its subject is a row of the log."""
