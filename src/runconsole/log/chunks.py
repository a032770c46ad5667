"""Chunks of the log: events, and the columns made of them."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import accumulate
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from runconsole.events import Alert, Fact, Logged, MalformedFrame, Received, UnknownEvent
from runconsole.fairness import in_turns

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["CHUNK", "Chunk", "Keep", "Packed", "batch_of", "count_of", "plain", "schema", "stored"]

CHUNK = 4096
"""Events in a sealed chunk: sealing one must be no visible pause. At most 2**15."""

Keep: TypeAlias = Callable[["Packed"], Callable[[], "pa.RecordBatch"]]
"""A store of chunks: takes a chunk and returns a function that gives its rows back."""


class KnownEvent(Fact, frozen=True, gc=False):
    """A known event of the log whose fact is no longer in memory."""

    task_id: str | None = None


_KINDS: tuple[type[Fact], ...] = (KnownEvent, UnknownEvent, MalformedFrame, Logged, Alert)
"""The kind of an event's fact, stored as an index into this."""
_COUNTED: tuple[type[Fact], ...] = (UnknownEvent, MalformedFrame)
_CODES = {kind: code for code, kind in enumerate(_KINDS)}
_MARKS = ("number", "offset", "correlation_id")
"""The fields of each event's envelope that are in no column of the log; a recording of the run needs them."""
_REPEATED = frozenset({"type", "task_id", "phase", "wave", "status"})
"""Columns in which a chunk usually repeats a few values."""
_TEXTS = frozenset({"type", "task_id", "status", "event_id", "payload", "offset", "correlation_id"})
"""Columns of text; the others hold numbers."""
_ABOUT = ("task_id", "phase", "wave", "status")
"""The fields of an event's fact that a row holds, if the fact has them."""

_STORED = ("received_at", "timestamp", "type", *_ABOUT, "event_id", "payload", "kind", *_MARKS)
"""The columns of a chunk."""


class _Sealed(NamedTuple):
    """A reader of a chunk's rows, and the number of its events by kind."""

    read: Callable[[], pa.RecordBatch]
    counts: Mapping[type[Fact], int]


class Chunk:
    """A full chunk: its events as received, until `seal` replaces them by columns. Any thread may read."""

    __slots__ = ("_held",)

    def __init__(self, events: Sequence[Received]) -> None:
        self._held: Sequence[Received] | _Sealed = events

    @property
    def is_sealed(self) -> bool:
        """True if the events have become columns."""
        return isinstance(self._held, _Sealed)

    def seal(self, keep: Keep) -> None:
        """Make columns of the events and give them to `keep`. Once, by one thread."""
        events = self._held
        if not isinstance(events, _Sealed):
            counts = {kind: count_of(events, kind) for kind in _COUNTED}
            self._held = _Sealed(keep(Packed.of(events)), counts)

    def count(self, kind: type[Fact]) -> int:
        """Return the number of events of this kind: `UnknownEvent` or `MalformedFrame`."""
        held = self._held
        return held.counts[kind] if isinstance(held, _Sealed) else count_of(held, kind)

    def rows(self, first: int = 0, last: int = CHUNK) -> pa.RecordBatch:
        """Return the events from number `first` up to `last` as rows, packed: see `plain`.

        They have the columns of `stored`; before the chunk is sealed, only those of the log.
        """
        held = self._held
        if not isinstance(held, _Sealed):
            return batch_of(held[first:last])
        return held.read().slice(first, last - first)

    def events(self, first: int, last: int) -> Sequence[Received]:
        """Return the events from number `first` up to `last`, those of a sealed chunk without their facts."""
        held = self._held
        return held[first:last] if not isinstance(held, _Sealed) else _events_of(self.rows(first, last))


class ArrowColumn(NamedTuple):
    """A column's memory in Arrow's layout. It is made without Arrow, which takes long to load: only readers load it."""

    valid: bytes | None
    """A validity bit for each value, None if all are valid."""
    buffers: tuple[array[int] | bytes, ...]
    """() for a column of Nones; else the numbers, or the start of each text and all texts as UTF-8."""
    values: ArrowColumn | None = None
    """The different values, if the numbers are indices into them."""
    length: int = 0

    @property
    def nbytes(self) -> int:
        """The size in bytes."""
        own = sum(memoryview(buffer).nbytes for buffer in self.buffers) + len(self.valid or b"")
        return own + (0 if self.values is None else self.values.nbytes)

    def read(self, kind: pa.DataType) -> pa.Array:
        """Return it as an array over the same bytes; see `plain`."""
        import pyarrow as pa

        if not self.buffers:
            return pa.nulls(self.length)
        buffers = [None if self.valid is None else pa.py_buffer(self.valid), *map(pa.py_buffer, self.buffers)]
        if self.values is None:
            return pa.Array.from_buffers(kind, self.length, buffers)
        codes = pa.Array.from_buffers(pa.int16(), self.length, buffers)
        return pa.DictionaryArray.from_arrays(codes, self.values.read(kind), safe=False)


