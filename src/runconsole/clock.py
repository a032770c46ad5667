"""A steady clock of wall time: this machine's time when the first console began, advanced monotonically.

The system's clock may be set while a run is followed (by NTP's first step or by a person). A jump must not expire a
question, nor let the events of one run go back in time.
"""

from __future__ import annotations

import sys
import time

from runconsole.events import Micros

__all__ = ["now_micros", "set_clock"]


def _steady_ns() -> int:
    """Return nanoseconds of a clock that cannot be set and that runs on during sleep, where the system has one."""
    if hasattr(time, "CLOCK_BOOTTIME"):  # Linux; its monotonic clock stops in suspend
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    if sys.platform == "darwin":  # unlike `time.monotonic`, which stops in sleep
        return time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    return time.monotonic_ns()


class _Clock:
    ahead_ns = time.time_ns() - _steady_ns()
    """The time of day minus the steady clock, when it was last read."""


def set_clock() -> None:
    """Take the machine's present time of day. Call it only while no run is followed: a run would see a step."""
    _Clock.ahead_ns = time.time_ns() - _steady_ns()


def now_micros() -> Micros:
    """Return the time now, in microseconds since 1970-01-01 UTC. It never goes back, nor jumps ahead."""
    return (_steady_ns() + _Clock.ahead_ns) // 1000
