"""The decision machine: checkpoints and the answers to them, the same on every wire and from every side.

A decision goes ``queued → sent → acknowledged → applied`` or ends as `refused`, `expired` or `unknown`. It is sent at
most once by itself. A checkpoint locks (`sending`) while one of our decisions is under way.
"""

from __future__ import annotations

from copy import copy

from runconsole.events import (
    CheckpointDecided,
    CheckpointExpired,
    CheckpointOpened,
    CheckpointReminded,
    CheckpointSaved,
    DecisionAcknowledged,
    DecisionRequested,
    DecisionSent,
    DecisionTurnedDown,
    DecisionUnanswered,
    Micros,
    Received,
)
from runconsole.state.advance import fill_unknown
from runconsole.state.rows import IN_FLIGHT, Checkpoint, Decision, DecisionState
from runconsole.state.run import URGENT, Effect, RunState, Transmit, Urgent, handles


def _put(state: RunState, checkpoint: Checkpoint) -> None:
    state.checkpoints[checkpoint.checkpoint_id] = checkpoint
    state.versions["checkpoints"] += 1


def _put_decision(state: RunState, decision: Decision) -> None:
    state.decisions[decision.decision_id] = decision
    state.versions["decisions"] += 1


def _moment(event: Received) -> Micros:
    return event.received_at if event.timestamp is None else event.timestamp


# ---- what the server says ------------------------------------------------------------------------------------------


@handles(CheckpointOpened)
def checkpoint_opened(state: RunState, fact: CheckpointOpened, event: Received) -> tuple[Effect, ...]:
    known = state.checkpoints.get(fact.checkpoint_id)
    row = Checkpoint(fact.checkpoint_id) if known is None else copy(known)
    row.requested_at = row.requested_at or _moment(event)
    row.opened_at = row.opened_at or event.received_at
    row.task_id = row.task_id or fact.task_id
    row.kind = row.kind or fact.kind
    row.title = row.title or fact.title
    row.description = row.description or fact.description
    row.context = row.context or fact.context
    row.options = row.options or fact.options
    row.deadline = row.deadline or fact.deadline
    row.default_action = row.default_action or fact.default_action
    if row.decided_by == "timeout":
        row.decision = row.decision or row.default_action
    if row == known:
        return ()
    _put(state, row)
    return URGENT


@handles(CheckpointReminded)
def checkpoint_reminded(state: RunState, fact: CheckpointReminded, event: Received) -> tuple[Effect, ...]:
    known = state.checkpoints.get(fact.checkpoint_id)
    if known is None or known.reminded or not known.is_open or _moment(event) < (known.requested_at or 0):
        return ()
    row = copy(known)
    row.reminded = True
    row.deadline = fact.deadline or row.deadline
    _put(state, row)
    return URGENT


@handles(CheckpointSaved)
def checkpoint_saved(_state: RunState, _fact: CheckpointSaved, _event: Received) -> None:
    """Keep the state: a restore point is a fact of the log."""


@handles(CheckpointDecided)
def checkpoint_decided(state: RunState, fact: CheckpointDecided, event: Received) -> tuple[Effect, ...]:
    known = state.checkpoints.get(fact.checkpoint_id)
    row = Checkpoint(fact.checkpoint_id) if known is None else copy(known)
    if row.status == "decided" and row.decided_by is not None:
        return _decided_again(state, row, fact, event)
    ours = state.decisions.get(row.decision_id) if row.decision_id else None
    row.status = "decided"
    row.decision = fact.option or row.decision or (row.default_action if fact.automatic else None)
    row.feedback = fact.feedback or row.feedback
    row.decided_at = row.decided_at or _moment(event)
    row.decided_by = "timeout" if fact.automatic else "you" if _is_ours(row, fact, ours, event) else "other"
    row.error = None
    _put(state, row)
    if row.decided_by == "you":
        _confirm(state, row)
    elif ours is not None and ours.state in IN_FLIGHT | {"unknown"}:
        _overtaken(state, ours, row)
    return URGENT


def _decided_again(state: RunState, row: Checkpoint, fact: CheckpointDecided, event: Received) -> tuple[Effect, ...]:
    """Who decided is known; what was decided, and when, may still be news."""
    fill_unknown(row, decision=fact.option, feedback=fact.feedback, decided_at=_moment(event))
    if row != state.checkpoints[row.checkpoint_id]:
        _put(state, row)
    _confirm(state, row)
    return URGENT


