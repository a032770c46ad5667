"""Long work in steps that lets other threads run in between."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

__all__ = ["in_turns"]

T = TypeVar("T")

_TURN = 0.001
_REST = 0.00005


def in_turns(steps: Iterable[T]) -> Iterator[T]:
    """Yield the steps of some work and release the GIL about every millisecond.

    Python releases it by itself only every 5 ms, and meanwhile the thread that reads the network waits.
    """
    begin = time.perf_counter()
    for step in steps:
        if time.perf_counter() - begin > _TURN:
            time.sleep(_REST)
            begin = time.perf_counter()
        yield step
