"""Server-sent events as the WHATWG standard reads them: bytes in, events out, whichever way the bytes are split."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["MAX_SIZE", "SseEvent", "SseParser", "TooBig"]

MAX_SIZE = 64 * 2**20
"""Bytes of one event, or of one line."""

_BOM = b"\xef\xbb\xbf"


class TooBig(ValueError):
    """An event is longer than the limit."""


class SseEvent(NamedTuple):
    """One event of a stream.

    Attributes:
        data: the lines of data, joined by line feeds. Bytes that are no UTF-8 are U+FFFD.
        event: its type; ``message`` where the server names none.
        id: the id of the newest event that had one; empty for none.
    """

    data: str
    event: str = "message"
    id: str = ""


class SseParser:
    """Parses one stream.

    Args:
        most: the largest number of bytes of an event.

    Attributes:
        last_id: the last event id, to resume from with ``Last-Event-ID``; empty for none.
        retry: the milliseconds that the server wants between two connections; None where it has not said so.
        comments: the number of comment lines, which servers send as signs of life.
    """

    def __init__(self, most: int = MAX_SIZE) -> None:
        self.last_id = ""
        self.retry: int | None = None
        self.comments = 0
        self._most = most
        self._begun: list[bytes] = []
        """The parts of a line whose end has not come."""
        self._size = 0
        """The bytes of the event so far, the begun line included."""
        self._data: list[bytes] = []
        self._event = b""
        self._id = ""
        self._is_first = True
        self._after_cr = False

    def feed(self, data: bytes) -> list[SseEvent]:
        """Return the events that these bytes complete. Raises TooBig for an event over the limit."""
        if self._after_cr and data:
            self._after_cr = False
            data = data[1:] if data[:1] == b"\n" else data  # the second half of a line end
        events: list[SseEvent] = []
        if not data:
            return events
        lines = data.splitlines(keepends=True)
        last = lines[-1]
        self._after_cr = last.endswith(b"\r")
        rest = b"" if last.endswith((b"\n", b"\r")) else lines.pop()
        for line in lines:
            text = line.rstrip(b"\r\n") if not self._begun else self._joined(line)
            self._count(len(line))
            event = self._read_line(text)
            if event is not None:
                events.append(event)
        if rest:
            self._count(len(rest))
            self._begun.append(rest)
        return events

    def finish(self) -> list[SseEvent]:
        """Return the event that the end of the stream cut off, if any.

        The standard drops it. A log keeps all that came; JSON that is cut off is no JSON, and is reported as such.
        """
        if self._begun:
            self._read_line(self._joined(b""))
        known = self.last_id
        event = self._dispatch()
        self.last_id = known  # a server that resumes sends the whole event again
        return [] if event is None else [event]

    def _count(self, size: int) -> None:
        self._size += size
        if self._size > self._most:
            raise TooBig(f"an event is over {self._most:,} bytes")

    def _joined(self, line: bytes) -> bytes:
        whole = b"".join((*self._begun, line)).rstrip(b"\r\n")
        self._begun.clear()
        return whole

    def _read_line(self, line: bytes) -> SseEvent | None:
        """Read one line without its end; return the event that it completes."""
        if self._is_first:
            self._is_first = False
            line = line.removeprefix(_BOM)
        if not line:
            return self._dispatch()
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
        elif not name:
            self.comments += 1
            self._size = self._size if self._data else 0
        elif name == b"event":
            self._event = value
        elif name == b"id" and b"\0" not in value:
            self._id = value.decode(errors="replace")
        elif name == b"retry" and value.isdigit():
            self.retry = int(value[:12])
        return None

    def _dispatch(self) -> SseEvent | None:
        data, event = self._data, self._event
        self._data, self._event, self._size = [], b"", 0
        self.last_id = self._id
        if not data:
            return None
        return SseEvent(
            b"\n".join(data).decode(errors="replace"), event.decode(errors="replace") or "message", self._id
        )
