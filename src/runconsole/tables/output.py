"""The frame of the output: from the state's compressed columns to Arrow's, each block once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from runconsole.fairness import in_turns
from runconsole.state import RunState
from runconsole.state.scrollback import Block, PackedField
from runconsole.tables.dtypes import INT, TEXT
from runconsole.tables.entities import EntityFrame
from runconsole.tables.specs import FRAMES

__all__ = ["OutputFrame"]


class OutputFrame(EntityFrame):
    """The frame ``"output"``. Its rows never change, so the columns of a block are made once."""

    def __init__(self, state: RunState) -> None:
        super().__init__(FRAMES["output"], state)
        self._batches: list[pa.RecordBatch] = []
        self._made = 0
        """Rows in the batches."""

    def _table(self, _rows: Sequence[Any]) -> pa.Table:
        late: list[Any] = []
        for part in in_turns(self._state.output.parts(self._made)):
            if isinstance(part, Block):
                self._batches.append(self._batch_of(part))
                self._made += part.size
            else:
                late = part
        return pa.Table.from_batches([*self._batches, self._batch(late)], self._schema)

    def _batch_of(self, block: Block[Any]) -> pa.RecordBatch:
        columns = block.columns()
        if columns is None:
            return self._batch(block.rows())
        arrays = [_array(column.kind, column.name, columns[column.name]) for column in self._typed]
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)


def _array(kind: pa.DataType, name: str, column: PackedField) -> pa.Array:
    if name == "at":
        return pa.array(np.frombuffer(column.numbers, np.int64).cumsum(), INT).cast(kind)
    if name == "text":
        ends = np.frombuffer(column.numbers, np.intc).cumsum(dtype=np.int64)
        places = pa.py_buffer(np.concatenate(([0], ends)))
        return pa.Array.from_buffers(kind, len(ends), [None, places, pa.py_buffer(column.values)])
    codes = pa.array(np.frombuffer(column.numbers, np.int16))
    return pa.DictionaryArray.from_arrays(codes, pa.array(column.values, TEXT)).cast(kind)
