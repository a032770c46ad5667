"""`map`: a function over many items, one task each, on the workers of an executor."""

from __future__ import annotations

import concurrent.futures
import contextvars
import functools
import itertools
import os
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from runconsole.errors import InvalidArgument
from runconsole.reporting.channel import Message, RemoteResult, ReportServer, reports_of
from runconsole.reporting.current import current_task
from runconsole.reporting.dask import DaskServer, is_dask_client
from runconsole.reporting.records import TaskRecord, problem_of
from runconsole.reporting.tasks import ActiveTask, is_news, status_of

if TYPE_CHECKING:
    from runconsole.reporting.run import ActiveRun

__all__ = ["map_items"]

_AHEAD = 1000
"""Items that are handed to the executor and have not ended, at most: they are shown as pending."""
_LOOK_S = 0.5
_LONGEST_NAME = 40


@dataclass(slots=True, eq=False)
class _Item:
    """An item on its way."""

    number: int
    value: Any
    record: TaskRecord
    failures: int = 0


class _Mapping:
    """One `map`. The thread that called it submits and collects; tasks are reported where they run.

    Args:
        run: the run.
        function: what is done with an item.
        executor: what does it.
        retries: how often an item is tried again.
    """

    def __init__(self, run: ActiveRun, function: Callable[[Any], Any], executor: Any, retries: int) -> None:
        self._run = run
        self._emitter = run._emitter  # noqa: SLF001 - of this package
        self._function = function
        self._retries = retries
        self._context = contextvars.copy_context()
        self._server: ReportServer | DaskServer | None = None
        self._executor: Executor
        if is_dask_client(executor):
            self._server = DaskServer(executor, self._take)
            self._executor = self._server.executor
        else:
            self._executor = executor
            self._server = None if isinstance(executor, ThreadPoolExecutor) else ReportServer(self._take)
        self._records: dict[int, TaskRecord] = {}
        """The tasks on their way, by the number of their item."""
        self._under_way: dict[int, tuple[_Item, Future[Any]]] = {}
        self._ended: queue.SimpleQueue[tuple[_Item, Future[Any]]] = queue.SimpleQueue()
        self._results: dict[int, Any] = {}
        self._failures: dict[int, BaseException] = {}

    def results(self, items: Iterator[tuple[TaskRecord, Any]]) -> list[Any]:
        """Return the results in order. Raises the first failure by order when all else is done."""
        try:
            for number, (record, value) in enumerate(items):
                while len(self._under_way) >= _AHEAD:
                    self._collect()
                self._emitter.wait(record)
                self._records[number] = record
                self._submit(_Item(number, value, record))
            while self._under_way:
                self._collect()
        except BaseException:
            self._cancel()
            raise
        finally:
            if self._server is not None:
                self._server.close()
        if self._failures:
            self._fail()
        return [self._results[number] for number in range(len(self._results))]

    def _submit(self, item: _Item) -> None:
        if self._server is None:
            future = self._executor.submit(self._context.copy().run, self._call_here, item)
        else:
            future = self._executor.submit(self._server.call(self._function), item.value, item.number)
        self._under_way[item.number] = item, future
        item.record.withdraw, item.record.is_elsewhere = future.cancel, self._server is not None
        future.add_done_callback(functools.partial(self._done, item))

    def _collect(self) -> None:
        """Wait for the end of one item; try it again where it may be. Raises CancelledError if the run has ended."""
        item, future = self._next_ended()
        del self._under_way[item.number], self._records[item.number]
        error = None if future.cancelled() else future.exception()
        if future.cancelled():
            self._failures[item.number] = concurrent.futures.CancelledError(f"{item.record.name} was cancelled")
        elif error is None:
            value = future.result()
            self._results[item.number] = value.value if isinstance(value, RemoteResult) else value
        elif self._may_retry(item, error):
            item.failures += 1
            self._records[item.number] = item.record
            self._submit(item)
        else:
            self._failures[item.number] = error

    def _next_ended(self) -> tuple[_Item, Future[Any]]:
        while True:
            try:
                return self._ended.get(timeout=_LOOK_S)
            except queue.Empty:
                if self._run.is_finished:
                    break
        raise concurrent.futures.CancelledError("the run has ended: what had not begun is cancelled")

    def _may_retry(self, item: _Item, error: BaseException) -> bool:
        return item.failures < self._retries and status_of(error) == "failed"

    def _fail(self) -> NoReturn:
        error = self._failures[min(self._failures)]
        if len(self._failures) > 1:
            error.add_note(f"{len(self._failures):,} of {len(self._failures) + len(self._results):,} items failed")
        raise error

    def _cancel(self) -> None:
        """Cancel what has not begun; what has begun goes on to its end, and is waited for by nobody."""
        for _, future in list(self._under_way.values()):
            future.cancel()

    # ---- where the work is done -------------------------------------------------------------------------------------

    def _call_here(self, item: _Item) -> Any:
        """Do an item, in a thread of this process."""
        current_task.set(ActiveTask(self._run, item.record))
        self._emitter.begin(item.record, worker=threading.current_thread().name)
        return self._function(item.value)

    def _take(self, number: int, message: Message) -> None:
        """Take a report of a worker process."""
        record = self._records.get(number)
        if record is not None:
            self._apply(record, message)

    def _apply(self, record: TaskRecord, message: Message) -> None:
        worker = message.pop("worker", None)
        if worker is not None:
            self._emitter.begin(record, worker=worker)
        else:
            self._emitter.take(record, **message)

    def _done(self, item: _Item, future: Future[Any]) -> None:
        """Report the end of an item, on the thread where it came about."""
        try:
            if future.cancelled():
                self._emitter.end(item.record, "cancelled")
            else:
                self._report(item, future)
        finally:
            self._ended.put((item, future))

    def _report(self, item: _Item, future: Future[Any]) -> None:
        record, error = item.record, future.exception()
        if error is None:
            value = future.result()
            for message in value.reports if isinstance(value, RemoteResult) else ():
                self._apply(record, message)
            self._emitter.end(record, "completed")
            return
        for message in reports_of(error):
            self._apply(record, message)
        status, again = status_of(error), self._may_retry(item, error)
        if status == "failed":
            limit = self._retries or None
            attempt = min(item.failures + 1, self._retries) or None
            is_news(error)  # it is reported here, whatever becomes of it
            self._emitter.error(problem_of(error), record, recoverable=again, retry_attempt=attempt, max_retries=limit)
        if not again:
            self._emitter.end(
                record, "cancelled" if status == "cancelled" else "failed", error=problem_of(error).message
            )


