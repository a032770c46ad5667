"""One question in a folded run, for the tests of checkpoints and decisions: each of its steps in a line."""

from __future__ import annotations

import json
from typing import Any

from runconsole.events import (
    CheckpointExpired,
    DecisionAcknowledged,
    DecisionPresumed,
    DecisionRequested,
    DecisionSent,
    DecisionTurnedDown,
    DecisionUnanswered,
    Fact,
)
from runconsole.state import Checkpoint, Decision
from tests.support.decisions import requested
from tests.support.folding import START, Folded, fold, task

DEADLINE = 60.0


def moment(at: float) -> int:
    return START + round(at * 1e6)


def opened(checkpoint: str = "c", at: float = 0, **payload: Any) -> str:
    fields = {"checkpointId": checkpoint, "title": "Ship?", "options": ["approve", "reject"], "defaultAction": "reject"}
    return task("task.hitl_required", at, **fields | {"timeout": moment(DEADLINE)} | payload)


def decided(option: str | None = None, at: float = 5, **payload: Any) -> str:
    return task("checkpoint.resolved", at, **{"checkpointId": "c", "decision": option} | payload)


def request(decision: str = "d", option: str = "approve", at: float = 2, **fields: Any) -> DecisionRequested:
    return requested(moment(at), decision, "c", option, **fields)


SENT = DecisionSent(moment(2.1), "d")
ACKNOWLEDGED = DecisionAcknowledged(moment(3), "d")
PRESUMED = DecisionPresumed(moment(6), "d")
UNANSWERED = DecisionUnanswered(moment(4), "d", "the link broke")
EXPIRED = CheckpointExpired(moment(63), "c")


def refused(decision: str = "d", *, final: bool = False, expired: bool = False) -> DecisionTurnedDown:
    return DecisionTurnedDown(moment(3), decision, "no", "CODE", final=final, expired=expired)


def play(*steps: str | Fact) -> Folded:
    """Return a run with an open question after these steps."""
    return go_on(fold([opened()], step=0), *steps)


def go_on(folded: Folded, *steps: str | Fact) -> Folded:
    """Apply these steps; an event arrives at its own time."""
    for step in steps:
        if isinstance(step, str):
            folded.now = json.loads(step).get("timestamp", folded.now)
            folded.feed([step])
        else:
            folded.apply(step)
    return folded


Steps = list["str | Fact"]


def asked(folded: Folded) -> Checkpoint:
    return folded.state.checkpoints["c"]


def answer(folded: Folded, decision: str = "d") -> Decision:
    return folded.state.decisions[decision]
