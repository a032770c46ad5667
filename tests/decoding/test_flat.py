"""The task family's core events: flat, in snake case, durations in milliseconds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runconsole.decoding.envelope import read_events
from runconsole.events import (
    CheckpointDecided,
    CheckpointOpened,
    CheckpointSaved,
    Fact,
    SubtaskReported,
    TaskCancelled,
    TaskCompleted,
    TaskCreated,
    TaskDetails,
    TaskFailed,
    TaskOutput,
    TaskProgressed,
    TaskStarted,
    TaskStatus,
    TaskStatusChanged,
    UnknownEvent,
)
from tests.support.folding import fold


def flat(kind: str, **fields: Any) -> str:
    return json.dumps({"type": kind, "taskId": "t", "timestamp": "2025-12-01T10:00:00.000Z"} | fields)


def fact_of(kind: str, **fields: Any) -> Fact:
    (event,) = read_events(flat(kind, **fields), 1)
    return event.fact


@pytest.mark.parametrize(
    ("kind", "fields", "fact"),
    [
        ("task_queued", {"priority": 1, "queuePosition": 3}, TaskCreated("t", details=TaskDetails(queue_position=3))),
        ("task_started", {"providerId": "p", "sessionId": "s"}, TaskStarted("t", provider_id="p")),
        ("task_progress", {"progress": 40, "message": "Testing"}, TaskProgressed("t", 40.0, "Testing")),
        ("task_output", {"content": "part", "isPartial": True}, TaskOutput("t", "stdout", "part")),
        ("task_output", {"content": "whole", "isPartial": False}, TaskOutput("t", "stdout", "whole\n")),
        ("task_output", {"content": "line\n", "isPartial": False}, TaskOutput("t", "stdout", "line\n")),
        ("task_paused", {"reason": "budget"}, TaskStatusChanged("t", TaskStatus.PAUSED)),
        ("task_resumed", {}, TaskStatusChanged("t", TaskStatus.RUNNING)),
        ("task_completed", {"success": True, "output": "ok", "duration": 1500}, TaskCompleted("t", 1.5)),
        (
            "task_completed",
            {"success": False, "output": "2 tests fail", "duration": 1500},
            TaskFailed("t", "2 tests fail", duration_s=1.5),
        ),
        (
            "task_failed",
            {"error": "no provider", "recoverable": True},
            TaskFailed("t", "no provider", recoverable=True),
        ),
        ("task_cancelled", {"reason": "by hand"}, TaskCancelled("t", "by hand")),
        ("checkpoint_created", {"checkpointId": "c"}, CheckpointSaved("t", "c")),
        ("approval_decided", {"approvalId": "a", "approved": True}, CheckpointDecided("a", "approve")),
        ("approval_decided", {"approvalId": "a", "approved": False}, CheckpointDecided("a", "reject")),
    ],
)
def test_every_core_event_is_understood(kind: str, fields: dict[str, Any], fact: Fact) -> None:
    assert fact_of(kind, **fields) == fact


def test_an_approval_is_a_question_to_approve_or_reject() -> None:
    fact = fact_of("approval_requested", approvalId="a", message="Run the migration?")
    assert isinstance(fact, CheckpointOpened)
    assert (fact.checkpoint_id, fact.task_id, fact.title) == ("a", "t", "Run the migration?")
    assert [option.id for option in fact.options] == ["approve", "reject"]


def test_an_event_without_its_task_is_kept_as_unknown() -> None:
    (event,) = read_events('{"type": "task_started", "providerId": "p"}', 1)
    assert event.fact == UnknownEvent()


def test_a_task_goes_its_way_in_core_events() -> None:
    frames = [
        flat("task_queued", queuePosition=1),
        flat("task_started", providerId="p", timestamp="2025-12-01T10:00:01.000Z"),
        flat("task_progress", progress=50, message="Half", timestamp="2025-12-01T10:00:02.000Z"),
        flat("task_output", content="hello", isPartial=False, timestamp="2025-12-01T10:00:03.000Z"),
        flat("task_completed", success=True, output="", duration=4000, timestamp="2025-12-01T10:00:05.000Z"),
    ]
    folded = fold(frames)
    task = folded.tables.frame("tasks").loc["t"]
    assert (task["status"], task["provider_id"], task["step"], task["duration_s"]) == ("completed", "p", "Half", 4.0)
    assert folded.tables.frame("output")["text"].tolist() == ["hello\n"]
    assert folded.log.unknown == 0


def beside(kind: str, at: int = 0, **data: Any) -> str:
    """Return an event with its task beside its data, as in the documented WebSocket API."""
    stamp = f"2025-12-01T10:00:{at:02}.000Z"
    return json.dumps({"type": kind, "taskId": "t", "timestamp": stamp, "data": data})


@pytest.mark.parametrize(
    ("frame", "fact"),
    [
        (beside("task.started", provider="p"), TaskStarted("t", provider_id="p")),
        (beside("task.progress", message="Analyzing"), TaskProgressed("t", step="Analyzing")),
        (beside("task.completed", duration=330, cost=0.05), TaskCompleted("t", 330.0, cost_usd=0.05)),
        (beside("started"), TaskStarted("t")),
        (beside("log", message="one line"), TaskOutput("t", "stdout", "one line\n")),
        (beside("log", message="no\n", level="error"), TaskOutput("t", "stderr", "no\n")),
        (beside("progress", progress=40, message="Half"), TaskProgressed("t", 40.0, "Half")),
        (
            beside("status", status="running", progress=50),
            TaskProgressed("t", 50.0, status=TaskStatus.RUNNING),
        ),
        (
            beside("validation", passed=False, message="2 lint errors"),
            SubtaskReported("t", "validation", TaskStatus.FAILED, "Validation", error="2 lint errors"),
        ),
        (beside("checkpoint", checkpointId="c", reason="auto"), CheckpointSaved("t", "c", reason="auto")),
        (beside("completed", duration=3), TaskCompleted("t", 3.0)),
        (beside("failed", error="no"), TaskFailed("t", "no")),
        ('{"type": "started", "taskId": "t", "timestamp": 1764583200}', TaskStarted("t")),
        (
            '{"type": "task.started", "payload": {"workerId": "w"}, "metadata": {"taskId": "t"}}',
            TaskStarted("t", "w"),
        ),
    ],
)
def test_a_task_may_be_named_beside_the_data(frame: str, fact: Fact) -> None:
    (event,) = read_events(frame, 1)
    assert event.fact == fact
    assert "task_id" not in event.payload, "the payload is what came"


def test_a_checkpoint_with_words_for_a_person_is_a_question() -> None:
    (event,) = read_events(beside("checkpoint", checkpointId="c", title="Ship?", options=["approve"]), 1)
    assert isinstance(event.fact, CheckpointOpened)
    assert (event.fact.task_id, event.fact.title) == ("t", "Ship?")


def test_a_bare_word_without_a_task_is_unknown() -> None:
    (event,) = read_events('{"type": "started", "data": {}}', 1)
    assert event.fact == UnknownEvent()


def test_a_task_goes_its_way_in_words_beside_its_data() -> None:
    frames = [
        beside("started", 0, provider="p"),
        beside("log", 1, message="hello"),
        beside("progress", 2, progress=50),
        beside("completed", 3, duration=3, cost=0.05),
    ]
    folded = fold(frames)
    row = folded.tables.frame("tasks").loc["t"]
    assert (row["status"], row["provider_id"], row["cost_usd"]) == ("completed", "p", 0.05)
    assert folded.log.unknown == 0
