"""The changes of status of every task, in compact columns: the history that the rows of the tasks do not keep."""

from __future__ import annotations

from array import array
from typing import NamedTuple

from runconsole.events import Micros, TaskStatus

__all__ = ["STATUSES", "TurnColumns", "Turns"]

STATUSES = tuple(TaskStatus)
"""The statuses by their code in a column."""
_CODES = {status: code for code, status in enumerate(STATUSES)}


class TurnColumns(NamedTuple):
    """A copy of the columns: the position of the task, the time, and the code of the status of each change."""

    positions: array[int]
    times: array[int]
    statuses: bytes


class Turns:
    """Changes of status in the order in which they became known. Rows are only added; one takes 13 bytes."""

    def __init__(self) -> None:
        self._positions = array("i")
        self._times = array("q")
        self._statuses = bytearray()

    def __len__(self) -> int:
        return len(self._statuses)

    def note(self, position: int, at: Micros, status: TaskStatus) -> None:
        """Note that the task at this position has this status from a time on."""
        self._positions.append(position)
        self._times.append(at)
        self._statuses.append(_CODES[status])

    def positions(self, first: int) -> array[int]:
        """Return the positions of the tasks of the changes from number `first` on."""
        return self._positions[first:]

    def columns(self) -> TurnColumns:
        """Return a copy. It costs about as much as copying the bytes: a million changes take two milliseconds."""
        return TurnColumns(self._positions[:], self._times[:], bytes(self._statuses))
