"""A form judges values by its JSON Schema; a stranger's schema costs little and fetches nothing."""

from __future__ import annotations

import http.server
import threading
from typing import Any

import pytest

from runconsole.forms.schema import Form, Misfit, form_of

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "rate": {"type": "number", "minimum": 0, "maximum": 1, "default": 0.5},
        "epochs": {"type": "integer"},
        "name": {"type": "string", "pattern": "^[a-z]+$", "minLength": 1},
        "day": {"type": "string", "format": "date"},
        "kind": {"enum": ["small", "large"]},
        "tags": {"type": "array", "items": {"enum": ["a", "b"]}, "uniqueItems": True},
        "machine": {
            "type": "object",
            "properties": {"gpu": {"type": "boolean", "default": True}, "cores": {"type": "integer"}},
            "required": ["cores"],
        },
    },
    "required": ["epochs", "name"],
    "additionalProperties": False,
}


def form(schema: dict[str, Any] = SCHEMA) -> Form:
    made = form_of(schema)
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("values", "field", "reason"),
    [
        ({"rate": 3}, "rate", "3 is greater than the maximum of 1"),
        ({"rate": None}, "rate", "a value is needed"),
        ({"epochs": 1.5}, "epochs", "expected integer, got 1.5"),
        ({"epochs": "five"}, "epochs", "expected integer, got 'five'"),
        ({"name": "B1"}, "name", "'B1' does not match ^[a-z]+$"),
        ({"name": ""}, "name", "a value is needed"),
        ({"day": "31 May"}, "day", "'31 May' is no date, as in 2026-05-31"),
        ({"kind": "huge"}, "kind", "expected one of 'small', 'large', got 'huge'"),
        ({"tags": ["a", "a"]}, "tags", "an item is there twice"),
        ({"tags": ["c"]}, "tags.0", "expected one of 'a', 'b', got 'c'"),
        ({"machine": {}}, "machine.cores", "a value is needed"),
        ({"rat": 1}, "", "Additional properties are not allowed ('rat' was unexpected)"),
    ],
)
def test_each_misfit_names_its_field(values: dict[str, Any], field: str, reason: str) -> None:
    assert form().misfits({"epochs": 3, "name": "x"} | values) == [Misfit(field, reason)]


def test_all_missing_values_are_named() -> None:
    assert form().misfits({}) == [Misfit("epochs", "a value is needed"), Misfit("name", "a value is needed")]


def test_values_that_fit_have_no_misfit_and_get_the_defaults() -> None:
    values = {"epochs": 3, "name": "x", "machine": {"cores": 2}}
    completed = form().completed(values)
    assert completed == {**values, "rate": 0.5, "machine": {"cores": 2, "gpu": True}}
    assert values == {"epochs": 3, "name": "x", "machine": {"cores": 2}}
    assert form().misfits(completed) == []


def test_no_schema_is_no_form() -> None:
    assert form_of(None) is None
    assert form_of({}) is None


def nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(depth):
        schema = {"not": schema}
    return schema


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"type": "object", "properties": 5}, "properties: 5 is not of type 'object'"),
        ({"type": "wrong"}, "type: 'wrong' is not valid under any of the given schemas"),
        ({"enum": ["x" * 200_000]}, "it has 200,014 characters, more than 100,000"),
        (nested(5000), "it is nested too deeply"),
        ({"$ref": "#"}, "its references go in a circle"),
        ({"$ref": "#/$defs/nothing"}, "a reference in it leads nowhere here; nothing is fetched"),
        (
            {
                "$defs": {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(40)} | {"a40": {}},
                "$ref": "#/$defs/a0",
            },
            "its references multiply without an end",
        ),
    ],
)
def test_an_unusable_schema_is_said_and_checks_nothing(schema: dict[str, Any], why: str) -> None:
    made = form(schema)
    assert made.misfits({"anything": 1}) == []
    assert made.note == (
        f"the server gave a schema for the answer that cannot be used ({why}): the values are not checked here"
    )
    assert made.completed({"anything": 1}) == {"anything": 1}


def test_a_remote_reference_is_not_fetched() -> None:
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            made = form({"$ref": f"http://127.0.0.1:{server.server_port}/schema.json"})
            assert made.misfits({}) == []
        finally:
            server.shutdown()
            thread.join()
    assert asked == []
    assert "nothing is fetched" in str(made.note)


def test_a_catastrophic_pattern_is_matched_in_linear_time() -> None:
    made = form({"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}})
    (misfit,) = made.misfits({"a": "a" * 20_000 + "!"})
    assert misfit.field == "a"
    assert len(misfit.reason) < 500


def test_a_pattern_of_another_engine_is_left_to_the_server() -> None:
    made = form({"type": "object", "properties": {"a": {"type": "string", "pattern": "^(?=.*x)y"}}})
    assert made.misfits({"a": "b"}) == []
    assert made.note is None
