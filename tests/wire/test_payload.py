"""Reading payloads: times, status words, JSON as it comes, and what is saved of a payload with wrong fields."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from runconsole.wire.payload import Whole, encodable, loads, pieces, read_time, reader, salvage

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
def test_what_cannot_be_a_time_is_no_time(stamp: object) -> None:
    assert read_time(stamp) is None


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(9998, 12, 30)), st.integers(-840, 840))  # noqa: DTZ001
def test_every_aware_time_is_read_to_the_microsecond(naive: datetime, offset: int) -> None:
    moment = naive.replace(tzinfo=timezone(timedelta(minutes=offset)))
    expected = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert read_time(moment.isoformat()) == expected


@given(st.one_of(st.text(), st.floats(), st.integers(), st.from_type(type(None)), st.lists(st.integers())))
def test_reading_a_time_never_raises_and_fits_sixty_four_bits(stamp: object) -> None:
    micros = read_time(stamp)
    assert micros is None or abs(micros) < 2**63


# ---- salvage -------------------------------------------------------------------------------------------------------


class Part(Struct, rename="camel"):
    part_id: str | None = None
    count: Whole | None = None


class Sample(Struct, rename="camel"):
    task_id: str | None = None
    phase: Whole | None = None
    seconds: float | None = None
    done: bool | None = None
    words: tuple[str, ...] = ()
    parts: list[Part] | None = None
    part: Part | None = None
    by_name: dict[str, float] | None = None


def read(value: object) -> Sample | None:
    return reader(Sample)(json.dumps(value))


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("taskId", 7, {"task_id": "7"}),
        ("taskId", 7.5, {"task_id": "7.5"}),
        ("taskId", ["a"], {}),
        ("taskId", True, {}),
        ("phase", "3", {"phase": 3}),
        ("phase", 3.0, {"phase": 3}),
        ("phase", 3.5, {}),
        ("phase", "three", {}),
        ("phase", 2**63, {}),
        ("phase", -(2**63), {"phase": -(2**63)}),
        ("phase", 10**30, {}),
        ("seconds", "2.5", {"seconds": 2.5}),
        ("seconds", math.nan, {}),
        ("seconds", -math.inf, {}),
        ("done", "true", {"done": True}),
        ("done", "perhaps", {}),
        ("words", ["a", None, 3, ["b"], "c"], {"words": ("a", "3", "c")}),
        ("words", None, {}),
        ("words", "a", {}),
        ("parts", [{"partId": "p", "count": "x"}, 5, None], {"parts": [Part("p")]}),
        ("part", {"partId": 1, "count": 2}, {"part": Part("1", 2)}),
        ("part", "text", {}),
        ("byName", {"a": 1, "b": "x", "c": "2"}, {"by_name": {"a": 1.0, "c": 2.0}}),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_one_wrong_field_costs_only_itself(field: str, value: object, kept: dict[str, object]) -> None:
    # The neighbor that is wrong for certain makes sure that the slow way is taken, too.
    assert read({field: value}) == Sample(**kept)  # type: ignore[arg-type]
    assert read({"part": 5, "unknown": [1]} | {field: value}) == Sample(**kept)  # type: ignore[arg-type]


def test_a_number_with_more_digits_than_python_reads_costs_only_its_field() -> None:
    text = '{"phase":' + "9" * 5000 + ',"taskId":"a"}'
    assert reader(Sample)(text) == Sample("a")


@pytest.mark.parametrize("value", [None, 1, "text", [], [{"taskId": "a"}]])
def test_a_payload_that_is_no_object_is_nothing(value: object) -> None:
    assert read(value) is None
    assert salvage(value, Sample) is None


def test_a_payload_nested_beyond_all_sense_is_nothing_and_raises_nothing() -> None:
    deep = '{"taskId":1,"x":' + "[" * 100_000 + "]" * 100_000 + "}"
    assert reader(Sample)(deep) is None
    with pytest.raises(ValueError, match="nested too deep"):
        loads(deep)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from([f.encode_name for f in msgspec.structs.fields(Sample)]), json_values))
def test_any_object_is_read_and_what_is_read_has_the_right_types(value: dict[str, object]) -> None:
    found = read(value)
    assert found is not None
    encoded = msgspec.json.encode(found)
    assert msgspec.json.decode(encoded, type=Sample) == found


# ---- JSON as it comes ----------------------------------------------------------------------------------------------


@given(json_values, st.sampled_from([None, 1, 3]))
def test_pieces_are_the_exact_texts_of_the_members(value: object, indent: int | None) -> None:
    for holder in ([value, 1], {"a": value, "": [], 'quo"te': {}}, [], {}):
        text = " \n" + json.dumps(holder, indent=indent) + " "
        found = pieces(text)
        assert all(part in text for _, part in found)
        members = list(holder.items()) if isinstance(holder, dict) else [("", item) for item in holder]
        assert [(name, json.dumps(loads(part))) for name, part in found] == [(n, json.dumps(v)) for n, v in members]


@given(st.text(st.characters() | st.characters(categories=["Cs"])))
def test_text_with_lone_surrogates_becomes_text_that_can_be_encoded(text: str) -> None:
    made = encodable(text)
    assert made.encode().decode() == made
    if not any("\ud800" <= character <= "\udfff" for character in text):
        assert made == text
