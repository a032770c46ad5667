"""The DataFrames of a run as attributes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from runconsole.engine.engine import Engine
from runconsole.errors import InvalidArgument
from runconsole.store import RunStore

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from runconsole.dataset import RunInfo
    from runconsole.tables import Tables

__all__ = ["RunFrames"]


class RunFrames:
    """Complete, typed DataFrames at any time, from any thread; the same columns and dtypes also when empty.

    Times are ``datetime64[us, UTC]``, durations seconds; unknown is NA. Each access is the newest state and the
    caller's own: changing a frame changes nothing here.
    """

    _engine: Engine

    def _shown(self) -> RunStore:
        """Return the run whose frames these are: the newest."""
        return self._engine.stores[-1]

    @property
    def _frames(self) -> Tables:
        return self._engine.kept(self._shown(), self._tables_of)

    def _tables_of(self, store: RunStore) -> Tables:
        from runconsole.tables import Tables

        return Tables(store.state, store.log, self._engine.options.redactor)

    def _about(self, store: RunStore) -> RunInfo:
        """Return what a data set says of a run as a whole."""
        from runconsole.dataset import RunInfo
        from runconsole.view.screen import title_of

        engine, state = self._engine, store.state
        execution = store.name or (engine.options.execution if store is engine.stores[-1] else None)
        return RunInfo(state.run(), title_of(state), engine.address, engine.protocol, execution, engine.options.task)

    @property
    def events(self) -> pd.DataFrame:
        """One row per event received, in arrival order; `payload` is the JSON text as received, byte for byte.

        It is the one place where a secret stands that a server says back; whatever is shown or written has it hidden.
        """
        return self._frames.frame("events")

    @property
    def tasks(self) -> pd.DataFrame:
        """One row per task, in order of first appearance."""
        return self._frames.frame("tasks")

    @property
    def subtasks(self) -> pd.DataFrame:
        """One row per subtask, by task."""
        return self._frames.frame("subtasks")

    @property
    def agents(self) -> pd.DataFrame:
        """One row per agent and sub-agent, with its own tokens and cost."""
        return self._frames.frame("agents")

    @property
    def tool_calls(self) -> pd.DataFrame:
        """One row per call of a tool, with its arguments and its result."""
        return self._frames.frame("tool_calls")

    @property
    def phases(self) -> pd.DataFrame:
        """One row per phase of an execution, by number."""
        return self._frames.frame("phases")

    @property
    def waves(self) -> pd.DataFrame:
        """One row per wave of an execution, by number."""
        return self._frames.frame("waves")

    @property
    def artifacts(self) -> pd.DataFrame:
        """One row per file made or changed; `size` in bytes."""
        return self._frames.frame("artifacts")

    @property
    def errors(self) -> pd.DataFrame:
        """One row per error, in arrival order."""
        return self._frames.frame("errors")

    @property
    def output(self) -> pd.DataFrame:
        """One row per piece of output, as written."""
        return self._frames.frame("output")

    @property
    def checkpoints(self) -> pd.DataFrame:
        """One row per question of the run, with its answer."""
        return self._frames.frame("checkpoints")

    @property
    def restore_points(self) -> pd.DataFrame:
        """One row per checkpoint that asks nothing: the points to which a task can be put back (`restore`).

        Index ``checkpoint_id``; columns ``task_id``, ``type``, ``reason``, ``created_at``, ``restored_at``.
        """
        return self._frames.frame("restore_points")

    @property
    def decisions(self) -> pd.DataFrame:
        """One row per decision made here, with how it ended."""
        return self._frames.frame("decisions")

    @property
    def links(self) -> pd.DataFrame:
        """One row per change of the link, with what was missed and recovered."""
        return self._frames.frame("links")

    @property
    def usage(self) -> pd.DataFrame:
        """The growth of the run: its completed tasks, tokens and cost at up to 120 times, the last row as it is now.

        Columns ``at``, ``completed_tasks``, ``tokens_used``, ``cost_usd``. Totals, not differences: unknown ones are
        NA, and ``usage.diff()`` gives what came in between.
        """
        return self._frames.frame("usage")

    def table(self, event_type: str) -> pd.DataFrame:
        """Return every event of one type, each field of its payload a typed column (nested fields dotted).

        A nested field whose dotted name is also that of another field of its payload is ``payload.<name>``, as are
        fields called `received_at` and `timestamp`. A type that has not come gives an empty frame.

        Raises:
            InvalidArgument: the type is no text.
        """
        given: object = event_type
        if not isinstance(given, str):
            raise InvalidArgument(
                f"expected a type of event such as 'task.progress', got {given!r}: see run.events['type'].unique()"
            )
        return self._frames.table(event_type)

    def to_arrow(self, name: str = "events") -> pa.Table:
        """Return a frame as an Arrow table, its index as columns; lists and dicts as their JSON text.

        Raises:
            KeyError: there is no frame of this name.
        """
        return self._frames.to_arrow(name)

    def critical_path(self) -> pd.DataFrame:
        """Return the chain of tasks that the length of the run hangs on. See `analysis.critical_path`."""
        from runconsole.analysis import critical_path

        return critical_path(self.tasks)

    def bottlenecks(self) -> pd.DataFrame:
        """Return where the time goes, by phase, wave, worker and provider. See `analysis.bottlenecks`."""
        from runconsole.analysis import bottlenecks

        return bottlenecks(self.tasks, self.checkpoints, self.events)

    def checkpoint_stats(self) -> pd.DataFrame:
        """Return how the run's questions were answered, by type. See `analysis.checkpoint_stats`."""
        from runconsole.analysis import checkpoint_stats

        return checkpoint_stats(self.checkpoints)

    def to_parquet(
        self,
        directory: str | os.PathLike[str],
        *,
        execution: str | None = None,
        storage_options: Mapping[str, Any] | None = None,
    ) -> str:
        """Write every frame as it is now into a directory of runs, for `runconsole.history` and any Parquet reader.

        Runs are appended; one that is there already is replaced, so write it as often as you like. A console writes all
        its `runs`, the earlier ones under their own names. Each frame is a data
        set partitioned by execution (``tasks/execution=...``), `events` also by type. Readers at the same time see a
        run whole, old or new; several processes may write different runs at once. Files may leave this machine: the
        console's secrets are hidden in them, also in the payloads of `events`, which are byte for byte what came only
        in memory.

        Args:
            directory: a path, or any URL of `fsspec` (``s3://``, ``gs://``, ``memory://``, ...).
            execution: the id to save the run under; None takes its execution id, else the id of the followed task, else
                a name made of its first event. An id too long for a path is shortened.
            storage_options: passed on to `fsspec`.

        Returns:
            What the run is called there: `execution`, or what it was shortened to. `History` knows it by both.

        Raises:
            InvalidArgument: `execution` is no text; there is a file in the directory's place, or nothing here can open
                its URL.
            OSError: it cannot be written.
        """
        given: object = execution
        if not isinstance(given, str | None):
            raise InvalidArgument(f"expected the name of a run as text, got {given!r}: pass for example 'run-1'")
        return self._to_parquet(directory, execution, storage_options)

    def _to_parquet(self, directory: str | os.PathLike[str], execution: str | None, storage_options: Any) -> str:
        from runconsole.dataset import write

        about = self._about(self._shown())
        return write(self._frames, about, directory, execution=execution, storage_options=storage_options)
