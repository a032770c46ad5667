"""The file of a recording: its whole lines, and the writer that continues behind the last of them."""

from __future__ import annotations

import codecs
import io
import itertools
import operator
import os
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

import msgspec

from runconsole.errors import RecordingError
from runconsole.recording.compression import codec_in, codec_named
from runconsole.recording.locks import lock_to_record
from runconsole.recording.places import open_regular, shown
from runconsole.text.unicode import check_path

__all__ = ["LONGEST_LINE", "FileWriter", "Identity", "Reader", "Whereabouts", "home_path", "identity_of"]

LONGEST_LINE = 160 * 2**20
"""Bytes. A frame has 64 MiB at most; JSON in a string of JSON has twice as many at most."""

_CHUNK = 1024 * 1024
_TRIES = 3
_MUCH = 2**30
_DENSEST = 200
"""The ratio of unpacked to packed size above which a compressed file of more than `_MUCH` is an attack on memory: lines
with times and numbers are not that much alike."""
_MOST_BEGIN = 4096
_ENTRY = b'{"at":'
"""The first bytes of our entries."""

Whereabouts = Literal["here", "moved", "deleted", "replaced", "shortened", "overwritten"]
"""The place of an open file: under its path; under another name only; under none; under none while its path is another
file's; under its path and shorter than written; the same with another program's data."""


def home_path(path: str | os.PathLike[str]) -> Path:
    """Return a path with the home directory in the place of ``~`` or ``~user``; unchanged without them.

    Raises InvalidArgument for a name that no file can have.
    """
    check_path(path)
    given = Path(path)
    try:
        return given.expanduser() if os.fspath(path).startswith("~") else given
    except RuntimeError:
        return given


class Identity(NamedTuple):
    """The identity of a file and its size: both stay if no other program writes to it."""

    device: int
    inode: int
    size: int


def identity_of(path: Path) -> Identity | None:
    """Return the identity of the file at a path, None where there is none."""
    try:
        return _identity(path.stat())
    except (OSError, ValueError):
        return None


def _identity(found: os.stat_result) -> Identity:
    return Identity(found.st_dev, found.st_ino, found.st_size)


class Reader:
    """The whole lines of a file, one by one, without empty ones and a leading byte order mark.

    Args:
        path: the file; its first bytes show its compression.
        start: the offset to begin at: an earlier `sound`.
        descriptor: a descriptor of the open file, if another file may have its path by now; it is left open.
        longest: bytes of a line above which the file is no recording.

    Raises OSError, RecordingError, when it is iterated.

    Attributes:
        sound: the offset in bytes up to which the file is made of whole lines (and whole units, if compressed).
        cut: after iteration: the number of bytes at its end without a whole line.
    """

    def __init__(
        self, path: Path, start: int = 0, *, descriptor: int | None = None, longest: int = LONGEST_LINE
    ) -> None:
        self.sound = start
        self.cut = 0
        self._path = path
        self._descriptor = descriptor
        self._longest = longest

    def _open(self) -> BinaryIO:
        if self._descriptor is None or not hasattr(os, "pread"):  # Windows: an open file cannot be moved
            return open(open_regular(self._path), "rb")  # noqa: PTH123 - of a descriptor
        return io.BufferedReader(_Positioned(self._descriptor))

    def __iter__(self) -> Iterator[bytes]:
        unfinished = bytearray()
        with self._open() as file:
            codec = codec_in(file, self._path)
            is_first = self.sound == 0
            file.seek(self.sound)
            for piece, end in self._bounded(codec.pieces(file), os.fstat(file.fileno()).st_size):
                *lines, rest = piece.split(b"\n")
                if lines:
                    lines[0] = bytes(unfinished + lines[0])
                    unfinished = bytearray(rest)
                    if is_first:
                        lines[0], is_first = lines[0].removeprefix(codecs.BOM_UTF8), False
                else:
                    unfinished += rest
                if len(unfinished) > self._longest:
                    raise self._too_long()
                if end is not None and (lines or not unfinished) and (not codec.suffix or not unfinished):
                    self.sound = end - len(unfinished)
                yield from filter(None, lines)
            last = bytes(unfinished).removeprefix(codecs.BOM_UTF8) if is_first else bytes(unfinished)
            if _is_whole(last):  # only its line feed is missing
                yield last
                unfinished = bytearray()
            size = file.seek(0, os.SEEK_END)
        self.cut = size - self.sound if codec.suffix else len(unfinished)

    def _bounded(self, pieces: Iterator[tuple[bytes, int | None]], size: int) -> Iterator[tuple[bytes, int | None]]:
        """Yield the pieces, as long as they are not many more than a recording of that size can hold."""
        unpacked = 0
        for piece, end in pieces:
            unpacked += len(piece)
            if unpacked > max(_MUCH, _DENSEST * size):
                raise RecordingError(
                    f"expected a recording at {shown(self._path)}, got a file of {size:,} bytes that unpacks to more"
                    f" than {unpacked:,}: unpack it by hand if you trust it"
                )
            yield piece, end

    def _too_long(self) -> RecordingError:
        limit = f"{self._longest // 2**20:,} MiB"
        return RecordingError(f"expected a recording at {shown(self._path)}, got a line of more than {limit}")


