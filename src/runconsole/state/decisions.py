"""Answers: the life of our decisions, the same on every wire and from every side.

A decision goes ``queued → sent → acknowledged → applied`` or ends as `refused`, `expired` or `unknown`. It is sent at
most once by itself.
"""

from __future__ import annotations

from copy import copy

from runconsole.events import (
    DecisionAcknowledged,
    DecisionPresumed,
    DecisionRequested,
    DecisionSent,
    DecisionTurnedDown,
    DecisionUnanswered,
    Micros,
)
from runconsole.state.attribution import (
    Inquire,
    applied,
    end,
    is_offered,
    lost_like_it,
    ours,
    overtaken,
    put,
    put_decision,
    same_option,
    who_decided,
)
from runconsole.state.rows import Checkpoint, Decision, DecisionState
from runconsole.state.state import URGENT, Effect, RunState, Transmit, Urgent, handles

_SETTLED = frozenset({"refused", "expired", "acknowledged"})


@handles(DecisionRequested)
def decision_requested(state: RunState, fact: DecisionRequested, _event: None) -> tuple[Effect, ...]:
    if fact.decision_id in state.decisions:
        return ()
    known = state.checkpoints[fact.checkpoint_id]
    decision = Decision(
        fact.decision_id,
        fact.checkpoint_id,
        known.task_id,
        fact.answer,
        "queued",
        fact.by,
        fact.at,
        asking=known.asking,
        asked_at=known.opened_at,
    )
    obstacle = _obstacle(state, known, fact.at)
    if obstacle is not None:
        decision.state, decision.error = obstacle
        put_decision(state, decision)
        return URGENT
    put_decision(state, decision)
    row = copy(known)
    row.status = "sending"
    row.decision_id = fact.decision_id
    row.answers = (*row.answers, fact.decision_id)
    row.error = None
    put(state, row)
    return (Urgent(), Transmit(fact.decision_id))


def _obstacle(state: RunState, row: Checkpoint, at: Micros) -> tuple[DecisionState, str] | None:
    """Return how a new decision ends before it begins, and why; None where nothing stands in its way."""
    if row.status == "decided":
        who = "already decided by you" if row.decided_by == "you" else who_decided(row)
        return "refused", f"{who}: {row.decision!r}" if row.decision is not None else row.error or who
    if row.status == "sending":
        return "refused", "another answer to this checkpoint is already on its way"
    if row.status == "expired":
        return "expired", row.error or "the deadline has passed"
    due_at = state.due_at(row)
    if due_at is not None and state.clock.at(at) >= due_at:
        return "expired", "the deadline has passed; nothing was sent"
    return None


@handles(DecisionSent)
def decision_sent(state: RunState, fact: DecisionSent, _event: None) -> tuple[Effect, ...]:
    decision = copy(state.decisions[fact.decision_id])
    if decision.state != "queued":
        return ()
    decision.state = "sent"
    decision.sent_at = fact.at
    put_decision(state, decision)
    put(state, copy(state.checkpoints[decision.checkpoint_id]))
    return URGENT


# ---- yes -----------------------------------------------------------------------------------------------------------


@handles(DecisionAcknowledged)
def decision_acknowledged(state: RunState, fact: DecisionAcknowledged, _event: None) -> tuple[Effect, ...]:
    decision = copy(state.decisions[fact.decision_id])
    if decision.state not in {"queued", "sent", "unknown"}:
        return ()
    row = copy(state.checkpoints[decision.checkpoint_id])
    if is_offered(row, fact.applied) and not same_option(row, decision, fact.applied):
        return _answered_otherwise(state, row, decision, fact)
    is_told = row.status == "decided"
    decision.state = "applied" if is_told and decision.asking == row.asking else "acknowledged"
    decision.acknowledged_at = fact.at
    decision.error = None
    put_decision(state, decision)
    if decision.asking != row.asking:
        return URGENT  # about a question that has been asked again since
    row.status = "decided"
    row.decision_id = fact.decision_id
    row.decision = row.decision or decision.option
    row.decided_by = "you"
    row.feedback = row.feedback or decision.feedback
    row.decided_at = row.decided_at or _server_time(state, row, fact.at)
    row.closed_at = row.closed_at or _earliest(state, decision, fact.at)
    row.error = None
    for other in ours(state, row):
        # One that was sent has an answer of its own to come; of one that got lost this is the answer.
        if other.state in {"queued", "unknown"}:
            end(state, other, "refused", f"your other answer was taken: {decision.option!r}")
    put(state, row)
    return URGENT


def _answered_otherwise(
    state: RunState, row: Checkpoint, decision: Decision, fact: DecisionAcknowledged
) -> tuple[Effect, ...]:
    """The server said yes, and that it has applied something else: never shown as agreement."""
    why = f"the server took the answer, and says that it has applied {fact.applied!r} instead"
    decision.acknowledged_at = fact.at
    end(state, decision, "refused", why)
    if decision.asking == row.asking:
        row.status, row.decision, row.decided_by, row.error = "decided", fact.applied, "other", why
        row.decided_at = row.decided_at or _server_time(state, row, fact.at)
        row.closed_at = row.closed_at or _earliest(state, decision, fact.at)
        put(state, row)
    return URGENT


