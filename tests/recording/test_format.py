"""Lines and facts: written and read again, with any content."""

from __future__ import annotations

import json
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runconsole import events
from runconsole.events import (
    Alert,
    Answer,
    CheckpointOpened,
    CheckpointOption,
    CheckpointSaved,
    DecisionRequested,
    Fact,
    LinkChanged,
    Micros,
    Received,
    SubtaskReported,
    TaskProgressed,
    TaskStatus,
)
from runconsole.recording import Entry, Header, decode_line, encode_line
from runconsole.recording.fact_codec import read_fact, write_fact

FACTS: list[Fact | Received] = [
    LinkChanged(5, "live", 2, "why", 1, 2, 9, "a notice"),
    LinkChanged(5, "retrying"),
    CheckpointSaved(None),
    DecisionRequested(1, "d", "c", Answer("approve", "ship\nit", {"a": [1, None, {"b": 2.5}]}), "go", "policy"),
    Received(
        "checkpoint.pending",
        CheckpointOpened("c", options=(CheckpointOption("a", "A", is_default=True),), context={"n": [1]}),
        '{"x": "ä\\n"}',
        7,
        8,
        "id",
        9,
        "corr",
        "offset",
    ),
    Received("tasks.get", TaskProgressed("t", status=TaskStatus.PAUSED, subtask=SubtaskReported("t", "s")), "", 1),
]


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: type(fact).__name__)
def test_a_fact_is_read_as_it_was_written(fact: Fact | Received) -> None:
    line = encode_line(Entry(1, "local", fact=write_fact(fact)))
    entry = decode_line(line)
    assert isinstance(entry, Entry)
    assert entry.fact is not None
    assert read_fact(entry.fact) == fact


_NUMBER = st.floats(allow_nan=False, allow_infinity=False)
_JSON = st.none() | st.integers(0, 9) | _NUMBER | st.text(max_size=3)

_INT = st.integers(-(2**63), 2**63 - 1)
_MICROS = st.integers(get_args(Micros)[1].ge, get_args(Micros)[1].le)

_LEAVES: dict[Any, st.SearchStrategy[Any]] = {Any: _JSON, float: _NUMBER, int: _INT, Micros: _MICROS}


def _values(hint: Any) -> st.SearchStrategy[Any]:
    """Return values of a field's type; JSON for a field of any type."""
    origin, inside = get_origin(hint), get_args(hint)
    if hint in _LEAVES:
        return _LEAVES[hint]
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return _struct(hint)
    if origin is Answer:
        return st.builds(Answer, st.text(max_size=3), st.none() | st.text(max_size=3), _JSON)
    if origin is tuple:
        return _tuples(inside)
    if origin is dict:
        return st.dictionaries(st.text(max_size=3), _values(inside[1]), max_size=3)
    return st.one_of(*map(_values, inside)) if origin in {UnionType, Union} else st.from_type(hint)


def _tuples(inside: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    if inside[1] is ...:
        return st.lists(_values(inside[0]), max_size=2).map(tuple)
    return st.tuples(*map(_values, inside))


def _struct(kind: type[Any]) -> st.SearchStrategy[Any]:
    hints = get_type_hints(kind, include_extras=True)
    return st.builds(kind, **{name: _values(hints[name]) for name in kind.__struct_fields__})


@given(st.data())
def test_every_kind_of_fact_is_read_as_it_was_written(data: st.DataObject) -> None:
    kinds = [
        kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, Fact) and kind is not Fact
    ]
    fact = data.draw(_struct(data.draw(st.sampled_from(kinds))))
    line = encode_line(Entry(1, "local", fact=write_fact(fact)))
    entry = decode_line(line)
    assert isinstance(entry, Entry)
    assert entry.fact is not None
    assert repr(read_fact(entry.fact)) == repr(fact)


def test_a_fact_of_a_newer_version_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="expected a fact of this version of runconsole, got 'Teleported'"):
        read_fact({"is": "Teleported"})


@given(
    st.text(st.characters(codec="utf-16", exclude_categories=[]) | st.sampled_from("\ud800\udfff\n\r\0"), max_size=50)
)
def test_any_text_stands_in_one_line_and_comes_back(text: str) -> None:
    line = encode_line(Entry(1, "in", 1, text))
    assert line.count(b"\n") == 1
    entry = decode_line(line)
    assert isinstance(entry, Entry)
    assert entry.frame == text


def test_values_beyond_json_become_text() -> None:
    fact = DecisionRequested(1, "d", "c", Answer("approve", modifications={"big": 2**80, "kind": Alert, "set": {1}}))
    line = json.loads(encode_line(Entry(1, "local", fact=write_fact(fact))))
    assert line["fact"]["modifications"]["set"] == [1]


def test_a_line_of_another_kind_is_none() -> None:
    for line in (b"", b"nonsense", b"[]", b'{"at":1}', b'{"runconsole":"x"}', b"\xff\xfe", b'{"at":1,"dir":"up"}'):
        assert decode_line(line) is None


def test_unknown_fields_of_a_newer_version_are_passed_over() -> None:
    line = encode_line(Header(1, "9", "json", "ws://h", "2026-01-01T00:00:00Z"))[:-2] + b',"new":1}'
    assert isinstance(decode_line(line), Header)
