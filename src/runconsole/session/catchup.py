"""Asking a server for what events may not have told: questions, their answers, tasks that ended meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec

from runconsole.errors import CallRefused, RunConsoleError
from runconsole.events import Fact, Micros, Received, TaskCancelled, TaskCompleted, TaskFailed, TaskStatus
from runconsole.state import RunState
from runconsole.wire import trpc_calls
from runconsole.wire.envelope import read_event
from runconsole.wire.payload import read_status
from runconsole.wire.signals import Request

__all__ = ["reread"]

Call = Callable[[Request], Awaitable[Any]]
_MOST_ASKED = 50
_DECIDED = frozenset({"decided", "resolved", "approved", "rejected", "modified", "completed"})
_TIMED_OUT = frozenset({"expired", "timeout", "timed_out"})


async def reread(call: Call, state: RunState, at: Micros, *, again: bool) -> AsyncIterator[Received]:
    """Yield, as events, what the server says when asked; nothing where it has no such query.

    Args:
        call: makes one query; raises RunConsoleError where the server refuses it.
        state: whose tasks and checkpoints are asked for.
        at: the time of the answers.
        again: after a reconnect: ask also for each known checkpoint and task that may have ended meanwhile.
    """
    listed = await _open_checkpoints(call, state.followed_task)
    for item in listed or []:
        yield _event("checkpoint.pending", item, at)
    if not again:
        return
    async for event in _answers(call, state, listed, at):
        yield event
    unfinished = [task.task_id for task in state.tasks.values() if not task.finished]
    for task_id in unfinished[:_MOST_ASKED]:
        try:
            answer = await call(trpc_calls.task(task_id))
        except RunConsoleError:
            return
        fact = _ended(task_id, answer)
        if fact is not None:
            yield Received("tasks.get", fact, "", at)


async def _answers(
    call: Call, state: RunState, listed: list[dict[str, Any]] | None, at: Micros
) -> AsyncIterator[Received]:
    """Ask how the checkpoints ended that we think open and the server does not, and those whose answer got lost."""
    still_open = {item.get("checkpointId", item.get("id")) for item in listed or ()}
    doubtful = [
        checkpoint.checkpoint_id
        for checkpoint in state.open_checkpoints
        if checkpoint.status == "unknown" or (listed is not None and checkpoint.checkpoint_id not in still_open)
    ]
    for checkpoint_id in doubtful[:_MOST_ASKED]:
        try:
            answer = await call(trpc_calls.checkpoint(checkpoint_id))
        except CallRefused:
            continue
        event = _outcome(checkpoint_id, answer, at)
        if event is not None:
            yield event


def _outcome(checkpoint_id: str, answer: Any, at: Micros) -> Received | None:
    """Return how a checkpoint ended; None where it is open, or nobody knows."""
    if not isinstance(answer, dict):
        return None
    if isinstance(answer.get("checkpoint"), dict):
        answer = answer["checkpoint"]
    status = str(answer.get("status", "")).lower()
    decision = answer.get("decision")
    told = decision if isinstance(decision, dict) else answer
    payload = {**told, "checkpointId": checkpoint_id}
    if status in _TIMED_OUT or told.get("autoTriggered") is True:
        return _event("checkpoint.timeout", {"defaultAction": answer.get("defaultAction"), **payload}, at)
    if status in _DECIDED or isinstance(decision, dict):
        return _event("checkpoint.resolved", payload, at)
    return None


def _event(kind: str, payload: dict[str, Any], at: Micros) -> Received:
    return read_event(msgspec.json.encode({"type": kind, "payload": payload}).decode(), at)


async def _open_checkpoints(call: Call, task_id: str | None) -> list[dict[str, Any]] | None:
    """Return the questions that wait, None where the server does not tell."""
    for request in (trpc_calls.pending_decisions(task_id), trpc_calls.pending_checkpoints(task_id)):
        try:
            answer = await call(request)
        except RunConsoleError:
            continue
        if isinstance(answer, dict):
            answer = next((answer[key] for key in ("checkpoints", "items", "data") if key in answer), None)
        if isinstance(answer, list):
            return [item for item in answer if isinstance(item, dict) and _is_question(item)]
    return None


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
