"""Millions of rows of text in little memory: the newest uncompressed, all older ones compressed."""

from __future__ import annotations

import zlib
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import accumulate, pairwise, starmap
from operator import attrgetter, sub
from typing import Any, Generic, NamedTuple, Protocol, TypeVar, overload

import msgspec

__all__ = ["Block", "PackedField", "Scrollback"]

ROWS = 1024
"""The most rows of a block; itself at most 2**15."""
WEIGHT = 48 * 1024
"""The most weight of the texts in a block: sealing or reading one takes about a millisecond."""
LONG = 8 * 1024
"""Characters from which on a text stays uncompressed: compressing it would be a pause."""
AMENDED = 128
"""Rows of a sealed block that may be amended before it is sealed anew."""


class _Text(Protocol):
    @property
    def text(self) -> str: ...


R = TypeVar("R", bound=_Text)

_first = attrgetter("first")
_unpack = msgspec.msgpack.Decoder(list[Any]).decode


class PackedField(NamedTuple):
    """A field of each row of a block."""

    numbers: bytes
    """Of `at` the differences from row to row, the first from 0, as `array("q")`; of `text` the lengths in bytes, as
    `array("i")`; of every other field, as `array("h")`, the index among its values."""
    values: Any
    """Of `text` all texts joined, as UTF-8; of every other field but `at` the list of different values."""


class Block(Generic[R]):
    """Sealed rows. The content is only replaced as a whole, so any thread may read."""

    __slots__ = ("_amended", "_kind", "_longs", "_packed", "first", "revision", "size")

    def __init__(self, kind: type[Any], first: int, rows: Sequence[R]) -> None:
        self._kind = kind
        self.first = first
        """The number of its first row."""
        self.size = len(rows)
        self.revision = 0
        """Grows with each amended row."""
        self._longs: dict[int, str] = {}
        """Uncompressed texts, by the number of the row within the block."""
        self._amended: dict[int, R] = {}
        """Rows that replaced another, by their number within the block."""
        self._packed: bytes | tuple[R, ...]
        """The columns, packed; the rows themselves if one of them cannot be packed."""
        try:
            columns = zip(self._kind._fields, zip(*rows, strict=True), strict=True)
            packed = msgspec.msgpack.encode([self._column(name, values) for name, values in columns])
            self._packed = zlib.compress(packed, 1)
        except (OverflowError, UnicodeEncodeError):
            self._longs, self._packed = {}, tuple(rows)

    def _column(self, name: str, values: Sequence[Any]) -> PackedField:
        if name == "at":
            return PackedField(array("q", map(sub, values, (0, *values))).tobytes(), None)
        if name == "text":
            self._longs = {number: text for number, text in enumerate(values) if len(text) >= LONG}
            texts = ["" if number in self._longs else text for number, text in enumerate(values)]
            values = "".join(texts).encode()
            lengths = array("i", map(len, texts))
            if sum(lengths) != len(values):
                lengths = array("i", [len(text.encode()) for text in texts])
            return PackedField(lengths.tobytes(), values)
        codes = {value: code for code, value in enumerate(dict.fromkeys(values))}
        return PackedField(array("h", map(codes.__getitem__, values)).tobytes(), list(codes))

    @property
    def nbytes(self) -> int:
        """The size in bytes; a character of a long text counts as one."""
        return len(self._packed) + sum(map(len, self._longs.values()))

    @property
    def amended(self) -> int:
        """The number of rows that replaced another."""
        return len(self._amended)

    def amend(self, number: int, row: R) -> None:
        """Replace the row with this number within the block."""
        self._amended = {**self._amended, number: row}  # another thread may read the dict of before
        self.revision += 1

    def columns(self) -> dict[str, PackedField] | None:
        """Return the columns by name; None where only `rows` returns everything."""
        if isinstance(self._packed, tuple) or self._longs or self._amended:
            return None
        return self._columns(self._packed)

    def _columns(self, held: bytes) -> dict[str, PackedField]:
        return dict(zip(self._kind._fields, starmap(PackedField, _unpack(zlib.decompress(held))), strict=True))

    def rows(self) -> list[R]:
        """Return the rows."""
        held = self._packed
        if isinstance(held, tuple):
            rows = list(held)
        else:
            columns = [self._values(name, column) for name, column in self._columns(held).items()]
            rows = list(map(partial(tuple.__new__, self._kind), zip(*columns, strict=True)))
        for number, row in self._amended.items():
            rows[number] = row
        return rows

    def _values(self, name: str, column: PackedField) -> Sequence[Any]:
        numbers, values = column
        if name == "at":
            return list(accumulate(array("q", numbers)))
        if name == "text":
            texts = _cut(values, array("i", numbers))
            for number, text in self._longs.items():
                texts[number] = text
            return texts
        return list(map(values.__getitem__, array("h", numbers)))


def _cut(values: bytes, lengths: Sequence[int]) -> list[str]:
    places = pairwise(accumulate(lengths, initial=0))
    if values.isascii():
        text = values.decode()
        return [text[begin:end] for begin, end in places]
    return [values[begin:end].decode() for begin, end in places]


