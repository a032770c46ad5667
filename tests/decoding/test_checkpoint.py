"""Checkpoints: questions and answers under all their documented names."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runconsole.decoding.envelope import read_events
from runconsole.events import (
    CheckpointDecided,
    CheckpointOpened,
    CheckpointOption,
    CheckpointReminded,
    Fact,
    UnknownEvent,
)
from tests.support.folding import frames_of

SEED: dict[str, Any] = json.loads(frames_of("seed-task")[8])["payload"]
DEADLINE = 1_763_313_000_000_000
OPENED = CheckpointOpened(
    checkpoint_id="cp-456",
    task_id="task-789",
    kind="spec_review",
    title="Review the specification",
    description="The link expires after one hour. Is that right?",
    options=(
        CheckpointOption("approve", "Approve", "Go on with the implementation"),
        CheckpointOption("modify", "Change it", "Send changes to the specification"),
        CheckpointOption("reject", "Reject", "Stop the task"),
    ),
    context={
        "spec": "# Password reset\n\nA link by mail, valid for one hour.",
        "changes": ["src/auth.py", "src/mail.py"],
        "cost": 0.35,
    },
    deadline=DEADLINE,
    default_action="reject",
)


def fact_of(kind: str, payload: object) -> Fact:
    (event,) = read_events(json.dumps({"type": kind, "payload": payload}), 1)
    return event.fact


def opened(**payload: object) -> CheckpointOpened:
    fact = fact_of("checkpoint.pending", {"checkpointId": "c"} | payload)
    assert isinstance(fact, CheckpointOpened)
    return fact


@pytest.mark.parametrize("kind", ["task.hitl_required", "checkpoint.hitl_required", "checkpoint.pending"])
def test_every_name_of_a_question_reads_all_its_fields(kind: str) -> None:
    assert fact_of(kind, SEED) == OPENED
    assert fact_of(kind, SEED | {"type": SEED["checkpointType"], "checkpointType": None}) == OPENED
    assert fact_of(kind, SEED | {"id": SEED["checkpointId"], "checkpointId": None}) == OPENED


def test_options_may_be_plain_strings() -> None:
    assert opened(options=["approve", "modify", "ask_again"]).options == (
        CheckpointOption("approve", "Approve"),
        CheckpointOption("modify", "Modify"),
        CheckpointOption("ask_again", "Ask again"),
    )


def test_an_options_action_and_default_are_kept() -> None:
    options = [{"id": "more", "label": "Spend", "action": "approve"}, {"id": "stop", "isDefault": True}]
    fact = opened(options=options)
    assert fact.options == (
        CheckpointOption("more", "Spend", action="approve"),
        CheckpointOption("stop", "stop", is_default=True),
    )
    assert fact.default_action == "stop"
    assert opened(options=options, defaultAction="more").default_action == "more"


@pytest.mark.parametrize(
    ("context", "read"),
    [(None, None), ({"risk": "high"}, {"risk": "high"}), ("words", {"context": "words"}), ([1], {"context": [1]})],
)
def test_a_context_is_a_mapping_whatever_the_server_sends(context: object, read: object) -> None:
    assert opened(context=context).context == read


@pytest.mark.parametrize(
    ("timeout", "deadline", "in_s"),
    [
        ("2025-11-16T17:10:00Z", DEADLINE, None),
        (DEADLINE // 1_000_000, DEADLINE, None),
        ({"$date": DEADLINE // 1000}, DEADLINE, None),
        (300, None, 300.0),
        ("PT5M", None, 300.0),
        ({"duration": 300, "defaultAction": "reject", "expiresAt": None}, None, 300.0),
        ({"duration": 300, "expiresAt": "2025-11-16T17:10:00Z"}, DEADLINE, None),
        ("soon", None, None),
        (None, None, None),
    ],
)
def test_the_deadline_is_a_time_or_seconds_or_unknown(
    timeout: object, deadline: int | None, in_s: float | None
) -> None:
    fact = opened(timeout=timeout)
    assert (fact.deadline, fact.expires_in_s) == (deadline, in_s)


@pytest.mark.parametrize(
    ("payload", "default"),
    [
        ({"defaultAction": "reject"}, "reject"),
        ({"defaultOption": "reject"}, "reject"),
        ({"timeout": {"duration": 5, "defaultAction": "reject"}}, "reject"),
        ({"defaultAction": 7}, "7"),
        ({"defaultAction": False}, "false"),
        ({"options": [{"value": 7, "default": True}, 8]}, "7"),
        ({}, None),
    ],
)
def test_the_default_action_is_found_where_servers_put_it(payload: dict[str, Any], default: str | None) -> None:
    assert opened(**payload).default_action == default


def test_a_reminder_may_move_the_deadline() -> None:
    assert fact_of("checkpoint.reminder", {"checkpointId": "c", "timeout": "2025-11-16T17:10:00Z"}) == (
        CheckpointReminded("c", DEADLINE)
    )
    assert fact_of("checkpoint.reminder", {"checkpointId": "c", "minutesLeft": 5}) == CheckpointReminded("c")
    assert fact_of("checkpoint.reminder", {"checkpointId": "c", "timeout": 60}) == CheckpointReminded("c", None, 60.0)


@pytest.mark.parametrize(
    ("kind", "payload", "fact"),
    [
        (
            "checkpoint.resolved",
            {"decision": "approve", "decidedBy": "alice", "feedback": "fine", "responseTime": 12.5},
            CheckpointDecided("c", "approve", "fine", "alice", response_s=12.5),
        ),
        (
            "checkpoint.hitl_decided",
            {"action": "approve", "selectedOption": "more", "decidedBy": "bob", "autoTriggered": False},
            CheckpointDecided("c", "more", None, "bob"),
        ),
        ("checkpoint.hitl_decided", {"action": "reject"}, CheckpointDecided("c", "reject")),
        ("checkpoint.resolved", {"decision": {"action": "modify"}}, CheckpointDecided("c", "modify")),
        ("checkpoint.resolved", {"decision": {"selectedOption": "x", "action": "y"}}, CheckpointDecided("c", "x")),
        ("checkpoint.resolved", {"decision": 5}, CheckpointDecided("c", "5")),
        ("checkpoint.resolved", {"decision": True}, CheckpointDecided("c", "true")),
        ("checkpoint.timeout", {"actionTaken": 7}, CheckpointDecided("c", "7", automatic=True)),
        (
            "checkpoint.hitl_decided",
            {"selectedOption": "no", "autoTriggered": True},
            CheckpointDecided("c", "no", automatic=True),
        ),
        (
            "checkpoint.resolved",
            {"decision": "no", "decidedBy": "timeout"},
            CheckpointDecided("c", "no", None, "timeout", automatic=True),
        ),
        ("checkpoint.timeout", {"defaultAction": "reject"}, CheckpointDecided("c", "reject", automatic=True)),
        ("checkpoint.timeout", {"actionTaken": "skip"}, CheckpointDecided("c", "skip", automatic=True)),
        ("checkpoint.timeout", {}, CheckpointDecided("c", automatic=True)),
    ],
)
def test_an_answer_is_understood_under_each_of_its_names(kind: str, payload: dict[str, Any], fact: Fact) -> None:
    assert fact_of(kind, {"checkpointId": "c"} | payload) == fact


@pytest.mark.parametrize(
    "kind",
    [
        "task.hitl_required",
        "checkpoint.pending",
        "checkpoint.hitl_required",
        "checkpoint.reminder",
        "checkpoint.resolved",
        "checkpoint.hitl_decided",
        "checkpoint.timeout",
    ],
)
def test_an_event_without_a_checkpoint_is_kept_as_unknown(kind: str) -> None:
    assert fact_of(kind, {"taskId": "t", "title": "which?"}) == UnknownEvent("t")
