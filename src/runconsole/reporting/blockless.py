"""`BlocklessTask`: a task that callbacks of a library begin and end, in whatever thread and context they are called."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from runconsole.reporting.current import current_task, task_around
from runconsole.reporting.records import problem_of
from runconsole.reporting.tasks import ActiveTask, is_news, report_failure, reset, status_of

if TYPE_CHECKING:
    from runconsole.reporting.run import ActiveRun

__all__ = ["BlocklessTask", "report_trouble", "within"]


class BlocklessTask(ActiveTask):
    """A task without a ``with`` block.

    Code that runs in the context in which it began belongs to it, as long as it runs: a context that a library has
    copied cannot be reset.
    """

    def __init__(self, run: ActiveRun, name: str, *, phase: str | None = None) -> None:
        super().__init__(run, run._record(name, phase=phase))  # noqa: SLF001 - of this package
        self.around = task_around()

    @property
    def is_left(self) -> bool:
        """True unless the task runs."""
        return self._record.status != "in_progress"

    @property
    def is_paused(self) -> bool:
        """True while the task waits."""
        return self._record.status == "paused"

    def begin(self) -> None:
        """Begin the task."""
        self._emitter.begin(self._record)
        current_task.set(self)

    def begin_again(self) -> None:
        """Go on with the task after a pause, or after a failure."""
        self._emitter.run_again(self._record)
        current_task.set(self)

    def pause(self) -> None:
        """Let the task wait."""
        self._emitter.pause(self._record)

    def end(self, error: BaseException | None = None) -> None:
        """End the task, with the exception that ended it."""
        if error is not None and status_of(error) != "completed":
            report_failure(self.run, self._record, error)
        else:
            self._emitter.end(self._record, "completed")

    def cancel(self) -> None:
        """End the task as cancelled, if it has not ended."""
        self._emitter.end(self._record, "cancelled")


def report_trouble(task: ActiveTask, error: BaseException) -> None:
    """Report an exception of a part of a task, unless it is reported: the end of the task says if it was fatal."""
    if status_of(error) == "failed" and is_news(error):
        task._emitter.error(problem_of(error), task._record)  # noqa: SLF001 - of this package


@contextmanager
def within(task: ActiveTask | None) -> Iterator[None]:
    """Let what the caller reports and asks belong to a task, also while that waits. None changes nothing."""
    if task is None:
        yield
        return
    token = current_task.set(ActiveTask(task.run, task._record))  # noqa: SLF001 - of this package
    try:
        yield
    finally:
        reset(current_task, token)
