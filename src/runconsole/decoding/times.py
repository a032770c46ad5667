"""Times and deadlines in the servers' spellings, as microseconds since the epoch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from runconsole.events import Micros

__all__ = ["Deadline", "read_deadline", "read_time", "write_time"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SECOND: Micros = 1_000_000
_DAY: Micros = 86_400 * _SECOND
_FIRST: Micros = 100_000_000 * _SECOND
"""1973-03-03. An earlier value is a zero of some kind (year 1, 1601, 1970) or a duration, and no time of a run."""
_LAST: Micros = 253_402_300_799_999_999  # 9999-12-31T23:59:59.999999Z
_NEVER: Micros = 253_370_764_800_000_000  # 9999-01-01: from here on it is a type's maximum

_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?", re.ASCII)
_ZONE_NAME = re.compile(r"\[[^\]]*\]$|\s+m=[+-][\d.]+$")
"""The suffixes of Java's `ZonedDateTime` (and RFC 9557) and Go's `Time.String`."""
_UTC = re.compile(r"\s*(?:UTC|GMT|Z)$", re.IGNORECASE)
_SPACED_OFFSET = re.compile(r"\s+(?=[+-]\d\d)")
_PAST_THE_END = re.compile(r"(?<=\d\d:)60(?=\D|$)|(?<=[T ])24(?=:00)")
"""A leap second, and the end of a day as ISO 8601 writes it."""
_MAIL = re.compile(r"[a-z]{3}", re.IGNORECASE)
_TICKS = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/", re.ASCII)
_FAR_YEAR = re.compile(r"\+?\d{5,}-\d\d", re.ASCII)
_HALVES = re.compile(
    r"(\d{4}-\d\d-\d\d[T ](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)((?:\.\d{3})?(?:Z|[+-]\d\d:\d\d))", re.ASCII
)
"""The second of a time, and its milliseconds with the offset from UTC."""
_SECOND_ENDS = 19
_MOST_HALVES = 4096
_seconds: dict[str, Micros] = {}
_rests: dict[str, Micros] = {}
_CALENDAR = range(3, 8)
"""The number of numbers in Jackson's form of a `LocalDateTime`: from the year to the nanosecond."""

_ISO_DURATION = re.compile(
    r"P(?:(?P<weeks>[\d.,]+)W)?(?:(?P<days>[\d.,]+)D)?"
    r"(?:T(?:(?P<hours>[\d.,]+)H)?(?:(?P<minutes>[\d.,]+)M)?(?:(?P<seconds>[\d.,]+)S)?)?",
    re.ASCII | re.IGNORECASE,
)
_CLOCK_DURATION = re.compile(r"(?:(?P<hours>\d{1,3}):)?(?P<minutes>\d{1,2}):(?P<seconds>\d{2}(?:\.\d+)?)", re.ASCII)
_UNIT_DURATION = re.compile(
    r"(\d+(?:\.\d+)?)\s*(?:(ms|millis(?:econds?)?)|(s|secs?|seconds?)|(m|mins?|minutes?)|(h|hrs?|hours?)|(d|days?))"
    r"(?![a-z])\s*",
    re.ASCII | re.IGNORECASE,
)
_UNITS = (0.001, 1.0, 60.0, 3600.0, 86_400.0)
_LONGEST_S = 1e8
"""A smaller number is a duration in seconds (of up to three years), a larger one is a time."""


def read_time(value: object) -> Micros | None:
    """Return microseconds since the epoch for a server's timestamp; None where it cannot be one.

    Accepts ISO 8601 (with any offset, none, or the illegal ``+00:00Z``), RFC 2822, epoch seconds, milliseconds, micro-
    and nanoseconds (told apart by size) as numbers or as text, and the objects of MongoDB (``{"$date": …}``) and
    protobuf (``{"seconds", "nanos"}``). A time without an offset counts as UTC. A time before 1973 or after 9998 is a
    type's zero or maximum, and counts as unknown.
    """
    if isinstance(value, str):
        # Hot path: events of one second have the first half of their times in common, and there are a thousand others.
        second, rest = _seconds.get(value[:_SECOND_ENDS]), _rests.get(value[_SECOND_ENDS:])
        micros = second + rest if second is not None and rest is not None else _read_word(value)
    else:
        micros = _read_value(value)
    return micros if micros is not None and _FIRST <= micros < _NEVER else None


class Deadline(NamedTuple):
    """The deadline of a question: a time, or seconds after the question."""

    at: Micros | None = None
    in_s: float | None = None


