"""`Form`: the JSON Schema of an answer, which judges values. What the schema says is a stranger's: all is bounded."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from datetime import date, datetime
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from runconsole.forms.fields import Field, fields_of
from runconsole.text.length import shortened

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

__all__ = ["Form", "Misfit", "form_of"]

_MOST_CHARACTERS = 100_000
"""Of a schema, as JSON."""
_MOST_MISFITS = 50
_MOST_REFERENCES = 10_000
"""That are followed for one look at the values."""
_MOST_SHOWN = 200
_UNUSABLE = "the server gave a schema for the answer that cannot be used ({why}): the values are not checked here"


_left: ContextVar[int] = ContextVar("runconsole_references_left", default=_MOST_REFERENCES)


class Misfit(NamedTuple):
    """A value that does not fit.

    Attributes:
        field: the names that lead to it, with dots between them; empty for the values as a whole.
        reason: a sentence without a subject: ``3 is greater than the maximum of 2``.
    """

    field: str
    reason: str

    def __str__(self) -> str:
        return f"{self.field}: {self.reason}" if self.field else self.reason


class Form:
    """The schema of an answer.

    Attributes:
        schema: the JSON Schema, as the server gave it.
        note: a sentence about a schema that cannot be used; None for one that can.
    """

    def __init__(self, schema: dict[str, Any]) -> None:
        self.schema = schema
        self.note: str | None = None
        self._validator: Validator | None = None
        try:
            self._validator = _validator(schema)
        except _Unusable as error:
            self.note = _UNUSABLE.format(why=error)

    def misfits(self, values: Any) -> list[Misfit]:
        """Return everything that does not fit, one reason a field; [] for values that fit.

        Without a usable schema every value fits.
        """
        if self._validator is None:
            return []
        found: dict[str, Misfit] = {}
        _left.set(_MOST_REFERENCES)
        try:
            for error in self._validator.iter_errors(values):
                for misfit in _misfits(error):
                    found.setdefault(misfit.field, misfit)
                if len(found) >= _MOST_MISFITS:
                    break
        except Exception as error:  # noqa: BLE001 - of a stranger's schema: a reference that leads nowhere, or in a circle
            self._validator, self.note = None, _UNUSABLE.format(why=_why(error))
            return []
        return list(found.values())

    @cached_property
    def fields(self) -> tuple[Field, ...] | None:
        """The fields to fill in; None where the schema cannot be used, or is more than fields."""
        return None if self.note is not None else fields_of(self.schema)

    def completed(self, values: Any) -> Any:
        """Return values with the schema's defaults for the properties that they lack, one level of objects deep."""
        values = {} if values is None else values
        if self._validator is None or not isinstance(values, dict):
            return values
        return _completed(self.schema, values, levels=2)


class _Unusable(Exception):
    """A schema cannot be used, for a reason in words."""


def _why(error: Exception) -> str:
    from referencing.exceptions import Unresolvable

    if isinstance(error, Unresolvable):
        return "a reference in it leads nowhere here; nothing is fetched"
    if isinstance(error, RecursionError):
        return "its references go in a circle"
    return str(error) if isinstance(error, _Unusable) else type(error).__name__


@lru_cache(maxsize=64)
def _form(text: str) -> Form:
    return Form(json.loads(text))


def form_of(schema: Mapping[str, Any] | None) -> Form | None:
    """Return the form of a question's schema; None for no schema."""
    if not schema:
        return None
    try:
        return _form(json.dumps(schema, sort_keys=False))
    except (RecursionError, TypeError, ValueError):
        return Form(dict(schema))


def _validator(schema: dict[str, Any]) -> Validator:
    """Return what judges by a schema. It fetches nothing, and its patterns are matched in linear time."""
    import jsonschema
    from referencing import Registry

    try:
        size = len(json.dumps(schema))
    except (RecursionError, TypeError, ValueError):
        raise _Unusable("it is nested too deeply") from None
    if size > _MOST_CHARACTERS:
        raise _Unusable(f"it has {size:,} characters, more than {_MOST_CHARACTERS:,}")
    kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    try:
        kind.check_schema(schema)
    except jsonschema.SchemaError as error:
        place = ".".join(map(str, error.absolute_path))
        raise _Unusable(_short(f"{place}: {error.message}" if place else error.message)) from None
    except RecursionError:
        raise _Unusable("it is nested too deeply") from None
    followed = {name: _counted(kind.VALIDATORS[name]) for name in ("$ref", "$dynamicRef") if name in kind.VALIDATORS}
    bounded = jsonschema.validators.extend(  # type: ignore[no-untyped-call]
        kind,
        {"pattern": _pattern, "patternProperties": _nothing, "format": _format, "uniqueItems": _unique, **followed},
    )
    made: Validator = bounded(schema, registry=Registry())
    return made


