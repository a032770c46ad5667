"""This machine's clock."""

from __future__ import annotations

import time

from runconsole.events import Micros

__all__ = ["now_micros"]


def now_micros() -> Micros:
    """Return the time now, in microseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1000
