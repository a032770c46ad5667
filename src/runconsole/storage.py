"""Where a console's event log is sealed and kept: on a thread beside the network's, in memory, past a limit on disk."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from runconsole.log.chunks import Packed

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["LogStorage", "sealer"]


@cache
def sealer() -> ThreadPoolExecutor:
    """Return the process's one thread that seals: the first use of Arrow alone would stop the network for long."""
    return ThreadPoolExecutor(1, "log-sealer")


class LogStorage:
    """Keeps the sealed chunks of one log.

    Past the limit chunks become files of a temporary directory, one Arrow IPC file each, which goes when the log goes,
    at the latest at the interpreter's end. Where the disk cannot take a chunk it stays in memory: nothing is
    ever thrown away.

    Args:
        memory_limit: bytes of sealed chunks to hold in memory; None for no limit.
    """

    def __init__(self, memory_limit: int | None = None) -> None:
        self._limit = memory_limit
        self.held = 0
        """Bytes of chunks in memory."""
        self.directory: Path | None = None
        """Where chunks past the limit are."""
        self._files = 0

    def run(self, seal: Callable[[], None]) -> None:
        """Seal a chunk soon."""
        try:
            sealer().submit(seal)
        except RuntimeError:
            return  # the interpreter is at its end: the chunk stays as it came, and readable

    def keep(self, packed: Packed) -> Callable[[], pa.RecordBatch]:
        """Keep a chunk. On the sealing thread alone."""
        if self._limit is not None and self.held + packed.nbytes > self._limit:
            try:
                return _File(self, self._write(packed.read())).read
            except OSError:
                pass  # what the disk does not take stays in memory
        self.held += packed.nbytes
        return packed.read

    def _write(self, rows: pa.RecordBatch) -> Path:
        import pyarrow as pa

        if self.directory is None:
            self.directory = Path(tempfile.mkdtemp(prefix="runconsole-"))
            weakref.finalize(self, shutil.rmtree, self.directory, ignore_errors=True)
        path = self.directory / f"events-{self._files:06}.arrow"
        self._files += 1
        try:
            with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, rows.schema) as writer:
                writer.write_batch(rows)
        except OSError:
            path.unlink(missing_ok=True)
            raise
        return path


class _File(NamedTuple):
    """A chunk on disk."""

    storage: LogStorage
    """Held because the directory goes with it."""
    path: Path

    def read(self) -> pa.RecordBatch:
        """Return the chunk's rows, mapped into memory: not read before they are looked at."""
        import pyarrow as pa

        with pa.memory_map(str(self.path)) as file:
            return pa.ipc.open_file(file).get_batch(0)
