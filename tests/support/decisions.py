"""Decisions as tests make them: the parts of the answer beside the other fields."""

from __future__ import annotations

from typing import Any

from runconsole.events import Answer, DecisionRequested, Micros

__all__ = ["requested"]


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
