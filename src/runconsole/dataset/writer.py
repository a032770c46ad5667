"""Writing a run into a directory of runs: complete, repeatable, never duplicated."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import fs as pafs

from runconsole.dataset.directory import RunDirectory, fitting, is_fitting
from runconsole.dataset.run_row import RunInfo, row_of
from runconsole.dataset.schema import LONG_TYPE, NAMES, OTHERS, to_arrow
from runconsole.errors import InvalidArgument

if TYPE_CHECKING:
    from runconsole.tables import Tables

__all__ = ["write"]

_MOST_TYPES = 200
"""Partitions of one run's events: further types share one partition."""

_derived_keys: WeakKeyDictionary[Tables, dict[str, str]] = WeakKeyDictionary()
"""The name of each run at its last writing to a directory, where nobody gave it one."""


def write(
    tables: Tables,
    info: RunInfo,
    directory: str | os.PathLike[str],
    *,
    execution: str | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> str:
    """Write every frame of a run as it is now; return the run's name in the data set.

    An earlier writing of the run is replaced. Readers see it whole, old or new (see `RunDirectory`). Writers of
    different runs do not disturb each other. A frame without rows has no file.

    Raises:
        InvalidArgument: the directory is a file, or no installed package can open its URL.
        OSError: it cannot be written.
    """
    store = RunDirectory(directory, storage_options)
    if store.kind() is pafs.FileType.File:
        raise InvalidArgument(f"expected a directory, got the file {store.shown!r}: choose another name")
    frames = {name: to_arrow(tables, name) for name in NAMES}
    key = fitting(execution or info.key(frames["events"]))
    version = store.next_version(key, NAMES)
    for name, table in frames.items():
        for type_, part in _by_type(table) if name == "events" else [(None, table)]:
            if part.num_rows:
                store.write(name, key, version, part, type_)
    store.commit(key, version, row_of(key, info, frames))
    store.sweep(key, NAMES)
    _forget_derived_name(store, tables, key, is_derived=not execution)
    return key


def _by_type(events: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """Yield the events of each type, without the column that is in the path."""
    codes = events["type"].combine_chunks().dictionary_encode()
    plain = {
        code: type_ for code, type_ in enumerate(codes.dictionary.to_pylist()) if type_ != OTHERS and is_fitting(type_)
    }
    named = dict(list(plain.items())[:_MOST_TYPES])
    for code, type_ in named.items():
        yield type_, events.filter(pc.equal(codes.indices, code)).drop_columns("type")
    others = events.filter(pc.invert(pc.is_in(codes.indices, pa.array(list(named), codes.indices.type))))
    if others.num_rows:
        in_full = others.set_column(others.column_names.index(LONG_TYPE), LONG_TYPE, others["type"].cast(pa.string()))
        yield OTHERS, in_full.drop_columns("type")


def _forget_derived_name(store: RunDirectory, tables: Tables, key: str, *, is_derived: bool) -> None:
    """Remove this run's files under the name that was derived before it reported another one. A given name stays."""
    written = _derived_keys.setdefault(tables, {})
    before = written.pop(store.shown, None)
    if before is not None and before != key:
        store.drop(before, NAMES)
    if is_derived:
        written[store.shown] = key
