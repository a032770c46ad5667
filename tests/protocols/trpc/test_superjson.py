"""superjson, against recorded output of the real library (superjson_cases.json) and against the library itself."""

from __future__ import annotations

import json
import math
import re
import struct
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from runconsole.protocols.trpc.superjson import RegExp, SuperjsonError, Url, decode, encode, to_json
from tests.servers.node import HERE as SERVERS
from tests.servers.node import NodeProgram

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

CASES: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "superjson_cases.json").read_text("utf-8"))
WHEN = datetime(2025, 1, 15, 10, 30, tzinfo=UTC)
WHEN_TEXT = "2025-01-15T10:30:00.000Z"


def describe(value: object) -> list[Any]:
    """Return a value in the form of superjson.mjs, so that the two languages can be compared."""
    return DESCRIPTIONS[type(value)](value)


DESCRIPTIONS: dict[type, Callable[[Any], list[Any]]] = {
    type(None): lambda _: ["null"],
    bool: lambda value: ["bool", value],
    int: lambda value: ["int", str(value)],
    float: lambda value: ["float", struct.pack(">d", value).hex()],
    str: lambda value: ["str", value],
    RegExp: lambda value: ["RegExp", str(value)],
    Url: lambda value: ["Url", str(value)],
    bytes: lambda value: ["bytes", list(value)],
    datetime: lambda value: ["Date", (value - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)],
    list: lambda value: ["list", [describe(item) for item in value]],
    set: lambda value: ["set", in_order(describe(item) for item in value)],
    dict: lambda value: ["dict", [[describe(key), describe(item)] for key, item in value.items()]],
}


def in_order(described: Iterable[Any]) -> list[Any]:
    return sorted(described, key=json.dumps)


def with_sets_in_order(described: Any) -> Any:
    if not isinstance(described, list):
        return described
    inner = [with_sets_in_order(item) for item in described]
    return [inner[0], in_order(inner[1])] if inner[:1] == ["set"] else inner


# ---- reading what the real one writes ------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["payload", "deduped"])
@pytest.mark.parametrize("name", CASES)
def test_reads_what_the_real_superjson_writes(name: str, form: str) -> None:
    case = CASES[name]
    expected = with_sets_in_order(case["described"])
    assert describe(decode(case[form])) == expected
    assert describe(decode(json.dumps(case[form]))) == expected


def test_the_committed_cases_match_the_installed_superjson() -> None:
    with NodeProgram("superjson.mjs", "cases") as program:
        lines = [program.read_line() for _ in range(len(CASES) + 2)]
    assert (Path(__file__).parent / "superjson_cases.json").read_text("utf-8") == "\n".join([*lines, ""]), (
        f"write them anew: node superjson.mjs cases in {SERVERS.name}/"
    )


def test_values_of_the_table_are_python_values() -> None:
    value = decode(CASES["numbers that JSON lacks"]["payload"])
    assert math.isnan(value["nan"])
    assert value["ninf"] == -math.inf
    assert math.copysign(1, value["zero"]) == -1
    assert decode(CASES["a map with keys of other types"]["payload"]) == {1: "one", WHEN: "then", 7: None}
    assert decode(CASES["undefined in an object and a list"]["payload"]) == {"list": [1, None, 2]}
    assert decode(CASES["undefined at the root"]["payload"]) is None


def test_decode_leaves_the_object_it_was_given_alone() -> None:
    payload = CASES["the same object twice"]["deduped"]
    before = json.dumps(payload)
    decode(payload)
    assert json.dumps(payload) == before


def test_nothing_at_all_is_undefined() -> None:
    assert decode({}) is None
    assert decode("{}") is None
    assert to_json("{}") == "null"


@pytest.mark.parametrize("version", [None, 0])
def test_paths_of_superjson_1_do_not_escape_backslashes(version: int | None) -> None:
    meta: dict[str, Any] = {"values": {r"a\b": ["bigint"], r"a\.b": ["bigint"], r"a\\.b": ["bigint"]}}
    if version is not None:
        meta["v"] = version
    value = decode({"json": {r"a\b": "1", "a.b": "2", r"a\.b": "3"}, "meta": meta})
    assert value == {r"a\b": 1, "a.b": 2, r"a\.b": 3}