def _is_ours(row: Checkpoint, fact: CheckpointDecided, ours: Decision | None, event: Received) -> bool:
    """Whether the server's word is about our decision: by its id, or as the same option while ours was under way."""
    if ours is None:
        return False
    if event.correlation_id == ours.decision_id:
        return True
    if ours.state in {"acknowledged", "applied"}:
        return True
    option = row.option(ours.option)
    names = {ours.option, option.action if option else None}
    return ours.state in {"sent", "unknown"} and (fact.option is None or fact.option in names)


def _confirm(state: RunState, row: Checkpoint) -> None:
    """Our decision took effect."""
    ours = state.decisions.get(row.decision_id) if row.decision_id else None
    if ours is not None and row.decided_by == "you" and ours.state in {"sent", "acknowledged", "unknown"}:
        decision = copy(ours)
        decision.state = "applied"
        decision.error = None
        if decision.acknowledged_at is None:
            decision.acknowledged_at = row.decided_at
        _put_decision(state, decision)
        _put(state, copy(row))


def _overtaken(state: RunState, ours: Decision, row: Checkpoint) -> None:
    """Somebody, or the time-out, was faster than our decision."""
    decision = copy(ours)
    decision.state = "expired" if row.decided_by == "timeout" else "refused"
    decision.error = (
        f"the deadline passed first: the default action {row.decision!r} was taken"
        if row.decided_by == "timeout"
        else f"somebody else already decided: {row.decision!r}"
    )
    _put_decision(state, decision)


def close_checkpoints(state: RunState, task_id: str | None, why: str, at: Micros | None = None) -> None:
    """Close what is still open of a task that has ended (None: of the run): nobody can answer it any more.

    What was asked after the end, `at`, stays: whether to try again, for example.
    """
    for known in state.open_checkpoints:
        if task_id is not None and known.task_id != task_id:
            continue
        if at is not None and known.requested_at is not None and known.requested_at > at:
            continue
        ours = state.decisions.get(known.decision_id) if known.decision_id else None
        if ours is not None and ours.state == "sent":
            continue  # its answer may still come
        row = copy(known)
        row.status = "expired"
        row.error = f"no longer needed: {why}"
        _put(state, row)
        if ours is not None and ours.state == "queued":
            decision = copy(ours)
            decision.state = "expired"
            decision.error = f"not sent: {why}"
            _put_decision(state, decision)


@handles(CheckpointExpired)
def checkpoint_expired(state: RunState, fact: CheckpointExpired, _event: None) -> tuple[Effect, ...]:
    """The deadline passed by the server's clock, and the server has not said what happened."""
    known = state.checkpoints.get(fact.checkpoint_id)
    if known is None or known.status not in {"pending", "sending"}:
        return ()
    ours = state.decisions.get(known.decision_id) if known.decision_id else None
    if ours is not None and ours.state == "sent":
        return ()
    row = copy(known)
    row.status = "expired"
    row.error = "the deadline has passed; the server has not yet said what it did"
    _put(state, row)
    if ours is not None and ours.state == "queued":
        decision = copy(ours)
        decision.state = "expired"
        decision.error = "the deadline passed before the link was back; nothing was sent"
        _put_decision(state, decision)
    return URGENT


# ---- what we say ---------------------------------------------------------------------------------------------------


@handles(DecisionRequested)
def decision_requested(state: RunState, fact: DecisionRequested, _event: None) -> tuple[Effect, ...]:
    if fact.decision_id in state.decisions:
        return ()
    known = state.checkpoints[fact.checkpoint_id]
    decision = Decision(
        fact.decision_id,
        fact.checkpoint_id,
        known.task_id,
        fact.option,
        fact.feedback,
        fact.modifications,
        "queued",
        fact.by,
        fact.at,
    )
    obstacle = _obstacle(state, known, fact.at)
    if obstacle is not None:
        decision.state, decision.error = obstacle
        _put_decision(state, decision)
        return URGENT
    _put_decision(state, decision)
    row = copy(known)
    row.status = "sending"
    row.decision_id = fact.decision_id
    row.error = None
    _put(state, row)
    return (Urgent(), Transmit(fact.decision_id))


