"""Files of a data set for Polars and Dask."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.dataset as ds
from pyarrow import fs as pafs

from runconsole.dataset.directory import RunFile
from runconsole.dataset.parquet import open_files
from runconsole.dataset.schema import LONG_TYPE, partitions_of, schema_of, to_frame
from runconsole.errors import MissingPackage

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

__all__ = ["Piece", "engine", "lazy_frame", "pieces"]

_PIECE_BYTES = 32_000_000
_PIECE_FILES = 500


def lazy_frame(polars: Any, source: ds.Dataset, name: str) -> pl.LazyFrame:
    """Return the files of a data set as a lazy frame: by Polars' own, faster reader if it can open them."""
    if not source.files or not isinstance(source.filesystem, pafs.LocalFileSystem):
        scanned: pl.LazyFrame = polars.scan_pyarrow_dataset(source)
        return scanned
    schema, in_path = source.schema, partitions_of(name)
    in_file = [field for field in schema if field.name not in in_path]
    scanned = polars.scan_parquet(
        source.files,
        glob=False,
        schema=polars.from_arrow(pa.schema(in_file).empty_table()).schema,
        hive_partitioning=bool(in_path),
        hive_schema=dict.fromkeys(in_path, polars.String) or None,
        missing_columns="insert",
        extra_columns="ignore",
    )
    return scanned.select(schema.names)


class Piece:
    """Reads some files of a frame; it is pickled for the workers of a cluster."""

    def __init__(self, fs: pafs.FileSystem, root: str, name: str) -> None:
        self._fs, self._root, self._name = fs, root, name

    def __call__(self, paths: list[str], columns: list[str] | None = None) -> pd.DataFrame:
        table = open_files(self._fs, self._root, self._name, paths)
        own = [column for column in schema_of(self._name).names if column != LONG_TYPE]
        wanted = own if columns is None else list(columns)
        read = [*wanted, LONG_TYPE] if self._name == "events" and "type" in wanted else wanted
        frame = to_frame(self._name, table.to_table(columns=read), decode=False)
        return frame[wanted]


def pieces(files: Sequence[RunFile]) -> list[list[str]]:
    """Return the files in groups of whole runs (a large run is a group of its own)."""
    pieces: list[list[str]] = []
    size, last = 0, None
    for held in files:
        full = size >= _PIECE_BYTES or (pieces and len(pieces[-1]) >= _PIECE_FILES)
        if not pieces or (full and held.execution != last):
            pieces.append([])
            size = 0
        pieces[-1].append(held.path)
        size, last = size + held.size, held.execution
    return pieces


def engine(module: str, package: str) -> Any:
    try:
        return import_module(module)
    except ImportError:
        raise MissingPackage(f"expected {module.partition('.')[0]} to be installed: pip install '{package}'") from None
