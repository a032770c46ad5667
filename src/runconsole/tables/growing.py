"""Columns that grow at their end and give pandas what they hold without copying it.

What a frame gets stays as it is: a column only ever writes behind it. And what the frame's owner writes never comes
here: numbers and times are slices of a series that lives on, so pandas copies them on write; Arrow's arrays are
immutable.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from runconsole.tables.dtypes import TEXT

__all__ = ["Growing", "Numbers", "Texts", "Times", "join"]

PIECE = 4096
"""Rows below which two neighboring pieces are joined."""
_NAT = np.iinfo(np.int64).min


class Growing(Protocol):
    """A column that grows at its end."""

    def reserve(self, rows: int) -> None:
        """Expect so many rows in all."""

    def extend(self, values: pa.Array) -> None:
        """Add values at the end."""

    def column(self) -> pd.Series | pd.api.extensions.ExtensionArray:
        """Return all values so far for a frame. Costs nothing that grows with them."""


class _Buffered(ABC):
    """A column in one growing buffer, with room to spare; `_rows` of it are in use."""

    def __init__(self) -> None:
        self._rows = 0
        self._room = 0
        self._base = self._allocate(0)

    @abstractmethod
    def _allocate(self, room: int) -> pd.Series:
        """Make room in new buffers, with the rows so far, and return a series over all of it."""

    def reserve(self, rows: int) -> None:
        """Make room for so many rows in all, and as many again: memory is only taken when it is written to."""
        if rows > self._room:
            self._room = 2 * rows
            self._base = self._allocate(self._room)

    def column(self) -> pd.Series:
        """Return a slice of the series: that both hold the same buffer makes pandas copy on write."""
        return self._base.iloc[: self._rows]


class Numbers(_Buffered):
    """A growing column of ``Int64``."""

    _values: npt.NDArray[np.int64] = np.empty(0, np.int64)
    _unknown: npt.NDArray[np.bool_] = np.empty(0, np.bool_)

    def _allocate(self, room: int) -> pd.Series:
        values, unknown = np.empty(room, np.int64), np.empty(room, np.bool_)
        values[: self._rows] = self._values[: self._rows]
        unknown[: self._rows] = self._unknown[: self._rows]
        self._values, self._unknown = values, unknown
        return pd.Series(pd.arrays.IntegerArray(values, unknown, copy=False), copy=False)

    def extend(self, values: pa.Array) -> None:
        """Add values at the end."""
        begin, end = self._rows, self._rows + len(values)
        self.reserve(end)
        has_unknown = values.null_count > 0
        self._values[begin:end] = (values.fill_null(0) if has_unknown else values).to_numpy()
        self._unknown[begin:end] = values.is_null().to_numpy(zero_copy_only=False) if has_unknown else False
        self._rows = end


class Times(_Buffered):
    """A growing column of ``datetime64[us, UTC]``."""

    _values: npt.NDArray[np.int64] = np.empty(0, np.int64)

    def _allocate(self, room: int) -> pd.Series:
        values = np.empty(room, np.int64)
        values[: self._rows] = self._values[: self._rows]
        self._values = values
        times = pd.DatetimeIndex(values.view("M8[us]"), copy=False)
        return pd.Series(times.array.view("datetime64[us, UTC]"), copy=False)  # as no constructor does without a copy

    def extend(self, values: pa.Array) -> None:
        """Add values at the end."""
        begin, end = self._rows, self._rows + len(values)
        self.reserve(end)
        micros = values.cast(pa.int64())
        self._values[begin:end] = (micros.fill_null(_NAT) if micros.null_count else micros).to_numpy()
        self._rows = end


class Texts:
    """A growing column of ``string``: Arrow arrays one after the other."""

    def __init__(self) -> None:
        self._pieces: list[pa.Array] = []

    def reserve(self, rows: int) -> None:
        """Expect so many rows in all: nothing to do."""

    def extend(self, values: pa.Array) -> None:
        """Add values at the end."""
        join(self._pieces, values.cast(TEXT))

    def column(self) -> pd.arrays.ArrowStringArray:
        """Return the pieces as one column."""
        return pd.arrays.ArrowStringArray(pa.chunked_array(self._pieces, TEXT))


def join(pieces: list[pa.Array], piece: pa.Array) -> None:
    """Add a piece to a column. Small ones are joined so that their number stays small; each value moves seldom."""
    if pieces and len(piece) == len(pieces[-1]) and piece.equals(pieces[-1]):
        piece = pieces[-1]  # the same text over and over, or none at all: held once
    pieces.append(piece)
    while len(pieces) > 1 and len(pieces[-2]) < 2 * len(pieces[-1]) and len(pieces[-2]) + len(pieces[-1]) <= PIECE:
        pieces[-2:] = [pa.concat_arrays(pieces[-2:])]
