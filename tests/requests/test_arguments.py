"""The fields in which the arguments of an action are edited."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runconsole.events import ActionRequest
from runconsole.forms.fields import values_of
from runconsole.requests.arguments import argument_fields

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
SCHEMAS = st.dictionaries(
    st.sampled_from("abcd"),
    st.sampled_from(
        [
            {"type": "string"},
            {"type": "integer"},
            {"type": "boolean"},
            {"enum": ["x", 1]},
            {"type": "array", "items": {"enum": ["x", "y"]}},
            {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "number"}}},
        ]
    ),
    max_size=4,
)


@given(st.dictionaries(st.sampled_from("abcdef"), VALUES, max_size=4), st.none() | SCHEMAS)
def test_what_the_fields_hold_are_all_arguments(args: dict[str, Any], properties: Any) -> None:
    schema = None if properties is None else {"type": "object", "properties": properties}
    fields = argument_fields(ActionRequest("f", args, schema=schema))
    held = values_of(
        {field.path: field.default for field in fields if field.default is not None or field.kind == "json"}
    )
    assert held.get("args", {}) == args


@pytest.mark.parametrize(
    ("value", "kind"),
    [("a", "text"), ("a\nb", "lines"), (1, "number"), (True, "boolean"), (["a"], "json"), (None, "json")],
)
def test_an_argument_without_a_schema_is_edited_by_its_value(value: Any, kind: str) -> None:
    [field] = argument_fields(ActionRequest("f", {"a": value}))
    assert (field.path, field.kind, field.default, field.label) == (("args", "a"), kind, value, "a")


def test_a_schema_names_its_fields_and_adds_those_that_the_call_leaves_out() -> None:
    properties = {"to": {"type": "string", "title": "To"}, "copies": {"type": "integer", "default": 1}}
    fields = argument_fields(
        ActionRequest("f", {"to": "a", "more": [1]}, schema={"type": "object", "properties": properties})
    )
    assert [(field.label, field.kind, field.default) for field in fields] == [
        ("To", "text", "a"),
        ("copies", "integer", None),  # the call has none: the tool's default holds
        ("more", "json", [1]),
    ]


@pytest.mark.parametrize("args", [None, "words", [1], {}, {str(n): n for n in range(50)}])
def test_arguments_without_names_or_too_many_are_one_json_text(args: Any) -> None:
    [field] = argument_fields(ActionRequest("f", args))
    assert (field.path, field.kind, field.default, field.required) == (("args",), "json", args, True)
