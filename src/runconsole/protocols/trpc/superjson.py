"""superjson 1 and 2: the ``{"json": …, "meta": …}`` form in which tRPC servers send values that JSON lacks.

`json` is plain JSON; `meta.values` gives the types of the values at some paths, `meta.referentialEqualities` the paths
that hold the same object. Paths are those of the plain JSON: a Map is a list of pairs, a Set a list.

An unknown type or a path to nothing leaves the raw JSON value; nothing else is lost.
"""

from __future__ import annotations

import copy
import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

import msgspec
from msgspec import UNSET, Raw, Struct

from runconsole.decoding.payload import loads
from runconsole.protocols.trpc.superjson_paths import Note, read_notes, share_equals, write_path

__all__ = ["UNDEFINED_INPUT", "RegExp", "SuperjsonError", "Url", "decode", "encode", "to_json", "write_json"]

UNDEFINED_INPUT = {"json": None, "meta": {"values": ["undefined"], "v": 1}}
"""The input for "no value": superjson servers fail without naming the request if the input is absent."""

_SAFE_INTEGER = 2**53 - 1
_FORBIDDEN_KEYS = frozenset({"__proto__", "constructor", "prototype"})
_SURROGATE = re.compile("[\ud800-\udfff]")
_NUMBERS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf, "-0": -0.0}
_READ_AS_WRITTEN = frozenset({"Date", "URL", "regexp", "Error", "set", "typed-array", "class", "custom", "symbol"})
"""Types whose plain JSON is already the result of `to_json`."""


class SuperjsonError(ValueError):
    """A text that is no superjson, or a value that superjson cannot carry."""


class RegExp(str):
    """A regular expression as JavaScript writes it, ``/ab+c/gi``."""

    __slots__ = ()


class Url(str):
    """A URL."""

    __slots__ = ()


class _Payload(Struct):
    json: Raw = Raw(b"null")
    meta: Raw = Raw(b"null")


_read_payload = msgspec.json.Decoder(_Payload).decode

Rules: TypeAlias = Mapping[str, Callable[[Any], Any]]


# ---- reading -------------------------------------------------------------------------------------------------------


def decode(payload: str | bytes | Mapping[str, Any]) -> Any:
    """Return the value of a superjson payload, given as JSON text or as the object already read.

    Date → aware `datetime` (UTC), undefined → absent (None in a list and at the root), bigint → int, Map → dict, Set →
    set, NaN, ±Infinity and -0 → float, RegExp and URL → `RegExp` and `Url` (strings), Error → dict, Uint8Array → bytes,
    other typed arrays → list. A Map with keys that cannot be hashed is a list of pairs, such a Set a list. A reference
    back to an enclosing object is None: values are trees.

    Raises SuperjsonError for a text that is no JSON object.
    """
    if isinstance(payload, Mapping):
        plain, meta = copy.deepcopy(payload.get("json")), payload.get("meta")
    else:
        text, meta = _split(payload)
        plain = loads(text)
    value = _read(plain, meta, _PYTHON)
    return None if value is UNSET else value


def to_json(text: str | bytes) -> str:
    """Return the JSON text of the value in a superjson text, as a server without superjson would have sent it.

    Dates stay ISO text, undefined keys are dropped, bigints become numbers, a Map an object (pairs where a key is no
    string), a Set an array; NaN and ±Infinity become null, JSON's "no such number". A text without need of change (no
    meta at all, or only Dates and the like) is returned byte for byte.

    Raises SuperjsonError for a text that is no JSON object.
    """
    received, meta = _split(text)
    try:
        if _says_nothing_new(meta):
            return received
        value = _read(loads(received), meta, _JSON)
        return write_json(None if value is UNSET else value)
    except (ValueError, RecursionError):
        return received


