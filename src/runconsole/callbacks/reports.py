"""Parts of all callbacks: the run to report to, faults that must not reach the agent, subtasks, the words of models."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from runconsole.errors import InvalidArgument, MissingPackage
from runconsole.reporting.cancelling import TaskCancelled
from runconsole.reporting.current import active_run
from runconsole.reporting.run import ActiveRun
from runconsole.reporting.tasks import ActiveTask

__all__ = ["RunFinder", "agent", "guarded", "missing", "say", "used", "write"]

_logger = logging.getLogger("runconsole.callbacks")


class RunFinder:
    """Finds the run to report to: a given one, else the active one.

    Args:
        run: the run; None takes the run of the current task, else the newest one.

    Raises:
        InvalidArgument: `run` is no run.
    """

    def __init__(self, run: ActiveRun | None) -> None:
        if run is not None and not isinstance(run, ActiveRun):
            raise InvalidArgument(
                f"expected run= to be a run of runconsole.start_run(), got a {run.__class__.__name__}"
            )
        self._run = run
        self._lock = threading.Lock()
        self._has_told = False

    def find(self) -> ActiveRun | None:
        """Return the run; None, and one line of the log, if there is none or it has ended."""
        run = active_run() if self._run is None else self._run
        is_missing = run is None or run.is_finished
        with self._lock:
            is_news, self._has_told = is_missing and not self._has_told, is_missing
        if is_news:
            why = "no run is active" if run is None else "the run has ended"
            _logger.warning("%s: the agent goes on unreported; begin a run with runconsole.start_run()", why)
        return None if is_missing else run

    def need(self) -> ActiveRun:
        """Return the run. Raises InvalidArgument if there is none or it has ended."""
        run = active_run() if self._run is None else self._run
        if run is None or run.is_finished:
            raise InvalidArgument("expected a run that asks the questions: begin one with runconsole.start_run()")
        return run


@contextmanager
def guarded(subject: str) -> Iterator[None]:
    """Log an exception of a callback, which must not change what the agent does; only a cancelled task ends it."""
    try:
        yield
    except TaskCancelled:
        raise
    except Exception:
        _logger.exception("%s failed: the agent goes on, and this is missing in the run", subject)


def say(task: ActiveTask, step: str) -> None:
    """Report what a task is doing."""
    task._emitter.progress(task._record, None, step)  # noqa: SLF001 - of this distribution


def missing(package: str) -> MissingPackage:
    """Return the error of a library that is not installed."""
    return MissingPackage(f"expected {package} to be installed: pip install '{package}'")


def used(task: ActiveTask, model: object, counts: Mapping[str, Any]) -> None:
    """Add what a call of a model has used to a task, and to the agent that it is.

    Args:
        task: the task.
        model: the name of the model.
        counts: by the names of `COUNTS`; what is no number counts as nothing.
    """
    known = {name: value for name, value in counts.items() if isinstance(value, int | float) and value > 0}
    whole = {name: value if name == "cost" else int(value) for name, value in known.items()}
    emitter, record = task._emitter, task._record  # noqa: SLF001 - of this distribution
    tokens, cost = whole.get("totalTokens"), whole.get("cost")
    if (tokens, cost) != (None, None):
        emitter.progress(record, None, None, None if tokens is None else int(tokens), cost)
    emitter.spend(record, str(model) if model else None, whole)


def agent(task: ActiveTask, model: object = None) -> None:
    """Report that a task is an agent, of the agent around it."""
    around = task.around
    parent = None if around is None else around.id
    task._emitter.agent(task._record, str(model) if model else None, parent)  # noqa: SLF001 - of this distribution


def write(task: ActiveTask, text: str) -> None:
    """Add the words of a model to the output of a task, as a line of their own."""
    if text:
        task.output(text if text.endswith("\n") else f"{text}\n")
