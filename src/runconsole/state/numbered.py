"""A dict that is iterated in the order of its numbers, in any order of insertion."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from typing import Generic, TypeVar

__all__ = ["Numbered"]

V = TypeVar("V")


class Numbered(dict[int, V], Generic[V]):
    """Rows by number, iterated in the order of the numbers; rows are never removed.

    The numbers are sorted by the first read after an insertion, not by each insertion: n rows cost one sort in any
    order of arrival. One thread writes; others may read at the same time.
    """

    _order: tuple[int, ...] = ()

    def _numbers(self) -> tuple[int, ...]:
        order = self._order
        if len(order) != len(self):
            # `dict.keys` in C: no other thread comes between. Nearly sorted already, so this is almost a copy.
            self._order = order = tuple(sorted(list(dict.keys(self))))  # noqa: C414 - copied in one step, then sorted
        return order

    def __iter__(self) -> Iterator[int]:
        return iter(self._numbers())

    def __reversed__(self) -> Iterator[int]:
        return reversed(self._numbers())

    def keys(self) -> KeysView[int]:  # type: ignore[override]
        return KeysView(self)

    def values(self) -> ValuesView[V]:  # type: ignore[override]
        return ValuesView(self)

    def items(self) -> ItemsView[int, V]:  # type: ignore[override]
        return ItemsView(self)
