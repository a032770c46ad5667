"""Reading one event's payload into a typed struct, and saving what can be saved of a bad one."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import UnionType
from typing import Any, TypeVar

import msgspec

from runconsole.events import Micros, TaskStatus

S = TypeVar("S", bound=msgspec.Struct)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LAST_MICROS = 253_402_300_799_999_999  # 9999-12-31T23:59:59.999999Z

_STATUS_WORDS = {
    TaskStatus.PENDING: "pending queued created waiting scheduled ready not_started idle",
    TaskStatus.RUNNING: "running in_progress started active processing executing retrying resumed",
    TaskStatus.PAUSED: "paused suspended blocked on_hold waiting_hitl awaiting_hitl hitl_required",
    TaskStatus.COMPLETED: "completed complete success succeeded successful done finished passed ok",
    TaskStatus.FAILED: "failed failure error errored timeout timed_out",
    TaskStatus.CANCELLED: "cancelled canceled aborted stopped terminated",
    TaskStatus.SKIPPED: "skipped skip",
}
_STATUSES = {word: status for status, words in _STATUS_WORDS.items() for word in words.split()}


def read_status(word: object) -> TaskStatus | None:
    """Return the console's word for a wire's status, or None where it says nothing known."""
    if not isinstance(word, str):
        return None
    return _STATUSES.get(word) or _STATUSES.get(word.strip().lower().replace("-", "_").replace(" ", "_"))


def read_time(value: object) -> Micros | None:
    """Return microseconds since the epoch for what servers call a timestamp; None where it cannot be one.

    Accepts ISO 8601 (with any offset, none, or the illegal ``+00:00Z``) and epoch seconds, milliseconds or
    microseconds, told apart by size. A time without an offset counts as UTC.
    """
    if isinstance(value, str):
        return _read_iso(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _read_epoch(value)
    return None


def _read_iso(text: str) -> Micros | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        stripped = text.strip().removesuffix("Z").removesuffix("z")
        try:
            moment = datetime.fromisoformat(stripped)
        except ValueError:
            return _read_number(stripped)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // _MICROSECOND


def _read_number(text: str) -> Micros | None:
    try:
        return _read_epoch(float(text))
    except ValueError:
        return None


def _read_epoch(number: float) -> Micros | None:
    if not 1e8 <= number < 1e18:  # 1973 in seconds … 33658 in microseconds; NaN fails too
        return None
    scale = 1e6 if number < 1e11 else 1e3 if number < 1e14 else 1
    micros = round(number * scale)
    return micros if micros <= _LAST_MICROS else None


def reader(kind: type[S]) -> Callable[[msgspec.Raw], S | None]:
    """Return a function that reads JSON text into `kind`, dropping the fields that do not fit their type.

    The function returns None where the text is no JSON object at all.
    """
    decode = msgspec.json.Decoder(kind, strict=False).decode

    def read(raw: msgspec.Raw) -> S | None:
        try:
            return decode(raw)
        except msgspec.MsgspecError:
            return salvage(loads(bytes(raw)), kind)

    return read


def loads(text: bytes | str) -> Any:
    """Return any JSON value, also with NaN, Infinity and lone surrogates as Python's own encoder writes them.

    Raises ValueError where the text is no JSON at all.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None


def salvage(value: object, kind: type[S]) -> S | None:
    """Return as much of `value` as fits `kind`, field by field; None where it is no mapping."""
    if not isinstance(value, Mapping):
        return None
    kept = {}
    for field in msgspec.structs.fields(kind):
        if field.encode_name in value:
            try:
                kept[field.name] = _convert(value[field.encode_name], field.type)
            except (msgspec.ValidationError, ValueError, OverflowError):
                continue
    return kind(**kept)


def _convert(value: object, kind: Any) -> Any:
    try:
        return msgspec.convert(_finite(value), kind, strict=False)
    except msgspec.ValidationError:
        if isinstance(value, dict) and (struct := _inside(kind, msgspec.Struct)):
            return salvage(value, struct)
        if isinstance(value, list) and (sequence := _inside(kind, (tuple, list))):
            return sequence(_members(value, kind))
        if isinstance(value, float) and value.is_integer():
            return msgspec.convert(int(value), kind, strict=False)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return msgspec.convert(str(value), kind)
        raise


def _finite(value: object) -> object:
    """Return the value; NaN and the infinities are no numbers anybody can show."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("not a finite number")
    return value


def _members(values: list[Any], kind: Any) -> list[Any]:
    """Keep those members of a list that fit the member type of `kind`."""
    member = next(
        option.__args__[0] for option in _options(kind) if getattr(option, "__origin__", None) in (tuple, list)
    )
    kept = []
    for value in values:
        try:
            kept.append(_convert(value, member))
        except (msgspec.ValidationError, ValueError):
            continue
    return kept


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
    """Return the first value that is told."""
    for value in values:
        if value is not None:
            return value
    return None
