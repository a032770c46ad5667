"""The execution family: the documented events, and their further documented forms."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runconsole.decoding.envelope import read_events
from runconsole.events import (
    ArtifactCreated,
    ErrorReported,
    ExecutionCompleted,
    ExecutionStarted,
    Fact,
    PhasePlan,
    TaskReported,
    TaskStatus,
    UnknownEvent,
    WaveCompleted,
)
from tests.support.folding import frames_of

DOCUMENTED = {event["type"]: event["data"] for event in map(json.loads, frames_of("seed-execution"))}


def fact_of(kind: str, data: object) -> Fact:
    (event,) = read_events(json.dumps({"type": kind, "timestamp": "2025-11-16T16:34:45.123Z", "data": data}), 1)
    return event.fact


def reported(**data: object) -> TaskReported:
    fact = fact_of("progress_update", data)
    assert isinstance(fact, TaskReported)
    return fact


@pytest.mark.parametrize(
    ("kind", "fact"),
    [
        (
            "execution_started",
            ExecutionStarted(
                execution_id="exec_20251116_abc123",
                total_tasks=120,
                total_atoms=800,
                estimated_duration_s=600.0,
                phases=(
                    PhasePlan(0, "Discovery", 5),
                    PhasePlan(1, "Analysis", 15),
                    PhasePlan(2, "Planning", 20),
                    PhasePlan(3, "Execution", 70),
                    PhasePlan(4, "Validation", 10),
                ),
            ),
        ),
        (
            "progress_update",
            TaskReported(
                task_id="task_001",
                task_name="Analyze authentication requirements",
                phase=1,
                phase_name="Analysis",
                status=TaskStatus.COMPLETED,
                wave=1,
                duration_s=2.34,
                completed_tasks=10,
                total_tasks=120,
                percent=8.33,
                subtask_status={"subtask_1": TaskStatus.COMPLETED, "subtask_2": TaskStatus.COMPLETED},
            ),
        ),
        ("wave_completed", WaveCompleted(3, atoms=120, atoms_completed=120, success_rate=0.98, duration_s=45.0)),
        (
            "artifact_created",
            ArtifactCreated("src/services/auth.py", 2048, "file", "python", "task_045", "created"),
        ),
        (
            "error",
            ErrorReported(
                "Test assertion failed",
                task_id="task_067",
                task_name="Run validation tests",
                error_type="AssertionError",
                recoverable=True,
                attempt=1,
                max_retries=4,
            ),
        ),
        (
            "execution_completed",
            ExecutionCompleted(
                status="success",
                execution_id="exec_20251116_abc123",
                total_tasks=120,
                completed_tasks=120,
                failed_tasks=0,
                duration_s=630.0,
                artifacts=45,
                tokens_used=67450,
                cost_usd=0.42,
            ),
        ),
    ],
)
def test_the_documents_own_example_is_understood_in_full(kind: str, fact: Fact) -> None:
    assert fact_of(kind, DOCUMENTED[kind]) == fact


@pytest.mark.parametrize(
    ("kind", "documented", "seen"),
    [
        (
            "execution_started",
            {"execution_id": "e", "phases": [{"number": 0, "name": "A", "tasks": 5}, {"number": 1, "name": "B"}]},
            {"execution_id": "e", "phases": [{"phase": 0, "phase_name": "A", "task_count": 5}, {"name": "B"}]},
        ),
        (
            "progress_update",
            {"completed_tasks": 3, "total_tasks": 12},
            {"completed": 3, "total": 12},
        ),
        (
            "progress_update",
            {"progress": 3, "progress_percent": 25.0, "completed_tasks": 3, "total_tasks": 12},
            {"progress": 3, "progress_percent": 25.0, "total": 12},
        ),
        (
            "wave_completed",
            {"wave_number": 2, "atoms_in_wave": 10, "atoms_completed": 9},
            {"wave": 2, "tasks_in_wave": 10, "successful_tasks": 9},
        ),
        (
            "artifact_created",
            {"path": "a.py", "size": 10, "type": "file", "language": "python", "task_id": "t"},
            {
                "artifact_id": "id",
                "artifact_name": "a",
                "file_path": "a.py",
                "size_bytes": 10,
                "artifact_type": "file",
                "metadata": {"language": "python", "lines": 3},
                "task_id": "t",
            },
        ),
        ("artifact_created", {"path": "a.py", "type": "test"}, {"artifact_name": "a.py", "artifact_type": "test"}),
        (
            "error",
            {"task_id": "t", "message": "no", "retry_attempt": 2, "max_retries": 4},
            {
                "task_id": "t",
                "error_message": "no",
                "retry_count": 2,
                "max_retries": 4,
                "error_id": "e",
                "atom_id": "a",
            },
        ),
        (
            "execution_completed",
            {
                "status": "success",
                "duration_ms": 9000,
                "total_tasks": 6,
                "completed_tasks": 5,
                "failed_tasks": 1,
                "artifacts_created": 7,
                "tokens_used": 100,
                "cost_usd": 0.5,
            },
            {
                "status": "success",
                "total_duration_ms": 9000,
                "final_stats": {
                    "total_tasks": 6,
                    "completed_tasks": 5,
                    "failed_tasks": 1,
                    "artifacts_created": 7,
                    "total_tokens": 100,
                    "total_cost": 0.5,
                },
            },
        ),
    ],
)
def test_other_spellings_mean_the_same_as_the_documented_one(
    kind: str, documented: dict[str, Any], seen: dict[str, Any]
) -> None:
    assert fact_of(kind, seen) == fact_of(kind, documented)
    assert not isinstance(fact_of(kind, seen), UnknownEvent)


@pytest.mark.parametrize("kind", ["file", "directory", "config", "test", "documentation", "something new"])
def test_every_type_of_artifact_is_kept(kind: str) -> None:
    assert fact_of("artifact_created", {"path": "p", "type": kind}) == ArtifactCreated("p", kind=kind, action="created")


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("pending", TaskStatus.PENDING),
        ("in_progress", TaskStatus.RUNNING),
        ("running", TaskStatus.RUNNING),
        ("completed", TaskStatus.COMPLETED),
        ("failed", TaskStatus.FAILED),
        ("skipped", TaskStatus.SKIPPED),
        ("purple", None),
        (None, None),
    ],
)
def test_a_tasks_status_is_one_of_the_consoles_words(word: str | None, status: TaskStatus | None) -> None:
    assert reported(task_id="t", status=word).status == status


def test_the_short_form_gives_the_counters_and_the_current_task() -> None:
    fact = reported(current_task="t9", progress=33.3, completed=4, total=12)
    assert fact == TaskReported(current_task="t9", completed_tasks=4, total_tasks=12)


def test_progress_alone_is_no_counter() -> None:
    assert reported(progress=45).completed_tasks is None
    assert reported(progress=45, progress_percent=37.5).completed_tasks == 45


@pytest.mark.parametrize("progress", [1e300, -1e300, float("nan"), float("inf")])
def test_a_counter_beyond_all_counting_is_none(progress: float) -> None:
    assert reported(task_id="t", progress=progress, progress_percent=1.0).completed_tasks is None


def test_subtasks_keep_their_names_and_the_servers_words() -> None:
    fact = reported(task_id="t", subtask_status={"a": "in_progress", "b": "purple", "c": 5})
    assert fact.subtask_status == {"a": "in_progress", "b": "purple", "c": "5"}


def test_a_wave_without_success_rate_has_failures_and_artifacts() -> None:
    fact = fact_of("wave_completed", {"wave_number": 1, "tasks_in_wave": 4, "failed_tasks": 1, "artifacts_created": 2})
    assert fact == WaveCompleted(1, atoms=4, failed=1, artifacts=2)


def test_an_error_without_words_shows_its_type_and_stack() -> None:
    fact = fact_of("error", {"task_id": "t", "error_type": "OSError", "stack_trace": "at x"})
    assert fact == ErrorReported("OSError", "t", error_type="OSError", stack="at x")


def test_fields_outside_final_stats_win_over_it() -> None:
    data = {"completed_tasks": 5, "skipped_tasks": 1, "final_stats": {"completed_tasks": 4, "skipped_tasks": 9}}
    assert fact_of("execution_completed", data) == ExecutionCompleted(completed_tasks=5, skipped_tasks=1)


@pytest.mark.parametrize("kind", ["wave_completed", "artifact_created", "error"])
def test_an_event_without_what_names_it_is_kept_as_unknown(kind: str) -> None:
    assert fact_of(kind, {"task_id": "t"}) == UnknownEvent("t")


@pytest.mark.parametrize("kind", ["execution_started", "progress_update", "execution_completed"])
def test_an_empty_event_is_an_empty_fact(kind: str) -> None:
    fact = fact_of(kind, {})
    assert fact == type(fact)()
    assert not isinstance(fact, UnknownEvent)
