"""Which of two moments told by a server is the later one, where its timestamps can say."""

from __future__ import annotations

from runconsole.events import Micros

__all__ = ["LATE_WINDOW", "is_before"]

LATE_WINDOW = 10 * 60 * 1_000_000
"""Microseconds by which an event can be late. Timestamps further apart come from clocks, zones or formats that do not
agree: between those the order of arrival holds, as it does where there are none."""


def is_before(at: Micros | None, known: Micros | None) -> bool:
    """Whether `at` lies before the moment known already, as far as timestamps can be believed."""
    return at is not None and known is not None and 0 < known - at < LATE_WINDOW
