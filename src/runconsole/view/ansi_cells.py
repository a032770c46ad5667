"""One line of a terminal: characters in columns, each with its style."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from runconsole.events import Micros

__all__ = ["LONGEST", "PLAIN", "Pen", "ScreenRow", "restyled", "sequence"]

LONGEST = 100_000
"""Columns of a line that are kept: the last ones."""
_SLACK = 20_000
"""Columns that are dropped at once, so that a line without end costs the same for each piece."""
_EDITED = 2_000
"""Longer lines are not edited in their middle: it would cost their length each time."""
_STYLED = 2_000
"""Columns that are shown of a line whose styles make it too long."""
_JOINED = 16
"""The most characters in a column: a letter and its combining marks."""
_TAB = 8

Pen = tuple[tuple[int, str], ...]
"""A style: for each of its slots the parameters of the sequence (SGR) that set it."""
PLAIN: Pen = ()
_PIECE = re.compile(r"\x1b\[([0-9;:]*)m|(\t)|([^\x1b\t]+)")


class ScreenRow:
    """A line that is being written. Appended text is kept unparsed until the cursor goes back."""

    __slots__ = ("_cells", "_dropped", "_pens", "_raw", "changed_at", "end_pen", "number", "width")

    def __init__(self, number: int, text: str = "") -> None:
        self.number = number
        self.changed_at: Micros | None = None
        """The time of the last write, if it is not shown yet."""
        self.width = 0
        self.end_pen = PLAIN
        self._dropped = False
        self._raw: list[str] | None = []
        self._cells: list[str] = []
        self._pens: list[Pen] = []
        if text:
            self._raw = [text]
            for codes, tab, piece in _PIECE.findall(text):
                if tab or piece:
                    self.width = _end_of(tab or piece, self.width)
                else:
                    self.end_pen = restyled(self.end_pen, codes)

    def write(self, column: int, text: str, pen: Pen, styles: list[str]) -> int:
        """Write text from a column on; return the column after it. `styles`: the sequences that made the pen."""
        if self._raw is not None and column == self.width < LONGEST:
            self._raw += styles
            self._raw.append(text)
            self.end_pen = pen
            self.width = _end_of(text, column)
            return self.width
        is_end = column == self.width
        self._make_columns()
        column = self.width if is_end else column
        for piece in re.split(r"(\t)", text) if "\t" in text else (text,):
            if piece == "\t":
                column = self._tab(column, pen)
            elif piece:
                column = self._put(column, piece, pen)
        self.end_pen = pen
        return column

    def end(self, styles: list[str], pen: Pen) -> None:
        """Add the sequences behind the last text."""
        if self._raw is not None and styles:
            self._raw += styles
            self.end_pen = pen

    def erase(self, first: int, last: int | None = None) -> None:
        """Blank the columns from the first to the last; None: to the end of the line."""
        if last is None and first == 0:
            self._raw, self._cells, self._pens, self.width, self.end_pen = [], [], [], 0, PLAIN
            return
        if first >= self.width or (last is not None and self.width > _EDITED):
            return
        self._make_columns()
        self._split(first)
        if last is None:
            del self._cells[first:], self._pens[first:]
        else:
            last = min(last, self.width)
            self._split(last)
            self._cells[first:last] = " " * (last - first)
            self._pens[first:last] = [PLAIN] * (last - first)
        self.width = len(self._cells)

    def shift(self, column: int, count: int) -> None:
        """Insert `count` blanks at a column, or (below zero) remove columns."""
        if column >= self.width or self.width > _EDITED:
            return
        self._make_columns()
        self._split(column)
        if count > 0:
            count = min(count, _EDITED)
            self._cells[column:column] = " " * count
            self._pens[column:column] = [PLAIN] * count
        else:
            self._split(min(column - count, self.width))
            del self._cells[column : column - count], self._pens[column : column - count]
        self.width = len(self._cells)

    def text(self) -> str:
        """Return the line: text with SGR sequences; of a very long one the end, behind an ellipsis."""
        if self._raw is not None:
            text = "".join(self._raw) if self.width else ""
            self._raw = [text] if text else self._raw
            if len(text) <= LONGEST:
                return text
            self._make_columns()
        shown = "".join(self._cells)
        if any(self._pens):
            shown = self._styled(0)
            if len(shown) > LONGEST:
                return f"…{self._styled(-_STYLED)}"
        return f"…{shown[1 - LONGEST :]}" if self._dropped or len(shown) > LONGEST else shown

    def _styled(self, first: int) -> str:
        parts, pen = [], PLAIN
        for cell, own in zip(self._cells[first:], self._pens[first:], strict=True):
            if own != pen:
                parts.append(sequence(own, reset=pen != PLAIN))
                pen = own
            parts.append(cell)
        return "".join(parts)

    def _make_columns(self) -> None:
        if self._raw is None:
            return
        raw, self._raw = "".join(self._raw), None
        column, pen, self.width = 0, PLAIN, 0
        for codes, tab, piece in _PIECE.findall(raw):
            if tab:
                column = self._tab(column, pen)
            elif piece:
                column = self._put(column, piece, pen)
            else:
                pen = restyled(pen, codes)

    def _put(self, column: int, text: str, pen: Pen) -> int:
        cells = list(text) if text.isascii() else self._columns(text, column)
        end = column + len(cells)
        if column > self.width:
            self._cells += " " * (column - self.width)
            self._pens += [PLAIN] * (column - self.width)
        elif column < self.width:
            self._split(column)
            self._split(min(end, self.width))
        self._cells[column:end] = cells
        self._pens[column:end] = [pen] * len(cells)
        self.width = len(self._cells)
        return self._drop(end)

    def _tab(self, column: int, pen: Pen) -> int:
        stop = column - column % _TAB + _TAB
        if column < self.width:
            return min(stop, max(column, self.width))
        return self._append(column, ["\t", *[""] * (stop - column - 1)], pen)

    def _append(self, column: int, cells: list[str], pen: Pen) -> int:
        blank = column - self.width
        self._cells += [" "] * blank + cells
        self._pens += [PLAIN] * blank + [pen] * len(cells)
        self.width = len(self._cells)
        return self._drop(self.width)

    def _columns(self, text: str, column: int) -> list[str]:
        """Return a column for each character, two for a wide one; combining marks go to the one before."""
        cells: list[str] = []
        before = self._cells if column <= self.width else []
        for character in text:
            columns = _columns_of(character)
            if columns:
                cells += [character, ""][:columns]
                continue
            to = cells or before
            at = (len(cells) if cells else column) - 1 if to else -1
            if at > 0 and to[at] == "":
                at -= 1
            if at >= 0 and 0 < len(to[at]) < _JOINED:
                to[at] += character
            else:
                cells.append(character)
        return cells

    def _split(self, column: int) -> None:
        """Blank a wide character or a tab that crosses a column's left edge."""
        if column >= self.width or self._cells[column] != "":
            return
        first = last = column
        while first > 0 and self._cells[first] == "":
            first -= 1
        while last < self.width and self._cells[last] == "":
            last += 1
        self._cells[first:last] = " " * (last - first)

    def _drop(self, column: int) -> int:
        """Drop columns from the start of a line that is too long."""
        surplus = self.width - LONGEST
        if surplus < _SLACK:
            return column
        del self._cells[:surplus], self._pens[:surplus]
        self.width, self._dropped = LONGEST, True
        return max(0, column - surplus)


