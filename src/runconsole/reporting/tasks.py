"""`ActiveTask`, `ActiveSubtask` and `ActiveWave`: blocks of a run."""

from __future__ import annotations

import asyncio
import concurrent.futures
import io
import math
import operator
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from contextvars import ContextVar, Token
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from runconsole.errors import InvalidArgument
from runconsole.reporting.agents import plain_value
from runconsole.reporting.cancelling import TaskCancelled, check_cancelled
from runconsole.reporting.current import current_task, current_wave
from runconsole.reporting.files import described
from runconsole.reporting.records import TaskRecord, problem_of
from runconsole.reporting.tally import Tally

if TYPE_CHECKING:
    from runconsole.reporting.run import ActiveRun

__all__ = [
    "ActiveSubtask",
    "ActiveTask",
    "ActiveTool",
    "ActiveWave",
    "Stream",
    "check_stream",
    "check_text",
    "is_news",
    "report_failure",
    "status_of",
    "steps",
    "usage",
]

Stream = Literal["stdout", "stderr"]
T = TypeVar("T")

CANCELLED = (KeyboardInterrupt, asyncio.CancelledError, concurrent.futures.CancelledError, GeneratorExit)
"""Exceptions by which somebody ends a block on purpose."""
_TOLERANCE = 1e-6
"""By which a computed fraction may be off 0 to 1."""


def status_of(error: BaseException | None) -> str:
    """Return how a block ended, by the exception that left it."""
    if error is None or (isinstance(error, SystemExit) and not error.code):
        return "completed"
    return "cancelled" if isinstance(error, CANCELLED) else "failed"


class _Output(io.TextIOBase):
    """A text file whose lines are the output of a task: for ``print(..., file=...)``."""

    def __init__(self, task: ActiveTask, stream: Stream) -> None:
        self._task = task
        self._stream: Stream = stream

    def write(self, text: str) -> int:
        self._task.output(text, stream=self._stream)
        return len(text)

    def writable(self) -> bool:
        return True


class ActiveTask:
    """A task of a run, as long as its ``with`` block lasts: ``with run.task("train") as task``.

    An exception that leaves the block is an error of the run, fails the task, and goes on its way. `KeyboardInterrupt`
    and a cancelled coroutine cancel the task. A task that `ActiveRun.cancel` has cancelled raises `TaskCancelled` where
    it reports its progress; the block catches it, and the code after the block goes on.

    Any thread may call the methods; after the end of the task they do nothing, but output still counts.

    Attributes:
        run: the run.
        id: the id of the task, unique in the run.
        name: its name.
        stdout: a text file for ``print(..., file=task.stdout)``.
        stderr: the same for errors and warnings.
    """

    around: ActiveTask | None = None

    def __init__(self, run: ActiveRun, record: TaskRecord) -> None:
        self.run = run
        self.id = record.task_id
        self.name = record.name
        self._record = record
        self._emitter = run._emitter  # noqa: SLF001 - of this package
        self._token: Token[ActiveTask | None] | None = None
        self.stdout = _Output(self, "stdout")
        self.stderr = _Output(self, "stderr")

    @property
    def is_left(self) -> bool:
        """True if code in the context of this task is in the task around it, see `task_around`."""
        return False

    def progress(
        self,
        fraction: float | None = None,
        *,
        step: str | None = None,
        tokens: int | None = None,
        cost_usd: float | None = None,
    ) -> None:
        """Report how far the task is. Viewers get the newest state once a second.

        Args:
            fraction: the done part, 0 to 1; None leaves it.
            step: what it is doing.
            tokens: tokens used since the last report; they are added up.
            cost_usd: their cost in US dollars, added up.

        Raises:
            InvalidArgument: a value that means nothing.
            TaskCancelled: somebody has cancelled the task, by `ActiveRun.cancel` or from a panel.
        """
        percent = None if fraction is None else percent_of(fraction)
        words = None if step is None else check_text("step", step)
        self._emitter.progress(self._record, percent, words, *usage(tokens, cost_usd))
        check_cancelled(self._record)

    def tokens(self, count: int, cost_usd: float | None = None) -> None:
        """Add used tokens, and their cost in US dollars."""
        self.progress(tokens=count, cost_usd=cost_usd)

    def output(self, text: str, *, stream: Stream = "stdout") -> None:
        """Add output as written; it may end in the middle of a line."""
        check_stream(stream)
        self._emitter.write(self._record, stream, check_text("text", text))

    def artifact(
        self,
        path: str | os.PathLike[str],
        *,
        size: int | None = None,
        type: str | None = None,  # noqa: A002 - the column's name
        language: str | None = None,
    ) -> None:
        """Report a file that the task has made; size (bytes), kind and language are looked up where it is there."""
        self._emitter.artifact(self._record, described(path, size=size, type=type, language=language))

    def error(
        self,
        error: BaseException | str,
        *,
        recoverable: bool = True,
        attempt: int | None = None,
        max_retries: int | None = None,
    ) -> None:
        """Report an error after which the task goes on; `attempt` counts its retries from 1."""
        limit = self._record.max_retries if max_retries is None else max_retries
        details = {"recoverable": recoverable, "retry_attempt": attempt, "max_retries": limit}
        self._emitter.error(problem_of(error), self._record, **details)

    def subtask(self, name: str, *, id: str | None = None) -> ActiveSubtask:  # noqa: A002 - the column's name
        """Return a part of the task, a ``with`` block: ``with task.subtask("save")``."""
        self._record.subtasks += 1
        name = check_text("name", name)
        return ActiveSubtask(self, f"{self.id}.{self._record.subtasks}" if id is None else check_text("id", id), name)

    def tool(self, name: str, arguments: Any = None, *, id: str | None = None) -> ActiveTool:  # noqa: A002 - as above
        """Return a call of a tool, a ``with`` block: a part of the task, and a row of `tool_calls`.

        ``with task.tool("search", {"query": "x"}) as call: call.result(search("x"))``

        Args:
            name: the tool.
            arguments: any value; what JSON cannot hold is reported by its words.
            id: the id of the call, unique in the run; None makes one.
        """
        return ActiveTool(self.subtask(name, id=id), plain_value(arguments))

    def __enter__(self) -> Self:
        if self._record.status == "in_progress":
            raise InvalidArgument(
                f"expected a task that has not begun, got {self.name!r}: one task is one `with` block"
            )
        self._token = current_task.set(self)
        self._emitter.begin(self._record)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if self._token is not None:
            reset(current_task, self._token)
        self.end(error)
        return isinstance(error, TaskCancelled) and error.task_id == self.id

    def end(self, error: BaseException | None = None) -> None:
        """End the task, with the exception that ended it; done at the end of the block."""
        status = status_of(error)
        if error is not None:
            for record in self._emitter.take_left():
                report_failure(self.run, record, error)
        if error is not None and status == "failed":
            report_failure(self.run, self._record, error)
        else:
            self._emitter.end(self._record, status)

    def __repr__(self) -> str:
        return f"ActiveTask({self.name!r}, id={self.id!r}, status={self._record.status or 'pending'!r})"


