"""The `events` frame: the log's rows, appended as they come."""

from __future__ import annotations

import pandas as pd

from runconsole.fairness import in_turns
from runconsole.log import EventLog
from runconsole.tables.growing import Growing, Numbers, Texts, Times

__all__ = ["EventsFrame"]


class EventsFrame:
    """The whole log as one frame. Only events that are new since the last access are read."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._columns: dict[str, Growing] = {
            "received_at": Times(),
            "timestamp": Times(),
            "type": Texts(),
            "task_id": Texts(),
            "phase": Numbers(),
            "wave": Numbers(),
            "status": Texts(),
            "event_id": Texts(),
            "payload": Texts(),
        }
        self._rows = 0
        self._sealed = 0
        """Rows that were already sealed in the log when they were read: their texts are the log's own memory."""
        self._frame = self._make()

    def frame(self) -> pd.DataFrame:
        """Return every event so far, by `seq`."""
        rows = len(self._log)
        if rows > self._rows:
            self._take_over(rows)
            self._frame = self._make()
        return self._frame

    def _take_over(self, rows: int) -> None:
        sealed = self._log.sealed(self._sealed)
        # Rows that were read before they were sealed are read again, once: then only the log holds them.
        begin = self._sealed if sealed > self._sealed else self._rows
        for column in self._columns.values():
            column.reserve(rows)
        for batch in in_turns(self._log.batches(begin)):
            for name, column in self._columns.items():
                column.put(begin, batch.column(name))
            begin += batch.num_rows
        self._rows, self._sealed = begin, sealed

    def _make(self) -> pd.DataFrame:
        seq = pd.RangeIndex(self._rows, name="seq")
        columns = {name: column.column(seq) for name, column in self._columns.items()}
        return pd.DataFrame(columns, seq, copy=False)
