"""Files of one frame as one data set of Arrow, and the rows that a filter leaves."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
from pyarrow import fs as pafs

from runconsole.dataset.schema import LONG_TYPE, OTHERS, partitions_of, schema_of, whole_types
from runconsole.errors import InvalidArgument

__all__ = ["condition", "open_files", "rows_of"]


def open_files(fs: pafs.FileSystem, root: str, name: str, paths: list[str]) -> ds.Dataset:
    schema = schema_of(name)
    if not paths:
        return ds.FileSystemDataset.from_paths([], schema=schema, format=ds.ParquetFileFormat(), filesystem=fs)
    partitioning = ds.partitioning(pa.schema([schema.field(name) for name in partitions_of(name)]), flavor="hive")
    options = ds.FileSystemFactoryOptions(partition_base_dir=f"{root}/{name}", partitioning=partitioning)
    return ds.FileSystemDatasetFactory(fs, paths, ds.ParquetFileFormat(), options).finish(schema)


def rows_of(data: ds.Dataset, columns: list[str] | None, rows: ds.Expression | None) -> pa.Table:
    """Return some rows of a data set; a filter sees the full types of events, in the path or in the file."""
    if rows is None or LONG_TYPE not in data.schema.names:
        return data.to_table(columns=columns, filter=rows)
    in_path = ds.field("type") != OTHERS
    plain = data.to_table(columns=columns, filter=in_path & rows)
    others = whole_types(data.to_table(filter=~in_path)).filter(rows)
    if not others.num_rows:
        return plain
    others = others.append_column(LONG_TYPE, others["type"])
    return pa.concat_tables([plain, others.select(plain.column_names)])


def condition(name: str, rows: ds.Expression | list[Any]) -> ds.Expression:
    """Return a filter as an expression that the frame's columns can answer."""
    import pyarrow.parquet as pq

    fields = [field for field in schema_of(name) if field.name != LONG_TYPE]
    try:
        made: ds.Expression = pq.filters_to_expression(rows) if isinstance(rows, list) else rows
        ds.dataset(pa.schema(fields).empty_table()).to_table(filter=made)
    except (pa.ArrowException, TypeError, ValueError) as error:
        reason = str(error).partition(" in execution: ")[0]  # without the whole schema
        names = ", ".join(field.name for field in fields)
        raise InvalidArgument(
            f"expected a filter like [('execution', '==', 'one')], got {rows!r} ({reason}): {name} has {names}"
        ) from None
    return made
