"""One type of event as a frame: each field of its payload a typed column, nested ones dotted."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Sequence
from itertools import chain
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from runconsole.fairness import in_turns, rest
from runconsole.log import EventLog
from runconsole.log.chunks import plain
from runconsole.redaction.secrets import NO_SECRETS, Redactor
from runconsole.tables.dtypes import BOOL, FLOAT, INT, TEXT, TIME, to_pandas
from runconsole.tables.growing import join

__all__ = ["TypedFrame"]

_MARKS = ("received_at", "timestamp")
_STEP = 1024
"""Rows made into columns at a time: few enough that no other thread waits long for the GIL."""
_SLICE = 128
"""Payloads decoded at a time: their objects are freed before Python's garbage collector runs."""
_EXACT = 2**53
"""Whole numbers up to here are exact as floats."""
_JSON = pa.large_binary()
"""The kind of column that holds any values, as JSON."""
_NONE = pa.null()
"""The kind of a column without any value yet."""


class TypedFrame:
    """Every event of one type. Only events that are new since the last access are read."""

    def __init__(self, log: EventLog, event_type: str, redactor: Redactor = NO_SECRETS) -> None:
        self._log = log
        self._redactor = redactor
        self._type = event_type
        self._read = 0
        self._rows = 0
        self._seq: list[pa.Array] = []
        self._marks: dict[str, list[pa.Array]] = {name: [] for name in _MARKS}
        self._fields: dict[str, _Field] = {}
        self._frame = self._make()

    def frame(self) -> pd.DataFrame:
        """Return the events of this type so far, by `seq`."""
        before = self._rows
        for batch in in_turns(self._log.batches(self._read)):
            for begin in range(0, batch.num_rows, _STEP):
                part = batch.slice(begin, _STEP)
                self._extend(part.select([*_MARKS, "payload"]), _equal(part.column("type"), self._type))
                self._read += part.num_rows
        if self._rows != before:
            rest()
            self._frame = self._make()
        return self._frame

    def _extend(self, batch: pa.RecordBatch, found: npt.NDArray[np.bool_]) -> None:
        seq = np.flatnonzero(found)
        if not len(seq):
            return
        if len(seq) < len(found):
            batch = batch.filter(pa.array(found))
        join(self._seq, pa.array(seq + self._read, INT))
        for name, pieces in self._marks.items():
            join(pieces, plain(batch.column(name), TIME))
        columns = _columns(batch.column("payload"), self._redactor)
        for name in columns:
            if name not in self._fields:
                self._fields[name] = _Field(self._rows)
        for name, field in in_turns(self._fields.items()):
            values = columns.get(name)
            field.extend(pa.nulls(len(seq)) if values is None else _typed(values))
        self._rows += len(seq)

    def _make(self) -> pd.DataFrame:
        taken = self._fields.keys() | set(_MARKS)
        fields = {_free(name, taken) if name in _MARKS else name: field for name, field in self._fields.items()}
        columns = {name: pa.chunked_array(pieces, TIME) for name, pieces in self._marks.items()}
        columns |= {name: field.column() for name, field in fields.items() if not field.is_object}
        frame = to_pandas(pa.table(columns))
        for position, (name, field) in enumerate(fields.items(), len(_MARKS)):
            if field.is_object:  # made anew: the caller may change the content of a cell
                frame.insert(position, name, pd.Series(field.objects(), dtype=object, index=frame.index))
        frame.index = pd.Index(pa.chunked_array(self._seq, INT).to_numpy(), name="seq")
        return frame


class _Field:
    """A column of the narrowest kind that its values allow so far; null where a payload lacks the field."""

    def __init__(self, rows: int) -> None:
        self._kind = _NONE
        self._pieces = [pa.nulls(rows)] if rows else []

    @property
    def is_object(self) -> bool:
        """True if its values have no kind in common."""
        return self._kind in (_JSON, _NONE)

    def extend(self, values: pa.Array) -> None:
        """Add values at the end; their kind may widen that of the column."""
        kind = _wider(self._kind, values.type)
        if kind == FLOAT and not all(map(_is_exact, [*self._pieces, values])):
            kind = _JSON  # digits would be lost
        if kind != self._kind:
            self._pieces = [_cast(piece, kind) for piece in self._pieces]
            self._kind = kind
        join(self._pieces, _cast(values, kind))

    def column(self) -> pa.ChunkedArray:
        """Return the values."""
        return pa.chunked_array(self._pieces, self._kind)

    def objects(self) -> list[Any]:
        """Return the values as Python objects of their own, NA for missing ones."""
        return [pd.NA if text is None else json.loads(text) for text in self.column().to_pylist()]


