"""Questions: the server's facts about them. `decisions` has those about our answers.

A checkpoint locks (`sending`) while one of our decisions is under way. A decided one stays decided, and an expired one
may only be decided, unless the server asks again under the same id: the row is then about the new round.
"""

from __future__ import annotations

from copy import copy

import msgspec

from runconsole.actions import ACTIONS
from runconsole.events import (
    LAST_MICROS,
    CheckpointDecided,
    CheckpointExpired,
    CheckpointOpened,
    CheckpointOption,
    CheckpointReminded,
    CheckpointSaved,
    Micros,
    Received,
)
from runconsole.state.advance import fill_unknown, moment
from runconsole.state.attribution import (
    Inquire,
    Presume,
    decided_phrase,
    end_decision,
    end_others,
    is_offered,
    is_ours,
    mark_applied,
    own_decisions,
    put_checkpoint,
    put_decision,
    same_option,
)
from runconsole.state.ordering import is_before
from runconsole.state.rows import Checkpoint, Decision, RestorePoint
from runconsole.state.server_clock import own_offset
from runconsole.state.state import URGENT, Effect, RunState, Urgent, handles

_AGREE: Micros = 1_000_000
"""The tolerated difference between the clocks of two parts of one server."""

# ---- asked ---------------------------------------------------------------------------------------------------------


@handles(CheckpointOpened)
def checkpoint_opened(state: RunState, fact: CheckpointOpened, event: Received) -> tuple[Effect, ...]:
    known = state.checkpoints.get(fact.checkpoint_id)
    deadline = _deadline(state, fact, event)
    is_new = known is None or (not known.is_open and _is_asked_again(state, known, fact, event, deadline))
    row = Checkpoint(fact.checkpoint_id) if known is None else copy(known)
    if known is not None and is_new:
        row = Checkpoint(fact.checkpoint_id, known.task_id, round=known.round + 1)
    row.requested_at = row.requested_at or moment(event)
    row.opened_at = row.opened_at or event.received_at
    _announce(row, fact, event, deadline)
    if known is not None and is_new:
        fill_unknown(row, kind=known.kind, title=known.title, description=known.description)
        row.default_action = row.default_action or known.default_action
    if row.decided_by == "timeout":
        row.decision = row.decision or row.default_action
    if row == known:
        return ()
    put_checkpoint(state, row)
    lacks_actions = any(option.action is None and option.id not in ACTIONS for option in row.options)
    if lacks_actions and not fact.listed and (known is None or is_new):
        return (Urgent(), Inquire(row.checkpoint_id))  # an answer to a query may include the meaning of its options
    return URGENT


def _deadline(state: RunState, fact: CheckpointOpened | CheckpointReminded, event: Received) -> Micros | None:
    """Return the reported deadline, None for one that lies before its own event.

    If time zones are mixed up, as with a naive local time beside one in UTC, a deadline may seem to have passed before
    the question was asked. Then it is unknown here, and the server judges.
    """
    now = state.clock.at(event.received_at) if event.timestamp is None else event.timestamp
    if fact.expires_in_s is not None:
        return max(0, min(now + round(fact.expires_in_s * 1e6), LAST_MICROS))
    return fact.deadline if fact.deadline is not None and fact.deadline > now else None


def _announce(row: Checkpoint, fact: CheckpointOpened, event: Received, deadline: Micros | None) -> None:
    """Fill in unknown fields. The deadline of an open question is the newest reported one."""
    at = event.timestamp
    if (
        row.is_open
        and deadline is not None
        and at is not None
        and row.last_event_at is not None
        and at > row.last_event_at
    ):
        row.deadline = deadline
    if at is not None:
        row.last_event_at = max(at, row.last_event_at or at)
        row.own_offset = row.own_offset if row.own_offset is not None else own_offset(at, event.received_at)
    row.task_id = row.task_id or fact.task_id
    row.kind = row.kind or fact.kind
    row.title = row.title or fact.title
    row.description = row.description or fact.description
    row.context = row.context or fact.context
    row.command = row.command or fact.command
    row.schema = row.schema or fact.schema
    row.requests = row.requests or fact.requests
    if row.offers == "nothing" or (fact.offers == "told" and row.offers != "told"):
        row.options, row.offers, row.options_note = fact.options, fact.offers, fact.options_note
    else:
        row.options = _with_actions(row.options, fact.options)
    row.deadline = row.deadline or deadline
    row.default_action = row.default_action or fact.default_action


def _with_actions(
    options: tuple[CheckpointOption, ...], newer: tuple[CheckpointOption, ...]
) -> tuple[CheckpointOption, ...]:
    """Return the options with actions that were reported later."""
    actions = {option.id: option.action for option in newer if option.action is not None}
    if not actions:
        return options
    return tuple(
        option if option.action is not None else msgspec.structs.replace(option, action=actions.get(option.id))
        for option in options
    )


