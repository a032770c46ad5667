"""Long work in steps that lets other threads run in between."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

__all__ = ["in_turns", "rest"]

T = TypeVar("T")

_TURN = 0.001
_REST = 0.00005
_IDLE = 0.05
"""Seconds without a step after which a thread has surely let others run meanwhile."""


class _Turn(threading.local):
    """The present turn of a thread: work within work, or right after it, is of the same turn."""

    begin = 0.0


_turn = _Turn()


def in_turns(steps: Iterable[T]) -> Iterator[T]:
    """Yield the steps of some work, and `rest` before each."""
    for step in steps:
        rest()
        yield step


def rest() -> None:
    """Release the GIL if this thread's turn has lasted a millisecond.

    Python releases it by itself only every 5 ms, and meanwhile the thread that reads the network waits.
    """
    now = time.perf_counter()
    if now - _turn.begin > _IDLE:
        _turn.begin = now
    elif now - _turn.begin > _TURN:
        time.sleep(_REST)
        _turn.begin = time.perf_counter()
