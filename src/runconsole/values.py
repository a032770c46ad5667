"""Conversion of users' values (of NumPy, pandas, the standard library) to values of JSON and the wires."""

from __future__ import annotations

import dataclasses
import enum
import math
import os
import uuid
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from runconsole.errors import InvalidArgument
from runconsole.events import Prices
from runconsole.text.unicode import encodable_value

__all__ = ["plain", "plain_argument", "plain_or_problem", "plain_prices"]

_DEEPEST = 200
_LEAVES = (str, int, datetime)
"""Types that stay unchanged; superjson writes a `datetime` as a date, other wires as ISO 8601."""


def plain_argument(name: str, value: Any) -> Any:
    """Return an argument as `plain` does. Raises InvalidArgument, in a sentence that names the argument."""
    known, problem = plain_or_problem(name, value)
    if problem is not None:
        raise InvalidArgument(problem)
    return known


def plain_or_problem(name: str, value: Any) -> tuple[Any, str | None]:
    """Return an argument as `plain` does, and a sentence about its fault, or None.

    Raises nothing that holds the value.
    """
    try:
        return plain(value), None
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        return None, f"expected {name}= to be a value that JSON can carry, got {error}"


def plain(value: Any, depth: int = 0) -> Any:
    """Return a value made of dicts, lists, texts, numbers, booleans, None and `datetime`.

    Raises ValueError for values without such a form: NaN, an infinity, a function, a value that holds itself.
    """
    if value is None or type(value) in _LEAVES or isinstance(value, bool):
        return value
    if depth > _DEEPEST:
        raise ValueError("one nested too deep")
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{float(value)!r}")
        return float(value)
    if isinstance(value, Mapping):
        return {_key(key): plain(member, depth + 1) for key, member in value.items()}
    if isinstance(value, (list, tuple, range, AbstractSet)):
        return [plain(member, depth + 1) for member in value]
    return _foreign(value, depth)


def _key(key: Any) -> str:
    known = plain(key)
    if isinstance(known, str):
        return known
    if known is None or isinstance(known, (bool, int, float, datetime)):
        return str(known)
    raise ValueError(f"a key of type {type(key).__name__}")


def _foreign(value: Any, depth: int) -> Any:
    """Return the plain form of a value whose class JSON does not know."""
    known = _standard(value)
    if known is not value:
        return plain(known, depth + 1)
    if type(value).__module__.partition(".")[0] in {"numpy", "pandas"} or hasattr(value, "__array__"):
        return plain(_of_array(value), depth + 1)
    for method in ("model_dump", "to_dict", "_asdict"):  # pydantic and its like
        if callable(getattr(value, method, None)):
            return plain(getattr(value, method)(), depth + 1)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name), depth + 1) for f in dataclasses.fields(value)}
    if hasattr(value, "__struct_fields__"):
        return {name: plain(getattr(value, name), depth + 1) for name in value.__struct_fields__}
    raise ValueError(f"a {type(value).__name__}")


def _standard(value: Any) -> Any:
    """Return the plainer form of a value of the standard library, any other value itself."""
    make = next((make for kind, make in _STANDARD.items() if isinstance(value, kind)), None)
    is_foreign = isinstance(value, (date, timedelta)) and type(value).__module__ != "datetime"  # a Timestamp
    return value if make is None or is_foreign else make(value)


def _number(value: Decimal | Fraction) -> float:
    return int(value) if math.isfinite(value) and value == int(value) else float(value)


_STANDARD: dict[type, Callable[[Any], Any]] = {
    enum.Enum: lambda value: value.value,
    str: str,
    int: int,
    datetime: lambda value: datetime.combine(value.date(), value.timetz()),
    date: date.isoformat,
    time: time.isoformat,
    timedelta: timedelta.total_seconds,
    Decimal: _number,
    Fraction: _number,
    os.PathLike: os.fspath,
    uuid.UUID: str,
}
"""The classes of the standard library with values that JSON can carry in another form. The first that fits counts."""


def _of_array(value: Any) -> Any:
    """Return the content of a scalar, array or frame; NaT and NA are None."""
    if type(value).__name__ in {"NaTType", "NAType"}:
        return None
    if isinstance(value, datetime):  # a Timestamp
        return datetime.combine(value.date(), value.timetz())
    if isinstance(value, timedelta):
        return value.total_seconds()
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    if getattr(value, "ndim", None) == 0:
        exact = value.astype(f"{kind}8[us]") if kind in {"m", "M"} else value
        return exact.item()
    if getattr(value, "ndim", None) == 2 and callable(getattr(value, "to_dict", None)):
        return value.to_dict("records")
    try:
        return list(value)
    except TypeError:
        raise ValueError(f"a {type(value).__name__}") from None


def plain_prices(given: Any) -> Prices | None:
    """Return ``prices=``, US dollars by model, as plain numbers. Raises InvalidArgument."""
    if given is None:
        return None
    example = (
        "pass for example {'model-1': (3.0, 15.0)}: US dollars per million tokens of input and of output, then of input"
        " from a cache and of reasoning where these differ"
    )
    if not isinstance(given, Mapping):
        raise InvalidArgument(f"expected prices= to be a dict of models, got a {type(given).__name__}: {example}")
    found: Prices = {}
    for model, price in given.items():
        if not isinstance(model, str):
            raise InvalidArgument(f"expected prices= to name models by text, got a {type(model).__name__}: {example}")
        numbers = _price(price)
        if numbers is None:
            raise InvalidArgument(
                f"expected prices= to have two to four numbers, 0 or more, for {model[:_MOST_QUOTED]!r}: {example}"
            )
        found[str(encodable_value(model))] = numbers
    return found


_MOST_QUOTED = 60
_PRICED = ("input", "output", "cached", "reasoning")


def _price(given: Any) -> tuple[float, ...] | None:
    """Return the price of a model as its two to four numbers; None for what is none."""
    if isinstance(given, Mapping):
        if not {"input", "output"} <= given.keys() <= set(_PRICED):
            return None
        last = max(_PRICED.index(name) for name in given)
        given = [given.get(name, given["input"]) for name in _PRICED[: last + 1]]
    if not isinstance(given, list | tuple) or not 2 <= len(given) <= len(_PRICED):
        return None
    numbers = [_amount(each) for each in given]
    return None if None in numbers else tuple(number for number in numbers if number is not None)


def _amount(value: Any) -> float | None:
    """Return a number of US dollars; None for what is none."""
    if isinstance(value, bool | str):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if 0 <= number < math.inf else None
