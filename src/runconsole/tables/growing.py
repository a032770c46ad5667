"""Columns that grow at their end and give pandas their values without a copy.

A frame's values never change: a column only writes behind them. And a write to the frame never reaches the column:
numbers and times are slices of a series that lives on, so pandas copies them on write; Arrow's arrays are immutable.

A column takes a chunk's values packed, see `runconsole.log.chunks.plain`, and unpacks as little as possible: untouched
memory is the main cost of an access.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from runconsole.log.chunks import plain
from runconsole.tables.dtypes import INT, TEXT

__all__ = ["Growing", "Numbers", "Texts", "Times", "join"]

PIECE = 4096
"""Rows up to which neighboring pieces are joined."""
_LATE = 512
"""The same for texts that the log has not sealed yet: soon they exist as one piece that needs no copy."""
_NAT = np.iinfo(np.int64).min


class Growing(Protocol):
    """A column that grows at its end."""

    def reserve(self, rows: int) -> None:
        """Expect this number of rows in all."""

    def put(self, begin: int, values: pa.Array) -> None:
        """Take the values of the rows from number `begin` on, to the end.

        Values of known rows are equal to the held ones.
        """

    def column(self, index: pd.Index) -> pd.Series | pd.api.extensions.ExtensionArray:
        """Return all values so far for a frame with this index, at a constant cost."""


class _Buffered(ABC):
    """A column in one growing buffer, with room to spare; `_rows` of it are in use."""

    def __init__(self) -> None:
        self._rows = 0
        self._room = 0
        self._base = self._allocate(0)

    @abstractmethod
    def _allocate(self, room: int) -> pd.Series:
        """Make room in new buffers, with the rows so far, and return a series over all of it."""

    @abstractmethod
    def _write(self, rows: slice, values: pa.Array) -> None:
        """Write the values of these rows, which are new."""

    def reserve(self, rows: int) -> None:
        """Make room for this number of rows in all, and as many again: memory is only taken when it is written to."""
        if rows > self._room:
            self._room = 2 * rows
            self._base = self._allocate(self._room)

    def put(self, begin: int, values: pa.Array) -> None:
        """Take values for the rows from number `begin` on."""
        end = begin + len(values)
        if end > self._rows:
            self.reserve(end)
            self._write(slice(self._rows, end), values.slice(self._rows - begin))
            self._rows = end

    def column(self, index: pd.Index) -> pd.Series:
        """Return a slice of the series: pandas copies on write because both hold the same buffer."""
        values = self._base.iloc[: self._rows]
        values.index = index  # the frame's own: pandas aligns any other, which costs more than all the rest
        return values


class Numbers(_Buffered):
    """A growing column of ``Int64``. Its buffers begin as zeros, which take no memory until they are written to."""

    _values: npt.NDArray[np.int64] = np.empty(0, np.int64)
    _unknown: npt.NDArray[np.bool_] = np.empty(0, np.bool_)

    def _allocate(self, room: int) -> pd.Series:
        values, unknown = np.zeros(room, np.int64), np.zeros(room, np.bool_)
        values[: self._rows] = self._values[: self._rows]
        unknown[: self._rows] = self._unknown[: self._rows]
        self._values, self._unknown = values, unknown
        return pd.Series(pd.arrays.IntegerArray(values, unknown, copy=False), copy=False)

    def _write(self, rows: slice, values: pa.Array) -> None:
        missing = values.null_count
        if missing:
            self._unknown[rows] = values.is_null().to_numpy(zero_copy_only=False)
        if missing == len(values):
            return
        if _is_one_value(values):
            self._values[rows] = values.dictionary[0].as_py()
        else:
            numbers = plain(values, INT)
            self._values[rows] = (numbers.fill_null(0) if missing else numbers).to_numpy()


class Times(_Buffered):
    """A growing column of ``datetime64[us, UTC]``."""

    _values: npt.NDArray[np.int64] = np.empty(0, np.int64)

    def _allocate(self, room: int) -> pd.Series:
        values = np.empty(room, np.int64)
        values[: self._rows] = self._values[: self._rows]
        self._values = values
        times = pd.DatetimeIndex(values.view("M8[us]"), copy=False)
        return pd.Series(times.array.view("datetime64[us, UTC]"), copy=False)  # no constructor does this without a copy

    def _write(self, rows: slice, values: pa.Array) -> None:
        micros = plain(values, INT)
        self._values[rows] = (micros.fill_null(_NAT) if micros.null_count else micros).to_numpy()


class Texts:
    """A growing column of ``string``: Arrow arrays one after the other."""

    def __init__(self) -> None:
        self._pieces: list[pa.Array] = []
        self._begins: list[int] = []
        """The row with which each piece begins."""
        self._same: tuple[str | None, pa.Array] = (None, pa.nulls(0, TEXT))
        """A text, or None, and the longest piece of only that text."""

    def reserve(self, rows: int) -> None:
        """Expect this number of rows in all: nothing to do."""

    def put(self, begin: int, values: pa.Array) -> None:
        """Take values for the rows from number `begin` on, in place of the held ones."""
        while self._begins and self._begins[-1] >= begin:
            del self._begins[-1], self._pieces[-1]
        if self._pieces:
            self._pieces[-1] = self._pieces[-1].slice(0, begin - self._begins[-1])
        self._begins.append(begin)
        join(self._pieces, self._piece(values), _LATE)
        del self._begins[len(self._pieces) :]

    def _piece(self, values: pa.Array) -> pa.Array:
        if values.null_count == len(values):
            return self._repeated(None, len(values))
        if _is_one_value(values):
            return self._repeated(values.dictionary[0].as_py(), len(values))
        return plain(values, TEXT)

    def _repeated(self, text: str | None, rows: int) -> pa.Array:
        """Return a piece of one repeated text: all such pieces share the memory of one."""
        known, piece = self._same
        if text != known or rows > len(piece):
            piece = pa.repeat(pa.scalar(text, TEXT), rows, pa.system_memory_pool())
            self._same = text, piece
        return piece.slice(0, rows)

    def column(self, index: pd.Index) -> pd.arrays.ArrowStringArray:  # noqa: ARG002 - an array has none
        """Return the pieces as one column."""
        return pd.arrays.ArrowStringArray(pa.chunked_array(self._pieces, TEXT))


def _is_one_value(values: Any) -> bool:
    """Return whether the values are a dictionary of one value, without nulls."""
    return isinstance(values, pa.DictionaryArray) and len(values.dictionary) == 1 and not values.null_count


def join(pieces: list[pa.Array], piece: pa.Array, most: int = PIECE) -> None:
    """Add a piece to a column. Small ones are joined to keep their number small; each value moves seldom."""
    pieces.append(piece)
    while len(pieces) > 1 and len(pieces[-2]) < 2 * len(pieces[-1]) and len(pieces[-2]) + len(pieces[-1]) <= most:
        pieces[-2:] = [pa.concat_arrays(pieces[-2:])]
