"""The fold as a whole: repeated or late facts change nothing; counters and percentages stay consistent."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from runconsole.decoding.envelope import read_events
from runconsole.events import Micros
from runconsole.state import Run, RunState
from runconsole.state.ordering import is_before
from runconsole.store.dedup import DUPLICATE, Dedup
from tests.support.folding import START, Folded, execution, fold, frames_of
from tests.support.streams import streams, with_duplicates

TABLES = ("tasks", "subtasks", "agents", "tool_calls", "phases", "waves", "artifacts", "checkpoints", "decisions")
ADDED = ("errors", "output")
"""Tables with one row for each event about them."""
MINUTE = 60_000_000


def tables_of(state: RunState, names: tuple[str, ...] = TABLES + ADDED) -> dict[str, Any]:
    """Return every row of the state, in order."""
    return {name: list(held.items() if isinstance(held := getattr(state, name), dict) else held) for name in names}


def facts_of(state: RunState) -> tuple[dict[str, Any], Run[Micros]]:
    """Return the parts of the state that are set and never added up."""
    return tables_of(state, TABLES), msgspec.structs.replace(state.run(), errors=0)


@given(with_duplicates(streams()))
@settings(max_examples=300)
def test_a_repeated_fact_changes_nothing_at_any_place(frames: tuple[list[str], list[str]]) -> None:
    once, doubled = (fold(some, step=0).state for some in frames)
    assert facts_of(doubled) == facts_of(once)


@pytest.mark.parametrize(("name", "minutes"), [("seed-execution", 0), ("seed-task", 28), ("variants", 88)])
def test_a_run_repeated_as_a_whole_changes_nothing(name: str, minutes: int) -> None:
    # An event without a timestamp and an id cannot be told from another of its kind: those are left out.
    frames = [frame for frame in frames_of(name) if '"timestamp":"2025' in frame or '"timestamp":17' in frame]
    begin = {"at": START + minutes * MINUTE, "step": 0}
    once, twice = fold(frames, **begin).state, fold(frames + frames, **begin).state
    assert facts_of(twice) == facts_of(once)
    assert len(twice.output) == 2 * len(once.output)


@given(with_duplicates(streams()), st.sampled_from(["id", "seq"]))
def test_a_repeated_identified_event_is_not_logged(frames: tuple[list[str], list[str]], mark: str) -> None:
    plain, doubled = frames
    marked = {
        frame: json.dumps(json.loads(frame) | {mark: number if mark == "seq" else f"e{number}"})
        for number, frame in enumerate(plain)
    }
    dedup, folded = Dedup(), Folded(step=0)
    for frame in doubled:
        for event in read_events(marked[frame], START):
            if dedup.admit(event) is not DUPLICATE:
                folded.log.append(event)
                folded.apply(event)
    assert len(folded.log) == len(plain)
    assert tables_of(folded.state) == tables_of(fold(plain, at=START, step=0).state)


@given(streams(least=2), st.data())
@settings(max_examples=200)
def test_a_late_event_changes_nothing_newer(frames: list[str], data: st.DataObject) -> None:
    number = data.draw(st.integers(0, len(frames) - 2))
    late = frames.pop(number)
    before, after = fold(frames, step=0).state, fold([*frames, late], step=0).state
    (event,) = read_events(late, START)
    assume(event.timestamp is not None)
    sums = {
        "subtasks",
        "subtasks_done",
        "attempts",
        "max_retries",
        "tokens",
        "cost_usd",
        "metered",
        "billed",
        "error_at",
        "position",
    }
    for task_id, old in before.tasks.items():
        if not old.finished and after.tasks[task_id].finished:
            assert not is_before(event.timestamp, old.status_at)  # an end that came after mere progress
            continue
        if old.last_event_at is not None and event.timestamp is not None and old.last_event_at > event.timestamp:
            known = {name: value for name, value in msgspec.structs.asdict(old).items() if value is not None}
            now = msgspec.structs.asdict(after.tasks[task_id])
            assert {name: now[name] for name in known if name not in sums} == {
                name: value for name, value in known.items() if name not in sums
            }


# ---- counters and percent ------------------------------------------------------------------------------------------


def progress(completed: int, total: int = 10, at: float | None = None, **fields: Any) -> str:
    """Return a `progress_update` with counters."""
    return execution("progress_update", at, completed_tasks=completed, total_tasks=total, **fields)


@given(st.lists(st.integers(0, 10), max_size=10))
def test_without_timestamps_a_counter_never_falls(counts: list[int]) -> None:
    folded, seen = Folded(), []
    for count in counts:
        folded.feed([progress(count)])
        seen.append(folded.state.completed_tasks)
    assert seen == [max(counts[: place + 1]) for place in range(len(counts))]


@given(st.lists(st.tuples(st.integers(0, 10), st.integers(1, 10)), unique_by=lambda pair: pair[1]))
def test_the_newest_counter_holds_in_any_order(reports: list[tuple[int, int]]) -> None:
    folded = fold([progress(count, at=at) for count, at in reports])
    newest = max(reports, key=lambda pair: pair[1], default=(None, 0))[0]
    assert folded.state.completed_tasks == newest


def test_progress_falls_when_the_servers_own_newer_numbers_fall() -> None:
    folded = fold([progress(6, at=1), progress(6, 20, at=2)])
    assert folded.state.percent == 30.0
    assert folded.feed([progress(4, 20, at=3)]).state.percent == 20.0
    assert folded.feed([progress(9, 20, at=2)]).state.percent == 20.0


def test_an_executions_percent_is_completed_of_total() -> None:
    assert fold([progress(10, 120, progress=10, progress_percent=99.0)]).state.percent == pytest.approx(
        8.3333, abs=1e-3
    )


@pytest.mark.parametrize(
    ("fields", "percent"),
    [
        ({"progress_percent": 40.0}, 40.0),
        ({"progress_percent": 400.0}, 100.0),
        ({"progress_percent": -4}, 0.0),
        ({}, None),
    ],
)
def test_without_counters_the_reported_percent_is_clipped(fields: dict[str, float], percent: float | None) -> None:
    assert fold([execution("progress_update", task_id="t", **fields)]).state.percent == percent


def test_nothing_known_is_no_percent_and_a_plan_is_zero() -> None:
    assert Folded().state.percent is None
    assert fold([execution("execution_started", total_tasks=10)]).state.percent == 0.0


@pytest.mark.parametrize(("completed", "total"), [(12, 10), (3, -10), (10, 10)])
def test_the_percent_stays_between_nothing_and_all(completed: int, total: int) -> None:
    percent = fold([progress(completed, total)]).state.percent
    assert percent is not None
    assert 0.0 <= percent <= 100.0


@given(streams(most=40))
def test_the_percent_is_always_within_its_bounds(frames: list[str]) -> None:
    for task in (None, "t1"):
        percent = fold(frames, task=task).state.percent
        assert percent is None or 0.0 <= percent <= 100.0


@given(streams(most=40))
def test_every_sum_over_the_tasks_is_what_the_tasks_say(frames: list[str]) -> None:
    state = fold(frames).state
    tasks = list(state.tasks.values())
    assert sum(state.counts.values()) == len(tasks)
    assert all(state.counts[status] == sum(task.status is status for task in tasks) for status in state.counts)
    assert set(state.active) == {task.task_id for task in tasks if task.status in {"running", "paused"}}
    for number, phase in state.phases.items():
        mine = [task for task in tasks if task.phase == number]
        assert {s: n for s, n in phase.counts.items() if n} == {
            s: n for s in state.counts if (n := sum(task.status is s for task in mine))
        }
    for task in tasks:
        rows = state.subtasks.get(task.task_id, {}).values()
        assert (task.subtasks, task.subtasks_done) == (len(rows), sum(row.status == "completed" for row in rows))
    known = [task.tokens for task in tasks if task.tokens is not None]
    assert state.run().tokens_used == (
        state.tokens_used if state.tokens_used is not None else sum(known) if known else None
    )
    assert (
        state.percent is None
        or state.is_execution
        or state.percent == pytest.approx(sum(task.share for task in tasks) / len(tasks))
    )


@given(streams(most=40))
def test_phases_and_waves_stand_in_the_order_of_their_numbers(frames: list[str]) -> None:
    state = fold(frames).state
    assert list(state.phases) == sorted(state.phases)
    assert list(state.waves) == sorted(state.waves)