def test_a_map_and_a_set_that_python_cannot_hash_stay_lists() -> None:
    payload = {
        "json": {"m": [[{"a": 1}, 2]], "s": [{"a": 1}]},
        "meta": {"values": {"m": ["map"], "s": ["set"]}, "v": 1},
    }
    assert decode(payload) == {"m": [({"a": 1}, 2)], "s": [{"a": 1}]}


def test_dangerous_keys_are_ordinary_keys() -> None:
    meta = {"values": {"__proto__.x": ["Date"], "constructor": ["bigint"]}, "v": 1}
    value = decode({"json": {"__proto__": {"x": WHEN_TEXT}, "constructor": "1"}, "meta": meta})
    assert value == {"__proto__": {"x": WHEN}, "constructor": 1}


# ---- bad meta ------------------------------------------------------------------------------------------------------

BAD_METAS = {
    "no object": [1, 2],
    "values of no known form": {"values": 5, "v": 1},
    "an empty annotation": {"values": {"a": []}, "v": 1},
    "a type that is no name": {"values": {"a": [5]}, "v": 1},
    "an unknown type": {"values": {"a": ["Temporal"]}, "v": 1},
    "an unknown composite type": {"values": {"a": [["quaternion", "Q"]]}, "v": 1},
    "paths that lead nowhere": {
        "values": {"x.y.z": ["Date"], "a.0": ["Date"], "l.9": ["Date"], "l.b": ["Date"]},
        "v": 1,
    },
    "an illegal escape": {"values": {r"a\x": ["Date"], "a\\": ["Date"]}, "v": 1},
    "types that do not fit": {
        "values": {"a": ["bigint"], "l": ["Date"], "n": ["map"], "o": ["set"], "l.0": ["number"], "n.0": ["map"]},
        "v": 1,
    },
    "equalities of no known form": {"referentialEqualities": 7, "v": 1},
    "equalities that lead nowhere": {"referentialEqualities": {"x": ["a"], "a": ["x", 5, "l.7"], "l": "a"}, "v": 1},
    "a version that is no number": {"values": {"x": ["Date"]}, "v": "one"},
}


@pytest.mark.parametrize("name", BAD_METAS)
def test_bad_meta_leaves_the_raw_value(name: str) -> None:
    plain = {"a": "text", "l": [1, "2"], "n": None, "o": {"k": 1}}
    payload = {"json": plain, "meta": BAD_METAS[name]}
    assert decode(payload) == plain
    assert json.loads(to_json(json.dumps(payload))) == plain


def test_equalities_cannot_make_a_value_contain_itself() -> None:
    meta = {"referentialEqualities": {"a": ["b.x"], "b": ["a.y"]}, "v": 1}
    value = decode({"json": {"a": {"y": None}, "b": {"x": None}}, "meta": meta})
    assert value == {"a": {"y": None}, "b": {"x": {"y": None}}}


def test_a_small_meta_cannot_make_a_huge_value() -> None:
    width, depth = 10, 12
    plain: dict[str, Any] = {f"l{level}": [None] * width for level in range(depth)}
    plain["l0"] = ["x"] * width
    equal = {f"l{level}": [f"l{level + 1}.{place}" for place in range(width)] for level in range(depth - 1)}
    text = to_json(json.dumps({"json": plain, "meta": {"referentialEqualities": equal, "v": 1}}))
    assert len(text) < 2_000_000
    assert json.loads(text)["l1"] == [["x"] * width] * width


@pytest.mark.parametrize("text", ["", "5", "null", '"text"', "[1]", "{", b"\xff", '{"json":'])
def test_text_that_is_no_superjson_is_refused(text: str | bytes) -> None:
    for read in (decode, to_json):
        with pytest.raises(SuperjsonError, match="expected a JSON object"):
            read(text)


