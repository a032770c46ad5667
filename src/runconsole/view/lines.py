"""Chunks of output to lines: what a terminal would have left on the screen."""

from __future__ import annotations

import re
from typing import NamedTuple

from runconsole.events import Micros
from runconsole.state import OutputChunk

__all__ = ["Line", "OutputLines"]

_LONGEST = 100_000
# Escape sequences but SGR (colors): other CSI, OSC up to its end, charset choices, lone escapes.
_OTHER_SEQUENCES = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\|$)|\x1b\[[0-?]*[ -/]*[@-ln-~]|\x1b[()][0-9A-Za-z]|\x1b(?!\[)[ -/]*[0-~]?"
)
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
        self._consumed = 0

    def feed(self, chunks: list[OutputChunk]) -> None:
        """Take in what was added to `chunks` since the last time."""
        end = len(chunks)
        for chunk in chunks[self._consumed : end]:
            self._write(chunk)
        self._consumed = end

    def _write(self, chunk: OutputChunk) -> None:
        key = (chunk.task_id, chunk.stream)
        text = _CONTROLS.sub("", _OTHER_SEQUENCES.sub("", chunk.text))
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
