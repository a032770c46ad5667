"""The frames of the state: rows to columns, block by block, and only where a row has changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import pandas as pd
import pyarrow as pa

from runconsole.fairness import in_turns
from runconsole.state import RunState
from runconsole.tables.dtypes import INT, OBJECT, TEXT, to_pandas
from runconsole.tables.specs import Column, Frame

__all__ = ["EntityFrame"]

BLOCK = 1024
"""Rows of a block: few enough that no single step of making one keeps other threads waiting."""


class _Block(NamedTuple):
    rows: Sequence[Any]
    columns: pa.RecordBatch


class EntityFrame:
    """One of `FRAMES`.

    Rows are replaced when they change, never written to: so comparison shows whether a block is current.
    """

    def __init__(self, spec: Frame, state: RunState) -> None:
        self._spec = spec
        self._state = state
        self._typed = [column for column in spec.columns if column.kind is not OBJECT]
        self._schema = pa.schema([(column.name, column.kind) for column in self._typed])
        self._blocks: list[_Block] = []
        self._version: Any = None
        self._frame: pd.DataFrame | None = None

    def frame(self) -> pd.DataFrame:
        """Return the present rows."""
        # The version is read first: a row that comes in between is then read again next time, never missed.
        version = self._spec.version(self._state)
        if self._frame is None or version != self._version:
            rows = self._spec.rows(self._state)
            self._frame, self._version = self._make(rows), version
        return self._frame

    def to_arrow(self) -> pa.Table:
        """Return the present rows; objects of the frame are JSON text here."""
        rows = self._spec.rows(self._state)
        table = self._table(rows)
        for position, column in enumerate(self._spec.columns):
            if column.kind is OBJECT:
                texts = [None if value is None else _json(value) for value in map(column.value, rows)]
                table = table.add_column(position, pa.field(column.name, TEXT), pa.array(texts, TEXT))
        return table

    def _make(self, rows: Sequence[Any]) -> pd.DataFrame:
        frame = to_pandas(self._table(rows))
        for position, column in enumerate(self._spec.columns):
            if column.kind is OBJECT:  # made anew: the caller may change the content of a cell
                values = [column.value(row) for row in rows]
                frame.insert(position, column.name, pd.Series(values, dtype=object, index=frame.index))
        return frame.set_index(list(self._spec.keys)) if self._spec.keys else frame

    def _table(self, rows: Sequence[Any]) -> pa.Table:
        blocks = []
        for number, begin in enumerate(in_turns(range(0, len(rows), BLOCK))):
            part = rows[begin : begin + BLOCK]
            known = self._blocks[number] if number < len(self._blocks) else None
            # Equal is almost always identical, which Python finds out without looking into the rows.
            blocks.append(known if known is not None and known.rows == part else _Block(part, self._batch(part)))
        self._blocks = blocks
        return pa.Table.from_batches([block.columns for block in blocks], self._schema)

    def _batch(self, rows: Sequence[Any]) -> pa.RecordBatch:
        arrays = [pa.array(_values(rows, column), column.kind) for column in self._typed]
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)


def _values(rows: Sequence[Any], column: Column) -> list[Any]:
    values = list(map(column.value, rows))
    if column.kind == INT:
        return [value if value is None or -(2**63) <= value < 2**63 else None for value in values]
    return values


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
