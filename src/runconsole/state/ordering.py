"""The order of two timestamps of a server, as far as they are credible."""

from __future__ import annotations

from runconsole.events import Micros

__all__ = ["LATE_WINDOW", "is_before"]

LATE_WINDOW = 10 * 60 * 1_000_000
"""Microseconds by which an event can be late. Timestamps further apart come from clocks, zones or formats that do not
agree: between those the order of arrival holds, as it does without timestamps."""


def is_before(at: Micros | None, known: Micros | None) -> bool:
    """Return whether `at` lies before the known time, as far as timestamps are credible."""
    return at is not None and known is not None and 0 < known - at < LATE_WINDOW
