"""Asking a server what happened while nobody listened: open questions, lost answers, tasks that ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from runconsole.decoding.envelope import read_events
from runconsole.errors import CallRefused, CallUnanswered
from runconsole.events import Answer, DecisionRequested, DecisionSent, DecisionTurnedDown, DecisionUnanswered
from runconsole.protocols.base import Request
from runconsole.protocols.trpc.calls import TrpcQueries
from runconsole.session.catchup import inquire, reread
from runconsole.state import Inquire, RunState
from tests.support.folding import START, task

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
    state.apply(DecisionRequested(START, "d", "c1", Answer(option)))
    state.apply(DecisionSent(START, "d"))
    state.apply(DecisionUnanswered(START, "d", "the link broke"))
    return state


async def calm() -> None:
    """Nothing more of the past comes."""


async def asked(state: RunState, answers: Answers, *, again: bool = True) -> list[str]:
    """Apply what a server with these answers says; return what it was asked for."""
    names: list[str] = []

    async def call(request: Request) -> Any:
        names.append(request.name)
        answer = answers.get(request.name, CallRefused("no such procedure"))
        if isinstance(answer, Exception):
            raise answer
        return answer(request.payload) if callable(answer) else answer

    async for event in reread(call, TrpcQueries(), state, START, calm, again=again):
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
async def test_the_outcome_of_a_lost_answer_is_asked_for(
    answer: Any, status: str, decision: str, by: str | None
) -> None:
    state = lost(state_with("c1"))
    await asked(state, {"checkpoints.get": answer})
    row = state.checkpoints["c1"]
    assert (row.status, state.decisions["d"].state, row.decided_by) == (status, decision, by)


async def test_an_answer_that_never_arrived_may_be_given_again() -> None:
    state = lost(state_with("c1"))
    await asked(state, {"checkpoints.get": {"status": "pending"}})
    assert "still waits for one: answer again" in (state.checkpoints["c1"].error or "")
    state.apply(DecisionRequested(START, "d2", "c1", Answer("reject")))
    assert state.decisions["d2"].state == "queued"


async def test_a_decision_of_another_is_not_ours() -> None:
    for told in (
        {"action": "approve", "feedback": "ann's words"},
        {"action": "approve", "decidedAt": "2025-11-16T16:31:00Z"},
    ):
        state = lost(state_with("c1"))
        (event,) = read_events(task("task.progress", 0), START)
        state.apply(event)  # tells the server's clock
        await asked(state, {"checkpoints.get": {"status": "decided", "decision": told}})
        assert (state.decisions["d"].state, state.checkpoints["c1"].decided_by) == ("refused", "other")


async def test_the_time_of_a_decision_is_the_servers() -> None:
    state = lost(state_with("c1"))
    told = {"action": "approve", "decidedAt": "2025-11-16T16:32:07.5Z"}
    await asked(state, {"checkpoints.get": {"status": "decided", "decision": told}})
    assert state.checkpoints["c1"].decided_at == START + 7_500_000


async def test_a_withdrawn_question_was_not_timed_out() -> None:
    state = RunState()
    late = START + 60_000_000
    (event,) = read_events(task("task.hitl_required", checkpointId="c1", timeout=late, options=["approve"]), START)
    state.apply(event)
    await asked(state, {"checkpoints.getHITLPending": [], "checkpoints.get": {"status": "expired"}})
    assert (state.checkpoints["c1"].status, state.checkpoints["c1"].decided_by) == ("expired", None)
    assert "withdrawn" in (state.checkpoints["c1"].error or "")


async def test_a_decided_question_listed_as_waiting_is_open_again() -> None:
    state = state_with("c1")
    (event,) = read_events(task("checkpoint.resolved", -30, checkpointId="c1", decision="approve"), START - 30_000_000)
    state.apply(event)
    listed = [{"checkpointId": "c1", "title": "Ship?", "options": ["approve"]}]
    await asked(state, {"checkpoints.getHITLPending": listed}, again=False)
    assert (state.checkpoints["c1"].status, state.checkpoints["c1"].round) == ("pending", 2)
    assert state.checkpoints["c1"].decided_by is None


@pytest.mark.parametrize("known", [True, False], ids=["a known question", "a new one"])
async def test_a_list_that_an_event_has_overtaken_opens_nothing_again(*, known: bool) -> None:
    state = state_with("c1") if known else RunState()

    def listed(_: Any) -> list[Answers]:
        told = [] if known else [task("task.hitl_required", -9, checkpointId="c1", options=["approve"])]
        for frame in (*told, task("checkpoint.resolved", -5, checkpointId="c1", decision="approve")):
            state.apply(read_events(frame, START - 6_000_000)[0])
        return [{"checkpointId": "c1", "options": ["approve"], "status": "pending"}]

    await asked(state, {"checkpoints.getHITLPending": listed})
    assert (state.checkpoints["c1"].status, state.checkpoints["c1"].decision) == ("decided", "approve")


async def test_an_overtaken_answer_opens_nothing_again() -> None:
    state = lost(state_with("c1"))

    def pending(_: Any) -> Answers:
        frame = task("checkpoint.resolved", -5, checkpointId="c1", decision="approve")
        state.apply(read_events(frame, START - 6_000_000)[0])
        return {"checkpointId": "c1", "options": ["approve"], "status": "pending"}

    await asked(state, {"checkpoints.get": pending})
    assert (state.checkpoints["c1"].status, state.checkpoints["c1"].decision) == ("decided", "approve")


async def test_an_answer_refused_as_decided_is_asked_for() -> None:
    state = state_with("c1")
    state.apply(DecisionRequested(START, "d", "c1", Answer("approve")))
    state.apply(DecisionSent(START, "d"))
    effects = state.apply(DecisionTurnedDown(START, "d", "no", "CONFLICT", final=True))
    assert Inquire("c1") in effects
    decided = {"status": "decided", "decision": {"action": "reject", "decidedBy": "ann"}}

    async def call(request: Request) -> Any:
        return decided

    async for event in inquire(call, TrpcQueries(), state, ["c1"], START):
        state.apply(event)
    assert (state.checkpoints["c1"].decision, state.checkpoints["c1"].decided_by) == ("reject", "other")
    assert state.decisions["d"].error == "already decided by ann: 'reject'"


async def test_an_unlisted_question_is_asked_for_by_its_id() -> None:
    state = state_with("c1", "c2")
    listed = [{"checkpointId": "c2", "title": "Ship?", "options": ["approve"]}]
    decided = {"status": "decided", "decision": {"selectedOption": "reject", "decidedBy": "ann"}}
    names = await asked(state, {"checkpoints.getHITLPending": listed, "checkpoints.get": decided})
    assert names == ["checkpoints.getHITLPending", "checkpoints.get"]
    assert (state.checkpoints["c1"].decision, state.checkpoints["c2"].status) == ("reject", "pending")


async def test_without_a_list_open_questions_are_not_asked_for() -> None:
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
