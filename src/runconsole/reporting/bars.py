"""`tqdm`: bars of scripts that use tqdm, as tasks of a run: such a script changes one import."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from runconsole.errors import InvalidArgument
from runconsole.reporting.cancelling import TaskCancelled, check_cancelled
from runconsole.reporting.current import active_run, current_task
from runconsole.reporting.run import ActiveRun, start_run
from runconsole.reporting.tasks import ActiveTask, counted, reset

__all__ = ["tqdm"]


class tqdm:  # noqa: N801 - the name that scripts import
    """A bar, as of `tqdm.auto.tqdm`: a task of the run that is active, or of a run of its own where none is.

    ``from runconsole import tqdm`` in the place of ``from tqdm.auto import tqdm``. A run of its own ends with the bar.
    What only changes the look of a bar is taken and has no effect.

    Args:
        iterable: what to iterate over; None for a bar that is moved by `update`.
        desc: the name of the task.
        total: the number of steps; None takes the length, if there is one.
        initial: the number of steps that are done already.
        disable: True makes no task.
        postfix: more words, as of `set_postfix`.
        options: other arguments of tqdm.

    Attributes:
        n: the number of done steps.
        total: the number of steps; None for unknown.
        desc: the description.
        disable: True if there is no task.
    """

    def __init__(
        self,
        iterable: Iterable[Any] | None = None,
        desc: str | None = None,
        total: float | None = None,
        *args: Any,  # noqa: ARG002 - those that change the look
        initial: float = 0,
        disable: bool | None = False,
        postfix: Mapping[str, Any] | str | None = None,
        **options: Any,  # noqa: ARG002 - as above
    ) -> None:
        if total is None and iterable is not None:
            with suppress(TypeError):
                total = len(iterable)  # type: ignore[arg-type]
        self.iterable = iterable
        self.desc = desc or ""
        self.total = total
        self.n = initial
        self.disable = bool(disable)
        self._name = desc or "loop"
        self._postfix = _words(postfix)
        self._own: ActiveRun | None = None
        self._task: ActiveTask | None = None
        if not self.disable:
            run = active_run()
            if run is None:
                run = self._own = start_run(self._name)
            self._task = run.task(self._name)
            run._emitter.begin(self._task._record)  # noqa: SLF001 - of this package
            if initial:
                self.refresh()

    # ---- steps ------------------------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Any]:
        """Yield the items inside of the task, one step each. The end of the items ends the bar."""
        if self.iterable is None:
            raise InvalidArgument("expected something to iterate over, got None: move this bar by update()")
        task = self._task
        if task is None:
            yield from self.iterable
            return
        token = current_task.set(task)
        try:
            for item in self.iterable:
                yield item
                self.update()
        except TaskCancelled as error:
            self._end(error)
        except GeneratorExit:
            self._leave(task)
            raise
        except BaseException as error:
            self._end(error)
            raise
        else:
            self.close()
        finally:
            reset(current_task, token)

    def update(self, n: float | None = 1) -> bool | None:
        """Add steps. Raises TaskCancelled if somebody has cancelled the task; a loop over the bar ends without it."""
        self.n += n or 0
        self.refresh()
        if self._task is not None:
            check_cancelled(self._task._record)  # noqa: SLF001 - of this package
        return True

    def refresh(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - as tqdm's
        """Report the present state."""
        if self._task is None:
            return
        percent = min(100.0, max(0.0, 100.0 * self.n / self.total)) if self.total else None
        self._task._emitter.progress(self._task._record, percent, self._step())  # noqa: SLF001 - of this package

    def reset(self, total: float | None = None) -> None:
        """Begin again from no step, with another total if one is given."""
        self.n = 0
        self.total = self.total if total is None else total
        self.refresh()

    def _step(self) -> str:
        whole = isinstance(self.n, int) and isinstance(self.total, int | None)
        done = counted(int(self.n), None if self.total is None else int(self.total)) if whole else f"{self.n:g}"
        desc = self.desc if self.desc != self._name else ""
        return ", ".join(text for text in (desc, done, self._postfix) if text)

    # ---- words ------------------------------------------------------------------------------------------------------

    def set_description(self, desc: str | None = None, refresh: bool = True) -> None:  # noqa: ARG002, FBT001, FBT002
        """Set the description: the first words of the step."""
        self.desc = desc or ""
        self.refresh()

    set_description_str = set_description

    def set_postfix(self, ordered_dict: Mapping[str, Any] | None = None, refresh: bool = True, **values: Any) -> None:  # noqa: ARG002, FBT001, FBT002
        """Set more words: names with their values."""
        self._postfix = _words({**(ordered_dict or {}), **values})
        self.refresh()

    def set_postfix_str(self, s: str = "", refresh: bool = True) -> None:  # noqa: ARG002, FBT001, FBT002
        """Set more words as they are."""
        self._postfix = str(s)
        self.refresh()

    @classmethod
    def write(cls, s: str, file: Any = None, end: str = "\n", nolock: bool = False) -> None:  # noqa: ARG003, FBT001, FBT002
        """Print a text, and add it to the output of the current task."""
        print(s, file=sys.stdout if file is None else file, end=end)
        run = active_run()
        if run is not None:
            run.output(f"{s}{end}", stream="stderr" if file is sys.stderr else "stdout")

    def clear(self, *args: Any, **options: Any) -> None:
        """Do nothing: there is no line to clear."""

    display = unpause = clear

    # ---- the end ----------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """End the bar: its task is completed."""
        self._end(None)

    def _end(self, error: BaseException | None) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.end(error)
            self._finish(error)

    def _finish(self, error: BaseException | None) -> None:
        run, self._own = self._own, None
        if run is not None:
            run.__exit__(None if error is None else type(error), error, None)

    def _leave(self, task: ActiveTask) -> None:
        """End a loop that was left, by `break` or by an exception: a run of its own cannot tell, and is cancelled."""
        self._task = None
        if self._own is None:
            task._emitter.leave(task._record)  # noqa: SLF001 - of this package
        else:
            self._own.finish("cancelled")
            self._own = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end(error)

    def __len__(self) -> int:
        if self.total is not None:
            return int(self.total)
        return len(self.iterable)  # type: ignore[arg-type]

    def __bool__(self) -> bool:
        return True if self.total is None else self.total > 0

    def __repr__(self) -> str:
        return f"tqdm({self._name!r}, {self._step()!r})"


def _words(postfix: Mapping[str, Any] | str | None) -> str:
    """Return more words of a bar, numbers as tqdm writes them."""
    if not isinstance(postfix, Mapping):
        return str(postfix or "")
    return ", ".join(f"{name}={_number(value)}" for name, value in postfix.items())


def _number(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value).strip()