def _is_asked_again(
    state: RunState, row: Checkpoint, fact: CheckpointOpened, event: Received, deadline: Micros | None
) -> bool:
    """Return whether this opens a closed question anew, and is no late or repeated fact about the earlier round.

    An announcement's own time tells it from an older one. Without a time only a later deadline shows a new question; a
    server's list, requested after the close, is about the present.
    """
    if fact.listed:
        now = event.received_at + state.clock.estimate
        return (fact.deadline is None or now < fact.deadline) and (row.closed_at is None or now > row.closed_at)
    at = event.timestamp
    if at is None:
        if fact.expires_in_s is not None or deadline is None:
            return False
        return row.deadline is not None and deadline > row.deadline
    return at > (row.last_event_at or 0) and at > (row.closed_at or 0)


@handles(CheckpointReminded)
def checkpoint_reminded(state: RunState, fact: CheckpointReminded, event: Received) -> tuple[Effect, ...]:
    known = state.checkpoints.get(fact.checkpoint_id)
    if known is None or known.reminded or not known.is_open or moment(event) < (known.requested_at or 0):
        return ()
    row = copy(known)
    row.reminded = True
    row.deadline = _deadline(state, fact, event) or row.deadline
    put_checkpoint(state, row)
    return URGENT


@handles(CheckpointSaved)
def checkpoint_saved(state: RunState, fact: CheckpointSaved, event: Received) -> None:
    """Store a restore point, and its use."""
    if fact.checkpoint_id is None:
        return
    known = state.restore_points.get(fact.checkpoint_id)
    row = RestorePoint(fact.checkpoint_id) if known is None else copy(known)
    fill_unknown(row, task_id=fact.task_id, kind=fact.kind, reason=fact.reason)
    if fact.restored:
        row.restored_at = moment(event)
    else:
        row.created_at = row.created_at or moment(event)
    state.restore_points[fact.checkpoint_id] = row
    state.versions["restore_points"] += 1


# ---- decided -------------------------------------------------------------------------------------------------------


@handles(CheckpointDecided)
def checkpoint_decided(state: RunState, fact: CheckpointDecided, event: Received) -> tuple[Effect, ...]:
    known = state.checkpoints.get(fact.checkpoint_id)
    row = Checkpoint(fact.checkpoint_id) if known is None else copy(known)
    certain = next((d for d in own_decisions(state, row) if d.decision_id == event.correlation_id), None)
    if certain is None and _concerns_earlier_round(state, row, fact, event):
        return ()
    if row.status == "decided" and row.decided_by is not None:
        return _decided_again(state, row, fact, event)
    row.status = "decided"
    row.decision = fact.option or row.decision or (row.default_action if fact.automatic else None)
    row.feedback = fact.feedback or row.feedback
    row.decided_at = row.decided_at or _decided_at(fact, event)
    row.closed_at = _decided_at(fact, event)
    row.decided_by_name = row.decided_by_name or fact.decided_by
    row.error = None
    effects = _attribute(state, row, fact, event, certain)
    put_checkpoint(state, row)
    return effects


def _decided_at(fact: CheckpointDecided, event: Received) -> Micros:
    return moment(event) if fact.decided_at is None else fact.decided_at


def _attribute(
    state: RunState, row: Checkpoint, fact: CheckpointDecided, event: Received, certain: Decision | None
) -> tuple[Effect, ...]:
    """Attribute the decision: to us, to the time-out, or to another client.

    A reply to an answer under way may decide later.
    """
    if fact.automatic:
        row.decided_by = "timeout"
        end_others(state, row)
        return URGENT
    if certain is not None:
        mark_applied(state, row, certain, event.received_at, presumed=False)
        return URGENT
    like_it = [decision for decision in own_decisions(state, row) if is_ours(state, row, decision, fact, event)]
    flying = next((decision for decision in like_it if decision.state == "sent"), None)
    if flying is not None:
        row.decided_by = None
        return (Urgent(), Presume(flying.decision_id))
    lost = next((decision for decision in like_it if decision.state == "unknown"), None)
    if lost is not None:
        mark_applied(state, row, lost, event.received_at, presumed=True)
        return URGENT
    row.decided_by = "other"
    end_others(state, row)
    return URGENT


