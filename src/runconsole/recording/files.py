"""The file of a recording: read its lines as far as they are whole, go on writing behind the last of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from runconsole.errors import RecordingError
from runconsole.recording.forms import form_named, form_of

try:
    import fcntl
except ImportError:  # Windows: two writers of one file are not noticed there
    fcntl = None  # type: ignore[assignment]

__all__ = ["Reader", "Writer"]


class Reader:
    """The whole lines of a file, one by one.

    Args:
        path: the file; its first bytes say whether it is compressed.
        start: the place in the file to begin at: one that was `sound`.

    Raises OSError, when it is iterated.

    Attributes:
        sound: up to where, in bytes, the file is made of whole lines (and whole units, if compressed).
        cut: after iteration: how many bytes at its end hold no whole line.
    """

    def __init__(self, path: Path, start: int = 0) -> None:
        self.sound = start
        self.cut = 0
        self._path = path

    def __iter__(self) -> Iterator[bytes]:
        unfinished = b""
        form = form_of(self._path)
        with self._path.open("rb") as file:
            file.seek(self.sound)
            for piece, end in form.pieces(file):
                *lines, rest = piece.split(b"\n")
                if lines:
                    lines[0] = unfinished + lines[0]
                    unfinished = rest
                else:
                    unfinished += rest
                if end is not None and (lines or not unfinished) and (not form.suffix or not unfinished):
                    self.sound = end - len(unfinished)
                yield from filter(None, lines)
            if _is_whole(unfinished):  # only its line feed is missing
                yield unfinished
                unfinished = b""
            size = file.seek(0, os.SEEK_END)
        self.cut = size - self.sound if form.suffix else len(unfinished)


def _is_whole(line: bytes) -> bool:
    """Whether a line without its line feed is all there."""
    if not line.endswith(b"}"):
        return False
    try:
        msgspec.json.decode(line, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


class Writer:
    """Appends lines to a file that nobody else records to; each `write` is complete when it returns.

    It survives the death of this process; not that of the machine: nothing waits for the disk.

    Raises RecordingError where the file cannot be opened or another console records to it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o666)
        except OSError as error:
            raise RecordingError(f"cannot record to {str(path)!r} ({error.strerror})") from None
        try:
            if fcntl is not None:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            raise RecordingError(
                f"another console records to {str(path)!r}: stop it, or record to another file"
            ) from None
        except OSError:
            pass  # a file system without locks
        self._form = form_of(path) if os.fstat(self._file).st_size else form_named(path)

    def repair(self, sound: int) -> None:
        """Cut the file behind its whole lines. Whole lines in what is cut are written again. Raises OSError."""
        if os.fstat(self._file).st_size <= sound:
            return
        saved = list(Reader(self.path, sound))
        os.ftruncate(self._file, sound)
        if not sound:
            self._form = form_named(self.path)
        if saved:
            self.write(b"".join(line + b"\n" for line in saved))

    def write(self, lines: bytes) -> None:
        """Append whole lines. Raises OSError; then nothing of them is in the file, where that can be had."""
        size = os.fstat(self._file).st_size
        rest = memoryview(self._form.pack(lines))
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError:
            os.ftruncate(self._file, size)
            raise

    def close(self) -> None:
        """Let go of the file. Does nothing the second time."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)