def _wider(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    """Return the narrowest kind of column that holds the values of both."""
    if other in (one, _NONE):
        return one
    if one == _NONE:
        return other
    return FLOAT if {one, other} == {INT, FLOAT} else _JSON


def _is_exact(values: pa.Array) -> bool:
    """Return whether each of these whole numbers is exact as a float."""
    if values.type != INT or values.null_count == len(values):
        return True
    bounds = pc.min_max(values).as_py()
    return bool(bounds["min"] >= -_EXACT and bounds["max"] <= _EXACT)


def _cast(values: pa.Array, kind: pa.DataType) -> pa.Array:
    if values.type == kind:
        return values
    return _as_json(values.to_pylist()) if kind == _JSON else values.cast(kind, safe=False)


def _as_json(values: Iterable[Any]) -> pa.Array:
    return pa.array([None if value is None else json.dumps(value).encode() for value in values], _JSON)


_KINDS = {frozenset({bool}): BOOL, frozenset({int}): INT, frozenset({float}): FLOAT, frozenset({str}): TEXT}
_KINDS[frozenset({int, float})] = FLOAT


def _typed(values: Sequence[Any]) -> pa.Array:
    """Return the values as a column of their own kind, as JSON if they have none in common."""
    kinds = frozenset(map(type, values)) - {type(None)}
    if not kinds:
        return pa.nulls(len(values))
    kind = _KINDS.get(kinds, _JSON)
    try:
        if kind == FLOAT and int in kinds:
            if any(abs(value) > _EXACT for value in values if value.__class__ is int):
                return _as_json(values)  # digits would be lost
            values = [None if value is None else float(value) for value in values]
        return _as_json(values) if kind == _JSON else pa.array(values, kind, from_pandas=True)
    except OverflowError:
        return _as_json(values)


def _equal(types: pa.Array, name: str) -> npt.NDArray[np.bool_]:
    """Return a mask of the types, packed as in the log, that equal this one."""
    if not isinstance(types, pa.DictionaryArray):
        types = types.dictionary_encode()
    code = types.dictionary.index(name).as_py()  # -1, which is no code, for an unknown type
    found: npt.NDArray[np.bool_] = types.indices.to_numpy() == code
    return found


def _columns(payloads: pa.Array, redactor: Redactor) -> dict[str, list[Any]]:
    """Return the values of each field, None where a payload lacks it."""
    columns: dict[str, list[Any]] = {}
    for begin in in_turns(range(0, len(payloads), _SLICE)):
        texts = payloads.slice(begin, _SLICE).to_pylist()
        if redactor.may_hold_any(texts):
            texts = list(map(redactor.hide, texts))
        rows = [_flat(_decode(text)) for text in texts]
        for name in dict.fromkeys(chain.from_iterable(rows)):
            if name not in columns:
                columns[name] = [None] * begin
        for name, values in columns.items():
            values.extend([row.get(name) for row in rows])
    return columns


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """Return the row with the members of objects in their place."""
    if dict not in map(type, row.values()):
        return row
    flat: dict[str, Any] = {}
    fields = 0
    for name, value in row.items():
        if value.__class__ is dict:
            nested = {f"{name}.{inner}": member for inner, member in _flat(value).items()}
            flat |= nested
            fields += len(nested)
        else:
            flat[name] = value
            fields += 1
    return flat if len(flat) == fields else _apart(row)


def _apart(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row flat in which two fields would have one name: the nested one gets another."""
    flat = {name: value for name, value in row.items() if value.__class__ is not dict}
    for name in [name for name in row if name not in flat]:
        nested = {f"{name}.{inner}": member for inner, member in _flat(row[name]).items()}
        for path, member in nested.items():
            flat[_free(path, {*flat, *nested}) if path in flat else path] = member
    return flat


def _free(name: str, taken: Container[str]) -> str:
    """Return a free name: the same one, else with ``payload.`` before it."""
    while name in taken:
        name = f"payload.{name}"
    return name


def _decode(text: str) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        try:
            value = json.loads(text)  # reads NaN, too
            json.dumps(value, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            return {"text": text}
    if isinstance(value, str) and value.lstrip()[:1] == "{":
        return _written_twice(value)
    return value if isinstance(value, dict) else {"value": value}


def _written_twice(text: str) -> dict[str, Any]:
    """Return the object in a payload of JSON within JSON; {"value": text} for any other text."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return {"value": text}
    return value if isinstance(value, dict) else {"value": text}
