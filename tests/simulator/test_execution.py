"""The execution scenario: the example run, for every seed."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runconsole.simulator.scenarios.execution import ExecutionScenario
from runconsole.simulator.timeline import play_through

if TYPE_CHECKING:
    from runconsole.simulator.scenario import Event

START = datetime(2025, 11, 16, 16, 32, tzinfo=UTC)
SEEDS = st.integers(min_value=0, max_value=2**32)


def run(seed: int = 1, failures: int = 0) -> list[Event]:
    return [event for _, event in play_through(ExecutionScenario(seed=seed, failures=failures), START)]


def of(events: list[Event], kind: str, **fields: object) -> list[Event]:
    data = [event["data"] for event in events if event["type"] == kind]
    return [d for d in data if all(d[name] == value for name, value in fields.items())]


@given(SEEDS)
def test_every_seed_plays_the_whole_plan(seed: int) -> None:
    events = run(seed)
    [started], [ended] = of(events, "execution_started"), of(events, "execution_completed")
    assert (events[0]["type"], events[-1]["type"]) == ("execution_started", "execution_completed")
    assert [(p["number"], p["name"], p["tasks"]) for p in started["phases"]] == [
        (0, "Discovery", 5),
        (1, "Analysis", 15),
        (2, "Planning", 20),
        (3, "Execution", 70),
        (4, "Validation", 10),
    ]
    assert (started["total_tasks"], started["total_atoms"]) == (120, 800)
    assert len({d["task_id"] for d in of(events, "progress_update", status="completed")}) == 120
    assert len(of(events, "progress_update", status="completed")) == 120
    assert [d["wave_number"] for d in of(events, "wave_completed")] == list(range(1, 9))
    assert sum(d["atoms_in_wave"] for d in of(events, "wave_completed")) == 800
    assert len({d["path"] for d in of(events, "artifact_created")}) == 45
    assert (ended["status"], ended["completed_tasks"], ended["failed_tasks"]) == ("success", 120, 0)
    assert ended["artifacts_created"] == 45


@given(SEEDS)
def test_every_seed_counts_upwards_in_order(seed: int) -> None:
    events = run(seed)
    stamps = [event["timestamp"] for event in events]
    assert stamps == sorted(stamps)
    updates = of(events, "progress_update")
    for name in ("completed_tasks", "progress_percent", "current_wave"):
        values = [d[name] for d in updates]
        assert values == sorted(values)
    assert all(d["progress_percent"] == pytest.approx(100 * d["completed_tasks"] / 120, abs=0.005) for d in updates)
    assert updates[-1]["progress_percent"] == 100.0


@given(SEEDS)
def test_tasks_run_before_they_complete_and_errors_are_retried(seed: int) -> None:
    events = run(seed)
    seen: dict[str, list[str]] = {}
    for event in events:
        if event["type"] in {"progress_update", "error"}:
            seen.setdefault(event["data"]["task_id"], []).append(event["data"].get("status", "error"))
    for states in seen.values():
        assert states[0] == "in_progress"
        assert states[-1] == "completed"
        assert all(after == "in_progress" for before, after in pairwise(states) if before == "error")
    errors = of(events, "error")
    assert len(errors) >= 5
    assert all(d["recoverable"] and 1 <= d["retry_attempt"] <= d["max_retries"] == 4 for d in errors)


@given(SEEDS)
def test_every_event_is_plain_json_and_lasts_about_ten_minutes(seed: int) -> None:
    events = run(seed)
    assert json.loads(json.dumps(events, allow_nan=False)) == events
    assert 600_000 < of(events, "execution_completed")[0]["duration_ms"] < 660_000


def test_the_same_seed_gives_the_same_run() -> None:
    assert run(7) == run(7)
    assert run(7) != run(8)


def test_tasks_that_write_code_report_their_subtasks() -> None:
    last = {d["task_id"]: d.get("subtask_status") for d in of(run(), "progress_update")}
    reported = [states for states in last.values() if states is not None]
    assert len(reported) > 10
    assert all(states == dict.fromkeys(("draft", "implement", "self_review"), "completed") for states in reported)


@pytest.mark.parametrize("failures", [1, 3])
def test_tasks_fail_for_good_only_on_request(failures: int) -> None:
    events = run(failures=failures)
    [ended] = of(events, "execution_completed")
    assert (ended["status"], ended["failed_tasks"], ended["completed_tasks"]) == (
        "partial_success",
        failures,
        120 - failures,
    )
    failed = of(events, "progress_update", status="failed")
    assert len(failed) == failures
    final = of(events, "error", recoverable=False)
    assert {d["task_id"] for d in final} == {d["task_id"] for d in failed}
    tries = Counter(d["task_id"] for d in of(events, "error"))
    assert all(tries[d["task_id"]] == 5 for d in failed)
    assert len(of(events, "artifact_created")) == 45
    assert sum(d["atoms_completed"] for d in of(events, "wave_completed")) < 800


@pytest.mark.parametrize("failures", [-1, 21])
def test_a_number_of_failures_out_of_range_is_refused(failures: int) -> None:
    with pytest.raises(ValueError, match=f"failures must be 0 to 20, not {failures}"):
        ExecutionScenario(failures=failures)
