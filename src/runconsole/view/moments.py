"""Times and durations of static reports."""

from __future__ import annotations

from datetime import UTC, datetime

from runconsole.events import Micros
from runconsole.view.markup import Markup, text
from runconsole.view.screen import duration

__all__ = ["instant", "seconds"]


def instant(at: Micros | datetime | None) -> Markup:
    """Return a time in UTC to the second, ``2026-11-28 10:32:05 UTC``; nothing for None."""
    if at is None:
        return Markup("")
    moment = datetime.fromtimestamp(at // 1_000_000, UTC) if isinstance(at, int) else at.astimezone(UTC)
    return text(f"{moment:%Y-%m-%d %H:%M:%S} UTC")


def seconds(length: float | None) -> Markup:
    """Return a duration, ``10m 23s`` or ``0.25s``; nothing for None."""
    return Markup("") if length is None else text(duration(length) if length >= 1 else f"{length:.2f}s")
