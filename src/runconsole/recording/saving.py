"""Writes a recording from the event log, for runs that were not recorded live."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

from msgspec import structs

from runconsole.errors import RecordingError
from runconsole.events import Fact, Micros, Received
from runconsole.log import StreamLog, moment
from runconsole.recording import Entry, Header, Reader, check_recordable, encode_line, home_path, scan, unrecorded
from runconsole.recording.compression import codec_named
from runconsole.recording.fact_codec import write_fact
from runconsole.recording.format import entry_of
from runconsole.recording.places import shown

__all__ = ["copy_run", "lines_of_log", "write_run"]

_AT_ONCE = 4096
_UNIT = 256 * 1024
_MOST_OF_NAME = 32
PlacedFacts = list[tuple[int, Fact | Received]]


def lines_of_log(header: Header, log: StreamLog, count: int, facts: PlacedFacts, *, finished: bool) -> Iterator[bytes]:
    """Yield the lines of a recording of the log's first `count` events and of the facts among them."""
    yield encode_line(structs.replace(header, content="events"))
    waiting = iter(facts)
    place, fact = next(waiting, (None, None))
    at: Micros = 0
    for first in range(0, count, _AT_ONCE):
        length = min(_AT_ONCE, count - first)
        runs = log.logs(first, length)
        for number, event in log.read(first, length):
            while place is not None and place <= number and fact is not None:
                at = moment(fact) or at
                yield _fact_line(at, fact)
                place, fact = next(waiting, (None, None))
            at = event.received_at
            yield encode_line(entry_of(event, None if runs is None else runs[number - first]))
    while fact is not None:
        at = moment(fact) or at
        yield _fact_line(at, fact)
        place, fact = next(waiting, (None, None))
    if finished:
        yield encode_line(Entry(at, "local", finished=True))


def _fact_line(at: Micros, fact: Fact | Received) -> bytes:
    return encode_line(Entry(at, "local", fact=write_fact(fact)))


def copy_run(path: Path, *, descriptor: int | None = None) -> Iterator[bytes]:
    """Yield the lines of a recording's newest run; `descriptor` as of `Reader`."""
    first, count = 0, 0
    for found in scan(path, descriptor=descriptor):
        first, count = found.first_line, found.lines
    for number, line in enumerate(Reader(path, descriptor=descriptor)):
        if first <= number < count:
            yield line + b"\n"


def write_run(path: Path, lines: Iterator[bytes]) -> None:
    """Write a recording in one step: the file appears when it is complete. ``~`` is the home directory.

    Raises InvalidArgument where the file exists and is no recording, RecordingError where it cannot be written or a
    console records to it.
    """
    path = home_path(path)
    check_recordable(path)
    try:
        with unrecorded(path):
            _write_beside(path, lines)
    except OSError as error:
        raise RecordingError(f"cannot save to {shown(path)} ({error.strerror or type(error).__name__})") from None


def _write_beside(path: Path, lines: Iterator[bytes]) -> None:
    """Write another file, and move it to `path`. Raises OSError."""
    pack = codec_named(path).pack
    # With the beginning of a long name only: a longer name than the file's own may be too long.
    unfinished = path.with_name(f".{path.name[:_MOST_OF_NAME]}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        with unfinished.open("wb") as file:
            for unit in _units(lines):
                file.write(pack(unit))
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def _units(lines: Iterator[bytes]) -> Iterator[bytes]:
    unit: list[bytes] = []
    size = 0
    for line in lines:
        unit.append(line)
        size += len(line)
        if size >= _UNIT:
            yield b"".join(unit)
            unit, size = [], 0
    if unit:
        yield b"".join(unit)
