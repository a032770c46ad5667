"""Users' values, as JSON knows them."""

from __future__ import annotations

import enum
import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pandas as pd
import pytest

from runconsole.errors import InvalidArgument
from runconsole.values import plain, plain_argument


class Color(enum.Enum):
    RED = "red"


@dataclass
class Point:
    x: Any


MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "known"),
    [
        (np.float64(1.5), 1.5),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),  # noqa: FBT003
        (np.str_("a"), "a"),
        (np.array(5), 5),
        (np.array([[1, 2]]), [[1, 2]]),
        (np.datetime64("2026-01-01T00:00:00.000000001"), datetime(2026, 1, 1)),  # noqa: DTZ001
        (np.timedelta64(5, "s"), 5.0),
        (pd.Timestamp(MOMENT), MOMENT),
        (pd.NaT, None),
        (pd.NA, None),
        (pd.Timedelta("1s"), 1.0),
        (pd.Series([1, 2]), [1, 2]),
        (pd.DataFrame({"a": [1]}), [{"a": 1}]),
        (PurePosixPath("/a"), "/a"),
        (Decimal("1.5"), 1.5),
        (Decimal(2), 2),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (MOMENT, MOMENT),
        (date(2026, 1, 1), "2026-01-01"),
        (timedelta(seconds=5), 5.0),
        (Color.RED, "red"),
        (Point(np.int8(1)), {"x": 1}),
        ({1: (2, {3}), np.int64(5): range(2)}, {"1": [2, [3]], "5": [0, 1]}),
        (2**70, 2**70),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_value_of_another_library_is_what_it_holds(value: object, known: object) -> None:
    made = plain({"value": value})["value"]
    assert made == known
    assert type(made) is type(known)


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), np.nan, Decimal("NaN"), b"x", print, {(1, 2): 3}, np.complex64(1)],
    ids=lambda value: repr(value)[:30],
)
def test_a_value_json_cannot_carry_names_its_argument(value: object) -> None:
    with pytest.raises(InvalidArgument, match=r"^expected modifications= to be a value that JSON can carry, got \w"):
        plain_argument("modifications", [value])


def test_a_value_that_holds_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(InvalidArgument, match="got one nested too deep"):
        plain_argument("subscribe", value)