class ActiveSubtask:
    """A part of a task, as long as its ``with`` block lasts; its output and files are those of its task.

    Attributes:
        task: the task.
        id: the id, unique in the task.
        name: its name.
    """

    def __init__(self, task: ActiveTask, subtask_id: str, name: str) -> None:
        self.task = task
        self.id = subtask_id
        self.name = name
        self._began = 0.0

    def progress(self, fraction: float) -> None:
        """Report the done part, 0 to 1."""
        percent = percent_of(fraction)
        self._emitter.part(self.task._record, {"id": self.id, "name": self.name, "progress": percent})  # noqa: SLF001
        check_cancelled(self.task._record)  # noqa: SLF001 - of this module

    @property
    def _emitter(self) -> Any:
        return self.task._emitter  # noqa: SLF001 - of this module

    def _emit(self, kind: str, **details: Any) -> None:
        self._emitter.subtask(self.task._record, kind, {"subtaskId": self.id, "name": self.name, **details})  # noqa: SLF001

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        self._emit("started")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        duration = round(time.monotonic() - self._began, 6)
        if status_of(error) == "completed":
            self._emit("completed", duration=duration)
        else:
            self._emit("failed", duration=duration, error=problem_of(error or "").message)

    def __repr__(self) -> str:
        return f"ActiveSubtask({self.name!r}, id={self.id!r}, task={self.task.id!r})"


class ActiveTool(ActiveSubtask):
    """A call of a tool, as long as its ``with`` block lasts. An exception that leaves the block fails it.

    Attributes:
        task: the task.
        id: the id of the call.
        name: the name of the tool.
    """

    def __init__(self, part: ActiveSubtask, arguments: Any) -> None:
        super().__init__(part.task, part.id, part.name)
        self._arguments = arguments
        self._result: Any = None

    def result(self, value: Any) -> None:
        """Keep what the tool returned, for the end of the call; what JSON cannot hold is reported by its words."""
        self._result = plain_value(value)

    def _tell(self, kind: str, **data: Any) -> None:
        named = {"toolCallId": self.id, "tool": self.name, **data}
        self._emitter.call(self.task._record, kind, named)  # noqa: SLF001 - of this module

    def __enter__(self) -> Self:
        super().__enter__()
        self._tell("agent.tool_call", arguments=self._arguments)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        words = None if error is None else problem_of(error).message
        self._tell("agent.tool_result", result=self._result, status=status_of(error), error=words)


