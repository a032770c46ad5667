"""The parts of the two logs that are searched: blocks of output lines, batches of events."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from runconsole.state.scrollback import Block, PackedField, Scrollback

if TYPE_CHECKING:
    import pyarrow as pa

    from runconsole.log import EventLog
    from runconsole.search.matches import Mask

__all__ = ["EventPart", "OutputPart", "event_parts", "output_parts"]

_COLORS = r"\x1b\[[0-9;:]*m"


class OutputPart:
    """Lines of output: those of a sealed block, or the newest ones."""

    def __init__(self, first: int, held: Block[Any] | list[Any]) -> None:
        self.first = first
        self._held = held
        self.mark: Hashable
        if isinstance(held, Block):
            self.size = held.size
            self.mark = (held, held.revision)
        else:
            self.size = len(held)
            self.mark = tuple(held)

    def items(self, places: Sequence[int]) -> list[Any]:
        """Return the lines at these places."""
        rows = self._rows()
        return [rows[place] for place in places]

    def open(self) -> _OpenLines:
        """Return the columns."""
        columns = self._held.columns() if isinstance(self._held, Block) else None
        return _RowLines(self._rows()) if columns is None else _PackedLines(columns)

    def _rows(self) -> list[Any]:
        return self._held.rows() if isinstance(self._held, Block) else self._held


class _PackedLines:
    """The columns of a sealed block."""

    def __init__(self, columns: dict[str, PackedField]) -> None:
        self._columns = columns

    def among(self, field: str, wanted: Collection[str]) -> Mask:
        """Return for each line whether a field has one of these values."""
        import numpy as np

        numbers, values = self._columns[field]
        chosen = np.array([value in wanted for value in values], bool)
        return chosen[np.frombuffer(numbers, np.int16)]

    def texts(self, field: str) -> pa.Array:
        """Return the texts without colors."""
        import numpy as np
        import pyarrow as pa

        numbers, values = self._columns[field]
        ends = np.frombuffer(numbers, np.intc).cumsum(dtype=np.int32)
        places = pa.py_buffer(np.concatenate((np.zeros(1, np.int32), ends)))
        texts = pa.Array.from_buffers(pa.utf8(), len(ends), [None, places, pa.py_buffer(values)])
        return _without_colors(texts) if b"\x1b" in values else texts


class _RowLines:
    """Lines that are no packed columns: the newest, changed and very long ones."""

    def __init__(self, rows: list[Any]) -> None:
        self._rows = rows

    def among(self, field: str, wanted: Collection[str]) -> Mask:
        """Return for each line whether a field has one of these values."""
        import numpy as np

        return np.array([getattr(row, field) in wanted for row in self._rows], bool)

    def texts(self, field: str) -> pa.Array:
        """Return the texts without colors."""
        return _without_colors(_array([getattr(row, field) for row in self._rows]))


_OpenLines = _PackedLines | _RowLines


class EventPart:
    """Events of one chunk of the log.

    Args:
        first: the number of its first event.
        size: the number of its events: they never change, so it marks the content.
        read: returns the rows.
        events: returns events from a number on, with their numbers.
    """

    def __init__(
        self,
        first: int,
        size: int,
        read: Callable[[], pa.RecordBatch],
        events: Callable[[int, int], list[tuple[int, Any]]],
    ) -> None:
        self.first = first
        self.size = size
        self.mark = (first, size)
        self._read = read
        self._events = events

    def items(self, places: Sequence[int]) -> list[Any]:
        """Return the events at these places."""
        if not places:
            return []
        first = places[0]
        events = self._events(self.first + first, places[-1] - first + 1)
        return [events[place - first][1] for place in places]

    def open(self) -> _Events:
        """Return the columns."""
        return _Events(self._read().slice(0, self.size))

    def counts(self) -> dict[str, int]:
        """Return the number of events by type."""
        return {one["values"]: one["counts"] for one in self.open().texts("type").value_counts().to_pylist()}


class _Events:
    """The columns of events."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self._batch = batch

    def among(self, field: str, wanted: Collection[str]) -> Mask:
        """Return for each event whether a field has one of these values."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        values = pa.array(list(wanted), pa.large_string())
        return np.asarray(pc.is_in(self.texts(field), values).to_numpy(zero_copy_only=False))

    def texts(self, field: str) -> pa.Array:
        """Return the texts of a column."""
        import pyarrow as pa

        return self._batch.column(field).cast(pa.large_string())


def output_parts(lines: Scrollback[Any]) -> list[OutputPart]:
    """Return the present lines in parts. Call it on the thread that appends."""
    held = list(lines.parts())
    firsts = accumulate([part.size if isinstance(part, Block) else len(part) for part in held], initial=0)
    return [OutputPart(first, part) for first, part in zip(firsts, held, strict=False)]


def event_parts(log: EventLog, events: Callable[[int, int], list[tuple[int, Any]]]) -> list[EventPart]:
    """Return the present events in parts; `events` returns those to show, from a number on."""
    return [EventPart(first, size, read, events) for first, size, read in log.parts()]


def _without_colors(texts: pa.Array) -> pa.Array:
    import pyarrow.compute as pc

    return pc.replace_substring_regex(texts, _COLORS, "")


def _array(texts: Sequence[str]) -> pa.Array:
    """Return texts as an array; a lone surrogate, which UTF-8 has not, as a question mark."""
    import pyarrow as pa

    try:
        return pa.array(texts, pa.large_string())
    except UnicodeEncodeError:
        return pa.array([text.encode("utf-8", "replace").decode() for text in texts], pa.large_string())
