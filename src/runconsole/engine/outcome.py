"""The outcome of one decision, as a future."""

from __future__ import annotations

import concurrent.futures

from runconsole.errors import DecisionExpired, DecisionRefused, DecisionUnknown, NotConnected
from runconsole.state import WITHDRAWN, Decision

__all__ = ["Outcome"]

_SETTLED = frozenset({"acknowledged", "applied", "refused", "expired", "unknown"})


class Outcome:
    """The future of one decision: its row once acknowledged, or the error that says how else it ended.

    The future of a decision that waits for other answers, which go out with it, is its row as it waits.
    """

    def __init__(self, decision_id: str, checkpoint_id: str) -> None:
        self.decision_id = decision_id
        self.checkpoint_id = checkpoint_id
        self.future: concurrent.futures.Future[Decision] = concurrent.futures.Future()

    def resolve(self, decision: Decision) -> None:
        """Set how the decision ended, if it has."""
        is_held = decision.state == "queued" and decision.error is not None
        if self.future.done() or (decision.state not in _SETTLED and not is_held):
            return
        said = decision.error or "no reason was given"
        name = f"the decision {decision.option!r} on {self.checkpoint_id!r}"
        match decision.state:
            case "refused" if decision.code == WITHDRAWN:
                self.future.set_exception(NotConnected(said))
            case "refused":
                self.future.set_exception(DecisionRefused(f"{name} was refused: {said}", self.checkpoint_id))
            case "expired":
                self.future.set_exception(DecisionExpired(f"{name} came too late: {said}", self.checkpoint_id))
            case "unknown":
                self.future.set_exception(DecisionUnknown(f"{name} was sent, but {said}", self.checkpoint_id))
            case _:
                self.future.set_result(decision)

    def fail(self, error: Exception) -> None:
        """Set an exception, unless the outcome is already known."""
        if not self.future.done():
            self.future.set_exception(error)
