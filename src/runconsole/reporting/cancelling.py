"""Cancelling a task of a run: one that waits is never begun, one that runs ends where it reports its progress next."""

from __future__ import annotations

import concurrent.futures
from typing import TYPE_CHECKING

from runconsole.errors import InvalidArgument
from runconsole.reporting.tally import ENDED

if TYPE_CHECKING:
    from runconsole.reporting.emitter import Emitter
    from runconsole.reporting.records import TaskRecord

__all__ = ["TaskCancelled", "cancel_task", "check_cancelled"]


class TaskCancelled(concurrent.futures.CancelledError):
    """Somebody has cancelled the task in which this code runs; raised where it reports its progress.

    The ``with`` block of the task catches it, and the code after the block goes on. A loop of
    `ActiveRun.track` ends without it.

    Attributes:
        task_id: the id of the task.
    """

    def __init__(self, task_id: str, name: str) -> None:
        super().__init__(f"{name} was cancelled")
        self.task_id = task_id


def cancel_task(emitter: Emitter, task_id: str) -> str:
    """Cancel a task; return how that comes about. Raises InvalidArgument for a task that cannot be cancelled."""
    with emitter.lock:
        record = emitter.open_task(task_id)
        if record is None:
            raise InvalidArgument(f"expected the id of a task that has not ended, got {task_id!r}")
        begun, withdraw = record.status == "in_progress", record.withdraw
    if withdraw is not None and withdraw():
        return "cancelled before it began"
    if record.status in ENDED:
        return "it has just ended"
    if begun and record.is_elsewhere:
        raise InvalidArgument(f"{record.name} runs in another process, where it cannot be cancelled")
    record.is_cancelled = True
    return "it ends when it reports its progress next"


def check_cancelled(record: TaskRecord) -> None:
    """Raise TaskCancelled in a task that was cancelled."""
    if record.is_cancelled and record.status == "in_progress":
        raise TaskCancelled(record.task_id, record.name)