def test_deep_nesting_is_no_crash() -> None:
    deep = "[" * 5000 + '"1"' + "]" * 5000
    path = ".".join(["0"] * 5000)
    text = f'{{"json":{deep},"meta":{{"values":{{"{path}":["bigint"]}},"v":1}}}}'
    for read in (decode, to_json):
        with pytest.raises(SuperjsonError, match="expected a JSON object"):
            read(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
kinds = st.sampled_from(["Date", "bigint", "number", "map", "set", "undefined", "regexp", "URL", "Error", "nope"])
paths = st.lists(st.sampled_from(["0", "1", "a", "b", "\\.", "\\"]), max_size=3).map(".".join)
value_notes = st.recursive(
    kinds.map(lambda kind: [kind]) | json_values,
    lambda inner: st.dictionaries(paths, inner, max_size=3) | st.tuples(kinds, inner).map(list),
    max_leaves=6,
)
equalities = st.dictionaries(paths, st.lists(paths, max_size=3), max_size=3)
metas: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"values": value_notes}, optional={"referentialEqualities": equalities | value_notes, "v": st.just(1)}
)


@given(json_values, metas)
def test_no_meta_can_make_reading_fail(plain: object, meta: dict[str, Any]) -> None:
    payload = {"json": plain, "meta": meta}
    decode(payload)
    json.loads(to_json(json.dumps(payload)))


# ---- JSON text for events ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "inner",
    [
        '{ "b" : 1.50, "a":[1e3, -0.0], "c":"\\u017elu\\/ť" }',
        '"text"',
        "5",
        "null",
        "12345678901234567890123",
    ],
)
def test_without_meta_the_text_is_kept_byte_for_byte(inner: str) -> None:
    assert to_json(f'{{"json": {inner}}}') == inner
    assert to_json(f'{{"json":{inner},"meta":null}}') == inner
    assert to_json(f'{{"meta":{{}}, "json":{inner}}}'.encode()) == inner


def test_text_with_only_dates_is_kept() -> None:
    inner = f'{{ "at" : "{WHEN_TEXT}", "cost":1.50, "who":["u", "v"] }}'
    meta = '{"values":{"at":["Date"],"who":["set"]},"v":1}'
    assert to_json(f'{{"json":{inner},"meta":{meta}}}') == inner


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a date at the root", WHEN_TEXT),
        ("undefined at the root", None),
        ("undefined in an object and a list", {"list": [1, None, 2]}),
        ("a bigint at the root", 12345678901234567890),
        ("numbers that JSON lacks", {"nan": None, "inf": None, "ninf": None, "zero": -0.0, "list": [None, 1]}),
        ("a map with string keys", {"a": 1, "b": WHEN_TEXT}),
        ("a map with keys of other types", [[1, "one"], [WHEN_TEXT, "then"], [7, None]]),
        ("a set", [1, "two", WHEN_TEXT, None]),
        ("an error", {"name": "TypeError", "message": "bad"}),
        ("typed arrays", {"u8": [1, 2, 255], "clamped": [0, 255], "i16": [-1, 1], "f64": [0.5, 2]}),
        ("the same map twice", [[[1, WHEN_TEXT]], [[1, WHEN_TEXT]]]),
        ("a program's own types", {"money": {"amount": 5}, "word": "spade", "words": "1:2", "when": WHEN_TEXT}),
    ],
)
def test_an_events_json_equals_that_of_a_plain_server(name: str, expected: object) -> None:
    for form in ("payload", "deduped"):
        assert json.loads(to_json(json.dumps(CASES[name][form]))) == expected


def test_lone_surrogates_and_huge_numbers_keep_the_text_valid() -> None:
    meta = '{"values":{"b":["bigint"]},"v":1}'
    lone = to_json('{"json":{"a":"\\ud800 ť","b":"1"},"meta":' + meta + "}")
    assert json.loads(lone.encode()) == {"a": "\ud800 ť", "b": 1}
    assert to_json('{"json":{"a":"\\ud800 ť"}}') == '{"a":"\\ud800 ť"}'
    huge = '{"a":1e999,"b":"1"}'
    assert to_json(f'{{"json":{huge},"meta":{meta}}}') == huge


