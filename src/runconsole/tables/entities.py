"""The frames of the state: rows to columns, block by block, and only where a row has changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
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
    lacking: frozenset[str]
    """The columns of objects in which no row has any."""


class EntityFrame:
    """One of `FRAMES`.

    Rows are replaced when they change, never written to: so comparison shows whether a block is current.
    """

    def __init__(self, spec: Frame, state: RunState) -> None:
        self._spec = spec
        self._state = state
        self._typed = [column for column in spec.columns if column.kind is not OBJECT]
        self._held = [column for column in spec.columns if column.kind is OBJECT]
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
            if column.kind is OBJECT:
                values = pd.Series(self._objects(column), index=frame.index, dtype=object, copy=False)
                frame.insert(position, column.name, values)
        return frame.set_index(list(self._spec.keys)) if self._spec.keys else frame

    def _objects(self, column: Column) -> npt.NDArray[np.object_]:
        """Return a column of objects: made anew, because the caller may change the content of a cell."""
        values = np.full(sum(len(block.rows) for block in self._blocks), None, object)
        begin = 0
        for block in self._blocks:
            if column.name not in block.lacking:
                for number, row in enumerate(block.rows, begin):
                    values[number] = column.value(row)
            begin += len(block.rows)
        return values

    def _table(self, rows: Sequence[Any]) -> pa.Table:
        blocks = []
        for number, begin in enumerate(in_turns(range(0, len(rows), BLOCK))):
            part = rows[begin : begin + BLOCK]
            known = self._blocks[number] if number < len(self._blocks) else None
            # Equal is almost always identical, which Python finds out without looking into the rows.
            blocks.append(known if known is not None and known.rows == part else self._block(part))
        self._blocks = blocks
        return pa.Table.from_batches([block.columns for block in blocks], self._schema)

    def _block(self, rows: Sequence[Any]) -> _Block:
        lacking = [column.name for column in self._held if all(column.value(row) is None for row in rows)]
        return _Block(rows, self._batch(rows), frozenset(lacking))

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
