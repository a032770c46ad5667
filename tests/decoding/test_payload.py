"""Reading of payloads: valid JSON, and the salvage of payloads with wrong fields."""

from __future__ import annotations

import json
import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from runconsole.decoding.payload import Whole, encodable, loads, pieces, reader, salvage

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


def test_a_number_of_too_many_digits_costs_only_its_field() -> None:
    text = '{"phase":' + "9" * 5000 + ',"taskId":"a"}'
    assert reader(Sample)(text) == Sample("a")


@pytest.mark.parametrize("value", [None, 1, "text", [], [{"taskId": "a"}]])
def test_a_payload_that_is_no_object_is_nothing(value: object) -> None:
    assert read(value) is None
    assert salvage(value, Sample) is None


def test_a_payload_nested_too_deep_is_nothing() -> None:
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
def test_any_object_is_read_with_the_right_types(value: dict[str, object]) -> None:
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
def test_text_with_lone_surrogates_becomes_encodable(text: str) -> None:
    made = encodable(text)
    assert made.encode().decode() == made
    if not any("\ud800" <= character <= "\udfff" for character in text):
        assert made == text
