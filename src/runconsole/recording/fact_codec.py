"""Facts as JSON objects and back: the struct's fields, and its name under `is`."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from runconsole import events
from runconsole.events import Answer, DecisionRequested, Fact, Received

__all__ = ["read_fact", "write_fact"]

_KINDS: dict[str, type[Fact | Received]] = {
    name: kind
    for name, kind in vars(events).items()
    if isinstance(kind, type) and issubclass(kind, (Fact, Received)) and kind is not Fact
}
_REQUIRED = {
    name: [field.name for field in msgspec.structs.fields(kind) if field.required] for name, kind in _KINDS.items()
}


def write_fact(fact: Fact | Received) -> dict[str, Any]:
    """Return a fact as a JSON object, without fields that are None."""
    fields: dict[str, Any] = {}
    for name in fact.__struct_fields__:
        value = getattr(fact, name)
        fields |= _fields_of(value) if isinstance(value, Answer) else {name: value}
    inner = fields.get("fact")
    if isinstance(inner, Fact):
        fields["fact"] = write_fact(inner)
    known = {name: value for name, value in fields.items() if value is not None}
    return {"is": type(fact).__name__, **msgspec.to_builtins(known, enc_hook=str)}


def _fields_of(answer: Answer[Any]) -> dict[str, Any]:
    """Return an answer's fields: they stand among those of the decision."""
    return {name: getattr(answer, name) for name in answer.__struct_fields__}


def read_fact(data: object) -> Fact | Received:
    """Return the fact. Raises ValueError (or its subclass, msgspec's ValidationError) for any other value."""
    if not isinstance(data, dict):
        raise ValueError(f"expected a fact as an object, got {type(data).__name__}")  # noqa: TRY004 - as for the rest
    name = data.get("is")
    kind = _KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise ValueError(f"expected a fact of this version of runconsole, got {repr(name)[:_MOST_QUOTED]}")
    fields: dict[str, Any] = dict.fromkeys(_REQUIRED[kind.__name__])
    fields |= {key: value for key, value in data.items() if key != "is"}
    for key, value in fields.items():
        if key not in _AS_GIVEN:
            _check_numbers(value)
    if kind is DecisionRequested:
        answer = {name: fields.pop(name) for name in Answer.__struct_fields__ if name in fields}
        return msgspec.convert(fields | {"answer": answer}, kind)
    if kind is not Received:
        return msgspec.convert(fields, kind)
    fact = read_fact(fields["fact"])
    if isinstance(fact, Received):
        raise ValueError("expected what an event means, got another event")  # noqa: TRY004 - as for all others
    return msgspec.structs.replace(msgspec.convert(fields | {"fact": {}}, Received), fact=fact)


_MOST_QUOTED = 60
_AS_GIVEN = frozenset({"context", "schema", "requests", "modifications", "decisions", "fact"})
"""Fields of any JSON, which enters no arithmetic; and the fact inside a `Received`, which is read by itself."""


def _check_numbers(value: object) -> None:
    """Raise ValueError for a number that no table holds."""
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise ValueError("expected a number of 64 bits")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("expected a finite number")
    elif isinstance(value, (list, dict)):
        for each in value.values() if isinstance(value, dict) else value:
            _check_numbers(each)
