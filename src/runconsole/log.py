"""The event log: append-only, complete, payloads byte for byte; sealed chunk by chunk into Arrow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runconsole.events import MalformedFrame, Received, UnknownEvent

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["EventLog"]

CHUNK = 4096
"""Events in a sealed chunk: small enough that sealing one is no pause a person could see."""


class EventLog:
    """Every event received, in arrival order. One thread appends; any thread reads.

    Readers take a sealed tuple of chunks and the open chunk in one step, so they never wait for the writer nor it for
    them.
    """

    def __init__(self) -> None:
        self._parts: tuple[tuple[pa.RecordBatch, ...], list[Received]] = ((), [])
        self._sealed_rows = 0
        self.malformed = 0
        """Frames that could not be read."""
        self.unknown = 0
        """Events of a type or shape nobody here knows."""

    def __len__(self) -> int:
        return self._sealed_rows + len(self._parts[1])

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
        batch = _batch(events, self._sealed_rows)
        self._sealed_rows += len(events)
        self._parts = ((*chunks, batch), [])

    def to_arrow(self) -> pa.Table:
        """Return the whole log as it is now, with `SCHEMA`."""
        import pyarrow as pa

        chunks, events = self._parts
        batches = [*chunks, _batch(events[:], sum(map(len, chunks)))]
        return pa.Table.from_batches(batches, schema())

    def newest(self, count: int) -> list[tuple[int, Received]]:
        """Return up to `count` of the newest events with their numbers, from the open chunk only: for a live tail."""
        events = self._parts[1]
        first = max(0, len(events) - count)
        return [(self._sealed_rows + first + i, event) for i, event in enumerate(events[first:])]


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


def _fits(number: int | None) -> int | None:
    """Return the number where 64 bits hold it."""
    return number if number is None or -(2**63) <= number < 2**63 else None