def _server_time(state: RunState, row: Checkpoint, at: Micros) -> Micros:
    """Return our moment by the server's clock: never before the question plus the time it has been with us."""
    if row.requested_at is None or row.opened_at is None:
        return state.clock.at(at)
    return max(state.clock.at(at), row.requested_at + at - row.opened_at)


def _earliest(state: RunState, decision: Decision, at: Micros) -> Micros:
    """Return from when on the server may have had our decision, by its clock."""
    return (decision.sent_at or at) + state.clock.estimate


@handles(DecisionPresumed)
def decision_presumed(state: RunState, fact: DecisionPresumed, _event: None) -> tuple[Effect, ...]:
    decision = state.decisions[fact.decision_id]
    known = state.checkpoints[decision.checkpoint_id]
    if decision.state != "sent" or not _is_awaited(known, decision):
        return ()
    row = copy(known)
    applied(state, row, decision, fact.at, presumed=True)
    put(state, row)
    return URGENT


def _is_awaited(row: Checkpoint, decision: Decision) -> bool:
    """Whether the server has told of a decision, and the answer to ours will tell whose it was."""
    return row.asking == decision.asking and row.status == "decided" and row.decided_by is None


# ---- no ------------------------------------------------------------------------------------------------------------


@handles(DecisionTurnedDown)
def decision_turned_down(state: RunState, fact: DecisionTurnedDown, _event: None) -> tuple[Effect, ...]:
    decision = copy(state.decisions[fact.decision_id])
    if decision.state in _SETTLED or (decision.state == "applied" and not decision.presumed):
        return ()
    decision.state = "expired" if fact.expired else "refused"
    decision.error = fact.reason
    decision.code = fact.code
    put_decision(state, decision)
    known = state.checkpoints[decision.checkpoint_id]
    if decision.asking != known.asking or known.decided_by == "timeout":
        return URGENT
    row = copy(known)
    if row.status == "decided":
        _reattribute(state, row, decision, fact)
    elif row.decision_id == fact.decision_id:
        _close(state, row, decision, fact)
    put(state, row)
    asks = (fact.final or fact.expired) and (row.decision is None or row.decided_by is None)
    return (Urgent(), Inquire(row.checkpoint_id)) if asks else URGENT


def _reattribute(state: RunState, row: Checkpoint, decision: Decision, fact: DecisionTurnedDown) -> None:
    """A decision that the server told of was not this one: then an earlier one of ours, or somebody else's."""
    if row.decided_by is not None and row.decision_id != decision.decision_id:
        return
    earlier = lost_like_it(state, row)
    if earlier is not None and row.decision is not None:
        applied(state, row, earlier, fact.at, presumed=True)
    elif earlier is None:
        row.decided_by = "other"
        row.error = fact.reason
        overtaken(state, row)


def _close(state: RunState, row: Checkpoint, decision: Decision, fact: DecisionTurnedDown) -> None:
    """An open question ends with its newest answer refused, or goes on waiting."""
    row.error = fact.reason
    if not (fact.final or fact.expired or fact.gone):
        row.status = "pending" if not _is_over(state, row) else "expired"
        return
    row.closed_at = _earliest(state, decision, fact.at)
    if fact.expired or fact.gone:
        row.status = "expired"
        return
    row.status = "decided"
    lost = lost_like_it(state, row)
    if lost is None:
        row.decided_by = "other"
    else:
        row.error = f"already decided, perhaps by your earlier answer {lost.option!r}: {fact.reason}"


# ---- nothing -------------------------------------------------------------------------------------------------------


@handles(DecisionUnanswered)
def decision_unanswered(state: RunState, fact: DecisionUnanswered, _event: None) -> tuple[Effect, ...]:
    known = state.decisions[fact.decision_id]
    row = copy(state.checkpoints[known.checkpoint_id])
    if known.state not in {"sent", "unknown"}:
        return ()
    if known.state == "sent" and _is_awaited(row, known):
        applied(state, row, known, fact.at, presumed=True)
        put(state, row)
        return URGENT
    decision = copy(known)
    decision.state = "unknown"
    decision.error = fact.reason
    put_decision(state, decision)
    if row.is_open and row.decision_id == fact.decision_id:
        row.status = "expired" if _is_over(state, row) else "unknown"
        row.error = fact.reason
        put(state, row)
    return (Urgent(), Inquire(row.checkpoint_id)) if known.state == "sent" else URGENT


def _is_over(state: RunState, row: Checkpoint) -> bool:
    """Whether nobody needs an answer any more."""
    task = state.tasks.get(row.task_id) if row.task_id is not None else None
    return state.finished or (task is not None and task.finished and _asked_before_end(row, task.ended_at))


def _asked_before_end(row: Checkpoint, ended_at: Micros | None) -> bool:
    return ended_at is None or row.requested_at is None or row.requested_at <= ended_at
