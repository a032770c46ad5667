"""The task family in the state: tasks, subtasks, metrics, agents."""

from __future__ import annotations

from typing import Any

import pytest

from runconsole.decoding.envelope import read_events
from runconsole.events import Micros, Received, TaskCompleted
from runconsole.state import Finished, Run, Task
from tests.support.folding import START, Folded, execution, fold, task


def row(*frames: str) -> Task:
    return fold(frames).state.tasks["t"]


def moment(at: float) -> int:
    return START + round(at * 1e6)


def test_a_task_is_named_by_the_first_line_of_its_prompt() -> None:
    assert row(task("task.created", prompt="\n Add a page \nwith words")).name == "Add a page"
    assert row(task("task.created", prompt="  \n")).name is None
    assert row(task("task.created")).status == "pending"


def test_a_started_task_runs_at_its_worker() -> None:
    started = row(task("task.created", 0), task("task.started", 1, workerId="w", providerId="p", accessMode="api"))
    assert (started.status, started.started_at, started.worker_id, started.provider_id) == (
        "running",
        moment(1),
        "w",
        "p",
    )


def test_progress_of_a_pending_task_means_that_it_runs() -> None:
    running = row(task("task.progress", 3, progress=20, currentStep="Half", metrics={"tokensUsed": 5, "cost": 0.1}))
    assert (running.status, running.progress, running.step, running.started_at) == ("running", 20.0, "Half", moment(3))
    assert (running.tokens, running.cost_usd) == (5, 0.1)


@pytest.mark.parametrize(
    ("kinds", "status"),
    [
        (["task.started", "task.paused"], "paused"),
        (["task.started", "task.paused", "task.resumed"], "running"),
        (["task.started", "task.paused", "task.progress"], "paused"),
        (["task.started", "task.completed"], "completed"),
        (["task.started", "task.completed", "task.paused"], "completed"),
        (["task.started", "task.completed", "task.failed"], "completed"),
        (["task.started", "task.failed", "task.completed"], "completed"),
        (["task.started", "task.cancelled", "task.queued"], "cancelled"),
        (["task.started", "task.queued"], "running"),
    ],
)
def test_a_task_goes_its_way_also_without_timestamps(kinds: list[str], status: str) -> None:
    assert row(*(task(kind) for kind in kinds)).status == status


def test_a_status_beside_the_progress_is_the_tasks_status() -> None:
    assert row(task("task.started", 1), task("task.progress", 2, status="waiting_hitl")).status == "paused"


def test_a_named_phase_is_kept() -> None:
    folded = fold([task("task.phase_changed", 2, newPhase="implementation")])
    assert folded.state.tasks["t"].phase_name == "implementation"
    folded.feed([task("task.phase_changed", 1, newPhase="specification")])
    assert folded.state.tasks["t"].phase_name == "implementation"
    assert folded.state.phases == {}


def test_a_completed_task_counts_100_and_keeps_its_metrics() -> None:
    done = row(
        task("task.started", 0),
        task("task.progress", 1, progress=60),
        task("task.completed", 9, metrics={"totalDuration": 8.5, "tokensUsed": 70, "cost": 0.2}),
        task("task.progress", 10, progress=80, metrics={"tokensUsed": 71}),
    )
    assert (done.status, done.progress, done.ended_at, done.duration_s) == ("completed", 100.0, moment(9), 8.5)
    assert (done.tokens, done.cost_usd) == (71, 0.2)


def test_a_failed_task_has_an_error_and_the_run_a_row() -> None:
    folded = fold([task("task.failed", 4, error={"code": "X", "message": "broke", "recoverable": False})])
    assert folded.state.tasks["t"].error == "broke"
    (error,) = folded.state.errors.values()
    assert (error.task_id, error.message, error.error_type, error.recoverable, error.at) == (
        "t",
        "broke",
        "X",
        False,
        moment(4),
    )


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        ({"reason": "too dear", "cancelledBy": "user"}, "cancelled by user: too dear"),
        ({"cancelledBy": "timeout"}, "cancelled by timeout"),
        ({}, "cancelled"),
    ],
)
def test_a_cancelled_task_says_why(payload: dict[str, Any], error: str) -> None:
    cancelled = row(task("task.cancelled", **payload))
    assert (cancelled.status, cancelled.error) == ("cancelled", error)


def test_the_files_of_a_completed_task_are_artifacts() -> None:
    result = {"filesCreated": ["a"], "filesModified": ["b"], "filesDeleted": ["c"]}
    artifacts = fold([task("task.completed", result=result)]).state.artifacts
    assert {key: (row.action, row.kind) for key, row in artifacts.items()} == {
        ("t", "a"): ("created", "file"),
        ("t", "b"): ("modified", "file"),
        ("t", "c"): ("deleted", "file"),
    }


def test_a_tasks_end_is_its_events_time_even_after_a_query() -> None:
    folded = fold([task("task.started", 1)])
    folded.apply(Received("tasks.get", TaskCompleted("t"), "", moment(5)))
    assert folded.state.tasks["t"].ended_at == moment(5)
    folded.feed([task("task.completed", 3)])
    assert folded.state.tasks["t"].ended_at == moment(3)
    folded.feed([task("task.completed", 4)])
    assert folded.state.tasks["t"].ended_at == moment(3)


# ---- subtasks ------------------------------------------------------------------------------------------------------


