"""The screen of one task's stream: text and control sequences to lines, as a terminal would show them."""

from __future__ import annotations

import re
from typing import NamedTuple

from runconsole.events import Micros
from runconsole.state import Scrollback
from runconsole.view.ansi_cells import PLAIN, Pen, ScreenRow, restyled, sequence

__all__ = ["OutputLine", "Screen"]

_HEIGHT = 50
"""Lines that the cursor can reach: those above have scrolled away."""
_WIDTH = 500
"""The largest column that the cursor can be sent to in unwritten space."""
_MOST_STYLES = 16
_LONGEST_SEQUENCE = 256
_DIGITS, _FAR = 5, 100_000
_TOKEN = re.compile(
    r"(?P<text>[^\x00-\x08\x0a-\x1f\x7f-\x9f]+)|(?P<newline>[\n\x85])|(?P<down>[\x0b\x0c])|(?P<home>\r+)|(?P<back>\x08+)"
    r"|(?P<control>(?:\x1b\[|\x9b)(?P<codes>[0-?]*)[ -/]*(?P<final>[@-~])?)"
    r"|(?P<string>\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])|(?P<escape>\x1b[ -/]*(?P<kind>[0-~])?)|.",
    re.DOTALL,
)
"""Text with tabs, line breaks, control sequences (CSI, ECMA-48 5.4), beginnings of strings (OSC, DCS, ...), escapes."""
_STRING_END = re.compile(r"[\x07\x1b\x9c\r\n]")
_CODES = re.compile(r"[0-9;:]*")
_OTHER_SCREEN = re.compile(r"\?(?:47|1047|1049)")
"""The private mode of the alternate screen, on which editors and pagers draw."""
_VERTICAL = {"A": -1, "F": -1, "B": 1, "E": 1}
_SIDEWAYS = {"C": 1, "a": 1, "D": -1}


class OutputLine(NamedTuple):
    """One line: its task, its stream, its text with colors as SGR sequences, the time of its last write."""

    task_id: str | None
    stream: str
    text: str
    at: Micros


