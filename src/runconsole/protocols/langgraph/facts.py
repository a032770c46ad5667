"""The meaning of a thread's events: nodes are tasks, nodes of sub-graphs subtasks, models and their tools agents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from runconsole.events import (
    AgentReported,
    ErrorReported,
    Fact,
    Logged,
    SubtaskReported,
    TaskOutput,
    TaskProgressed,
    TaskReported,
    TaskStatus,
    ToolCallReported,
    UnknownEvent,
)
from runconsole.protocols.agui.activities import progress_of
from runconsole.protocols.langgraph.frames import StreamParams
from runconsole.protocols.langgraph.messages import (
    json_of,
    messages_in,
    model_of,
    text_of,
    tool_calls_of,
    usage_of,
)
from runconsole.protocols.langgraph.speech import Speech
from runconsole.text.length import shortened

__all__ = ["GraphRun"]

_Reader: TypeAlias = Callable[[StreamParams, Any], list[Fact]]
"""Takes the parameters of an event and its data as a mapping; returns its facts, the event's own first."""
_NAMES_OF_TASKS = ("task_id", "task", "node")
"""Fields by which the data of a node may name it, where several run at once."""
_MOST_ARGUMENTS = 2_000
"""Characters of a tool call's arguments in its description. All of them are in `tool_calls`."""
_RUNNING, _DONE, _FAILED = TaskStatus.RUNNING, TaskStatus.COMPLETED, TaskStatus.FAILED
_OF_LIFECYCLE = {
    "started": _RUNNING,
    "running": _RUNNING,
    "completed": _DONE,
    "failed": _FAILED,
    "interrupted": TaskStatus.PAUSED,
}


class _Place(NamedTuple):
    """The task in which an event happens, and its agent: the innermost sub-graph, or the node."""

    task_id: str
    agent: str


