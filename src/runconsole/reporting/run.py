"""`start_run` and `ActiveRun`: a run reported by the code that does it."""

from __future__ import annotations

import asyncio
import atexit
import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from runconsole.api.run import engine_of
from runconsole.engine.iothread import lease
from runconsole.errors import InvalidArgument
from runconsole.events import DESCRIBED
from runconsole.reporting.cancelling import cancel_task
from runconsole.reporting.current import current_wave, runs
from runconsole.reporting.display import shown
from runconsole.reporting.files import described
from runconsole.reporting.plan import Plan, whole
from runconsole.reporting.questions import RunAsks
from runconsole.reporting.reading import LOOK_S
from runconsole.reporting.records import TaskRecord, problem_of
from runconsole.reporting.served import RunServes, served
from runconsole.reporting.tasks import (
    ActiveTask,
    ActiveWave,
    Stream,
    check_stream,
    check_text,
    is_news,
    report_failure,
    status_of,
    steps,
    usage,
)
from runconsole.values import plain_argument

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["ActiveRun", "start_run"]

T = TypeVar("T")
R = TypeVar("R")

_STATUSES = ("success", "partial_success", "failed", "cancelled")


def start_run(
    title: str | None = None,
    *,
    execution: str | None = None,
    total_tasks: int | None = None,
    phases: Sequence[str] | Mapping[str, int] | None = None,
    expected_artifacts: int | None = None,
    token_budget: int | None = None,
    cost_limit: float | None = None,
    prices: Mapping[str, Sequence[float] | Mapping[str, float]] | None = None,
    record: str | os.PathLike[str] | None = None,
    show: bool | None = None,
    on_checkpoint: Callable[..., Any] | None = None,
) -> ActiveRun:
    """Begin a run that the code after this reports: ``with runconsole.start_run("nightly evaluation") as run``.

    In a notebook its panel appears below the cell; in a terminal one line on stderr follows it.

    Args:
        title: the run's title.
        execution: the id of the run; None makes a new one.
        total_tasks: the number of tasks to come, if it is known: the progress of the run counts against it. None takes
            the sum of `phases`; where that is unknown, too, the progress is the mean of the tasks so far.
        phases: the names of the phases to come, in order, or a dict of each one's number of tasks.
        expected_artifacts: the expected number of files, for the display.
        token_budget: tokens the run may use, for the display.
        cost_limit: US dollars the run may cost, for the display.
        prices: what models cost, as of `Console`.
        record: a file to record the run to, as of `Console`. If its newest run has the same id and has not ended, as
            after a crash, this is that run, going on: viewers get all of it.
        show: True shows the run, False does not; None does so where there is a notebook or a terminal.
        on_checkpoint: answers the questions of `ActiveRun.ask` in place of people, as of `Console`.

    Raises:
        InvalidArgument: an argument cannot be used.
        RecordingError: `record` cannot be written.
    """
    plan = Plan(phases, total_tasks)
    execution = f"run-{uuid.uuid4().hex[:12]}" if execution is None else check_text("execution", execution)
    if not execution.strip():
        raise InvalidArgument(f"expected execution= to be the id of the run, got {execution!r}")
    described_by: dict[str, Any] = {
        "title": title,
        "token_budget": token_budget,
        "cost_limit": cost_limit,
        "prices": prices,
        "expected_artifacts": expected_artifacts,
        "record": record,
        "on_checkpoint": on_checkpoint,
    }
    return ActiveRun(execution, plan, described_by, show=show)


