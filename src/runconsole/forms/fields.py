"""The fields of a form: what a person fills in, one value each. A schema that is more than that has none."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

__all__ = ["Field", "FieldKind", "fields_of", "values_of"]

FieldKind = Literal["text", "lines", "number", "integer", "boolean", "choice", "choices", "date", "datetime", "json"]
Schema = Mapping[str, Any]

_MOST_FIELDS = 40
_MOST_CHOICES = 50
_MOST_REFERENCES = 8
_NONE = "none"
_LONG_TEXT = 200
"""Characters from which on a text has several lines."""
_FORMATS: dict[str, FieldKind] = {"date": "date", "date-time": "datetime", "multiline": "lines", "textarea": "lines"}
_PLAIN: dict[str, FieldKind] = {"number": "number", "integer": "integer", "boolean": "boolean"}
_BEYOND = frozenset({"oneOf", "allOf", "not", "if", "patternProperties", "prefixItems", "dependentSchemas"})
"""Keywords of what a form cannot show."""


@dataclass(frozen=True, slots=True)
class Field:
    """One value of a form. The kind ``"json"`` is any value, edited as JSON text.

    Attributes:
        path: the property names that lead to it, one or two.
        label: its name for people.
        group: the label of the object that it is a part of; None for none.
        required: True if it may not be left out.
        choices: the values to choose from, with their labels.
        default: its value at first; None for none.
        limits: words about what fits; empty for no limits.
    """

    path: tuple[str, ...]
    kind: FieldKind
    label: str
    description: str | None = None
    group: str | None = None
    required: bool = False
    choices: tuple[tuple[str, Any], ...] = ()
    default: Any = None
    limits: str = ""

    @property
    def name(self) -> str:
        """The path as one text."""
        return ".".join(self.path)


class _Beyond(Exception):
    """A schema is more than a form of fields."""


def fields_of(schema: Schema | None) -> tuple[Field, ...] | None:
    """Return the fields of an object's schema, objects in it included; None where a form cannot show it whole."""
    if not schema:
        return None
    try:
        fields = tuple(_fields(_resolved(schema, schema), schema, (), None))
    except (_Beyond, RecursionError, AttributeError, TypeError, ValueError):
        return None
    return fields if 0 < len(fields) <= _MOST_FIELDS else None


def values_of(given: Mapping[tuple[str, ...], Any]) -> dict[str, Any]:
    """Return the values of fields, by their paths, as the object of the answer."""
    values: dict[str, Any] = {}
    for path, value in given.items():
        inside = values
        for name in path[:-1]:
            inside = inside.setdefault(name, {})
        inside[path[-1]] = value
    return values


def _fields(part: Schema, root: Schema, path: tuple[str, ...], group: str | None) -> Iterator[Field]:
    properties = part.get("properties")
    if part.get("type", "object") != "object" or not isinstance(properties, Mapping) or not _BEYOND.isdisjoint(part):
        raise _Beyond
    required = part.get("required", ())
    for name, given in properties.items():
        inner, is_optional = _without_null(_resolved(given, root), root)
        label = _text(given.get("title")) or name  # the title of a definition that is referred to names a type
        if inner.get("type") == "object" or "properties" in inner:
            if path:
                raise _Beyond
            yield from _fields(inner, root, (name,), label)
        else:
            is_required = name in required and not is_optional
            field = _field(inner, root, (*path, name), label, group, required=is_required)
            # Of a choice with a default, null is one more: it could not be chosen otherwise.
            is_choice = is_optional and field.kind == "choice" and field.default is not None
            yield replace(field, choices=(*field.choices, (_NONE, None))) if is_choice else field


def _field(
    part: Schema, root: Schema, path: tuple[str, ...], label: str, group: str | None, *, required: bool
) -> Field:
    if not _BEYOND.isdisjoint(part):
        raise _Beyond
    kind, choices = _kind(part, root)
    return Field(
        path,
        kind,
        label,
        _text(part.get("description")),
        group,
        required,
        choices,
        part.get("default"),
        _limits(part),
    )


