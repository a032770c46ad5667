"""The events of a log by their own time."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

import numpy as np
import pyarrow as pa

from runconsole.events import Micros
from runconsole.log import Rows

__all__ = ["Moments"]


class Moments:
    """Finds events of a log, from number `first` on as it is now, by their time. Slow to make of a long log."""

    def __init__(self, log: Rows, first: int) -> None:
        kind = pa.timestamp("us", tz="UTC")
        columns = [batch.column("timestamp").cast(kind).cast(pa.int64()) for batch in log.batches(first)]
        times = pa.chunked_array(columns, pa.int64())
        filled = times.fill_null(np.iinfo(np.int64).min).to_numpy()
        order = np.argsort(filled, kind="stable")
        self._rows: list[int] = (order + first).tolist()
        self._times: list[int] = filled[order].tolist()

    def rows(self, at: Micros) -> list[int]:
        """Return the numbers of the events with this timestamp."""
        return self._rows[bisect_left(self._times, at) : bisect_right(self._times, at)]
