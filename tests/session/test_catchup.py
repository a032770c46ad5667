"""Asking a server what happened while nobody listened: open questions, lost answers, tasks that ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from runconsole.errors import CallRefused, CallUnanswered
from runconsole.events import DecisionRequested, DecisionSent, DecisionUnanswered
from runconsole.session.catchup import reread
from runconsole.state import RunState
from runconsole.wire.envelope import read_events
from runconsole.wire.signals import Request
from tests.folding import START, task

Answers = dict[str, Any]


def state_with(*checkpoints: str) -> RunState:
    """Return a run with these questions open."""
    state = RunState()
    for name in checkpoints:
        (event,) = read_events(task("task.hitl_required", checkpointId=name, options=["approve", "reject"]), START)
        state.apply(event)
    return state


def lost(state: RunState, option: str = "approve") -> RunState:
    """Have an answer to c1 sent and never answered."""
    state.apply(DecisionRequested(START, "d", "c1", option))
    state.apply(DecisionSent(START, "d"))
    state.apply(DecisionUnanswered(START, "d", "the link broke"))
    return state


async def asked(state: RunState, answers: Answers, *, again: bool = True) -> list[str]:
    """Apply what a server with these answers says; return what it was asked for."""
    names: list[str] = []

    async def call(request: Request) -> Any:
        names.append(request.name)
        answer = answers.get(request.name, CallRefused("no such procedure"))
        if isinstance(answer, Exception):
            raise answer
        return answer(request.payload) if callable(answer) else answer

    async for event in reread(call, state, START, again=again):
        state.apply(event)
    return names


@pytest.mark.parametrize(
    "name", ["checkpoints.getHITLPending", "checkpoints.listPending"], ids=["getHITLPending", "listPending"]
)
@pytest.mark.parametrize("wrap", [lambda items: items, lambda items: {"checkpoints": items}], ids=["list", "object"])
async def test_a_question_asked_meanwhile_is_found(name: str, wrap: Callable[[Any], Any]) -> None:
    state = RunState()
    question = {"checkpointId": "c9", "taskId": "t", "title": "Ship?", "options": ["approve"], "status": "pending"}
    await asked(state, {name: wrap([question, {"checkpointId": "auto-1"}])}, again=False)
    assert [checkpoint.title for checkpoint in state.open_checkpoints] == ["Ship?"]


@pytest.mark.parametrize(
    ("answer", "status", "decision", "by"),
    [
        ({"status": "decided", "decision": {"selectedOption": "approve"}}, "decided", "applied", "you"),
        ({"status": "decided", "decision": {"decision": "reject", "decidedBy": "ann"}}, "decided", "refused", "other"),
        ({"status": "resolved", "decision": "approve"}, "decided", "applied", "you"),
        ({"checkpoint": {"status": "decided", "decision": {"action": "reject"}}}, "decided", "refused", "other"),
        ({"status": "expired", "defaultAction": "reject"}, "decided", "expired", "timeout"),
        (
            {"status": "decided", "decision": {"action": "reject", "autoTriggered": True}},
            "decided",
            "expired",
            "timeout",
        ),
        ({"status": "pending"}, "unknown", "unknown", None),
        (None, "unknown", "unknown", None),
    ],
)
async def test_the_end_of_a_decision_whose_answer_got_lost_is_asked_for(
    answer: Any, status: str, decision: str, by: str | None
) -> None:
    state = lost(state_with("c1"))
    await asked(state, {"checkpoints.get": answer})
    row = state.checkpoints["c1"]
    assert (row.status, state.decisions["d"].state, row.decided_by) == (status, decision, by)


async def test_a_question_that_the_server_no_longer_lists_is_asked_for_by_its_id() -> None:
    state = state_with("c1", "c2")
    listed = [{"checkpointId": "c2", "title": "Ship?", "options": ["approve"]}]
    decided = {"status": "decided", "decision": {"selectedOption": "reject", "decidedBy": "ann"}}
    names = await asked(state, {"checkpoints.getHITLPending": listed, "checkpoints.get": decided})
    assert names == ["checkpoints.getHITLPending", "checkpoints.get"]
    assert (state.checkpoints["c1"].decision, state.checkpoints["c2"].status) == ("reject", "pending")


async def test_without_a_list_a_question_that_seems_open_is_not_asked_for() -> None:
    assert "checkpoints.get" not in await asked(state_with("c1"), {})


async def test_a_first_connection_asks_for_open_questions_only() -> None:
    assert await asked(lost(state_with("c1")), {"checkpoints.getHITLPending": []}, again=False) == [
        "checkpoints.getHITLPending"
    ]


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"status": "completed"}, "completed"),
        ({"task": {"status": "failed", "error": {"message": "boom"}}}, "failed"),
        ({"status": "cancelled"}, "cancelled"),
        ({"status": "running"}, "pending"),
        ("what?", "pending"),
    ],
)
async def test_a_task_that_ended_meanwhile_is_found(answer: Any, status: str) -> None:
    state = RunState()
    (event,) = read_events(task("task.created"), START)
    state.apply(event)
    await asked(state, {"tasks.get": answer})
    assert state.tasks["t"].status == status


async def test_an_answer_that_never_comes_ends_the_asking() -> None:
    with pytest.raises(CallUnanswered):
        await asked(lost(state_with("c1")), {"checkpoints.get": CallUnanswered("no answer")})
