"""The `events` frame: the log's rows, taken over as they come."""

from __future__ import annotations

import pandas as pd

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
        self._frame = self._make()

    def frame(self) -> pd.DataFrame:
        """Return every event so far, by `seq`."""
        rows = len(self._log)
        if rows > self._rows:
            self._take_over(rows)
            self._frame = self._make()
        return self._frame

    def _take_over(self, rows: int) -> None:
        for column in self._columns.values():
            column.reserve(rows)
        for batch in self._log.batches(self._rows):  # Arrow works without Python's lock
            for name, column in self._columns.items():
                column.extend(batch.column(name))
            self._rows += batch.num_rows

    def _make(self) -> pd.DataFrame:
        frame = pd.DataFrame({name: column.column() for name, column in self._columns.items()}, copy=False)
        frame.index = pd.RangeIndex(self._rows, name="seq")
        return frame
