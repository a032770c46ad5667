"""A recording folded into moments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from runconsole.errors import RecordingError
from runconsole.events import DESCRIBED, Received
from runconsole.log import EventLog
from runconsole.onefile.moments import FileMoments
from runconsole.recording import Entry, Scan, scan
from runconsole.replay.marks import ReplayMarks
from runconsole.replay.playback import Playback
from runconsole.replay.slices import lines_of
from runconsole.replay.wires import wire_for
from runconsole.state import RunState
from runconsole.store import Runs, RunStore, RunWriter
from runconsole.view.contract import Described
from runconsole.view.screen import title_of

__all__ = ["Played"]

_MOMENTS = 200
"""Positions of the scrubber: a run is shown as of each of them."""


class Played:
    """A recording's newest run, from its beginning to its end.

    Args:
        path: the recording.
        about: the run's description by its console: title, budgets and limits; None of those is the recording's own.
        described: the fields of the picture's head that are the console's: address, protocol, and the link at the end.

    Raises RecordingError where it cannot be read.
    """

    def __init__(self, path: Path, about: dict[str, Any], described: Described) -> None:
        self._scan = self._scanned(path)
        header = self._scan.header
        self._described: Described = {**described, "url": header.url} if header is not None else described
        names = ("task", *DESCRIBED)
        known = {name: getattr(self._scan.header, name, None) for name in names}
        known |= {name: value for name, value in about.items() if value is not None}
        self._playback = Playback(RunWriter(Runs(RunState(**known), EventLog(), EventLog)), wire_for)
        self._is_over = False
        self._position = 0.0
        self.marks = ReplayMarks()
        """At the moments that show them first."""
        self.moments = self._begun()
        self._play(path)

    @property
    def duration_s(self) -> float:
        """Seconds from the first line to the last."""
        return self._scan.duration_s

    @property
    def store(self) -> RunStore:
        """The newest run, at its end."""
        return self._playback.writer.runs.newest

    @staticmethod
    def _scanned(path: Path) -> Scan:
        found = Scan()
        try:
            for found in scan(path):  # noqa: B007 - the last one counts
                pass
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise RecordingError(f"cannot read the recording {str(path)!r} ({reason})") from None
        return found

    def _begun(self) -> FileMoments:
        """Return the moments of the newest run, without any."""
        return FileMoments(self.store.state, self._read, self._describe)

    def _play(self, path: Path) -> None:
        step = max(self.duration_s / _MOMENTS, 1e-3)
        due = 0.0
        for line in lines_of(path, self._scan):
            at = self._place(line)
            if at > due and not self.moments.is_full:
                self._add()
                due = at + step
            self._playback.apply(line)
            self._position = max(self._position, at)
            if self.moments.state is not self.store.state:
                self.moments, due = self._begun(), at
        self._is_over = True
        self._position = self.duration_s
        self._add()

    def _add(self) -> None:
        began = self._scan.began or 0
        self.moments.add(self._position, began + round(self._position * 1e6))
        self.marks.note(self._position, self.duration_s, self.store.state)

    def _place(self, line: Any) -> float:
        """Return the position of a line; one without a time stands where the one before it does."""
        if not isinstance(line, Entry) or self._scan.began is None:
            return self._position
        return (line.at - self._scan.began) / 1e6

    def _read(self, first: int, count: int) -> list[tuple[int, Received]]:
        return self.store.log.read(first, count)

    def _describe(self) -> Described:
        state, log = self.store.state, self.store.log
        link = self._described["link"] if self._is_over else state.links[-1].state if state.links else "connecting"
        return {
            **self._described,
            "title": title_of(state),
            "link": link,
            "events": len(log),
            "malformed": log.malformed,
            "unknown": log.unknown,
            "commands": [],
            "replay": None,
        }
