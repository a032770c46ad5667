"""The DataFrames of a run as attributes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from runconsole.tables import Tables

__all__ = ["RunFrames"]


class RunFrames(ABC):
    """Complete, typed DataFrames at any time, from any thread; the same columns and dtypes also when empty.

    Times are ``datetime64[us, UTC]``, durations seconds; unknown is NA. Each access is the newest state and the
    caller's own: changing a frame changes nothing here.
    """

    @property
    @abstractmethod
    def _frames(self) -> Tables:
        """The frames of this run."""

    @property
    def events(self) -> pd.DataFrame:
        """One row per event received, in arrival order; `payload` is the JSON text as received."""
        return self._frames.frame("events")

    @property
    def tasks(self) -> pd.DataFrame:
        """One row per task, in order of first appearance."""
        return self._frames.frame("tasks")

    @property
    def subtasks(self) -> pd.DataFrame:
        """One row per subtask, by task."""
        return self._frames.frame("subtasks")

    @property
    def phases(self) -> pd.DataFrame:
        """One row per phase of an execution, by number."""
        return self._frames.frame("phases")

    @property
    def waves(self) -> pd.DataFrame:
        """One row per wave of an execution, by number."""
        return self._frames.frame("waves")

    @property
    def artifacts(self) -> pd.DataFrame:
        """One row per file made or changed; `size` in bytes."""
        return self._frames.frame("artifacts")

    @property
    def errors(self) -> pd.DataFrame:
        """One row per error, in arrival order."""
        return self._frames.frame("errors")

    @property
    def output(self) -> pd.DataFrame:
        """One row per piece of output, as written."""
        return self._frames.frame("output")

    @property
    def checkpoints(self) -> pd.DataFrame:
        """One row per question of the run, with its answer."""
        return self._frames.frame("checkpoints")

    @property
    def decisions(self) -> pd.DataFrame:
        """One row per decision made here, with how it ended."""
        return self._frames.frame("decisions")

    @property
    def links(self) -> pd.DataFrame:
        """One row per change of the link, with what was missed and recovered."""
        return self._frames.frame("links")

    def table(self, event_type: str) -> pd.DataFrame:
        """Return every event of one type, each field of its payload a typed column (nested fields dotted)."""
        return self._frames.table(event_type)

    def to_arrow(self) -> pa.Table:
        """Return `events` as an Arrow table."""
        return self._frames.log.to_arrow()
