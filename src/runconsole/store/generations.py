"""A memory of the newest things, at a constant cost however much it has forgotten."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

__all__ = ["Recent"]

V = TypeVar("V")


class Recent(Generic[V]):
    """Remembers what was noted of the newest keys: of at least `capacity` of them, at most twice as many.

    Two generations: when the newer one is full the older one is forgotten whole. (Taking the oldest key out of one
    `dict` costs the more the more have been taken out before.)

    Args:
        capacity: in keys.
        forgotten: called with the keys that are forgotten; some of them may have been noted again since.
    """

    __slots__ = ("_capacity", "_forgotten", "_newer", "_older")

    def __init__(self, capacity: int, forgotten: Callable[[Iterable[int]], Any] | None = None) -> None:
        self._capacity = capacity
        self._forgotten = forgotten
        self._newer: dict[int, V] = {}
        self._older: dict[int, V] = {}

    def __contains__(self, key: int) -> bool:
        return key in self._newer or key in self._older

    def get(self, key: int) -> V | None:
        """Return what was noted of a key, None where nothing is remembered."""
        value = self._newer.get(key)
        return self._older.get(key) if value is None else value

    def note(self, key: int, value: V) -> V | None:
        """Note something of a key; return what was noted of it before, None where nothing is remembered."""
        newer = self._newer
        known = newer.get(key)
        newer[key] = value
        if known is None:
            known = self._older.get(key)
            if len(newer) >= self._capacity:
                old, self._older, self._newer = self._older, newer, {}
                if self._forgotten is not None:
                    self._forgotten(old)
        return known
