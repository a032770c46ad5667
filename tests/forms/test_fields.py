"""The fields of a form, and what a person types into them."""

from __future__ import annotations

import enum
from datetime import date, datetime
from typing import Any

import pydantic
import pytest

from runconsole.forms.fields import Field, fields_of, values_of
from runconsole.forms.filling import Filling
from runconsole.forms.typed import ask_for, read_typed


def fields(properties: dict[str, Any], **more: Any) -> tuple[Field, ...] | None:
    return fields_of({"type": "object", "properties": properties, **more})


def kind(part: dict[str, Any]) -> str | None:
    found = fields({"x": part})
    return None if found is None else found[0].kind


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"type": "string"}, "text"),
        ({"type": "string", "maxLength": 1000}, "lines"),
        ({"type": "string", "default": "one\ntwo"}, "lines"),
        ({"type": "string", "format": "date"}, "date"),
        ({"type": "string", "format": "date-time"}, "datetime"),
        ({"type": "string", "format": "email"}, "text"),
        ({"type": "number"}, "number"),
        ({"type": ["integer", "null"]}, "integer"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "integer"),
        ({"type": "boolean"}, "boolean"),
        ({"enum": [1, "b"]}, "choice"),
        ({"const": "x"}, "choice"),
        ({"type": "array", "items": {"enum": ["a"]}}, "choices"),
        ({"type": "array", "items": {"type": "string"}}, None),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, None),
        ({"oneOf": [{"type": "integer"}]}, None),
        ({"type": "string", "not": {"const": "x"}}, None),
        ({"enum": []}, None),
        ({"enum": list(range(51))}, None),
        ({"$ref": "#/nowhere"}, None),
        ({"$ref": "http://example.org/x"}, None),
        ({"type": "object", "properties": {"y": {"type": "object", "properties": {"z": {}}}}}, None),
        (True, None),
    ],
)
def test_the_kind_of_a_field_follows_its_schema(part: Any, expected: str | None) -> None:
    assert kind(part) == expected


@pytest.mark.parametrize(
    "schema", [None, {}, {"type": "string"}, {"type": "object"}, {"properties": {}}, {"properties": 5}]
)
def test_a_schema_without_fields_has_none(schema: dict[str, Any] | None) -> None:
    assert fields_of(schema) is None


def test_a_form_of_too_many_fields_is_none() -> None:
    assert fields({f"f{n}": {"type": "string"} for n in range(41)}) is None


class Size(enum.Enum):
    SMALL = "small"
    LARGE = "large"


class Machine(pydantic.BaseModel):
    cores: int = 2


class Training(pydantic.BaseModel):
    learning_rate: float = pydantic.Field(0.1, gt=0, le=1, description="of the first epoch")
    size: Size = Size.SMALL
    machine: Machine = Machine()
    seed: int | None = None
    until: datetime
    day: date


def test_a_model_of_pydantic_is_a_form() -> None:
    found = fields_of(Training.model_json_schema())
    assert found is not None
    assert [(field.name, field.kind, field.label, field.group, field.required) for field in found] == [
        ("learning_rate", "number", "Learning Rate", None, False),
        ("size", "choice", "size", None, False),
        ("machine.cores", "integer", "Cores", "machine", False),
        ("seed", "integer", "Seed", None, False),
        ("until", "datetime", "Until", None, True),
        ("day", "date", "Day", None, True),
    ]
    assert found[0].description == "of the first epoch"
    assert found[0].limits == "at most 1, more than 0"
    assert found[1].default == "small"
    assert found[1].choices == (("small", "small"), ("large", "large"))


def test_values_stand_where_their_paths_lead() -> None:
    assert values_of({("a",): 1, ("b", "c"): 2, ("b", "d"): 3}) == {"a": 1, "b": {"c": 2, "d": 3}}


def field(kind: Any, **more: Any) -> Field:
    return Field(("x",), kind, "X", **more)


CHOICES = (("one", 1), ("Two", "2"))


@pytest.mark.parametrize(
    ("asked", "text", "value"),
    [
        (field("text"), " word ", "word"),
        (field("text", default="d"), "", "d"),
        (field("text"), "", None),
        (field("integer"), "3", 3),
        (field("integer"), "3.5", "3.5"),
        (field("number"), "3.5", 3.5),
        (field("number"), "3", 3),
        (field("number"), "much", "much"),
        (field("boolean"), "Y", True),
        (field("boolean"), "no", False),
        (field("boolean"), "maybe", "maybe"),
        (field("choice", choices=CHOICES), "1", 1),
        (field("choice", choices=CHOICES), "two", "2"),
        (field("choice", choices=CHOICES), "three", "three"),
        (field("choices", choices=CHOICES), "1, two", [1, "2"]),
    ],
)
def test_typed_text_is_a_value(asked: Field, text: str, value: Any) -> None:
    assert read_typed(asked, text) == value


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (field("text", required=True), "X"),
        (field("text"), "X (Enter for none)"),
        (field("number", limits="0 to 1", default=0.5), "X (number; 0 to 1; Enter for 0.5)"),
        (field("boolean", default=True, group="Machine"), "Machine: X (yes or no; Enter for yes)"),
        (field("choices", choices=CHOICES, required=True), "X (1 one, 2 Two; several with commas)"),
    ],
)
def test_a_field_is_asked_for_in_words(asked: Field, words: str) -> None:
    assert ask_for(asked) == words


def test_a_value_that_does_not_fit_is_asked_for_again() -> None:
    filling = Filling.of(
        {"properties": {"rate": {"type": "number", "maximum": 1}, "note": {"type": "string"}}, "required": ["rate"]}
    )
    assert filling is not None
    filling.enter("")
    assert filling.lines == ["! a value is needed"]
    filling.enter("3")
    assert filling.lines == ["! 3 is greater than the maximum of 1"]
    filling.enter("0.5")
    filling.enter("")
    assert filling.is_done
    assert filling.values == {"rate": 0.5}


def test_a_choice_with_a_default_can_be_null_where_the_schema_allows_it() -> None:
    schema = {"properties": {"size": {"anyOf": [{"enum": ["s", "m"]}, {"type": "null"}], "default": "s"}}}
    [field] = fields_of(schema) or ()
    assert field.choices == (("s", "s"), ("m", "m"), ("none", None))
    filling = Filling.of(schema)
    assert filling is not None
    filling.enter("none")
    assert filling.values == {"size": None}
    [optional] = fields({"size": {"anyOf": [{"enum": ["s", "m"]}, {"type": "null"}]}}) or ()
    assert optional.choices == (("s", "s"), ("m", "m"))  # it can be left out


def test_a_value_of_any_kind_is_typed_as_json() -> None:
    field = Field(("x",), "json", "X", default=[{"a": 1}])
    assert ask_for(field) == 'X (JSON; Enter for [{"a": 1}])'
    assert read_typed(field, "") == [{"a": 1}]
    assert read_typed(field, '{"b": null}') == {"b": None}
    with pytest.raises(ValueError, match="Expecting"):
        read_typed(field, "[1")
