"""Checkpoints: questions and answers under all the names that the specification has for them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runconsole.events import (
    CheckpointDecided,
    CheckpointOpened,
    CheckpointOption,
    CheckpointReminded,
    Fact,
    UnknownEvent,
)
from runconsole.wire.checkpoint import read_option
from runconsole.wire.envelope import read_events
from tests.folding import frames_of

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
def test_the_question_is_understood_in_full_under_each_of_its_names(kind: str) -> None:
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
    ("option", "read"),
    [
        ({"action": "approve"}, CheckpointOption("approve", "approve", action="approve")),
        ({"label": "Go"}, CheckpointOption("Go", "Go")),
        ({"id": 1, "label": "One", "description": ["x"]}, CheckpointOption("1", "One")),
        ({"id": "a", "isDefault": "perhaps"}, CheckpointOption("a", "a")),
        ({}, None),
        (None, None),
        (7, None),
        (["approve"], None),
    ],
)
def test_an_option_is_read_as_far_as_it_can_be(option: object, read: CheckpointOption | None) -> None:
    assert read_option(option) == read


@pytest.mark.parametrize("options", [None, [], [None, 7], "approve", {}])
def test_a_question_without_usable_options_offers_to_approve_or_reject(options: object) -> None:
    assert [option.id for option in opened(options=options).options] == ["approve", "reject"]


@pytest.mark.parametrize(
    ("context", "read"),
    [(None, None), ({"risk": "high"}, {"risk": "high"}), ("words", {"context": "words"}), ([1], {"context": [1]})],
)
def test_a_context_is_a_mapping_whatever_the_server_sends(context: object, read: object) -> None:
    assert opened(context=context).context == read


@pytest.mark.parametrize(
    ("timeout", "deadline"),
    [("2025-11-16T17:10:00Z", DEADLINE), (DEADLINE // 1_000_000, DEADLINE), (300, None), ("soon", None), (None, None)],
)
def test_the_deadline_is_a_moment_or_unknown(timeout: object, deadline: int | None) -> None:
    assert opened(timeout=timeout).deadline == deadline


def test_a_reminder_may_move_the_deadline() -> None:
    assert fact_of("checkpoint.reminder", {"checkpointId": "c", "timeout": "2025-11-16T17:10:00Z"}) == (
        CheckpointReminded("c", DEADLINE)
    )
    assert fact_of("checkpoint.reminder", {"checkpointId": "c", "minutesLeft": 5}) == CheckpointReminded("c")


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
        ("checkpoint.resolved", {"decision": 5}, CheckpointDecided("c")),
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
def test_what_names_no_checkpoint_is_kept_as_unknown(kind: str) -> None:
    assert fact_of(kind, {"taskId": "t", "title": "which?"}) == UnknownEvent("t")
