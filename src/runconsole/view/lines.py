"""Chunks of output to lines: what a terminal would have left on the screen."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from runconsole.events import Micros
from runconsole.state import OutputChunk, Scrollback

__all__ = ["Line", "OutputLines"]

_LONGEST = 100_000
_LONGEST_SEQUENCE = 1_000
_STEP = 1024
"""Chunks that are looked at together."""
# Escape sequences: strings (OSC, DCS, ...) up to their end or the line's, control sequences, all others; also broken.
_SEQUENCE = re.compile(
    r"\x1b[\]PX^_][^\x07\x1b\r\n]*(?:\x07|\x1b\\)?|\x1b\[[0-?]*[ -/]*[@-~]?|\x1b[ -/]*[0-~]?",
)
_COLOR = re.compile(r"\x1b\[[0-9;:]*m")
_UNFINISHED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b\r\n]*\x1b?|[ -/]*)\Z")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]")
_BREAKS = re.compile(r"(\r\n|\n|\r)")
_LINE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f-\x9f]+\n")


class Line(NamedTuple):
    """One line: whose, which stream, its text with colors as SGR sequences, when it was last written to."""

    task_id: str | None
    stream: str
    text: str
    at: Micros


class _Open(NamedTuple):
    """A line that may still be written to."""

    number: int
    line: Line
    returned: bool
    """Whether it begins anew."""


class OutputLines:
    """Assembles chunks into lines, one open line for each task and stream.

    A carriage return begins the line anew, as progress bars do. Line numbers never change; an open line is replaced
    by a new `Line` when it is written to.
    """

    def __init__(self) -> None:
        self.lines = Scrollback(Line)
        self._open: dict[tuple[str | None, str], _Open] = {}
        self._unfinished: dict[tuple[str | None, str], str] = {}
        """The beginning of an escape sequence at a chunk's end, until the next chunk has the rest."""
        self._consumed = 0

    def feed(self, chunks: Sequence[OutputChunk]) -> None:
        """Take in what was added to `chunks` since the last time."""
        end = len(chunks)
        for begin in range(self._consumed, end, _STEP):
            for chunk in chunks[begin : min(begin + _STEP, end)]:
                self._write(chunk)
        self._consumed = end

    def _write(self, chunk: OutputChunk) -> None:
        key = (chunk.task_id, chunk.stream)
        text = chunk.text
        # What most chunks are: a line, and nothing to steer by.
        if key not in self._open and key not in self._unfinished and _LINE.fullmatch(text):
            self._put(chunk, text[:-1][:_LONGEST], None)
            return
        text = self._unfinished.pop(key, "") + text
        cut = _UNFINISHED.search(text, max(0, len(text) - _LONGEST_SEQUENCE))
        if cut is not None:
            self._unfinished[key] = cut.group()
            text = text[: cut.start()]
        text = _CONTROLS.sub("", _SEQUENCE.sub(_only_color, text))
        for part in _BREAKS.split(text):
            known = self._open.get(key)
            if part in {"\n", "\r\n"}:
                if known is None:
                    self._put(chunk, "", None)
                self._open.pop(key, None)
            elif part == "\r":
                if known is not None:
                    self._open[key] = known._replace(returned=True)
            elif part:
                before = "" if known is None or known.returned else known.line.text
                self._open[key] = self._put(chunk, (before + part)[:_LONGEST], known)

    def _put(self, chunk: OutputChunk, text: str, known: _Open | None) -> _Open:
        """Write a line, a new one or one that is there."""
        line = Line(chunk.task_id, chunk.stream, text, chunk.at)
        number = len(self.lines) if known is None else known.number
        if known is None:
            self.lines.append(line)
        else:
            self.lines.amend(number, line)
        return _Open(number, line, returned=False)


def _only_color(sequence: re.Match[str]) -> str:
    """Return a sequence that sets colors or weights (SGR); nothing for any other."""
    return sequence.group() if _COLOR.fullmatch(sequence.group()) else ""
