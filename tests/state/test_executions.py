"""The execution family in the state: tasks with phases and waves, the plan, the end."""

from __future__ import annotations

from typing import Any

import pytest

from runconsole.decoding.envelope import read_events
from runconsole.events import TaskStatus
from runconsole.state import Finished, Phase, RunState, Wave
from tests.support.folding import START, execution, fold


def update(task_id: str = "t", at: float | None = None, **data: Any) -> str:
    return execution("progress_update", at, task_id=task_id, **data)


def moment(at: float) -> int:
    return START + round(at * 1e6)


def test_the_plan_names_the_phases_in_their_order() -> None:
    phases = [{"number": 2, "name": "Build", "tasks": 3}, {"number": 0, "name": "Plan", "tasks": 1}]
    state = fold([execution("execution_started", 0, execution_id="e", total_tasks=4, phases=phases)]).state
    assert list(state.phases.values()) == [Phase(0, "Plan", 1), Phase(2, "Build", 3)]
    run = state.run()
    assert (run.execution_id, run.status, run.total_tasks, run.percent) == ("e", "running", 4, 0.0)
    assert run.started_at == START


def test_a_run_may_bring_its_title_and_limits() -> None:
    said = {"title": "theirs", "token_budget": 100, "cost_limit": 2.5, "expected_artifacts": 3}
    run = fold([execution("execution_started", 0, **said)]).state.run()
    assert (run.title, run.token_budget, run.cost_limit, run.expected_artifacts) == ("theirs", 100, 2.5, 3)
    own = RunState(title="mine", token_budget=7)
    for event in read_events(execution("execution_started", 0, **said), 0):
        own.apply(event)
    assert (own.title, own.token_budget, own.cost_limit) == ("mine", 7, 2.5)


def test_a_phase_is_complete_with_its_last_task() -> None:
    folded = fold([execution("execution_started", phases=[{"number": 0, "tasks": 2}])])
    steps = []
    for task_id, status in (("a", "in_progress"), ("a", "completed"), ("b", "in_progress"), ("b", "completed")):
        phase = folded.feed([update(task_id, phase=0, status=status)]).state.phases[0]
        steps.append((phase.status, phase.progress))
    assert steps == [("running", 0.0), ("running", 50.0), ("running", 50.0), ("completed", 100.0)]


@pytest.mark.parametrize(
    ("statuses", "status"),
    [
        (["failed", "completed"], "failed"),
        (["skipped", "completed"], "completed"),
        (["failed", "in_progress"], "running"),
        (["pending", "pending"], "pending"),
        (["completed", "pending"], "running"),
        ([], "pending"),
    ],
)
def test_a_phases_status_is_what_its_tasks_say(statuses: list[str], status: str) -> None:
    started = execution("execution_started", phases=[{"number": 0, "tasks": 2}])
    state = fold([started, *(update(f"t{n}", phase=0, status=word) for n, word in enumerate(statuses))]).state
    assert state.phases[0].status == status


def test_an_unplanned_phase_has_no_percent_an_empty_one_is_full() -> None:
    (phase,) = fold([update(phase=1, phase_name="Analysis", status="completed")]).state.phases.values()
    assert (phase.name, phase.tasks, phase.counts) == ("Analysis", None, {TaskStatus.COMPLETED: 1})
    assert (phase.progress, phase.status, phase.ended_at) == (None, "running", None)
    empty = fold([execution("execution_started", phases=[{"number": 0, "tasks": 0, "status": "pending"}])]).state
    assert (empty.phases[0].progress, empty.phases[0].status) == (100.0, "pending")


def test_a_phase_lasts_from_its_first_start_to_its_last_end() -> None:
    state = fold(
        [
            execution("execution_started", 0, phases=[{"number": 0, "tasks": 2}]),
            update("a", 1, phase=0, status="in_progress"),
            update("b", 2, phase=0, status="in_progress"),
            update("b", 7, phase=0, status="completed"),
            update("a", 5, phase=0, status="completed"),
        ]
    ).state
    phase = state.phases[0]
    assert (phase.started_at, phase.ended_at, phase.duration_s) == (moment(1), moment(7), 6.0)


def test_a_task_that_changes_its_phase_is_counted_once() -> None:
    state = fold([update(phase=0, status="in_progress"), update(phase=1, status="in_progress")]).state
    assert [phase.count(TaskStatus.RUNNING) for phase in state.phases.values()] == [0, 1]


def test_a_task_reported_at_its_end_began_its_duration_before() -> None:
    row = fold([update(at=10, status="completed", duration_ms=2500)]).state.tasks["t"]
    assert (row.started_at, row.ended_at, row.duration_s, row.progress) == (moment(7.5), moment(10), 2.5, 100.0)


@pytest.mark.parametrize("milliseconds", [1e300, -5000, 1e17])
def test_a_duration_beyond_all_time_gives_no_start(milliseconds: float) -> None:
    row = fold([update(at=10, status="completed", duration_ms=milliseconds)]).state.tasks["t"]
    assert (row.started_at, row.duration_s) == (None, milliseconds / 1000)


