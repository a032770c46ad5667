"""The events and the interrupts of a LangGraph thread as it tells them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from runconsole.simulator.player import LogEntry
    from runconsole.simulator.scenario import Event

__all__ = ["Interrupt", "Namespace", "ThreadEvent"]

Namespace: TypeAlias = tuple[str, ...]
"""The place in the graph: `node:task_id` of each sub-graph, none for the graph itself."""


@dataclass(frozen=True, slots=True)
class ThreadEvent:
    """An event of a thread.

    Attributes:
        event_id: the same on all connections; it begins with the event's time, but for synthetic ones.
        at: its own time in ms; None for one that is stamped with the time of sending.
        entry: the family's event of which it is the last one; None for none.
    """

    event_id: str
    method: str
    namespace: Namespace
    data: Any
    node: str | None = None
    at: int | None = None
    entry: LogEntry | None = None

    def frame(self, seq: int, now: int) -> str:
        """Return it as it is sent, as number `seq` of a connection."""
        node = {} if self.node is None else {"node": self.node}
        timestamp = now if self.at is None else self.at
        params = {"namespace": self.namespace, "timestamp": timestamp, "data": self.data, **node}
        event = {"type": "event", "event_id": self.event_id, "seq": seq, "method": self.method, "params": params}
        return json.dumps(event, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Interrupt:
    """An interrupt of the graph.

    Attributes:
        namespace: the sub-graph that asks.
        task: the task of the family.
        inner: the id of the asking node's task.
        value: what the graph interrupts with.
        schema: the JSON Schema of the answer; None for none.
    """

    id: str
    checkpoint_id: str
    namespace: Namespace
    task: str
    inner: str
    value: Any
    schema: Any

    def written(self) -> Event:
        """Return it as REST tells it."""
        schema = {} if self.schema is None else {"response_schema": self.schema}
        return {"id": self.id, "value": self.value, **schema}