class ActiveWave:
    """A wave of a run, as long as its ``with`` block lasts: tasks that begin inside belong to it.

    Attributes:
        number: the number of the wave.
    """

    def __init__(self, run: ActiveRun, number: int) -> None:
        self.run = run
        self.number = number
        self._tally = Tally()
        self._began = 0.0
        self._token: Token[ActiveWave | None] | None = None

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        self._token = current_wave.set(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._token is not None:
            reset(current_wave, self._token)
        self.run._emitter.complete_wave(self.number, self._tally, self._began)  # noqa: SLF001 - of this package

    def __repr__(self) -> str:
        return f"ActiveWave({self.number})"


def report_failure(run: ActiveRun, record: TaskRecord, error: BaseException) -> None:
    """Fail a task, or cancel it, by an exception; an exception that leaves several blocks is one error."""
    status = status_of(error)
    if status == "failed" and is_news(error):
        run._emitter.error(problem_of(error), record, recoverable=False, max_retries=record.max_retries)  # noqa: SLF001
    run._emitter.end(record, status, error=problem_of(error).message)  # noqa: SLF001 - of this package


def is_news(error: BaseException) -> bool:
    """Return whether an exception has not been reported; then it is marked as reported."""
    marks = error.__dict__
    if marks.get("_runconsole_reported"):
        return False
    marks["_runconsole_reported"] = True
    return True


def reset(variable: ContextVar[T], token: Token[T]) -> None:
    """Reset a variable; where the block is left in another context than it was entered in, that keeps its own."""
    with suppress(ValueError):
        variable.reset(token)


def percent_of(fraction: object) -> float:
    """Return a fraction as a percentage. Raises InvalidArgument."""
    try:
        value = float(fraction)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        value = math.nan
    if not -_TOLERANCE <= value <= 1 + _TOLERANCE:
        raise InvalidArgument(f"expected the done part as a number from 0 to 1, got {fraction!r}: pass done / total")
    return round(100.0 * min(1.0, max(0.0, value)), 4)


def usage(tokens: object, cost_usd: object) -> tuple[int | None, float | None]:
    """Return tokens and their cost as plain numbers. Raises InvalidArgument for what cannot be added."""
    try:
        count = None if tokens is None else operator.index(tokens)  # type: ignore[arg-type]
    except TypeError:
        count = -1
    if count is not None and count < 0:
        raise InvalidArgument(f"expected tokens as a whole number, got {tokens!r}")
    try:
        money = None if cost_usd is None else float(cost_usd)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        money = math.nan
    if money is not None and not 0 <= money < math.inf:
        raise InvalidArgument(f"expected cost_usd= to be a number of US dollars, got {cost_usd!r}")
    return count, money


def check_text(name: str, value: object) -> str:
    """Return a text. Raises InvalidArgument for anything else."""
    if not isinstance(value, str):
        raise InvalidArgument(f"expected {name}= to be a text, got a {type(value).__name__}: pass str(...) of it")
    return value


def check_stream(stream: object) -> None:
    """Raise InvalidArgument for a stream that there is not."""
    if stream not in {"stdout", "stderr"}:
        raise InvalidArgument(f"expected stream= to be 'stdout' or 'stderr', got {stream!r}")


def counted(number: int, total: int | None) -> str:
    """Return how many of how many, for a loop."""
    return f"{number:,}" if total is None else f"{number:,} of {total:,}"


def steps(task: ActiveTask, iterable: Any, total: int | None) -> Iterator[Any]:
    """Yield the items of an iterable inside the block of a task, which follows along."""
    emitter, record = task._emitter, task._record  # noqa: SLF001 - of this module
    number = 0
    task.__enter__()
    try:
        for number, item in enumerate(iterable, 1):
            yield item
            emitter.progress(record, min(100.0, 100.0 * number / total) if total else None, counted(number, total))
            check_cancelled(record)
    except TaskCancelled as error:
        task.end(error)
    except GeneratorExit:
        emitter.leave(record)
        raise
    except BaseException as error:
        task.end(error)
        raise
    else:
        task.end()
    finally:
        if task._token is not None:  # noqa: SLF001 - of this module
            reset(current_task, task._token)  # noqa: SLF001
