"""Answers: the life of our decisions, the same on every wire and for every client.

A decision goes ``queued → sent → acknowledged → applied`` or ends as `refused`, `expired` or `unknown`. It is sent
automatically at most once.
"""

from __future__ import annotations

from copy import copy

from runconsole.events import (
    DecisionAcknowledged,
    DecisionHeld,
    DecisionPresumed,
    DecisionRequested,
    DecisionSent,
    DecisionTurnedDown,
    DecisionUnanswered,
    Micros,
)
from runconsole.state.attribution import (
    Inquire,
    decided_phrase,
    decider_of,
    end_decision,
    end_others,
    is_offered,
    mark_applied,
    matching_unknown,
    own_decisions,
    put_checkpoint,
    put_decision,
    same_option,
)
from runconsole.state.rows import Checkpoint, Decision, DecisionState
from runconsole.state.state import URGENT, Effect, RunState, Transmit, Urgent, handles

_CLOSED = frozenset({"refused", "expired", "acknowledged"})


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
        round=known.round,
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
    row.decision_ids = (*row.decision_ids, fact.decision_id)
    row.error = None
    put_checkpoint(state, row)
    return (Urgent(), Transmit(fact.decision_id))


def _obstacle(state: RunState, row: Checkpoint, at: Micros) -> tuple[DecisionState, str] | None:
    """Return the end of a new decision that cannot be sent, with its reason; None where it can."""
    if row.status == "decided":
        who = "already decided by you" if row.decided_by == "you" else decided_phrase(row)
        return "refused", f"{who}: {row.decision!r}" if row.decision is not None else row.error or who
    if row.status == "sending":
        return "refused", "another answer to this checkpoint is already on its way"
    if row.status == "expired":
        return "expired", row.error or "the deadline has passed"
    due_at = state.due_at(row)
    if due_at is not None and state.clock.at(at) >= due_at:
        return "expired", "the deadline has passed; nothing was sent"
    return None


@handles(DecisionHeld)
def decision_held(state: RunState, fact: DecisionHeld, _event: None) -> tuple[Effect, ...]:
    decision = copy(state.decisions[fact.decision_id])
    if decision.state != "queued":
        return ()
    row = copy(state.checkpoints[decision.checkpoint_id])
    decision.error = row.error = fact.reason
    put_decision(state, decision)
    put_checkpoint(state, row)
    return URGENT


@handles(DecisionSent)
def decision_sent(state: RunState, fact: DecisionSent, _event: None) -> tuple[Effect, ...]:
    decision = copy(state.decisions[fact.decision_id])
    if decision.state != "queued":
        return ()
    decision.state = "sent"
    decision.sent_at = fact.at
    decision.error = None
    put_decision(state, decision)
    row = copy(state.checkpoints[decision.checkpoint_id])
    row.error = None
    put_checkpoint(state, row)
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
    decision.state = "applied" if is_told and decision.round == row.round else "acknowledged"
    decision.acknowledged_at = fact.at
    decision.error = None
    put_decision(state, decision)
    if decision.round != row.round:
        return URGENT  # about a question that has been asked again since
    row.status = "decided"
    row.decision_id = fact.decision_id
    row.decision = row.decision or decision.option
    row.decided_by = decider_of(decision)
    row.feedback = row.feedback or decision.feedback
    row.decided_at = row.decided_at or _server_time(state, row, fact.at)
    row.closed_at = row.closed_at or _earliest(state, decision, fact.at)
    row.error = None
    for other in own_decisions(state, row):
        # A sent one gets a reply of its own; for a lost one this is the reply.
        if other.state in {"queued", "unknown"}:
            answer = "the answer of your policy" if row.decided_by == "policy" else "your other answer"
            end_decision(state, other, "refused", f"{answer} was taken: {decision.option!r}")
    put_checkpoint(state, row)
    return URGENT


def _answered_otherwise(
    state: RunState, row: Checkpoint, decision: Decision, fact: DecisionAcknowledged
) -> tuple[Effect, ...]:
    """End a decision that the server accepted while it applied another one: never shown as agreement."""
    why = f"the server took the answer, and says that it has applied {fact.applied!r} instead"
    decision.acknowledged_at = fact.at
    end_decision(state, decision, "refused", why)
    if decision.round == row.round:
        row.status, row.decision, row.decided_by, row.error = "decided", fact.applied, "other", why
        row.decided_at = row.decided_at or _server_time(state, row, fact.at)
        row.closed_at = row.closed_at or _earliest(state, decision, fact.at)
        put_checkpoint(state, row)
    return URGENT


