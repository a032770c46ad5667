"""A Redis Stream as the store of a relay: one entry for each line of a recording, its id the line's number.

A console records to a temporary file; a thread of its own brings each new line of that to Redis. Since an entry's id
is its number, a line that was sent twice, when a reply was lost, is there once, and a Redis that has lost its newest
entries gets them again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

from runconsole.errors import InvalidArgument, RecordingError
from runconsole.recording import Scratch
from runconsole.redaction.secrets import Secret
from runconsole.relay.redis_stream import RedisAway, RedisStream, StreamTaken
from runconsole.relay.stores import Store

__all__ = ["RedisStore"]

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 5.0
_LOOK_S = 1.0
"""Seconds after which the file is looked at unasked, and the lease renewed."""
_MOST_LINES, _MOST_BYTES = 500, 1_000_000
"""Of one call of Redis."""


class RedisStore(Store):
    """Keeps a recording in a Redis Stream.

    Args:
        place: the URL of the server, with the stream's name as `?stream=`.
        say: takes sentences about the server, on any thread.

    Raises InvalidArgument, MissingPackage.
    """

    def __init__(self, place: Secret[str], say: Callable[[str], None]) -> None:
        self._stream = RedisStream(place)
        self._say = say
        self.name = self._stream.name
        self._scratch: Scratch | None = None
        self._offset = 0
        """The size of the part of the file that was read: whole lines."""
        self._sent = 0
        """The number of lines that Redis has."""
        self._lines: list[bytes] = []
        """The lines after those, as far as they were read."""
        self._due: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._is_asked = threading.Event()
        self._is_closing = False
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Take the lease of the stream, and write its lines to a temporary file."""
        self._stream.claim(self._say)
        try:
            self._scratch = Scratch("runconsole-relay-")
            self.path = self._scratch.path / "run.jsonl"
            with self.path.open("wb") as file:
                for line in self._stream.lines():
                    file.write(line + b"\n")
                    self._sent += 1
            self._offset = self.path.stat().st_size
        except RedisAway as error:
            raise RecordingError(f"cannot read the store {self.name} ({error})") from None
        self._thread = threading.Thread(target=self._work, name="runconsole-redis", daemon=True)
        self._thread.start()

    def keep(self, publish: Callable[[], None]) -> None:
        """Have the thread bring the file's new lines to Redis, and then publish."""
        with self._lock:
            self._due.append(publish)
        self._is_asked.set()

    def close(self) -> None:
        """Bring the rest to Redis, if it is there, and give the lease back."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._is_closing = True
            self._is_asked.set()
            thread.join()
        self._stream.close()
        if self._scratch is not None:
            self._scratch.close()

    # ---- on the thread ----------------------------------------------------------------------------------------------

    def _work(self) -> None:
        """Bring lines to Redis until the store is closed, or is another relay's."""
        try:
            is_last = False
            while not is_last:
                self._is_asked.wait(_LOOK_S)
                self._is_asked.clear()
                is_last = self._is_closing
                with self._lock:
                    due, self._due = self._due, []
                self._read()
                if not self._bring():
                    break
                for publish in due:
                    publish()
        except (StreamTaken, InvalidArgument, RecordingError, OSError) as error:
            self.problem = f"{error}"

    def _read(self) -> None:
        """Read the file's new lines, as far as they are whole. Raises OSError."""
        with self.path.open("rb") as file:
            file.seek(self._offset)
            whole, line_feed, _ = file.read().rpartition(b"\n")
        self._offset += len(whole) + len(line_feed)
        self._lines += whole.split(b"\n") if line_feed else ()

    def _bring(self) -> bool:
        """Bring the lines to Redis, however long it is away; return False where the store was closed meanwhile."""
        pauses = _pauses()
        was_away = False
        while True:
            try:
                self._bring_now()
            except RedisAway as error:
                if not was_away:
                    self._say(f"{self.name} is away ({error}); what comes waits here for its return")
                was_away = True
                if self._is_closing:
                    self._say(f"{self.name} lacks the last {len(self._lines):,} lines")
                    return False
                self._pause(next(pauses))
            else:
                if was_away:
                    self._say(f"{self.name} is back, and has everything")
                return True

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._is_closing:
            time.sleep(_FIRST_PAUSE_S)

    def _bring_now(self) -> None:
        """Bring the lines to Redis; renew the lease also where there are none. Raises RedisAway, StreamTaken."""
        while True:
            part = self._part()
            had = self._stream.append(self._sent, part)
            if had < self._sent:
                self._say(f"{self.name} has lost {self._sent - had:,} lines; they are written again")
                self._go_back(had)
                continue
            self._sent += len(part)
            del self._lines[: len(part)]
            if not self._lines:
                return

    def _part(self) -> list[bytes]:
        """Return the first of the lines that wait."""
        size, count = 0, 0
        for line in self._lines[:_MOST_LINES]:
            size += len(line)
            if count and size > _MOST_BYTES:
                break
            count += 1
        return self._lines[:count]

    def _go_back(self, count: int) -> None:
        """Have all lines after the first `count` of the file wait."""
        with self.path.open("rb") as file:
            lines = file.read().split(b"\n")
        self._lines = lines[count : self._sent] + self._lines
        self._sent = count


def _pauses() -> Iterator[float]:
    pause = _FIRST_PAUSE_S
    while True:
        yield pause
        pause = min(2 * pause, _LONGEST_PAUSE_S)
