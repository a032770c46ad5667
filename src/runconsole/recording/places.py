"""The kind of a path, before a recording is read or written there: only a regular file can hold one.

A named pipe or a device is never opened: opening or reading it may wait for ever, or never end.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from runconsole.errors import InvalidArgument, RecordingError

__all__ = ["kind_of", "open_regular", "shown"]

_MOST_SHOWN = 200
_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_NEVER_WAIT: int = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_CLOEXEC", 0)


def shown(path: str | os.PathLike[str]) -> str:
    """Return a path as messages quote it: a very long one without its middle."""
    text = os.fspath(path)
    if len(text) > _MOST_SHOWN:
        text = f"{text[: _MOST_SHOWN // 2]}…{text[-_MOST_SHOWN // 2 :]}"
    return repr(text)


def kind_of(path: Path) -> str | None:
    """Return the kind of a path: ``"a file"``, ``"a directory"``, ``"a named pipe"``, …; None for a free path.

    Raises InvalidArgument where that is unknowable: a name too long, a loop of links, no permission.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise InvalidArgument(f"cannot use the file {shown(path)} ({error.strerror or error})") from None
    except ValueError:  # Python's error for a NUL in a name
        raise InvalidArgument(f"expected the name of a file, got {shown(path)}, with a NUL in it") from None
    return "a file" if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), "something else")


def open_regular(path: Path, flags: int = os.O_RDONLY) -> int:
    """Open a regular file and return its descriptor. Raises OSError, RecordingError where it is no regular file."""
    flags |= _NEVER_WAIT | getattr(os, "O_BINARY", 0)
    kind = kind_of(path)
    if kind is not None and kind != "a file":
        raise _not_a_file(path, kind)
    file = os.open(path, flags, 0o666)
    if not stat.S_ISREG(os.fstat(file).st_mode):  # replaced since
        os.close(file)
        raise _not_a_file(path, "something else")
    return file


def _not_a_file(path: Path, kind: str) -> RecordingError:
    return RecordingError(f"expected a file at {shown(path)}, got {kind}: a recording can only be in a file")
