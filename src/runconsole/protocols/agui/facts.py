"""The meaning of AG-UI's events: steps and the agent are tasks; tool calls, sub-agents and activities subtasks, too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import msgspec

from runconsole.decoding.times import read_time
from runconsole.events import (
    AgentReported,
    Alert,
    ErrorReported,
    Fact,
    Logged,
    Micros,
    Received,
    SubtaskReported,
    TaskOutput,
    TaskProgressed,
    TaskReported,
    TaskStatus,
    ToolCallReported,
    UnknownEvent,
)
from runconsole.protocols.agui.activities import progress_of
from runconsole.protocols.agui.conversation import Conversation, tool_calls
from runconsole.protocols.agui.frames import Event
from runconsole.protocols.agui.patches import Document, PatchFailed
from runconsole.protocols.agui.places import Places

__all__ = ["AgentRun", "derived"]

_Handler: TypeAlias = Callable[[Event, Callable[[], str]], Fact]
"""Takes an event, and what finds the task in which it happens."""
_MOST_ARGUMENTS = 2_000
"""Characters of a tool call's arguments in its description. All of them are in `tool_calls`."""


def derived(kind: str, fact: Fact, payload: Any, event: Event, at: Micros) -> Received:
    """Return a row of the console's own, which says one more thing about an event. Its type is in lower case."""
    text = payload if isinstance(payload, str) else msgspec.json.encode(payload).decode()
    return Received(kind, fact, text, at, read_time(event.timestamp))


