"""Long work on the I/O thread, in slices: others have their turn every few milliseconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from runconsole.recording import Entry, Header, Reader, Scan, decode_line, scan

__all__ = ["lines_of", "scanned", "sliced"]

_SLICE_S = 0.004
_EVERY = 8
"""Items between two looks at the clock."""

T = TypeVar("T")


async def sliced(items: Iterable[T]) -> AsyncIterator[T]:
    """Yield the items; after each few milliseconds of work let others run."""
    until = time.perf_counter() + _SLICE_S
    for number, item in enumerate(items):
        yield item
        if number % _EVERY == 0 and time.perf_counter() > until:
            await asyncio.sleep(0)
            until = time.perf_counter() + _SLICE_S


async def scanned(path: Path) -> Scan:
    """Return what is known of a recording. Raises OSError, RecordingError."""
    found = Scan()
    async for newest in sliced(scan(path)):
        found = newest
    return found


def lines_of(path: Path, found: Scan) -> Iterator[Header | Entry | None]:
    """Return the lines of a recording's newest run, as far as the scan went; None for one that cannot be read."""
    for number, line in enumerate(Reader(path)):
        if number >= found.lines:
            return
        if number >= found.first_line:
            yield decode_line(line)
