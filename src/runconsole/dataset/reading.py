"""Many runs at once: `history(directory)` opens a directory of `to_parquet`, and reads files only on access."""

from __future__ import annotations

import html
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
from pyarrow import fs as pafs

from runconsole.analysis import RunFacts, compare_runs
from runconsole.dataset.comparison import Comparison
from runconsole.dataset.directory import RUNS, RunDirectory, RunFile, fitting
from runconsole.dataset.engines import Piece, engine, lazy_frame, pieces
from runconsole.dataset.parquet import condition, open_files, rows_of
from runconsole.dataset.schema import (
    LONG_TYPE,
    NAMES,
    columns_of,
    keys_of,
    to_frame,
)
from runconsole.errors import InvalidArgument, RecordingError

if TYPE_CHECKING:
    import dask.dataframe as dd
    import duckdb
    import polars as pl

__all__ = ["History", "history"]

Executions: TypeAlias = str | Iterable[str] | None
_TRIES = 3
_MOST_SHOWN = 200


def history(directory: str | os.PathLike[str], *, storage_options: Mapping[str, Any] | None = None) -> History:
    """Open a directory of runs that `to_parquet` wrote: many runs, read lazily.

    Args:
        directory: a path, or any URL of `fsspec` (``s3://``, ``gs://``, ``memory://``, ...).
        storage_options: passed on to `fsspec`.

    Raises:
        InvalidArgument: there is no such directory, it holds other files and no runs, or no installed package opens it.
        OSError: the file system of a URL cannot be reached, or refuses access.
    """
    return History(RunDirectory(directory, storage_options))


