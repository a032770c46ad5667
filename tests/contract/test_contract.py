"""The contract: the documented examples, further events of servers, and the pictures that the panel draws of them."""

from __future__ import annotations

import json
import re
from typing import Any

import pandas as pd
import pytest

from runconsole.decoding.envelope import MALFORMED, read_events
from runconsole.events import UnknownEvent
from tests.contract.pictures import RECIPES, path, picture
from tests.support.folding import CONTRACT, fold, frames_of

AGAIN = "the picture changed; if that is wanted: .venv/bin/python -m tests.contract.pictures"


def documented() -> list[str]:
    """Return the JSON examples of the execution family to the letter, in the document's order."""
    return (CONTRACT / "seed-execution.txt").read_text(encoding="utf-8").rstrip("\n").split("\n\n")


@pytest.mark.parametrize("name", RECIPES)
def test_the_picture_is_the_one_that_the_panel_is_tested_with(name: str) -> None:
    kept = json.loads(path(name).read_text(encoding="utf-8"))
    assert picture(name) == kept, AGAIN


def test_every_picture_in_the_folder_has_its_recipe() -> None:
    assert {file.name for file in CONTRACT.glob("*.view.json")} == {path(name).name for name in RECIPES}


# ---- the documents -------------------------------------------------------------------------------------------------


def test_all_documented_examples_are_known_events() -> None:
    folded = fold(documented())
    assert len(documented()) == 6
    assert (folded.log.malformed, folded.log.unknown) == (0, 0)
    payloads = folded.tables.frame("events")["payload"]
    assert all(payload in text for payload, text in zip(payloads, documented(), strict=True))


def test_the_documents_order_and_the_runs_give_the_same() -> None:
    as_printed, in_time = fold(documented()), fold(frames_of("seed-execution"))
    for name in ("tasks", "subtasks", "phases", "waves", "artifacts", "errors"):
        left, right = as_printed.tables.frame(name), in_time.tables.frame(name)
        pd.testing.assert_frame_equal(left.sort_index(), right.sort_index())
    assert as_printed.state.run() == in_time.state.run()


def row(frame: pd.DataFrame, key: object) -> dict[str, Any]:
    """Return one row as plain values, without unknown fields."""
    values = frame.loc[[key]].astype(object).iloc[0]
    return {
        str(name): value for name, value in values.items() if not (pd.api.types.is_scalar(value) and pd.isna(value))
    }


def at(text: str) -> pd.Timestamp:
    return pd.Timestamp(f"2025-11-16T{text}Z")


def test_seed_ones_task_is_a_row_of_tasks() -> None:
    tables = fold(frames_of("seed-execution")).tables
    assert row(tables.frame("tasks"), "task_001") == {
        "name": "Analyze authentication requirements",
        "phase": 1,
        "phase_name": "Analysis",
        "wave": 1,
        "status": "completed",
        "progress": 100.0,
        "duration_s": 2.34,
        "started_at": at("16:34:42.783"),
        "ended_at": at("16:34:45.123"),
        "subtasks": 2,
        "subtasks_done": 2,
    }
    assert tables.frame("subtasks")["status"].to_dict() == {
        ("task_001", "subtask_1"): "completed",
        ("task_001", "subtask_2"): "completed",
    }


def test_seed_ones_other_events_are_rows_of_their_frames() -> None:
    tables = fold(frames_of("seed-execution")).tables
    assert row(tables.frame("waves"), 3) == {
        "atoms": 120,
        "atoms_completed": 120,
        "success_rate": 0.98,
        "duration_s": 45.0,
        "status": "completed",
        "completed_at": at("16:35:20.456"),
    }
    assert row(tables.frame("artifacts"), 0) == {
        "path": "src/services/auth.py",
        "size": 2048,
        "type": "file",
        "language": "python",
        "task_id": "task_045",
        "action": "created",
        "created_at": at("16:34:50.789"),
    }
    assert row(tables.frame("errors"), 0) == {
        "task_id": "task_067",
        "task_name": "Run validation tests",
        "message": "Test assertion failed",
        "error_type": "AssertionError",
        "recoverable": True,
        "attempt": 1,
        "max_retries": 4,
        "at": at("16:35:15.234"),
    }
    phases = tables.frame("phases")
    assert phases["name"].tolist() == ["Discovery", "Analysis", "Planning", "Execution", "Validation"]
    assert phases["tasks"].tolist() == [5, 15, 20, 70, 10]


def test_seed_ones_run_ends_with_the_servers_own_sums() -> None:
    run = fold(frames_of("seed-execution")).state.run()
    assert (run.execution_id, run.status, run.percent) == ("exec_20251116_abc123", "completed", 100.0)
    assert (run.total_tasks, run.completed_tasks, run.failed_tasks) == (120, 120, 0)
    assert (run.duration_s, run.artifacts, run.tokens_used, run.cost_usd) == (630.0, 45, 67450, 0.42)


