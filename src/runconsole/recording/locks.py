"""One file, one recording: a console locks the file that it records to, and a locked file is never replaced."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from runconsole.errors import RecordingError
from runconsole.recording.places import open_regular

try:
    import fcntl
except ImportError:  # Windows: two writers of one file are not noticed there, but it cannot be replaced
    fcntl = None  # type: ignore[assignment]

__all__ = ["lock_to_record", "unrecorded"]


def lock_to_record(file: int, path: Path) -> None:
    """Lock an open file until it is closed. Raises RecordingError where another console records to it."""
    if fcntl is not None:
        _lock(file, fcntl.LOCK_EX, f"another console records to {str(path)!r}: stop it, or record to another file")


@contextmanager
def unrecorded(path: Path) -> Iterator[None]:
    """Keep consoles from recording to a file while it is replaced. Raises RecordingError where one does, OSError."""
    file = None
    if fcntl is not None:
        with suppress(FileNotFoundError):
            file = open_regular(path)
    try:
        if file is not None:
            _lock(file, fcntl.LOCK_SH, f"a console records to {str(path)!r}: stop it, or save to another file")
        yield
    finally:
        if file is not None:
            os.close(file)


def _lock(file: int, kind: int, refusal: str) -> None:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        raise RecordingError(refusal) from None
    except OSError:
        pass  # a file system without locks