class _ReadView(NamedTuple, Generic[R]):
    """A snapshot for readers, taken in one step."""

    blocks: list[Block[R]]
    """Append-only."""
    full: int
    """The number of blocks at this moment."""
    sealed: int
    """The number of rows in them."""
    open: list[R]
    """The rows behind them. Append-only; its successor is another list."""

    @property
    def size(self) -> int:
        """The number of rows."""
        return self.sealed + len(self.open)


class Scrollback(Sequence[R]):
    """An append-only sequence of rows, indexed and sliced as a list is. One thread appends; any thread reads.

    Of a row's fields `at` is microseconds, `text` a text of any length, and all others are ids and the like, with few
    different values. Old rows are sealed in blocks of about a thousand. Reading a row costs the decompression of its
    block, unless that was the last one read.

    Args:
        kind: the rows' class.
    """

    def __init__(self, kind: type[R]) -> None:
        self._kind = kind
        self._open: list[R] = []
        self._weight = 0
        self._parts: _ReadView[R] = _ReadView([], 0, 0, self._open)
        self._read: tuple[Block[R] | None, list[R]] = (None, [])
        """The block that was read last, or sealed after that, and its rows."""

    def append(self, row: R) -> None:
        """Add a row at the end."""
        rows = self._open
        rows.append(row)
        self._weight += _weight(row.text)
        if len(rows) >= ROWS or self._weight >= WEIGHT:
            self._seal(rows)

    def _seal(self, rows: list[R]) -> None:
        blocks, full, sealed, _ = self._parts
        block = Block(self._kind, sealed, rows)
        blocks.append(block)
        self._read = (block, rows)  # a reader at the end has not seen all of it yet
        self._open, self._weight = [], 0
        self._parts = _ReadView(blocks, full + 1, sealed + len(rows), self._open)

    def amend(self, number: int, row: R) -> None:
        """Replace a row. Call it only where no other thread reads, and from the appending thread."""
        blocks, full, sealed, rows = self._parts
        if number >= sealed:
            self._weight += _weight(row.text) - _weight(rows[number - sealed].text)
            rows[number - sealed] = row
            return
        place = _place(blocks, number, full)
        block = blocks[place]
        block.amend(number - block.first, row)
        if self._read[0] is block:
            self._read[1][number - block.first] = row
        if block.amended >= AMENDED:
            blocks[place] = Block(self._kind, block.first, block.rows())

    @property
    def nbytes(self) -> int:
        """The size in bytes of the sealed rows."""
        blocks, full, _, _ = self._parts
        return sum([block.nbytes for block in blocks[:full]])

    def __len__(self) -> int:
        return self._parts.size

    @overload
    def __getitem__(self, index: int) -> R: ...
    @overload
    def __getitem__(self, index: slice) -> list[R]: ...
    def __getitem__(self, index: int | slice) -> R | list[R]:
        parts = self._parts
        numbers = range(parts.size)[index]
        if isinstance(numbers, int):
            return next(self._between(parts, numbers, numbers + 1))[0]
        if not numbers:
            return []
        low, high = sorted((numbers[0], numbers[-1]))
        rows = [row for part in self._between(parts, low, high + 1) for row in part]
        return rows[:: numbers.step]

    def __iter__(self) -> Iterator[R]:
        """Yield the rows that exist at the beginning."""
        parts = self._parts
        for rows in self._between(parts, 0, parts.size):
            yield from rows

    def parts(self, first: int = 0) -> Iterator[Block[R] | list[R]]:
        """Yield the rows that exist at the beginning, from number `first` on: blocks, then the rows behind them.

        `first` is the beginning of a block, or of the rows behind them.
        """
        blocks, full, sealed, rows = self._parts
        late = rows[:]
        if first < sealed:
            yield from blocks[_place(blocks, first, full) : full]
        yield late

    def _between(self, parts: _ReadView[R], low: int, high: int) -> Iterator[list[R]]:
        """Yield the rows from number `low` up to `high`, block by block."""
        blocks, full, sealed, rows = parts
        if low < sealed:
            for place in range(_place(blocks, low, full), full):
                block = blocks[place]
                if block.first >= high:
                    return
                yield self._rows(block)[max(0, low - block.first) : high - block.first]
        if high > sealed:
            yield rows[max(0, low - sealed) : high - sealed]

    def _rows(self, block: Block[R]) -> list[R]:
        known, rows = self._read
        if known is not block:
            rows = block.rows()
            self._read = (block, rows)
        return rows


def _weight(text: str) -> int:
    """Return the weight of a text in its block: beyond ASCII its characters take some two bytes each."""
    length = len(text)
    if length >= LONG:
        return 0
    return length if text.isascii() else 2 * length


def _place(blocks: list[Block[Any]], number: int, full: int) -> int:
    """Return the index of the block, among the first `full`, that holds this row."""
    return bisect_right(blocks, number, hi=full, key=_first) - 1