def read_deadline(value: object) -> Deadline:
    """Return a deadline: any form that `read_time` accepts, seconds (number or text), an ISO 8601 duration.

    A time after 9998 is clipped to the end of 9999. An object holds it as ``expiresAt`` or as ``duration``.
    """
    if isinstance(value, Mapping):
        return _read_deadline_object(value)
    if isinstance(value, str):
        value = value.strip()
        if not _NUMBER.fullmatch(value):
            seconds = _read_duration(value)
            return Deadline(_read_far(value)) if seconds is None else _after(seconds)
        value = float(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _after(value) if value < _LONGEST_S else Deadline(_read_epoch(value, clips=True))
    return Deadline(read_time(value))


def _read_deadline_object(value: Mapping[str, object]) -> Deadline:
    given = next((value[name] for name in ("expiresAt", "expires_at", "at", "deadline") if value.get(name)), None)
    if given is None and not value.keys() & {"nanos", "nanoseconds"}:
        given = value.get("duration") or value.get("seconds")
    milliseconds = value.get("ms", value.get("milliseconds"))
    if given is None and isinstance(milliseconds, (int, float)):
        return _after(milliseconds / 1000)
    return Deadline(read_time(given or value)) if given is None or isinstance(given, Mapping) else read_deadline(given)


def _after(seconds: float | None) -> Deadline:
    return Deadline(in_s=float(seconds)) if seconds is not None and 0 < seconds < _LONGEST_S else Deadline()


def _read_far(text: str) -> Micros | None:
    """Return the time in a text, the end of 9999 for a later one."""
    if _FAR_YEAR.match(text):
        return _LAST
    known = read_time(text)
    if known is None and (micros := _read_text(text)) is not None and micros >= _NEVER:
        return min(micros, _LAST)
    return known


# ---- moments -------------------------------------------------------------------------------------------------------


def _read_word(text: str) -> Micros | None:
    try:
        since = datetime.fromisoformat(text) - _EPOCH
    except (ValueError, TypeError):  # no plain ISO 8601, or one without an offset
        return _read_text(text.strip())
    micros = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    if (halves := _HALVES.fullmatch(text)) is not None:
        _remember(halves[1], halves[2], micros)
    return micros


def _remember(second: str, rest: str, micros: Micros) -> None:
    """Keep what the two halves of a time come to: every time of such halves is their sum."""
    of_second = (datetime.fromisoformat(second + "Z") - _EPOCH) // _MICROSECOND
    for known, half, value in ((_seconds, second, of_second), (_rests, rest, micros - of_second)):
        if len(known) >= _MOST_HALVES:
            known.clear()
        known[half] = value


def _read_text(text: str) -> Micros | None:
    if _NUMBER.fullmatch(text):
        return _read_epoch(int(text) if text.isdecimal() and len(text) < 30 else float(text))
    if (ticks := _TICKS.fullmatch(text)) is not None:
        return int(ticks[1]) * 1000 if len(ticks[1]) < 20 else None
    late = 0
    past = _PAST_THE_END.search(text)
    if past is not None:
        late = _SECOND if past[0] == "60" else _DAY
        text = _PAST_THE_END.sub(lambda match: "59" if match[0] == "60" else "00", text)
    moment = _read_iso(text) or _read_mail(text)
    if moment is None:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // _MICROSECOND + late


def _read_iso(text: str) -> datetime | None:
    text = _SPACED_OFFSET.sub("", _UTC.sub("", _ZONE_NAME.sub("", text)))
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _read_mail(text: str) -> datetime | None:
    """Read RFC 2822 (the `Date` of HTTP and mail) and the format of `asctime`."""
    if not _MAIL.search(text):
        return None
    try:
        return parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
        return None


def _read_value(value: object) -> Micros | None:
    if isinstance(value, (int, float)):
        return None if isinstance(value, bool) else _read_epoch(value)
    if isinstance(value, Mapping):
        return _read_object(value)
    if isinstance(value, list) and len(value) in _CALENDAR and all(type(part) is int for part in value):
        try:
            year, month, day, *clock = value[:6]
            moment = datetime(year, month, day, tzinfo=UTC) + _length(clock)
        except (ValueError, OverflowError):
            return None
        return (moment - _EPOCH) // _MICROSECOND + (value[6] // 1000 if len(value) == _CALENDAR[-1] else 0)
    return None


def _length(clock: list[int]) -> timedelta:
    """Return the time of day given by up to three numbers."""
    hours, minutes, seconds = [*clock, 0, 0, 0][:3]
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def _read_object(value: Mapping[str, object]) -> Micros | None:
    given = value.get("$date", value.get("$numberLong"))
    if given is not None:
        if isinstance(given, Mapping):
            given = given.get("$numberLong")
        milliseconds = int(given) if isinstance(given, str) and given.isdecimal() and len(given) < 20 else given
        if isinstance(milliseconds, int) and not isinstance(milliseconds, bool):
            return milliseconds * 1000
        return read_time(given) if isinstance(given, (str, float)) else None
    seconds = value.get("seconds", value.get("_seconds"))
    nanos = value.get("nanos", value.get("_nanoseconds", value.get("nanoseconds", 0)))
    seconds = int(seconds) if isinstance(seconds, str) and seconds.isdecimal() and len(seconds) < 20 else seconds
    if type(seconds) is not int or type(nanos) is not int:
        return None
    return seconds * _SECOND + nanos // 1000


def _read_epoch(number: float, *, clips: bool = False) -> Micros | None:
    if not 1e8 <= number < 1e21:  # 1973 in seconds … 33658 in nanoseconds; NaN fails too
        return _LAST if clips and number > 1 else None
    if number < 1e11:
        micros = round(number * 1e6)
    elif number < 1e14:
        micros = round(number * 1e3)
    elif number < 1e17:
        micros = round(number)
    else:
        micros = int(number) // 1000
    return min(micros, _LAST) if clips else micros


def write_time(at: Micros) -> str:
    """Return a time as the wires have it: UTC, milliseconds, ``Z``."""
    return datetime.fromtimestamp(at / 1e6, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# ---- durations -----------------------------------------------------------------------------------------------------


def _read_duration(text: str) -> float | None:
    """Return the seconds of an ISO 8601 duration, ``1h30m``, ``90 seconds`` or ``mm:ss``; None for another text."""
    units = list(_UNIT_DURATION.finditer(text))
    if units and "".join(match[0] for match in units) == text:
        return sum(float(match[1]) * _UNITS[(match.lastindex or 2) - 2] for match in units)
    match = _ISO_DURATION.fullmatch(text) or _CLOCK_DURATION.fullmatch(text)
    if match is None:
        return None
    parts = {name: number.replace(",", ".") for name, number in match.groupdict().items() if number is not None}
    try:
        return timedelta(**{name: float(number) for name, number in parts.items()}).total_seconds() if parts else None
    except (ValueError, OverflowError):
        return None
