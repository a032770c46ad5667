"""The history of decisions: our answers and their outcomes, and the decisions of others and of the time-out."""

from __future__ import annotations

from itertools import islice
from typing import NamedTuple, TypedDict

from runconsole.events import Micros
from runconsole.state import Checkpoint, Decision, RunState, span_s
from runconsole.view.contract import DecisionRow
from runconsole.view.rows import NAME, PROSE, SENTENCE, Cutter, ms, number, short

__all__ = ["DecisionHistory", "HistoryEntry", "decision_row"]


class OwnDecision(NamedTuple):
    """An answer of ours, with the question it answers."""

    decision: Decision
    checkpoint: Checkpoint | None


class ForeignDecision(NamedTuple):
    """A checkpoint that ended without an answer of ours."""

    checkpoint: Checkpoint


HistoryEntry = OwnDecision | ForeignDecision


class DecisionHistory:
    """Our decisions, and the ends without one of ours, in the order in which they became known. It only grows."""

    def __init__(self) -> None:
        self._entries: list[tuple[bool, str]] = []
        self._known: set[str] = set()
        self._decisions = self._closings = 0
        self._seen: tuple[int, int] | None = None

    def __len__(self) -> int:
        return len(self._entries)

    def feed(self, state: RunState) -> None:
        """Add the new entries."""
        seen = (state.versions["decisions"], state.versions["checkpoints"])
        if seen == self._seen:
            return
        self._seen = seen
        ours = list(islice(reversed(state.decisions), len(state.decisions) - self._decisions))[::-1]
        self._decisions += len(ours)
        self._entries += [(True, decision_id) for decision_id in ours]
        closed = set(state.questions.closings[self._closings :]) - self._known
        self._closings = len(state.questions.closings)
        theirs = [row for row in map(state.checkpoints.__getitem__, state.questions.by_age(closed)) if _is_theirs(row)]
        theirs.sort(key=lambda checkpoint: checkpoint.decided_at or checkpoint.requested_at or 0)
        self._known.update(checkpoint.checkpoint_id for checkpoint in theirs)
        self._entries += [(False, checkpoint.checkpoint_id) for checkpoint in theirs]

    def rows(self, state: RunState, start: int = 0) -> list[HistoryEntry]:
        """Return the present entries from a number on."""
        return [_entry(state, ours=ours, key=key) for ours, key in self._entries[start:]]


def _is_theirs(checkpoint: Checkpoint) -> bool:
    if checkpoint.status == "expired":
        return checkpoint.decision_id is None  # else our own answer has the outcome
    return checkpoint.status == "decided" and not checkpoint.is_decided_here


def _entry(state: RunState, *, ours: bool, key: str) -> HistoryEntry:
    if not ours:
        return ForeignDecision(state.checkpoints[key])
    decision = state.decisions[key]
    return OwnDecision(decision, state.checkpoints.get(decision.checkpoint_id))


class _Fields(TypedDict):
    """The fields of a row before they are cut."""

    checkpoint: str
    option: str | None
    feedback: str | None
    state: str
    by: str | None
    took_s: float | None
    at: int | None
    error: str | None


def decision_row(index: int, item: HistoryEntry, cutter: Cutter) -> DecisionRow:
    """Return the row of one entry of the history."""
    checkpoint = item.checkpoint
    row = _ours(item.decision, checkpoint) if isinstance(item, OwnDecision) else _theirs(item.checkpoint)
    title = cutter("title", checkpoint.title if checkpoint else None, NAME)  # the first field that is cut
    return {
        "checkpoint": short(row["checkpoint"]),
        "option": cutter("option", _label(checkpoint, row["option"]), NAME),
        "feedback": cutter("feedback", row["feedback"], PROSE),
        "state": row["state"],
        "by": row["by"],
        "took_s": row["took_s"],
        "at": row["at"],
        "error": cutter("error", row["error"], SENTENCE),
        "key": str(index),
        "title": title,
    }


def _ours(decision: Decision, checkpoint: Checkpoint | None) -> _Fields:
    ended = decision.acknowledged_at or decision.sent_at
    # The person's time: from the question, not from the press, by our own clock.
    asked: Micros = decision.asked_at or (checkpoint.opened_at if checkpoint else None) or decision.requested_at
    return {
        "checkpoint": decision.checkpoint_id,
        "option": decision.option,
        "feedback": decision.feedback,
        "state": decision.state,
        "by": decision.by,
        "took_s": number(span_s(asked, ended or decision.requested_at)),
        "at": ms(ended or decision.requested_at),
        "error": decision.error,
    }


def _theirs(checkpoint: Checkpoint) -> _Fields:
    decided = checkpoint.status == "decided"
    return {
        "checkpoint": checkpoint.checkpoint_id,
        "option": checkpoint.decision,
        "feedback": checkpoint.feedback,
        "state": "applied" if decided else "expired",
        "by": (checkpoint.decided_by or "other") if decided else None,
        "took_s": number(checkpoint.response_s),
        "at": ms(checkpoint.decided_at or checkpoint.deadline),
        "error": None if decided else checkpoint.error,
    }


def _label(checkpoint: Checkpoint | None, option: str | None) -> str | None:
    offered = checkpoint.option(option) if checkpoint and option else None
    return offered.label if offered else option
