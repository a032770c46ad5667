"""Storage of a console's event log: sealed on a thread beside the network's, kept in memory, past a limit on disk."""

from __future__ import annotations

import os
import re
import shutil
import socket
import sys
import tempfile
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from runconsole.log.chunks import Packed

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["LogStorage", "sealer"]

_FAMILY = f"runconsole-{re.sub(r'[^A-Za-z0-9]', '', socket.gethostname())}-"
"""The prefix of the directories of this machine's processes: machines may share a folder for temporary files."""
_DIRECTORY = re.compile(rf"{_FAMILY}\d+-\w+")
_CHUNK = re.compile(r"events-\d+\.arrow")


@cache
def sealer() -> ThreadPoolExecutor:
    """Return the process's one thread that seals: the first use of Arrow alone would stop the network for long."""
    return ThreadPoolExecutor(1, "log-sealer")


if hasattr(os, "register_at_fork"):  # a forked process lacks the thread: another one is started on demand
    os.register_at_fork(after_in_child=sealer.cache_clear)


class LogStorage:
    """Keeps the sealed chunks of one log.

    Past the limit chunks become files of a temporary directory, one Arrow IPC file each. The directory is removed with
    the log, at the latest at the interpreter's end; that of a killed process when the next one is made (not on
    Windows). If the disk cannot take a chunk, it stays in memory: no chunk is ever dropped.

    Args:
        memory_limit: bytes of sealed chunks to hold in memory; None for no limit.
    """

    def __init__(self, memory_limit: int | None = None) -> None:
        self.limit = memory_limit
        """Bytes of sealed chunks to hold in memory; None for no limit. May be changed."""
        self.held = 0
        """Bytes of chunks in memory."""
        self.directory: Path | None = None
        """The directory of chunks past the limit."""
        self._files = 0

    def submit(self, seal: Callable[[], None]) -> None:
        """Seal a chunk soon."""
        try:
            sealer().submit(seal)
        except RuntimeError:
            return  # the interpreter is at its end: the chunk stays unsealed, and readable

    def keep(self, packed: Packed) -> Callable[[], pa.RecordBatch]:
        """Keep a chunk. On the sealing thread alone."""
        if self.limit is not None and self.held + packed.nbytes > self.limit:
            try:
                return _ChunkFile(self, self._write(packed.read())).read
            except OSError:
                pass  # chunks that the disk does not take stay in memory
        self.held += packed.nbytes
        return packed.read

    def _write(self, rows: pa.RecordBatch) -> Path:
        import pyarrow as pa

        if self.directory is None:
            _remove_leftovers(Path(tempfile.gettempdir()))
            self.directory, lock = _make_directory()
            weakref.finalize(self, _remove, self.directory, lock, os.getpid())
        path = self.directory / f"events-{self._files:06}.arrow"
        self._files += 1
        try:
            with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, rows.schema) as writer:
                writer.write_batch(rows)
        except OSError:
            path.unlink(missing_ok=True)
            raise
        return path


class _ChunkFile(NamedTuple):
    """A chunk on disk."""

    storage: LogStorage
    """Held because the directory is removed with it."""
    path: Path

    def read(self) -> pa.RecordBatch:
        """Return the chunk's rows, mapped into memory: pages are read on access."""
        import pyarrow as pa

        with pa.memory_map(str(self.path)) as file:
            return pa.ipc.open_file(file).get_batch(0)


# ---- directories with the mark of their owner ------------------------------------------------------------------------
# The name shows the process, its lock its life: the system releases a lock with its process, at any kind of end, and a
# number that another process has got since means nothing.


def _make_directory() -> tuple[Path, int | None]:
    """Return a new directory, and the descriptor that locks it; without locks no search finds its name."""
    directory = Path(tempfile.mkdtemp(prefix=f"{_FAMILY}{os.getpid()}-"))
    lock = _lock(directory)
    if lock is not None:
        if directory.is_dir():
            return directory, lock
        os.close(lock)  # another process took it for a leftover before it was locked
    with suppress(OSError):
        directory.rmdir()
    return Path(tempfile.mkdtemp(prefix="runconsole-")), None


def _remove(directory: Path, lock: int | None, owner: int) -> None:
    if os.getpid() != owner:
        return  # a process that was forked from the owner ends: the directory is not its own
    shutil.rmtree(directory, ignore_errors=True)
    if lock is not None:
        os.close(lock)


def _remove_leftovers(folder: Path) -> None:
    """Remove the directories that killed processes of this machine left behind."""
    with suppress(OSError), os.scandir(folder) as entries:
        for name in [entry.name for entry in entries if _DIRECTORY.fullmatch(entry.name)]:
            lock = _lock(folder / name)
            if lock is None:
                continue
            try:
                _remove_leftover(folder / name)
            finally:
                os.close(lock)


def _remove_leftover(directory: Path) -> None:
    with suppress(OSError):
        with os.scandir(directory) as entries:
            chunks = {entry.name: bool(_CHUNK.fullmatch(entry.name)) and entry.is_file() for entry in entries}
        if not all(chunks.values()):
            return  # something in it is not ours
        for name in chunks:
            (directory / name).unlink()
        directory.rmdir()


def _lock(directory: Path) -> int | None:
    """Return a descriptor that locks a directory of ours; None if another process has the lock, or it is gone."""
    if sys.platform == "win32":
        return None
    import fcntl

    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_uid == os.getuid():
            return descriptor
    except OSError:
        pass  # locked, or the file system has no locks
    os.close(descriptor)
    return None
