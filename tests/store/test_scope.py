"""Which events are of the run followed, in any spelling, and which are another's."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runconsole.decoding.envelope import read_events, read_named
from runconsole.store.scope import Scope


def scope(execution: str | None = None, task: str | None = None) -> Scope:
    return Scope(execution=execution, task=task)


def kept(known: Scope, *frames: dict[str, Any]) -> list[bool]:
    """Return of each frame whether its event is ours."""
    return [not known.excludes(event) for frame in frames for event in read_events(json.dumps(frame), 0)]


@pytest.mark.parametrize(
    "about",
    [
        lambda one: {"data": {"execution_id": one}},
        lambda one: {"data": {"executionId": one}},
        lambda one: {"execution_id": one, "data": {}},
        lambda one: {"executionId": one, "payload": {}},
        lambda one: {"metadata": {"execution_id": one}, "payload": {}},
        lambda one: {"data": {"metadata": {"executionId": one}}},
        lambda one: {"data": {"execution": {"id": one}}},
        lambda one: {"execution_id": one},
    ],
)
def test_another_execution_is_told_wherever_it_is_named(about: Any) -> None:
    frames = [{"type": "execution_completed"} | about(one) for one in ("e1", "e2")]
    assert kept(scope("e1"), *frames) == [True, False]


@pytest.mark.parametrize(
    "about",
    [
        lambda one: {"payload": {"taskId": one}},
        lambda one: {"data": {"task_id": one}},
        lambda one: {"taskId": one, "data": {}},
        lambda one: {"task_id": one, "data": {}},
        lambda one: {"metadata": {"taskId": one}, "payload": {}},
        lambda one: {"payload": {"task": {"id": one}}},
    ],
)
def test_another_task_is_told_wherever_it_is_named(about: Any) -> None:
    frames = [{"type": "task.hitl_required"} | about(one) for one in ("5", 5, 5.0, "6")]
    assert kept(scope(task="5"), *frames) == [True, True, True, False]


def test_an_event_that_names_nothing_is_ours() -> None:
    assert kept(scope("e1", "t1"), {"type": "system.alert", "payload": {"message": "x"}}, {"type": "x"}) == [True, True]


def test_tasks_and_checkpoints_of_others_are_left_out() -> None:
    known = scope("e1")
    assert kept(
        known,
        {"type": "task.hitl_required", "payload": {"executionId": "e2", "taskId": "t2", "checkpointId": "c2"}},
        {"type": "task.progress", "payload": {"taskId": "t2"}},
        {"type": "checkpoint.resolved", "payload": {"checkpointId": "c2"}},
        {"type": "task.progress", "payload": {"taskId": "t1"}},
    ) == [False, False, False, True]
    assert kept(
        known,
        {"type": "progress_update", "data": {"execution_id": "e1", "task_id": "t2"}},
        {"type": "progress_update", "data": {"task_id": "t2"}},
    ) == [True, True], "both have a task of that name"
    assert known.report(is_over=False) == "3 events of other executions were left out"
    assert known.report(is_over=True) is None


def test_what_is_followed_may_be_a_master_plan() -> None:
    updates = [
        {"type": "task_execution_progress", "data": {"masterplan_id": plan, "task_id": "t"}} for plan in ("m1", "m2")
    ]
    assert kept(scope("m1"), *updates) == [True, False]
    assert kept(scope("e1"), *updates) == [True, True], "nobody says whose plans these are"
    begin = [{"type": "execution_started", "data": {"execution_id": f"e{n}", "masterplan_id": f"m{n}"}} for n in (1, 2)]
    assert kept(scope("e1"), *begin, *updates) == [True, False, True, False]


def test_a_task_is_followed_with_its_parts() -> None:
    assert kept(
        scope(task="t1"),
        {"type": "task.subtask.started", "payload": {"taskId": "t1", "subtaskId": "s1"}},
        {"type": "task.created", "payload": {"taskId": "t1a", "parentTaskId": "t1"}},
        {"type": "task.output", "payload": {"taskId": "t1a", "data": "x"}},
        {"type": "agent.completed", "payload": {"agentId": "a"}},
        {"type": "checkpoint.resolved", "payload": {"checkpointId": "c1"}},
        {"type": "task.output", "payload": {"taskId": "t2", "data": "x"}},
    ) == [True, True, True, True, True, False]


def test_named_events_with_bare_data_are_told_apart_too() -> None:
    known = scope("e1")
    found = [read_named("execution_completed", json.dumps({"execution_id": one}), 0)[0] for one in ("e2", "e1")]
    assert [known.excludes(event) for event in found] == [True, False]
