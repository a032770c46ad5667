"""How a decision is put as a message, on the wires that have no procedure of their own for it."""

from __future__ import annotations

from typing import Any, Final

from runconsole.events import DecisionRequested
from runconsole.wire.times import write_time

__all__ = ["APPROVAL_RESPONSE", "as_command"]

APPROVAL_RESPONSE: Final = "approval_response"
"""The command that answers a pipeline's request to approve a batch of file operations."""
_EXECUTE: Final = "execute_command"


def as_command(decision: DecisionRequested) -> tuple[str, dict[str, Any]] | None:
    """Return the message and its data that answer a question with a command of its own; None for other questions."""
    if decision.command is None:
        return None
    approved = (decision.meaning or decision.option) == "approve"
    arguments = {"batch_id": decision.checkpoint_id, "approved": approved, "timestamp": write_time(decision.at)}
    if decision.feedback is not None:
        arguments["feedback"] = decision.feedback
    return _EXECUTE, {"command": decision.command, "args": arguments}
