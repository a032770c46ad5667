"""`check`: the events of a recording, or of a server as long as its run lasts, in the order in which they came."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Unpack

from runconsole.api.run import engine_of
from runconsole.checking.checker import Checker
from runconsole.checking.findings import CheckReport
from runconsole.console import Console
from runconsole.errors import ConsoleFailed, InvalidArgument, RunInterrupted
from runconsole.events import LinkChanged, Micros, Received
from runconsole.log import EventLog
from runconsole.options import ConsoleOptions, is_path
from runconsole.recording import Entry, Header, Scratch, home_path, read_header, scan_whole
from runconsole.redaction.secrets import bare
from runconsole.replay.playback import Playback
from runconsole.replay.slices import lines_of
from runconsole.replay.wires import wire_for
from runconsole.state import Effect, RunState
from runconsole.store import Runs, RunWriter

__all__ = ["Interruption", "check", "checked"]

_MOST_DEPTH = 8
_MEMORY = 64 * 2**20
"""Bytes of the event log of a live check in memory, unless `memory_limit` says otherwise."""
_PATIENCE_S = 30.0
"""Seconds of silence after all that was announced is done; the end is then taken as one that does not come."""

Interruption = KeyboardInterrupt | SystemExit
"""The ways in which a person, or a signal, ends a live check."""


def check(source: str | os.PathLike[str], **options: Unpack[ConsoleOptions]) -> CheckReport:
    """Compare the events of a run with the promises of its event family; return what was found.

    Args:
        source: the path of a recording; or an address, which is followed until its run has ended: by its own end, by a
            close in good order, or by half a minute of silence after all that was announced is done.
        options: of an address, as of `Console`: `token`, `execution`, `subscribe` and the others.

    Raises:
        ConsoleFailed: the address cannot be followed, and no event came.
        NotARecording: the file cannot be read, or is no recording.
        RecordingError: the recording cannot be read by this version.
        InvalidArgument: an option cannot be used.
    """
    report, interruption = checked(source, **options)
    if interruption is not None:
        raise interruption
    return report


def checked(
    source: str | os.PathLike[str], **options: Unpack[ConsoleOptions]
) -> tuple[CheckReport, Interruption | None]:
    """Do as `check`; return what was found also where a live check is interrupted, with the interruption."""
    place = bare(source)
    if isinstance(place, os.PathLike) or (isinstance(place, str) and is_path(place)):
        if options:
            raise InvalidArgument(f"expected no options beside a recording, got {', '.join(options)}")
        path = home_path(Path(place))
        read_header(path)
        return _of_file(path, os.fspath(place)), None
    with Scratch("runconsole-check-") as scratch:
        file = scratch.path / "run.jsonl"
        given: dict[str, Any] = {"memory_limit": _MEMORY, **options, "record": file}
        is_over, reason, interruption = False, None, None
        with Console(source, **given) as console:
            shown = engine_of(console).options.address
            try:
                is_over = _follow(console)
            except ConsoleFailed as error:
                if not len(engine_of(console).log):
                    raise
                reason = None if isinstance(error, RunInterrupted) else f"{error}"
            except (KeyboardInterrupt, SystemExit) as error:
                reason, interruption = "it was interrupted", error
        return _of_file(file, shown, is_over=is_over, reason=reason), interruption


def _follow(console: Console) -> bool:
    """Wait for the end of a run; return False where it has none. Raises ConsoleFailed."""
    while console.wait(until="done"):
        count = len(engine_of(console).log)
        if console.wait(_PATIENCE_S) or len(engine_of(console).log) == count:
            return True
    return False


def _of_file(path: Path, shown: str, *, is_over: bool = False, reason: str | None = None) -> CheckReport:
    """Return what is found in a recording. `is_over`: its run is known to have ended.

    `reason`: it was not followed to its end.
    """
    found = scan_whole(path)
    checker = Checker(is_part=_is_part(found.header))
    tap = _Tap(checker)
    reading = Playback(tap, wire_for)
    first = 0
    for number, line in enumerate(lines_of(path, found), found.first_line + 1):
        misread = reading.misread
        _take(reading, tap, line)
        if reading.misread > misread:
            first = first or number
            checker.lost()
    if first:
        checker.note_unreadable(reading.misread, first)
        reason = reason or "lines of the recording cannot be read"
    elif not (found.finished or is_over or tap.is_over):
        reason = reason or "it ends before its run does"
    return checker.report(shown, reason=reason)


def _is_part(header: Header | None) -> bool:
    """Return whether a recording holds one task or execution of several."""
    return header is not None and (header.task is not None or header.execution is not None)


def _take(reading: Playback, tap: _Tap, line: Header | Entry | None) -> None:
    """Read one line; the tap hands its events to the checker."""
    is_frame = isinstance(line, Entry) and line.direction == "in"
    tap.begin_line(line.frame if isinstance(line, Entry) and is_frame else None)
    reading.apply(line)
    if isinstance(line, Entry) and line.wire is not None:
        tap.checker.connected()
    tap.end_line()


class _Tap(RunWriter):
    """A writer that hands events to a checker, with their times as the server wrote them.

    Attributes:
        is_over: True if the server has closed the stream in good order, for good.
    """

    def __init__(self, checker: Checker) -> None:
        super().__init__(Runs(RunState(), EventLog()))
        self.checker = checker
        self.is_over = False
        self._has_connected = False
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

    def apply_recorded(self, fact: Any) -> tuple[Effect, ...]:
        """Leave out a fact of the console, but for the end of the stream."""
        if isinstance(fact, LinkChanged) and fact.interrupted is not None:
            self.is_over = fact.interrupted
        return ()

    def connected(self, back_at: Micros | None, *, assured: bool = False, replays: int = 0) -> None:  # noqa: ARG002
        """Note a new connection: events may be lost between it and the one before, unless the server resumes."""
        if self._has_connected and not assured:
            self.checker.lost()
        self._has_connected = True

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
