"""Attribution of a decision to one of our answers, to another client, or to the time-out; and the end of answers."""

from __future__ import annotations

from copy import copy

from runconsole.actions import action_of
from runconsole.events import CheckpointDecided, Micros, Received
from runconsole.state.rows import IN_FLIGHT, Checkpoint, DecidedBy, Decision, DecisionState
from runconsole.state.state import Effect, RunState

__all__ = [
    "Inquire",
    "Presume",
    "decided_phrase",
    "decider_of",
    "end_decision",
    "end_others",
    "is_offered",
    "is_ours",
    "mark_applied",
    "matching_unknown",
    "own_decisions",
    "put_checkpoint",
    "put_decision",
    "same_option",
]

_SAME_MOMENT: Micros = 1_000_000
"""The tolerated difference of two clocks for one moment."""
_UNDECIDED = IN_FLIGHT | {"unknown"}


class Inquire(Effect, frozen=True):
    """Query the server for this checkpoint, if it has such a query."""

    checkpoint_id: str


class Presume(Effect, frozen=True):
    """Attribute the reported decision to this decision of ours, unless the server's answer comes in a moment."""

    decision_id: str


def put_checkpoint(state: RunState, checkpoint: Checkpoint) -> None:
    """Store a checkpoint's changed row."""
    state.questions.put(checkpoint)
    state.checkpoints[checkpoint.checkpoint_id] = checkpoint
    state.versions["checkpoints"] += 1


def put_decision(state: RunState, decision: Decision) -> None:
    """Store a decision's changed row; its checkpoint's row shows it too."""
    state.decisions[decision.decision_id] = decision
    state.versions["decisions"] += 1


def own_decisions(state: RunState, row: Checkpoint) -> list[Decision]:
    """Return our decisions in the present round that were to be sent, the newest first."""
    return [state.decisions[decision_id] for decision_id in reversed(row.decision_ids)]


def is_ours(state: RunState, row: Checkpoint, decision: Decision, fact: CheckpointDecided, event: Received) -> bool:
    """Return whether a reported decision may be this one: the same answer and words, not before it was sent."""
    is_unclear = decision.state == "sent" and not is_offered(row, fact.option)  # its reply will settle that
    if not is_unclear and not same_option(row, decision, fact.option):
        return False
    if fact.feedback and fact.feedback != decision.feedback:
        return False
    at = event.timestamp if fact.decided_at is None else fact.decided_at
    if at is None or decision.sent_at is None or not state.clock.is_known:
        return True
    return at + _SAME_MOMENT >= decision.sent_at + state.clock.estimate


def is_offered(row: Checkpoint, name: str | None) -> bool:
    """Return whether this names one of the options in any way."""
    return name is not None and (row.option(name) is not None or name in map(action_of, row.options))


def same_option(row: Checkpoint, decision: Decision, name: str | None) -> bool:
    """Return whether a server's name for the answer means our option: some use the option's id, some its action.

    Of two options with the same action, one is not the other.
    """
    if name is None or name == decision.option:
        return True
    option, other = row.option(decision.option), row.option(name)
    if option is None:
        return False
    return other is option or (other is None and name == action_of(option))


def matching_unknown(state: RunState, row: Checkpoint) -> Decision | None:
    """Return our decision of unknown end that may be the reported one."""
    return next(
        (
            decision
            for decision in own_decisions(state, row)
            if decision.state == "unknown" and same_option(row, decision, row.decision)
        ),
        None,
    )


def mark_applied(state: RunState, row: Checkpoint, decision: Decision, at: Micros, *, presumed: bool) -> None:
    """Mark this decision of ours as the one that counts; `row` is changed, and the caller stores it."""
    row.decided_by = decider_of(decision)
    row.decision_id = decision.decision_id
    row.decision = row.decision or decision.option
    row.feedback = row.feedback or decision.feedback
    row.error = None
    decision = copy(decision)
    decision.state = "applied"
    decision.error = None
    decision.presumed = presumed
    decision.acknowledged_at = decision.acknowledged_at or at
    put_decision(state, decision)
    end_others(state, row)


def decider_of(decision: Decision) -> DecidedBy:
    """Return the decider of a question that this decision of ours answers."""
    return "policy" if decision.by == "policy" else "you"


def end_others(state: RunState, row: Checkpoint) -> None:
    """End our other decisions on a question whose decider is known."""
    for decision in own_decisions(state, row):
        if decision.state not in _UNDECIDED or (row.is_decided_here and decision.decision_id == row.decision_id):
            continue
        if row.decided_by == "timeout":
            why = f"the deadline passed first: the default action {row.decision!r} was taken"
            end_decision(state, decision, "expired", why)
        else:
            end_decision(state, decision, "refused", f"{decided_phrase(row)}: {row.decision!r}")


def end_decision(state: RunState, decision: Decision, how: DecisionState, why: str) -> None:
    """End a decision that does not count."""
    ended = copy(decision)
    ended.state, ended.error = how, why
    put_decision(state, ended)


def decided_phrase(row: Checkpoint) -> str:
    """Return the decider as the beginning of a sentence that ends with the decision."""
    match row.decided_by:
        case "you":
            return "already decided by your other answer"
        case "policy":
            return "already decided by your policy"
        case "timeout":
            return "already decided by the time-out"
        case "other":
            return f"already decided by {row.decided_by_name or 'somebody else'}"
        case _:
            return "already decided"
