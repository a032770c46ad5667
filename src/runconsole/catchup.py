"""Asking a server for what events may not have told: open checkpoints, tasks that ended while the link was down."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec

from runconsole.errors import RunConsoleError
from runconsole.events import Fact, Micros, Received, TaskCancelled, TaskCompleted, TaskFailed, TaskStatus
from runconsole.state import RunState
from runconsole.wire import trpc_calls
from runconsole.wire.envelope import read_event
from runconsole.wire.payload import read_status
from runconsole.wire.signals import Request

__all__ = ["reread"]

Call = Callable[[Request], Awaitable[Any]]
_MOST_TASKS = 50


async def reread(call: Call, state: RunState, at: Micros, *, tasks: bool) -> AsyncIterator[Received]:
    """Yield, as events, what the server says when asked; nothing where it has no such query.

    Args:
        call: makes one query; raises RunConsoleError where the server refuses it.
        state: whose tasks are asked for.
        at: the time of the answers.
        tasks: ask also for each known task that has not ended.
    """
    for item in await _open_checkpoints(call, state.followed_task):
        text = msgspec.json.encode({"type": "checkpoint.pending", "payload": item}).decode()
        yield read_event(text, at)
    if not tasks:
        return
    unfinished = [task.task_id for task in state.tasks.values() if not task.finished]
    for task_id in unfinished[:_MOST_TASKS]:
        try:
            answer = await call(trpc_calls.task(task_id))
        except RunConsoleError:
            return
        fact = _ended(task_id, answer)
        if fact is not None:
            yield Received("tasks.get", fact, "", at)


async def _open_checkpoints(call: Call, task_id: str | None) -> list[dict[str, Any]]:
    for request in (trpc_calls.pending_decisions(task_id), trpc_calls.pending_checkpoints(task_id)):
        try:
            answer = await call(request)
        except RunConsoleError:
            continue
        if isinstance(answer, dict):
            answer = next((answer[key] for key in ("checkpoints", "items", "data") if key in answer), None)
        if isinstance(answer, list):
            return [item for item in answer if isinstance(item, dict) and _is_question(item)]
    return []


def _is_question(item: dict[str, Any]) -> bool:
    """Whether a listed checkpoint waits for a person, and is no mere restore point."""
    return item.get("status", "pending") == "pending" and bool(item.get("options") or item.get("title"))


def _ended(task_id: str, answer: Any) -> Fact | None:
    if not isinstance(answer, dict):
        return None
    if isinstance(answer.get("task"), dict):
        answer = answer["task"]
    match read_status(answer.get("status")):
        case TaskStatus.COMPLETED:
            return TaskCompleted(task_id)
        case TaskStatus.FAILED:
            error = answer.get("error")
            message = error.get("message") if isinstance(error, dict) else error
            return TaskFailed(task_id, str(message or "failed while the link was down"))
        case TaskStatus.CANCELLED:
            return TaskCancelled(task_id)
        case _:
            return None
