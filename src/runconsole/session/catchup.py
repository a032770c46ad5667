"""Queries for what events may not have reported: questions, their answers, and tasks that ended meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from runconsole.decoding.envelope import read_event
from runconsole.decoding.listed import as_question, decision_of, listed_items
from runconsole.errors import CallRefused, RunConsoleError
from runconsole.events import (
    CheckpointExpired,
    CheckpointOpened,
    DecisionUnanswered,
    Fact,
    Micros,
    Received,
    TaskCancelled,
    TaskCompleted,
    TaskFailed,
    TaskStatus,
)
from runconsole.protocols.base import Queries, Request
from runconsole.state import Checkpoint, RunState
from runconsole.statuses import read_status

__all__ = ["Call", "ends", "inquire", "reread"]

Call = Callable[[Request], Awaitable[Any]]
_MOST_ASKED = 50
_DECIDED = frozenset({"decided", "resolved", "approved", "rejected", "modified", "completed"})
_WAITING = frozenset({"pending", "", "waiting", "open", "hitl_required"})
_TIMED_OUT = frozenset({"expired", "timeout", "timed_out"})


async def reread(
    call: Call, queries: Queries, state: RunState, at: Micros, calm: Callable[[], Awaitable[None]], *, again: bool
) -> AsyncIterator[Received | Fact]:
    """Yield, as events, what the server says when asked; nothing where it has no such query.

    Args:
        call: makes one query; raises RunConsoleError where the server refuses it.
        queries: the queries that the server has.
        state: whose tasks and checkpoints are asked for.
        at: the time of the answers.
        calm: returns when what the server sends of the past has come: tasks are asked for then, or the end of a task
            would overtake its last events.
        again: after a reconnect: ask also for each known checkpoint and task that may have ended meanwhile.
    """
    before = dict(state.checkpoints)
    listed = await _open_checkpoints(call, queries.open_checkpoints(state.followed_task))
    for item in listed or []:
        checkpoint_id = _id_of(item)
        if not _is_overtaken(state.checkpoints.get(checkpoint_id), before.get(checkpoint_id)):
            yield _listed(item, at)
    if not again:
        return
    async for event in inquire(call, queries, state, _doubtful(state, listed), at):
        yield event
    await calm()
    async for event in ends(call, queries, state, at):
        yield event


async def ends(call: Call, queries: Queries, state: RunState, at: Micros) -> AsyncIterator[Received]:
    """Yield the ends of tasks that no event reported, the followed task among them. As `reread`."""
    unfinished = [task.task_id for task in state.tasks.values() if not task.finished]
    if state.followed_task is not None and state.followed_task not in state.tasks:
        unfinished.insert(0, state.followed_task)
    for task_id in unfinished[:_MOST_ASKED]:
        try:
            answer = await call(queries.task(task_id))
        except RunConsoleError:
            return
        fact = _ended(task_id, answer)
        if fact is not None:
            yield Received("tasks.get", fact, "", at)


def _doubtful(state: RunState, listed: list[dict[str, Any]] | None) -> list[str]:
    """Return the checkpoints that we think open and the server does not, and those of which we lost the answer."""
    still_open = {_id_of(item) for item in listed or ()}
    return [
        checkpoint.checkpoint_id
        for checkpoint in state.checkpoints.values()
        if checkpoint.status == "unknown"
        or (checkpoint.status == "decided" and checkpoint.decided_by is None)
        or (checkpoint.is_open and listed is not None and checkpoint.checkpoint_id not in still_open)
    ]


async def inquire(
    call: Call, queries: Queries, state: RunState, checkpoint_ids: Sequence[str], at: Micros
) -> AsyncIterator[Received | Fact]:
    """Yield what the server says of these checkpoints: how they ended, or that they still wait. As `reread`."""
    for checkpoint_id in checkpoint_ids[:_MOST_ASKED]:
        before = state.checkpoints[checkpoint_id]
        try:
            answer = await call(queries.checkpoint(checkpoint_id))
        except CallRefused:
            continue
        for event in _outcome(state, before, answer, at):
            yield event


def _is_overtaken(now: Checkpoint | None, before: Checkpoint | None) -> bool:
    """Return whether an event has closed the question while the server was asked: what it said may be older."""
    return now is not None and not now.is_open and now is not before


def _outcome(state: RunState, before: Checkpoint, answer: Any, at: Micros) -> Iterator[Received | Fact]:
    """Give how a checkpoint ended, or what is known of our answer where it has not; nothing where nobody knows.

    `before` is its row when the server was asked.
    """
    if not isinstance(answer, dict):
        return
    checkpoint_id = before.checkpoint_id
    answer = as_question(answer)
    status = str(answer.get("status", "")).lower()
    decision = decision_of(answer)
    reported: Mapping[str, Any] = answer if decision is None else decision
    payload = {**reported, "checkpointId": checkpoint_id}
    if status in _TIMED_OUT or reported.get("autoTriggered") is True:
        if decision is None and _is_early(state, checkpoint_id, at):
            yield CheckpointExpired(at, checkpoint_id, "the server has withdrawn the question")
        else:
            payload = {"defaultAction": answer.get("defaultAction"), **payload}
            yield _event("checkpoint.timeout", payload, at)
    elif status in _DECIDED or decision is not None:
        yield _event("checkpoint.resolved", payload, at)
    elif status in _WAITING:
        yield from _still_waits(state, before, answer, at)


def _is_early(state: RunState, checkpoint_id: str, at: Micros) -> bool:
    """Return whether a checkpoint cannot have run into its deadline yet."""
    deadline = state.due_at(state.checkpoints[checkpoint_id])
    return deadline is not None and state.clock.at(at) < deadline


def _still_waits(state: RunState, before: Checkpoint, answer: dict[str, Any], at: Micros) -> Iterator[Received | Fact]:
    row = state.checkpoints[before.checkpoint_id]
    if _is_overtaken(row, before):
        return
    if not row.is_open or (answer.get("options") and any(option.action is None for option in row.options)):
        yield _listed({**answer, "checkpointId": row.checkpoint_id}, at)
    if row.status == "unknown" and row.decision_id is not None:
        option = state.decisions[row.decision_id].option
        words = f"your answer {option!r} was sent, but the server, asked since, still waits for one: answer again"
        yield DecisionUnanswered(at, row.decision_id, words)


def _listed(item: dict[str, Any], at: Micros) -> Received:
    event = _event("checkpoint.pending", item, at)
    if not isinstance(event.fact, CheckpointOpened):
        return event
    return msgspec.structs.replace(event, fact=msgspec.structs.replace(event.fact, listed=True))


def _event(kind: str, payload: dict[str, Any], at: Micros) -> Received:
    return read_event(msgspec.json.encode({"type": kind, "payload": payload}).decode(), at)


async def _open_checkpoints(call: Call, requests: Sequence[Request]) -> list[dict[str, Any]] | None:
    """Return the questions that wait, None if the server has no such list."""
    for request in requests:
        try:
            answer = await call(request)
        except RunConsoleError:
            continue
        items = listed_items(answer)
        if items is not None:
            return [item for item in items if _is_question(item)]
    return None


def _is_question(item: dict[str, Any]) -> bool:
    """Return whether a listed checkpoint waits for a person, and is no mere restore point."""
    waits = str(item.get("status", "pending")).lower() in _WAITING and decision_of(item) is None
    return waits and bool(item.get("options") or item.get("title"))


def _id_of(item: dict[str, Any]) -> str:
    return str(item.get("checkpointId"))


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