def test_every_event_of_the_second_document_is_understood() -> None:
    folded = fold(frames_of("seed-task"))
    assert (folded.log.malformed, folded.log.unknown) == (0, 0)
    assert set(folded.tables.frame("events")["type"]) == {
        "task.created",
        "task.started",
        "task.progress",
        "task.output",
        "task.subtask.started",
        "task.subtask.completed",
        "task.checkpoint",
        "task.hitl_required",
        "task.completed",
        "task.failed",
        "task.cancelled",
    }


def test_the_second_documents_task_is_a_row_of_tasks() -> None:
    tables = fold(frames_of("seed-task")).tables
    assert row(tables.frame("tasks"), "task-789") == {
        "name": "Add password reset",
        "status": "completed",
        "progress": 100.0,
        "step": "Writing the specification",
        "worker_id": "worker-1",
        "provider_id": "provider-a",
        "duration_s": 18.5,
        "tokens": 5400,
        "cost_usd": 0.081,
        "started_at": at("17:00:02"),
        "ended_at": at("17:00:18"),
        "subtasks": 2,
        "subtasks_done": 1,
        "type": "feature",
        "queue_position": 1,
        "estimated_start": at("17:00:02"),
        "access_mode": "subscription",
        "elapsed_s": 4.0,
        "remaining_s": 12.0,
        "tests_run": 14,
        "tests_passed": 14,
        "coverage": 0.91,
        "commit": "3f2c1d0",
        "pull_request": "https://example.org/pulls/7",
        "spec_path": "docs/password-reset.md",
        "changelog": "Added: password reset",
        "provider_time": {"provider-a": 15.2},
    }
    assert tables.frame("tasks")["status"].to_dict() == {
        "task-789": "completed",
        "task-790": "failed",
        "task-791": "cancelled",
    }
    assert tables.frame("output")["stream"].tolist() == ["stdout", "stderr"]
    assert tables.frame("artifacts").set_index("path")["action"].dropna().to_dict() == {
        "src/reset.py": "created",
        "src/auth.py": "modified",
    }


def test_the_documented_question_is_open_until_its_task_ends() -> None:
    asked = fold(frames_of("seed-task")[:9]).tables.frame("checkpoints")
    assert row(asked, "cp-456")["status"] == "pending"
    assert [option["id"] for option in row(asked, "cp-456")["options"]] == ["approve", "modify", "reject"]
    assert row(asked, "cp-456")["deadline"] == at("17:10:00")
    after = fold(frames_of("seed-task")).tables.frame("checkpoints")
    assert row(after, "cp-456")["status"] == "expired"


# ---- what else arrives ---------------------------------------------------------------------------------------------


def test_of_the_variants_only_what_nobody_knows_is_unknown() -> None:
    events = [event for frame in frames_of("variants") for event in read_events(frame, 1)]
    unknown = {event.type for event in events if isinstance(event.fact, UnknownEvent)}
    malformed = [event.payload for event in events if event.type == MALFORMED]
    assert unknown == {"build.finished", "note"}
    assert malformed == ['{"message":"Execution not found"}', '[{"type":"task.started","payload":{"taskId":"t1"}}]']


def test_every_documented_event_type_is_among_the_variants() -> None:
    text = "\n".join(frames_of("variants") + frames_of("seed-task") + frames_of("seed-execution"))
    named = set(re.findall(r'"type":"([a-z_.]+)"', text))
    assert named >= {
        *("execution_started", "progress_update", "wave_completed", "artifact_created", "error", "execution_completed"),
        *("task.created", "task.queued", "task.started", "task.progress", "task.output", "task.paused", "task.resumed"),
        *("task.phase_changed", "task.subtask.started", "task.subtask.completed", "task.checkpoint"),
        *("subtask.created", "subtask.started", "subtask.completed", "subtask.failed"),
        *("task.hitl_required", "checkpoint.pending", "checkpoint.hitl_required", "checkpoint.reminder"),
        *("checkpoint.resolved", "checkpoint.hitl_decided", "checkpoint.timeout"),
        *("checkpoint.created", "checkpoint.restored", "task.completed", "task.failed", "task.cancelled"),
        *("agent.file_change", "agent.error", "agent.completed", "system.alert", "cost.threshold"),
    }


def test_the_variants_leave_the_run_that_they_describe() -> None:
    run = fold(frames_of("variants")).state.run()
    assert (run.execution_id, run.status) == ("exec-v", "partial")
    assert (run.total_tasks, run.completed_tasks, run.failed_tasks, run.skipped_tasks) == (6, 4, 1, 1)
    assert (run.duration_s, run.tokens_used, run.cost_usd) == (9.0, 1234, 0.5)


def test_garbage_is_kept_line_by_line_and_harms_nothing() -> None:
    frames = frames_of("garbage")
    folded = fold(frames)
    events = folded.tables.frame("events")
    assert len(events) == len(frames) + 2  # the array of three numbers is three
    assert folded.log.malformed == list(events["type"]).count(MALFORMED) == 17
    tasks = folded.tables.frame("tasks")
    assert row(tasks, "7")["duration_s"] == 2.3405
    assert (row(tasks, "g1")["name"], row(tasks, "g1")["status"]) == ("NaN below", "running")
    assert folded.tables.frame("waves").index.tolist() == [1_000_000_000]
