"""Events about the agents among the tasks of a run: their life, their tokens by model, and their calls of tools."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from runconsole.reporting.records import TaskRecord

__all__ = ["COUNTS", "AgentReports", "plain_value"]

COUNTS = ("totalTokens", "inputTokens", "outputTokens", "cachedTokens", "reasoningTokens", "cost")
"""The counts of a usage, by the names of the task family."""
_ENDS = {"completed": "agent.completed", "failed": "agent.completed", "cancelled": "agent.terminated"}


@dataclass(slots=True)
class _Agent:
    name: str
    used: dict[str | None, dict[str, float]] = field(default_factory=dict)
    """Its tokens and cost so far, by model."""


class AgentReports:
    """The agents of one run. An agent is a task, and has its id. To be used under the emitter's lock.

    Args:
        emit: writes an event of a task: its type, the task's id, and its data.
    """

    def __init__(self, emit: Callable[[str, str, dict[str, Any]], None]) -> None:
        self._emit = emit
        self._agents: dict[str, _Agent] = {}

    def begin(self, record: TaskRecord, model: str | None = None, parent: str | None = None) -> None:
        """Report that a task is an agent, once; `parent` is the task around it, if that is an agent."""
        if record.task_id not in self._agents:
            self._agents[record.task_id] = _Agent(record.name)
            known = parent if parent in self._agents else None
            self._tell("agent.spawned", record, name=record.name, model=model, parentAgentId=known)

    def use(self, record: TaskRecord, model: str | None, counts: Mapping[str, float]) -> None:
        """Add what a call of a model has used to that of its agent."""
        self.begin(record, model)
        used = self._agents[record.task_id].used.setdefault(model, {})
        for name, count in counts.items():
            used[name] = used.get(name, 0) + count
        self._tell("agent.usage", record, model=model, usage=dict(used))

    def moved(self, record: TaskRecord, status: str, error: str | None = None) -> None:
        """Report the new status of a task, if it is an agent."""
        if record.task_id in self._agents:
            ended = {"success": False, "error": error} if status == "failed" else {}
            self._tell(_ENDS.get(status, "agent.ready"), record, status=status, **ended)

    def call(self, record: TaskRecord, kind: str, data: dict[str, Any]) -> None:
        """Report a call of a tool, or its result."""
        self._tell(kind, record, **data)

    def _tell(self, kind: str, record: TaskRecord, **data: Any) -> None:
        who = {"agentId": record.task_id} if record.task_id in self._agents else {}
        self._emit(kind, record.task_id, who | {name: value for name, value in data.items() if value is not None})


def plain_value(value: Any) -> Any:
    """Return a value that JSON can hold: arguments and results of tools are any objects."""
    try:
        return msgspec.json.decode(msgspec.json.encode(value, enc_hook=_plain))
    except (TypeError, ValueError, OverflowError, RecursionError):
        return _words(value)


def _plain(value: Any) -> Any:
    dump = getattr(value, "model_dump", None)  # pydantic
    try:
        return dump() if callable(dump) and not isinstance(value, type) else _words(value)
    except Exception:  # noqa: BLE001 - a user's class
        return _words(value)


def _words(value: object) -> str:
    try:
        return str(value)
    except Exception as error:  # noqa: BLE001 - a user's class
        return f"a {type(value).__name__} whose words raise {type(error).__name__}"
