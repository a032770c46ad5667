"""The rows of a growing log that a search chooses: found part by part, and kept for the next question."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    import numpy as np

    from runconsole.search.query import Search

    Mask = np.ndarray[Any, np.dtype[np.bool_]]

__all__ = ["Cancelled", "Matches", "Part"]


class Cancelled(Exception):
    """Raised by a search that nobody waits for any more."""


class Columns(Protocol):
    """The columns of a part."""

    def texts(self, field: str) -> Any:
        """Return a column of text as an Arrow array; of output without colors."""

    def among(self, field: str, wanted: Collection[str]) -> Mask:
        """Return for each row whether a field has one of these values."""


class Part(Protocol):
    """A part of a log: a few thousand rows at most, as they were at one moment."""

    @property
    def first(self) -> int:
        """The number of its first row."""

    @property
    def size(self) -> int:
        """The number of its rows."""

    @property
    def mark(self) -> Hashable:
        """A value that is equal for equal contents."""

    def items(self, places: Sequence[int]) -> list[Any]:
        """Return the rows at these places."""

    def open(self) -> Columns:
        """Return its columns, in memory as long as the result."""


class _Found(NamedTuple):
    """The chosen rows of a part."""

    mark: Hashable
    places: np.ndarray[Any, np.dtype[np.uint16]]
    """Of the chosen rows, ascending."""
    ends_with_error: bool


class Matches:
    """The rows that a search chooses. Used by one thread.

    Args:
        search: the search.
        wider: the matches of a search that it narrows, if there is one: parts without any of those are not searched.
    """

    def __init__(self, search: Search, wider: Matches | None = None) -> None:
        self.search = search
        self._wider = wider
        self._parts: Sequence[Part] = ()
        self._found: list[_Found] = []
        self._ends: list[int] = [0]
        """The number of matches before each part, and at the end."""

    def __len__(self) -> int:
        return self._ends[-1]

    def update(self, parts: Sequence[Part], is_cancelled: Callable[[], bool]) -> None:
        """Search the parts that are new or have changed. Raises Cancelled; the next update goes on from there."""
        known, ends_with_error = self._found, False
        found: list[_Found] = []
        for number, part in enumerate(parts):
            old = known[number] if number < len(known) else None
            if old is None or old.mark != (part.mark, ends_with_error):
                if is_cancelled():
                    self._found = found + known[number:]
                    raise Cancelled
                old = self._search(number, part, ends_with_error)
            found.append(old)
            ends_with_error = old.ends_with_error
        self._parts, self._found, self._wider = parts, found, None
        self._ends = list(accumulate([len(one.places) for one in found], initial=0))

    def _search(self, number: int, part: Part, follows_error: bool) -> _Found:  # noqa: FBT001 - of its class
        import numpy as np

        if self._wider is not None and self._wider.is_empty(number, part):
            chosen = np.zeros(part.size, bool)
        else:
            chosen = self.search.chosen(part)
        mark, ends_with_error = (part.mark, follows_error), False
        if self.search.query.errors and part.size:
            before = np.concatenate(([follows_error], chosen[:-1]))
            ends_with_error = bool(chosen[-1])
            chosen = chosen & ~before
        return _Found(mark, np.flatnonzero(chosen).astype(np.uint16), ends_with_error)

    def is_empty(self, number: int, part: Part) -> bool:
        """Return whether this part is known to have no match."""
        if number >= len(self._found):
            return False
        known = self._found[number]
        return len(known.places) == 0 and known.mark == (part.mark, False)

    def number(self, ordinal: int) -> int:
        """Return the number of the row of the match that has this many before it."""
        place = bisect_right(self._ends, ordinal) - 1
        return self._parts[place].first + int(self._found[place].places[ordinal - self._ends[place]])

    def rank(self, number: int) -> int:
        """Return the number of matches in the rows before this one."""
        place = bisect_right(self._parts, number, key=lambda part: part.first) - 1
        if place < 0:
            return 0
        here = self._found[place].places
        return self._ends[place] + int(here.searchsorted(number - self._parts[place].first))

    def rows(self, first: int, count: int) -> Iterator[tuple[int, Any]]:
        """Yield the rows of up to `count` matches from the one with this ordinal on, with their numbers."""
        last = min(first + count, len(self))
        while first < last:
            place = bisect_right(self._ends, first) - 1
            part, begin = self._parts[place], self._ends[place]
            places = self._found[place].places[first - begin : last - begin].tolist()
            yield from zip([part.first + one for one in places], part.items(places), strict=True)
            first += len(places)
