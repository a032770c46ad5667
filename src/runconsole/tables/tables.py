"""All frames of one run."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from runconsole.log import EventLog
from runconsole.redaction.secrets import NO_SECRETS, Redactor
from runconsole.state import RunState
from runconsole.tables.entities import EntityFrame
from runconsole.tables.events import EventsFrame
from runconsole.tables.output import OutputFrame
from runconsole.tables.specs import BESIDE, FRAMES
from runconsole.tables.typed import TypedFrame

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["Tables"]


class Tables:
    """The DataFrames of one run. Safe to read from any thread while events arrive; each access is the newest state.

    A returned frame is the caller's own: changing it changes nothing here, except writing into a column's `.array`,
    past pandas' own copy-on-write. The cost of an access is that of the changes since the one before.

    The payloads of ``"events"`` are unchanged, byte for byte. `redactor` hides secrets in frames derived from them.
    """

    def __init__(self, state: RunState, log: EventLog, redactor: Redactor = NO_SECRETS) -> None:
        self.log = log
        self.redactor = redactor
        self._events = EventsFrame(log)
        self._entities = {name: EntityFrame(spec, state) for name, spec in (FRAMES | BESIDE).items()}
        self._entities["output"] = OutputFrame(state)
        self._typed: dict[str, TypedFrame] = {}
        self._lock = threading.Lock()

    def frame(self, name: str) -> pd.DataFrame:
        """Return one of `FRAMES`, of `BESIDE`, or ``"events"``."""
        source = self._events if name == "events" else self._entities[name]
        with self._lock:
            return _lent(source.frame())

    def table(self, event_type: str) -> pd.DataFrame:
        """Return every event of one type with each field of its payload as a typed column, nested ones dotted.

        The index is `seq` as in `events`; `received_at` and `timestamp` come first. A payload's own field of one of
        these two names, or a nested one whose dotted name is another field's, is ``payload.<name>``. A field with
        values of different kinds is a column of objects. An unknown type gives an empty frame.
        """
        with self._lock:
            if event_type not in self._typed:
                self._typed[event_type] = TypedFrame(self.log, event_type, self.redactor)
            return _lent(self._typed[event_type].frame())

    def to_arrow(self, name: str = "events") -> pa.Table:
        """Return one of `FRAMES` or ``"events"`` as an Arrow table; lists and dicts as their JSON text."""
        if name == "events":
            return self.log.to_arrow()
        with self._lock:
            return self._entities[name].to_arrow()


def _lent(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a copy that shares its content until a write (copy-on-write)."""
    return frame.copy(deep=False)