def _obstacle(state: RunState, row: Checkpoint, at: Micros) -> tuple[DecisionState, str] | None:
    """Return how a new decision ends before it begins, and why; None where nothing stands in its way."""
    if row.status == "decided":
        who = {"you": "you", "other": "somebody else", "timeout": "the time-out"}.get(row.decided_by or "", "somebody")
        return "refused", f"already decided by {who}: {row.decision!r}"
    if row.status == "sending":
        return "refused", "another answer to this checkpoint is already on its way"
    if row.status == "expired":
        return "expired", row.error or "the deadline has passed"
    if row.deadline is not None and at + state.clock.offset > row.deadline:
        return "expired", "the deadline has passed; nothing was sent"
    return None


@handles(DecisionSent)
def decision_sent(state: RunState, fact: DecisionSent, _event: None) -> tuple[Effect, ...]:
    decision = copy(state.decisions[fact.decision_id])
    if decision.state != "queued":
        return ()
    decision.state = "sent"
    decision.sent_at = fact.at
    _put_decision(state, decision)
    _put(state, copy(state.checkpoints[decision.checkpoint_id]))
    return URGENT


@handles(DecisionAcknowledged)
def decision_acknowledged(state: RunState, fact: DecisionAcknowledged, _event: None) -> tuple[Effect, ...]:
    decision = copy(state.decisions[fact.decision_id])
    if decision.state not in {"queued", "sent", "unknown"}:
        return ()
    decision.state = "acknowledged"
    decision.acknowledged_at = fact.at
    decision.error = None
    _put_decision(state, decision)
    row = copy(state.checkpoints[decision.checkpoint_id])
    newer = state.decisions.get(row.decision_id or "")
    if newer is not None and newer.decision_id != fact.decision_id and newer.state == "queued":
        newer = copy(newer)
        newer.state, newer.error = "refused", f"your earlier answer was taken: {decision.option!r}"
        _put_decision(state, newer)
    row.status = "decided"
    row.decision_id = fact.decision_id
    row.decision = decision.option
    row.decided_by = "you"
    row.feedback = decision.feedback
    row.decided_at = row.decided_at or _server_time(state, row, fact.at)
    row.error = None
    _put(state, row)
    return URGENT


def _server_time(state: RunState, row: Checkpoint, at: Micros) -> Micros:
    """Return our moment by the server's clock: never before the question plus the time it has been with us."""
    if row.requested_at is None or row.opened_at is None:
        return at + state.clock.offset
    return max(at + state.clock.offset, row.requested_at + at - row.opened_at)


@handles(DecisionTurnedDown)
def decision_turned_down(state: RunState, fact: DecisionTurnedDown, _event: None) -> tuple[Effect, ...]:
    decision = copy(state.decisions[fact.decision_id])
    if decision.state in {"refused", "expired", "acknowledged"}:
        return ()
    was_applied = decision.state == "applied"
    decision.state = "expired" if fact.expired else "refused"
    decision.error = fact.reason
    decision.code = fact.code
    _put_decision(state, decision)
    row = copy(state.checkpoints[decision.checkpoint_id])
    if row.decision_id != fact.decision_id:
        return URGENT  # a newer answer of ours has taken its place
    row.error = fact.reason
    if was_applied or (row.status == "decided" and row.decided_by == "you"):
        row.decided_by = "other"  # the same option, but somebody else's
    elif row.is_open:
        row.status = "expired" if fact.expired else "decided" if fact.final else "pending"
        if fact.final and not fact.expired:
            row.decided_by = "other"
    _put(state, row)
    return URGENT


@handles(DecisionUnanswered)
def decision_unanswered(state: RunState, fact: DecisionUnanswered, _event: None) -> tuple[Effect, ...]:
    decision = copy(state.decisions[fact.decision_id])
    if decision.state != "sent":
        return ()
    decision.state = "unknown"
    decision.error = fact.reason
    _put_decision(state, decision)
    row = copy(state.checkpoints[decision.checkpoint_id])
    if row.is_open:
        row.status = "unknown"
        row.error = fact.reason
        _put(state, row)
    return URGENT
