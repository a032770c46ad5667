"""The words of an error in every place, on every wire."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runconsole.decoding.envelope import read_events, read_named
from runconsole.decoding.words import words_of
from runconsole.events import ErrorReported, TaskFailed

SHAPES: list[Any] = [
    {"message": "disk full"},
    {"detail": "disk full"},
    {"error": "disk full"},
    {"error": {"message": "disk full", "code": 5}},
    {"error": {"detail": {"reason": "disk full"}}},
    {"errors": ["disk full"]},
    {"errors": [{"message": "disk full"}]},
    {"reason": "disk full"},
    {"description": "disk full"},
    {"title": "disk full"},
    {"message": "", "detail": "disk full"},
    {"error": "E_DISK", "error_description": "disk full"},
    {"exception": "disk full"},
    {"data": {"message": "disk full"}},
]


@pytest.mark.parametrize("shape", [*SHAPES, "disk full", ["disk full"]], ids=repr)
def test_the_words_are_found_where_servers_put_them(shape: object) -> None:
    assert words_of(shape) == "disk full"
    (event,) = read_events(json.dumps({"type": "error", "data": shape}), 1)
    assert isinstance(event.fact, ErrorReported)
    assert event.fact.message == "disk full"
    (failed,) = read_events(json.dumps({"type": "task.failed", "payload": {"taskId": "t", "error": shape}}), 1)
    assert isinstance(failed.fact, TaskFailed)
    assert failed.fact.message == "disk full"
    (agent,) = read_events(json.dumps({"type": "agent.error", "payload": {"taskId": "t", "error": shape}}), 1)
    assert isinstance(agent.fact, ErrorReported)
    assert agent.fact.message == "disk full"


@pytest.mark.parametrize("shape", SHAPES[1:], ids=repr)
def test_words_beside_the_type_and_of_named_events_are_found(shape: dict[str, Any]) -> None:
    (event,) = read_events(json.dumps({"type": "error", **shape}), 1)
    assert getattr(event.fact, "message", None) == "disk full"
    (named,) = read_named("error", json.dumps(shape), 1)
    assert getattr(named.fact, "message", None) == "disk full"


def test_a_list_of_fastapi_says_where() -> None:
    detail = [{"loc": ["body", "name"], "msg": "field required", "type": "missing"}, {"msg": "other"}]
    assert words_of({"detail": detail}) == "body.name: field required; other"


@pytest.mark.parametrize("shape", [None, 5, True, {}, [], "", {"error": {}}, {"code": "X"}], ids=repr)
def test_a_value_without_words_yields_none(shape: object) -> None:
    assert words_of(shape) is None


def test_a_value_nested_too_deep_yields_none() -> None:
    deep: Any = "words"
    for _ in range(100_000):
        deep = {"error": deep}
    assert words_of(deep) is None