class _Positioned(io.RawIOBase):
    """Reads an open file from a position of its own: other readers of the descriptor, and its writer, have theirs."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._place = 0

    def fileno(self) -> int:
        return self._descriptor

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = (0, self._place, os.fstat(self._descriptor).st_size)[whence]
        self._place = base + offset
        return self._place

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        found = os.pread(self._descriptor, len(buffer), self._place)
        buffer[: len(found)] = found
        self._place += len(found)
        return len(found)


def _is_whole(line: bytes) -> bool:
    """Return whether a line without its line feed is complete."""
    if not line.rstrip().endswith(b"}"):
        return False
    try:
        msgspec.json.decode(line, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return False
    return True


_writers: weakref.WeakSet[FileWriter] = weakref.WeakSet()


def _close_in_child() -> None:
    """Close a forked process's copies of its parent's recordings: else the files stay locked until it ends."""
    for writer in list(_writers):
        writer.close()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_close_in_child)


class FileWriter:
    """Appends lines to a file that no other console records to; each `write` is complete when it returns.

    It survives the death of this process; not that of the machine: nothing waits for the disk.

    Args:
        path: the file; it is made if it is missing.
        is_new: True if it must not exist yet.

    Raises RecordingError where the file cannot be opened or another console records to it.
    """

    def __init__(self, path: Path, *, is_new: bool = False) -> None:
        self.path = path
        self._file = _open_locked(path, os.O_EXCL if is_new else 0)
        _writers.add(self)
        self._codec = codec_named(path)
        self._size = os.fstat(self._file).st_size
        if self._size:
            with self._read_again() as file:
                self._codec = codec_in(file, path)
        self._begin = self._first_bytes()

    def _first_bytes(self) -> bytes:
        with self._read_again() as file:
            return file.read(_MOST_BEGIN)

    def _read_again(self) -> BinaryIO:
        return io.BufferedReader(_Positioned(self._file)) if hasattr(os, "pread") else self.path.open("rb")

    @property
    def identity(self) -> Identity:
        """The file's identity and size. Raises OSError."""
        return _identity(os.fstat(self._file))

    @property
    def whereabouts(self) -> Whereabouts:
        """The present place of the file. Raises OSError."""
        mine = os.fstat(self._file)
        try:
            found = self.path.stat()
        except OSError:
            return "moved" if mine.st_nlink else "deleted"
        if os.path.samestat(found, mine):
            if mine.st_size >= self._size:
                return "here"
            return "shortened" if self._is_ours() else "overwritten"
        return "moved" if mine.st_nlink else "replaced"

    def _is_ours(self) -> bool:
        """Return whether a shortened file holds only our own data. Raises OSError."""
        begin = self._first_bytes()
        kept = sum(1 for _ in itertools.takewhile(bool, map(operator.eq, begin, self._begin)))
        since = begin[kept:]
        if not since or kept == len(self._begin) or (kept and since.startswith(self._codec.magic or _ENTRY)):
            return True
        try:
            first = next(iter(Reader(self.path, descriptor=self._file)), b"")
        except RecordingError:
            return False
        return first.startswith(_ENTRY)  # data that was written since behind an empty start

    def begin_anew(self) -> None:
        """Empty the file. Raises OSError."""
        os.ftruncate(self._file, 0)
        self._size, self._begin = 0, b""

    def duplicate(self) -> int:
        """Return a descriptor of the file, to be read with `Reader` and closed, that outlives this writer."""
        return os.dup(self._file)

    def again(self) -> FileWriter:
        """Write the whole file again to its path, which is free; return the writer of that.

        Raises OSError, RecordingError; then the path is still free.
        """
        other = FileWriter(self.path, is_new=True)
        try:
            with io.BufferedReader(_Positioned(self._file)) as file:
                while chunk := file.read(_CHUNK):
                    _write_all(other._file, chunk)
        except OSError:
            other.close()
            self.path.unlink(missing_ok=True)
            raise
        other._codec = self._codec
        other._size, other._begin = os.fstat(other._file).st_size, self._begin
        return other

    def repair(self, sound: int) -> None:
        """Cut the file behind its whole lines. Whole lines in the cut part are written again. Raises OSError."""
        if os.fstat(self._file).st_size <= sound:
            return
        saved = list(Reader(self.path, sound, descriptor=self._file))
        os.ftruncate(self._file, sound)
        self._size = sound
        self._begin = self._first_bytes()
        if not sound:
            self._codec = codec_named(self.path)
        if saved:
            self.write(b"".join(line + b"\n" for line in saved))

    def write(self, lines: bytes) -> None:
        """Append whole lines. Raises OSError; then none of them is in the file, if the system can truncate it."""
        size = os.fstat(self._file).st_size
        unit = self._codec.pack(lines)
        try:
            _write_all(self._file, unit)
        except OSError:
            os.ftruncate(self._file, size)
            raise
        self._size += len(unit)
        if not self._begin:
            self._begin = self._first_bytes()

    def close(self) -> None:
        """Close the file. Does nothing the second time."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)


def _write_all(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]


def _open_locked(path: Path, flags: int) -> int:
    """Open a file to append to, locked; make it if it is missing. Raises RecordingError."""
    flags |= os.O_RDWR | os.O_CREAT | os.O_APPEND
    for left in reversed(range(_TRIES)):
        try:
            file = open_regular(path, flags)
        except OSError as error:
            raise RecordingError(f"cannot record to {shown(path)} ({error.strerror})") from None
        try:
            lock_to_record(file, path)
            found = identity_of(path)
            if not left or (found is not None and found[:2] == _identity(os.fstat(file))[:2]):
                return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)  # another program replaced it before it was locked
    raise AssertionError("unreachable: the last try returns")
