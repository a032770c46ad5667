"""A dict that is iterated in the order of its numbers, in any order of insertion."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from itertools import islice
from typing import Generic, TypeVar

__all__ = ["Numbered"]

V = TypeVar("V")


class Numbered(dict[int, V], Generic[V]):
    """Rows by number, iterated in the order of the numbers; rows are never removed.

    The first read after insertions sorts the new numbers in, and no insertion does: n rows cost one sort in any order
    of arrival. One thread writes; others may read at the same time.
    """

    _numbers: tuple[int, ...] = ()
    _highest = -1
    _compared = 0
    """The number of rows among which the highest is known."""

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers in their order."""
        known = self._numbers
        while len(known) != (count := len(self)):
            new = sorted(self._newest(count - len(known)))
            if len(self) == count:  # else another thread came between, and `new` lacks a number
                self._numbers = known = _merged(known, new)
        return known

    def next_number(self) -> int:
        """Return the number behind the highest, at least 0. Only for the thread that writes."""
        added = len(self) - self._compared
        if added:
            self._highest = max(self._highest, *self._newest(added))
            self._compared = len(self)
        return self._highest + 1

    def _newest(self, count: int) -> list[int]:
        """Return the numbers that were inserted last."""
        return list(islice(dict.__reversed__(self), count))

    def __iter__(self) -> Iterator[int]:
        return iter(self.numbers)

    def __reversed__(self) -> Iterator[int]:
        return reversed(self.numbers)

    def keys(self) -> KeysView[int]:  # type: ignore[override]
        return KeysView(self)

    def values(self) -> ValuesView[V]:  # type: ignore[override]
        return ValuesView(self)

    def items(self) -> ItemsView[int, V]:  # type: ignore[override]
        return ItemsView(self)


def _merged(known: tuple[int, ...], new: list[int]) -> tuple[int, ...]:
    if not known or new[0] > known[-1]:
        return (*known, *new)
    if new[-1] < known[0]:
        return (*new, *known)
    return tuple(sorted((*known, *new)))  # two runs in order: merged, not sorted
