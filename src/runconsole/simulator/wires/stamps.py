"""Times of the simulator's events as agent servers write them."""

from __future__ import annotations

from datetime import datetime

__all__ = ["milliseconds"]


def milliseconds(stamp: str) -> int:
    """Return an ISO 8601 time as milliseconds since 1970."""
    return round(datetime.fromisoformat(stamp).timestamp() * 1000)
