"""The task family's events as those of a LangGraph Agent Server: tasks are nodes with sub-graphs of subtasks. No I/O.

A run that was started over REST with the modes tasks, updates and custom reports tasks, and whole messages in updates.
A run that a command of the protocol started or continued has messages piece by piece, tools, and no tasks.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from runconsole.simulator.player import LogEntry
from runconsole.simulator.scenario import Event
from runconsole.simulator.wires.langgraph_questions import payload_of, schema_of
from runconsole.simulator.wires.langgraph_records import Interrupt, Namespace, ThreadEvent
from runconsole.simulator.wires.stamps import milliseconds

__all__ = ["GRAPH", "LangGraphEvents"]

GRAPH: Final = "coders"
"""The name of the graph."""
_NODES: Final = {
    "task-101": "password_reset",
    "task-102": "orders_report",
    "task-103": "flaky_test",
    "task-104": "payments_upgrade",
}
_ASKING: Final = "review"
"""The node that asks, in the sub-graph of a task."""
_INPUT_SHARE: Final = 0.7  # of a node's tokens


@dataclass(slots=True)
class _Node:
    """A task of the family as a node of the graph.

    Attributes:
        id: the id of LangGraph's task.
        step: the inner node at work: its name and its id.
        text: of the open message.
        messages: of the inner node, for its update.
        tokens: used so far, and when the inner node began.
    """

    name: str
    id: str
    input: Event
    step: tuple[str, str] | None = None
    message_id: str | None = None
    text: str = ""
    messages: list[Event] = field(default_factory=list)
    call_id: str | None = None
    tokens: tuple[int, int] = (0, 0)
    is_open: bool = False

    @property
    def namespace(self) -> Namespace:
        return (f"{self.name}:{self.id}",)


class LangGraphEvents:
    """The events of one thread.

    Args:
        thread_id: the seed of all ids.

    Attributes:
        events: so far.
        interrupts: the newest of each checkpoint.
        results: of the tasks that have ended, by their nodes.
        failure: the words of a node that failed; None for none.
    """

    def __init__(self, thread_id: str) -> None:
        self.events: list[ThreadEvent] = []
        self.interrupts: dict[str, Interrupt] = {}
        self.results: dict[str, str] = {}
        self.failure: str | None = None
        self._thread_id = thread_id
        self._run_id = ""
        self._has_tasks = True
        self._nodes: dict[str, _Node] = {}
        self._prompts: dict[str, str] = {}
        self._at = 0
        self._stamped: tuple[int, int] = (0, 0)
        self._counted = 0
        self._handlers: Mapping[str, Callable[[Event, _Node], None]] = {
            "agent.error": self._noted,
            "agent.file_change": self._tool_finished,
            "agent.rate_limited": self._noted,
            "agent.tool_call": self._tool_started,
            "checkpoint.hitl_decided": self._decided,
            "task.cancelled": self._ended,
            "task.completed": self._ended,
            "task.failed": self._ended,
            "task.hitl_required": self._asked,
            "task.output": self._output,
            "task.progress": self._progress,
            "task.started": self._started,
            "task.subtask.completed": self._step_ended,
            "task.subtask.started": self._step_started,
        }

    # ---- a run ------------------------------------------------------------------------------------------------------

    def begin(self, run_id: str, *, has_tasks: bool, is_new: bool) -> None:
        """Begin a run; a new one begins with the graph, another one goes on with an answer."""
        self._run_id, self._has_tasks = run_id, has_tasks
        if is_new:
            self._nodes.clear()
            self.interrupts.clear()
            self.results.clear()
            self.failure = None
        self._lifecycle("running", ())

    def resume(self, interrupts: Iterable[Interrupt], at: int) -> None:
        """Go on with nodes whose questions are answered."""
        self._at = max(self._at, at)
        for interrupt in interrupts:
            node = self._nodes[interrupt.task]
            self._open_node(node)
            if self._has_tasks:
                self._task(interrupt.namespace, _ASKING, interrupt.inner, input={})

    def ask(self, interrupts: Iterable[Interrupt]) -> None:
        """End a run with questions."""
        asked = list(interrupts)
        for number, interrupt in enumerate(asked):
            place = "/".join(interrupt.namespace)
            data = {"interrupt_id": interrupt.id, "payload": interrupt.value}
            self._synthetic(f"input|{place}|{interrupt.id}", "input.requested", interrupt.namespace, data)
            if number == 0:
                self._lifecycle("interrupted", ())
            node = self._nodes[interrupt.task]
            node.is_open = False
            listed = [{"value": interrupt.value, "id": interrupt.id, "response_schema": interrupt.schema}]
            if self._has_tasks:
                self._task(interrupt.namespace, _ASKING, interrupt.inner, result={}, interrupts=listed)
                self._task((), node.name, node.id, result={}, interrupts=listed)
            else:
                self._lifecycle("interrupted", interrupt.namespace, graph=node.name)

    def finish(self) -> None:
        """End the last run."""
        if self.failure is None:
            self._lifecycle("completed", ())
        else:
            self._lifecycle("failed", (), error=self.failure)

    def cancel(self) -> None:
        """End a run that a client has cancelled: its sub-graphs are told to have completed, as the server does."""
        for node in self._nodes.values():
            if node.is_open:
                node.is_open = False
                self._lifecycle("completed", node.namespace, graph=node.name)
        self._lifecycle("interrupted", ())

    def read(self, entry: LogEntry) -> None:
        """Add the events for one of the family."""
        event, body = entry.event, entry.event["payload"]
        self._at = milliseconds(event["timestamp"])
        before = len(self.events)
        if event["type"] == "task.created":
            self._prompts[body["taskId"]] = body["prompt"]
        handler = self._handlers.get(str(event["type"]))
        if handler is not None:
            handler(body, self._node(body["taskId"]))
        if len(self.events) == before:
            return
        last = self.events[-1]
        self.events[-1] = ThreadEvent(
            last.event_id, last.method, last.namespace, last.data, last.node, last.at, entry=entry
        )

    # ---- nodes ------------------------------------------------------------------------------------------------------

    def _node(self, task_id: str) -> _Node:
        if task_id not in self._nodes:
            name = _NODES.get(task_id, task_id)
            given = {"task": self._prompts.get(task_id, task_id)}
            self._nodes[task_id] = _Node(name, self._id(f"node/{task_id}/{self._run_id}"), given)
        return self._nodes[task_id]

    def _started(self, _body: Event, node: _Node) -> None:
        self._open_node(node)

    def _open_node(self, node: _Node) -> None:
        if node.is_open:
            return
        node.is_open = True
        if self._has_tasks:
            self._task((), node.name, node.id, input=node.input)
            return
        place = list(node.namespace)
        data = {"event": "started", "namespace": place, "graph_name": node.name, "trigger_call_id": node.id}
        self._add("lifecycle", node.namespace, data)

    def _ended(self, body: Event, node: _Node) -> None:
        """End a node; in a LangGraph graph, one that raises fails the run."""
        error = body.get("error")
        status = "failed" if error else "cancelled" if "reason" in body else "completed"
        self.results[node.name] = status
        result = {"done": [f"{node.name}: {status}"]}
        if error:
            self.failure = str(error["message"])
        else:
            self._update((), node.name, result)
            self._lifecycle("completed", node.namespace, graph=node.name)
        node.is_open = False
        if self._has_tasks:
            failed = {"error": str(error["code"]), "message": str(error["message"])} if error else None
            self._task((), node.name, node.id, error=failed, result={} if error else result)

    def _step_started(self, body: Event, node: _Node) -> None:
        node.step = (_slug(body["name"]), self._id(f"step/{body['subtaskId']}/{self._run_id}"))
        node.messages = []
        node.tokens = (node.tokens[0], node.tokens[0])
        if self._has_tasks:
            self._task(node.namespace, *node.step, input={"description": body["description"]})

    def _step_ended(self, _body: Event, node: _Node) -> None:
        if node.step is None:
            return
        (name, step_id), node.step = node.step, None
        used = node.tokens[0] - node.tokens[1]
        read = round(used * _INPUT_SHARE)
        usage = {"input_tokens": read, "output_tokens": used - read, "total_tokens": used}
        self._end_message(node, usage)
        result = {"messages": node.messages}
        self._update(node.namespace, name, result)
        if self._has_tasks:
            self._task(node.namespace, name, step_id, result=result)

    def _task(self, namespace: Namespace, name: str, task_id: str, **fields: Any) -> None:
        if "input" in fields:
            data = {"id": task_id, "name": name, **fields, "triggers": [f"branch:to:{name}"], "metadata": {}}
        else:
            data = {"id": task_id, "name": name, "error": None, "result": {}, "interrupts": []} | fields
        self._add("tasks", namespace, data)

    def _update(self, namespace: Namespace, node: str, values: Event) -> None:
        if self._has_tasks:
            self._add("updates", namespace, values, node=node)
        else:
            self._add("updates", namespace, {node: values})

    # ---- output, progress, tools ------------------------------------------------------------------------------------

    def _output(self, body: Event, node: _Node) -> None:
        if node.message_id is None:
            node.message_id = self._numbered("lc_run--")
            self._message(node, event="message-start", role="ai", id=node.message_id)
            self._message(node, event="content-block-start", index=0, content={"type": "text", "text": ""})
        node.text += body["data"]
        self._message(node, event="content-block-delta", index=0, delta={"type": "text-delta", "text": body["data"]})

    def _end_message(self, node: _Node, usage: Event) -> None:
        if node.message_id is not None:
            self._message(node, event="content-block-finish", index=0, content={"type": "text", "text": node.text})
        else:
            node.message_id = self._numbered("lc_run--")
            self._message(node, event="message-start", role="ai", id=node.message_id)
        self._message(node, event="message-finish", usage=usage)
        calls = [message["call"] for message in node.messages]
        results = [message["result"] for message in node.messages]
        said = {"type": "ai", "content": node.text, "id": node.message_id, "tool_calls": calls, "usage_metadata": usage}
        node.messages = [said, *results]
        node.message_id, node.text = None, ""

    def _message(self, node: _Node, **data: Any) -> None:
        if not self._has_tasks:
            self._add("messages", node.namespace, data)

    def _progress(self, body: Event, node: _Node) -> None:
        node.tokens = (body["metrics"]["tokensUsed"], node.tokens[1])
        self._custom(node, {"progress": body["progress"], "total": 100, "message": body["currentStep"]})

    def _noted(self, body: Event, node: _Node) -> None:
        self._custom(node, {name: value for name, value in body.items() if name not in {"taskId", "agentId"}})

    def _custom(self, node: _Node, value: Event) -> None:
        self._add("custom", node.namespace, {"payload": value} if self._has_tasks else value)

    def _tool_started(self, body: Event, node: _Node) -> None:
        tool = body["tool"]
        node.call_id = self._numbered("call-")
        call = {"type": "tool_call", "name": tool["name"], "args": tool["input"], "id": node.call_id}
        node.messages.append({"call": call, "result": {}})
        if not self._has_tasks:
            data = {"event": "tool-started", "tool_call_id": node.call_id, "tool_name": tool["name"]}
            self._add("tools", node.namespace, data | {"input": tool["input"]})

    def _tool_finished(self, body: Event, node: _Node) -> None:
        call_id, node.call_id = node.call_id, None
        if call_id is None:
            return
        output = json.dumps(body["file"])
        name = node.messages[-1]["call"]["name"]
        result = {"type": "tool", "content": output, "name": name, "tool_call_id": call_id, "status": "success"}
        node.messages[-1]["result"] = result | {"id": self._id(f"result/{call_id}")}
        if not self._has_tasks:
            self._add("tools", node.namespace, {"event": "tool-finished", "tool_call_id": call_id, "output": output})

    # ---- questions --------------------------------------------------------------------------------------------------

    def _asked(self, body: Event, node: _Node) -> None:
        checkpoint_id = body["checkpointId"]
        inner = self._id(f"review/{checkpoint_id}/{self._run_id}")
        interrupt_id = uuid.uuid5(uuid.NAMESPACE_OID, f"{inner}/interrupt").hex
        value, schema = payload_of(body), schema_of(body)
        interrupt = Interrupt(interrupt_id, checkpoint_id, node.namespace, body["taskId"], inner, value, schema)
        self.interrupts[checkpoint_id] = interrupt
        if self._has_tasks:
            self._task(node.namespace, _ASKING, inner, input={})

    def _decided(self, body: Event, node: _Node) -> None:
        interrupt = self.interrupts.pop(body["checkpointId"], None)
        if interrupt is None:
            return
        answer = {"answers": [body["selectedOption"]]}
        self._update(node.namespace, _ASKING, answer)
        if self._has_tasks:
            self._task(node.namespace, _ASKING, interrupt.inner, result=answer)

    # ---- parts ------------------------------------------------------------------------------------------------------

    def _lifecycle(self, event: str, namespace: Namespace, *, graph: str = GRAPH, **fields: Any) -> None:
        data = {"event": event, "graph_name": graph, **fields}
        self._synthetic(f"lc|{'/'.join(namespace)}|{event}", "lifecycle", namespace, data)

    def _synthetic(self, name: str, method: str, namespace: Namespace, data: Event) -> None:
        self.events.append(ThreadEvent(f"synth:{self._run_id}:{name}", method, namespace, data))

    def _add(self, method: str, namespace: Namespace, data: Any, node: str | None = None) -> None:
        at, number = self._stamped
        self._stamped = (self._at, 0) if self._at > at else (at, number + 1)
        at, number = self._stamped
        event_id = f"{at}-0.{number}" if number else f"{at}-0"
        own_time = None if self._has_tasks else self._at
        self.events.append(ThreadEvent(event_id, method, namespace, data, node, own_time))

    def _numbered(self, name: str) -> str:
        self._counted += 1
        return name + self._id(f"{name}/{self._counted}")

    def _id(self, name: str) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self._thread_id}/{name}"))


def _slug(name: str) -> str:
    """Return the name of a node for that of a subtask."""
    return name.partition(":")[0].lower().replace(" ", "_").replace(",", "")