class Screen:
    """The screen of one task's stream. Its lines are numbered in `lines`, which several screens share."""

    __slots__ = (
        *("_at", "_column", "_gone", "_is_string", "_lines", "_now", "_numbers", "_owner", "_pen", "_rows", "_saved"),
        *("_floor", "_main", "_styles", "_unfinished"),
    )

    def __init__(self, lines: Scrollback[OutputLine], task_id: str | None, stream: str) -> None:
        self._lines = lines
        self._owner = (task_id, stream)
        self._numbers: list[int] = []
        """The numbers of its last lines."""
        self._gone = 0
        """The number of lines before those."""
        self._rows: dict[int, ScreenRow] = {}
        """Lines that are being written, by number."""
        self._at = 0
        """The line of the cursor: an index in `_numbers`, or past their end."""
        self._column = 0
        self._pen: Pen = PLAIN
        self._styles: list[str] = []
        """The sequences that set the pen since the last text."""
        self._saved = (0, 0)
        self._floor = 0
        """The first line of the alternate screen while that is shown, as an index in `_numbers`."""
        self._main: tuple[int, int] | None = None
        """The cursor's line and column on the main screen, while the alternate one is shown."""
        self._unfinished = ""
        """The beginning of a sequence at a chunk's end, until the next chunk has the rest."""
        self._is_string = False
        """True if the chunk ended within a string that no terminal shows (OSC, DCS, ...)."""
        self._now: Micros = 0

    @property
    def is_between_lines(self) -> bool:
        """True if the next text begins a line, and no earlier text can change it."""
        at_end = self._at == len(self._numbers) and self._column == 0
        return at_end and not (self._styles or self._unfinished or self._is_string)

    def put_line(self, text: str, now: Micros) -> None:
        """Write a whole line between lines, without control sequences for the cursor."""
        self._numbers.append(len(self._lines))
        self._lines.append(OutputLine(*self._owner, text, now))
        self._at += 1
        self._scroll()

    def write(self, text: str, now: Micros) -> None:
        """Write a chunk."""
        self._now = now
        text, self._unfinished = self._unfinished + text, ""
        at = self._skip_string(text, 0) if self._is_string else 0
        while at < len(text):
            token: re.Match[str] = _TOKEN.match(text, at)  # type: ignore[assignment]  # anything matches
            at = token.end()
            if token.lastgroup == "text":
                self._column = self._row().write(self._column, token[0], self._pen, self._styles)
                self._styles = []
            elif token.lastgroup == "newline":
                self._newline()
            elif token.lastgroup == "down":
                column = self._column
                self._newline()
                self._column = column
            elif token.lastgroup == "home":
                self._column = 0
            elif token.lastgroup == "back":
                self._column = max(0, self._column - len(token[0]))
            elif token.lastgroup == "string":
                at = self._skip_string(text, at)
            elif token.lastgroup is not None:
                self._sequence(token, is_last=at == len(text))

    def replace_lines(self) -> None:
        """Replace the lines that were written to."""
        current = self._numbers[self._at] if self._at < len(self._numbers) else None
        for row in self._rows.values():
            self._replace(row)
        self._rows = {number: row for number, row in self._rows.items() if number == current}

    def _replace(self, row: ScreenRow) -> None:
        if row.changed_at is not None:
            self._lines.amend(row.number, OutputLine(*self._owner, row.text(), row.changed_at))
            row.changed_at = None

    # ---- lines --------------------------------------------------------------------------------------------------

    def _row(self) -> ScreenRow:
        """Return the cursor's line for writing."""
        while self._at >= len(self._numbers):
            number = len(self._lines)
            self._lines.append(OutputLine(*self._owner, "", self._now))
            self._numbers.append(number)
            self._rows[number] = ScreenRow(number)
        number = self._numbers[self._at]
        row = self._rows[number] = self._row_of(number)
        row.changed_at = self._now
        return row

    def _row_of(self, number: int) -> ScreenRow:
        return self._rows.get(number) or ScreenRow(number, self._lines[number].text)

    def _newline(self) -> None:
        if self._at >= len(self._numbers):
            self._row()
        row = self._rows.get(self._numbers[self._at])
        if row is not None and self._styles:
            row.end(self._styles, self._pen)
            row.changed_at = self._now
        self._styles, self._pen = [], PLAIN  # a style ends with its line
        self._at += 1
        self._column = 0
        self._scroll()

    def _scroll(self) -> None:
        """Forget lines that the cursor cannot reach any more."""
        gone = len(self._numbers) - _HEIGHT
        if gone < _HEIGHT:
            return
        if self._rows:
            for number in self._numbers[:gone]:
                row = self._rows.pop(number, None)
                if row is not None:
                    self._replace(row)
        del self._numbers[:gone]
        self._gone += gone
        self._at = max(0, self._at - gone)
        self._floor = max(0, self._floor - gone)

    @property
    def _top(self) -> int:
        return max(self._floor, len(self._numbers) - _HEIGHT)

    def _go(self, line: int) -> None:
        self._at = max(self._top, min(line, max(self._top + _HEIGHT - 1, len(self._numbers))))

    def _go_to_column(self, column: int) -> None:
        width = self._row().width if self._at < len(self._numbers) and column > _WIDTH else 0
        self._column = max(0, min(column, max(_WIDTH, width)))

    # ---- sequences ----------------------------------------------------------------------------------------------

    def _sequence(self, token: re.Match[str], *, is_last: bool) -> None:
        final = token["final"] or token["kind"]
        if not final:
            self._unfinished = token[0][:_LONGEST_SEQUENCE] if is_last else ""
        elif token.lastgroup == "escape":
            self._escape(final)
        elif _CODES.fullmatch(token["codes"]):  # else a private one: modes, cursors
            if final == "m":
                self._style(token["codes"])
            else:
                self._control(token["codes"], final)
        elif final in "hl" and _OTHER_SCREEN.fullmatch(token["codes"]):
            self._show_other_screen(on=final == "h")

    def _control(self, codes: str, final: str) -> None:
        first, _, second = codes.partition(";")
        count = max(1, _number(first, 1))
        if final in _VERTICAL:
            self._go(self._at + _VERTICAL[final] * count)
            self._column = 0 if final in "EF" else self._column
        elif final in _SIDEWAYS:
            self._go_to_column(self._column + _SIDEWAYS[final] * count)
        elif final in "G`":
            self._go_to_column(count - 1)
        elif final in "Hfd":
            self._go(self._top + count - 1)
            if final != "d":
                self._go_to_column(max(1, _number(second, 1)) - 1)
        elif final == "J":
            self._erase_lines(_number(first, 0))
        elif final in "su":
            self._escape("7" if final == "s" else "8")
        elif final in "LM":
            self._shift_lines(count if final == "L" else -count)
        elif self._at < len(self._numbers):
            self._edit(final, _number(first, 0), count)

    def _edit(self, final: str, mode: int, count: int) -> None:
        """Erase or shift a part of the cursor's line."""
        match final:
            case "K" if mode == 0:
                self._row().erase(self._column)
            case "K" if mode == 1:
                self._row().erase(0, self._column + 1)
            case "K" if mode == 2:
                self._row().erase(0)
            case "X":
                self._row().erase(self._column, self._column + count)
            case "P":
                self._row().shift(self._column, -count)
            case "@":
                self._row().shift(self._column, count)

    def _erase_lines(self, mode: int) -> None:
        if mode > 2:
            return
        if mode == 2:
            lines = self._numbers[self._top :]
        else:
            lines = self._numbers[self._at + 1 :] if mode == 0 else self._numbers[self._top : self._at]
            if self._at < len(self._numbers):
                self._edit("K", mode, 1)
        for number in lines:
            row = self._rows[number] = ScreenRow(number)
            row.changed_at = self._now

    def _shift_lines(self, count: int) -> None:
        """Insert `count` blank lines at the cursor's line, or (below zero) remove lines; those below move."""
        numbers = self._numbers[self._at :]
        if not numbers:
            return
        count = max(-len(numbers), min(count, _HEIGHT))
        rows = [self._row_of(number) for number in numbers[max(0, -count) :]]
        blank = [ScreenRow(0) for _ in range(abs(count))]
        rows = blank + rows if count > 0 else rows + blank
        room = max(len(numbers), self._top + _HEIGHT - self._at)
        while len(numbers) < min(len(rows), room):
            number = len(self._lines)
            self._lines.append(OutputLine(*self._owner, "", self._now))
            self._numbers.append(number)
            numbers.append(number)
        for number, row in zip(numbers, rows, strict=False):
            row.number, row.changed_at = number, self._now
            self._rows[number] = row
        self._column = 0

    def _show_other_screen(self, *, on: bool) -> None:
        """Begin an alternate screen below the lines of the main one, or end it: no line of it stays."""
        if on and self._main is None:
            self._main = (self._gone + self._at, self._column)
            self._at = self._floor = min(len(self._numbers), self._at + (self._column > 0))
            self._column = 0
        elif not on and self._main is not None:
            self._at = self._floor
            self._erase_lines(2)
            self._floor = 0
            line, self._column = self._main
            self._main = None
            self._go(line - self._gone)

    def _escape(self, kind: str) -> None:
        match kind:
            case "7":
                self._saved = (self._gone + self._at, self._column)
            case "8":
                line, column = self._saved
                self._go(line - self._gone)
                self._go_to_column(column)
            case "M":
                self._go(self._at - 1)
            case "D":
                self._go(self._at + 1)
            case "E":
                self._newline()
            case "c":
                self._erase_lines(2)
                self._go(self._top)
                self._column, self._styles, self._pen = 0, [], PLAIN

    def _style(self, codes: str) -> None:
        self._pen = restyled(self._pen, codes[:_LONGEST_SEQUENCE])
        if len(self._styles) < _MOST_STYLES and len(codes) < _LONGEST_SEQUENCE:
            self._styles.append(f"\x1b[{codes}m")
        else:
            self._styles = [sequence(self._pen, reset=True)]

    def _skip_string(self, text: str, at: int) -> int:
        """Return the end of the string that continues at `at`; the end of a line ends it, too."""
        end = _STRING_END.search(text, at)
        self._is_string = end is None
        if end is None:
            return len(text)
        if end[0] in "\r\n":
            return end.start()
        if end[0] != "\x1b":
            return end.end()
        if end.end() == len(text):
            self._is_string, self._unfinished = True, "\x1b"
            return len(text)
        return end.end() + 1 if text[end.end()] == "\\" else end.start()


def _number(digits: str, default: int) -> int:
    if len(digits) > _DIGITS:
        return _FAR
    return int(digits) if digits.isdecimal() else default
