"""Facts as JSON objects and back: the struct's fields, and its name under `is`."""

from __future__ import annotations

from typing import Any

import msgspec

from runconsole import events
from runconsole.events import Fact, Received

__all__ = ["FACT_WORDS", "read_fact", "write_fact"]

_KINDS: dict[str, type[Fact | Received]] = {
    name: kind
    for name, kind in vars(events).items()
    if isinstance(kind, type) and issubclass(kind, (Fact, Received)) and kind is not Fact
}
_REQUIRED = {
    name: [field.name for field in msgspec.structs.fields(kind) if field.required] for name, kind in _KINDS.items()
}
FACT_WORDS = frozenset({*_KINDS, *(name for kind in _KINDS.values() for name in kind.__struct_fields__)})
"""The names of the facts and of their fields."""


def write_fact(fact: Fact | Received) -> dict[str, Any]:
    """Return a fact as a JSON object, without what is None."""
    fields = {name: getattr(fact, name) for name in fact.__struct_fields__}
    inner = fields.get("fact")
    if isinstance(inner, Fact):
        fields["fact"] = write_fact(inner)
    told = {name: value for name, value in fields.items() if value is not None}
    return {"is": type(fact).__name__, **msgspec.to_builtins(told, enc_hook=str)}


def read_fact(told: dict[str, Any]) -> Fact | Received:
    """Return the fact. Raises ValueError for one that nobody here knows."""
    name = str(told.get("is"))
    kind = _KINDS.get(name)
    if kind is None:
        raise ValueError(f"expected a fact of this version of runconsole, got {name!r}")
    fields: dict[str, Any] = dict.fromkeys(_REQUIRED[name])
    fields |= {key: value for key, value in told.items() if key != "is"}
    if kind is Received:
        return Received(**fields | {"fact": read_fact(fields["fact"])})
    return msgspec.convert(fields, kind)