def test_a_subtask_goes_from_its_start_to_its_end() -> None:
    folded = fold(
        [
            task("subtask.created", 0, subtaskId="s", name="Plan", description="all of it"),
            task("task.subtask.started", 1, subtaskId="s", agentId="a"),
            task("task.progress", 2, subtask={"id": "s", "name": "Plan", "progress": 40}),
        ]
    )
    running = folded.state.subtasks["t"]["s"]
    assert (running.status, running.progress, running.agent_id, running.started_at) == ("running", 40.0, "a", moment(1))
    folded.feed([task("task.subtask.completed", 5, subtaskId="s", duration=3.5, artifacts=["plan.md"])])
    done = folded.state.subtasks["t"]["s"]
    assert (done.status, done.progress, done.duration_s, done.ended_at) == ("completed", 100.0, 3.5, moment(5))
    assert done.description == "all of it"
    assert (folded.state.tasks["t"].subtasks, folded.state.tasks["t"].subtasks_done) == (1, 1)
    assert ("t", "plan.md") in folded.state.artifacts


def test_a_failed_subtask_says_why_and_is_not_done() -> None:
    folded = fold([task("subtask.failed", subtaskId="s", error="no space")])
    failed = folded.state.subtasks["t"]["s"]
    assert (failed.status, failed.error, folded.state.tasks["t"].subtasks_done) == ("failed", "no space", 0)


# ---- agents --------------------------------------------------------------------------------------------------------


def used(agent: str, tokens: int, **payload: Any) -> str:
    return task("agent.completed", agentId=agent, metrics={"tokensUsed": tokens, "cost": tokens / 100}, **payload)


def test_agents_add_up_if_the_task_has_no_metrics() -> None:
    folded = fold([used("a", 5), used("b", 7), used("a", 5)])
    assert folded.state.tasks["t"].tokens == 12
    assert folded.state.tasks["t"].cost_usd == pytest.approx(0.12)
    folded.feed([task("task.progress", metrics={"tokensUsed": 9}), used("c", 100)])
    assert folded.state.tasks["t"].tokens == 9


def test_an_agent_of_no_task_adds_to_none() -> None:
    assert fold([used("a", 5, taskId=None)]).state.tasks == {}


def test_the_runs_tokens_and_cost_are_the_sums_over_its_tasks() -> None:
    frames = [
        task("task.progress", taskId=name, metrics={"tokensUsed": tokens, "cost": 0.1})
        for name, tokens in (("a", 10), ("b", 20), ("a", 15))
    ]
    run = fold(frames).state.run()
    assert (run.tokens_used, run.cost_usd) == (35, 0.2)


# ---- percent and the end -------------------------------------------------------------------------------------------


def test_the_progress_of_many_tasks_is_their_mean() -> None:
    folded = fold([task("task.created", taskId="a"), task("task.created", taskId="b")])
    later = [
        task("task.progress", taskId="a", progress=30),
        task("task.failed", taskId="b", error="x"),
        task("task.completed", taskId="a"),
    ]
    seen = [folded.state.percent, *(folded.feed([frame]).state.percent for frame in later)]
    assert seen == [None, 15.0, 65.0, 100.0]


@pytest.mark.parametrize(("progress", "percent"), [(40, 40.0), (400, 100.0), (-4, 0.0), (0, 0.0), (None, None)])
def test_a_followed_tasks_progress_is_the_runs(progress: int | None, percent: float | None) -> None:
    frames = [task("task.progress", progress=progress), task("task.progress", taskId="other", progress=90)]
    assert fold(frames, task="t").state.percent == percent


def test_a_followed_task_that_failed_shows_how_far_it_came() -> None:
    frames = [task("task.progress", progress=40), task("task.failed", error="x")]
    assert fold(frames, task="t").state.percent == 40.0
    assert fold([task("task.completed")], task="t").state.percent == 100.0


def ending(folded: Folded, frame: str) -> bool:
    (event,) = read_events(frame, folded.now)
    return Finished() in folded.state.apply(event)


@pytest.mark.parametrize("kind", ["completed", "failed", "cancelled"])
def test_only_the_followed_tasks_end_ends_the_run(kind: str) -> None:
    folded = fold([task("task.started", 0)], task="t")
    assert not ending(folded, task(f"task.{kind}", 3, taskId="other"))
    assert ending(folded, task(f"task.{kind}", 4))
    run: Run[Micros] = folded.state.run()
    assert (run.status, run.started_at, run.ended_at, run.duration_s) == (kind, START, moment(4), 4.0)


@pytest.mark.parametrize("kind", ["completed", "failed", "cancelled"])
def test_no_task_ends_a_run_that_follows_everything(kind: str) -> None:
    assert not ending(fold([task("task.started")]), task(f"task.{kind}"))


@pytest.mark.parametrize(
    ("kinds", "status"),
    [
        ([], "pending"),
        (["created"], "pending"),
        (["started", "created"], "running"),
        (["completed", "completed"], "running"),
    ],
)
def test_a_run_of_many_tasks_runs_as_soon_as_one_of_them_does(kinds: list[str], status: str) -> None:
    assert fold([task(f"task.{kind}", taskId=str(n)) for n, kind in enumerate(kinds)]).state.status == status


def test_both_families_on_one_stream_count_as_an_execution() -> None:
    folded = fold([execution("progress_update", task_id="a", completed_tasks=1, total_tasks=4), task("task.progress")])
    assert folded.state.percent == 25.0
    assert set(folded.state.tasks) == {"a", "t"}
