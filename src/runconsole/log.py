"""The event log: append-only, complete, payloads byte for byte; sealed chunk by chunk into Arrow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from runconsole.events import Fact, Logged, MalformedFrame, Received, UnknownEvent

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["EventLog"]

CHUNK = 4096
"""Events in a sealed chunk: small enough that sealing one is no pause a person could see."""


class _Sealed(NamedTuple):
    """A full chunk: its rows, and of each one byte that says whether it was understood (an index into `_KINDS`)."""

    rows: pa.RecordBatch
    kinds: bytes


_KINDS: tuple[type[Fact], ...] = (Logged, UnknownEvent, MalformedFrame)


class EventLog:
    """Every event received, in arrival order. One thread appends; any thread reads.

    Readers take a sealed tuple of chunks and the open chunk in one step, so they never wait for the writer nor it for
    them.
    """

    def __init__(self) -> None:
        self._parts: tuple[tuple[_Sealed, ...], list[Received]] = ((), [])
        self.malformed = 0
        """Frames that could not be read."""
        self.unknown = 0
        """Events of a type or shape nobody here knows."""

    def __len__(self) -> int:
        chunks, events = self._parts
        return len(chunks) * CHUNK + len(events)

    def append(self, event: Received) -> None:
        """Add one event at the end."""
        kind = event.fact.__class__
        if kind is UnknownEvent:
            self.unknown += 1
        elif kind is MalformedFrame:
            self.malformed += 1
        open_chunk = self._parts[1]
        open_chunk.append(event)
        if len(open_chunk) >= CHUNK:
            self._seal()

    def _seal(self) -> None:
        chunks, events = self._parts
        kinds = bytes(_KINDS.index(kind) if (kind := event.fact.__class__) in _KINDS else 0 for event in events)
        self._parts = ((*chunks, _Sealed(_batch(events, len(chunks) * CHUNK), kinds)), [])

    def to_arrow(self) -> pa.Table:
        """Return the whole log as it is now, with `SCHEMA`."""
        import pyarrow as pa

        chunks, events = self._parts
        batches = [*(chunk.rows for chunk in chunks), _batch(events[:], len(chunks) * CHUNK)]
        return pa.Table.from_batches(batches, schema())

    def read(self, first: int, count: int) -> list[tuple[int, Received]]:
        """Return up to `count` events from number `first` on, with their numbers.

        What a sealed event means is no longer at hand, only whether it was understood: its fact is a `Logged`,
        `UnknownEvent` or `MalformedFrame`.
        """
        chunks, events = self._parts
        sealed, first = len(chunks) * CHUNK, max(0, first)
        last = min(first + count, sealed + len(events))
        found: list[Received] = []
        for number in range(first // CHUNK, min(len(chunks), -(-last // CHUNK))):
            begin = number * CHUNK
            found += _unsealed(chunks[number], max(first - begin, 0), min(last - begin, CHUNK))
        found += events[max(0, first - sealed) : max(0, last - sealed)]
        return list(enumerate(found, first))


def schema() -> pa.Schema:
    """Return the columns of the log."""
    import pyarrow as pa

    time = pa.timestamp("us", tz="UTC")
    return pa.schema(
        [
            ("seq", pa.int64()),
            ("received_at", time),
            ("timestamp", time),
            ("type", pa.string()),
            ("task_id", pa.string()),
            ("phase", pa.int64()),
            ("wave", pa.int64()),
            ("status", pa.string()),
            ("event_id", pa.string()),
            ("payload", pa.large_string()),
        ]
    )


def _batch(events: list[Received], first: int) -> pa.RecordBatch:
    import pyarrow as pa

    facts = [event.fact for event in events]
    columns: list[Any] = [
        range(first, first + len(events)),
        [event.received_at for event in events],
        [event.timestamp for event in events],
        [event.type for event in events],
        [getattr(fact, "task_id", None) for fact in facts],
        [_fits(getattr(fact, "phase", None)) for fact in facts],
        [_fits(getattr(fact, "wave", None)) for fact in facts],
        [getattr(fact, "status", None) for fact in facts],
        [event.event_id if event.event_id is not None else event.offset for event in events],
        [event.payload for event in events],
    ]
    fields = schema()
    return pa.RecordBatch.from_arrays(
        [pa.array(values, field.type) for values, field in zip(columns, fields, strict=True)], schema=fields
    )


def _unsealed(chunk: _Sealed, begin: int, end: int) -> list[Received]:
    import pyarrow as pa

    rows = chunk.rows.slice(begin, end - begin)
    names = ("type", "task_id", "payload", "received_at", "timestamp", "event_id")
    types = (pa.string(), pa.string(), pa.string(), pa.int64(), pa.int64(), pa.string())
    columns = [rows.column(name).cast(kind).to_pylist() for name, kind in zip(names, types, strict=True)]
    return [
        Received(type_, _meaning(kind, task_id), payload, received_at, timestamp, event_id)
        for kind, type_, task_id, payload, received_at, timestamp, event_id in zip(
            chunk.kinds[begin:end], *columns, strict=True
        )
    ]


def _meaning(kind: int, task_id: str | None) -> Fact:
    return MalformedFrame("") if _KINDS[kind] is MalformedFrame else (Logged, UnknownEvent)[kind](task_id)


def _fits(number: int | None) -> int | None:
    """Return the number where 64 bits hold it."""
    return number if number is None or -(2**63) <= number < 2**63 else None