def _kind(part: Schema, root: Schema) -> tuple[FieldKind, tuple[tuple[str, Any], ...]]:
    if "const" in part:
        return "choice", _choices([part["const"]])
    if "enum" in part:
        return "choice", _choices(part["enum"])
    named = part.get("type")
    if named == "array":
        items = _resolved(part.get("items") or {}, root)
        if "enum" not in items:
            raise _Beyond
        return "choices", _choices(items["enum"])
    if named in _PLAIN:
        return _PLAIN[named], ()
    if named != "string":
        raise _Beyond
    return _text_kind(part), ()


def _text_kind(part: Schema) -> FieldKind:
    known = _FORMATS.get(str(part.get("format")))
    if known is not None:
        return known
    default = part.get("default")
    is_long = part.get("maxLength", 0) > _LONG_TEXT or (isinstance(default, str) and "\n" in default)
    return "lines" if is_long or part.get("contentMediaType") in {"text/markdown", "text/plain"} else "text"


def _choices(values: Any) -> tuple[tuple[str, Any], ...]:
    if not isinstance(values, list) or not 0 < len(values) <= _MOST_CHOICES:
        raise _Beyond
    return tuple((value if isinstance(value, str) else json.dumps(value), value) for value in values)


def _resolved(part: Any, root: Schema) -> Schema:
    """Return the schema that a reference within the document leads to, with what stands beside the reference."""
    for _ in range(_MOST_REFERENCES):
        if isinstance(part, Mapping) and len(part.get("allOf") or ()) == 1:  # as Pydantic wraps a reference
            part = {**part["allOf"][0], **{name: value for name, value in part.items() if name != "allOf"}}
        if not isinstance(part, Mapping):
            raise _Beyond
        reference = part.get("$ref")
        if reference is None:
            return part
        found: Any = root
        if not isinstance(reference, str) or not reference.startswith("#"):
            raise _Beyond
        for name in reference.removeprefix("#").strip("/").split("/"):
            found = found.get(name.replace("~1", "/").replace("~0", "~")) if name else found
        part = {**found, **{name: value for name, value in part.items() if name != "$ref"}}
    raise _Beyond


def _without_null(part: Schema, root: Schema) -> tuple[Schema, bool]:
    """Return a schema without the choice of null, and whether there was one."""
    named, any_of = part.get("type"), part.get("anyOf")
    if isinstance(named, list):
        kinds = [kind for kind in named if kind != "null"]
        if len(kinds) != 1:
            raise _Beyond
        return {**part, "type": kinds[0]}, "null" in named
    if any_of is None:
        return part, False
    others = [inner for inner in any_of if inner.get("type") != "null"]
    if len(others) != 1:
        raise _Beyond
    rest = {name: value for name, value in part.items() if name != "anyOf"}
    return {**_resolved(others[0], root), **rest}, len(others) < len(any_of)


def _limits(part: Schema) -> str:
    said = [
        _range(part.get("minimum"), part.get("maximum"), ""),
        *(f"more than {part['exclusiveMinimum']}" for _ in range("exclusiveMinimum" in part)),
        *(f"less than {part['exclusiveMaximum']}" for _ in range("exclusiveMaximum" in part)),
        *(f"a multiple of {part['multipleOf']}" for _ in range("multipleOf" in part)),
        _range(
            part.get("minLength", 0) if part.get("minLength", 0) > 1 else None, part.get("maxLength"), " characters"
        ),
        _range(part.get("minItems"), part.get("maxItems"), " of them"),
        *(f"as {part['pattern']}" for _ in range("pattern" in part)),
    ]
    return ", ".join(text for text in said if text)


def _range(least: Any, most: Any, unit: str) -> str:
    if least is not None and most is not None:
        return f"{least} to {most}{unit}"
    if least is not None:
        return f"at least {least}{unit}"
    return "" if most is None else f"at most {most}{unit}"


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip() else None
