"""The progress in the content of an activity, in the shapes that agents use."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

__all__ = ["Progress", "progress_of"]

_PERCENTS = ("percent", "percentage", "progressPercent", "progress_percent")
_FRACTIONS = ("progress", "fraction")
_DONE = ("completed", "current", "done", "processed", "value", "progress")
_TOTALS = ("total", "max", "count")
_MESSAGES = ("message", "step", "status", "detail")
_TITLES = ("title", "name", "label", "task")


class Progress(NamedTuple):
    """Progress in percent, with its words."""

    percent: float
    title: str | None
    message: str | None


def progress_of(content: Mapping[str, Any]) -> Progress | None:
    """Return the progress in an activity; None where it reports none.

    It is a percentage, a fraction of at most 1 under ``progress``, or a count beside its total.
    """
    percent = _percent(content)
    if percent is None:
        return None
    return Progress(max(0.0, min(100.0, percent)), _text(content, _TITLES), _text(content, _MESSAGES))


def _percent(content: Mapping[str, Any]) -> float | None:
    total, done = _number(content, _TOTALS), _number(content, _DONE)
    if total and done is not None:
        return 100 * done / total
    percent = _number(content, _PERCENTS)
    if percent is not None:
        return percent
    fraction = _number(content, _FRACTIONS)
    if fraction is None:
        return None
    return 100 * fraction if fraction <= 1 else fraction


def _number(content: Mapping[str, Any], names: tuple[str, ...]) -> float | None:
    for name in names:
        value = content.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    return None


def _text(content: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    return next((value for name in names if isinstance(value := content.get(name), str) and value), None)
