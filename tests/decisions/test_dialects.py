"""Servers that have one decision procedure or the other, with questions in the stored form of the task family."""

from __future__ import annotations

from typing import Any

import pytest

from runconsole import Console, DecisionRefused
from tests.decisions.hosts import TrpcHost, until

DATABASES = [
    {"id": "postgresql", "label": "PostgreSQL", "description": "Relational"},
    {"id": "mongodb", "label": "MongoDB", "description": "Documents"},
]
STORED = [option | {"action": "approve"} for option in DATABASES]


def asked(host: TrpcHost) -> Console:
    """Return a console of this host with one question open."""
    console = host.console()
    host.ask()
    until(lambda: console.pending)
    return console


def answered(host: TrpcHost) -> list[dict[str, Any]]:
    """Return the decisions that reached a procedure of the server."""
    return [entry["input"] for entry in host.server.log()["decisions"]]


@pytest.mark.parametrize("without", ["checkpoints.resolve", "checkpoints.decide"])
def test_a_decision_reaches_a_server_with_either_procedure(without: str) -> None:
    with TrpcHost(without=[without]) as host:
        console = asked(host)
        assert console.decide("c", "approve").state in {"acknowledged", "applied"}
        host.ask("c2")
        until(lambda: console.pending)
        console.decide("c2", "approve")
        assert [given["checkpointId"] for given in answered(host)] == ["c", "c2"]


def test_options_that_share_an_action_are_told_apart() -> None:
    with TrpcHost(shapes="stored") as host:
        console = asked(host)
        host.ask("db", options=DATABASES, stored=STORED)
        until(lambda: any(checkpoint.checkpoint_id == "db" for checkpoint in console.pending))
        console.decide("db", "mongodb")
        assert answered(host) == [{"checkpointId": "db", "action": "approve", "selectedOption": "mongodb"}]
        until(lambda: console.checkpoints.loc["db", "decision"] == "mongodb")


def test_an_option_that_resolve_cannot_name_is_not_sent() -> None:
    with TrpcHost(without=["checkpoints.decide"]) as host:
        console = asked(host)
        host.ask("db", options=DATABASES)
        until(lambda: len(console.pending) == 2)
        with pytest.raises(DecisionRefused, match="cannot tell 'mongodb' from the other options that mean 'approve'"):
            console.decide("db", "mongodb")
        assert answered(host) == []
        assert [checkpoint.status for checkpoint in console.pending] == ["pending", "pending"]


def test_the_meaning_of_an_option_is_queried() -> None:
    stored = [{"id": "a", "label": "A", "action": "escalate"}, {"id": "b", "label": "B", "action": "reject"}]
    with TrpcHost(shapes="stored") as host:
        console = asked(host)
        offered = [{key: option[key] for key in ("id", "label")} for option in stored]
        host.ask("q", options=offered, stored=stored)
        until(
            lambda: (
                [o.action for c in console.pending for o in c.options if c.checkpoint_id == "q"]
                == ["escalate", "reject"]
            )
        )
        console.decide("q", "a")
        assert answered(host) == [{"checkpointId": "q", "action": "escalate", "selectedOption": "a"}]


def test_a_differently_applied_answer_is_shown() -> None:
    with TrpcHost(announces=False) as host:
        console = asked(host)
        host.server.command("applies", option="reject")
        with pytest.raises(DecisionRefused, match="applied 'reject' instead"):
            console.decide("c", "approve")
        row = console.checkpoints.loc["c"]
        assert (row["status"], row["decision"], row["decided_by"]) == ("decided", "reject", "other")


def test_a_late_joiner_finds_an_open_question_in_ados_shape() -> None:
    with TrpcHost(shapes="stored") as host:
        first = asked(host)
        host.ask("db", title="Which database?", options=DATABASES, stored=STORED)
        until(lambda: len(first.pending) == 2)
        late = host.console()
        until(lambda: len(late.pending) == 2)
        question = next(checkpoint for checkpoint in late.pending if checkpoint.checkpoint_id == "db")
        assert (question.title, question.task_id) == ("Which database?", "t")
        assert [(option.id, option.action) for option in question.options] == [
            ("postgresql", "approve"),
            ("mongodb", "approve"),
        ]
