"""The task family: the documented events, and the rest of the family."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runconsole.decoding.envelope import read_events
from runconsole.events import (
    AgentReported,
    ArtifactCreated,
    CheckpointSaved,
    ErrorReported,
    Fact,
    Logged,
    SubtaskReported,
    TaskCancelled,
    TaskCompleted,
    TaskCreated,
    TaskDetails,
    TaskFailed,
    TaskOutput,
    TaskPhaseChanged,
    TaskProgressed,
    TaskProviderChanged,
    TaskStarted,
    TaskStatus,
    TaskStatusChanged,
    TokenUsage,
    ToolCallReported,
    UnknownEvent,
)
from tests.support.folding import frames_of

SEED = [json.loads(frame) for frame in frames_of("seed-task")]
DOCUMENTED: dict[str, Any] = {event["type"]: event["payload"] for event in reversed(SEED)}


def fact_of(kind: str, payload: object) -> Fact:
    (event,) = read_events(json.dumps({"type": kind, "payload": payload}), 1)
    return event.fact


@pytest.mark.parametrize(
    ("kind", "fact"),
    [
        (
            "task.created",
            TaskCreated(
                "task-789",
                "Add password reset\nwith a mail and a link that expires",
                TaskDetails(type="feature", queue_position=1, estimated_start=1_763_312_402_000_000),
            ),
        ),
        ("task.started", TaskStarted("task-789", "worker-1", "provider-a", TaskDetails(access_mode="subscription"))),
        (
            "task.progress",
            TaskProgressed(
                "task-789",
                25.0,
                "Writing the specification",
                subtask=SubtaskReported("task-789", "st-1", name="Specification", progress=50.0),
                tokens=1200,
                cost_usd=0.018,
                details=TaskDetails(elapsed_s=4.0, remaining_s=12.0),
            ),
        ),
        ("task.output", TaskOutput("task-789", "stdout", "Reading src/auth.py\n", "worker-1", "agent-1")),
        (
            "task.subtask.started",
            SubtaskReported(
                "task-789",
                "st-2",
                TaskStatus.RUNNING,
                "Implementation",
                "Token table, mail, form",
                agent_id="agent-1",
            ),
        ),
        (
            "task.subtask.completed",
            SubtaskReported(
                "task-789",
                "st-1",
                TaskStatus.COMPLETED,
                "Specification",
                duration_s=9.5,
                artifacts=("docs/password-reset.md",),
            ),
        ),
        ("task.checkpoint", CheckpointSaved("task-789", "cp-455", "auto", "specification written")),
        (
            "task.completed",
            TaskCompleted(
                "task-789",
                18.5,
                5400,
                0.081,
                ("src/reset.py",),
                ("src/auth.py",),
                (),
                TaskDetails(
                    tests_run=14,
                    tests_passed=14,
                    coverage=0.91,
                    commit="3f2c1d0",
                    pull_request="https://example.org/pulls/7",
                    spec_path="docs/password-reset.md",
                    changelog="Added: password reset",
                    provider_time={"provider-a": 15.2},
                ),
            ),
        ),
        (
            "task.failed",
            TaskFailed(
                "task-790",
                "2 of 14 tests fail",
                "TESTS_FAILED",
                recoverable=True,
                duration_s=7.25,
                tokens=800,
                cost_usd=0.012,
                details=TaskDetails(last_checkpoint="cp-455"),
            ),
        ),
        (
            "task.cancelled",
            TaskCancelled("task-791", "not needed any more", "user", details=TaskDetails(last_checkpoint="cp-455")),
        ),
    ],
)
def test_every_documented_event_is_understood_in_full(kind: str, fact: Fact) -> None:
    assert fact_of(kind, DOCUMENTED[kind]) == fact


@pytest.mark.parametrize(
    ("kind", "payload", "fact"),
    [
        ("task.queued", {"taskId": "t", "queuePosition": 3}, TaskCreated("t", details=TaskDetails(queue_position=3))),
        ("task.paused", {"taskId": "t"}, TaskStatusChanged("t", TaskStatus.PAUSED)),
        ("task.resumed", {"taskId": "t"}, TaskStatusChanged("t", TaskStatus.RUNNING)),
        (
            "task.phase_changed",
            {"taskId": "t", "previousPhase": "specification", "newPhase": "implementation"},
            TaskPhaseChanged("t", "implementation", "specification"),
        ),
        (
            "task.progress",
            {"taskId": "t", "progress": 40, "status": "in_progress", "phase": "validation"},
            TaskProgressed("t", 40.0, status=TaskStatus.RUNNING, phase_name="validation"),
        ),
        ("task.output", {"taskId": "t", "stream": "stderr", "data": ""}, TaskOutput("t", "stderr", "")),
        ("task.output", {"data": "whose?"}, TaskOutput(None, "stdout", "whose?")),
        ("task.checkpoint", {"taskId": "t", "checkpointId": "c"}, CheckpointSaved("t", "c")),
        ("checkpoint.created", {"taskId": "t", "checkpointId": "c", "type": "auto"}, CheckpointSaved("t", "c", "auto")),
        ("checkpoint.restored", {"taskId": "t", "checkpointId": "c"}, CheckpointSaved("t", "c", restored=True)),
        ("task.failed", {"taskId": "t", "error": "a text"}, TaskFailed("t", "a text")),
        ("task.failed", {"taskId": "t", "error": {"code": "X"}}, TaskFailed("t", "X", "X")),
        ("task.failed", {"taskId": "t"}, TaskFailed("t", "failed")),
        ("task.completed", {"taskId": "t"}, TaskCompleted("t")),
        ("task.completed", {"taskId": "t", "metrics": {"duration": 3}}, TaskCompleted("t", 3.0)),
        ("task.cancelled", {"taskId": "t"}, TaskCancelled("t")),
        (
            "task.cancelled",
            {"taskId": "t", "metrics": {"duration": 3, "tokensUsed": 5, "cost": 0.5}},
            TaskCancelled("t", duration_s=3.0, tokens=5, cost_usd=0.5),
        ),
        (
            "task.failed",
            {"taskId": "t", "error": {"message": "no", "stack": "at x.ts:1"}},
            TaskFailed("t", "no", stack="at x.ts:1"),
        ),
        (
            "subtask.completed",
            {"taskId": "t", "subtaskId": "s", "result": {"success": True, "filesChanged": ["a.ts"]}, "duration": 2},
            SubtaskReported("t", "s", TaskStatus.COMPLETED, duration_s=2.0, artifacts=("a.ts",)),
        ),
        (
            "subtask.completed",
            {"taskId": "t", "subtaskId": "s", "result": {"success": False, "output": "2 tests fail"}},
            SubtaskReported("t", "s", TaskStatus.FAILED, error="2 tests fail"),
        ),
        (
            "provider.fallback_triggered",
            {"taskId": "t", "fromProvider": "a", "toProvider": "b", "reason": "rate_limit"},
            TaskProviderChanged("t", "b", "rate_limit"),
        ),
        ("agent.file_change", {"path": "a", "action": "create"}, ArtifactCreated("a", kind="file", action="created")),
        (
            "agent.file_change",
            {"taskId": "t", "filePath": "a", "changeType": "modify", "size": 3},
            ArtifactCreated("a", 3, "file", task_id="t", action="modified"),
        ),
        (
            "agent.file_change",
            {"file": "a", "operation": "delete"},
            ArtifactCreated("a", kind="file", action="deleted"),
        ),
        ("agent.file_change", {"path": "a", "action": "renamed"}, ArtifactCreated("a", kind="file", action="renamed")),
        (
            "agent.error",
            {"taskId": "t", "error": {"code": "RATE", "message": "429", "recoverable": True}, "action": "retry"},
            ErrorReported("429", "t", error_type="RATE", recoverable=True, action="retry"),
        ),
        (
            "agent.error",
            {"taskId": "t", "message": "lost", "attempt": 2, "maxRetries": 5},
            ErrorReported("lost", "t", attempt=2, max_retries=5),
        ),
        (
            "agent.completed",
            {"agentId": "a", "taskId": "t", "metrics": {"tokensUsed": 7, "cost": 0.1}},
            AgentReported("a", "t", TaskStatus.COMPLETED, usage=(TokenUsage(tokens=7, cost_usd=0.1),)),
        ),
        (
            "agent.completed",
            {"agentId": "a", "tokensUsed": 7, "cost": 0.1},
            AgentReported("a", None, TaskStatus.COMPLETED, usage=(TokenUsage(tokens=7, cost_usd=0.1),)),
        ),
        (
            "agent.completed",
            {
                "agentId": "a",
                "model": "m",
                "usage": {"inputTokens": 5, "tokensOutput": 2, "cacheReadTokens": 4, "reasoningTokens": 1},
            },
            AgentReported(
                "a",
                status=TaskStatus.COMPLETED,
                model="m",
                usage=(TokenUsage(None, "m", None, 5, 2, 4, 1),),
            ),
        ),
        (
            "agent.completed",
            {"agentId": "a", "success": False, "reason": "no"},
            AgentReported("a", status=TaskStatus.FAILED, error="no"),
        ),
        (
            "agent.spawned",
            {"agentId": "a", "taskId": "t", "agentType": "writer", "parentAgentId": "b", "model": "m"},
            AgentReported("a", "t", TaskStatus.RUNNING, "writer", "b", "m"),
        ),
        ("agent.thinking", {"agentId": "a"}, AgentReported("a", status=TaskStatus.RUNNING)),
        ("agent.thinking", {"taskId": "t"}, Logged("t")),
        (
            "agent.tool_call",
            {"agentId": "a", "taskId": "t", "tool": {"id": "k", "name": "bash", "input": {"cmd": "ls"}}},
            ToolCallReported("k", "t", "a", "bash", TaskStatus.RUNNING, '{"cmd":"ls"}'),
        ),
        (
            "agent.tool_call",
            {"toolCallId": "k", "toolName": "bash", "args": None, "error": {"message": "denied"}},
            ToolCallReported("k", name="bash", status=TaskStatus.FAILED, error="denied"),
        ),
        (
            "agent.tool_result",
            {"agentId": "a", "tool": "bash", "output": "a.py", "duration": 2},
            ToolCallReported(None, None, "a", "bash", TaskStatus.COMPLETED, result='"a.py"', duration_s=2.0),
        ),
        (
            "agent.tool_result",
            {"callId": "k", "result": [1], "isError": True},
            ToolCallReported("k", status=TaskStatus.FAILED, result="[1]", error="the call failed"),
        ),
        ("agent.tool_result", {"taskId": "t", "result": 1}, Logged("t")),
        (
            "agent.tool_result",
            {"agentId": "a", "tool": {"name": "bash", "output": "a.py"}},
            ToolCallReported(None, None, "a", "bash", TaskStatus.COMPLETED, result='"a.py"'),
        ),
        (
            "agent.tool_result",
            {"agentId": "a", "tool": {"name": "bash", "error": "denied"}},
            ToolCallReported(None, None, "a", "bash", TaskStatus.FAILED, error="denied"),
        ),
        (
            "agent.completed",
            {"agentId": "a", "metrics": {"duration": 9000, "tokensInput": 5, "tokensOutput": 2, "tokensTotal": 7}},
            AgentReported("a", status=TaskStatus.COMPLETED, usage=(TokenUsage(None, None, 7, 5, 2),)),
        ),
        (
            "agent.terminated",
            {"agentId": "a", "taskId": "t", "reason": "timeout", "metrics": {"tokensUsed": 7, "cost": 0.1}},
            AgentReported("a", "t", TaskStatus.CANCELLED, usage=(TokenUsage(tokens=7, cost_usd=0.1),)),
        ),
    ],
)
def test_the_rest_of_the_specification_has_its_meaning(kind: str, payload: dict[str, Any], fact: Fact) -> None:
    assert fact_of(kind, payload) == fact


@pytest.mark.parametrize(
    ("event", "status"),
    [
        ("created", TaskStatus.PENDING),
        ("started", TaskStatus.RUNNING),
        ("completed", TaskStatus.COMPLETED),
        ("failed", TaskStatus.FAILED),
    ],
)
def test_subtasks_are_the_same_under_both_families_of_names(event: str, status: TaskStatus) -> None:
    payload = {"taskId": "t", "subtaskId": "s", "title": "Plan", "error": {"message": "why"}, "order": 1, "result": {}}
    fact = SubtaskReported("t", "s", status, "Plan", error="why")
    assert fact_of(f"subtask.{event}", payload) == fact_of(f"task.subtask.{event}", payload) == fact
    assert fact_of(f"subtask.{event}", {"taskId": "t", "id": "s"}) == SubtaskReported("t", "s", status)
    assert fact_of(f"subtask.{event}", {"taskId": "t", "subtaskId": "s", "error": "why"}) == SubtaskReported(
        "t", "s", status, error="why"
    )


@pytest.mark.parametrize(
    "kind", sorted(kind for kind in DOCUMENTED if "output" not in kind and kind != "task.checkpoint")
)
def test_an_event_of_no_task_is_kept_as_unknown(kind: str) -> None:
    payload = {name: value for name, value in DOCUMENTED[kind].items() if name not in {"taskId", "checkpointId"}}
    assert fact_of(kind, payload) == UnknownEvent(None)


def test_a_subtask_without_a_name_leaves_the_progress() -> None:
    fact = fact_of("task.progress", {"taskId": "t", "progress": 1, "subtask": {"name": "n", "progress": 3}})
    assert fact == TaskProgressed("t", 1.0)


def test_a_wrong_field_costs_only_itself() -> None:
    payload = {
        "taskId": 5,
        "progress": "40",
        "currentStep": ["x"],
        "subtask": 7,
        "metrics": {"cost": "x", "elapsed": 2},
    }
    assert fact_of("task.progress", payload) == TaskProgressed("5", 40.0, details=TaskDetails(elapsed_s=2.0))


def test_a_status_with_its_task_beside_the_data_is_the_tasks() -> None:
    running, done, odd = (
        read_events(f'{{"type":"{kind}","taskId":"t1","timestamp":"2026-01-01T00:00:00Z","data":{data}}}', 1)[0].fact
        for kind, data in (
            ("status", '{"status":"running","progress":50}'),
            ("status", '{"status":"completed"}'),
            ("thought", '{"text":"hm"}'),
        )
    )
    assert running == TaskProgressed("t1", 50.0, status=TaskStatus.RUNNING)
    assert done == TaskCompleted("t1")
    assert odd == UnknownEvent("t1")
