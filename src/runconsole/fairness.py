"""Long work in steps that lets other threads run in between."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

__all__ = ["in_turns", "quick_turns", "rest"]

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


_USUAL_US, _QUICK_US = 5000, 1000
"""Microseconds after which Python takes the GIL away from a thread: its own, and those of `quick_turns`."""


class _Quick:
    """The number of `quick_turns` of the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0

    def enter(self) -> None:
        with self._lock:
            self._users += 1
            if self._users == 1:
                _switch(_USUAL_US, _QUICK_US)

    def leave(self) -> None:
        with self._lock:
            self._users -= 1
            if not self._users:
                _switch(_QUICK_US, _USUAL_US)


_quick = _Quick()


@contextmanager
def quick_turns() -> Iterator[None]:
    """Have Python switch between threads every millisecond, unless the program has chosen an interval.

    A press passes through several threads of the kernel, and waits in each while a cell computes: 5 ms, Python's own
    interval, are 30 to 100 ms until it is sent.
    """
    _quick.enter()
    try:
        yield
    finally:
        _quick.leave()


def _switch(before: int, after: int) -> None:
    """Change the interval from one value to another; leave any other value."""
    if round(sys.getswitchinterval() * 1e6) == before:
        sys.setswitchinterval(after / 1e6)
