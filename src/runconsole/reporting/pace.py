"""Holds back what tasks report often: progress and output leave once a second for each task, the newest state of it."""

from __future__ import annotations

from collections.abc import Callable

from runconsole.reporting.records import TaskRecord

__all__ = ["EVERY_S", "MOST_WAITING", "ReportPace", "joined"]

EVERY_S = 1.0
"""Seconds between two events of progress, or of output, of one task."""
_TICK_S = 0.25
MOST_WAITING = 65_536
"""Characters of output that wait; more leave at once."""


class ReportPace:
    """Tasks with something that waits for its turn.

    Args:
        later: runs a function after some seconds, on another thread.
        flush: sends what is due; called on another thread, after `hold`.
    """

    def __init__(self, later: Callable[[float, Callable[[], None]], None], flush: Callable[[], None]) -> None:
        self._later = later
        self._flush = flush
        self._held: dict[TaskRecord, None] = {}
        self._is_timed = False

    def hold(self, record: TaskRecord) -> None:
        """Note that something of a task waits. Under the emitter's lock."""
        self._held[record] = None
        if not self._is_timed:
            self._is_timed = True
            self._later(_TICK_S, self._flush)

    def drop(self, record: TaskRecord) -> None:
        """Note that nothing of a task waits. Under the emitter's lock."""
        self._held.pop(record, None)

    def held(self) -> list[TaskRecord]:
        """Return the tasks of which something waits. Under the emitter's lock."""
        return list(self._held)

    def take(self) -> list[TaskRecord]:
        """Return the same, and wait for none of them any more. Under the emitter's lock."""
        self._is_timed = False
        held, self._held = self._held, {}
        return list(held)


def joined(pieces: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return output with neighbors on the same stream joined, in pieces of bounded length."""
    texts: list[tuple[str, list[str]]] = []
    for stream, text in pieces:
        if texts and texts[-1][0] == stream:
            texts[-1][1].append(text)
        else:
            texts.append((stream, [text]))
    return [
        (stream, whole[first : first + MOST_WAITING])
        for stream, parts in texts
        for whole in ["".join(parts)]
        for first in range(0, len(whole), MOST_WAITING)
    ]
