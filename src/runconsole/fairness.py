"""Long work in steps between which other threads have their turn."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

__all__ = ["in_turns"]

T = TypeVar("T")

_TURN = 0.001
_REST = 0.00005


def in_turns(steps: Iterable[T]) -> Iterator[T]:
    """Yield the steps of some work and let go of Python's lock about every millisecond.

    A thread that computes gives it up by itself only every 5 ms, and the thread that reads the network waits for it.
    """
    begin = time.perf_counter()
    for step in steps:
        if time.perf_counter() - begin > _TURN:
            time.sleep(_REST)
            begin = time.perf_counter()
        yield step
