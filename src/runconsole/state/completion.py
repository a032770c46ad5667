"""Completion of a run, by its announced tasks, phases and percentage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runconsole.events import TaskStatus
from runconsole.state.rows import FINISHED

if TYPE_CHECKING:
    from runconsole.state.state import RunState

__all__ = ["is_complete", "standing"]


def is_complete(state: RunState) -> bool:
    """Return whether all announced work and every known task is done: then a close in good order ends the run.

    A single followed task ends by its own event.
    """
    if state.followed_task is not None or not state.tasks:
        return False
    if _ended(state) < len(state.tasks) or _waiting_phases(state):
        return False
    total = _announced(state)
    return _unexplained_percent(state) is None if total is None else _done(state) >= total


def standing(state: RunState) -> str:
    """Return the completion as a phrase for a person: ``with 10 of 53 tasks done``."""
    if state.followed_task is not None:
        return "before the task had ended"
    total = _announced(state) or 0
    if total > _done(state):
        return f"with {_done(state):,} of {total:,} tasks done"
    if not state.tasks:
        return "before it had told of a task"
    waiting, percent = _waiting_phases(state), _unexplained_percent(state)
    if waiting:
        return f"with {waiting:,} of {len(state.phases):,} phases not begun"
    if percent is not None and _ended(state) == len(state.tasks):
        return f"at {percent:.0f} %"
    return f"with {_ended(state):,} of {len(state.tasks):,} known tasks done"


def _announced(state: RunState) -> int | None:
    """Return the number of tasks that the server has announced; None where it announces none."""
    planned = sum(phase.tasks or 0 for phase in state.phases.values())
    return max(state.total_tasks or 0, planned) or None


def _waiting_phases(state: RunState) -> int:
    """Return the number of announced phases that have not begun; 0 if tasks name no phase, or phases have counts."""
    phases = [phase for phase in state.phases.values() if phase.reported_status not in FINISHED]
    if any(phase.tasks is not None for phase in phases) or not any(
        count for phase in state.phases.values() for count in phase.counts.values()
    ):
        return 0
    return sum(not any(phase.counts.values()) for phase in phases)


def _unexplained_percent(state: RunState) -> float | None:
    """Return the server's percentage if its tasks do not explain it: less than 100, and no task failed."""
    percent = state.reported_percent
    if percent is None or percent >= 100 or state.counts[TaskStatus.COMPLETED] < len(state.tasks):
        return None
    return percent


def _done(state: RunState) -> int:
    """Return the number of tasks that have ended, by their own events or by the server's count."""
    return max(_ended(state), state.completed_tasks or 0)


def _ended(state: RunState) -> int:
    return sum(state.counts[status] for status in FINISHED)