class GraphRun:
    """One execution: a run of a thread, and the runs that answer its questions.

    Attributes:
        run_id: of its newest run.
        execution_id: of its first.
        done: the number of completed tasks.
        has_errors: True if a task has failed.
    """

    def __init__(self, run_id: str, graph: str) -> None:
        self.run_id = self.execution_id = run_id
        self.done = 0
        self.has_errors = False
        self.graph = graph
        self._names: dict[str, str] = {}
        """The name of each task."""
        self._open: dict[str, None] = {}
        """The open tasks, oldest first."""
        self._reports_tasks = False
        """True once the present run has sent an event of the channel `tasks`."""
        self._asking: dict[str, None] = {}
        """The tasks that wait for an answer."""
        self._asking_parts: dict[str, str] = {}
        """The subtasks that waited for an answer, with the tasks of which they are parts: of some no end is sent."""
        self._updated: dict[str, int] = {}
        """The number of updates of each node, of runs that report no tasks."""
        self._seen: set[str] = set()
        """The messages whose text and tokens are reported."""
        self._calls: dict[str, str] = {}
        """The task of each tool call."""
        self._agents: dict[str, None] = {}
        self._speech = Speech()
        self._readers: dict[str, _Reader] = {
            "tasks": self._task,
            "custom": self._custom,
            "updates": self._update,
            "messages": self._message,
            "tools": self._tool,
            "lifecycle": self._lifecycle,
        }

    def read(self, method: str, params: StreamParams) -> list[Fact]:
        """Return the facts of an event, the event's own first."""
        read = self._readers.get(method)
        data = params.data
        if read is None:
            return [Logged() if method in {"values", "checkpoints"} else UnknownEvent()]
        if method != "custom" and not isinstance(data, Mapping):
            return [UnknownEvent()]
        return read(params, data) or [Logged()]

    def knows(self, task_id: str | None) -> bool:
        """Return whether this is a task of the execution."""
        return task_id in self._names

    def go_on(self, run_id: str) -> list[Fact]:
        """Let the tasks that waited for an answer run again: another run goes on with this execution."""
        self.run_id = run_id
        self._reports_tasks = False
        asking, self._asking = self._asking, {}
        self._open |= asking
        parts = [SubtaskReported(task_id, part_id, _RUNNING) for part_id, task_id in self._asking_parts.items()]
        return [*(TaskReported(task_id, self._names[task_id], status=_RUNNING) for task_id in asking), *parts]

    @property
    def lacks_tasks(self) -> bool:
        """True if the newest run has told of no tasks."""
        return not self._reports_tasks

    def fill(self, task: Mapping[str, Any]) -> tuple[list[Fact], list[Fact]]:
        """Return the facts of the start and of the end of a task of the past, without those that are known."""
        task_id, name = task.get("id"), task.get("name")
        if not isinstance(task_id, str) or not isinstance(name, str):
            return [], []
        started = [] if task_id in self._names else self._task(StreamParams(), {"id": task_id, "name": name})
        result, error = task.get("result"), task.get("error")
        if started and (result is not None or error is not None or task.get("interrupts")):
            interrupts = [] if result is not None else task.get("interrupts")
            data = {"id": task_id, "name": name, "result": result, "error": error, "interrupts": interrupts}
            return started, self._task(StreamParams(), data)
        return started, self._results(result, _Place(task_id, name))

    def close(self, status: TaskStatus) -> list[Fact]:
        """End all open tasks and agents, and return the facts about it."""
        tasks, self._open = self._open | self._asking, {}
        self._asking = {}
        agents, self._agents = self._agents, {}
        if status is _DONE:
            self.done += len(tasks)
        ended = TaskStatus.CANCELLED if status is _FAILED else status  # one has failed, and the others were stopped
        return [
            *(TaskReported(name, self._names[name], status=ended, completed_tasks=self.done) for name in tasks),
            *(fact for name in tasks for fact in self._ended_parts(name, ended)),
            *(AgentReported(name, status=status) for name in agents),
        ]

    # ---- places -----------------------------------------------------------------------------------------------------

    def _place(self, params: StreamParams, node: str | None = None) -> tuple[_Place, list[Fact]]:
        """Return the place of an event, and the fact about its task where that is new."""
        facts: list[Fact] = []
        if params.namespace:
            name, task_id = _segment(params.namespace[0])
            if task_id not in self._names:
                facts.append(self._started(task_id, name))
            return _Place(task_id, _segment(params.namespace[-1])[0]), facts
        named = [task_id for task_id in self._open if node is None or self._names[task_id] == node]
        task_id = named[-1] if named else self.execution_id
        if task_id not in self._names:
            facts.append(self._started(task_id, self.graph))
        return _Place(task_id, node or self._names[task_id]), facts

    def _started(self, task_id: str, name: str) -> TaskReported:
        self._names[task_id] = name
        self._open[task_id] = None
        return TaskReported(task_id, name, status=_RUNNING)

    def _ended(self, task_id: str, status: TaskStatus, error: str | None = None) -> list[Fact]:
        self._open.pop(task_id, None)
        self._asking.pop(task_id, None)
        name = self._names[task_id]
        if status is TaskStatus.PAUSED:
            self._asking[task_id] = None
        self.done += status is _DONE
        facts: list[Fact] = [TaskReported(task_id, name, status=status, completed_tasks=self.done, error=error)]
        if status is _FAILED:
            self.has_errors = True
        return facts if status is TaskStatus.PAUSED else [*facts, *self._ended_parts(task_id, status)]

    def _ended_parts(self, task_id: str, status: TaskStatus) -> list[Fact]:
        """End the subtasks of a task of which no end was sent."""
        parts = [part_id for part_id, whole in self._asking_parts.items() if whole == task_id]
        for part_id in parts:
            del self._asking_parts[part_id]
        return [SubtaskReported(task_id, part_id, status) for part_id in parts]

    def _part(
        self, place: _Place, part_id: str, status: TaskStatus, name: str, error: str | None = None
    ) -> SubtaskReported:
        """Return the fact about a subtask, and remember one that waits for an answer."""
        self._asking_parts.pop(part_id, None)
        if status is TaskStatus.PAUSED:
            self._asking_parts[part_id] = place.task_id
        return SubtaskReported(place.task_id, part_id, status, name, error=error)

    # ---- tasks ------------------------------------------------------------------------------------------------------

    def _task(self, params: StreamParams, data: Any) -> list[Fact]:
        task_id, name = data.get("id"), data.get("name")
        if not isinstance(task_id, str):
            return [UnknownEvent()]
        self._reports_tasks = True
        name = name if isinstance(name, str) else self._names.get(task_id, task_id)
        is_end = any(field in data for field in ("result", "error", "interrupts"))
        if params.namespace:
            return self._subtask(params, data, task_id, name, is_end=is_end)
        self._asking.pop(task_id, None)
        if not is_end:
            return [self._started(task_id, name)]
        self._names.setdefault(task_id, name)
        self._open.setdefault(task_id)
        before = self._results(data.get("result"), _Place(task_id, name))
        kind, error = _error_of(data.get("error"))
        status = _FAILED if error is not None else TaskStatus.PAUSED if data.get("interrupts") else _DONE
        facts = self._ended(task_id, status, error)
        if error is not None:
            facts.append(ErrorReported(error, task_id, name, kind))
        return [facts[0], *before, *facts[1:]]

    def _subtask(self, params: StreamParams, data: Any, subtask_id: str, name: str, *, is_end: bool) -> list[Fact]:
        place, facts = self._place(params)
        inside = "/".join([*(_segment(part)[0] for part in params.namespace[1:]), name])
        if not is_end:
            return [self._part(place, subtask_id, _RUNNING, inside), *facts]
        _, error = _error_of(data.get("error"))
        status = _FAILED if error is not None else TaskStatus.PAUSED if data.get("interrupts") else _DONE
        part = self._part(place, subtask_id, status, inside, error)
        return [part, *facts, *self._results(data.get("result"), place)]

    def _lifecycle(self, params: StreamParams, data: Any) -> list[Fact]:
        """Read the life of a sub-graph. Where tasks are reported they say the same, and also how each has ended."""
        status = _OF_LIFECYCLE.get(str(data.get("event")))
        if self._reports_tasks or status is None or not params.namespace:
            return [Logged()]
        name, task_id = _segment(params.namespace[0])
        if len(params.namespace) > 1:
            place, facts = self._place(params)
            inside = "/".join(_segment(part)[0] for part in params.namespace[1:])
            part_id = _segment(params.namespace[-1])[1]
            return [self._part(place, part_id, status, inside), *facts]
        if status is _RUNNING:
            return [self._started(task_id, name)]
        self._names.setdefault(task_id, name)
        return self._ended(task_id, status, _error_of(data.get("error"))[1])

    def _update(self, params: StreamParams, data: Any) -> list[Fact]:
        """Read what a node has written. Where tasks are reported, their ends say the same."""
        node = params.node
        if self._reports_tasks or node is None or params.namespace:
            return [Logged()]
        self._updated[node] = number = self._updated.get(node, 0) + 1
        task_id = f"{self.run_id}:{node}:{number}"
        self._names[task_id] = node
        facts = self._ended(task_id, _DONE)
        return [*facts, *self._results(data, _Place(task_id, node))]

    # ---- progress ---------------------------------------------------------------------------------------------------

    def _custom(self, params: StreamParams, data: Any) -> list[Fact]:
        """Read what a node has written with its stream writer."""
        if isinstance(data, Mapping) and set(data) == {"payload"}:
            data = data["payload"]
        if not isinstance(data, Mapping):
            return [Logged()]
        progress = progress_of(data)
        if progress is None:
            return [Logged()]
        if params.namespace:
            place, facts = self._place(params)
            return [TaskProgressed(place.task_id, progress.percent, progress.message), *facts]
        task_id = self._named_in(data)
        if task_id is not None:
            return [TaskProgressed(task_id, progress.percent, progress.message)]
        if len(self._open) > 1 or progress.message is None:  # of one among several, nobody knows which
            return [Logged() if progress.message is None else TaskOutput(None, "stdout", f"{progress.message}\n")]
        place, facts = self._place(params)
        return [TaskProgressed(place.task_id, progress.percent, progress.message), *facts]

    def _named_in(self, data: Mapping[str, Any]) -> str | None:
        """Return the open task that the data name, or the only one; None for none."""
        for field in _NAMES_OF_TASKS:
            named = data.get(field)
            found = [task_id for task_id in self._open if named in (task_id, self._names[task_id])]
            if named is not None and len(found) == 1:
                return found[0]
        return next(iter(self._open)) if len(self._open) == 1 else None

    # ---- messages and tools -----------------------------------------------------------------------------------------

    def _results(self, result: Any, place: _Place) -> list[Fact]:
        """Return the facts of the messages that a node has written, without those that have come in parts."""
        facts: list[Fact] = []
        for kind, message in messages_in(result):
            mark = message.get("id")
            mark = mark if isinstance(mark, str) else None
            if kind == "tool":
                facts += self._answered(message, place)
            elif mark is None or mark not in self._seen:
                facts += self._said(message, mark, place)
        return facts

    def _said(self, message: Mapping[str, Any], mark: str | None, place: _Place) -> list[Fact]:
        name = message.get("name")
        agent = name if isinstance(name, str) and name else place.agent
        text = "" if self._speech.has_said(mark) else text_of(message.get("content"))
        usage = usage_of(message.get("usage_metadata"), mark, model_of(message))
        facts: list[Fact] = []
        if text:
            text = text if text.endswith("\n") else f"{text}\n"
            facts.append(TaskOutput(place.task_id, "stdout", text, agent_id=agent))
        if mark is not None:
            self._seen.add(mark)
        calls = list(tool_calls_of(message))
        if text or usage is not None or calls:
            facts.append(self._agent(agent, place, (usage,) if usage is not None else (), model_of(message)))
        for call_id, tool, arguments in calls:
            if call_id not in self._calls:
                facts.append(self._called(call_id, tool, arguments, place.task_id, agent))
        return facts

    def _agent(self, name: str, place: _Place, usage: tuple[Any, ...] = (), model: str | None = None) -> AgentReported:
        self._agents[name] = None
        return AgentReported(name, place.task_id, _RUNNING, name, model=model, usage=usage)

    def _called(self, call_id: str, tool: str | None, arguments: Any, task_id: str, agent: str) -> Fact:
        self._calls[call_id] = task_id
        text = None if arguments is None else json_of(arguments)
        part = SubtaskReported(task_id, call_id, _RUNNING, tool, _short(text), agent_id=agent)
        return ToolCallReported(call_id, task_id, agent, tool, _RUNNING, text, subtask=part)

    def _returned(
        self, call_id: str, place: _Place, result: str | None, error: str | None = None, tool: str | None = None
    ) -> Fact:
        task_id = self._calls.setdefault(call_id, place.task_id)
        status = _DONE if error is None else _FAILED
        part = SubtaskReported(task_id, call_id, status, tool, error=error)
        return ToolCallReported(call_id, task_id, None, tool, status, None, result, error, subtask=part)

    def _answered(self, message: Mapping[str, Any], place: _Place) -> list[Fact]:
        call_id, name, content = message.get("tool_call_id"), message.get("name"), message.get("content")
        if not isinstance(call_id, str):
            return []
        name = name if isinstance(name, str) else None
        if message.get("status") == "error":
            return [self._returned(call_id, place, None, text_of(content) or json_of(content), name)]
        return [self._returned(call_id, place, json_of(content), None, name)]

    def _message(self, params: StreamParams, data: Any) -> list[Fact]:
        """Read a part of a message that comes while its model writes it."""
        spoken = self._speech.read(tuple(params.namespace), data)
        if spoken is None:
            return [Logged()]
        place, facts = self._place(params, params.node)
        agent = spoken.name or place.agent
        if spoken.usage is not None or spoken.is_start:
            usage = () if spoken.usage is None else (spoken.usage,)
            facts.append(self._agent(agent, place, usage, spoken.model))
        if spoken.error is not None:
            return [ErrorReported(spoken.error, place.task_id, self._names[place.task_id]), *facts]
        if not spoken.text:
            return [Logged(place.task_id), *facts]
        return [TaskOutput(place.task_id, "stdout", spoken.text, agent_id=agent), *facts]

    def _tool(self, params: StreamParams, data: Any) -> list[Fact]:
        call_id, event = data.get("tool_call_id"), data.get("event")
        if not isinstance(call_id, str):
            return [UnknownEvent()]
        place, facts = self._place(params, params.node)
        name = data.get("tool_name")
        name = name if isinstance(name, str) else None
        if event == "tool-started":
            return [self._called(call_id, name, data.get("input"), place.task_id, place.agent), *facts]
        if event == "tool-finished":
            return [self._returned(call_id, place, json_of(data.get("output")), None, name), *facts]
        if event == "tool-error":
            error = _error_of(data.get("message"))[1] or "the tool failed"
            return [self._returned(call_id, place, None, error, name), *facts]
        return [Logged(place.task_id), *facts]


def _short(text: str | None) -> str | None:
    return None if text is None else shortened(text, _MOST_ARGUMENTS)


def _segment(part: str) -> tuple[str, str]:
    """Return the node and the task of one part of a namespace."""
    name, _, task_id = part.rpartition(":")
    return name or task_id, task_id


def _error_of(error: Any) -> tuple[str | None, str | None]:
    """Return the kind and the words of an error; None where there is none."""
    if error is None:
        return None, None
    if isinstance(error, Mapping):
        kind, words = error.get("error") or error.get("type"), error.get("message")
        kind = kind if isinstance(kind, str) else None
        return kind, words if isinstance(words, str) and words else kind or json_of(error)
    return None, error if isinstance(error, str) and error else json_of(error)
