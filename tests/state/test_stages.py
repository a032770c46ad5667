"""Facts beside the tasks: stages before an execution, phases as a whole, counters and metrics of a pipeline."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.folding import Folded, execution, fold


def alerts(folded: Folded) -> list[str]:
    return [row.text for row in folded.state.alerts]


def stage(kind: str, at: float, **data: Any) -> str:
    return execution(f"masterplan_{kind}", at, **data)


GENERATION = [
    stage("generation_start", 0, estimated_tokens=17_000),
    stage("tokens_progress", 10, tokens_received=8500, percentage=50, current_phase="Writing phases"),
    stage("parsing_complete", 20, total_tasks=50),
    stage("validation_start", 21),
    stage("saving_start", 22),
]
DONE = stage("generation_complete", 30, generation_cost_usd=0.31, duration_seconds=30.0)


def test_a_stage_is_a_task_with_a_percent_tokens_and_cost() -> None:
    folded = fold(GENERATION)
    task = folded.tables.frame("tasks").loc["masterplan_generation"]
    assert (task["name"], task["status"], task["progress"]) == ("Master plan generation", "running", 50.0)
    assert (task["tokens"], task["step"]) == (8500, "Writing phases")
    assert folded.state.percent == 50.0
    folded.feed([DONE])
    task = folded.tables.frame("tasks").loc["masterplan_generation"]
    assert (task["status"], task["progress"], task["cost_usd"], task["duration_s"]) == ("completed", 100.0, 0.31, 30.0)


def test_the_steps_of_a_stage_are_consecutive_subtasks() -> None:
    folded = fold(GENERATION)
    steps = folded.tables.frame("subtasks").loc["masterplan_generation"]
    assert steps["status"].to_dict() == {"parsing": "completed", "validation": "completed", "saving": "running"}
    folded.feed([DONE])
    steps = folded.tables.frame("subtasks").loc["masterplan_generation"]
    assert set(steps["status"]) == {"completed"}


def test_a_failed_stage_is_an_error() -> None:
    folded = fold([*GENERATION, stage("generation_failed", 30, error="no tokens left")])
    task = folded.tables.frame("tasks").loc["masterplan_generation"]
    assert (task["status"], task["error"]) == ("failed", "no tokens left")
    assert folded.tables.frame("errors")["message"].tolist() == ["no tokens left"]
    assert folded.tables.frame("subtasks").loc[("masterplan_generation", "saving"), "status"] == "failed"


def plan_task(number: int, status: str, at: float, total: int = 2) -> str:
    return execution(
        "task_execution_complete",
        at,
        task_id=f"t{number}",
        status=status,
        output_files=[f"f{number}.py"],
        completed_tasks=number,
        total_tasks=total,
    )


def test_a_plan_ends_with_its_last_completed_task() -> None:
    folded = fold([execution("masterplan_execution_start", 0, masterplan_id="m", total_tasks=2)])
    folded.feed([plan_task(1, "completed", 1)])
    assert folded.state.run().status == "running"
    folded.feed([plan_task(2, "completed", 2)])
    run = folded.state.run()
    assert folded.state.finished
    assert (run.execution_id, run.status, run.percent, run.completed_tasks) == ("m", "completed", 100.0, 2)
    assert folded.tables.frame("artifacts")["path"].tolist() == ["f1.py", "f2.py"]


def test_a_plan_with_a_failed_task_is_partly_completed() -> None:
    folded = fold([plan_task(1, "failed", 1), plan_task(2, "completed", 2)])
    assert (folded.state.finished, folded.state.run().status) == (True, "partial")


def test_updates_of_a_phase_become_one_row() -> None:
    folded = fold(
        [
            execution("phase_started", 0, phase=1, name="Analysis"),
            execution("pipeline_update", 1, phase=1, progress=4, total=10, phase_status="running"),
            execution("phase_started", 2, phase=2, name="Build"),
        ]
    )
    phases = folded.tables.frame("phases")
    assert phases["name"].to_dict() == {1: "Analysis", 2: "Build"}
    assert phases["status"].to_dict() == {1: "running", 2: "running"}
    assert (phases.loc[1, "progress"], phases.loc[1, "completed"], phases.loc[1, "tasks"]) == (40.0, 4, 10)
    folded.feed(
        [
            execution("phase_completed", 3, phase=1, name="Analysis", success=True),
            execution("phase_completed", 4, phase=2, name="Build", success=False),
        ]
    )
    phases = folded.tables.frame("phases")
    assert phases["status"].to_dict() == {1: "completed", 2: "failed"}
    assert (phases.loc[1, "progress"], phases.loc[1, "completed"]) == (100.0, 10)


def test_a_phase_without_a_number_is_found_by_its_name() -> None:
    folded = fold(
        [
            execution("phase_started", 0, phase="plan"),
            execution("phase_started", 1, phase="build"),
            execution("phase_completed", 2, phase="plan", success=True),
        ]
    )
    phases = folded.tables.frame("phases")
    assert phases["name"].to_dict() == {0: "plan", 1: "build"}
    assert phases["status"].to_dict() == {0: "completed", 1: "running"}


def test_a_pipeline_has_counters_metrics_and_lines() -> None:
    folded = fold(
        [
            execution(
                "pipeline_update",
                1,
                total_tasks=50,
                completed_tasks=12,
                failed_tasks=1,
                message="Compiling",
                metrics={"llm_tokens": 900, "llm_cost": 0.02},
            )
        ]
    )
    run = folded.state.run()
    assert (run.total_tasks, run.completed_tasks, run.failed_tasks, run.percent) == (50, 12, 1, 24.0)
    assert (run.tokens_used, run.cost_usd) == (900, 0.02)
    assert folded.tables.frame("output")["text"].tolist() == ["Compiling\n"]


def test_an_older_update_does_not_put_the_metrics_back() -> None:
    folded = fold(
        [
            execution("pipeline_update", 5, completed_tasks=12, total_tasks=50, metrics={"llm_tokens": 900}),
            execution("pipeline_update", 1, completed_tasks=3, total_tasks=50, metrics={"llm_tokens": 100}),
        ]
    )
    run = folded.state.run()
    assert (run.completed_tasks, run.tokens_used) == (12, 900)


@pytest.mark.parametrize(
    ("percents", "expected"),
    [
        ([50.0, 79.9], []),
        ([80.0, 85.0, 99.0], ["The model's context is nearly full: 80 %"]),
        ([85.0, 100.0, 100.0], ["The model's context is nearly full: 85 %", "The model's context is full"]),
        ([85.0, 10.0, 90.0], ["The model's context is nearly full: 85 %", "The model's context is nearly full: 90 %"]),
    ],
)
def test_a_full_context_is_reported_once(percents: list[float], expected: list[str]) -> None:
    folded = fold(execution("context_update", at, usage_percentage=percent) for at, percent in enumerate(percents))
    assert alerts(folded) == expected