class Packed(NamedTuple):
    """A chunk's rows in little memory: times and payloads unchanged, each other value held once."""

    columns: tuple[ArrowColumn, ...]

    @classmethod
    def of(cls, events: Sequence[Received]) -> Packed:
        """Pack events."""
        named = zip(_STORED, _values_of(events), strict=True)
        return cls(tuple(_column(values, name, len(events)) for name, values in in_turns(named)))

    @property
    def nbytes(self) -> int:
        """The size in bytes."""
        return sum(column.nbytes for column in self.columns)

    def read(self) -> pa.RecordBatch:
        """Return the rows of `stored`, packed: see `plain`. Nothing is copied: frames show the same bytes."""
        import pyarrow as pa

        arrays = [column.read(field.type) for column, field in zip(self.columns, stored(), strict=True)]
        return pa.RecordBatch.from_arrays(arrays, _STORED)


def count_of(events: Sequence[Received], kind: type[Fact]) -> int:
    """Return the number of events with a fact of this kind."""
    return sum([event.fact.__class__ is kind for event in events])


@cache
def schema() -> pa.Schema:
    """Return the columns of the log."""
    import pyarrow as pa

    time = pa.timestamp("us", tz="UTC")
    return pa.schema(
        [
            ("seq", pa.int64()),
            ("received_at", time),
            ("timestamp", time),
            ("type", pa.large_string()),
            ("task_id", pa.large_string()),
            ("phase", pa.int64()),
            ("wave", pa.int64()),
            ("status", pa.large_string()),
            ("event_id", pa.large_string()),
            ("payload", pa.large_string()),
        ]
    )


@cache
def stored() -> pa.Schema:
    """Return the columns of a chunk: those of the log without `seq`, and `kind` (see `_KINDS`) and `_MARKS`."""
    import pyarrow as pa

    kinds = (pa.uint8(), pa.int64(), pa.large_string(), pa.large_string())
    return pa.schema([*schema().remove(0), *map(pa.field, ("kind", *_MARKS), kinds)])


def batch_of(events: Sequence[Received]) -> pa.RecordBatch:
    """Return the events as rows of the log's columns, packed: see `plain`."""
    import pyarrow as pa

    shown = schema().remove(0)
    # `stored` begins with these columns; the others, which no frame shows, are not even made.
    made = zip(shown, _values_of(events), strict=False)
    columns = [_column(values, field.name, len(events), code=False).read(field.type) for field, values in made]
    return pa.RecordBatch.from_arrays(columns, shown.names)


