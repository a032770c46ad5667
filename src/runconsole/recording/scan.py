"""A first pass over a recording: its kind, its newest run's header, its length, its end."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from runconsole.errors import InvalidArgument, NotARecording, RecordingError
from runconsole.events import Micros
from runconsole.protocols.registry import names, reader
from runconsole.recording.compression import ZSTD_MAGIC, codec_of
from runconsole.recording.files import Reader
from runconsole.recording.format import FORMAT, Header, decode_line, is_header
from runconsole.recording.places import kind_of, open_regular, shown

__all__ = ["Scan", "check_recordable", "read_header", "scan", "scan_whole"]

_BEGIN = b'{"runconsole":'
_EARLY = 4096
_LONGEST_HEADER = 2**24
_MOST_QUOTED = 60


class Scan(Struct):
    """The result of a first pass over a recording.

    Attributes:
        header: the header of the newest run's first section.
        first_line: the number of that header among the file's lines, from 0.
        lines: the number of lines.
        began, ended: the times of the newest run's first and last line; None where it has none.
        finished: True if the recording holds the end of the run.
        sound: the offset in bytes up to which the file is whole.
        cut: the number of bytes at its end without a whole line.
        unreadable: the number of unreadable lines of the newest run.
    """

    header: Header | None = None
    first_line: int = 0
    lines: int = 0
    began: Micros | None = None
    ended: Micros | None = None
    finished: bool = False
    sound: int = 0
    cut: int = 0
    unreadable: int = 0

    @property
    def duration_s(self) -> float:
        """Seconds from the newest run's first line to its last."""
        return 0.0 if self.began is None or self.ended is None else max(0, self.ended - self.began) / 1e6

    def begin_run(self, header: Header) -> None:
        """Begin another run."""
        self.header, self.first_line = header, self.lines
        self.began = self.ended = None
        self.finished, self.unreadable = False, 0


class _Mark(Struct):
    at: Micros
    finished: bool | None = None


_decode_mark = msgspec.json.Decoder(_Mark).decode


def scan(path: Path, *, descriptor: int | None = None) -> Iterator[Scan]:
    """Scan a file; yields the scan after each line, complete after the last. Raises OSError.

    `descriptor` as of `Reader`.
    """
    found = Scan()
    reader = Reader(path, descriptor=descriptor)
    for line in reader:
        _look(found, line)
        found.lines += 1
        yield found
    found.sound, found.cut = reader.sound, reader.cut
    yield found


def scan_whole(path: Path) -> Scan:
    """Return the result of a first pass over a whole recording. Raises OSError, RecordingError."""
    found = Scan()
    for found in scan(path):  # noqa: B007 - the last one knows the whole file
        pass
    return found


def _look(found: Scan, line: bytes) -> None:
    if is_header(line):
        header = decode_line(line)
        if isinstance(header, Header):
            check_format(header)
            if found.header is None or not header.continues:
                found.begin_run(header)
            return
    try:
        mark = _decode_mark(line)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        found.unreadable += 1
        return
    if found.began is None:
        found.began = mark.at
    found.ended = mark.at if found.ended is None else max(found.ended, mark.at)
    if mark.finished is not None:
        found.finished = mark.finished


def check_format(header: Header) -> None:
    """Raise RecordingError where this version cannot read the lines that follow."""
    if header.runconsole > FORMAT:
        raise RecordingError(
            f"expected a recording of format {FORMAT}, got {header.runconsole}: read it with runconsole"
            f" {''.join(filter(str.isprintable, header.version[:_MOST_QUOTED]))} or newer"
        )
    wrong = next((f"{name} {getattr(header, name)!r}" for name, is_sound in _sound(header) if not is_sound), None)
    wrong = wrong or _unreadable(header)
    if wrong is not None:
        raise RecordingError(
            f"expected the header of a recording, got one with {wrong[:_MOST_QUOTED]}: it is damaged, or not made by a"
            " console"
        )


def _unreadable(header: Header) -> str | None:
    """Return a sentence about frames that the protocol cannot read, None if it can. Raises RecordingError."""
    if header.protocol not in names():
        known = ", ".join(map(repr, names()))
        raise RecordingError(
            f"expected a recording of a protocol that is installed ({known}), got one with protocol"
            f" {header.protocol[:_MOST_QUOTED]!r}: install the package that adds it, or it is damaged"
        )
    try:
        reader(header.protocol, header.known)
    except InvalidArgument as error:
        raise RecordingError(f"cannot read a recording of another package's protocol: {error}") from error
    except ValueError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - perhaps another package's own
        return f"protocol_options that {header.protocol!r} cannot use ({type(error).__name__}: {error})"
    return None


def _sound(header: Header) -> Iterator[tuple[str, bool]]:
    """Yield each field that every reader relies on, and whether its value is usable."""
    yield "runconsole", header.runconsole > 0
    for name in ("token_budget", "cost_limit", "expected_artifacts"):
        value = getattr(header, name)
        yield name, value is None or -(2**63) <= value < 2**63
    prices = (header.prices or {}).values()
    yield "prices", all(2 <= len(price) <= 4 and all(0 <= part < math.inf for part in price) for price in prices)


def read_header(path: Path) -> Header | None:
    """Return the first header of a recording; None for one that was cut within its first line.

    Raises NotARecording where the file is no recording or cannot be read, RecordingError where only another version can
    read it.
    """
    kind = kind_of(path)
    if kind is not None and kind != "a file":
        raise NotARecording(f"expected the path of a recording, got {shown(path)}, which is {kind}")
    try:
        text = next(iter(Reader(path, longest=_LONGEST_HEADER)), None)
        begin = _first_piece(path) if text is None else b""
    except OSError as error:
        raise NotARecording(f"cannot read the recording {shown(path)} ({error.strerror or error})") from None
    except RecordingError:  # a line that is longer
        raise _no_recording(path) from None
    if text is None:
        if begin.startswith(_BEGIN) or (begin and _BEGIN.startswith(begin)) or (not begin and _is_cut_early(path)):
            return None
        raise _no_recording(path)
    header = decode_line(text) if is_header(text) else None
    if not isinstance(header, Header):
        raise _no_recording(path)
    check_format(header)
    return header


def _first_piece(path: Path) -> bytes:
    with open(open_regular(path), "rb") as file:  # noqa: PTH123 - of a descriptor
        return next((piece for piece, _ in codec_of(path).pieces(file)), b"")


def _is_cut_early(path: Path) -> bool:
    """Return whether a file without any text is empty, or the beginning of a compressed recording."""
    with open(open_regular(path), "rb") as file:  # noqa: PTH123 - of a descriptor
        found = file.read(_EARLY)
    begin = codec_of(path).pack(_BEGIN)[:8] if found else b""
    return len(found) < _EARLY and (begin.startswith(found[:8]) or found[:4] == begin[:4] == ZSTD_MAGIC)


def check_recordable(path: Path) -> None:
    """Raise InvalidArgument for a path where a recording would destroy something: another kind of file."""
    kind = kind_of(path)
    if kind is not None and kind != "a file":
        raise InvalidArgument(
            f"expected the name of a file to record to, got the {kind.split(maxsplit=1)[-1]} {shown(path)}"
        )
    if kind_of(path.parent) != "a directory":
        raise InvalidArgument(f"expected a directory that exists, got {shown(path.parent)}: make it first")
    if kind is not None:
        read_header(path)


def _no_recording(path: Path) -> NotARecording:
    return NotARecording(
        f"expected a recording of runconsole or a new file, got {shown(path)}, which is something else: choose another"
        " name"
    )
