"""The task scenario: four agents, three questions, and the consequences of each answer."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runconsole.simulator.scenario import Answer, Checkpoint
from runconsole.simulator.scenarios.tasks import TasksScenario
from runconsole.simulator.timeline import play_through

if TYPE_CHECKING:
    from collections.abc import Callable

    from runconsole.simulator.scenario import Event

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SEEDS = st.integers(min_value=0, max_value=2**32)
SPEC, ARCHITECTURE, MERGE = "cp-101-spec", "cp-102-architecture", "cp-104-merge"


def run(
    seed: int = 1, *, decision_timeout: float | None = None, feedback: str | None = None, **answers: str
) -> list[Event]:
    """Play a run; `answers` are options by the last word of the checkpoint's id, no answer is silence."""
    scenario = TasksScenario(seed=seed, decision_timeout=decision_timeout)
    return [event for _, event in play_through(scenario, START, answering(feedback, **answers))]


def answering(feedback: str | None = None, **answers: str) -> Callable[[Checkpoint], Answer | None]:
    def decide(checkpoint: Checkpoint) -> Answer | None:
        option = answers.get(checkpoint.id.rpartition("-")[2])
        return None if option is None else Answer(checkpoint.id, option, feedback=feedback)

    return decide


def of(events: list[Event], kind: str, task: int | None = None) -> list[Event]:
    payloads = [event["payload"] for event in events if event["type"] == kind]
    return [p for p in payloads if task is None or p["taskId"] == f"task-{task}"]


def output_of(events: list[Event], task: int) -> str:
    return "".join(p["data"] for p in of(events, "task.output", task))


def endings(events: list[Event]) -> dict[str, str]:
    ends = {"task.completed", "task.failed", "task.cancelled"}
    return {event["payload"]["taskId"]: event["type"] for event in events if event["type"] in ends}


@given(SEEDS)
def test_every_seed_ends_each_task_and_asks_three_questions(seed: int) -> None:
    events = run(seed, spec="approve", architecture="export", merge="approve")
    assert endings(events) == dict.fromkeys(["task-101", "task-102", "task-103", "task-104"], "task.completed")
    assert {p["checkpointId"] for p in of(events, "task.hitl_required")} == {SPEC, ARCHITECTURE, MERGE}
    assert len(of(events, "checkpoint.hitl_decided")) == 3


@given(SEEDS)
def test_every_event_is_json_with_its_own_id_in_order(seed: int) -> None:
    events = run(seed, spec="modify", architecture="view", merge="modify", feedback="smaller")
    assert json.loads(json.dumps(events, allow_nan=False)) == events
    assert all(set(event) == {"id", "type", "timestamp", "payload"} for event in events)
    assert len({event["id"] for event in events}) == len(events)
    stamps = [event["timestamp"] for event in events]
    assert stamps == sorted(stamps)


@given(SEEDS)
def test_progress_rises_to_below_a_hundred_and_costs_only_grow(seed: int) -> None:
    progress = defaultdict(list)
    tokens = defaultdict(list)
    for payload in of(run(seed, spec="approve", architecture="keyset", merge="approve"), "task.progress"):
        progress[payload["taskId"]].append(payload["progress"])
        tokens[payload["taskId"]].append(payload["metrics"]["tokensUsed"])
    assert len(progress) == 4
    for values in (*progress.values(), *tokens.values()):
        assert values == sorted(values)
    assert all(0 <= value <= 99 for values in progress.values() for value in values)


def test_the_same_seed_and_decisions_give_the_same_run() -> None:
    assert run(3, spec="approve") == run(3, spec="approve")
    assert run(3, spec="approve") != run(4, spec="approve")
    assert run(3, spec="approve") != run(3, spec="reject")


def test_a_question_carries_all_a_person_needs() -> None:
    [asked] = of(run(), "task.hitl_required", 101)
    assert [option["id"] for option in asked["options"]] == ["approve", "modify", "reject"]
    assert set(asked["context"]) == {"spec", "changes", "cost", "risk"}
    assert asked["checkpointType"] == "spec_review"
    assert asked["defaultAction"] == "approve"
    assert asked["timeout"].endswith("Z")


