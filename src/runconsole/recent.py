"""A memory of the newest things, at a constant cost however much it has forgotten."""

from __future__ import annotations

from typing import Generic, TypeVar

__all__ = ["Recent"]

V = TypeVar("V")


class Recent(Generic[V]):
    """Remembers what was noted of the newest keys: of at least `capacity` of them, at most twice as many.

    Two generations: when the newer one is full the older one is forgotten whole. (Taking the oldest key out of one
    `dict` costs the more the more have been taken out before.)
    """

    __slots__ = ("_capacity", "_newer", "_older")

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._newer: dict[int, V] = {}
        self._older: dict[int, V] = {}

    def get(self, key: int) -> V | None:
        """Return what was noted of a key, None where nothing is remembered."""
        value = self._newer.get(key)
        return self._older.get(key) if value is None else value

    def __contains__(self, key: int) -> bool:
        return key in self._newer or key in self._older

    def note(self, key: int, value: V) -> dict[int, V] | None:
        """Note something of a key; return what is forgotten for it, if anything is."""
        newer = self._newer
        newer[key] = value
        if len(newer) < self._capacity:
            return None
        forgotten, self._older, self._newer = self._older, newer, {}
        return forgotten
