"""Digests of events: a few bytes each, so that all of a run's history is remembered."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator

__all__ = ["Digests"]

_SORTED_HERE = 20_000
"""Up to so many are sorted without numpy, which takes longer to load."""


class Digests:
    """A list of 64-bit digests, eight bytes each, that finds equal ones among those of before the last `freeze`.

    Adding costs next to nothing. What is searched is sorted when it is first asked for after a `freeze`.
    """

    def __init__(self) -> None:
        self._all = array("q")
        self.add = self._all.append
        """Add one digest: what `hash` returns."""
        self._frozen = 0
        self._sorted: array[int] | None = None
        self._order: array[int] = array("I")
        self._taken: array[int] = array("I")

    def __len__(self) -> int:
        return len(self._all)

    def __getitem__(self, place: int) -> int:
        return self._all[place]

    def freeze(self) -> None:
        """Have all that is here now searched from now on, and nothing of it taken."""
        self._frozen = len(self._all)
        self._sorted = None

    def places(self, digest: int) -> Iterator[int]:
        """Yield where a digest was added before the last `freeze`, the newest first."""
        start, stop = self._range(digest)
        return (self._order[position] for position in range(stop - 1, start - 1, -1))

    def count(self, digest: int) -> int:
        """Return how often a digest was added before the last `freeze`."""
        start, stop = self._range(digest)
        return stop - start

    def take(self, digest: int) -> bool:
        """Take one of those that equal this digest; return whether there was one that had not been taken."""
        start, stop = self._range(digest)
        if start == stop or self._taken[start] >= stop - start:
            return False
        self._taken[start] += 1
        return True

    def _range(self, digest: int) -> tuple[int, int]:
        known = self._sorted
        if known is None:
            known = self._sort()
        start = bisect_left(known, digest)
        return start, bisect_right(known, digest, lo=start)

    def _sort(self) -> array[int]:
        count = self._frozen
        if count <= _SORTED_HERE:
            self._order = array("I", sorted(range(count), key=self._all.__getitem__))
            found = array("q", map(self._all.__getitem__, self._order))
        else:
            self._order, found = _sorted_by_numpy(self._all[:count])
        self._taken = array("I", bytes(4 * count))
        self._sorted = found
        return found


def _sorted_by_numpy(digests: array[int]) -> tuple[array[int], array[int]]:
    import numpy as np

    values = np.frombuffer(digests, dtype=np.int64)
    order = np.argsort(values, kind="stable")
    places, found = array("I"), array("q")
    places.frombytes(order.astype(np.uint32).tobytes())
    found.frombytes(values[order].tobytes())
    return places, found
