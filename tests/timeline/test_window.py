"""Windows of a timeline: what a page is told, and that it is bounded."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runconsole.analysis import critical_path
from runconsole.timeline import snapshot
from runconsole.timeline.run import TimelineRun
from runconsole.timeline.window import BARS, Asked, window
from tests.support.folding import START, Folded, execution, fold, task


def shown(folded: Folded, by: Any = "worker", now: float = 100, run: TimelineRun | None = None, **more: Any) -> Any:
    """Return a window; times in seconds after the start."""
    run = run or TimelineRun()
    run.update(snapshot(folded.state))
    times = {name: START + round(more.pop(name) * 1e6) for name in ("start", "stop") if name in more}
    asked = Asked(
        by, times.get("start"), times.get("stop"), more.get("width", 800), more.get("first", 0), more.get("rows", 20)
    )
    return window(run, asked, START + round(now * 1e6))


def ran(name: str, start: float, end: float | None = None, **more: Any) -> list[str]:
    frames = [task("task.started", start, taskId=name, **more)]
    return frames if end is None else [*frames, task("task.completed", end, taskId=name)]


def many(count: int, workers: int) -> Folded:
    frames = []
    for number in range(count):
        at = number // workers * 2.0
        frames += ran(f"t{number}", at, at + 1.5, workerId=f"w{number % workers}")
    return fold(frames)


def rows(made: Any) -> dict[str, int]:
    return {bar["id"]: bar["row"] for bar in made["bars"]}


def test_tasks_of_a_worker_share_its_lane() -> None:
    made = shown(fold([*ran("a", 0, 5, workerId="w1"), *ran("b", 1, 4, workerId="w2"), *ran("c", 6, 8, workerId="w1")]))
    assert [(lane["name"], lane["row"], lane["rows"], lane["tasks"]) for lane in made["lanes"]] == [
        ("w1", 0, 1, 2),
        ("w2", 1, 1, 1),
    ]
    assert rows(made) == {"a": 0, "c": 0, "b": 1}
    assert (made["dense"], made["rows"], made["tasks"], made["waiting"], made["workers"]) == (False, 2, 3, 0, True)


def test_lanes_by_phase_and_by_wave_have_their_names_and_order() -> None:
    frames = [
        execution("progress_update", 3, task_id="b", status="in_progress", phase=1, phase_name="Build", current_wave=2),
        execution("progress_update", 1, task_id="a", status="in_progress", phase=0, phase_name="Plan", current_wave=1),
        execution("progress_update", 2, task_id="c", status="in_progress"),
    ]
    names = {by: [lane["name"] for lane in shown(fold(frames), by)["lanes"]] for by in ("phase", "wave", "worker")}
    assert names == {
        "phase": ["Plan", "Build", "No phase"],
        "wave": ["Wave 1", "Wave 2", "No wave"],
        "worker": ["All tasks"],
    }


def test_each_task_has_a_row_of_its_own_in_the_order_of_the_starts() -> None:
    made = shown(fold([*ran("late", 5, 6), *ran("early", 1, 9), *ran("last", 7, 8)]), "task")
    assert rows(made) == {"early": 0, "late": 1, "last": 2}
    assert len(made["lanes"]) == 1


def test_a_bar_tells_of_its_queue_its_attempts_and_its_questions() -> None:
    frames = [
        task("task.created", 0),
        task("task.started", 2, workerId="w"),
        task("task.failed", 4, error={"message": "no"}),
        task("task.started", 5),
        execution("error", 6, task_id="t", message="again", retry_attempt=2),
        task("checkpoint.hitl_required", 7, checkpointId="c", title="Go on?", options=["yes", "no"]),
        task("checkpoint.resolved", 9, checkpointId="c", decision="yes"),
        task("task.completed", 10),
    ]
    (bar,) = shown(fold(frames))["bars"]
    assert bar["segments"] == [
        ["queued", 0, 2000],
        ["working", 2000, 4000],
        ["retrying", 4000, 7000],
        ["asked", 7000, 9000],
        ["retrying", 9000, 10000],
    ]
    assert (bar["start"], bar["end"], bar["status"]) == (2000, 10000, "completed")
    assert (bar["failures"], bar["attempts"]) == ([4000, 6000], 3)


def test_a_running_task_is_open_and_lasts_until_now() -> None:
    made = shown(fold(ran("t", 2)), now=50)
    (bar,) = made["bars"]
    assert (bar["end"], bar["segments"], made["end"], made["until"]) == (None, [["working", 0, None]], None, 48_000)


def test_the_critical_path_is_that_of_the_analysis() -> None:
    folded = fold([*ran("a", 0, 5), *ran("b", 1, 3), *ran("c", 6, 20), *ran("d", 7, 9), *ran("e", 21)])
    made = shown(folded)
    known = critical_path(folded.tables.frame("tasks"))
    numbers = {bar["critical"]: bar["id"] for bar in made["bars"] if "critical" in bar}
    assert [numbers[number] for number in sorted(numbers)] == known["task_id"].tolist() == ["a", "c"]
    assert sorted(numbers) == [1, 2]
    assert made["path"] == {"tasks": 2, "work_s": float(known["duration_s"].sum()), "wait_s": 1.0}


def test_the_slowest_tasks_are_ranked_running_ones_too() -> None:
    folded = fold([line for n in range(7) for line in ran(f"t{n}", n, n + 1 + n)] + ran("runs", 3))
    made = shown(folded, now=60)
    assert [slow["id"] for slow in made["slowest"]] == ["runs", "t6", "t5", "t4", "t3"]
    assert {bar["id"]: bar["rank"] for bar in made["bars"] if "rank" in bar} == {
        "runs": 1,
        "t6": 2,
        "t5": 3,
        "t4": 4,
        "t3": 5,
    }


def test_waves_and_questions_are_marks_of_the_window() -> None:
    frames = [
        execution("progress_update", 0, task_id="a", status="in_progress", current_wave=1),
        execution("progress_update", 4, task_id="a", status="completed", current_wave=1),
        execution("wave_completed", 5, wave_number=1, duration_ms=5000),
        execution("progress_update", 6, task_id="b", status="in_progress", current_wave=2),
        task("checkpoint.hitl_required", 7, taskId="b", checkpointId="c", title="Go on?", options=["yes"]),
    ]
    made = shown(fold(frames))
    assert [(wave["name"], wave["start"], wave["end"]) for wave in made["waves"]] == [("1", 0, 5000), ("2", 6000, None)]
    assert made["questions"] == [{"key": "c", "title": "Go on?", "task": "b", "start": 7000, "end": None, "count": 1}]
    later = shown(fold(frames), start=5.5, stop=6.5)
    assert ([wave["name"] for wave in later["waves"]], later["questions"]) == (["2"], [])


def test_too_many_bars_become_densities_and_zooming_in_shows_them() -> None:
    folded = many(2000, 3)
    whole = shown(folded, now=2000)
    assert (whole["dense"], whole["bars"], whole["rows"]) == (True, [], 3)
    density = whole["lanes"][0]["density"]
    assert len(density["busy"]) == 200
    assert density["peak"] == pytest.approx(0.75, abs=0.1)  # it works 1.5 of every 2 seconds
    part = shown(folded, now=2000, start=100, stop=160)
    assert (part["dense"], len(part["bars"])) == (False, 90)
    assert all(bar["end"] >= part["start"] and bar["start"] <= part["stop"] for bar in part["bars"])


@settings(max_examples=30)
@given(
    st.sampled_from(["worker", "phase", "wave", "task"]),
    st.tuples(*[st.none() | st.floats(-10, 2000)] * 2),
    st.integers(-5, 10_000),
    st.integers(-5, 10_000),
    st.integers(0, 5000),
)
def test_an_answer_is_bounded_whatever_is_asked(
    by: Any, span: tuple[float | None, float | None], width: int, rows: int, first: int
) -> None:
    folded, run = _LARGE
    times = {name: at for name, at in zip(("start", "stop"), span, strict=True) if at is not None}
    made = shown(folded, by, 2000, run, width=width, rows=rows, first=first, **times)
    assert len(made["bars"]) <= BARS
    assert len(made["lanes"]) <= 100
    assert made["start"] < made["stop"]
    assert len(json.dumps(made)) < 150_000


_LARGE = many(3000, 7), TimelineRun()


def test_many_waves_and_questions_are_joined() -> None:
    frames = []
    for number in range(300):
        frames.append(
            execution("progress_update", number, task_id=f"t{number}", status="in_progress", current_wave=number + 1)
        )
        frames.append(
            task(
                "checkpoint.hitl_required",
                number,
                taskId=f"t{number}",
                checkpointId=f"c{number}",
                title="?",
                options=["a"],
            )
        )
    made = shown(fold(frames), now=300)
    assert 30 <= len(made["waves"]) <= 40
    assert made["waves"][0]["name"] == "1–8"
    assert len(made["questions"]) <= 41
    assert sum(question["count"] for question in made["questions"]) == 300


def test_an_empty_run_has_an_empty_window() -> None:
    made = shown(fold([]))
    assert (made["bars"], made["lanes"], made["rows"], made["slowest"]) == ([], [], 0, [])
    assert made["overview"]["peak"] == 0


def test_a_newer_snapshot_changes_what_changed() -> None:
    folded, run = fold(ran("a", 0, workerId="w")), TimelineRun()
    assert shown(folded, run=run)["bars"][0]["end"] is None
    folded.feed([task("task.completed", 4, taskId="a"), *ran("b", 5, 6, workerId="w")])
    made = shown(folded, run=run)
    assert [(bar["id"], bar["row"], bar["end"]) for bar in made["bars"]] == [("a", 0, 4000), ("b", 0, 6000)]
    fresh = shown(folded)
    assert made == fresh


def test_what_is_about_the_whole_run_is_made_again_when_it_has_changed() -> None:
    folded, run = fold(ran("a", 0, 4)), TimelineRun()
    before = shown(folded, run=run, now=10)
    assert shown(folded, run=run, now=10)["overview"] is before["overview"]
    folded.feed(ran("b", 5, 9))
    after = shown(folded, run=run, now=10)
    assert [slow["id"] for slow in after["slowest"]] == ["a", "b"]
    assert sum(after["overview"]["busy"]) > sum(before["overview"]["busy"])
