"""Decisions as messages, on the wires that have no procedure of their own for them."""

from __future__ import annotations

from typing import Any, Final

from runconsole.decoding.times import write_time
from runconsole.events import DecisionRequested

__all__ = ["as_command"]

_EXECUTE: Final = "execute_command"


def as_command(decision: DecisionRequested) -> tuple[str, dict[str, Any]] | None:
    """Return the message and data for a question with a command of its own; None for other questions."""
    if decision.command is None:
        return None
    approved = (decision.meaning or decision.option) == "approve"
    arguments = {"batch_id": decision.checkpoint_id, "approved": approved, "timestamp": write_time(decision.at)}
    if decision.feedback is not None:
        arguments["feedback"] = decision.feedback
    return _EXECUTE, {"command": decision.command, "args": arguments}