class AgentRun:
    """One execution: its first run, and the runs that answer its questions.

    Attributes:
        conversation: is kept up to date.
    """

    def __init__(self, conversation: Conversation) -> None:
        self.conversation = conversation
        self._name = "agent"
        self._places = Places()
        self._agents: dict[str, str] = {}
        """The name of each sub-agent."""
        self._callers: dict[str, str | None] = {}
        """The sub-agent that has made each tool call; None is the agent itself."""
        self._chunked: str | None = None
        """The message whose last chunk ended within a line."""
        self._is_patched = True
        self._handlers: dict[str, _Handler] = {
            "STEP_STARTED": self._step_started,
            "STEP_FINISHED": self._step_finished,
            "TEXT_MESSAGE_START": self._text_started,
            "TEXT_MESSAGE_CONTENT": self._text_came,
            "TEXT_MESSAGE_CHUNK": self._text_chunk,
            "TEXT_MESSAGE_END": self._text_ended,
            "TOOL_CALL_START": self._call_came,
            "TOOL_CALL_ARGS": self._call_came,
            "TOOL_CALL_CHUNK": self._call_came,
            "TOOL_CALL_END": self._call_ended,
            "TOOL_CALL_RESULT": self._call_answered,
            "SUBAGENT_STARTED": self._agent_started,
            "SUBAGENT_FINISHED": self._agent_ended,
            "SUBAGENT_ERROR": self._agent_failed,
            "STATE_SNAPSHOT": self._state_came,
            "STATE_DELTA": self._state_changed,
            "ACTIVITY_SNAPSHOT": self._activity_came,
            "ACTIVITY_DELTA": self._activity_changed,
            "MESSAGES_SNAPSHOT": self._messages_came,
        }

    def read(self, event: Event, run_id: str, at: Micros) -> tuple[Fact, list[Received]]:
        """Return the fact of an event, and rows that come before it."""
        handler = self._handlers.get(event.type)
        if handler is None:
            return (Logged() if event.type in _LOGGED else UnknownEvent()), []
        before: list[Received] = []
        fact = handler(event, lambda: self._place(event, run_id, before, at))
        return fact, before

    # ---- places -----------------------------------------------------------------------------------------------------

    def _place(self, event: Event, run_id: str, before: list[Received], at: Micros) -> str:
        """Return the task in which an event happens."""
        return self._places.of(event) or self._begin_agent(event, run_id, before, at)

    def _place_of_past(
        self, message: Mapping[Any, Any], event: Event, run_id: str, before: list[Received], at: Micros
    ) -> str:
        """Return the task of what a snapshot reports late."""
        agent_id = message.get("subagentRunId")
        found = self._places.of_past(agent_id if isinstance(agent_id, str) else None)
        return found or self._begin_agent(event, run_id, before, at)

    def _begin_agent(self, event: Event, run_id: str, before: list[Received], at: Micros) -> str:
        task_id = self._places.begin_agent(run_id)
        fact = TaskReported(task_id, self._name, status=TaskStatus.RUNNING)
        before.append(derived("agent.started", fact, {"taskId": task_id, "name": self._name}, event, at))
        return task_id

    @property
    def done(self) -> int:
        """The number of completed tasks."""
        return self._places.done

    def task_of(self, subtask_id: str | None) -> str | None:
        """Return the task of a subtask, or else the newest open one."""
        return self._places.get(subtask_id) or self._places.newest

    def close(self, status: TaskStatus, event: Event, at: Micros, error: str | None = None) -> list[Received]:
        """End all open tasks; return the rows about it."""
        word = {TaskStatus.COMPLETED: "completed", TaskStatus.FAILED: "failed"}.get(status, "cancelled")
        return [
            derived(f"task.{word}", TaskReported(name, status=status, error=error), {"taskId": name}, event, at)
            for name in self._places.close(completed=status is TaskStatus.COMPLETED)
        ]

    # ---- steps ------------------------------------------------------------------------------------------------------

    def _step_started(self, event: Event, _place: Callable[[], str]) -> Fact:
        agent_id = event.subagent_run_id
        task_id, name = self._places.begin(event.step_name or "step", agent_id, self._agents.get(agent_id or ""))
        return TaskReported(task_id, name, status=TaskStatus.RUNNING)

    def _step_finished(self, event: Event, _place: Callable[[], str]) -> Fact:
        task_id = self._places.end(event.step_name or "step", event.subagent_run_id)
        if task_id is None:
            return Logged()
        return TaskReported(task_id, status=TaskStatus.COMPLETED, completed_tasks=self.done)

    # ---- text -------------------------------------------------------------------------------------------------------

    def _text_started(self, event: Event, place: Callable[[], str]) -> Fact:
        self.conversation.start_text(event)
        return Logged(place())

    def _text_came(self, event: Event, place: Callable[[], str]) -> Fact:
        self.conversation.add_text(event)
        return self._output(event, place, event.delta)

    def _text_chunk(self, event: Event, place: Callable[[], str]) -> Fact:
        before, self._chunked = self._chunked, self.conversation.add_text(event)
        text = event.delta if isinstance(event.delta, str) else ""
        is_another = before not in {None, self._chunked} and not self.conversation.text(str(before)).endswith("\n")
        return self._output(event, place, f"\n{text}" if is_another else text)

    def _text_ended(self, event: Event, place: Callable[[], str]) -> Fact:
        text = self.conversation.text(event.message_id or "")
        return self._output(event, place, "\n") if text and not text.endswith("\n") else Logged()

    def _output(self, event: Event, place: Callable[[], str], text: object) -> Fact:
        if not isinstance(text, str) or not text:
            return Logged()
        return TaskOutput(place(), "stdout", text, agent_id=self._agent(event))

    def _agent(self, event: Event) -> str | None:
        return event.name or self.conversation.name(event.message_id) or self._agents.get(event.subagent_run_id or "")

    # ---- tools ------------------------------------------------------------------------------------------------------

    def _call_came(self, event: Event, place: Callable[[], str]) -> Fact:
        call_id, is_new = self.conversation.add_arguments(event)
        if not is_new:
            return Logged()
        task_id = self._places[call_id] = place()
        name, caller = self.conversation.calls[call_id], event.subagent_run_id
        self._callers[call_id] = caller
        part = SubtaskReported(task_id, call_id, TaskStatus.RUNNING, name, agent_id=self._agents.get(caller or ""))
        return ToolCallReported(call_id, task_id, caller, name, TaskStatus.RUNNING, subtask=part)

    def _call_ended(self, event: Event, place: Callable[[], str]) -> Fact:
        call_id = event.tool_call_id
        if call_id is None or call_id not in self._places:
            return Logged()
        part = SubtaskReported(place(), call_id, description=self._description(call_id))
        return ToolCallReported(call_id, arguments=self._arguments(call_id), subtask=part)

    def _call_answered(self, event: Event, place: Callable[[], str]) -> Fact:
        call_id = event.tool_call_id
        if call_id is None:
            return Logged()
        self.conversation.add_result(event)
        self._places[call_id] = place()
        return self._call(call_id, TaskStatus.COMPLETED, event.content)

    def _call(self, call_id: str, status: TaskStatus, result: Any = None, error: str | None = None) -> ToolCallReported:
        """Return all that is known of a call whose task is known."""
        task_id, name, arguments = self._places[call_id], self.conversation.calls.get(call_id), self._arguments(call_id)
        part = SubtaskReported(task_id, call_id, status, name, self._description(call_id), error=error)
        text = None if result is None else msgspec.json.encode(result).decode()
        caller = self._callers.get(call_id)
        return ToolCallReported(call_id, task_id, caller, name, status, arguments, text, error, subtask=part)

    def _arguments(self, call_id: str) -> str | None:
        return self.conversation.call_arguments(call_id) or None

    def _description(self, call_id: str) -> str | None:
        text = self._arguments(call_id)
        if text is None:
            return None
        return text if len(text) <= _MOST_ARGUMENTS else f"{text[:_MOST_ARGUMENTS]}…"

    def left_calls(self, call_ids: list[str], event: Event, at: Micros) -> list[Received]:
        """Return the rows about tool calls that a front end would have to make: this console makes none."""
        names = {call_id: self.conversation.calls.get(call_id, call_id) for call_id in call_ids}
        if not names:
            return []
        rows = [
            derived("call.paused", self._call(call_id, TaskStatus.PAUSED), {"toolCallId": call_id}, event, at)
            for call_id in names
            if call_id in self._places
        ]
        left = ", ".join(names.values())
        text = f"The agent has left tool calls to a front end, and this console makes none: {left}."
        return [*rows, derived("calls.left", Alert("warning", text), {"toolCallIds": list(names)}, event, at)]

    # ---- sub-agents -------------------------------------------------------------------------------------------------

    def _agent_started(self, event: Event, place: Callable[[], str]) -> Fact:
        agent_id, name, call_id = event.subagent_run_id or "subagent", event.name, event.parent_tool_call_id or ""
        task_id = self._places[agent_id] = self._places.get(agent_id) or self._places.get(call_id) or place()
        self._agents[agent_id] = name or agent_id
        parent = event.parent_subagent_run_id or self._callers.get(call_id)
        part = SubtaskReported(task_id, agent_id, TaskStatus.RUNNING, name, event.description, agent_id=name)
        return AgentReported(agent_id, task_id, TaskStatus.RUNNING, name, parent, subtask=part)

    def _agent_ended(self, event: Event, place: Callable[[], str]) -> Fact:
        is_suspended = event.outcome is not None and event.outcome.type == "suspended"
        return self._agent_told(event, place, TaskStatus.PAUSED if is_suspended else TaskStatus.COMPLETED)

    def _agent_failed(self, event: Event, place: Callable[[], str]) -> Fact:
        return self._agent_told(event, place, TaskStatus.FAILED, event.message or "the sub-agent failed")

    def _agent_told(
        self, event: Event, place: Callable[[], str], status: TaskStatus, error: str | None = None
    ) -> AgentReported:
        agent_id = event.subagent_run_id or "subagent"
        task_id = self._places.get(agent_id) or place()
        part = SubtaskReported(task_id, agent_id, status, error=error)
        return AgentReported(agent_id, task_id, status, error=error, subtask=part)

    # ---- state and activities ---------------------------------------------------------------------------------------

    def _state_came(self, event: Event, _place: Callable[[], str]) -> Fact:
        self.conversation.state = Document(event.snapshot)
        self._is_patched = True
        return Logged()

    def _state_changed(self, event: Event, _place: Callable[[], str]) -> Fact:
        try:
            self.conversation.state.apply(event.delta)
        except PatchFailed as error:
            return self._unpatched("the agent's state", error)
        return Logged()

    def _unpatched(self, what: str, error: PatchFailed) -> Fact:
        """Say once, until the next snapshot, that what is known here differs from the server's."""
        was_patched, self._is_patched = self._is_patched, False
        if not was_patched:
            return Logged()
        return Alert("warning", f"A change of {what} does not apply, and was left out ({error}). It is in `events`.")

    def _activity_came(self, event: Event, place: Callable[[], str]) -> Fact:
        name = event.message_id or event.activity_type or "activity"
        if name not in self.conversation.activities or event.replace is not False:
            self.conversation.activities[name] = Document(event.content)
            self._is_patched = True
        return self._activity(name, event, place)

    def _activity_changed(self, event: Event, place: Callable[[], str]) -> Fact:
        name = event.message_id or event.activity_type or "activity"
        activity = self.conversation.activities.setdefault(name, Document({}))
        try:
            activity.apply(event.patch)
        except PatchFailed as error:
            return self._unpatched(f"the activity {event.activity_type or name}", error)
        return self._activity(name, event, place)

    def _activity(self, name: str, event: Event, place: Callable[[], str]) -> Fact:
        content = self.conversation.activities[name].value
        progress = progress_of(content) if isinstance(content, Mapping) else None
        if progress is None:
            return Logged()
        task_id = self._places.get(name) or place()
        self._places[name] = task_id
        status = TaskStatus.COMPLETED if progress.percent >= 100 else TaskStatus.RUNNING
        title = progress.title or event.activity_type or name
        part = SubtaskReported(task_id, name, status, title, progress=progress.percent)
        return TaskProgressed(task_id, progress.percent, progress.message, subtask=part)

    # ---- messages, and others ---------------------------------------------------------------------------------------

    def _messages_came(self, event: Event, _place: Callable[[], str]) -> Fact:
        self.conversation.replace(event.messages)
        return Logged()

    def unseen(self, event: Event, run_id: str, at: Micros) -> list[Received]:
        """Return the rows about messages of a snapshot that have not come in parts, as of models that do not stream.

        To be called before `read`.
        """
        rows: list[Received] = []
        for message in event.messages if isinstance(event.messages, list) else ():
            if not isinstance(message, Mapping) or message.get("role") != "assistant":
                continue
            text = message.get("content")
            if isinstance(text, str) and text and not self.conversation.has_said(message.get("id"), text):
                task_id = self._place_of_past(message, event, run_id, rows, at)
                name = message.get("name") or self._agents.get(str(message.get("subagentRunId")))
                agent = name if isinstance(name, str) else None
                output = TaskOutput(task_id, "stdout", text if text.endswith("\n") else f"{text}\n", agent_id=agent)
                rows.append(derived("message", output, dict(message), event, at))
            for call_id, tool, arguments in tool_calls(message):
                if call_id not in self._places:
                    self._places[call_id] = self._place_of_past(message, event, run_id, rows, at)
                    self.conversation.calls.setdefault(call_id, tool)
                    self.conversation.arguments[call_id] = [arguments]
                    call = self._call(call_id, TaskStatus.RUNNING)
                    rows.append(derived("call", call, {"toolCallId": call_id}, event, at))
        return rows + self._unseen_results(event, at)

    def _unseen_results(self, event: Event, at: Micros) -> list[Received]:
        """Return the rows about results of tool calls that came with a snapshot."""
        known = {message.get("toolCallId") for message in self.conversation.messages()}
        rows: list[Received] = []
        for message in event.messages if isinstance(event.messages, list) else ():
            call_id = message.get("toolCallId") if isinstance(message, Mapping) else None
            if not isinstance(call_id, str) or call_id in known or call_id not in self._places:
                continue
            error = message.get("error")
            error = error if isinstance(error, str) and error else None
            status = TaskStatus.COMPLETED if error is None else TaskStatus.FAILED
            call = self._call(call_id, status, message.get("content"), error)
            rows.append(derived(f"call.{status}", call, {"toolCallId": call_id}, event, at))
        return rows


def error_of(event: Event) -> ErrorReported:
    """Return the error of a run, or of a sub-agent, that failed."""
    message = event.message or "the run failed, and the server did not say why"
    return ErrorReported(message, error_type=event.code, agent_id=event.subagent_run_id)


_PREFIXES = ("REASONING", "THINKING", "THINKING_TEXT")
_LOGGED = frozenset({"RAW", "CUSTOM", "RUN_STARTED", "RUN_FINISHED", "REASONING_ENCRYPTED_VALUE"}) | {
    f"{prefix}{part}_{word}"
    for prefix in _PREFIXES
    for part in ("", "_MESSAGE")
    for word in ("START", "CONTENT", "END", "CHUNK")
}
