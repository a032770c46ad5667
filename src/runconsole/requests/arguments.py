"""The arguments of an action as fields to edit: those of its schema, and the others by their values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from runconsole.events import ActionRequest
from runconsole.forms.fields import Field, FieldKind, fields_of

__all__ = ["argument_fields"]

_MOST = 40
_LONG_TEXT = 60
"""Characters from which on an argument has several lines to be edited in."""


def argument_fields(request: ActionRequest) -> tuple[Field, ...]:
    """Return a field for each argument, with its value as the default; one for all of them where these have no names.

    Paths begin with ``args``. An argument that no simple field can hold is edited as JSON; where it is required, no
    text is null.
    """
    args = request.args
    known = fields_of(request.schema) or ()
    if not isinstance(args, dict) or not 0 < len(args) + len(known) <= _MOST:
        return (Field(("args",), "json", "Arguments", required=True, default=args),)
    of_schema = [_with_value(field, args) for field in known if _is_whole(field, known, args)]
    named = {field.path[0] for field in of_schema}
    others = [_by_value(name, value) for name, value in args.items() if name not in named]
    return tuple(replace(field, path=("args", *field.path)) for field in (*of_schema, *others))


def _is_whole(field: Field, known: Sequence[Field], args: Mapping[str, Any]) -> bool:
    """Return whether the fields beside this one hold all of its object: what has no field would be lost."""
    outer = field.path[0]
    if len(field.path) == 1 or outer not in args:
        return True
    inside = {other.path[1] for other in known if other.path[0] == outer and len(other.path) > 1}
    given = args[outer]
    return isinstance(given, Mapping) and len(given) > 0 and inside.issuperset(given)


def _with_value(field: Field, args: Mapping[str, Any]) -> Field:
    """Return a field of the schema with the value of the call; it is edited as JSON where the field cannot hold it."""
    value: Any = args
    for name in field.path:
        if not isinstance(value, Mapping) or name not in value:
            return replace(field, default=None)
        value = value[name]
    if _holds(field, value):
        return replace(field, default=value)
    return replace(field, kind="json", choices=(), default=value, required=value is None)


def _by_value(name: str, value: Any) -> Field:
    return Field((name,), _kind(value), name, required=value is None, default=value)


def _holds(field: Field, value: Any) -> bool:
    match field.kind:
        case "choice":
            return any(value == known and type(value) is type(known) for _, known in field.choices)
        case "choices":
            return isinstance(value, list) and all(one in [known for _, known in field.choices] for one in value)
        case "boolean":
            return isinstance(value, bool)
        case "number" | "integer":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "json":
            return True
    return isinstance(value, str)


def _kind(value: Any) -> FieldKind:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "lines" if "\n" in value or len(value) > _LONG_TEXT else "text"
    return "json"