def test_a_finished_task_runs_again_only_by_a_newer_event() -> None:
    folded = fold([update(at=1, status="in_progress"), update(at=5, status="failed", duration_ms=4000)])
    late = folded.feed([update(at=3, status="in_progress")]).state.tasks["t"]
    assert (late.status, late.ended_at, late.duration_s) == ("failed", moment(5), 4.0)
    again = folded.feed([update(at=6, status="in_progress")]).state.tasks["t"]
    assert (again.status, again.ended_at, again.duration_s) == ("running", None, None)
    done = folded.feed([update(at=9, status="completed", duration_ms=3000)]).state.tasks["t"]
    assert (done.status, done.ended_at, done.duration_s, done.started_at) == ("completed", moment(9), 3.0, moment(1))


def test_without_timestamps_what_is_completed_stays_completed() -> None:
    folded = fold([update(status="completed"), update(status="in_progress"), update(status="failed")])
    assert folded.state.tasks["t"].status == "completed"


def test_a_late_event_may_still_tell_what_nobody_knew() -> None:
    folded = fold(
        [update(at=5, status="completed"), update(at=3, task_name="Plan", status="in_progress", current_wave=1)]
    )
    row = folded.state.tasks["t"]
    assert (row.name, row.wave, row.status) == ("Plan", 1, "completed")


def test_waves_up_to_the_current_one_run_until_completed() -> None:
    folded = fold([update(current_wave=3)])
    assert folded.state.waves == {n: Wave(n) for n in (1, 2, 3)}
    folded.feed([execution("wave_completed", 4, wave_number=2, atoms_in_wave=10, atoms_completed=9, duration_ms=500)])
    assert [wave.status for wave in folded.state.waves.values()] == ["running", "completed", "running"]
    wave = folded.state.waves[2]
    assert (wave.success_rate, wave.duration_s, wave.completed_at) == (0.9, 0.5, moment(4))
    assert folded.state.run().current_wave == 3


@pytest.mark.parametrize(("number", "known"), [(0, [0]), (-2, [-2]), (1_000_000_000, [1_000_000_000]), (2, [1, 2])])
def test_a_waves_number_may_be_anything_and_fills_no_memory(number: int, known: list[int]) -> None:
    assert list(fold([update(current_wave=number)]).state.waves) == known


def test_the_current_wave_never_goes_back() -> None:
    assert fold([update(current_wave=3), update(current_wave=1)]).state.current_wave == 3


def test_subtasks_come_with_their_task() -> None:
    statuses = {"a": "completed", "b": "in_progress", "c": "purple", "d": "Timed Out"}
    folded = fold([update(at=1, status="in_progress", subtask_status=statuses)])
    rows = folded.state.subtasks["t"]
    assert [(row.name, row.status, row.progress) for row in rows.values()] == [
        ("a", "completed", 100.0),
        ("b", "running", None),
        ("c", "pending", None),
        ("d", "failed", None),
    ]
    assert (folded.state.tasks["t"].subtasks, folded.state.tasks["t"].subtasks_done) == (4, 1)


def test_the_current_task_is_the_last_reported_one() -> None:
    folded = fold([update("a", 1, task_name="A"), update("b", 2, task_name="B"), update("a", 1)])
    run = folded.state.run()
    assert (run.current_task, run.current_task_name) == ("b", "B")


@pytest.mark.parametrize(
    ("reported", "status"),
    [
        ("success", "completed"),
        ("completed", "completed"),
        ("partial_success", "partial"),
        ("failed", "failed"),
        ("cancelled", "cancelled"),
        ("SUCCESS", "completed"),
        (None, "completed"),
    ],
)
def test_the_end_of_an_execution_is_the_end_of_the_run(reported: str | None, status: str) -> None:
    folded = fold([update(at=1, status="completed", completed_tasks=1, total_tasks=2)])
    (event,) = read_events(execution("execution_completed", 9, status=reported, duration_ms=8000, skipped_tasks=1), 1)
    assert Finished() in folded.state.apply(event)
    assert folded.state.apply(event) == ()
    run = folded.state.run()
    assert (run.status, run.ended_at, run.duration_s, run.skipped_tasks) == (status, moment(9), 8.0, 1)
    assert (run.current_task, run.completed_tasks, run.total_tasks) == (None, 1, 2)


def test_a_run_that_ended_well_has_no_wave_or_phase_still_going() -> None:
    frames = [
        execution("execution_started", phases=[{"number": 0}]),
        update(phase=0, current_wave=2, status="completed"),
    ]
    for status, left in (("success", "completed"), ("failed", "running")):
        state = fold([*frames, execution("execution_completed", status=status)]).state
        assert (
            {wave.status for wave in state.waves.values()}
            == {phase.status for phase in state.phases.values()}
            == {left}
        )


def test_the_servers_own_sums_win_over_what_was_counted() -> None:
    sums = {"completed_tasks": 118, "failed_tasks": 2, "artifacts_created": 45, "tokens_used": 67450, "cost_usd": 0.42}
    state = fold([update(status="completed"), execution("execution_completed", total_tasks=120, **sums)]).state
    run = state.run()
    assert (run.completed_tasks, run.failed_tasks, run.artifacts, run.tokens_used, run.cost_usd) == tuple(sums.values())
    assert run.percent == pytest.approx(98.333, abs=1e-3)


@pytest.mark.parametrize(
    "reported", [{"error": "no space"}, {"error": {"detail": "no space"}}, {"message": "no space"}]
)
def test_a_failed_task_keeps_the_words_beside_its_status(reported: dict[str, Any]) -> None:
    folded = fold([execution("progress_update", 1, task_id="t", status="failed", **reported)])
    assert folded.tables.frame("tasks").loc["t", "error"] == "no space"
