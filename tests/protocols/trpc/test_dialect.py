"""The choice of a server's decision procedure, and its input."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runconsole.events import DecisionRequested
from runconsole.protocols.base import Reply, Send
from runconsole.protocols.trpc.dialect import DECIDE, RESOLVE, AnswerUnclear, Dialect, is_missing
from tests.protocols.trpc.trpc_frames import came, decision, failed, opened
from tests.support.decisions import requested

NO_PROCEDURE = ("NOT_FOUND", 'No "mutation"-procedure on path "checkpoints.decide"')


def answer(option: str, **fields: Any) -> DecisionRequested:
    return requested(1, "d", "c", option, **fields)


PLAIN = answer("approve", meaning="approve")
ONE_OF_TWO = answer("mongodb", action="approve", meaning="approve", shares_meaning=True)


@pytest.mark.parametrize(
    ("chosen", "path", "fields"),
    [
        (PLAIN, RESOLVE, {"decision": "approve"}),
        (answer("defer", meaning="defer"), RESOLVE, {"decision": "defer"}),
        (answer("retry", meaning="retry"), DECIDE, {"action": "retry", "selectedOption": "retry"}),
        (answer("more", action="approve", meaning="approve"), DECIDE, {"action": "approve", "selectedOption": "more"}),
        (ONE_OF_TWO, DECIDE, {"action": "approve", "selectedOption": "mongodb"}),
        (answer("keyset", meaning="approve"), DECIDE, {"action": "approve", "selectedOption": "keyset"}),
        (
            answer("modify", meaning="modify", feedback="shorter", modifications={"n": 1}),
            RESOLVE,
            {"decision": "modify", "feedback": "shorter", "modifications": {"n": 1}},
        ),
    ],
)
def test_an_answer_goes_by_the_procedure_that_can_take_it(
    chosen: DecisionRequested, path: str, fields: dict[str, Any]
) -> None:
    assert Dialect().choose(chosen) == (path, {"checkpointId": "c", **fields})


def test_a_missing_procedure_leads_to_the_other_one() -> None:
    dialect = Dialect()
    assert dialect.note_missing(RESOLVE)
    assert dialect.choose(PLAIN) == (DECIDE, {"checkpointId": "c", "action": "approve", "selectedOption": "approve"})


def test_resolve_takes_only_options_with_an_action_of_their_own() -> None:
    dialect = Dialect()
    dialect.note_missing(DECIDE)
    assert dialect.choose(answer("more", action="approve", meaning="approve"))[1]["decision"] == "approve"


def test_resolve_alone_cannot_tell_options_of_one_action_apart() -> None:
    dialect = Dialect()
    dialect.note_missing(DECIDE)
    with pytest.raises(AnswerUnclear, match=r"cannot tell 'mongodb' from the other options that mean 'approve'"):
        dialect.choose(ONE_OF_TWO)


def test_a_server_without_both_is_said() -> None:
    dialect = Dialect()
    assert dialect.note_missing(RESOLVE)
    assert not dialect.note_missing(DECIDE)
    with pytest.raises(AnswerUnclear, match="name its procedure with decide="):
        dialect.choose(PLAIN)


def test_a_procedure_that_the_user_names_is_used_as_it_is() -> None:
    dialect = Dialect()
    assert dialect.choose(PLAIN, "hitl.answer") == ("hitl.answer", {"checkpointId": "c", "decision": "approve"})
    assert not dialect.note_missing("hitl.answer")


@pytest.mark.parametrize(
    ("code", "message", "missing"),
    [
        ("NOT_FOUND", 'No procedure found on path "checkpoints.decide"', True),
        ("NOT_FOUND", 'No "mutation"-procedure on path "checkpoints.decide"', True),
        ("NOT_FOUND", "CHECKPOINT_NOT_FOUND", False),
        ("BAD_REQUEST", "no procedure on path", False),
    ],
)
def test_only_one_message_means_a_missing_procedure(code: str, message: str, missing: bool) -> None:  # noqa: FBT001
    assert is_missing(code, message) is missing


def test_the_wire_puts_the_answer_again_where_nothing_was_done() -> None:
    wire = opened()
    first = wire.decide(decision(option="more", action="approve", meaning="approve"), "t")
    number = json.loads(first.frame)["id"]
    (again,) = came(wire, failed(number, *NO_PROCEDURE))
    assert isinstance(again, Send)
    request = json.loads(again.frame)
    assert request["params"] == {"path": RESOLVE, "input": {"checkpointId": "cp-1", "decision": "approve"}}
    assert wire.pending == ["d-1"]


def test_an_answer_the_other_procedure_cannot_take_is_refused() -> None:
    wire = opened()
    first = wire.decide(decision(option="mongodb", action="approve", meaning="approve", shares_meaning=True), "t")
    (reply,) = came(wire, failed(json.loads(first.frame)["id"], *NO_PROCEDURE))
    assert isinstance(reply, Reply)
    assert "cannot tell 'mongodb'" in (reply.error or "")
    assert wire.pending == []