class ActiveRun(RunAsks, RunServes):
    """A run in progress, reported by this process: `start_run` makes it.

    A context manager, sync and async. Leaving the block ends the run: ``success``, or ``partial_success`` where a task
    has failed; with an exception ``failed``, with `KeyboardInterrupt` or a cancelled coroutine ``cancelled``, and the
    exception goes on its way. A run that has not ended at the end of the interpreter ends then.

    Any thread and any coroutine may call the methods. They never wait for a viewer. The task and wave to which
    something belongs are found by context (`contextvars`).

    Attributes:
        execution_id: the id of the run.
        title: its title, if it has one.
        console: a `Console` that follows the run: its frames, its questions.
    """

    def __init__(self, execution: str, plan: Plan, options: dict[str, Any], *, show: bool | None) -> None:
        super().__init__(execution, plan, options)
        self._plan = plan
        self._task_ids: set[str] = set()
        self._tasks_made = 0
        self._io = lease()
        try:
            self.console.start()
            self._resume()
            checked = engine_of(self.console).options
            told = {name: getattr(checked, name) for name in DESCRIBED if name != "prices"}
            self._emitter.start(plan.phases, **told)
            runs.append(self)
            self._display = shown(self, show)
        except BaseException:  # an interrupt, too: nobody else could end what has begun
            self._emitter.finish("cancelled")
            self._close()
            raise

    # ---- blocks -----------------------------------------------------------------------------------------------------

    def task(
        self,
        name: str,
        *,
        id: str | None = None,  # noqa: A002 - the column's name
        phase: str | None = None,
        wave: int | None = None,
        max_retries: int | None = None,
    ) -> ActiveTask:
        """Return a task, to be done in a ``with`` block: ``with run.task("train", phase="Train") as task``.

        Args:
            name: the task's name.
            id: its id, unique in the run; None makes one.
            phase: the phase it belongs to; None is that of the task around it.
            wave: the wave it belongs to; None is the wave around it.
            max_retries: the number of retries that it may have, for the display.

        Raises:
            InvalidArgument: an argument cannot be used, or the run has ended.
        """
        return ActiveTask(self, self._record(name, id, phase, wave, max_retries))

    def track(
        self, iterable: Iterable[T], name: str, *, total: int | None = None, phase: str | None = None
    ) -> Iterator[T]:
        """Yield the items of an iterable as a task with a bar: ``for case in run.track(cases, "evaluate")``.

        Args:
            iterable: any iterable.
            name: the task's name.
            total: the number of items; None takes the length, if there is one. Without one the items are counted.
            phase: the phase it belongs to; None is that of the task around it.
        """
        if total is None:
            with suppress(TypeError):
                total = len(iterable)  # type: ignore[arg-type]
        else:
            total = whole("total", total)
        return steps(self.task(name, phase=phase), iter(iterable), total)

    def map(
        self,
        function: Callable[[T], R],
        items: Iterable[T],
        *,
        executor: Executor | Client | None = None,
        name: str | None = None,
        phase: str | None = None,
        retries: int = 0,
        max_workers: int | None = None,
    ) -> list[R]:
        """Call a function for each item, several at once, each as a task of its own; return the results in order.

        Inside the function `runconsole.report` tells more of it, from a thread and from a process. Every item is done;
        then the first failure, by order, is raised. `KeyboardInterrupt` and the end of the run cancel what has not
        begun.

        Args:
            function: is called with one item.
            items: any iterable; at most a thousand are taken ahead of the workers.
            executor: what does the work: any `concurrent.futures.Executor`, with threads or processes, or a
                `dask.distributed.Client`. None takes threads of its own.
            name: the name of the tasks, followed by the item or its number; None is that of the function.
            phase: the phase that they belong to; None is that of the task around.
            retries: how often an item that failed is tried again.
            max_workers: the number of threads, where there is no `executor`.

        Raises:
            InvalidArgument: an argument cannot be used, or the run has ended.
            CancelledError: the run ended before all items were done.
        """
        from runconsole.reporting.mapping import map_items

        self._check_open()
        whole("retries", retries)
        return map_items(self, function, items, executor, name, phase, retries, max_workers)

    def wave(self, number: int | None = None) -> ActiveWave:
        """Return a wave, a ``with`` block: the tasks that begin in it belong to it. None is the next number."""
        self._check_open()
        with self._emitter.lock:
            return ActiveWave(self, self._plan.wave(number))

    def _record(
        self,
        name: str,
        task_id: str | None = None,
        phase: str | None = None,
        wave: int | None = None,
        max_retries: int | None = None,
    ) -> TaskRecord:
        """Return the record of a new task. Raises InvalidArgument."""
        self._check_open()
        check_text("name", name)
        around, around_wave = self._own_task(), current_wave.get()
        if phase is None and around is not None:
            phase = around._record.phase_name  # noqa: SLF001 - of this package
        elif phase is not None:
            check_text("phase", phase)
        if wave is not None:
            whole("wave", wave)
        tally = None
        if wave is None and around_wave is not None and around_wave.run is self:
            wave, tally = around_wave.number, around_wave._tally  # noqa: SLF001 - of this package
        if max_retries is not None:
            whole("max_retries", max_retries)
        with self._emitter.lock:
            task_id = self._new_id() if task_id is None else self._own_id(check_text("id", task_id))
            number = self._plan.phase(phase)
        return TaskRecord(task_id, name, number, phase, wave, tally, max_retries)

    def _new_id(self) -> str:
        while True:
            self._tasks_made += 1
            task_id = f"task_{self._tasks_made:03d}"
            if task_id not in self._task_ids:
                return task_id

    def _own_id(self, task_id: str) -> str:
        is_made = task_id.startswith("task_") and task_id[5:].isdecimal() and int(task_id[5:]) <= self._tasks_made
        if not task_id.strip() or task_id in self._task_ids or is_made:
            raise InvalidArgument(f"expected id= to be an id that no task of this run has, got {task_id!r}")
        self._task_ids.add(task_id)
        return task_id

    # ---- reports ----------------------------------------------------------------------------------------------------

    def output(self, text: str, *, stream: Stream = "stdout") -> None:
        """Add output as written; inside a task it belongs to that."""
        check_stream(stream)
        self._emitter.write(self._own_record(), stream, check_text("text", text))

    def artifact(
        self,
        path: str | os.PathLike[str],
        *,
        size: int | None = None,
        type: str | None = None,  # noqa: A002 - the column's name
        language: str | None = None,
    ) -> None:
        """Report a file that was made. Size in bytes, kind and language are found out where the file is there."""
        self._emitter.artifact(self._own_record(), described(path, size=size, type=type, language=language))

    def error(
        self,
        error: BaseException | str,
        *,
        recoverable: bool = True,
        attempt: int | None = None,
        max_retries: int | None = None,
    ) -> None:
        """Report an error after which the run goes on; inside a task it is the task's."""
        task = self._own_task()
        if task is not None:
            task.error(error, recoverable=recoverable, attempt=attempt, max_retries=max_retries)
            return
        details: dict[str, Any] = {"recoverable": recoverable, "retry_attempt": attempt, "max_retries": max_retries}
        self._emitter.error(problem_of(error), None, **details)

    def tokens(self, count: int, cost_usd: float | None = None) -> None:
        """Add used tokens, and their cost in US dollars; inside a task they are the task's."""
        tokens, cost = usage(count, cost_usd)
        record = self._own_record()
        if record is None:
            self._emitter.use(tokens, cost)
        else:
            self._emitter.progress(record, tokens=tokens, cost_usd=cost)

    def emit(self, type: str, data: Mapping[str, Any]) -> None:  # noqa: A002 - the wire's name
        """Report an event of any type as it is; `data` is a mapping that JSON can carry.

        Raises:
            InvalidArgument: the type is no text, or JSON cannot carry the data.
        """
        self._check_open()
        if not isinstance(data, Mapping):
            raise InvalidArgument(f"expected data= to be a mapping, got a {data.__class__.__name__}")
        self._emitter.emit(check_text("type", type), plain_argument("data", data))

    def cancel(self, task_id: str) -> str:
        """Cancel a task; return how that comes about.

        A task of `map` that waits is never begun. One that runs ends where it reports its progress next, or at the next
        step of a loop of `track`. One that runs in another process cannot be cancelled. The button of a panel and
        `Console.cancel` do the same.

        Raises:
            InvalidArgument: no such task is open, or it cannot be cancelled.
        """
        return cancel_task(self._emitter, check_text("task_id", task_id))

    # ---- the end ----------------------------------------------------------------------------------------------------

    def finish(self, status: str = "success") -> None:
        """End the run: ``success``, ``partial_success``, ``failed`` or ``cancelled``. Does nothing the second time.

        Tasks that still run are cancelled. Returns when the run's own console has seen the end.
        """
        if status not in _STATUSES:
            raise InvalidArgument(f"expected status= to be one of {', '.join(_STATUSES)}, got {status!r}")
        if self._end(status):
            self._await_end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish(self._ended_by(error))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._end(self._ended_by(error)):
            await asyncio.to_thread(self._await_end)

    def _ended_by(self, error: BaseException | None) -> str:
        """Return how the run ends, by the exception that left its block; report that, unless a task has."""
        status = status_of(error)
        if error is not None:
            for record in self._emitter.take_left():
                report_failure(self, record, error)
            if status == "failed" and is_news(error):
                self._emitter.error(problem_of(error), recoverable=False)
        if status == "completed":
            return "partial_success" if self._emitter.tally.counts["failed"] else "success"
        return status

    def _end(self, status: str) -> bool:
        """Report the end; return False if the run has ended before."""
        if not self._emitter.finish(status):
            return False
        self._questions.end()
        return True

    def _await_end(self) -> None:
        """Wait until the run's own console has seen the end: its frames and a recording are complete then."""
        io = self._io
        try:
            while io is not None and not io.is_current and not io.is_lost and self._is_behind():
                time.sleep(LOOK_S)
        finally:
            self._close()

    def _close(self) -> None:
        """Let go of the I/O thread; the console of a panel goes on, for its pages."""
        with suppress(ValueError):
            runs.remove(self)
        display, self._display = self._display, None
        if display is not None:
            display.close()
        if self._widget is None:
            self.console.stop()
        io, self._io = self._io, None
        if io is not None:
            io.release()

    # ---- within -----------------------------------------------------------------------------------------------------

    def _resume(self) -> None:
        """Go on with a run that an earlier process has recorded under the same id, if it has not ended."""
        engine = engine_of(self.console)
        self._emitter.resume((event for _, event in engine.log.read(0, len(engine.log))), engine.state)

    def __repr__(self) -> str:
        known = "ended" if self.is_finished else "running"
        return f"ActiveRun({self.title or self.execution_id!r}, {known})"


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=runs.clear)  # they go on in the process that began them
    os.register_at_fork(after_in_child=served.clear)


@atexit.register
def _end_all() -> None:
    """End the runs that have not, at the end of the interpreter: their last events reach viewers and recordings."""
    for run in list(runs):
        with suppress(Exception):
            run.finish("cancelled" if run._emitter.has_open_tasks else "success")  # noqa: SLF001 - of this module
    for viewed in served.copy():  # each removes itself
        with suppress(Exception):
            viewed.stop_serving()
