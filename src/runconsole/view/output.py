"""Chunks of output to lines: the lines that a terminal would have left on the screen."""

from __future__ import annotations

import re
from collections.abc import Sequence

from runconsole.state import OutputChunk, Scrollback
from runconsole.view.ansi_cells import LONGEST
from runconsole.view.ansi_screen import OutputLine, Screen

__all__ = ["OutputLine", "OutputLines"]

_STEP = 1024
"""Chunks that are processed together."""
_SCREENS = 4096
"""The number of tasks and streams from which on screens between two lines are forgotten: nothing above is reachable
then."""
# Most chunks are complete lines without control sequences.
_LINE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f-\x9f]+\n")
_COLORED = re.compile(r"(?:\x1b\[[0-9;:]{0,40}+m)*+(?:[^\x00-\x08\x0a-\x1f\x7f-\x9f]++(?:\x1b\[[0-9;:]{0,40}+m)*+)++\n")
_LINES = re.compile(r"[^\x00-\x08\x0b-\x1f\x7f-\x9f]*\n")


class OutputLines:
    """Assembles chunks into lines as a terminal does: each task and stream has its own screen (`Screen`).

    Line numbers never change; a written line is replaced by a new `OutputLine`.
    """

    def __init__(self) -> None:
        self.lines = Scrollback(OutputLine)
        self.tasks: dict[str, None] = {}
        """The ids of the tasks with output, in order of their first."""
        self._screens: dict[tuple[str | None, str], Screen] = {}
        self._most = _SCREENS
        self.taken = 0
        """The number of chunks that were processed."""

    def feed(self, chunks: Sequence[OutputChunk], most: int | None = None) -> None:
        """Process the chunks that were added to `chunks` since the last call, at most so many."""
        end = len(chunks) if most is None else min(len(chunks), self.taken + most)
        written: dict[int, Screen] = {}
        for begin in range(self.taken, end, _STEP):
            for chunk in chunks[begin : min(begin + _STEP, end)]:
                screen = self._take(chunk)
                if screen is not None:
                    written[id(screen)] = screen
        self.taken = end
        for screen in written.values():
            screen.replace_lines()
        if len(self._screens) > self._most:
            self._screens = {key: screen for key, screen in self._screens.items() if not screen.is_between_lines}
            self._most = max(_SCREENS, 2 * len(self._screens))

    def _take(self, chunk: OutputChunk) -> Screen | None:
        """Write a chunk; return its screen if lines of it have to be replaced."""
        key, text = (chunk.task_id, chunk.stream), chunk.text
        screen = self._screens.get(key)
        if screen is None:
            screen = self._screens[key] = Screen(self.lines, *key)
            if chunk.task_id is not None:
                self.tasks[chunk.task_id] = None
        if screen.is_between_lines and len(text) < LONGEST:
            if _LINE.fullmatch(text) or _COLORED.fullmatch(text):
                screen.put_line(text[:-1], chunk.at)
                return None
            if _LINES.fullmatch(text):
                for line in text[:-1].split("\n"):
                    screen.put_line(line, chunk.at)
                return None
        screen.write(text, chunk.at)
        return screen