def _counted(follow: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    """Return the keyword that follows a reference, at most so many times for one look at the values."""

    def limited(validator: Any, reference: Any, instance: Any, schema: Any) -> Iterator[Any]:
        left = _left.get() - 1
        _left.set(left)
        if left < 0:
            raise _Unusable("its references multiply without an end")
        yield from follow(validator, reference, instance, schema)

    return limited


# ---- keywords -------------------------------------------------------------------------------------------------------


def _pattern(_validator: Any, pattern: Any, instance: Any, schema: Any) -> Iterator[Any]:
    """Match by RE2, in linear time. An expression that only other engines read is left to the server."""
    from jsonschema import ValidationError

    if not instance and schema.get("minLength"):
        return  # that it is empty says more
    if isinstance(pattern, str) and isinstance(instance, str) and _matches(pattern, instance) is False:
        yield ValidationError(f"{_short(repr(instance))} does not match {_short(pattern)}")


def _matches(pattern: str, text: str) -> bool | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        return bool(pc.match_substring_regex(pa.array([text]), pattern)[0].as_py())
    except (pa.ArrowInvalid, UnicodeError):
        return None


def _nothing(*_: Any) -> Iterator[Any]:
    """Leave a keyword to the server."""
    return iter(())


def _format(_validator: Any, name: Any, instance: Any, _schema: Any) -> Iterator[Any]:
    from jsonschema import ValidationError

    read = {"date": date.fromisoformat, "date-time": datetime.fromisoformat}.get(name)
    if read is None or not isinstance(instance, str):
        return
    try:
        read(instance)
    except ValueError:
        example = "2026-05-31" if name == "date" else "2026-05-31T18:00:00Z"
        yield ValidationError(f"{_short(repr(instance))} is no {name}, as in {example}")


def _unique(_validator: Any, is_unique: Any, instance: Any, _schema: Any) -> Iterator[Any]:
    from jsonschema import ValidationError

    if is_unique and isinstance(instance, list):
        texts = [json.dumps(item, sort_keys=True) for item in instance]
        if len(set(texts)) < len(texts):
            yield ValidationError("an item is there twice")


# ---- words ----------------------------------------------------------------------------------------------------------


def _misfits(error: Any) -> Iterator[Misfit]:
    """Yield what an error says; that of a missing property belongs to the property."""
    path = [str(part) for part in error.absolute_path]
    if error.validator == "required" and isinstance(error.instance, dict):
        missing = [name for name in error.validator_value if isinstance(name, str) and name not in error.instance]
        for name in missing:
            yield Misfit(".".join([*path, name]), "a value is needed")
        return
    yield Misfit(".".join(path), _reason(error))


def _reason(error: Any) -> str:
    expected, got = error.validator_value, _short(repr(error.instance))
    match error.validator:
        case "type" if error.instance is None:
            return "a value is needed"
        case "type":
            kinds = expected if isinstance(expected, str) else " or ".join(map(str, expected))
            return f"expected {_short(kinds)}, got {got}"
        case "enum":
            return f"expected one of {_short(', '.join(map(repr, expected)))}, got {got}"
        case "minLength" | "minItems" if not error.instance:
            return "a value is needed"
    return _short(str(error.message))


def _short(text: str) -> str:
    return shortened(text, _MOST_SHOWN)


def _completed(schema: Any, values: dict[str, Any], levels: int) -> dict[str, Any]:
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(properties, dict) or not levels:
        return values
    completed = dict(values)
    for name, part in properties.items():
        if not isinstance(part, dict):
            continue
        if name not in completed and "default" in part:
            completed[name] = copy.deepcopy(part["default"])
        elif isinstance(completed.get(name), dict):
            completed[name] = _completed(part, completed[name], levels - 1)
    return completed
