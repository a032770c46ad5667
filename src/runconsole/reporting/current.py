"""The task, the wave and the run in which code runs, by context: a thread or coroutine has its own."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runconsole.reporting.run import ActiveRun
    from runconsole.reporting.tasks import ActiveTask, ActiveWave

__all__ = ["active_run", "current_task", "current_wave", "runs", "task_around"]

current_task: ContextVar[ActiveTask | None] = ContextVar("runconsole_task", default=None)
current_wave: ContextVar[ActiveWave | None] = ContextVar("runconsole_wave", default=None)

runs: list[ActiveRun] = []
"""The runs of this process that have begun and not ended, oldest first."""


def task_around() -> ActiveTask | None:
    """Return the task in which the caller is; None for none.

    A task without a block stays in the context in which it began. Once it no longer runs, the caller is in the task
    around it.
    """
    task = current_task.get()
    while task is not None and task.is_left:
        task = task.around
    return task


def active_run() -> ActiveRun | None:
    """Return the run of the current task, else the newest one that has not ended; None for none."""
    task = task_around()
    if task is not None and not task.run.is_finished:
        return task.run
    known = list(runs)
    return known[-1] if known else None
