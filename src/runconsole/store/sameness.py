"""Comparison of two events in different spellings. Slow: for the few that are not equal to the letter."""

from __future__ import annotations

from typing import Any

from runconsole.decoding.payload import loads
from runconsole.decoding.times import read_time
from runconsole.events import Micros, Received

__all__ = ["is_id_within", "is_same"]

_ADDED = frozenset(
    {
        "replayed",
        "replay",
        "isreplay",
        "redelivered",
        "duplicate",
        "isduplicate",
        "historical",
        "ishistorical",
        "resent",
    }
)
"""Fields that a server adds to an event that it sends again, without case and underscores."""
_OWN_IDS = frozenset({"id", "eventid", "messageid", "msgid", "uuid"})
_ROUND: tuple[Micros, ...] = (1_000, 1_000_000)
"""Steps of clocks that databases cut times to."""
_TIME_LENGTH = 19


def is_same(earlier: Received, event: Received, *, restamped: bool = False) -> bool:
    """Return whether two events with the same mark are one.

    Key order, spacing, escapes, ``1.0`` for ``1`` and the form of times do not matter; nor do fields that only one of
    them has, as long as they have more in common. `restamped`: nor does the event's own time.
    """
    if earlier.type != event.type:
        return False
    one, other = earlier.timestamp, event.timestamp
    is_timed = one is not None and other is not None
    if is_timed and not restamped and not _same_moment(one or 0, other or 0):
        return False
    try:
        mine, theirs = loads(earlier.payload), loads(event.payload)
        if restamped and isinstance(mine, dict) and isinstance(theirs, dict):
            mine, theirs = ({k: v for k, v in data.items() if k != "timestamp"} for data in (mine, theirs))
        return _agree(mine, theirs, leniently=is_timed and not restamped)
    except (ValueError, RecursionError):
        return False


def is_id_within(mark: str, event: Received) -> bool:
    """Return whether a mark is the id of something that the event is about: of its task, its execution, its agent."""
    if getattr(event.fact, "task_id", None) == mark:
        return True
    beside = event.beside
    if beside is not None and mark in beside:
        return True
    try:
        data = loads(event.payload)
    except ValueError:
        return False
    return isinstance(data, dict) and any(
        _plain(key).endswith("id") and _plain(key) not in _OWN_IDS and str(value) == mark
        for part in (data, data.get("metadata"), data.get("data"), data.get("payload"))
        if isinstance(part, dict)
        for key, value in part.items()
    )


def _same_moment(one: Micros, other: Micros) -> bool:
    """Return whether two times are one, of which one may have been cut or rounded."""
    return one == other or any((one % step == 0 or other % step == 0) and abs(one - other) < step for step in _ROUND)


def _plain(key: object) -> str:
    return str(key).replace("_", "").replace("-", "").lower()


def _agree(one: Any, other: Any, *, leniently: bool) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return _agree_in_parts(one, other, leniently=leniently)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(
            _agree(mine, theirs, leniently=leniently) for mine, theirs in zip(one, other, strict=True)
        )
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return one == other or (one != one and other != other) or _same_as_float(one, other)  # noqa: PLR0124 - NaN
    if isinstance(one, str) and isinstance(other, str):
        return one == other or _same_time(one, other)
    return type(one) is type(other) and one == other


def _agree_in_parts(one: dict[str, Any], other: dict[str, Any], *, leniently: bool) -> bool:
    mine, theirs = (
        {key: value for key, value in part.items() if value is not None and _plain(key) not in _ADDED}
        for part in (one, other)
    )
    shared = mine.keys() & theirs.keys()
    if not leniently and len(mine.keys() ^ theirs.keys()) > len(shared):
        return False
    return all(_agree(mine[key], theirs[key], leniently=leniently) for key in shared)


def _same_as_float(one: float, other: float) -> bool:
    try:
        return float in {type(one), type(other)} and float(one) == float(other)
    except OverflowError:
        return False


def _same_time(one: str, other: str) -> bool:
    if min(len(one), len(other)) < _TIME_LENGTH or not (one[0].isdigit() and other[0].isdigit()):
        return False
    moment = read_time(one)
    return moment is not None and moment == read_time(other)
