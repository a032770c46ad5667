"""The frames of the state: rows to columns, block by block, and only where a row has changed."""

from __future__ import annotations

from collections import defaultdict
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
        self._framed: list[_Block] = []
        """The blocks of which the frame was made."""

    def frame(self) -> pd.DataFrame:
        """Return the present rows."""
        # The version is read first: a row that comes in between is then read again next time, never missed.
        version = self._spec.version(self._state)
        if self._frame is None or version != self._version:
            frame = self._changed(self._frame) if self._frame is not None else None
            self._frame = self._make(self._spec.rows(self._state)) if frame is None else frame
            self._framed, self._version = self._blocks, version
        return self._frame

    def _changed(self, frame: pd.DataFrame) -> pd.DataFrame | None:
        """Return the frame with the columns anew that a few changed rows have changed; None if it must be made anew.

        The other columns are those of the frame before, without a copy.
        """
        if self._spec.changed is None or self._blocks is not self._framed:
            return None
        # One more: a change that is noted has perhaps not been counted yet.
        rows = self._spec.changed(self._state, self._spec.version(self._state) - self._version + 1)
        if rows is None or max(rows) >= sum(len(block.rows) for block in self._blocks):
            return None
        places: defaultdict[int, dict[int, Any]] = defaultdict(dict)
        for position, row in rows.items():
            places[position // BLOCK][position % BLOCK] = row
        blocks, changed = list(self._blocks), set[str]()
        for number, new in in_turns(places.items()):
            blocks[number], columns = self._replaced(blocks[number], new)
            changed |= columns
        if changed.intersection(self._spec.keys):
            return None
        self._blocks = blocks
        return self._with_columns(frame, changed)

    def _replaced(self, block: _Block, new: dict[int, Any]) -> tuple[_Block, set[str]]:
        """Return a block with new rows at these places, and the names of the columns whose values differ."""
        rows, changed = list(block.rows), set[str]()
        for place, row in new.items():
            old, rows[place] = rows[place], row
            if row is not old:
                changed.update(column.name for column in self._spec.columns if column.value(row) != column.value(old))
        arrays = [
            _array(rows, column) if column.name in changed else array
            for column, array in zip(self._typed, block.columns.columns, strict=True)
        ]
        same = block.lacking.difference(changed)
        lacking = same.union(self._lacking(rows, [column for column in self._held if column.name in changed]))
        return _Block(rows, pa.RecordBatch.from_arrays(arrays, schema=self._schema), lacking), changed

    def _with_columns(self, frame: pd.DataFrame, changed: set[str]) -> pd.DataFrame:
        """Return the frame with these columns as the blocks have them; it shares the others."""
        typed = [column for column in self._typed if column.name in changed]
        held = [column for column in self._held if column.name in changed or self._has_any(column)]
        arrays = [
            pa.chunked_array([block.columns.column(column.name) for block in self._blocks], column.kind)
            for column in typed
        ]
        values = to_pandas(pa.table(arrays, [column.name for column in typed]))
        frame = frame.copy(deep=False)
        for column in typed:
            frame[column.name] = values[column.name].array
        for column in held:
            frame[column.name] = pd.Series(self._objects(column), index=frame.index, dtype=object, copy=False)
        return frame

    def _has_any(self, column: Column) -> bool:
        """Return whether a column of objects has any: it is made anew for each frame."""
        return any(column.name not in block.lacking for block in self._blocks)

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
        return _Block(rows, self._batch(rows), self._lacking(rows, self._held))

    def _lacking(self, rows: Sequence[Any], columns: Sequence[Column]) -> frozenset[str]:
        """Return the names of those of the columns of objects in which no row has any."""
        return frozenset(column.name for column in columns if all(column.value(row) is None for row in rows))

    def _batch(self, rows: Sequence[Any]) -> pa.RecordBatch:
        return pa.RecordBatch.from_arrays([_array(rows, column) for column in self._typed], schema=self._schema)


def _array(rows: Sequence[Any], column: Column) -> pa.Array:
    return pa.array(_values(rows, column), column.kind)


def _values(rows: Sequence[Any], column: Column) -> list[Any]:
    values = list(map(column.value, rows))
    if column.kind == INT:
        return [value if value is None or -(2**63) <= value < 2**63 else None for value in values]
    return values


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