def _decided_again(state: RunState, row: Checkpoint, fact: CheckpointDecided, event: Received) -> tuple[Effect, ...]:
    """Take further facts about a question with a known decider: its decision and time may still be news."""
    taken = state.decisions.get(row.decision_id) if row.is_decided_here and row.decision_id else None
    if taken is not None and taken.state == "acknowledged" and is_offered(row, fact.option):
        if not same_option(row, taken, fact.option):
            return _contradicted(state, row, taken, fact, event)
        if row.option(fact.option or "") is not None:
            row.decision = fact.option  # of options with the same action, the one that the server took
    was_inferred = row.decision is None
    if was_inferred and fact.automatic:
        row.decided_by = "timeout"
    fill_unknown(
        row,
        decision=fact.option,
        feedback=fact.feedback,
        decided_at=_decided_at(fact, event),
        decided_by_name=fact.decided_by,
    )
    if event.timestamp is not None and (row.closed_at or 0) < event.timestamp:
        row.closed_at = event.timestamp
    if was_inferred and row.decision is not None:
        _name_decider(state, row)
    if row != state.checkpoints[row.checkpoint_id]:
        put_checkpoint(state, row)
    _confirm(state, row)
    return URGENT


def _contradicted(
    state: RunState, row: Checkpoint, taken: Decision, fact: CheckpointDecided, event: Received
) -> tuple[Effect, ...]:
    """Revoke our acknowledged answer, because another one counts: some servers acknowledge before they check."""
    row.decided_by = "timeout" if fact.automatic else "other"
    row.decision, row.feedback, row.decided_by_name = fact.option, fact.feedback, fact.decided_by
    row.decided_at = row.closed_at = _decided_at(fact, event)
    put_checkpoint(state, row)
    end_decision(state, taken, "expired" if fact.automatic else "refused", f"{decided_phrase(row)}: {row.decision!r}")
    return URGENT


def _name_decider(state: RunState, row: Checkpoint) -> None:
    """Add the decider and the decision to the answers refused because of it."""
    for decision in own_decisions(state, row):
        if decision.state == "refused" and decision.decision_id == row.decision_id:
            end_decision(state, decision, "refused", f"{decided_phrase(row)}: {row.decision!r}")


def _confirm(state: RunState, row: Checkpoint) -> None:
    """Mark our acknowledged decision as applied."""
    decision = state.decisions.get(row.decision_id) if row.decision_id else None
    if decision is not None and row.is_decided_here and decision.state == "acknowledged":
        decision = copy(decision)
        decision.state = "applied"
        put_decision(state, decision)
        put_checkpoint(state, copy(row))


def _concerns_earlier_round(state: RunState, row: Checkpoint, fact: CheckpointDecided, event: Received) -> bool:
    """Return whether a late fact concerns an earlier round of the question; a round found in this way is counted."""
    at = event.timestamp if fact.decided_at is None else fact.decided_at
    if row.round > 1 and is_before(at, row.requested_at):
        return True
    announced = row.last_event_at
    between = row.requested_at is not None and announced is not None and announced > row.requested_at
    if not between or not row.is_open or row.decision_ids or not is_before(at, (announced or 0) - _AGREE):
        return False
    row.round += 1
    row.requested_at = announced
    put_checkpoint(state, row)
    return True


# ---- closed without an answer --------------------------------------------------------------------------------------


def close_checkpoints(state: RunState, task_id: str | None, why: str, at: Micros | None = None) -> None:
    """Close the open questions of a task that has ended (None: of the run): nobody can answer them any more.

    A question from after the end, `at`, stays open, such as the question for a new attempt.
    """
    waiting = state.questions.open() if task_id is None else state.questions.open_of(task_id)
    for checkpoint_id in waiting:
        known = state.checkpoints[checkpoint_id]
        if at is not None and known.requested_at is not None and known.requested_at > at:
            continue
        if any(decision.state == "sent" for decision in own_decisions(state, known)):
            continue  # its reply may still come
        _expire(state, known, f"no longer needed: {why}", f"not sent: {why}", at)


@handles(CheckpointExpired)
def checkpoint_expired(state: RunState, fact: CheckpointExpired, _event: None) -> tuple[Effect, ...]:
    """Expire a question: the deadline passed by the server's clock, and the server has not reported an end."""
    known = state.checkpoints.get(fact.checkpoint_id)
    if known is None or known.status not in {"pending", "sending"}:
        return ()
    if any(decision.state == "sent" for decision in own_decisions(state, known)):
        return ()
    why = fact.reason or "the deadline has passed; the server has not yet said what it did"
    unsent = fact.reason or "the deadline passed before the link was back; nothing was sent"
    _expire(state, known, why, unsent, known.deadline)
    return URGENT


def _expire(state: RunState, known: Checkpoint, why: str, unsent: str, at: Micros | None) -> None:
    row = copy(known)
    row.status = "expired"
    row.error = why
    row.closed_at = at
    put_checkpoint(state, row)
    for decision in own_decisions(state, row):
        if decision.state == "queued":
            end_decision(state, decision, "expired", unsent)
