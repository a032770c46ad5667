"""`RunParts`: what a run that is reported here consists of."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from runconsole.api.run import engine_of
from runconsole.console import Console
from runconsole.engine.iothread import IOThread
from runconsole.errors import InvalidArgument
from runconsole.events import Answer
from runconsole.protocols.local.source import Source
from runconsole.reporting.asking import RunQuestions
from runconsole.reporting.cancelling import cancel_task
from runconsole.reporting.current import task_around
from runconsole.reporting.display import Display
from runconsole.reporting.emitter import Emitter
from runconsole.reporting.plan import Plan
from runconsole.reporting.source import RunSource

if TYPE_CHECKING:
    from runconsole.reporting.records import TaskRecord
    from runconsole.reporting.serving import RunServer
    from runconsole.reporting.socketio import Attachment
    from runconsole.reporting.tasks import ActiveTask
    from runconsole.widget import ConsoleWidget

__all__ = ["RunParts"]


class RunParts:
    """The parts of a run: its events, its questions, the console that follows it, its viewers.

    `RunReads`, `RunAsks` and `RunServes` are the public methods for each side of it, `ActiveRun` has them all.

    Args:
        execution_id: the id of the run.
        plan: the phases and the number of tasks to come.
        options: the console's options.
    """

    def __init__(self, execution_id: str, plan: Plan, options: dict[str, Any]) -> None:
        self.execution_id = execution_id
        self.title: str | None = options["title"]
        self._io: IOThread | None = None
        self._emitter = Emitter(execution_id, plan.total, self._later)
        self._questions = RunQuestions(self._emitter)
        self._asks_policy = options["on_checkpoint"] is not None
        cancel = functools.partial(cancel_task, self._emitter)
        self._source = RunSource(execution_id, self._emitter.journal, self._take_answer, cancel)
        self.console = Console(self._source, start=False, **options)
        self._widget: ConsoleWidget | None = None
        self._display: Display | None = None
        self._server: RunServer | None = None
        self._has_app = False
        """True if an ASGI application serves the run."""
        self._attached: list[Attachment] = []
        """The Socket.IO servers that emit the run."""

    @property
    def __runconsole_source__(self) -> Source:
        """The source that `Console(run)` and `ConsoleWidget(run)` follow."""
        return self._source

    @property
    def is_finished(self) -> bool:
        """True once the run has ended."""
        return self._emitter.is_finished

    @property
    def _is_served(self) -> bool:
        """True if viewers elsewhere may follow."""
        return self._server is not None or self._has_app or bool(self._attached)

    def _check_open(self) -> None:
        if self.is_finished:
            raise InvalidArgument("this run has ended: begin another with runconsole.start_run(...)")

    def _own_task(self) -> ActiveTask | None:
        """Return the task of this run in which the caller is."""
        task = task_around()
        return task if task is not None and task.run is self else None

    def _own_record(self) -> TaskRecord | None:
        task = self._own_task()
        return None if task is None else task._record  # noqa: SLF001 - of this package

    def _later(self, seconds: float, function: Callable[[], None]) -> None:
        """Run a function on the I/O thread after some seconds."""
        io = self._io
        if io is not None and not io.loop.is_closed():
            with suppress(RuntimeError):
                io.call(io.loop.call_later, seconds, function)

    def _take_answer(self, question_id: str, answer: Answer[Any]) -> None:
        self._questions.answer(question_id, answer, by=self._decider_of(question_id))

    def _decider_of(self, question_id: str) -> str:
        """Return who decides, from the decision that the run's own console sends at this moment."""
        state = engine_of(self.console).state
        checkpoint = state.checkpoints.get(question_id)
        ids = () if checkpoint is None else checkpoint.decision_ids
        by = state.decisions[ids[-1]].by if ids and ids[-1] in state.decisions else "you"
        return "policy" if by == "policy" else "you"
