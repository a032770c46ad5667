"""When something is over that no event ends: questions past their deadline, runs of which all is done."""

from __future__ import annotations

from collections.abc import Iterator

from runconsole.events import CheckpointExpired, Micros, TaskStatus
from runconsole.state import FINISHED, RunState

__all__ = ["expired", "fingerprint", "is_complete", "standing"]

_GRACE = 2_000_000
"""Microseconds in which the server may say itself what it did at a deadline."""


def expired(state: RunState, now: Micros) -> Iterator[CheckpointExpired]:
    """Give the open checkpoints whose deadline has passed by the server's clock; `now` is ours."""
    if not state.versions["checkpoints"]:
        return
    server_now = state.clock.at(now)
    for checkpoint in state.open_checkpoints:
        due_at = state.due_at(checkpoint)
        if due_at is not None and server_now >= due_at + _GRACE:
            yield CheckpointExpired(now, checkpoint.checkpoint_id)


def is_complete(state: RunState) -> bool:
    """Whether all that was announced of a run is done, and every known task: then a close in good order ends it.

    The one task that is followed ends by its own event.
    """
    if state.followed_task is not None or not state.tasks:
        return False
    if _ended(state) < len(state.tasks) or _waiting_phases(state):
        return False
    total = _announced(state)
    return _told_percent(state) is None if total is None else _done(state) >= total


def standing(state: RunState) -> str:
    """Return how far the run is, for a person: ``with 10 of 53 tasks done``."""
    if state.followed_task is not None:
        return "before the task had ended"
    total = _announced(state) or 0
    if total > _done(state):
        return f"with {_done(state):,} of {total:,} tasks done"
    if not state.tasks:
        return "before it had told of a task"
    waiting, percent = _waiting_phases(state), _told_percent(state)
    if waiting:
        return f"with {waiting:,} of {len(state.phases):,} phases not begun"
    if percent is not None and _ended(state) == len(state.tasks):
        return f"at {percent:.0f} %"
    return f"with {_ended(state):,} of {len(state.tasks):,} known tasks done"


def fingerprint(state: RunState) -> int:
    """Return a number that changes with whatever is told of the run, but not with what is only said again."""
    tasks = state.tasks
    return hash(
        (
            tuple(state.counts.values()),
            (state.completed_tasks, state.total_tasks, state.tokens_used, state.told_percent, state.current_wave),
            (len(state.output), len(state.artifacts), len(state.errors), len(state.waves), len(state.phases)),
            tuple((row.checkpoint_id, row.status, row.asking) for row in state.checkpoints.values()),
            tuple(
                (task.task_id, task.status, task.progress, task.step) for task in map(tasks.get, state.active) if task
            ),
            sum(task.subtasks + task.subtasks_done for task in tasks.values()),
        )
    )


def _announced(state: RunState) -> int | None:
    """Return how many tasks the server has announced; None where it announces none."""
    planned = sum(phase.tasks or 0 for phase in state.phases.values())
    return max(state.total_tasks or 0, planned) or None


def _waiting_phases(state: RunState) -> int:
    """Return how many announced phases have not begun; 0 where tasks do not tell their phase, or counts are told."""
    phases = [phase for phase in state.phases.values() if phase.told not in FINISHED]
    if any(phase.tasks is not None for phase in phases) or not any(
        count for phase in state.phases.values() for count in phase.counts.values()
    ):
        return 0
    return sum(not any(phase.counts.values()) for phase in phases)


def _told_percent(state: RunState) -> float | None:
    """Return the percentage that the server told and that its tasks do not explain: less than all, none went wrong."""
    percent = state.told_percent
    if percent is None or percent >= 100 or state.counts[TaskStatus.COMPLETED] < len(state.tasks):
        return None
    return percent


def _done(state: RunState) -> int:
    """Return how many tasks have ended, by their own events or by the server's count."""
    return max(_ended(state), state.completed_tasks or 0)


def _ended(state: RunState) -> int:
    return sum(state.counts[status] for status in FINISHED)
