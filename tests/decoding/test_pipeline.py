"""The pipeline events of the execution family: stages, executions of a master plan, events for a pipeline's console."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runconsole.decoding.envelope import read_named
from runconsole.events import (
    CheckpointOpened,
    CheckpointSaved,
    ErrorReported,
    ExecutionStarted,
    Fact,
    PhaseReported,
    PhaseTold,
    PipelineReported,
    StageReported,
    TaskOutput,
    TaskReported,
    TaskStatus,
    UnknownEvent,
)


def fact_of(kind: str, **data: Any) -> Fact:
    (event,) = read_named(kind, json.dumps(data), 1)
    return event.fact


@pytest.mark.parametrize(
    ("kind", "data", "fact"),
    [
        (
            "masterplan_execution_start",
            {"masterplan_id": "m", "workspace_path": "/w", "total_tasks": 50},
            ExecutionStarted("m", 50),
        ),
        (
            "task_execution_progress",
            {
                "masterplan_id": "m",
                "task_id": "t",
                "task_number": 3,
                "status": "in_progress",
                "description": "Write the model",
                "current_task": 3,
                "total_tasks": 50,
            },
            TaskReported("t", "Write the model", status=TaskStatus.RUNNING, total_tasks=50),
        ),
        (
            "task_execution_complete",
            {
                "task_id": "t",
                "status": "completed",
                "output_files": ["a.py", "b.py"],
                "completed_tasks": 3,
                "total_tasks": 50,
            },
            TaskReported("t", status=TaskStatus.COMPLETED, completed_tasks=3, total_tasks=50, files=("a.py", "b.py")),
        ),
        (
            "task_execution_complete",
            {"task_id": "t", "status": "failed", "output_files": [], "completed_tasks": 50, "total_tasks": 50},
            TaskReported("t", status=TaskStatus.FAILED, completed_tasks=50, total_tasks=50, is_last=True),
        ),
        (
            "phase_started",
            {"phase": 1, "name": "Analysis"},
            PhaseTold(PhaseReported(1, "Analysis", TaskStatus.RUNNING)),
        ),
        (
            "phase_completed",
            {"phase": 1, "name": "Analysis", "success": True},
            PhaseTold(PhaseReported(1, "Analysis", TaskStatus.COMPLETED)),
        ),
        (
            "phase_completed",
            {"phase": "planning", "success": False},
            PhaseTold(PhaseReported(None, "planning", TaskStatus.FAILED)),
        ),
        (
            "pipeline_update",
            {
                "phase": 2,
                "progress": 4,
                "total": 10,
                "phase_status": "running",
                "current_task": "t",
                "message": "Compiling",
                "level": "info",
                "total_tasks": 50,
                "completed_tasks": 12,
                "failed_tasks": 1,
                "metrics": {"llm_tokens": 900, "llm_cost": 0.02, "tests_passed": 7},
            },
            PipelineReported(
                PhaseReported(2, None, TaskStatus.RUNNING, 4, 10),
                "t",
                None,
                50,
                12,
                1,
                900,
                0.02,
                "Compiling\n",
            ),
        ),
        ("test_result", {"test_name": "test_a", "passed": True}, TaskOutput(None, "stdout", "test test_a passed\n")),
        (
            "test_result",
            {"test_name": "test_a", "passed": False},
            ErrorReported("test test_a failed", error_type="test"),
        ),
        (
            "log_message",
            {"level": "error", "message": "no space", "source": "builder"},
            TaskOutput(None, "stderr", "no space\n", "builder"),
        ),
        ("context_update", {"usage_percentage": 85.0, "total_tokens": 170_000}, PipelineReported(context_percent=85.0)),
        ("snapshot_created", {"snapshot_id": "s", "name": "before"}, CheckpointSaved(None, "s", "snapshot", "before")),
    ],
)
def test_every_event_is_understood(kind: str, data: dict[str, Any], fact: Fact) -> None:
    assert fact_of(kind, **data) == fact


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        (
            "masterplan_generation_start",
            {"session_id": "s", "estimated_tokens": 17_000, "estimated_cost_usd": 0.25},
            {"status": TaskStatus.RUNNING},
        ),
        (
            "masterplan_tokens_progress",
            {"tokens_received": 8500, "estimated_total": 17_000, "percentage": 50, "current_phase": "Writing phases"},
            {"progress": 50.0, "tokens": 8500, "step": "Writing phases"},
        ),
        (
            "masterplan_entity_discovered",
            {"type": "milestone", "count": 4, "name": "API"},
            {"step": "milestone 4: API"},
        ),
        (
            "masterplan_parsing_complete",
            {"total_tasks": 50},
            {"part": "parsing", "part_status": TaskStatus.COMPLETED},
        ),
        ("masterplan_validation_start", {}, {"part": "validation", "part_status": TaskStatus.RUNNING}),
        ("masterplan_saving_start", {"total_entities": 70}, {"part": "saving", "part_status": TaskStatus.RUNNING}),
        (
            "masterplan_generation_complete",
            {
                "masterplan_id": "m",
                "project_name": "Shop",
                "total_tasks": 50,
                "generation_cost_usd": 0.31,
                "duration_seconds": 92.5,
            },
            {"status": TaskStatus.COMPLETED, "step": "Shop", "cost_usd": 0.31, "duration_s": 92.5},
        ),
    ],
)
def test_the_minutes_before_an_execution_are_a_stage(kind: str, data: dict[str, Any], expected: dict[str, Any]) -> None:
    fact = fact_of(kind, **data)
    assert isinstance(fact, StageReported)
    assert (fact.stage, fact.name) == ("masterplan_generation", "Master plan generation")
    defaults = {"status", "progress", "step", "part", "tokens", "cost_usd", "duration_s", "error"} - expected.keys()
    assert {name: getattr(fact, name) for name in expected} == expected
    assert all(getattr(fact, name) is None for name in defaults)


def test_discovery_has_the_same_stages() -> None:
    fact = fact_of("discovery_tokens_progress", tokens_received=10, percentage=5)
    assert isinstance(fact, StageReported)
    assert (fact.stage, fact.progress) == ("discovery_generation", 5.0)


@pytest.mark.parametrize("kind", ["discovery", "masterplan_", "masterplan_start", "masterplan_x_y", "plan_a_start"])
def test_another_name_is_no_stage(kind: str) -> None:
    assert fact_of(kind) == UnknownEvent()


def test_an_approval_request_lists_its_operations() -> None:
    fact = fact_of(
        "approval_request",
        batch_id="batch_1",
        operations=[
            {"file": "a.py", "operation": "create", "preview": "x = 1\n"},
            {"file": "b.py", "operation": "modify", "diff": "-x\n+y\n"},
        ],
    )
    assert isinstance(fact, CheckpointOpened)
    assert (fact.checkpoint_id, fact.kind, fact.title) == ("batch_1", "approval_request", "Approve 2 file operations?")
    assert [option.id for option in fact.options] == ["approve", "reject"]
    assert fact.context == {
        "changes": [
            {"action": "create", "path": "a.py", "preview": "x = 1\n"},
            {"action": "modify", "path": "b.py", "diff": "-x\n+y\n"},
        ]
    }
    assert fact.command == "approval_response"


@pytest.mark.parametrize(
    ("kind", "data", "stage", "step"),
    [
        ("discovery_relationship_found", {"from_entity": "Order", "to_entity": "Item"}, "discovery", "Order → Item"),
        ("discovery_pattern_detected", {"pattern": "aggregate", "confidence": 0.9}, "discovery", "aggregate"),
        ("masterplan_phase_progress", {"phase": "core", "progress": {"done": 1}}, "masterplan", "core"),
        ("masterplan_phase_progress", {"phase": "core", "current_operation": "naming"}, "masterplan", "naming"),
        ("streaming_progress", {"tokens_received": 3, "percentage": 40, "entities_found": 0}, "discovery", None),
    ],
)
def test_an_intermediate_find_is_the_step_of_its_stage(
    kind: str, data: dict[str, Any], stage: str, step: str | None
) -> None:
    fact = fact_of(kind, session_id="s", **data)
    assert isinstance(fact, StageReported)
    assert (fact.stage, fact.step, fact.part, fact.status) == (f"{stage}_generation", step, None, None)
    if kind == "streaming_progress":
        assert (fact.progress, fact.tokens) == (40, 3)
