"""`check`: the events of a recording, or of a server as long as its run lasts, in the order in which they came."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Unpack

from runconsole.api.run import engine_of
from runconsole.checking.checker import Checker
from runconsole.checking.findings import CheckReport
from runconsole.console import Console
from runconsole.errors import InvalidArgument, RunInterrupted
from runconsole.events import Received
from runconsole.log import EventLog
from runconsole.options import ConsoleOptions
from runconsole.recording import Entry, Header, home_path, scan_whole
from runconsole.replay.playback import Playback
from runconsole.replay.slices import lines_of
from runconsole.replay.wires import wire_for
from runconsole.state import Effect, RunState
from runconsole.store import Runs, RunWriter

__all__ = ["check"]

_MOST_DEPTH = 8


def check(source: str | os.PathLike[str], **options: Unpack[ConsoleOptions]) -> CheckReport:
    """Compare the events of a run with the promises of its event family; return what was found.

    Args:
        source: the path of a recording; or an address, which is followed until its run has ended.
        options: of an address, as of `Console`: `token`, `execution`, `subscribe` and the others.

    Raises:
        ConsoleFailed: the address cannot be followed.
        RecordingError: the recording cannot be read.
        InvalidArgument: an option cannot be used.
    """
    if is_recording(source):
        if options:
            raise InvalidArgument(f"expected no options beside a recording, got {', '.join(options)}")
        return _of_file(Path(source), os.fspath(source), whole=True)
    with tempfile.TemporaryDirectory(prefix="runconsole-check-") as directory:
        file = Path(directory) / "run.jsonl"
        given: dict[str, Any] = {**options, "record": file}
        with Console(source, **given) as console:
            shown, whole = engine_of(console).options.address, True
            try:
                console.wait()
            except RunInterrupted:
                whole = False
        return _of_file(file, shown, whole=whole)


def is_recording(source: object) -> bool:
    """Return whether a source is a file; anything with ``://`` is an address."""
    text = source if isinstance(source, str) else ""
    return isinstance(source, os.PathLike) or ("://" not in text and Path(text).expanduser().exists())


def _of_file(path: Path, shown: str, *, whole: bool) -> CheckReport:
    path = home_path(path)
    checker = Checker()
    tap = _Tap(checker)
    reading = Playback(tap, wire_for)
    for line in lines_of(path, scan_whole(path)):
        _take(reading, tap, line)
    return checker.report(shown, whole=whole)


def _take(reading: Playback, tap: _Tap, line: Header | Entry | None) -> None:
    """Read one line; the tap hands its events to the checker."""
    is_frame = isinstance(line, Entry) and line.direction == "in"
    tap.begin_line(line.frame if isinstance(line, Entry) and is_frame else None)
    reading.apply(line)
    if isinstance(line, Entry) and line.wire is not None:
        tap.checker.connected()
    tap.end_line()


class _Tap(RunWriter):
    """A writer that hands events to a checker, with their times as the server wrote them."""

    def __init__(self, checker: Checker) -> None:
        super().__init__(Runs(RunState(), EventLog()))
        self.checker = checker
        self._stamps: list[Any] = []
        self._events: list[tuple[Received, bool]] = []

    def begin_line(self, frame: str | None) -> None:
        """Begin with a line of the recording, and the frame in it."""
        self._stamps = [] if frame is None else list(_stamps(frame))
        self._events = []

    def take_recorded(self, event: Received, *, taken: bool, run: int | None = None) -> tuple[Effect, ...]:  # noqa: ARG002
        """Note an event, and whether it was new."""
        self._events.append((event, taken))
        return ()

    def apply_recorded(self, fact: Any) -> tuple[Effect, ...]:  # noqa: ARG002 - of the console, not of the server
        """Leave out a fact of the console."""
        return ()

    def end_line(self) -> None:
        """Hand over the line's events."""
        has_own = len(self._stamps) == len(self._events)
        for place, (event, taken) in enumerate(self._events):
            stamp = self._stamps[place] if has_own else _written(event)
            if taken:
                self.checker.take(event, stamp)
            else:
                self.checker.repeated(event)


def _written(event: Received) -> str | None:
    """Return a time that stands for one whose text is not known: whether there is one at all."""
    return None if event.timestamp is None else "1970-01-01T00:00:00Z"


def _stamps(frame: str) -> Iterator[Any]:
    """Yield the time of each event in a frame, as it is written: None for an event without one."""
    try:
        yield from _in(json.loads(frame), 0)
    except (ValueError, RecursionError):
        return


def _in(value: Any, depth: int) -> Iterator[Any]:
    if depth > _MOST_DEPTH:
        return
    match value:
        case ["event", [str(), dict(data), *_]]:  # Socket.IO
            yield data.get("timestamp")
        case list():
            for item in value:
                yield from _in(item, depth + 1)
        case {"result": {"data": inner}}:  # tRPC
            yield from _in(inner, depth + 1)
        case {"type": str(), **rest} if rest.keys() & {"data", "payload", "timestamp"}:
            inner = rest.get("data")
            yield rest.get("timestamp", inner.get("timestamp") if isinstance(inner, dict) else None)
        case {"json": inner} | {"data": inner}:
            yield from _in(inner, depth + 1)
