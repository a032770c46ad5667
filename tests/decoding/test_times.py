"""Times and deadlines in the forms that servers write them."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runconsole.decoding import times
from runconsole.decoding.times import Deadline, read_deadline, read_time

MOMENT = 1_763_310_885_123_456  # 2025-11-16T16:34:45.123456Z
MILLIS = 1_763_310_885_123_000
SECOND = 1_763_310_885_000_000


@pytest.mark.parametrize(
    ("stamp", "micros"),
    [
        ("2025-11-16T16:34:45.123Z", MILLIS),
        ("2025-11-16T16:34:45.123456Z", MOMENT),
        ("2025-11-16T16:34:45Z", SECOND),
        ("2025-11-16t16:34:45z", SECOND),
        ("2025-11-16T16:34:45.123456+00:00", MOMENT),
        ("2025-11-16T16:34:45.123456+00:00Z", MOMENT),
        ("2025-11-16T18:04:45.123+01:30", MILLIS),
        ("2025-11-16T16:34:45.123456", MOMENT),
        ("2025-11-16 16:34:45.123456", MOMENT),
        (" 2025-11-16T16:34:45.123456Z ", MOMENT),
        ("2025-11-16T16:34:45.123456789Z", MOMENT),
        (1_763_310_885, SECOND),
        (1_763_310_885.123, MILLIS),
        (1_763_310_885_123, MILLIS),
        (1_763_310_885_123_456, MOMENT),
        ("1763310885", SECOND),
        ("1763310885123", MILLIS),
        ("1763310885.123", MILLIS),
        ("1801012312345", 1_801_012_312_345_000),
        (1_763_310_885_123_456_789, MOMENT),
        ("1763310885123456789", MOMENT),
        ("Sun, 16 Nov 2025 16:34:45 GMT", SECOND),
        ("16 Nov 2025 17:34:45 +0100", SECOND),
        ("Sun Nov 16 16:34:45 2025", SECOND),
        ("2025-11-16 16:34:45 UTC", SECOND),
        ("2025-11-16T16:34:45.123 utc", MILLIS),
        ("2025-11-16 16:34:45.123456789 +0000 UTC m=+0.004", MOMENT),
        ("2025-11-16T17:34:45+01:00[Europe/Prague]", SECOND),
        ("2025-11-16T16:34:60Z", SECOND + 15_000_000),
        ("Sun, 16 Nov 2025 16:34:60 GMT", SECOND + 15_000_000),
        ("2025-11-15T24:00:00Z", SECOND - (16 * 3600 + 34 * 60 + 45) * 1_000_000),
        ({"$date": "2025-11-16T16:34:45Z"}, SECOND),
        ({"$date": {"$numberLong": "1763310885123"}}, MILLIS),
        ({"$date": 1_763_310_885_123}, MILLIS),
        ({"seconds": 1_763_310_885, "nanos": 123_456_789}, MOMENT),
        ({"seconds": "1763310885"}, SECOND),
        ({"_seconds": 1_763_310_885, "_nanoseconds": 123_000_000}, MILLIS),
        ([2025, 11, 16, 16, 34, 45, 123_456_000], MOMENT),
        ("/Date(1763310885123)/", MILLIS),
    ],
)
def test_a_timestamp_is_read_in_every_form_that_servers_write(stamp: object, micros: int) -> None:
    assert read_time(stamp) == micros


@pytest.mark.parametrize(
    "stamp",
    [
        None,
        "",
        "yesterday",
        "Z",
        "+00:00Z",
        "2025-13-01T00:00:00Z",
        "nan",
        "inf",
        "12",
        "20251116",
        "1_763_310_885",
        "16 Nov",
        "0001-01-01T00:00:00Z",
        "1970-01-01T00:00:00Z",
        "1970-01-01T00:00:00",
        "9999-12-31T23:59:59.9999999-08:00",
        "10000-01-01T00:00:00Z",
        {"$date": {"$numberLong": "-62135596800000"}},
        {"$date": None},
        {"seconds": 0, "nanos": 0},
        [2025, 13, 1],
        "9" * 5000,
        0,
        12,
        -5,
        1e30,
        10**400,
        math.nan,
        math.inf,
        True,
        [],
        {},
        b"2025-11-16T16:34:45Z",
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_value_out_of_range_is_no_time(stamp: object) -> None:
    assert read_time(stamp) is None


@given(st.datetimes(min_value=datetime(1973, 3, 5), max_value=datetime(9998, 12, 30)), st.integers(-840, 840))  # noqa: DTZ001
def test_every_aware_time_is_read_to_the_microsecond(naive: datetime, offset: int) -> None:
    moment = naive.replace(tzinfo=timezone(timedelta(minutes=offset)))
    expected = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert read_time(moment.isoformat()) == expected


@given(st.one_of(st.text(), st.floats(), st.integers(), st.from_type(type(None)), st.lists(st.integers())))
def test_reading_a_time_never_raises_and_fits_sixty_four_bits(stamp: object) -> None:
    micros = read_time(stamp)
    assert micros is None or abs(micros) < 2**63


# ---- deadlines -----------------------------------------------------------------------------------------------------

LAST = 253_402_300_799_999_999


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (300, 300),
        (0.5, 0.5),
        ("300", 300),
        (" 90.5 ", 90.5),
        ("PT5M", 300),
        ("P1DT2H3M4.5S", 93_784.5),
        ("P2W", 1_209_600),
        ("pt30s", 30),
        ("5m", 300),
        ("1h30m", 5400),
        ("90 seconds", 90),
        ("500ms", 0.5),
        ("05:00", 300),
        ({"duration": 300, "defaultAction": "reject"}, 300),
        ({"duration": "PT5M"}, 300),
        ({"seconds": 300}, 300),
        ({"ms": 1500}, 1.5),
    ],
    ids=repr,
)
def test_a_duration_is_seconds_from_the_question_on(given: object, seconds: float) -> None:
    assert read_deadline(given) == Deadline(in_s=seconds)


@pytest.mark.parametrize(
    ("given", "at"),
    [
        ("2025-11-16T16:34:45.123456Z", MOMENT),
        (1_763_310_885_123, MILLIS),
        ("1763310885", SECOND),
        ({"$date": 1_763_310_885_123}, MILLIS),
        ({"seconds": 1_763_310_885, "nanos": 0}, SECOND),
        ({"duration": 300, "expiresAt": "2025-11-16T16:34:45Z"}, SECOND),
        ("9999-12-31T23:59:59.9999999-08:00", LAST),
        ("10000-01-01T00:00:00Z", LAST),
        (1e30, LAST),
        (math.inf, LAST),
    ],
    ids=repr,
)
def test_a_deadline_is_clipped_at_the_end_of_the_calendar(given: object, at: int) -> None:
    assert read_deadline(given) == Deadline(at)


@pytest.mark.parametrize(
    "given",
    [None, 0, -5, "", "soon", "P", "PT", "90 months", True, math.nan, [], {}, "0001-01-01T00:00:00Z", {"duration": {}}],
    ids=repr,
)
def test_a_value_without_a_deadline_sets_none(given: object) -> None:
    assert read_deadline(given) == Deadline()


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=8)
        | st.dictionaries(st.sampled_from(["$date", "seconds", "nanos", "expiresAt", "duration", "ms"]), inner)
    ),
    max_leaves=6,
)


@given(anything)
def test_reading_a_deadline_never_raises_and_fits_the_calendar(given: object) -> None:
    deadline = read_deadline(given)
    assert deadline.at is None or 0 <= deadline.at <= LAST
    assert deadline.in_s is None or 0 < deadline.in_s <= 1e8


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                ["2025-11-16T16:34:45", "2025-11-16 23:59:59", "20251116T163445.123", "2025-W46-7T16:34:45"]
            )
            | st.integers(400_000_000, 4_000_000_000)
            .map(partial(datetime.fromtimestamp, tz=UTC))
            .map(lambda at: f"{at:%Y-%m-%dT%H:%M:%S}"),
            st.sampled_from(
                ["", "Z", ".123Z", "456Z", ".000456Z", ".123+02:00", "+05:30", ".999-11:45", "+00:00Z", ".1234"]
            ),
        ),
        max_size=20,
    )
)
def test_a_time_is_the_same_whichever_were_read_before(halves: list[tuple[str, str]]) -> None:
    texts = [second + rest for second, rest in halves]
    together = [read_time(text) for text in texts + texts]
    alone = []
    for text in texts:
        times._seconds.clear()
        times._rests.clear()
        alone.append(read_time(text))
    assert together == alone + alone


def test_times_are_not_remembered_without_end() -> None:
    for number in range(3 * times._MOST_HALVES):
        read_time(f"{datetime.fromtimestamp(MOMENT // 1_000_000 + number, UTC):%Y-%m-%dT%H:%M:%S}.{number % 1000:03}Z")
        read_time(f"2025-11-16T16:34:45.{number:06}Z")
    assert 0 < len(times._seconds) <= times._MOST_HALVES
    assert 0 < len(times._rests) <= times._MOST_HALVES
