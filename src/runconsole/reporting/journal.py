"""The events of a run in order, as frames of text; any thread appends, any event loop reads along."""

from __future__ import annotations

import asyncio
import threading
import zlib
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager, suppress

__all__ = ["GATHER_S", "Journal"]

_CHUNK = 1024
"""Frames of a chunk; full chunks are compressed."""
_BETWEEN = "\0"
"""Separates the frames of a chunk: JSON may hold line breaks, and never this."""
GATHER_S = 0.01
"""Seconds in which events gather before a reader wakes again, so that a burst wakes it a hundred times a second."""


class _Sleeper:
    """A reader that waits for the next frame on its event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.woken = asyncio.Event()

    def wake(self) -> None:
        with suppress(RuntimeError):  # the loop is closed: its reader is gone
            self._loop.call_soon_threadsafe(self.woken.set)


class Journal:
    """Frames that are only ever added. They are JSON, and so hold no NUL.

    Attributes:
        readers: the number of those who follow.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sealed: list[bytes] = []
        self._open: list[str] = []
        self._sleepers: set[_Sleeper] = set()
        self._is_closed = False
        self.readers = 0

    def __len__(self) -> int:
        with self._lock:
            return len(self._sealed) * _CHUNK + len(self._open)

    def append(self, frame: str) -> None:
        """Add a frame; never waits for a reader."""
        with self._lock:
            self._open.append(frame)
            if not self._sleepers:
                return
        self._wake()

    def close(self) -> None:
        """Note that no frame follows: whoever follows comes to an end."""
        with self._lock:
            self._is_closed = True
        self._wake()

    def _wake(self) -> None:
        with self._lock:
            sleepers, self._sleepers = self._sleepers, set()
        for sleeper in sleepers:
            sleeper.wake()

    def read(self, position: int) -> list[str]:
        """Return frames from a position on: those of one chunk; [] at the end."""
        number, offset = divmod(position, _CHUNK)
        with self._lock:
            sealed = self._sealed[number] if number < len(self._sealed) else None
            if sealed is None:
                first = position - len(self._sealed) * _CHUNK
                return self._open[first : first + _CHUNK - offset]
        return zlib.decompress(sealed).decode().split(_BETWEEN)[offset:]

    async def follow(self) -> AsyncGenerator[list[str]]:
        """Yield the frames from the first on, as they come, until the journal is closed."""
        position = 0
        with self.reading():
            while True:
                frames = self.read(position)
                if frames:
                    position += len(frames)
                    yield frames
                    self.seal()
                elif await self.grown(position):
                    await asyncio.sleep(GATHER_S)
                else:
                    return

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Count as one who follows."""
        with self._lock:
            self.readers += 1
        try:
            yield
        finally:
            with self._lock:
                self.readers -= 1

    async def grown(self, position: int) -> bool:
        """Return when there is a frame at this position, or when there will be none: whether there is."""
        sleeper = _Sleeper()
        with self._lock:
            if self._has(position) or self._is_closed:
                return self._has(position)
            self._sleepers.add(sleeper)
        try:
            await sleeper.woken.wait()
            with self._lock:
                return self._has(position)
        finally:
            with self._lock:
                self._sleepers.discard(sleeper)

    def _has(self, position: int) -> bool:
        return len(self._sealed) * _CHUNK + len(self._open) > position

    def seal(self) -> None:
        """Compress the oldest open chunk, if it is full; on a reader's thread, not on that of the run."""
        with self._lock:
            chunk, number = self._open[:_CHUNK], len(self._sealed)
        if len(chunk) < _CHUNK:
            return
        packed = zlib.compress(_BETWEEN.join(chunk).encode(), 1)
        with self._lock:
            if len(self._sealed) == number:  # else another reader was faster
                self._sealed.append(packed)
                del self._open[:_CHUNK]