@pytest.mark.parametrize("window", [None, 8.0])
def test_the_deadline_is_the_time_at_which_the_default_is_taken(window: float | None) -> None:
    events = run(decision_timeout=window)
    for asked in of(events, "task.hitl_required"):
        [timed_out] = [
            event
            for event in events
            if event["type"] == "checkpoint.timeout" and event["payload"]["checkpointId"] == asked["checkpointId"]
        ]
        assert timed_out["timestamp"] == asked["timeout"]
    assert len(of(events, "checkpoint.reminder")) == 3
    assert len(of(events, "checkpoint.timeout")) == 3


def test_without_answers_the_defaults_are_taken() -> None:
    events = run()
    decided = {p["checkpointId"]: p for p in of(events, "checkpoint.hitl_decided")}
    assert {key: p["selectedOption"] for key, p in decided.items()} == {
        SPEC: "approve",
        ARCHITECTURE: "keyset",
        MERGE: "reject",
    }
    assert all(p["autoTriggered"] and p["decidedBy"] == "timeout" for p in decided.values())
    assert endings(events)["task-104"] == "task.cancelled"
    assert of(events, "task.cancelled", 104)[0]["cancelledBy"] == "timeout"


def test_feedback_shows_in_the_plan_and_in_the_output() -> None:
    events = run(spec="modify", feedback="tokens must live 15 minutes")
    assert any("tokens must live 15 minutes" in p["name"] for p in of(events, "subtask.created", 101))
    assert any("tokens must live 15 minutes" in p["currentStep"] for p in of(events, "task.progress", 101))
    assert "tokens must live 15 minutes" in output_of(events, 101)
    assert endings(events)["task-101"] == "task.completed"


def test_a_change_without_feedback_is_worked_in_too() -> None:
    events = run(spec="modify")
    assert any(p["name"].startswith("Revise the specification") for p in of(events, "task.subtask.completed", 101))


@pytest.mark.parametrize(("option", "word"), [("keyset", "keyset"), ("view", "materialized"), ("export", "export")])
def test_the_chosen_design_is_what_is_built(option: str, word: str) -> None:
    built = [p["name"] for p in of(run(architecture=option), "task.subtask.completed", 102)]
    assert [word in name for name in built] == [False, True, False]


def test_a_rejected_specification_or_design_cancels_the_task() -> None:
    events = run(spec="reject", architecture="reject", merge="approve", feedback="not this year")
    assert endings(events)["task-101"] == endings(events)["task-102"] == "task.cancelled"
    assert of(events, "task.cancelled", 101)[0]["cancelledBy"] == "user"
    assert "not this year" in of(events, "task.cancelled", 101)[0]["reason"]


def test_a_rejected_merge_fails_the_task() -> None:
    [failed] = of(run(merge="reject", feedback="freeze until Monday"), "task.failed", 104)
    assert failed["error"] == {
        "code": "MERGE_REJECTED",
        "message": "The merge was not approved: freeze until Monday",
        "recoverable": True,
    }


def test_output_has_colors_rewritten_lines_and_both_streams() -> None:
    events = run(spec="approve", architecture="view", merge="approve")
    text = output_of(events, 101)
    assert "\x1b[32m" in text
    assert "\r" in text
    assert {p["stream"] for p in of(events, "task.output")} == {"stdout", "stderr"}
    assert max(len(p["data"]) for p in of(events, "task.output")) == 100


def test_a_rate_limit_is_reported_and_recovered_from() -> None:
    events = run()
    [error] = of(events, "agent.error")
    assert error["taskId"] == "task-103"
    assert error["error"]["recoverable"]
    assert endings(events)["task-103"] == "task.completed"


def test_files_are_artifacts_and_appear_in_the_result() -> None:
    events = run(spec="approve")
    [done] = of(events, "task.completed", 101)
    changed = Counter(p["file"]["action"] for p in of(events, "agent.file_change", 101))
    result = done["result"]
    assert (changed["create"], changed["modify"]) == (len(result["filesCreated"]), len(result["filesModified"]))
    assert "accounts/reset.py" in result["filesCreated"]


def test_a_time_to_decide_that_is_no_time_is_refused() -> None:
    with pytest.raises(ValueError, match="decision_timeout must be more than 0 seconds, not 0"):
        TasksScenario(decision_timeout=0)
