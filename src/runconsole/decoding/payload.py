"""Reading of one event's payload into a typed struct, with the salvage of the good fields of a bad one."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from types import UnionType
from typing import Annotated, Any, TypeAlias, TypeVar

import msgspec

from runconsole.events import Fact

S = TypeVar("S", bound=msgspec.Struct)

Whole: TypeAlias = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""A whole number that tables and browsers can hold; larger values are rejected."""


def reader(kind: type[S]) -> Callable[[str], S | None]:
    """Return a function that reads JSON text into `kind`, without the fields that do not fit their type.

    The function returns None for a text that is no JSON object at all.
    """
    decode = msgspec.json.Decoder(kind, strict=False).decode

    def read(text: str) -> S | None:
        try:
            return decode(text)
        except (msgspec.MsgspecError, RecursionError):
            try:
                return salvage(loads_encodable(text), kind)
            except ValueError:
                return None

    return read


FactReader: TypeAlias = Callable[[str], Fact | None]
"""Takes a payload's JSON text; returns its fact, None where the payload holds nothing usable."""


def fact_reader(kind: type[S], meaning: Callable[[Any], Fact | None]) -> FactReader:
    """Return a function that reads JSON text as `reader(kind)` does and returns the fact that `meaning` makes of it."""
    decode = msgspec.json.Decoder(kind, strict=False).decode
    salvaged = reader(kind)

    def read(text: str) -> Fact | None:
        try:
            return meaning(decode(text))
        except (msgspec.MsgspecError, RecursionError):
            data = salvaged(text)
            return None if data is None else meaning(data)

    return read


def _whole(digits: str) -> int | float:
    """Return the number; one with more digits than Python converts counts as infinite."""
    return int(digits) if len(digits) < _MOST_DIGITS else math.inf


_MOST_DIGITS = 4000
_decoder = json.JSONDecoder(parse_int=_whole)
_SPACE = re.compile(r"[ \t\n\r]*")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def loads(text: bytes | str) -> Any:
    """Return any JSON value, also with NaN, Infinity and lone surrogates as Python's own encoder writes them.

    Raises ValueError for a text that is no JSON.
    """
    try:
        return _decoder.decode(text if isinstance(text, str) else text.decode())
    except RecursionError:
        raise ValueError("nested too deep") from None


def loads_encodable(text: bytes | str) -> Any:
    """Return the value of `loads`, with U+FFFD for each lone surrogate. Raises ValueError as `loads`."""
    text = text if isinstance(text, str) else text.decode()
    value = loads(text)
    return loads(encodable(json.dumps(value, ensure_ascii=False))) if _SURROGATE.search(text) else value


def encode_text(text: str) -> str:
    """Return a text as JSON."""
    return msgspec.json.encode(text).decode()


def encodable(text: str) -> str:
    """Return the text in a form that UTF-8 can hold, with U+FFFD for each lone surrogate."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def pieces(text: str) -> list[tuple[str, str]]:
    """Return the names and exact texts of the members of an object or array that `loads` has read.

    The names of an array's items are empty.
    """
    at = _past_space(text, 0)
    closing = "}" if text[at] == "{" else "]"
    found = []
    at = _past_space(text, at + 1)
    while text[at] != closing:
        name = ""
        if closing == "}":
            name, at = _decoder.raw_decode(text, at)
            at = _past_space(text, _past_space(text, at) + 1)
        end = _decoder.raw_decode(text, at)[1]
        found.append((name, text[at:end]))
        at = _past_space(text, end)
        if text[at] == ",":
            at = _past_space(text, at + 1)
    return found


def _past_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return at if match is None else match.end()


def salvage(value: object, kind: type[S]) -> S | None:
    """Return as much of `value` as fits `kind`, field by field; None where it is no mapping."""
    if not isinstance(value, Mapping):
        return None
    kept = {}
    for field in msgspec.structs.fields(kind):
        if field.encode_name in value:
            try:
                kept[field.name] = _convert(value[field.encode_name], field.type)
            except _UNFIT:
                continue
    return kind(**kept)


_UNFIT = (msgspec.ValidationError, ValueError, OverflowError, RecursionError)


def _convert(value: object, kind: Any) -> Any:
    try:
        return msgspec.convert(_finite(value), kind, strict=False)
    except msgspec.ValidationError:
        if isinstance(value, dict) and (struct := _inside(kind, msgspec.Struct)):
            return salvage(value, struct)
        if isinstance(value, dict) and (mapping := _parameters(kind, dict)):
            return dict(_fitting(value.items(), mapping[1]))
        if isinstance(value, list) and (sequence := _inside(kind, (tuple, list))):
            members = _parameters(kind, sequence)
            return sequence(item for _, item in _fitting(enumerate(value), members[0]))
        if isinstance(value, float) and value.is_integer():
            value = int(value)
            with suppress(msgspec.ValidationError):
                return msgspec.convert(value, kind, strict=False)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return msgspec.convert(str(value), kind)
        raise


def _finite(value: object) -> object:
    """Return the value. Raises ValueError for NaN and the infinities, which cannot be shown."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("not a finite number")
    return value


def _fitting(members: Iterable[tuple[Any, Any]], kind: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the members that fit `kind`."""
    for name, value in members:
        try:
            yield name, _convert(value, kind)
        except _UNFIT:
            continue


def _parameters(kind: Any, container: type) -> tuple[Any, ...]:
    """Return the member types of the first option of `kind` that is such a container; () for none."""
    return next((option.__args__ for option in _options(kind) if getattr(option, "__origin__", None) is container), ())


def _options(kind: Any) -> tuple[Any, ...]:
    """Return the members of a union, or the type itself."""
    return kind.__args__ if isinstance(kind, UnionType) else (kind,)


def _inside(kind: Any, wanted: Any) -> Any:
    """Return the first option of `kind` that is a subclass of `wanted`, without its parameters."""
    for option in _options(kind):
        origin = getattr(option, "__origin__", option)
        if isinstance(origin, type) and issubclass(origin, wanted):
            return origin
    return None


def seconds(milliseconds: float | None) -> float | None:
    """Return seconds for milliseconds, None for None."""
    return None if milliseconds is None else milliseconds / 1000


def first(*values: Any) -> Any:
    """Return the first value that is not None."""
    for value in values:
        if value is not None:
            return value
    return None