def map_items(  # noqa: PLR0917 - the arguments of `ActiveRun.map`
    run: ActiveRun,
    function: Callable[[Any], Any],
    items: Iterable[Any],
    executor: Any,
    name: str | None,
    phase: str | None,
    retries: int,
    max_workers: int | None,
) -> list[Any]:
    """Return the results of a function for each item, in order. As `ActiveRun.map`."""
    if not callable(function):
        raise InvalidArgument(f"expected a function to map, got a {type(function).__name__}")
    if executor is not None and not isinstance(executor, Executor) and not is_dask_client(executor):
        raise InvalidArgument(
            "expected executor= to be a concurrent.futures.Executor, a dask.distributed.Client or None, got a"
            f" {type(executor).__name__}"
        )
    if executor is not None and max_workers is not None:
        raise InvalidArgument("expected no max_workers= beside executor=, which has its own number of workers")
    if max_workers is not None and max_workers < 1:
        raise InvalidArgument(f"expected max_workers= to be 1 or more, got {max_workers!r}")
    name = getattr(function, "__name__", "item") if name is None else name
    tasks = _tasks(run, items, name, phase, retries)
    if executor is not None:
        return _Mapping(run, function, executor, retries).results(tasks)
    pool = ThreadPoolExecutor(max_workers, thread_name_prefix=name)
    try:
        return _Mapping(run, function, pool, retries).results(tasks)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _tasks(
    run: ActiveRun, items: Iterable[Any], name: str, phase: str | None, retries: int
) -> Iterator[tuple[TaskRecord, Any]]:
    """Yield the items, each with its task; all are announced at once where their number is known."""
    emitter = run._emitter  # noqa: SLF001 - of this package
    count = None
    with suppress(TypeError):
        count = len(items)  # type: ignore[arg-type]
    iterator = iter(items)
    if count is not None:
        emitter.announce(count)
    for number, value in zip(itertools.count(1), iterator, strict=False):
        if count is None:
            emitter.announce(1)
        named = run._record(_name(name, number, value), phase=phase, max_retries=retries or None)  # noqa: SLF001
        yield named, value


def _name(name: str, number: int, value: Any) -> str:
    """Return the name of an item's task: with the item, if that is a short text, a path or a number."""
    text = str(value) if isinstance(value, str | int | os.PathLike) else ""
    return f"{name} {text if 0 < len(text) <= _LONGEST_NAME else number}"