# ---- writing -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "payload"),
    [
        ("task-1", {"json": "task-1"}),
        (None, {"json": None}),
        (UNSET, {"json": None, "meta": {"values": ["undefined"], "v": 1}}),
        ({"a": [1, True, 2.5]}, {"json": {"a": [1, True, 2.5]}}),
        (WHEN, {"json": WHEN_TEXT, "meta": {"values": ["Date"], "v": 1}}),
        (WHEN.replace(tzinfo=None), {"json": WHEN_TEXT, "meta": {"values": ["Date"], "v": 1}}),
        (2**53 - 1, {"json": 2**53 - 1}),
        (-(2**53), {"json": str(-(2**53)), "meta": {"values": ["bigint"], "v": 1}}),
        (
            {"a.b": {"c\\d": -0.0}},
            {"json": {"a.b": {"c\\d": "-0"}}, "meta": {"values": {r"a\.b.c\\d": ["number"]}, "v": 1}},
        ),
        ({1: WHEN}, {"json": [[1, WHEN_TEXT]], "meta": {"values": ["map", {"0.1": ["Date"]}], "v": 1}}),
        ([{5}], {"json": [[5]], "meta": {"values": {"0": ["set"]}, "v": 1}}),
        (b"\x00\xff", {"json": [0, 255], "meta": {"values": [["typed-array", "Uint8Array"]], "v": 1}}),
        (ValueError("bad"), {"json": {"name": "ValueError", "message": "bad"}, "meta": {"values": ["Error"], "v": 1}}),
        (re.compile("a+", re.IGNORECASE), {"json": "/a+/i", "meta": {"values": ["regexp"], "v": 1}}),
        (Url("https://x/"), {"json": "https://x/", "meta": {"values": ["URL"], "v": 1}}),
    ],
)
def test_writes_the_form_of_the_table(value: object, payload: dict[str, Any]) -> None:
    assert encode(value) == payload


def test_a_date_of_another_zone_is_sent_in_utc() -> None:
    moment = WHEN.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert encode(moment)["json"] == WHEN_TEXT


def test_values_superjson_cannot_carry_are_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    for value in (object(), {"a": 1j}, loop, {"__proto__": 1}, {"a": [{"constructor": 1}]}):
        with pytest.raises(SuperjsonError, match="expected"):
            encode(value)


keys = st.text(max_size=6).filter(lambda key: key not in {"__proto__", "constructor", "prototype"})
# A float without a fraction becomes an int on its way: JavaScript has one kind of number.
fractions = st.sampled_from([-0.0, math.inf, -math.inf]) | st.floats(-1e6, 1e6).filter(lambda it: not it.is_integer())
hashables = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False).filter(
        lambda number: not number.is_integer() or math.copysign(1, number) < 0 == number
    )
    | st.text(max_size=6)
    | st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.just(UTC)).map(  # noqa: DTZ001
        lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    )
)
values = st.recursive(
    hashables | st.just(math.nan) | st.binary(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(keys, inner, max_size=4)
        | st.dictionaries(st.integers(0, 9), inner, min_size=1, max_size=3)
        | st.sets(st.integers(-(2**60), 2**60) | st.text(max_size=3), max_size=3)
    ),
    max_leaves=10,
)


@given(values)
def test_written_values_are_read_again(value: object) -> None:
    text = json.dumps(encode(value), allow_nan=False)
    assert describe(decode(text)) == describe(value)


@pytest.fixture(scope="module")
def real() -> Iterator[NodeProgram]:
    with NodeProgram("superjson.mjs", "echo") as program:
        yield program


@given(values)
def test_values_survive_the_way_through_the_real_superjson(real: NodeProgram, value: object) -> None:
    answer = json.loads(real.ask(json.dumps(encode(value), allow_nan=False)))
    assert "error" not in answer
    assert by_sorted_fields(with_sets_in_order(answer["described"])) == by_sorted_fields(describe(value))
    assert by_sorted_fields(describe(decode(answer["payload"]))) == by_sorted_fields(describe(value))


def by_sorted_fields(described: Any) -> Any:
    """JavaScript moves keys that look like integers to the front of an object."""
    if not isinstance(described, list):
        return described
    inner = [by_sorted_fields(item) for item in described]
    return [inner[0], in_order(inner[1])] if inner[:1] in (["dict"], ["set"]) else inner
