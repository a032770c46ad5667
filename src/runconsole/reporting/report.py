"""`report`: what a function says of itself while it works, in whichever thread or process it runs."""

from __future__ import annotations

import os
from contextvars import ContextVar
from typing import Any, Protocol

from runconsole.reporting.cancelling import check_cancelled
from runconsole.reporting.current import active_run, task_around
from runconsole.reporting.files import described
from runconsole.reporting.tasks import check_text, percent_of, usage

__all__ = ["Sink", "current_sink", "report"]


class Sink(Protocol):
    """Takes reports of a task that runs in another process than its run."""

    def report(self, message: dict[str, Any]) -> None:
        """Take a report as the arguments of `apply_report`."""


current_sink: ContextVar[Sink | None] = ContextVar("runconsole_sink", default=None)


def report(
    *,
    progress: float | None = None,
    step: str | None = None,
    output: str | None = None,
    tokens: int | None = None,
    cost_usd: float | None = None,
    artifact: str | os.PathLike[str] | None = None,
) -> None:
    """Report something of the task in which this code runs; outside of any run it does nothing.

    A function of `ActiveRun.map` reports like this from the thread or process where it works.

    Args:
        progress: the done part, 0 to 1.
        step: what it is doing.
        output: output as written.
        tokens: tokens used since the last report; they are added up.
        cost_usd: their cost in US dollars, added up.
        artifact: the path of a file that was made.

    Raises:
        InvalidArgument: a value that means nothing.
        TaskCancelled: somebody has cancelled the task, which runs in the process of its run.
    """
    count, cost = usage(tokens, cost_usd)
    message: dict[str, Any] = {
        "percent": None if progress is None else percent_of(progress),
        "step": None if step is None else check_text("step", step),
        "output": None if output is None else check_text("output", output),
        "tokens": count,
        "cost_usd": cost,
        "artifact": None if artifact is None else described(artifact, size=None, type=None, language=None),
    }
    sink = current_sink.get()
    if sink is not None:
        sink.report({name: value for name, value in message.items() if value is not None})
        return
    run = active_run()
    if run is not None:
        task = task_around()
        record = task._record if task is not None and task.run is run else None  # noqa: SLF001 - of this package
        run._emitter.take(record, **message)  # noqa: SLF001 - of this package
        if record is not None:
            check_cancelled(record)
