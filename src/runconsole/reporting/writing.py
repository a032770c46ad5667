"""Events as frames of a journal, each with an id, a number and a time."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from typing import Any

import msgspec

from runconsole.clock import now_micros
from runconsole.events import Received
from runconsole.reporting.journal import Journal
from runconsole.text.unicode import encodable_value

__all__ = ["START", "EventWriter", "encoded", "iso_time", "known"]

START = "execution_started"
_OFFER = '"taskCommands":["cancel"]'
"""The commands for tasks that a run takes, beside its start: for viewers elsewhere."""


class EventWriter:
    """Writes the events of a run to its journal, in order. To be used under the emitter's lock.

    Attributes:
        count: the number of events so far.
    """

    def __init__(self) -> None:
        self.journal = Journal()
        self.count = 0
        self._prefix = secrets.token_hex(4)
        self._second = -1, ""

    def write(self, kind: str, data: str, member: str) -> None:
        """Write an event; `data` is JSON, and `member` its name."""
        name = f'"{kind}"' if kind.isascii() and kind.replace(".", "_").isidentifier() else encoded(kind)
        self.count += 1
        head = f'{{"type":{name},"id":"{self._prefix}-{self.count}","seq":{self.count}'
        if kind == START:
            head = f"{head},{_OFFER}"
        self.journal.append(f'{head},"timestamp":"{self._now()}","{member}":{data}}}')

    def write_again(self, event: Received) -> bool:
        """Write an event of an earlier process with its marks; return False for one that no emitter has written."""
        if event.seq is None or event.event_id is None:
            return False
        self.count = max(self.count, event.seq)
        marks = {"type": event.type, "id": event.event_id, "seq": event.seq}
        if event.timestamp is not None:
            marks["timestamp"] = iso_time(event.timestamp)
        offer = f",{_OFFER}" if event.type == START else ""
        self.journal.append(f'{encoded(marks)[:-1]}{offer},"data":{event.payload}}}')
        return True

    def _now(self) -> str:
        second, micros = divmod(now_micros(), 1_000_000)
        if second != self._second[0]:
            self._second = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{self._second[1]}.{micros:06d}Z"


def iso_time(at: int) -> str:
    """Return a time in microseconds as ISO 8601 in UTC."""
    second, micros = divmod(at, 1_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(second))}.{micros:06d}Z"


def encoded(value: Any) -> str:
    """Return a value as JSON; half characters in it are marks."""
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        return msgspec.json.encode(encodable_value(value)).decode()


def known(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that are not None."""
    return {name: value for name, value in data.items() if value is not None}