def write_json(value: Any) -> str:
    """Return JSON text as JavaScript writes it: compact, lone surrogates as escapes. Raises ValueError for NaN."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text if text.isascii() else _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):x}", text)


def _split(text: str | bytes) -> tuple[str, Any]:
    """Return the text of `json` as received, and `meta`."""
    try:
        payload = _read_payload(text)
        return str(payload.json, "utf-8"), msgspec.json.decode(payload.meta)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _split_odd(text)


def _split_odd(text: str | bytes) -> tuple[str, Any]:
    """Read text that msgspec refuses: lone surrogates, which JavaScript writes when it cuts a character in two."""
    try:
        payload = loads(text)
        if isinstance(payload, dict):
            return write_json(payload.get("json")), payload.get("meta")
    except (ValueError, RecursionError):
        pass
    raise SuperjsonError(f"expected a JSON object with a `json` field, got {_start(text)}")


def _start(text: str | bytes) -> str:
    return ascii(text[:40]) + ("…" if len(text) > 40 else "")


def _says_nothing_new(meta: Any) -> bool:
    """Return whether the meta names only types that `to_json` leaves unchanged."""
    if not isinstance(meta, dict):
        return True
    return not meta.get("referentialEqualities") and read_notes(meta).kinds() <= _READ_AS_WRITTEN


def _read(value: Any, meta: Any, rules: Rules) -> Any:
    if not isinstance(meta, dict):
        return value
    notes = read_notes(meta)
    try:
        value = share_equals(value, meta, notes)
        return _apply(value, notes, rules)
    except RecursionError:
        return value


def _apply(value: Any, note: Note, rules: Rules) -> Any:
    """Return `value` with the note and the notes below it applied, children first."""
    if note.children:
        if isinstance(value, dict):
            value = _apply_to_fields(value, note.children, rules)
        elif isinstance(value, list):
            value = [_apply_to_item(item, note.children.get(str(place)), rules) for place, item in enumerate(value)]
    rule = rules.get(note.kind or "")
    if rule is None:
        return value
    try:
        return rule(value)
    except (TypeError, ValueError, OverflowError, LookupError):
        return value


def _apply_to_fields(value: dict[str, Any], notes: dict[str, Note], rules: Rules) -> dict[str, Any]:
    fields = {}
    for key, item in value.items():
        read = _apply(item, notes[key], rules) if key in notes else item
        if read is not UNSET:
            fields[key] = read
    return fields


def _apply_to_item(item: Any, note: Note | None, rules: Rules) -> Any:
    read = item if note is None else _apply(item, note, rules)
    return None if read is UNSET else read


def _date(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _bigint(text: str) -> int:
    if not isinstance(text, str):
        raise TypeError("a bigint is written as a string")
    return int(text)


def _map(pairs: Any) -> Any:
    rows = _rows(pairs)
    try:
        return dict(rows)
    except TypeError:
        return rows


def _json_map(pairs: Any) -> Any:
    rows = _rows(pairs)
    return dict(rows) if all(isinstance(key, str) for key, _ in rows) else pairs


def _rows(pairs: Any) -> list[tuple[Any, Any]]:
    return [(key, value) for key, value in _list(pairs)]


def _list(items: Any) -> list[Any]:
    if not isinstance(items, list):
        raise TypeError("a Map and a Set are written as lists")
    return items


def _set(items: Any) -> Any:
    return set(_list(items))


def _json_number(text: str) -> float | None:
    number = _NUMBERS[text]
    return number if math.isfinite(number) else None


_PYTHON: Rules = {
    "undefined": lambda _: UNSET,
    "Date": _date,
    "bigint": _bigint,
    "number": _NUMBERS.__getitem__,
    "map": _map,
    "set": _set,
    "regexp": RegExp,
    "URL": Url,
    "typed-array/Uint8Array": bytes,
    "typed-array/Uint8ClampedArray": bytes,
}
_JSON: Rules = {"undefined": lambda _: UNSET, "bigint": _bigint, "number": _json_number, "map": _json_map}


# ---- writing -------------------------------------------------------------------------------------------------------

_Type: TypeAlias = str | list[str]
_Notes: TypeAlias = dict[str, Any] | list[Any] | None


def encode(value: Any) -> dict[str, Any]:
    """Return the superjson payload of a value, ready for `json.dumps`.

    Besides plain JSON: `datetime` (one without a zone counts as UTC; milliseconds are kept), integers over 2^53 as
    bigint, NaN, ±inf and -0.0, sets, dicts with keys that are no strings (Map), bytes (Uint8Array), exceptions (Error),
    `re.Pattern`, `RegExp`, `Url`, and `msgspec.UNSET` for undefined.

    Raises SuperjsonError for anything else, for a value that contains itself, and for a key that no superjson server
    takes (``__proto__``, ``constructor``, ``prototype``).
    """
    try:
        plain, notes = _write(value)
    except RecursionError:
        raise SuperjsonError("expected a tree of values, got one that contains itself or is nested too deep") from None
    if notes is None:
        return {"json": plain}
    return {"json": plain, "meta": {"values": notes, "v": 1}}


def _write(value: Any) -> tuple[Any, _Notes]:
    if isinstance(value, dict):
        return _write_fields(value)
    if isinstance(value, (list, tuple)):
        return _write_items(list(value), None)
    if isinstance(value, (set, frozenset)):
        return _write_items(list(value), "set")
    if isinstance(value, BaseException):
        return {"name": type(value).__name__, "message": str(value)}, ["Error"]
    plain, kind = _write_leaf(value)
    return plain, None if kind is None else [kind]


def _write_leaf(value: Any) -> tuple[Any, _Type | None]:
    if value is None or isinstance(value, bool):
        return value, None
    if isinstance(value, (int, float)):
        return _write_number(value)
    if isinstance(value, str):
        return str(value), "regexp" if isinstance(value, RegExp) else "URL" if isinstance(value, Url) else None
    return _write_special(value)


def _write_number(value: float) -> tuple[Any, _Type | None]:
    if isinstance(value, int):
        return (value, None) if abs(value) <= _SAFE_INTEGER else (str(value), "bigint")
    if math.isnan(value):
        return "NaN", "number"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity", "number"
    if value == 0 and math.copysign(1, value) < 0:
        return "-0", "number"
    return value, None


def _write_special(value: Any) -> tuple[Any, _Type]:
    if value is UNSET:
        return None, "undefined"
    if isinstance(value, datetime):
        moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"), "Date"
    if isinstance(value, (bytes, bytearray)):
        return list(value), ["typed-array", "Uint8Array"]
    if isinstance(value, re.Pattern):
        return _write_pattern(value), "regexp"
    raise SuperjsonError(f"expected a value that superjson can carry, got {type(value).__name__}")


def _write_pattern(pattern: re.Pattern[Any]) -> str:
    flags = [(re.IGNORECASE, "i"), (re.MULTILINE, "m"), (re.DOTALL, "s")]
    source = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    return f"/{source}/{''.join(letter for flag, letter in flags if pattern.flags & flag)}"


def _write_fields(value: dict[Any, Any]) -> tuple[Any, _Notes]:
    if not all(isinstance(key, str) for key in value):
        return _write_items([list(pair) for pair in value.items()], "map")
    if forbidden := _FORBIDDEN_KEYS & value.keys():
        raise SuperjsonError(f"expected keys that superjson allows, got {min(forbidden)!r}")
    plain: dict[str, Any] = {}
    inner: dict[str, Any] = {}
    for key, item in value.items():
        plain[str(key)], notes = _write(item)
        _note(inner, key, notes)
    return plain, inner or None


def _write_items(items: list[Any], kind: _Type | None) -> tuple[Any, _Notes]:
    plain: list[Any] = []
    inner: dict[str, Any] = {}
    for place, item in enumerate(items):
        written, notes = _write(item)
        plain.append(written)
        _note(inner, str(place), notes)
    if kind is None:
        return plain, inner or None
    return plain, [kind, inner] if inner else [kind]


def _note(inner: dict[str, Any], key: str, notes: _Notes) -> None:
    """Add the types of the value at `key`: its own, or those somewhere inside it."""
    path = write_path(key)
    if isinstance(notes, list):
        inner[path] = notes
    elif notes:
        inner.update({f"{path}.{below}": note for below, note in notes.items()})
