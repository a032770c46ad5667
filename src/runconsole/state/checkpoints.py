"""Questions: what the server says of them. What we answer is in `decisions`.

A checkpoint locks (`sending`) while one of our decisions is under way. What is decided stays decided, and what is
expired is only settled further, unless the server asks again under the same id: the row is then about the new asking.
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
    applied,
    end,
    is_offered,
    is_ours,
    ours,
    overtaken,
    put,
    put_decision,
    same_option,
    who_decided,
)
from runconsole.state.ordering import is_before
from runconsole.state.rows import Checkpoint, Decision, RestorePoint
from runconsole.state.server_clock import own_offset
from runconsole.state.state import URGENT, Effect, RunState, Urgent, handles

_AGREE: Micros = 1_000_000
"""How far the clocks of two parts of one server may be apart."""

# ---- asked ---------------------------------------------------------------------------------------------------------


@handles(CheckpointOpened)
def checkpoint_opened(state: RunState, fact: CheckpointOpened, event: Received) -> tuple[Effect, ...]:
    known = state.checkpoints.get(fact.checkpoint_id)
    deadline = _deadline(state, fact, event)
    is_new = known is None or (not known.is_open and _is_asked_again(state, known, fact, event, deadline))
    row = Checkpoint(fact.checkpoint_id) if known is None else copy(known)
    if known is not None and is_new:
        row = Checkpoint(fact.checkpoint_id, known.task_id, asking=known.asking + 1)
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
    put(state, row)
    lacks_actions = any(option.action is None and option.id not in ACTIONS for option in row.options)
    if lacks_actions and not fact.listed and (known is None or is_new):
        return (Urgent(), Inquire(row.checkpoint_id))  # what its options mean may be told when asked
    return URGENT


def _deadline(state: RunState, fact: CheckpointOpened | CheckpointReminded, event: Received) -> Micros | None:
    """Return the deadline that is told, None for one that lies before the moment of telling.

    Where zones are mixed up, a naive local time beside one in UTC, a deadline may seem to have passed before the
    question was asked. Then nobody here knows when it is, and the server judges.
    """
    now = state.clock.at(event.received_at) if event.timestamp is None else event.timestamp
    if fact.expires_in_s is not None:
        return max(0, min(now + round(fact.expires_in_s * 1e6), LAST_MICROS))
    return fact.deadline if fact.deadline is not None and fact.deadline > now else None


def _announce(row: Checkpoint, fact: CheckpointOpened, event: Received, deadline: Micros | None) -> None:
    """Fill in what is not known yet. The deadline of an open question is the newest that was told."""
    at = event.timestamp
    if row.is_open and deadline is not None and at is not None and row.told_at is not None and at > row.told_at:
        row.deadline = deadline
    if at is not None:
        row.told_at = max(at, row.told_at or at)
        row.own_offset = row.own_offset if row.own_offset is not None else own_offset(at, event.received_at)
    row.task_id = row.task_id or fact.task_id
    row.kind = row.kind or fact.kind
    row.title = row.title or fact.title
    row.description = row.description or fact.description
    row.context = row.context or fact.context
    row.command = row.command or fact.command
    if row.offers == "nothing" or (fact.offers == "told" and row.offers != "told"):
        row.options, row.offers, row.options_note = fact.options, fact.offers, fact.options_note
    else:
        row.options = _with_actions(row.options, fact.options)
    row.deadline = row.deadline or deadline
    row.default_action = row.default_action or fact.default_action


def _with_actions(
    options: tuple[CheckpointOption, ...], told: tuple[CheckpointOption, ...]
) -> tuple[CheckpointOption, ...]:
    """Return the options with the actions that are told of them later."""
    actions = {option.id: option.action for option in told if option.action is not None}
    if not actions:
        return options
    return tuple(
        option if option.action is not None else msgspec.structs.replace(option, action=actions.get(option.id))
        for option in options
    )


def _is_asked_again(
    state: RunState, row: Checkpoint, fact: CheckpointOpened, event: Received, deadline: Micros | None
) -> bool:
    """Whether this asks anew what was closed, and is no late or repeated word about the question that was.

    An announcement is told from an older one by its own time. Without that only a later deadline tells a new question;
    a server that was asked, after it had closed, means now.
    """
    if fact.listed:
        now = event.received_at + state.clock.estimate
        return (fact.deadline is None or now < fact.deadline) and (row.closed_at is None or now > row.closed_at)
    at = event.timestamp
    if at is None:
        if fact.expires_in_s is not None or deadline is None:
            return False
        return row.deadline is not None and deadline > row.deadline
    return at > (row.told_at or 0) and at > (row.closed_at or 0)


@handles(CheckpointReminded)
def checkpoint_reminded(state: RunState, fact: CheckpointReminded, event: Received) -> tuple[Effect, ...]:
    known = state.checkpoints.get(fact.checkpoint_id)
    if known is None or known.reminded or not known.is_open or moment(event) < (known.requested_at or 0):
        return ()
    row = copy(known)
    row.reminded = True
    row.deadline = _deadline(state, fact, event) or row.deadline
    put(state, row)
    return URGENT


@handles(CheckpointSaved)
def checkpoint_saved(state: RunState, fact: CheckpointSaved, event: Received) -> None:
    """Keep a restore point; one that was used says so."""
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
    certain = next((d for d in ours(state, row) if d.decision_id == event.correlation_id), None)
    if certain is None and _is_about_an_earlier_asking(state, row, fact, event):
        return ()
    if row.status == "decided" and row.decided_by is not None:
        return _decided_again(state, row, fact, event)
    row.status = "decided"
    row.decision = fact.option or row.decision or (row.default_action if fact.automatic else None)
    row.feedback = fact.feedback or row.feedback
    row.decided_at = row.decided_at or _decided_at(fact, event)
    row.closed_at = _decided_at(fact, event)
    row.decider = row.decider or fact.decided_by
    row.error = None
    effects = _attribute(state, row, fact, event, certain)
    put(state, row)
    return effects


def _decided_at(fact: CheckpointDecided, event: Received) -> Micros:
    return moment(event) if fact.decided_at is None else fact.decided_at


def _attribute(
    state: RunState, row: Checkpoint, fact: CheckpointDecided, event: Received, certain: Decision | None
) -> tuple[Effect, ...]:
    """Find out who decided: we, the time-out, or somebody else. An answer of ours under way may tell it better."""
    if fact.automatic:
        row.decided_by = "timeout"
        overtaken(state, row)
        return URGENT
    if certain is not None:
        applied(state, row, certain, event.received_at, presumed=False)
        return URGENT
    like_it = [decision for decision in ours(state, row) if is_ours(state, row, decision, fact, event)]
    flying = next((decision for decision in like_it if decision.state == "sent"), None)
    if flying is not None:
        row.decided_by = None
        return (Urgent(), Presume(flying.decision_id))
    lost = next((decision for decision in like_it if decision.state == "unknown"), None)
    if lost is not None:
        applied(state, row, lost, event.received_at, presumed=True)
        return URGENT
    row.decided_by = "other"
    overtaken(state, row)
    return URGENT


def _decided_again(state: RunState, row: Checkpoint, fact: CheckpointDecided, event: Received) -> tuple[Effect, ...]:
    """Who decided is known; what was decided, and when, may still be news."""
    taken = state.decisions.get(row.decision_id) if row.decided_by == "you" and row.decision_id else None
    if taken is not None and taken.state == "acknowledged" and is_offered(row, fact.option):
        if not same_option(row, taken, fact.option):
            return _contradicted(state, row, taken, fact, event)
        if row.option(fact.option or "") is not None:
            row.decision = fact.option  # of options that mean the same action, the one that the server took
    was_inferred = row.decision is None
    if was_inferred and fact.automatic:
        row.decided_by = "timeout"
    fill_unknown(
        row, decision=fact.option, feedback=fact.feedback, decided_at=_decided_at(fact, event), decider=fact.decided_by
    )
    if event.timestamp is not None and (row.closed_at or 0) < event.timestamp:
        row.closed_at = event.timestamp
    if was_inferred and row.decision is not None:
        _tell_whom(state, row)
    if row != state.checkpoints[row.checkpoint_id]:
        put(state, row)
    _confirm(state, row)
    return URGENT


def _contradicted(
    state: RunState, row: Checkpoint, taken: Decision, fact: CheckpointDecided, event: Received
) -> tuple[Effect, ...]:
    """Our answer was acknowledged, and another one counts: some servers acknowledge before they look."""
    row.decided_by = "timeout" if fact.automatic else "other"
    row.decision, row.feedback, row.decider = fact.option, fact.feedback, fact.decided_by
    row.decided_at = row.closed_at = _decided_at(fact, event)
    put(state, row)
    end(state, taken, "expired" if fact.automatic else "refused", f"{who_decided(row)}: {row.decision!r}")
    return URGENT


def _tell_whom(state: RunState, row: Checkpoint) -> None:
    """Say beside the answers refused for it who decided, and what."""
    for decision in ours(state, row):
        if decision.state == "refused" and decision.decision_id == row.decision_id:
            end(state, decision, "refused", f"{who_decided(row)}: {row.decision!r}")


def _confirm(state: RunState, row: Checkpoint) -> None:
    """Our acknowledged decision took effect."""
    decision = state.decisions.get(row.decision_id) if row.decision_id else None
    if decision is not None and row.decided_by == "you" and decision.state == "acknowledged":
        decision = copy(decision)
        decision.state = "applied"
        put_decision(state, decision)
        put(state, copy(row))


def _is_about_an_earlier_asking(state: RunState, row: Checkpoint, fact: CheckpointDecided, event: Received) -> bool:
    """Whether a word comes late, and the question was asked again after what it tells; notes an asking so found."""
    at = event.timestamp if fact.decided_at is None else fact.decided_at
    if row.asking > 1 and is_before(at, row.requested_at):
        return True
    told = row.told_at
    between = row.requested_at is not None and told is not None and told > row.requested_at
    if not between or not row.is_open or row.answers or not is_before(at, (told or 0) - _AGREE):
        return False
    row.asking += 1
    row.requested_at = told
    put(state, row)
    return True


# ---- closed without an answer --------------------------------------------------------------------------------------


def close_checkpoints(state: RunState, task_id: str | None, why: str, at: Micros | None = None) -> None:
    """Close what is still open of a task that has ended (None: of the run): nobody can answer it any more.

    What was asked after the end, `at`, stays: whether to try again, for example.
    """
    for known in state.open_checkpoints:
        if task_id is not None and known.task_id != task_id:
            continue
        if at is not None and known.requested_at is not None and known.requested_at > at:
            continue
        if any(decision.state == "sent" for decision in ours(state, known)):
            continue  # its answer may still come
        _expire(state, known, f"no longer needed: {why}", f"not sent: {why}", at)


@handles(CheckpointExpired)
def checkpoint_expired(state: RunState, fact: CheckpointExpired, _event: None) -> tuple[Effect, ...]:
    """The deadline passed by the server's clock, and the server has not said what happened."""
    known = state.checkpoints.get(fact.checkpoint_id)
    if known is None or known.status not in {"pending", "sending"}:
        return ()
    if any(decision.state == "sent" for decision in ours(state, known)):
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
    put(state, row)
    for decision in ours(state, row):
        if decision.state == "queued":
            end(state, decision, "expired", unsent)
