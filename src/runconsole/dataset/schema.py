"""The frames as Arrow tables and back. Every file of a frame has the same schema, for every run."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from runconsole.dataset.run_row import runs_schema
from runconsole.log import EventLog
from runconsole.state import RunState
from runconsole.tables import FRAMES, Tables

__all__ = [
    "LONG_TYPE",
    "NAMES",
    "OTHERS",
    "columns_of",
    "keys_of",
    "partitions_of",
    "schema_of",
    "to_arrow",
    "to_frame",
    "whole_types",
]

NAMES = ("events", *FRAMES)
"""The frames of a run."""
LONG_TYPE = "type_in_full"
"""A column of `events`: the type, if it cannot be the name of a partition (empty, or too long)."""
OTHERS = "~others"
"""The partition of such types, and of further types beyond the largest number of partitions."""

_LARGE = {"payload", "text"}
"""Columns whose text may exceed 2 GB in one file."""


@cache
def _empty(name: str) -> pd.DataFrame:
    return Tables(RunState(), EventLog()).frame(name)


def keys_of(name: str) -> list[str]:
    """Return the columns of a frame's index; none for one that only counts its rows."""
    return [] if name == "runs" else [str(key) for key in _empty(name).index.names if key is not None]


def columns_of(name: str) -> list[str]:
    """Return the columns of a run's own frame, its index first."""
    return runs_schema().names[1:] if name == "runs" else [*keys_of(name), *_empty(name).columns]


def partitions_of(name: str) -> list[str]:
    """Return the columns in a file's path, which are not in the file."""
    return {"runs": [], "events": ["execution", "type"]}.get(name, ["execution"])


@cache
def schema_of(name: str) -> pa.Schema:
    """Return the columns of a frame as a data set: the execution first, then those of `Tables.to_arrow`."""
    if name == "runs":
        return runs_schema()
    fields = [pa.field("execution", pa.string())]
    for field in Tables(RunState(), EventLog()).to_arrow(name).schema:
        plain = pa.types.is_large_string(field.type) and field.name not in _LARGE
        fields.append(pa.field(field.name, pa.string() if plain else field.type))
    return pa.schema([*fields, pa.field(LONG_TYPE, pa.string())] if name == "events" else fields)


def to_arrow(tables: Tables, name: str) -> pa.Table:
    """Return a run's frame with the columns of `schema_of`, without the execution and, in payloads, without secrets."""
    table = tables.to_arrow(name)
    if name == "events":
        table = _without_secrets(table, tables)
        table = table.append_column(LONG_TYPE, pa.nulls(table.num_rows, pa.string()))
    return table.cast(schema_of(name).remove(0))


def _without_secrets(events: pa.Table, tables: Tables) -> pa.Table:
    """Return events for a file, which may leave the machine: only in memory are payloads unchanged."""
    for name in ("type", "payload") if tables.redactor.is_needed else ():
        pieces = [_hidden(piece, tables) for piece in events[name].chunks]
        events = events.set_column(events.column_names.index(name), name, pa.chunked_array(pieces, events[name].type))
    return events


def _hidden(texts: pa.Array, tables: Tables) -> pa.Array:
    values = texts.to_pylist()
    if not values or not tables.redactor.may_hold_any([text or "" for text in values]):
        return texts
    return pa.array([None if text is None else tables.redactor.hide(text) for text in values], texts.type)


def to_frame(name: str, table: pa.Table, *, decode: bool = True) -> pd.DataFrame:
    """Return rows of a data set with the console's dtypes, without an index.

    `decode` turns JSON text into the lists and dicts of the run's own frame.
    """
    if LONG_TYPE in table.column_names:
        table = whole_types(table)
    frame: pd.DataFrame = table.to_pandas(types_mapper=_mapper().get)
    for column in _objects(name) if decode else ():
        if column in frame:
            values = [None if text is None else json.loads(text) for text in table[column].to_pylist()]
            frame[column] = pd.Series(values, dtype=object, index=frame.index)
    return frame


def _objects(name: str) -> list[str]:
    return [] if name == "runs" else [str(c) for c, dtype in _empty(name).dtypes.items() if str(dtype) == "object"]


@cache
def _mapper() -> dict[pa.DataType, Any]:
    text = _empty("tasks")["name"].dtype
    return {
        pa.int64(): pd.Int64Dtype(),
        pa.float64(): pd.Float64Dtype(),
        pa.bool_(): pd.BooleanDtype(),
        pa.string(): text,
        pa.large_string(): text,
    }


def whole_types(table: pa.Table) -> pa.Table:
    """Return rows of `events` with each full type, if there is a column of types, and without its auxiliary column."""
    full, rest = table[LONG_TYPE], table.drop_columns(LONG_TYPE)
    if "type" not in rest.column_names:
        return rest
    return rest.set_column(rest.column_names.index("type"), "type", pc.coalesce(full, rest["type"]))
