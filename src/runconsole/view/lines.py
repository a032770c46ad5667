"""Chunks of output to lines: what a terminal would have left on the screen."""

from __future__ import annotations

import re
from typing import NamedTuple

from runconsole.events import Micros
from runconsole.state import OutputChunk

__all__ = ["Line", "OutputLines"]

_LONGEST = 100_000
_LONGEST_SEQUENCE = 1_000
# Escape sequences: strings (OSC, DCS, ...) up to their end or the line's, control sequences, all others; also broken.
_SEQUENCE = re.compile(
    r"\x1b[\]PX^_][^\x07\x1b\r\n]*(?:\x07|\x1b\\)?|\x1b\[[0-?]*[ -/]*[@-~]?|\x1b[ -/]*[0-~]?",
)
_COLOR = re.compile(r"\x1b\[[0-9;:]*m")
_UNFINISHED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b\r\n]*\x1b?|[ -/]*)\Z")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]")
_BREAKS = re.compile(r"(\r\n|\n|\r)")


class Line(NamedTuple):
    """One line: whose, which stream, its text with colors as SGR sequences, when it was last written to."""

    task_id: str | None
    stream: str
    text: str
    at: Micros


class OutputLines:
    """Assembles chunks into lines, one open line for each task and stream.

    A carriage return begins the line anew, as progress bars do. Line numbers never change; an open line is replaced
    by a new `Line` when it is written to.
    """

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._open: dict[tuple[str | None, str], tuple[int, bool]] = {}
        self._unfinished: dict[tuple[str | None, str], str] = {}
        """The beginning of an escape sequence at a chunk's end, until the next chunk has the rest."""
        self._consumed = 0

    def feed(self, chunks: list[OutputChunk]) -> None:
        """Take in what was added to `chunks` since the last time."""
        end = len(chunks)
        for chunk in chunks[self._consumed : end]:
            self._write(chunk)
        self._consumed = end

    def _write(self, chunk: OutputChunk) -> None:
        key = (chunk.task_id, chunk.stream)
        text = self._unfinished.pop(key, "") + chunk.text
        cut = _UNFINISHED.search(text, max(0, len(text) - _LONGEST_SEQUENCE))
        if cut is not None:
            self._unfinished[key] = cut.group()
            text = text[: cut.start()]
        text = _CONTROLS.sub("", _SEQUENCE.sub(_only_color, text))
        for part in _BREAKS.split(text):
            number, returned = self._open.get(key, (None, False))
            if part in {"\n", "\r\n"}:
                if number is None:
                    self._add(chunk, "")
                self._open.pop(key, None)
            elif part == "\r":
                if number is not None:
                    self._open[key] = (number, True)
            elif part:
                if number is None:
                    self._open[key] = (self._add(chunk, part[:_LONGEST]), False)
                else:
                    before = "" if returned else self.lines[number].text
                    self.lines[number] = Line(chunk.task_id, chunk.stream, (before + part)[:_LONGEST], chunk.at)
                    self._open[key] = (number, False)

    def _add(self, chunk: OutputChunk, text: str) -> int:
        number = len(self.lines)
        self.lines.append(Line(chunk.task_id, chunk.stream, text, chunk.at))
        return number


def _only_color(sequence: re.Match[str]) -> str:
    """Return a sequence that sets colors or weights (SGR); nothing for any other."""
    return sequence.group() if _COLOR.fullmatch(sequence.group()) else ""