class History:
    """The runs of a directory. Each access reads the present files; runs that are written meanwhile are whole.

    Frames are those of a console, with their run as column `execution`: `events`, `tasks`, `subtasks`, `agents`,
    `tool_calls`, `phases`, `waves`, `artifacts`, `errors`, `output`, `checkpoints`, `decisions`, `links`; and `runs`,
    one row a run.

    The name of a run is the value that `to_parquet` returned: its execution id, or, if that is too long for a path, its
    beginning and a digest. Methods with a parameter `execution` accept both; `executions`, columns `execution` and
    filters have the short name, the column `execution_id` of `runs` the full id.
    """

    def __init__(self, store: RunDirectory) -> None:
        self._store = store
        kind = _kind_of(store)
        if kind is not pafs.FileType.Directory:
            what = "a file" if kind is pafs.FileType.File else "nothing there"
            raise InvalidArgument(
                f"expected a directory of runs, got {store.shown!r} ({what}): write one with run.to_parquet(directory)"
            )
        names = store.names()
        if names and names.isdisjoint({RUNS, *NAMES}):
            raise InvalidArgument(
                f"expected a directory of runs, got {store.shown!r} with other files in it: check its path"
            )

    def __repr__(self) -> str:
        return f"History({self._store.shown!r}, runs={len(self)})"

    def _repr_html_(self) -> str:
        """Return the table of the runs, as a notebook shows it, under the line of `repr`."""
        rows, columns = pd.get_option("display.max_rows"), pd.get_option("display.max_columns")
        table = self.runs.to_html(max_rows=rows, max_cols=columns, notebook=True)
        return f"<p><code>{html.escape(repr(self))}</code></p>{table}"

    def __len__(self) -> int:
        return len(self._store.rows())

    @property
    def executions(self) -> list[str]:
        """The names of the runs, sorted. Reads file names only."""
        return sorted(self._store.rows())

    @property
    def runs(self) -> pd.DataFrame:
        """One row per run, by its start: status, times, durations in seconds, tokens, cost in US dollars, counts.

        An unreadable file is left out, as in `frame` for many runs; a warning names it.
        """
        frame = to_frame(RUNS, self._read(RUNS, None, None, None))
        return frame.set_index("execution").sort_values("started_at", kind="stable")

    def tidy(self) -> None:
        """Remove the remains of dead writers, for readers of the files that do not use this package.

        They never count here. Files of an unfinished writing are left alone for an hour.
        """
        for name in self._store.runs_of_files(NAMES) | set(self._store.rows()):
            self._store.sweep(name, NAMES)

    # ---- frames -------------------------------------------------------------------------------------------------

    def frame(
        self,
        name: str,
        execution: Executions = None,
        *,
        columns: Sequence[str] | None = None,
        filter: ds.Expression | list[Any] | None = None,  # noqa: A002 - pyarrow's own word
    ) -> pd.DataFrame:
        """Return a frame of one run, exactly as its console had it, or of many.

        Args:
            name: the frame.
            execution: the run; several or None (all) give their rows one after the other, with a column `execution`.
            columns: only these (and the index); less is read.
            filter: only these rows, as a `pyarrow.compute` expression or a list like ``[("status", "==", "failed")]``;
                may name `execution`, too.

        Raises:
            InvalidArgument: no such frame, column or run, or a filter that the columns cannot answer.
        """
        self._check(name)
        keys, own = keys_of(name), columns_of(name)
        given: object = columns
        if isinstance(given, str) or not isinstance(given, Iterable | None):
            raise InvalidArgument(f"expected a list of columns of {name}, got {given!r}: there are {', '.join(own)}")
        wanted = own if columns is None else [*keys, *(column for column in columns if column not in keys)]
        unknown = [column for column in wanted if column not in own and column != "execution"]
        if unknown:
            raise InvalidArgument(f"expected columns of {name}, got {unknown[0]!r}: there are {', '.join(own)}")
        if isinstance(execution, Iterator):
            execution = list(execution)  # it may be iterated twice
        one = isinstance(execution, str)
        marked = wanted if one else ["execution", *(column for column in wanted if column != "execution")]
        frame = to_frame(name, self._read(name, execution, marked, filter))[marked]
        if name == "events":
            by = ["execution", "seq"] if "execution" in frame else ["seq"]
            frame = frame.sort_values(by, kind="stable", ignore_index=True)
            numbers = frame.pop("seq").to_numpy("int64")
            whole = bool((numbers == np.arange(len(numbers))).all())
            return frame.set_axis(pd.RangeIndex(len(numbers), name="seq") if whole else pd.Index(numbers, name="seq"))
        return frame.set_index(keys) if keys else frame

    def dataset(self, name: str, execution: Executions = None) -> ds.Dataset:
        """Return a frame as a `pyarrow.dataset`, of these runs or all. Lists files and reads none.

        Times, numbers and text have the same types in every run; lists and dicts are JSON text. `execution` (and `type`
        of `events`) are partitions: a filter on them skips files. Types of events that cannot be in a path are in the
        column `type_in_full`. It shows the runs that exist now.
        """
        self._check(name)
        return self._dataset(name, self._files(name, execution))

    def _files(self, name: str, execution: Executions) -> list[RunFile]:
        if execution is None and name != RUNS:
            return self._store.files(name)
        rows = self._store.rows()
        names = sorted(rows) if execution is None else self._keys(execution, rows)
        return [rows[each] for each in names] if name == RUNS else self._store.files(name, names)

    def _keys(self, execution: str | Iterable[str], rows: Mapping[str, RunFile]) -> list[str]:
        """Return the short names of these runs, each once. A run with a long id may be given by it."""
        given: object = execution
        names = [given] if isinstance(given, str) or not isinstance(given, Iterable) else list(given)
        keys: dict[str, None] = {}
        for name in names:
            key = name if not isinstance(name, str) or name in rows else fitting(name)
            if not isinstance(key, str) or key not in rows:
                raise InvalidArgument(f"expected a run in {self._store.shown!r}, got {name!r}: see .executions")
            keys[key] = None
        return list(keys)

    def _dataset(self, name: str, files: Sequence[RunFile]) -> ds.Dataset:
        return open_files(self._store.fs, self._store.root, name, [held.path for held in files])

    def _read(
        self, name: str, execution: Executions, columns: list[str] | None, rows: ds.Expression | list[Any] | None
    ) -> pa.Table:
        expression = None if rows is None else condition(name, rows)
        if columns is not None and name == "events" and "type" in columns:
            columns = [*columns, LONG_TYPE]
        for left in reversed(range(_TRIES)):
            try:
                return rows_of(self.dataset(name, execution), columns, expression)
            except FileNotFoundError:  # a run was replaced between listing and reading
                if not left:
                    raise
            except (OSError, pa.ArrowException) as error:
                if isinstance(execution, str):
                    raise RecordingError(f"cannot read {name} of {execution!r} ({_first_line(error)})") from None
                return self._readable(name, self._files(name, execution), columns, expression)
        raise AssertionError("unreachable: the last try returns or raises")

    def _readable(
        self, name: str, files: Sequence[RunFile], columns: list[str] | None, rows: ds.Expression | None
    ) -> pa.Table:
        """Return the content of the readable files; warn of the others."""
        found = [rows_of(self._dataset(name, []), columns, rows)]
        bad: list[tuple[RunFile, str]] = []
        for held in files:
            try:
                found.append(rows_of(self._dataset(name, [held]), columns, rows))
            except (OSError, pa.ArrowException) as error:
                bad.append((held, _first_line(error)))
        if bad:
            held, why = bad[0]
            warnings.warn(
                f"{len(bad)} of {len(files)} files of {name} in {self._store.shown!r} cannot be read and are left out:"
                f" {held.path.rpartition('/')[2]!r} of the run {held.execution!r} ({why})"
                + (f", and {len(bad) - 1} more" if len(bad) > 1 else ""),
                stacklevel=4,
            )
        return pa.concat_tables(found)

    def _check(self, name: str) -> None:
        if name not in (RUNS, *NAMES):
            raise InvalidArgument(f"expected a frame, got {name!r}: there are {', '.join((RUNS, *NAMES))}")

    # ---- engines ------------------------------------------------------------------------------------------------

    def to_dask(self, name: str = "events", execution: Executions = None) -> dd.DataFrame:
        """Return a frame as a lazy Dask DataFrame; a partition holds whole runs, up to about 32 MB of files.

        Columns and dtypes are those of `frame`, all plain columns; lists and dicts are JSON text.

        Raises:
            MissingPackage: Dask is not installed.
        """
        self._check(name)
        dask = engine("dask.dataframe", "dask[dataframe]")
        read = Piece(self._store.fs, self._store.root, name)
        made: dd.DataFrame = dask.from_map(
            read, pieces(self._files(name, execution)) or [[]], meta=read([]), label=f"runs-{name}"
        )
        return made

    def to_polars(self, name: str = "events", execution: Executions = None) -> pl.LazyFrame:
        """Return a frame as a lazy Polars frame; lists and dicts are JSON text.

        Raises:
            MissingPackage: Polars is not installed.
        """
        self._check(name)
        polars = engine("polars", "polars")
        lazy = lazy_frame(polars, self._dataset(name, self._files(name, execution)), name)
        if name == "events":
            full = polars.coalesce(polars.col(LONG_TYPE), polars.col("type")).alias("type")
            lazy = lazy.with_columns(full).drop(LONG_TYPE)
        return lazy

    def duckdb(self, connection: duckdb.DuckDBPyConnection | None = None) -> duckdb.DuckDBPyConnection:
        """Return a DuckDB connection, a new one unless given, with a view per frame and `runs`.

        The views show the runs that exist now; lists and dicts are JSON text.

        Raises:
            MissingPackage: DuckDB is not installed.
        """
        package = engine("duckdb", "duckdb")
        made: duckdb.DuckDBPyConnection = package.connect() if connection is None else connection
        for name in (RUNS, *NAMES):
            if name != "events":
                made.register(name, self.dataset(name))
        made.register("events_by_partition", self.dataset("events"))
        made.execute(
            f"CREATE OR REPLACE TEMP VIEW events AS SELECT * EXCLUDE ({LONG_TYPE})"  # noqa: S608 - our own column
            f" REPLACE (coalesce({LONG_TYPE}, type) AS type) FROM events_by_partition"
        )
        return made

    # ---- comparing ----------------------------------------------------------------------------------------------

    def compare(self, a: str, b: str) -> pd.DataFrame:
        """Compare two runs: as a whole (`(run)`) and phase by phase. See `analysis.compare_runs` for the columns.

        A notebook shows the columns `a` and `b` under the names of the runs.

        Raises:
            InvalidArgument: no such run.
        """
        return Comparison.of((a, b), compare_runs(self._facts(a), self._facts(b)))

    def _facts(self, name: str) -> RunFacts:
        given: object = name
        if not isinstance(given, str):
            raise InvalidArgument(f"expected the name of a run, got {given!r}: see .executions")
        events = self.frame("events", name, columns=["type", "task_id", "status", "timestamp", "received_at"])
        return self.frame(RUNS, name).iloc[0], self.frame("phases", name), self.frame("tasks", name), events


def _kind_of(store: RunDirectory) -> pafs.FileType:
    try:
        return store.kind()
    except (OSError, ValueError, pa.ArrowException) as error:
        if not store.is_local:
            raise
        raise InvalidArgument(f"cannot open {repr(store.shown)[:_MOST_SHOWN]} ({_first_line(error)})") from None


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0][:_MOST_SHOWN]