def _server_time(state: RunState, row: Checkpoint, at: Micros) -> Micros:
    """Return our time by the server's clock: at least the question's time plus its age here."""
    if row.requested_at is None or row.opened_at is None:
        return state.clock.at(at)
    return max(state.clock.at(at), row.requested_at + at - row.opened_at)


def _earliest(state: RunState, decision: Decision, at: Micros) -> Micros:
    """Return the earliest time, by the server's clock, at which it may have had our decision."""
    return (decision.sent_at or at) + state.clock.estimate


@handles(DecisionPresumed)
def decision_presumed(state: RunState, fact: DecisionPresumed, _event: None) -> tuple[Effect, ...]:
    decision = state.decisions[fact.decision_id]
    known = state.checkpoints[decision.checkpoint_id]
    if decision.state != "sent" or not _is_awaited(known, decision):
        return ()
    row = copy(known)
    mark_applied(state, row, decision, fact.at, presumed=True)
    put_checkpoint(state, row)
    return URGENT


def _is_awaited(row: Checkpoint, decision: Decision) -> bool:
    """Return whether the server has reported a decision that the reply to ours will attribute."""
    return row.round == decision.round and row.status == "decided" and row.decided_by is None


# ---- no ------------------------------------------------------------------------------------------------------------


@handles(DecisionTurnedDown)
def decision_turned_down(state: RunState, fact: DecisionTurnedDown, _event: None) -> tuple[Effect, ...]:
    decision = copy(state.decisions[fact.decision_id])
    if decision.state in _CLOSED or (decision.state == "applied" and not decision.presumed):
        return ()
    decision.state = "expired" if fact.expired else "refused"
    decision.error = fact.reason
    decision.code = fact.code
    put_decision(state, decision)
    known = state.checkpoints[decision.checkpoint_id]
    if decision.round != known.round or known.decided_by == "timeout":
        return URGENT
    row = copy(known)
    if row.status == "decided":
        _reattribute(state, row, decision, fact)
    elif row.decision_id == fact.decision_id:
        _close(state, row, decision, fact)
    put_checkpoint(state, row)
    asks = (fact.final or fact.expired) and (row.decision is None or row.decided_by is None)
    return (Urgent(), Inquire(row.checkpoint_id)) if asks else URGENT


def _reattribute(state: RunState, row: Checkpoint, decision: Decision, fact: DecisionTurnedDown) -> None:
    """Attribute a reported decision, which was not this one, to an earlier one of ours or to another client."""
    if row.decided_by is not None and row.decision_id != decision.decision_id:
        return
    earlier = matching_unknown(state, row)
    if earlier is not None and row.decision is not None:
        mark_applied(state, row, earlier, fact.at, presumed=True)
    elif earlier is None:
        row.decided_by = "other"
        row.error = fact.reason
        end_others(state, row)


def _close(state: RunState, row: Checkpoint, decision: Decision, fact: DecisionTurnedDown) -> None:
    """End an open question with its newest answer refused, or leave it open."""
    row.error = fact.reason
    if not (fact.final or fact.expired or fact.gone):
        row.status = "pending" if not _is_over(state, row) else "expired"
        return
    row.closed_at = _earliest(state, decision, fact.at)
    if fact.expired or fact.gone:
        row.status = "expired"
        return
    row.status = "decided"
    lost = matching_unknown(state, row)
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
        mark_applied(state, row, known, fact.at, presumed=True)
        put_checkpoint(state, row)
        return URGENT
    decision = copy(known)
    decision.state = "unknown"
    decision.error = fact.reason
    put_decision(state, decision)
    if row.is_open and row.decision_id == fact.decision_id:
        row.status = "expired" if _is_over(state, row) else "unknown"
        row.error = fact.reason
        put_checkpoint(state, row)
    return (Urgent(), Inquire(row.checkpoint_id)) if known.state == "sent" else URGENT


def _is_over(state: RunState, row: Checkpoint) -> bool:
    """Return whether an answer is no longer needed."""
    task = state.tasks.get(row.task_id) if row.task_id is not None else None
    return state.finished or (task is not None and task.finished and _asked_before_end(row, task.ended_at))


def _asked_before_end(row: Checkpoint, ended_at: Micros | None) -> bool:
    return ended_at is None or row.requested_at is None or row.requested_at <= ended_at
