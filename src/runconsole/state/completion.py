"""How far a run is by what was announced of it: tasks, phases, a percentage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runconsole.events import TaskStatus
from runconsole.state.rows import FINISHED

if TYPE_CHECKING:
    from runconsole.state.state import RunState

__all__ = ["is_complete", "standing"]


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
