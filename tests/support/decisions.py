"""Decisions as tests make them: the parts of the answer beside the other fields."""

from __future__ import annotations

from typing import Any

from runconsole import Console, DecisionError
from runconsole.events import Answer, DecisionRequested, Micros
from tests.servers.json_server import eventually

__all__ = ["answer_in_turn", "requested"]


def requested(  # noqa: PLR0917 - as the struct has them
    at: Micros,
    decision_id: str,
    checkpoint_id: str,
    option: str = "approve",
    feedback: str | None = None,
    modifications: Any = None,
    **fields: Any,
) -> DecisionRequested:
    """Return a decision."""
    return DecisionRequested(at, decision_id, checkpoint_id, Answer(option, feedback, modifications), **fields)


def answer_in_turn(one: Console, other: Console, refusals: list[str]) -> None:
    """Answer the first question of a run by two of its viewers; add the words in which the second one is refused."""
    eventually(lambda: one.pending and other.pending)
    one.decide("question-1", "yes", feedback="go", modifications={"n": [1]})
    try:
        other.decide("question-1", "no")
    except DecisionError as error:
        refusals.append(str(error))