def plain(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return a column of packed rows with each value in its place.

    Packed, a column without any value is of Arrow's null type, and a column of few values is a dictionary.
    """
    import pyarrow as pa

    # Arrow's own pool gives memory back at once, and a page that the system must find again costs more than the copy.
    return column if column.type == kind else column.cast(kind, memory_pool=pa.system_memory_pool())


def _values_of(events: Sequence[Received]) -> Iterator[Sequence[Any] | None]:
    """Yield the values of each column of `stored`; None for one that has none."""
    facts = [event.fact for event in events]
    kinds = set(map(type, facts))
    yield [event.received_at for event in events]
    yield [event.timestamp for event in events]
    yield [event.type for event in events]
    for name in _ABOUT:
        yield _field_of(facts, kinds, name)
    yield [event.event_id if event.offset is None else _mark(event) for event in events]
    yield [event.payload for event in events]
    yield _kinds_of(facts, kinds)
    yield [event.seq for event in events]
    yield [event.offset for event in events]
    yield [event.correlation_id for event in events]


def _field_of(facts: Sequence[Fact], kinds: set[type[Fact]], name: str) -> list[Any] | None:
    """Return a field of each fact, None where it has none; None for a column of Nones."""
    have = [kind for kind in kinds if name in kind.__struct_fields__]
    if not have:
        return None
    if len(have) == len(kinds):
        return list(map(attrgetter(name), facts))
    return [getattr(fact, name, None) for fact in facts]


def _mark(event: Received) -> str | None:
    return event.offset if event.event_id is None else event.event_id


def _kinds_of(facts: Sequence[Fact], kinds: set[type[Fact]]) -> bytes:
    if kinds.isdisjoint(_KINDS):
        return bytes(len(facts))
    return bytes([_CODES.get(fact.__class__, 0) for fact in facts])


def _column(values: Sequence[Any] | None, name: str, count: int, *, code: bool = True) -> ArrowColumn:
    """Return a column of the values; with `code`, a column of few values holds each of them once.

    A column of a single value does in any case.
    """
    if values is None:
        return ArrowColumn(None, (), length=count)
    if isinstance(values, bytes):
        return ArrowColumn(None, (values,), length=count)
    if not count or (values[0] is None and values.count(None) == count):
        return ArrowColumn(None, (), length=count)
    try:
        return _coded(values, name, code=code) if name in _REPEATED else _plain(values, name)
    except (OverflowError, UnicodeEncodeError):
        return _column([_storable(value) for value in values], name, count, code=code)


def _coded(values: Sequence[Any], name: str, *, code: bool) -> ArrowColumn:
    if values.count(values[0]) == len(values):  # as often with types and phases
        return ArrowColumn(None, (bytes(2 * len(values)),), _plain(values[:1], name), len(values))
    known = dict.fromkeys(values) if code else {}
    if not code or 2 * len(known) > len(values):
        return _plain(values, name)
    valid = _bits(values) if None in known else None
    known.pop(None, None)
    codes = {value: code for code, value in enumerate(known)} | {None: 0}
    indices = array("h", list(map(codes.__getitem__, values)))
    return ArrowColumn(valid, (indices,), _plain(list(known), name), len(values))


def _plain(values: Sequence[Any], name: str) -> ArrowColumn:
    """Return a column of the values. Raises OverflowError, UnicodeEncodeError."""
    try:
        return ArrowColumn(None, _buffers(values, name), length=len(values))
    except TypeError:  # a None among them, which is not looked for in advance: most columns have none
        nothing: Any = "" if name in _TEXTS else 0
        filled = [nothing if value is None else value for value in values]
        return ArrowColumn(_bits(values), _buffers(filled, name), length=len(values))


def _buffers(values: Sequence[Any], name: str) -> tuple[array[int] | bytes, ...]:
    """Return the buffers of a column without a None. Raises TypeError, OverflowError, UnicodeEncodeError."""
    return _texts(values) if name in _TEXTS else (array("q", values),)


def _bits(values: Sequence[Any]) -> bytes:
    """Return a validity bit for each value, the first one lowest."""
    digits = "".join(["0" if value is None else "1" for value in reversed(values)])
    return int(digits, 2).to_bytes((len(values) + 7) // 8, "little")


def _texts(values: Sequence[str]) -> tuple[array[int], bytes]:
    """Return the start of each text, and all texts as UTF-8. Raises UnicodeEncodeError."""
    joined = "".join(values)
    data = joined.encode()
    lengths = map(len, values) if len(data) == len(joined) else [len(value.encode()) for value in values]
    return array("q", list(accumulate(lengths, initial=0))), data


def _storable(value: Any) -> Any:
    """Return the value as a column can hold it: None for a number of more than 64 bits, U+FFFD for a lone surrogate."""
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else None
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def _events_of(batch: pa.RecordBatch) -> list[Received]:
    """Return rows of `stored` as events with empty facts of the stored kinds: the facts themselves are gone."""
    import pyarrow as pa

    names = ("kind", "type", "task_id", "payload", "received_at", "timestamp", "event_id", *_MARKS)
    kinds = [stored().field(name).type for name in names]
    columns = [
        plain(batch.column(name), pa.int64() if pa.types.is_timestamp(kind) else kind)
        for name, kind in zip(names, kinds, strict=True)
    ]
    return [
        Received(type_, _meaning(kind, task_id), payload, received_at, timestamp, event_id, seq, correlation_id, offset)
        for kind, type_, task_id, payload, received_at, timestamp, event_id, seq, offset, correlation_id in zip(
            *(column.to_pylist() for column in columns), strict=True
        )
    ]


def _meaning(code: int, task_id: str | None) -> Fact:
    kind = _KINDS[code]
    if kind is Alert:
        return Alert("", "")
    return MalformedFrame("") if kind is MalformedFrame else kind(task_id)
