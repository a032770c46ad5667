"""`LogHandler`: records of `logging` as output and errors of the task in which they are made."""

from __future__ import annotations

import logging

from runconsole.errors import InvalidArgument
from runconsole.reporting.current import active_run, task_around
from runconsole.reporting.records import Problem, problem_of
from runconsole.reporting.tasks import is_news

__all__ = ["LogHandler"]


class LogHandler(logging.Handler):
    """Turns records into output of the current task, or of the newest run; outside of any run it does nothing.

    Records below WARNING are output on stdout, the others on stderr. Records from ERROR on are errors, too, with their
    exception if they have one::

        logging.getLogger().addHandler(runconsole.LogHandler())

    Records of runconsole itself are left out.

    Args:
        level: the lowest level to take.
        errors: the lowest level that is an error.

    Raises:
        InvalidArgument: `errors` is no level.
    """

    def __init__(self, level: int | str = logging.NOTSET, *, errors: int | str = logging.ERROR) -> None:
        super().__init__(level)
        least = logging.getLevelNamesMapping().get(errors) if isinstance(errors, str) else errors
        if not isinstance(least, int):
            raise InvalidArgument(f"expected errors= to be a level of logging, got {errors!r}")
        self._errors = least

    def emit(self, record: logging.LogRecord) -> None:
        """Report a record."""
        run = active_run()
        if run is None or record.name.partition(".")[0] == "runconsole":
            return
        try:
            self._report(record)
        except Exception:  # noqa: BLE001 - as every handler of logging
            self.handleError(record)

    def _report(self, record: logging.LogRecord) -> None:
        run = active_run()
        if run is None:
            return
        task = task_around()
        known = task._record if task is not None and task.run is run else None  # noqa: SLF001 - of this package
        emitter = run._emitter  # noqa: SLF001 - of this package
        stream = "stderr" if record.levelno >= logging.WARNING else "stdout"
        emitter.write(known, stream, self.format(record) + "\n")
        if record.levelno >= self._errors:
            error = None if record.exc_info is None else record.exc_info[1]
            problem = problem_of(record.getMessage() if error is None else error)
            if error is not None:
                is_news(error)  # it may still leave the task, and is one error then
                problem = Problem(f"{record.getMessage()}: {problem.message}", problem.type, problem.stack)
            emitter.error(problem, known, recoverable=True)
