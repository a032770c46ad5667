"""The display of a run where it is reported: a panel in a notebook, one line in a terminal, nothing elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from runconsole.reporting import notebook
from runconsole.text.marks import marked

if TYPE_CHECKING:
    from runconsole.reporting.run import ActiveRun
    from runconsole.state import Run

__all__ = ["Display", "line", "shown"]


class Display(Protocol):
    """Something that shows a run."""

    def close(self) -> None:
        """Leave the last state."""

    def paused(self) -> AbstractContextManager[None]:
        """Show nothing for the length of a block."""


def shown(run: ActiveRun, wanted: bool | None) -> Display | None:  # noqa: FBT001 - the argument `show`
    """Show a run; return what has to be closed at its end."""
    if wanted is False:
        return None
    if notebook.kernel() is not None:
        run._show_panel()  # noqa: SLF001 - of this package
        return None
    if wanted or is_terminal(sys.stderr):
        return _Line(run)
    return None


def is_terminal(stream: Any) -> bool:
    """Return whether a stream is a terminal."""
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):  # closed, or there is none
        return False


class _Line:
    """One line of progress on stderr, four times a second."""

    def __init__(self, run: ActiveRun) -> None:
        from rich.console import Console
        from rich.live import Live

        self._run = run
        self._live = Live(
            console=Console(stderr=True),
            get_renderable=self._text,
            refresh_per_second=4,
            redirect_stdout=is_terminal(sys.stdout),  # what is printed stands above the line; a pipe gets it unchanged
        )
        self._live.start()

    def _text(self) -> Any:
        from rich.text import Text

        return Text(line(self._run.console.run, self._run.title), no_wrap=True, overflow="ellipsis")

    def close(self) -> None:
        self._live.stop()

    @contextmanager
    def paused(self) -> Iterator[None]:
        self._live.stop()
        try:
            yield
        finally:
            self._live.start()


def line(run: Run[Any], title: str | None) -> str:
    """Return a run as one line."""
    done = f"{run.completed_tasks} of {run.total_tasks} tasks" if run.total_tasks else ""
    failed = f"{run.failed_tasks} failed" if run.failed_tasks else ""
    percent = "" if run.percent is None else f"{run.percent:.0f} %"
    cost = "" if run.cost_usd is None else f"${run.cost_usd:.2f}"
    current = run.current_task_name or ""
    parts = [title or run.execution_id or "run", run.status, percent, done, failed, cost, current]
    return marked(" · ".join(part for part in parts if part)).replace("\n", " ")