def _end_of(text: str, column: int) -> int:
    """Return the column after a text that is written from a column on."""
    *parts, last = text.split("\t")
    for part in parts:
        column += _width(part)
        column += _TAB - column % _TAB
    return column + _width(last)


def _width(text: str) -> int:
    return len(text) if text.isascii() else sum(map(_columns_of, text))


def _columns_of(character: str) -> int:
    """Return the number of columns of a character: 0 for a combining mark, 2 for a wide one."""
    if character < "\u0300":
        return 1
    if unicodedata.category(character)[0] in "MC":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


@lru_cache(1024)
def restyled(pen: Pen, codes: str) -> Pen:
    """Return the pen after a sequence with these codes (ECMA-48, 8.3.117)."""
    slots, parts = dict(pen), codes.split(";")
    while parts:
        code = parts.pop(0)
        head = code.partition(":")[0]
        number = int(head or 0) if len(head) < 4 else -1
        if number == 0:
            slots.clear()
        elif number in {38, 48, 58}:
            if ":" not in code:
                count = {"5": 2, "2": 4}.get(parts[0] if parts else "", 0)
                code = ";".join([code, *parts[:count]])
                del parts[:count]
            slots[number] = code
        elif (
            number < 108 and number % 60 // 10 in {3, 4} and number % 10 < 8
        ):  # 30 to 37, 90 to 97, 40 to 47, 100 to 107
            slots[number % 60 // 10 * 10 + 8] = code
        elif number in {39, 49, 59}:
            slots.pop(number - 1, None)
        elif number in range(1, 10):
            slots[number] = code
        elif number in range(21, 30):
            for ended in {22: (1, 2), 25: (5, 6)}.get(number, (number - 20,)):
                slots.pop(ended, None)
    return tuple(slots.items())


@lru_cache(1024)
def sequence(pen: Pen, *, reset: bool) -> str:
    """Return the sequence that sets a pen; `reset`: with a reset of the pen before it."""
    codes = ["0"] if reset else []
    return f"\x1b[{';'.join(codes + [code for _, code in pen])}m"
