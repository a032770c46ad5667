"""Our answers to a question, and how they end: what the server's word and our own facts have in common."""

from __future__ import annotations

from copy import copy

from runconsole.actions import action_of
from runconsole.events import CheckpointDecided, Micros, Received
from runconsole.state.rows import IN_FLIGHT, Checkpoint, Decision, DecisionState
from runconsole.state.state import Effect, RunState

__all__ = [
    "Inquire",
    "Presume",
    "applied",
    "end",
    "is_offered",
    "is_ours",
    "lost_like_it",
    "ours",
    "overtaken",
    "put",
    "put_decision",
    "same_option",
    "who_decided",
]

_SAME_MOMENT: Micros = 1_000_000
"""How far two clocks may disagree about one moment."""
_UNDECIDED = IN_FLIGHT | {"unknown"}


class Inquire(Effect, frozen=True):
    """Ask the server what became of this checkpoint, where it has such a query."""

    checkpoint_id: str


class Presume(Effect, frozen=True):
    """Unless its answer comes in a moment, take this decision as the one that the server has told of."""

    decision_id: str


def put(state: RunState, checkpoint: Checkpoint) -> None:
    """Put a checkpoint's changed row in place."""
    known = state.checkpoints.get(checkpoint.checkpoint_id)
    state.open_count += checkpoint.is_open - (known is not None and known.is_open)
    state.checkpoints[checkpoint.checkpoint_id] = checkpoint
    state.versions["checkpoints"] += 1


def put_decision(state: RunState, decision: Decision) -> None:
    """Put a decision's changed row in place; its checkpoint's row shows it too."""
    state.decisions[decision.decision_id] = decision
    state.versions["decisions"] += 1


def ours(state: RunState, row: Checkpoint) -> list[Decision]:
    """Return our decisions on the present asking that were to be sent, the newest first."""
    return [state.decisions[decision_id] for decision_id in reversed(row.answers)]


def is_ours(state: RunState, row: Checkpoint, decision: Decision, fact: CheckpointDecided, event: Received) -> bool:
    """Whether the server's word can be about this decision: the same answer, the same words, not before it was sent."""
    is_unclear = decision.state == "sent" and not is_offered(row, fact.option)  # its answer will tell
    if not is_unclear and not same_option(row, decision, fact.option):
        return False
    if fact.feedback and fact.feedback != decision.feedback:
        return False
    at = event.timestamp if fact.decided_at is None else fact.decided_at
    if at is None or decision.sent_at is None or not state.clock.is_known:
        return True
    return at + _SAME_MOMENT >= decision.sent_at + state.clock.estimate


def is_offered(row: Checkpoint, told: str | None) -> bool:
    """Whether this is one of the options, by whatever name."""
    return told is not None and (row.option(told) is not None or told in map(action_of, row.options))


def same_option(row: Checkpoint, decision: Decision, told: str | None) -> bool:
    """Whether what the server calls the answer is what we answered: some say the option's id, some its action.

    Of two options that mean the same action, one is not the other.
    """
    if told is None or told == decision.option:
        return True
    option, other = row.option(decision.option), row.option(told)
    if option is None:
        return False
    return other is option or (other is None and told == action_of(option))


def lost_like_it(state: RunState, row: Checkpoint) -> Decision | None:
    """Return that answer of ours of unknown end that may be what was decided."""
    return next(
        (
            decision
            for decision in ours(state, row)
            if decision.state == "unknown" and same_option(row, decision, row.decision)
        ),
        None,
    )


def applied(state: RunState, row: Checkpoint, decision: Decision, at: Micros, *, presumed: bool) -> None:
    """Note that this decision of ours is the one that counts; `row` is changed, to be put in place by the caller."""
    row.decided_by = "you"
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
    overtaken(state, row)


def overtaken(state: RunState, row: Checkpoint) -> None:
    """End our other decisions on a question of which it is known who decided it."""
    for decision in ours(state, row):
        if decision.state not in _UNDECIDED or (row.decided_by == "you" and decision.decision_id == row.decision_id):
            continue
        if row.decided_by == "timeout":
            why = f"the deadline passed first: the default action {row.decision!r} was taken"
            end(state, decision, "expired", why)
        else:
            end(state, decision, "refused", f"{who_decided(row)}: {row.decision!r}")


def end(state: RunState, decision: Decision, how: DecisionState, why: str) -> None:
    """Note how a decision ended that does not count."""
    ended = copy(decision)
    ended.state, ended.error = how, why
    put_decision(state, ended)


def who_decided(row: Checkpoint) -> str:
    """Return who decided, as the beginning of a sentence that ends with what."""
    match row.decided_by:
        case "you":
            return "already decided by your other answer"
        case "timeout":
            return "already decided by the time-out"
        case "other":
            return f"already decided by {row.decider or 'somebody else'}"
        case _:
            return "already decided"
