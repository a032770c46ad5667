"""Time and answers of runs: small runs with known results, and laws for every run."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runconsole import Console
from runconsole.analysis import ALL, bottlenecks, checkpoint_stats, compare_runs, critical_path
from runconsole.simulator import Simulator
from tests.support.folding import START, Folded, execution, fold, frames_of, task

EMPTY = Folded().tables


def tasks(*rows: tuple[str, float, float | None], **more: list[Any]) -> pd.DataFrame:
    """Return a frame of tasks by their names, starts and ends in seconds; `more` are further columns."""
    names = [name for name, _, _ in rows]
    frame = EMPTY.frame("tasks").reindex(pd.Index(names, dtype="string", name="task_id"))
    frame = frame.astype(EMPTY.frame("tasks").dtypes)
    frame["started_at"] = _times([start for _, start, _ in rows])
    frame["ended_at"] = _times([end for _, _, end in rows])
    frame["status"] = pd.array(["running" if end is None else "completed" for _, _, end in rows], dtype="string")
    for column, values in more.items():
        frame[column] = pd.array(values, dtype=str(frame[column].dtype))  # type: ignore[call-overload]
    return frame


def _times(seconds: list[float | None]) -> Any:
    micros = [None if second is None else START + round(second * 1e6) for second in seconds]
    return pd.array(pd.to_datetime(pd.Series(micros, dtype="Int64"), unit="us", utc=True)).as_unit("us")


# ---- the critical path ---------------------------------------------------------------------------------------------


def test_the_critical_path_goes_back_from_the_last_end() -> None:
    path = critical_path(
        tasks(("a", 0, 4), ("short", 0, 1), ("b", 5, 7), ("also", 1, 3), ("c", 7, 10), ("open", 8, None), ("d", 2, 9))
    )
    assert path["task_id"].tolist() == ["a", "b", "c"]
    assert path["duration_s"].tolist() == [4, 2, 3]
    assert path["wait_s"].tolist() == [0, 1, 0]
    assert path["share"].tolist() == [0.4, 0.2, 0.3]


def test_a_path_that_begins_late_waited_from_the_first_start() -> None:
    path = critical_path(tasks(("early", 0, 9), ("late", 3, 10)))
    assert (path["task_id"].tolist(), path["wait_s"].tolist()) == (["late"], [3])


def test_the_longest_of_tasks_with_one_end_is_on_the_path() -> None:
    path = critical_path(tasks(("short", 2, 3), ("long", 0, 3), ("end", 3, 4), ("with it", 3.5, 4)))
    assert path["task_id"].tolist() == ["long", "end"]


def test_tasks_without_any_length_do_not_go_round() -> None:
    path = critical_path(tasks(("a", 1, 1), ("b", 1, 1), ("c", 0, 1), ("d", 1, 1)))
    assert path["task_id"].tolist()[0] == "c"
    assert path["task_id"].is_unique
    assert critical_path(tasks(("a", 1, 1)))["share"].isna().all()


_seconds = st.integers(0, 8)


@given(st.lists(st.tuples(_seconds, _seconds | st.none()), max_size=12))
def test_every_second_of_a_run_is_one_of_its_path_or_of_a_wait(spans: list[tuple[int, int | None]]) -> None:
    frame = tasks(*((f"t{n}", start, None if long is None else start + long) for n, (start, long) in enumerate(spans)))
    path = critical_path(frame)
    ended = frame.dropna(subset="ended_at")
    assert path.empty == ended.empty
    if not ended.empty:
        length = (ended["ended_at"].max() - ended["started_at"].min()).total_seconds()
        assert (path["duration_s"] + path["wait_s"]).sum() == pytest.approx(length)
        assert (path["wait_s"] >= 0).all()
        assert path["ended_at"].is_monotonic_increasing
        assert path["task_id"].is_unique


def test_subtasks_make_a_finer_path() -> None:
    subtasks = fold(frames_of("seed-task")).tables.frame("subtasks")
    path = critical_path(subtasks)
    assert path.columns.tolist()[:3] == ["task_id", "subtask_id", "name"]
    assert len(path)


def test_the_shape_is_the_same_when_there_is_nothing() -> None:
    for look in (critical_path, bottlenecks):
        empty, full = look(EMPTY.frame("tasks")), look(tasks(("a", 0, 1), phase_name=["Plan"]))
        assert empty.empty
        assert empty.dtypes.to_dict() == full.dtypes.to_dict()
    stats: Any = checkpoint_stats(EMPTY.frame("checkpoints"))
    asked = checkpoint_stats(fold(frames_of("variants")).tables.frame("checkpoints"))
    assert stats.dtypes.to_dict() == asked.dtypes.to_dict()
    assert (stats.index.tolist(), stats.loc[ALL, "count"]) == ([ALL], 0)
    assert stats["approval_rate"].isna().all()


# ---- bottlenecks ---------------------------------------------------------------------------------------------------


def necks() -> pd.DataFrame:
    frame = tasks(
        ("a", 0, 4),
        ("b", 1, 3),
        ("c", 6, 10),
        ("d", 6, None),
        phase_name=["Plan", "Plan", "Build", None],
        phase=[0, 0, 1, 7],
        worker_id=["w1", "w2", "w1", None],
        attempts=[2, None, 1, None],
        status=["completed", "failed", "completed", "running"],
    )
    frames = [
        task("task.hitl_required", 0, checkpointId="q", taskId="c"),
        task("checkpoint.resolved", 3, checkpointId="q"),
    ]
    return bottlenecks(frame, fold(frames).tables.frame("checkpoints"))


def test_bottlenecks_are_by_phase_wave_worker_and_provider() -> None:
    found = necks()
    assert found[["by", "name"]].to_numpy().tolist() == [
        ["phase", "Plan"],
        ["phase", "Build"],
        ["phase", "7"],
        ["worker", "w1"],
        ["worker", "w2"],
    ]
    plan, build, seven, worker = (found.iloc[place].drop(["by", "name"]).to_dict() for place in range(4))
    assert plan == {
        "tasks": 2,
        "work_s": 6,
        "share": 0.6,
        "span_s": 4,
        "idle_s": 0,
        "people_s": 0,
        "critical_s": 4,
        "critical_share": 0.4,
        "retries": 2,
        "failures": 1,
    }
    assert (build["people_s"], build["critical_s"], build["retries"]) == (3, 4, 1)
    assert seven["work_s"] == 0
    assert pd.isna(seven["span_s"])
    assert (worker["span_s"], worker["idle_s"], worker["critical_share"]) == (10, 2, 0.8)


@settings(max_examples=40)  # each makes three frames
@given(st.lists(st.tuples(_seconds, _seconds, st.sampled_from("xyz")), min_size=1, max_size=12))
def test_shares_add_up_and_idle_time_is_within_the_span(spans: list[tuple[int, int, str]]) -> None:
    rows = ((f"t{n}", start, start + long) for n, (start, long, _) in enumerate(spans))
    frame = tasks(*rows, worker_id=[worker for *_, worker in spans])
    found = bottlenecks(frame)
    assert found["work_s"].sum() == sum(long for _, long, _ in spans)
    assert found["critical_s"].sum() == pytest.approx(critical_path(frame)["duration_s"].sum())
    assert (found["idle_s"] <= found["span_s"]).all()
    assert (found["span_s"] - found["idle_s"] <= found["work_s"]).all()


# ---- retries -------------------------------------------------------------------------------------------------------

RETRIED = [
    task("task.started", 0, workerId="w"),
    task("task.failed", 5, error={"message": "m"}, metrics={"duration": 5}),
    task("task.started", 8, workerId="w"),
    task("task.completed", 20, metrics={"totalDuration": 12}),
]


def tries(frames: list[str], *, with_events: bool = True) -> list[Any]:
    """Return the retries and failures of the one worker of these frames."""
    tables = fold(frames).tables
    found = bottlenecks(tables.frame("tasks"), None, tables.frame("events") if with_events else None)
    [row] = found.loc[found["by"] == "worker", ["retries", "failures"]].to_numpy().tolist()
    return row


def test_a_failure_and_a_new_beginning_are_counted() -> None:
    assert tries(RETRIED) == [1, 1]
    assert tries([*RETRIED[:2], *RETRIED[2:3]]) == [1, 1]
    assert tries(RETRIED[:2]) == [0, 1]
    assert tries([RETRIED[0], RETRIED[3]]) == [0, 0]
    again = [task("task.failed", 9), task("task.resumed", 12), task("task.completed", 13)]
    assert tries([*RETRIED[:3], *again]) == [2, 2]
    cancelled = [RETRIED[0], task("task.cancelled", 5), task("task.started", 9, workerId="w")]
    assert tries(cancelled) == [1, 0]


def test_unreported_retries_are_unknown_and_not_none() -> None:
    assert tries(RETRIED, with_events=False) == [pd.NA, 0]
    told_again = [
        json.dumps({key: value for key, value in json.loads(text).items() if key != "timestamp"}) for text in RETRIED
    ]
    assert tries(told_again) == [pd.NA, 1]


def test_repeated_late_or_reordered_events_are_no_retries() -> None:
    assert tries([frame for frame in RETRIED for _ in range(2)]) == [1, 1]
    assert tries([*RETRIED, *RETRIED[:2]]) == [1, 1]
    assert tries([RETRIED[0], *RETRIED[2:], RETRIED[1]]) == [1, 1]
    reports = [
        task("task.progress", at, status=status) for at, status in ((1, "running"), (6, "failed"), (9, "running"))
    ]
    assert tries([*RETRIED, *reports]) == [1, 1]


def test_a_task_counts_no_turns_of_subtasks_or_other_tasks() -> None:
    others = [task("subtask.failed", 6, subtaskId="s"), task("subtask.started", 7, subtaskId="s")]
    others += [task("task.failed", 3, taskId="u"), task("task.started", 4, taskId="u")]
    assert tries([RETRIED[0], *others, RETRIED[3]]) == [0, 0]


def test_the_errors_of_an_execution_hold_its_retries() -> None:
    frames = [
        execution("progress_update", 0, task_id="t", phase=0, status="running"),
        execution("error", 2, task_id="t", message="m", retry_attempt=2, max_retries=3),
        execution("progress_update", 9, task_id="t", phase=0, status="completed"),
        execution("progress_update", 9, task_id="u", phase=1, status="failed", duration_ms=1000),
    ]
    tables = fold(frames).tables
    found = bottlenecks(tables.frame("tasks"), events=tables.frame("events"))
    assert found[["name", "retries", "failures"]].to_numpy().tolist() == [["0", 2, 0], ["1", 0, 1]]
    assert bottlenecks(tables.frame("tasks"))["retries"].tolist() == [2, pd.NA]


def test_retries_of_many_runs_are_counted_run_by_run() -> None:
    one, other = fold(RETRIED).tables, fold([RETRIED[0], RETRIED[3]]).tables
    many = [
        pd.concat([one.frame(name).assign(execution="one"), other.frame(name).assign(execution="other")])
        for name in ("tasks", "checkpoints", "events")
    ]
    assert bottlenecks(*many)[["execution", "retries", "failures"]].to_numpy().tolist() == [
        ["one", 1, 1],
        ["other", 0, 0],
    ]


def test_the_work_of_a_task_lasts_from_first_start_to_last_end() -> None:
    tables = fold(RETRIED).tables
    assert tables.frame("tasks")["duration_s"].tolist() == [12]
    assert bottlenecks(tables.frame("tasks"))["work_s"].tolist() == [20]


# ---- checkpoints ---------------------------------------------------------------------------------------------------


def asked(name: str, kind: str, decision: str | None = None, after: float = 1, **more: Any) -> list[str]:
    """Return a question asked at the beginning, and its answer some seconds later."""
    question = task("task.hitl_required", 0, checkpointId=name, checkpointType=kind, options=["approve", "reject"])
    answer = task("checkpoint.resolved", after, checkpointId=name, decision=decision, **more)
    return [question] if decision is None else [question, answer]


def test_questions_are_counted_by_type_most_frequent_first() -> None:
    frames = [
        *asked("a", "spec_review", "approve", 10),
        *asked("b", "spec_review", "Approved", 20),
        *asked("c", "spec_review", "reject", 60),
        *asked("d", "spec_review"),
        *asked("e", "architecture", "keyset", 5),
        *asked("f", "architecture", "modify", 7),
        *asked("g", "deployment", "approve", 120, autoTriggered=True),
    ]
    stats: Any = checkpoint_stats(fold(frames).tables.frame("checkpoints"))
    assert stats.index.tolist() == [ALL, "spec_review", "architecture", "deployment"]
    assert stats["count"].tolist() == [7, 4, 2, 1]
    spec = stats.loc["spec_review"]
    assert spec[["open", "decided", "approved", "rejected"]].tolist() == [1, 3, 2, 1]
    assert spec["approval_rate"] == pytest.approx(2 / 3)
    assert spec[["mean_response_s", "median_response_s", "longest_response_s"]].tolist() == [30, 20, 60]
    architecture = stats.loc["architecture"]
    assert architecture[["changed", "chosen", "approval_rate"]].tolist() == [1, 1, 0]
    deployment = stats.loc["deployment"]
    assert deployment[["approved", "timeouts", "mean_resolution_s"]].tolist() == [0, 1, 120]
    assert deployment["mean_response_s"] is pd.NA


@pytest.mark.parametrize("default", ["approve", "reject", "modify", "keyset"])
def test_a_time_out_is_no_answer_whatever_its_default(default: str) -> None:
    people = [*asked("a", "spec_review", "approve", 10), *asked("b", "spec_review", "reject", 20)]
    late = asked("c", "spec_review", default, 600, autoTriggered=True)
    columns = ["approved", "rejected", "changed", "chosen", "approval_rate", "mean_response_s", "longest_response_s"]
    stats: Any = checkpoint_stats(fold([*people, *late]).tables.frame("checkpoints")).loc[ALL]
    assert stats[["count", "open", "decided", "answered", "timeouts", "expired"]].tolist() == [3, 0, 3, 2, 1, 0]
    assert stats[columns].tolist() == [1, 1, 0, 0, 0.5, 15, 20]
    assert stats["mean_resolution_s"] == 210


def test_every_question_has_exactly_one_outcome() -> None:
    frames = [*asked("a", "x", "approve"), *asked("b", "x", "reject", autoTriggered=True), *asked("c", "x")]
    frames += [task("task.hitl_required", 0, checkpointId="d", taskId="gone"), task("task.failed", 9, taskId="gone")]
    stats: Any = checkpoint_stats(fold(frames).tables.frame("checkpoints")).loc[ALL]
    assert stats[["count", "open", "answered", "timeouts", "expired"]].tolist() == [4, 1, 1, 1, 1]
    assert stats["approval_rate"] == 1


# ---- from a console, a replay, a history ---------------------------------------------------------------------------


def test_a_console_looks_at_its_own_frames() -> None:
    with Simulator("execution", speed=0) as simulator, Console(simulator.url) as console:
        assert console.wait(timeout=30)
    path, found = console.critical_path(), console.bottlenecks()
    assert path["ended_at"].iloc[-1] == console.tasks["ended_at"].max()
    assert 0.8 < path["share"].sum() <= 1
    assert found.loc[found["by"] == "phase", "tasks"].sum() == 120
    assert console.checkpoint_stats().loc[ALL, "count"] == 0


def test_of_many_runs_each_is_looked_at_by_itself() -> None:
    one, other = tasks(("a", 0, 4), ("b", 4, 5), worker_id=["w", "w"]), tasks(("a", 2, 3), worker_id=["w"])
    many = pd.concat([one.assign(execution="one"), other.assign(execution="other")])
    path, found = critical_path(many), bottlenecks(many)
    assert path[["execution", "task_id"]].to_numpy().tolist() == [["one", "a"], ["one", "b"], ["other", "a"]]
    pd.testing.assert_frame_equal(path.iloc[:2].drop(columns="execution"), critical_path(one))
    assert found[["execution", "work_s"]].to_numpy().tolist() == [["one", 5], ["other", 1]]
    none = critical_path(many.iloc[:0])
    assert none.empty
    assert none.dtypes.to_dict() == path.dtypes.to_dict()


def test_runs_without_phases_are_compared_by_their_tasks_phases() -> None:
    row = pd.Series({"duration_s": 4.0, "cost_usd": None, "tokens_used": 10, "total_tasks": 1, "failed_tasks": 0})
    phases = EMPTY.frame("phases")
    a = (row, phases, tasks(("a", 0, 4), phase_name=["Plan"], cost_usd=[0.5]))
    b = (row.replace({4.0: 8.0}), phases, tasks(("a", 0, 8), phase_name=["Build"], cost_usd=[0.25]))
    found: Any = compare_runs(a, b)
    assert list(dict.fromkeys(found.index.get_level_values("phase"))) == ["(run)", "Plan", "Build"]
    assert found.loc[("(run)", "duration_s")].tolist() == [4, 8, 4, 2]
    assert found.loc[("(run)", "cost_usd")].isna().all()
    assert found.loc[("Plan", "cost_usd")].tolist() == [0.5, pd.NA, pd.NA, pd.NA]
    assert found.loc[("Build", "duration_s"), "b"] == 8
    assert set(map(str, found.dtypes)) == {"Float64"}


def test_retries_are_compared_where_known() -> None:
    row = pd.Series(dict.fromkeys(("duration_s", "cost_usd", "tokens_used", "total_tasks", "failed_tasks")))
    tables = fold([*RETRIED, task("task.phase_changed", 1, newPhase="Build")]).tables
    frames = tables.frame("phases"), tables.frame("tasks")
    found: Any = compare_runs((row, *frames, tables.frame("events")), (row, *frames))
    for phase in ("(run)", "Build"):
        assert found.loc[(phase, "retries"), ["a", "b"]].tolist() == [1, pd.NA]


def test_a_phase_nothing_ran_in_yet_is_compared_too() -> None:
    frames = [execution("execution_started", 0, phases=[{"number": 3, "tasks": 2}, {"number": 4, "name": "Ship"}])]
    tables = fold(frames).tables
    row = pd.Series(dict.fromkeys(("duration_s", "cost_usd", "tokens_used", "total_tasks", "failed_tasks")))
    found: Any = compare_runs(*2 * ((row, tables.frame("phases"), tables.frame("tasks")),))
    assert found.loc[[("3", "tasks"), ("Ship", "failures")], "difference"].tolist() == [0, 0]
