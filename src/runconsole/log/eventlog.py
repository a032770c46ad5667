"""The event log: append-only, complete, payloads byte for byte."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Protocol

from runconsole.events import Fact, MalformedFrame, Received, UnknownEvent
from runconsole.fairness import in_turns
from runconsole.log.chunks import CHUNK, Chunk, Packed, batch_of, count_of, plain, schema

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["EventLog", "Storage"]

_STEP = 1024
"""Events made into rows at a time: few enough that it takes a millisecond or two."""


class Storage(Protocol):
    """Seals full chunks and keeps them."""

    def submit(self, seal: Callable[[], None]) -> None:
        """Call this function, now or soon, on any thread; or never: the chunk then stays unsealed."""

    def keep(self, packed: Packed) -> Callable[[], pa.RecordBatch]:
        """Take a chunk; return a function that gives its rows back as long as it lives."""


class _Count(NamedTuple):
    """The number of events of a kind, in the first so many chunks and in the first so many events behind them."""

    chunks: int
    in_chunks: int
    events: int
    in_events: int


_NOT_COUNTED = _Count(0, 0, 0, 0)


class InMemory:
    """Seals at once and keeps in memory."""

    def submit(self, seal: Callable[[], None]) -> None:
        """Call the function."""
        seal()

    def keep(self, packed: Packed) -> Callable[[], pa.RecordBatch]:
        """Keep the chunk."""
        return packed.read


class EventLog:
    """Every event received, in arrival order. One thread appends; any thread reads.

    Full chunks are sealed: their events become Arrow columns. Readers take the full chunks and the open one in one
    step, so readers and the writer never wait for each other.

    Args:
        storage: seals and keeps the chunks; None seals at once and keeps in memory.
    """

    def __init__(self, storage: Storage | None = None) -> None:
        self._storage = storage or InMemory()
        self._open: list[Received] = []
        self._parts: tuple[tuple[Chunk, ...], list[Received]] = ((), self._open)
        """The readers' snapshot; `_open` is its second half, at hand for the writer."""
        self._counts: dict[type[Fact], _Count] = {}
        """The counts of each kind: only later events are counted again."""

    def __len__(self) -> int:
        chunks, events = self._parts
        return len(chunks) * CHUNK + len(events)

    @property
    def malformed(self) -> int:
        """The number of frames that could not be read."""
        return self._count(MalformedFrame)

    @property
    def unknown(self) -> int:
        """The number of events of an unknown type or shape."""
        return self._count(UnknownEvent)

    def _count(self, kind: type[Fact]) -> int:
        chunks, events = self._parts
        known = self._counts.get(kind, _NOT_COUNTED)
        if known.chunks > len(chunks):  # another thread has counted on while this one stood here
            known = _NOT_COUNTED
        if known.chunks < len(chunks):
            sealed = known.in_chunks + sum(chunk.count(kind) for chunk in chunks[known.chunks :])
            known = _Count(len(chunks), sealed, 0, 0)
        late = events[known.events :]
        known = known._replace(events=known.events + len(late), in_events=known.in_events + count_of(late, kind))
        self._counts[kind] = known
        return known.in_chunks + known.in_events

    def append(self, event: Received) -> None:
        """Add one event at the end."""
        events = self._open
        events.append(event)
        if len(events) >= CHUNK:
            self._close(events)

    def _close(self, events: list[Received]) -> None:
        chunk = Chunk(events)
        self._open = []
        self._parts = ((*self._parts[0], chunk), self._open)
        self._storage.submit(partial(chunk.seal, self._storage.keep))

    def sealed(self, first: int = 0) -> int:
        """Return the number up to which every event from `first` on, where a chunk begins, is sealed."""
        number = first // CHUNK
        for chunk in self._parts[0][number:]:
            if not chunk.is_sealed:
                break
            number += 1
        return number * CHUNK

    def batches(self, first: int = 0) -> Iterator[pa.RecordBatch]:
        """Yield the present events from number `first` on, as rows of at least `schema`, but for `seq`.

        They are packed: see `plain`. Those of a full chunk come at once, and are not copied if it is sealed; the latest
        come in steps of few.
        """
        chunks, events = self._parts
        late = events[max(0, first - len(chunks) * CHUNK) :]
        number, skipped = divmod(max(0, first), CHUNK)
        for place, chunk in enumerate(chunks[number:]):
            yield chunk.rows(0 if place else skipped)
        for begin in range(0, len(late), _STEP):
            yield batch_of(late[begin : begin + _STEP])

    def parts(self) -> Iterator[tuple[int, int, Callable[[], pa.RecordBatch]]]:
        """Yield the present events in parts: the first one's number, their number, and a reader of their rows."""
        chunks, events = self._parts
        late = events[:]
        for number, chunk in enumerate(chunks):
            yield number * CHUNK, CHUNK, chunk.rows
        yield len(chunks) * CHUNK, len(late), partial(batch_of, late)

    def to_arrow(self) -> pa.Table:
        """Return the whole present log, with the columns of `schema`."""
        import numpy as np
        import pyarrow as pa

        batches = list(in_turns(self.batches()))
        seq = pa.array(np.arange(sum(batch.num_rows for batch in batches)))
        columns = [
            pa.chunked_array([plain(batch.column(field.name), field.type) for batch in in_turns(batches)], field.type)
            for field in schema().remove(0)
        ]
        return pa.table([seq, *columns], schema())

    def read(self, first: int, count: int) -> list[tuple[int, Received]]:
        """Return up to `count` events from number `first` on, with their numbers.

        The fact of a sealed event is gone; only its kind is stored. It is a `Logged`, `UnknownEvent`, `MalformedFrame`
        or `Alert` without its fields, else a `KnownEvent`.
        """
        chunks, events = self._parts
        full, first = len(chunks) * CHUNK, max(0, first)
        last = min(first + count, full + len(events))
        found: list[Received] = []
        for number in range(first // CHUNK, min(len(chunks), -(-last // CHUNK))):
            begin = number * CHUNK
            found += chunks[number].events(max(first - begin, 0), min(last - begin, CHUNK))
        found += events[max(0, first - full) : max(0, last - full)]
        return list(enumerate(found, first))
