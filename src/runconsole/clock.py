"""This machine's clock, as it was set when the first console began, going on steadily.

A clock that is set while a run is followed (NTP's first step, a person) must not make a question expire, nor events
of one run seem to go back in time.
"""

from __future__ import annotations

import sys
import time

from runconsole.events import Micros

__all__ = ["now_micros", "set_clock"]


def _steady_ns() -> int:
    """Return nanoseconds that nobody can set and that go on while the machine sleeps, where the system has such."""
    if hasattr(time, "CLOCK_BOOTTIME"):  # Linux; its monotonic clock stands still in suspend
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    if sys.platform == "darwin":  # not `time.monotonic`, which stands still in sleep
        return time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    return time.monotonic_ns()


class _Clock:
    ahead_ns = time.time_ns() - _steady_ns()
    """The time of day minus the steady clock, when it was looked at last."""


def set_clock() -> None:
    """Take the time of day that the machine has now. While no run is followed: for those it would be a step."""
    _Clock.ahead_ns = time.time_ns() - _steady_ns()


def now_micros() -> Micros:
    """Return the time now, in microseconds since 1970-01-01 UTC. It never goes back, nor jumps ahead."""
    return (_steady_ns() + _Clock.ahead_ns) // 1000
