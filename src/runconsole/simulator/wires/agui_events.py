"""The task family's events as AG-UI's: agents are sub-agents, subtasks steps, progress is an activity. No I/O."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, Literal, TypeAlias

from runconsole.simulator.scenario import Checkpoint, Event
from runconsole.simulator.wires.agui_questions import CALL, interrupt, legacy_value
from runconsole.simulator.wires.stamps import milliseconds

__all__ = ["AguiDialect", "AguiEvents"]

AguiDialect: TypeAlias = Literal["outcome", "on_interrupt"]
"""The ways of asking: in the outcome of the run, as AG-UI 1.0 says, or as `ag-ui-langgraph` sends questions."""

_STATUSES: Final = {
    "task.created": "pending",
    "task.started": "running",
    "task.completed": "completed",
    "task.failed": "failed",
    "task.cancelled": "cancelled",
}


class AguiEvents:
    """The events of one thread, from the first run to the last that answers a question.

    Args:
        dialect: how questions come. `on_interrupt` has neither times nor sub-agents, activities, usage or patches.
        thread_id: the client's name of the thread.
    """

    def __init__(self, dialect: AguiDialect, thread_id: str) -> None:
        self.questions: dict[str, Event] = {}
        """The announcement of each question, by its id."""
        self._is_standard = dialect == "outcome"
        self._thread_id = thread_id
        self._run_id = ""
        self._at: int | None = None
        self._messages: list[Event] = []
        self._steps: dict[str, Event] = {}
        """The open step of each agent."""
        self._texts: dict[str, Event] = {}
        """The open message of each agent."""
        self._agents: dict[str, Event] = {}
        """The announcement of each agent that has not ended."""
        self._suspended: set[str] = set()
        """The agents that wait for a person, or for their first step."""
        self._prompts: dict[str, str] = {}
        self._activities: set[str] = set()
        self._state: dict[str, Any] = {"tasks": {}}
        self._usage: list[Event] = []
        self._counts: Counter[str] = Counter()
        self._call: dict[str, str] = {}
        """The newest tool call of each agent."""
        self._handlers: Mapping[str, Callable[[Event, str], Iterable[Event]]] = {
            "agent.completed": self._agent_completed,
            "agent.file_change": self._file_changed,
            "agent.spawned": self._agent_spawned,
            "agent.tool_call": self._tool_called,
            "checkpoint.hitl_decided": self._decided,
            "task.cancelled": self._ended,
            "task.completed": self._ended,
            "task.created": self._created,
            "task.failed": self._ended,
            "task.hitl_required": self._asked,
            "task.output": self._output,
            "task.progress": self._progress,
            "task.started": self._started,
            "task.subtask.completed": self._step_ended,
            "task.subtask.started": self._step_started,
        }

    # ---- a run ------------------------------------------------------------------------------------------------------

    def begin(self, run_id: str, at: int) -> list[Event]:
        """Return the events at a run's start."""
        self._run_id, self._at = run_id, at
        version = {"protocolVersion": "1.0"} if self._is_standard else {}
        return [self._new("RUN_STARTED", threadId=self._thread_id, runId=run_id, **version)]

    def take(self, messages: list[Event]) -> None:
        """Begin the conversation with the client's messages."""
        self._messages = [dict(message) for message in messages]

    def state(self) -> list[Event]:
        """Return the snapshot of the state, which a run that goes on begins with."""
        return [self._new("STATE_SNAPSHOT", snapshot=json.loads(json.dumps(self._state)))]

    def refuse(self, code: str, message: str) -> list[Event]:
        """Return the end of a run that refuses its input."""
        return [self._new("RUN_ERROR", message=message, code=code)]

    def ask(self, checkpoints: Iterable[Checkpoint]) -> list[Event]:
        """Return the end of a run with questions."""
        asked = list(checkpoints)
        if not self._is_standard:
            value = json.dumps(legacy_value(self.questions[asked[0].id]), ensure_ascii=False)
            return [*self._snapshots(), self._new("CUSTOM", name="on_interrupt", value=value), self._finished()]
        interrupts = [self._interrupt(checkpoint.id) for checkpoint in asked]
        suspended = [*self._suspend(interrupts)]
        return [*suspended, self._finished(outcome={"type": "interrupt", "interrupts": interrupts})]

    def finish(self) -> list[Event]:
        """Return the end of the last run."""
        if not self._is_standard:
            return [*self._snapshots(), self._finished()]
        return [self._finished(outcome={"type": "success"})]

    def _finished(self, **fields: Any) -> Event:
        usage, self._usage = self._usage, []
        own = {"usage": usage} if usage and self._is_standard else {}
        return self._new("RUN_FINISHED", threadId=self._thread_id, runId=self._run_id, **fields, **own)

    def _snapshots(self) -> list[Event]:
        return [*self.state(), self._new("MESSAGES_SNAPSHOT", messages=json.loads(json.dumps(self._messages)))]

    def _interrupt(self, checkpoint_id: str) -> Event:
        question = self.questions[checkpoint_id]
        agent_id = f"agent-{question['taskId'].removeprefix('task-')}"
        return interrupt(question) | ({"subagentRunId": agent_id} if agent_id in self._agents else {})

    def _suspend(self, interrupts: list[Event]) -> Iterator[Event]:
        for agent_id in self._agents:
            own = [each["id"] for each in interrupts if each.get("subagentRunId") == agent_id]
            if own:
                self._suspended.add(agent_id)
                outcome = {"type": "suspended", "interruptIds": own}
                yield self._new("SUBAGENT_FINISHED", subagentRunId=agent_id, outcome=outcome)

    # ---- the events of the family -----------------------------------------------------------------------------------

    def read(self, event: Event) -> list[Event]:
        """Return the events for one of the family."""
        kind, body = str(event["type"]), event["payload"]
        self._at = milliseconds(event["timestamp"])
        agent_id = body.get("agentId") or f"agent-{str(body.get('taskId')).removeprefix('task-')}"
        status = self._status(kind, body)
        handler = self._handlers.get(kind)
        if not self._is_standard:
            raw = self._new("RAW", event={"event": "on_custom_event", "name": kind, "data": body})
            return [raw] if handler is None else [*handler(body, agent_id), raw]
        if handler is None:
            return [*status, self._new("CUSTOM", name=kind, value=body)]
        return [*status, *handler(body, agent_id)]

    def _status(self, kind: str, body: Event) -> list[Event]:
        status = _STATUSES.get(kind)
        if status is None:
            return []
        tasks, name = self._state["tasks"], body["taskId"]
        patch = {"op": "replace" if name in tasks else "add", "path": f"/tasks/{name}", "value": status}
        tasks[name] = status
        return [self._new("STATE_DELTA", delta=[patch])]

    def _created(self, body: Event, _agent_id: str) -> Iterable[Event]:
        self._prompts[body["taskId"]] = body["prompt"]
        return ()

    def _started(self, body: Event, agent_id: str) -> Iterable[Event]:  # noqa: ARG002 - as all handlers
        self._activities.discard(body["taskId"])
        return ()

    def _agent_spawned(self, body: Event, agent_id: str) -> Iterable[Event]:
        prompt = self._prompts.get(body["taskId"], "")
        self._agents[agent_id] = {"subagentRunId": agent_id, "name": body["providerId"], "description": prompt}
        self._suspended.add(agent_id)
        return ()

    def _step_started(self, body: Event, agent_id: str) -> Iterator[Event]:
        by = {} if agent_id in self._suspended else self._by(agent_id)  # a step in which it begins is the run's own
        self._steps[agent_id] = {"stepName": body["name"], **by}
        yield self._new("STEP_STARTED", **self._steps[agent_id])
        yield from self._goes_on(agent_id)

    def _step_ended(self, _body: Event, agent_id: str) -> Iterator[Event]:
        yield from self._text_ended(agent_id)
        opened = self._steps.pop(agent_id, None)
        if opened is not None:
            yield self._new("STEP_FINISHED", **opened)

    def _output(self, body: Event, agent_id: str) -> Iterator[Event]:
        message = self._texts.get(agent_id)
        if message is None:
            message_id = self._numbered(f"{agent_id}-message")
            message = {"id": message_id, "role": "assistant", "content": ""}
            self._texts[agent_id] = message
            self._messages.append(message)
            yield self._new("TEXT_MESSAGE_START", messageId=message_id, role="assistant", **self._by(agent_id))
        message["content"] += body["data"]
        yield self._new("TEXT_MESSAGE_CONTENT", messageId=message["id"], delta=body["data"], **self._by(agent_id))

    def _text_ended(self, agent_id: str) -> Iterator[Event]:
        message = self._texts.pop(agent_id, None)
        if message is not None:
            yield self._new("TEXT_MESSAGE_END", messageId=message["id"], **self._by(agent_id))

    def _progress(self, body: Event, agent_id: str) -> Iterator[Event]:
        task_id, progress, message = body["taskId"], body["progress"], body["currentStep"]
        if not self._is_standard:
            value = {"task": task_id, "progress": progress, "total": 100, "message": message}
            yield self._new("CUSTOM", name="progress", value=value)
            return
        place = {"messageId": f"{task_id}-progress", "activityType": "progress"} | self._by(agent_id)
        if task_id in self._activities:
            changes = {"/progress": progress, "/message": message}
            patch = [{"op": "replace", "path": path, "value": value} for path, value in changes.items()]
            yield self._new("ACTIVITY_DELTA", patch=patch, **place)
            return
        self._activities.add(task_id)
        content = {"title": self._prompts.get(task_id, task_id), "progress": progress, "total": 100, "message": message}
        yield self._new("ACTIVITY_SNAPSHOT", content=content, replace=True, **place)

    # ---- tools ------------------------------------------------------------------------------------------------------

    def _tool_called(self, body: Event, agent_id: str) -> Iterable[Event]:
        tool = body["tool"]
        return self._call_events(self._numbered(f"{agent_id}-call"), tool["name"], tool["input"], agent_id)

    def _call_events(self, call_id: str, name: str, arguments: Event, agent_id: str) -> Iterator[Event]:
        yield from self._text_ended(agent_id)
        self._call[agent_id] = call_id
        text = json.dumps(arguments)
        function = {"name": name, "arguments": text}
        calls = [{"id": call_id, "type": "function", "function": function}]
        self._messages.append({"id": f"{call_id}-message", "role": "assistant", "toolCalls": calls})
        by = self._by(agent_id)
        parent = f"{call_id}-message"
        yield self._new("TOOL_CALL_START", toolCallId=call_id, toolCallName=name, parentMessageId=parent, **by)
        yield self._new("TOOL_CALL_ARGS", toolCallId=call_id, delta=text, **by)
        yield self._new("TOOL_CALL_END", toolCallId=call_id, **by)

    def _file_changed(self, body: Event, agent_id: str) -> Iterable[Event]:
        call_id = self._call.pop(agent_id, None)
        return () if call_id is None else [self._result(call_id, json.dumps(body["file"]), agent_id)]

    def _result(self, call_id: str, content: str, agent_id: str) -> Event:
        message_id = f"{call_id}-result"
        self._messages.append({"id": message_id, "role": "tool", "toolCallId": call_id, "content": content})
        by = self._by(agent_id)
        return self._new(
            "TOOL_CALL_RESULT", messageId=message_id, toolCallId=call_id, content=content, role="tool", **by
        )

    # ---- questions and ends -----------------------------------------------------------------------------------------

    def _asked(self, body: Event, agent_id: str) -> Iterable[Event]:
        self.questions[body["checkpointId"]] = body
        call = CALL.get(body["checkpointType"])
        if call is None or not self._is_standard:
            return list(self._text_ended(agent_id))
        return list(self._call_events(body["checkpointId"], call[0], call[1], agent_id))

    def _decided(self, body: Event, agent_id: str) -> Iterator[Event]:
        yield from self._goes_on(agent_id)
        question = self.questions.get(body["checkpointId"], {})
        if self._is_standard and question.get("checkpointType") in CALL:
            self._call.pop(agent_id, None)
            words = "The tool call was denied." if body["action"] == "reject" else "done"
            yield self._result(body["checkpointId"], body.get("feedback") or words, agent_id)

    def _goes_on(self, agent_id: str) -> Iterator[Event]:
        if agent_id in self._suspended and self._is_standard:
            self._suspended.discard(agent_id)
            yield self._new("SUBAGENT_STARTED", **self._agents[agent_id])

    def _agent_completed(self, body: Event, agent_id: str) -> Iterable[Event]:
        metrics = body["metrics"]
        self._usage.append(
            {
                "provider": body["providerId"],
                "model": body["providerId"],
                "inputTokens": metrics["tokensInput"],
                "outputTokens": metrics["tokensOutput"],
                "totalTokens": metrics["tokensTotal"],
            }
        )
        self._agents.pop(agent_id, None)
        return self._if_standard(self._new("SUBAGENT_FINISHED", subagentRunId=agent_id, outcome={"type": "success"}))

    def _ended(self, body: Event, agent_id: str) -> Iterator[Event]:
        """End the task of an agent; an agent that is still there did not end well."""
        yield from self._step_ended(body, agent_id)
        task_id = body["taskId"]
        if task_id in self._activities and "result" in body:
            patch = [{"op": "replace", "path": "/progress", "value": 100}]
            yield self._new("ACTIVITY_DELTA", messageId=f"{task_id}-progress", activityType="progress", patch=patch)
        if self._agents.pop(agent_id, None) is not None:
            self._suspended.discard(agent_id)
            error = body.get("error") or {"code": "CANCELLED", "message": body.get("reason", "cancelled")}
            fields = {"message": error["message"], "code": error["code"]}
            yield from self._if_standard(self._new("SUBAGENT_ERROR", subagentRunId=agent_id, **fields))

    # ---- parts ------------------------------------------------------------------------------------------------------

    def _new(self, kind: str, **fields: Any) -> Event:
        time = {"timestamp": self._at} if self._is_standard and self._at is not None else {}
        return {"type": kind, **time, **fields}

    def _by(self, agent_id: str) -> Event:
        return {"subagentRunId": agent_id} if self._is_standard and agent_id in self._agents else {}

    def _if_standard(self, *events: Event) -> Iterable[Event]:
        return events if self._is_standard else ()

    def _numbered(self, name: str) -> str:
        self._counts[name] += 1
        return f"{name}-{self._counts[name]}"
