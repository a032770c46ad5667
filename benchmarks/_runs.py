"""Runs that grow in one dimension: the frames of n events, each of which adds to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

__all__ = ["DIMENSIONS", "frames"]

_START = datetime(2025, 11, 16, 16, 34, 45, tzinfo=UTC)
_OPTIONS = [{"id": "approve", "label": "Approve"}, {"id": "reject", "label": "Reject"}]

Event = tuple[str, dict[str, Any]]


def frames(dimension: str, count: int) -> list[str]:
    """Return the frames of `count` events of a dimension, a millisecond apart."""
    made = []
    for number, (kind, data) in enumerate(DIMENSIONS[dimension](count)):
        at = (_START + timedelta(milliseconds=number)).isoformat()
        made.append(msgspec.json.encode({"type": kind, "timestamp": at, "data": data}).decode())
    return made


def _progress(**fields: Any) -> Event:
    return "progress_update", {"task_name": "A task", "status": "in_progress", "total_tasks": 100_000, **fields}


def _tasks(count: int) -> Iterator[Event]:
    return (_progress(task_id=f"task_{i}") for i in range(count))


def _tasks_ended(count: int) -> Iterator[Event]:
    for i in range(0, count, 2):
        yield "task.started", {"taskId": f"task_{i}"}
        yield "task.completed", {"taskId": f"task_{i}"}


def _one_task(count: int) -> Iterator[Event]:
    return (_progress(task_id="task_1", completed_tasks=i) for i in range(count))


def _subtasks(count: int) -> Iterator[Event]:
    return (
        ("subtask.started", {"taskId": "task_1", "subtaskId": f"subtask_{i}", "name": "A part"}) for i in range(count)
    )


def _subtask_words(count: int) -> Iterator[Event]:
    return (_progress(task_id=f"task_{i % 10}", subtask_status={f"subtask_{i}": "in_progress"}) for i in range(count))


def _phases(numbers: Callable[[int, int], int]) -> Callable[[int], Iterator[Event]]:
    return lambda count: (_progress(task_id=f"task_{i}", phase=numbers(i, count)) for i in range(count))


def _named_phases(count: int) -> Iterator[Event]:
    return (("phase_started", {"phase": f"Phase {i}"}) for i in range(count))


def _one_phase(count: int) -> Iterator[Event]:
    return (_progress(task_id=f"task_{i}", phase=1, phase_name="Execution") for i in range(count))


def _waves(numbers: Callable[[int, int], int]) -> Callable[[int], Iterator[Event]]:
    return lambda count: (
        ("wave_completed", {"wave_number": numbers(i, count), "atoms_in_wave": 7, "atoms_completed": 7})
        for i in range(count)
    )


def _current_waves(count: int) -> Iterator[Event]:
    return (_progress(task_id="task_1", current_wave=i) for i in range(count))


def _artifacts(count: int) -> Iterator[Event]:
    return (
        ("artifact_created", {"path": f"src/module_{i}.py", "size": i, "task_id": f"task_{i % 100}"})
        for i in range(count)
    )


def _errors(count: int) -> Iterator[Event]:
    return (
        ("error", {"task_id": "task_1", "message": f"It failed {i} times", "retry_attempt": i}) for i in range(count)
    )


def _errors_of_tasks(count: int) -> Iterator[Event]:
    return (("error", {"task_id": f"task_{i}", "message": f"Word {_word(i)} is unknown"}) for i in range(count))


def _word(number: int) -> str:
    """Return a number as letters: digits in a message do not tell kinds of errors apart."""
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


def _agent(task_id: str, number: int) -> Event:
    return "agent.completed", {"taskId": task_id, "agentId": f"agent_{number}", "tokensUsed": 100, "cost": 0.01}


def _agents_of_one(count: int) -> Iterator[Event]:
    return (_agent("task_1", i) for i in range(count))


def _agents_of_each(count: int) -> Iterator[Event]:
    return (_agent(f"task_{i}", i) for i in range(count))


def _sub_agents(count: int) -> Iterator[Event]:
    """Yield agents that one agent has begun, each with its end."""
    for i in range(0, count, 2):
        yield "agent.spawned", {"taskId": "task_1", "agentId": f"agent_{i}", "parentAgentId": "agent_0"}
        yield _agent("task_1", i)


def _tool_calls(count: int) -> Iterator[Event]:
    """Yield calls of tools by one agent, each with its result."""
    for i in range(0, count, 2):
        named = {"taskId": "task_1", "agentId": "agent_1", "toolCallId": f"call_{i}", "tool": "read_file"}
        yield "agent.tool_call", {**named, "arguments": {"path": f"src/module_{i}.py"}}
        yield "agent.tool_result", {**named, "result": "text of the file"}


def _unnamed_calls(count: int) -> Iterator[Event]:
    """Yield calls without ids, each with its result."""
    for i in range(0, count, 2):
        yield "agent.tool_call", {"agentId": "agent_1", "tool": "read_file", "arguments": {"path": f"{i}.py"}}
        yield "agent.tool_result", {"agentId": "agent_1", "tool": "read_file", "result": f"text {i}"}


def _question(number: int) -> Event:
    data = {"taskId": f"task_{number % 50}", "title": "Is this right?", "options": _OPTIONS}
    return "task.hitl_required", {**data, "checkpointId": f"cp_{number}", "checkpointType": "spec_review"}


def _questions_open(count: int) -> Iterator[Event]:
    return (_question(i) for i in range(count))


def _questions_decided(count: int) -> Iterator[Event]:
    for i in range(0, count, 2):
        yield _question(i)
        yield "checkpoint.resolved", {"checkpointId": f"cp_{i}", "selectedOption": "approve", "decidedBy": "user"}


def _questions_and_tasks(count: int) -> Iterator[Event]:
    """Yield questions that stay open while tasks end: each end closes those of its task."""
    for i in range(0, count, 2):
        yield "task.hitl_required", {"taskId": "other", "checkpointId": f"cp_{i}", "options": _OPTIONS}
        yield "task.completed", {"taskId": f"task_{i}"}


def _restore_points(count: int) -> Iterator[Event]:
    return (("checkpoint.created", {"taskId": "task_1", "checkpointId": f"cp_{i}"}) for i in range(count))


def _types(count: int) -> Iterator[Event]:
    return ((f"custom.type_{i}", {"task_id": "task_1", "value": i}) for i in range(count))


def _executions(count: int) -> Iterator[Event]:
    for i in range(0, count, 2):
        yield "execution_started", {"execution_id": f"exec_{i}", "total_tasks": 1}
        yield _progress(task_id="task_1", execution_id=f"exec_{i}")


def _lines(count: int) -> Iterator[Event]:
    return (
        ("task.output", {"taskId": f"task_{i % 8}", "stream": "stdout", "data": f"line {i}\n"}) for i in range(count)
    )


def _unended(count: int) -> Iterator[Event]:
    return (("task.output", {"taskId": "task_1", "stream": "stdout", "data": f"word {i} "}) for i in range(count))


def _rewritten(count: int) -> Iterator[Event]:
    return (
        ("task.output", {"taskId": "task_1", "stream": "stdout", "data": f"\r{i} of {count}"}) for i in range(count)
    )


def _unended_of_each(count: int) -> Iterator[Event]:
    return (("task.output", {"taskId": f"task_{i}", "stream": "stdout", "data": f"word {i}"}) for i in range(count))


def _alerts(count: int) -> Iterator[Event]:
    return (("system.alert", {"level": "warning", "message": f"Disk {i} is full"}) for i in range(count))


DIMENSIONS: dict[str, Callable[[int], Iterator[Event]]] = {
    "events of one task": _one_task,
    "tasks": _tasks,
    "tasks that end": _tasks_ended,
    "subtasks of one task": _subtasks,
    "subtasks of 10 tasks": _subtask_words,
    "tasks of one phase": _one_phase,
    "phases": _phases(lambda i, _: i),
    "phases, numbered down": _phases(lambda i, count: count - i),
    "phases by name": _named_phases,
    "waves": _waves(lambda i, _: i),
    "waves, numbered down": _waves(lambda i, count: count - i),
    "waves, far apart": _waves(lambda i, _: 20_000 + 3 * i),
    "waves by progress": _current_waves,
    "artifacts": _artifacts,
    "errors of one task": _errors,
    "errors of other tasks": _errors_of_tasks,
    "agents of one task": _agents_of_one,
    "agents of other tasks": _agents_of_each,
    "sub-agents": _sub_agents,
    "tool calls": _tool_calls,
    "tool calls without ids": _unnamed_calls,
    "checkpoints, open": _questions_open,
    "checkpoints, decided": _questions_decided,
    "checkpoints, open while tasks end": _questions_and_tasks,
    "restore points": _restore_points,
    "types": _types,
    "executions": _executions,
    "lines of output": _lines,
    "output without line ends": _unended,
    "output over the same line": _rewritten,
    "output of other tasks": _unended_of_each,
    "alerts": _alerts,
}
"""The events of each dimension, of a number of them."""
