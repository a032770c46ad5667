"""The runs that one console has followed, each with its frames: `Console.runs`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, overload

from runconsole.api.frames import RunFrames
from runconsole.api.summary import Summary
from runconsole.clock import now_micros
from runconsole.engine.engine import Engine
from runconsole.state import Run
from runconsole.state.dated import Checkpoint, dated, dated_checkpoint
from runconsole.store import RunStore

__all__ = ["RunView", "RunViews"]


class RunView(RunFrames):
    """One run of a console, to read: its snapshot, its frames and its screen as text.

    A run that another one followed before its own end is `interrupted`, or has the status of its tasks if all of them
    were done; its last row of `links` says so.
    """

    def __init__(self, engine: Engine, store: RunStore) -> None:
        self._engine = engine
        self._store = store

    def _shown(self) -> RunStore:
        return self._store

    @property
    def run(self) -> Run[datetime]:
        """The run as a whole, as known now. As `Console.run`."""
        return dated(self._store.state.run())

    @property
    def execution_id(self) -> str | None:
        """The server's name for the run; None if it has reported none."""
        return self._store.name

    @property
    def status(self) -> str:
        """The run's status: of its tasks' statuses, or `partial` or `interrupted`."""
        return str(self._store.state.status)

    @property
    def title(self) -> str:
        """The title of the run."""
        from runconsole.view.screen import title_of

        return title_of(self._store.state)

    @property
    def pending(self) -> list[Checkpoint]:
        """Its checkpoints that wait for a decision, oldest first."""
        return [dated_checkpoint(checkpoint) for checkpoint in self._store.state.open_checkpoints]

    @property
    def summary(self) -> dict[str, Any]:
        """`run` as a dict, with the counts of its log; a notebook shows it as a table."""
        run, log = self.run, self._store.log
        counts = {"events": len(log), "malformed": log.malformed, "unknown": log.unknown}
        return Summary({name: getattr(run, name) for name in run.__struct_fields__} | counts)

    def __str__(self) -> str:
        from runconsole.view.screen import screen

        return screen(self._store.state, self._store.state.left_at or now_micros())

    def _repr_html_(self) -> str:
        from runconsole.view.report import card

        return card(self._store.state, self._store.state.left_at or now_micros(), repr(self))

    def __repr__(self) -> str:
        run = self.run
        done = f"{run.completed_tasks:,}" + ("" if run.total_tasks is None else f" of {run.total_tasks:,}")
        return f"<run {self.execution_id or self.title!r}: {run.status}, {done} tasks>"


class RunViews(Sequence[RunView]):
    """The runs of a console as they were when they were asked for, oldest first; the last is the one it shows."""

    def __init__(self, views: tuple[RunView, ...]) -> None:
        self._views = views

    def __len__(self) -> int:
        return len(self._views)

    @overload
    def __getitem__(self, index: int) -> RunView: ...
    @overload
    def __getitem__(self, index: slice) -> RunViews: ...
    def __getitem__(self, index: int | slice) -> RunView | RunViews:
        return RunViews(self._views[index]) if isinstance(index, slice) else self._views[index]

    def _repr_html_(self) -> str:
        from runconsole.view.summary import RunLine, runs_table

        runs = [(view, view.run) for view in self._views]
        lines = [
            RunLine(
                view.execution_id or "",
                view.title,
                run.status,
                run.started_at,
                run.duration_s,
                run.completed_tasks,
                run.total_tasks,
                run.failed_tasks,
                run.tokens_used,
                run.cost_usd,
                run.errors,
            )
            for view, run in runs
        ]
        return runs_table(f"{len(lines)} runs", lines, len(lines))

    def __repr__(self) -> str:
        return f"[{', '.join(map(repr, self._views))}]"
