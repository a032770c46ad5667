"""Temporary directories of processes that may be killed: the next process removes what they left behind."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Self

try:
    import fcntl
except ImportError:  # Windows: a directory of a process that was killed stays there
    fcntl = None  # type: ignore[assignment]

__all__ = ["Scratch"]


class Scratch:
    """A temporary directory of this process; those of the same prefix whose processes have ended are removed.

    A living process holds a lock of its directory, which gets its name when it is locked.

    Args:
        prefix: the beginning of its name.

    Attributes:
        path: the directory.
    """

    def __init__(self, prefix: str) -> None:
        made = Path(tempfile.mkdtemp(prefix=f".{prefix}"))
        self._lock: int | None = None
        if fcntl is not None:
            _sweep(prefix)
            self._lock = _locked(made)
        self.path = made.rename(made.with_name(made.name[1:]))

    def close(self) -> None:
        """Remove it. Does nothing the second time."""
        shutil.rmtree(self.path, ignore_errors=True)
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _sweep(prefix: str) -> None:
    """Remove the directories of processes that have ended."""
    for path in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        with suppress(OSError):
            lock = _locked(path)
            if lock is not None:
                shutil.rmtree(path, ignore_errors=True)
                os.close(lock)


def _locked(path: Path) -> int | None:
    """Lock a directory of ours; return its descriptor, None where another process has it, or it is another user's.

    Raises OSError.
    """
    file = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(file).st_uid == os.getuid():
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return file
    except BlockingIOError:
        pass
    os.close(file)
    return None
