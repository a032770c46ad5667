"""The options of a question: the server's own answers in every shape, and never an invented one."""

from __future__ import annotations

from typing import Any

import pytest

from runconsole.decoding.choices import Choices, read_choices, read_option
from runconsole.events import CheckpointOption

YES, NO = CheckpointOption("yes", "Yes"), CheckpointOption("no", "No")


@pytest.mark.parametrize(
    ("option", "read"),
    [
        ("ask_again", CheckpointOption("ask_again", "Ask again")),
        ("Deploy to EU", CheckpointOption("Deploy to EU", "Deploy to EU")),
        ("JSON", CheckpointOption("JSON", "JSON")),
        (7, CheckpointOption("7", "7", value=7)),
        (1.5, CheckpointOption("1.5", "1.5", value=1.5)),
        (False, CheckpointOption("false", "False", value=False)),
        ({"action": "approve"}, CheckpointOption("approve", "approve", action="approve")),
        ({"label": "Go"}, CheckpointOption("Go", "Go")),
        ({"name": "go"}, CheckpointOption("go", "go")),
        ({"title": "Go"}, CheckpointOption("Go", "Go")),
        ({"text": "Go"}, CheckpointOption("Go", "Go")),
        ({"name": "go", "title": "Go on"}, CheckpointOption("go", "Go on")),
        ({"value": "go", "label": "Yes, go"}, CheckpointOption("go", "Yes, go")),
        ({"value": 0, "label": "None"}, CheckpointOption("0", "None", value=0)),
        ({"value": {"a": 1}, "label": "A"}, CheckpointOption('{"a":1}', "A", value={"a": 1})),
        ({"key": "y", "text": "Yes"}, CheckpointOption("y", "Yes")),
        ({"key": "y", "value": "Yes"}, CheckpointOption("y", "Yes")),
        ({"const": 3, "title": "Three"}, CheckpointOption("3", "Three", value=3)),
        ({"id": 1, "label": "One", "description": ["x"]}, CheckpointOption("1", "One", value=1)),
        ({"id": 5.0, "label": "Five"}, CheckpointOption("5", "Five", value=5.0)),
        ({"id": "a", "isDefault": "perhaps"}, CheckpointOption("a", "a")),
        ({"id": "a", "is_default": True, "help": "why"}, CheckpointOption("a", "a", "why", is_default=True)),
        (["y", "Yes"], CheckpointOption("y", "Yes")),
        ([7, "Seven"], CheckpointOption("7", "Seven", value=7)),
        ({}, None),
        ({"description": "nothing to send"}, None),
        (None, None),
        ("", None),
        (["approve"], None),
        (float("inf"), None),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_an_option_is_the_servers_own_with_its_own_value(option: object, read: CheckpointOption | None) -> None:
    assert read_option(option) == read


@pytest.mark.parametrize(
    "given",
    [
        ["yes", "no"],
        {"yes": "Yes", "no": "No"},
        {"yes": None, "no": None},
        {"options": ["yes", "no"]},
        {"type": "string", "enum": ["yes", "no"]},
        [["yes", "Yes"], ["no", "No"]],
        "yes,no",
        " yes , no ",
        "yes\nno\n",
        '["yes", "no"]',
        [{"value": "yes", "label": "Yes"}, {"value": "no", "label": "No"}],
        ["yes", "no", "yes"],
    ],
    ids=repr,
)
def test_a_list_of_options_is_read_in_every_shape(given: object) -> None:
    assert read_choices(given, "choice") == Choices((YES, NO))


@pytest.mark.parametrize("given", [[], {}, ""], ids=repr)
def test_an_empty_list_asks_for_words(given: object) -> None:
    assert read_choices(given, "approval") == Choices(offers="text")


@pytest.mark.parametrize(
    ("given", "options", "note"),
    [
        (5, (), "The options cannot be read: 5"),
        (True, (), "The options cannot be read: true"),
        ([None, {}], (), "The options cannot be read: [null,{}]"),
        (["yes", None], (YES,), "1 of 2 options cannot be read: [null]"),
    ],
)
def test_unreadable_options_are_named_and_offer_nothing(given: object, options: tuple[Any, ...], note: str) -> None:
    assert read_choices(given, "approval") == Choices(options, "told" if options else "nothing", note)


@pytest.mark.parametrize(
    ("kind", "offers"),
    [
        *((kind, "assumed") for kind in (None, "approval", "spec_review", "architecture", "hitl", "confirmation")),
        *((kind, "text") for kind in ("choice", "input", "free_text", "question", "select")),
    ],
)
def test_approve_and_reject_are_offered_only_for_approvals(kind: str | None, offers: str) -> None:
    choices = read_choices(None, kind)
    assert choices.offers == offers
    assert [option.id for option in choices.options] == (["approve", "reject"] if offers == "assumed" else [])


def test_options_that_share_an_id_or_a_label_stay_distinct() -> None:
    given = [{"id": "a", "label": "X"}, {"id": "a", "label": "Y"}, {"id": "b", "label": "X"}, 1, "1"]
    choices = read_choices(given, None)
    assert [(o.id, o.label, o.value) for o in choices.options] == [
        ("a", "X", None),
        ("a#2", "Y", "a"),
        ("b", "X", None),
        ("1", "1", 1),
        ("1#2", "1", "1"),
    ]


def test_many_options_of_one_id_are_read_in_one_pass() -> None:
    given = [{"id": "a", "label": str(number)} for number in range(100_000)]
    assert len({option.id for option in read_choices(given, None).options}) == len(given)


def test_a_value_nested_beyond_all_sense_is_no_option() -> None:
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    assert read_choices([{"value": deep, "label": "Deep"}], None).offers == "nothing"
