"""The messages of the browser: parsed, refused in a sentence; and the TypeScript made of them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any, get_args

import pytest

from runconsole.errors import InvalidArgument
from runconsole.events import Answer
from runconsole.view.contract import TableName
from runconsole.view.tables import TABLES
from runconsole.widget.messages import AskPage, Decide, Ready, ReplayCommand, parse

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("message", "parsed"),
    [
        ({"kind": "ready", "have": 3}, Ready(3)),
        ({"kind": "ready"}, Ready(-1)),
        (
            {
                "kind": "decide",
                "id": "p",
                "checkpoint": "c",
                "answer": {"option": "o", "feedback": None, "modifications": [1]},
                "at": 7,
            },
            Decide("p", "c", Answer("o", None, [1]), 7),
        ),
        (
            {"kind": "page", "id": "q", "table": "tasks", "offset": 5, "search": "T"},
            AskPage("q", "tasks", 5, search="T"),
        ),
        ({"kind": "replay", "id": "r", "action": "run", "value": 2}, ReplayCommand("r", "run", 2)),
    ],
)
def test_messages_are_parsed(message: dict[str, Any], parsed: object) -> None:
    assert parse(message) == parsed


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"kind": "explode"}, "unknown message kind 'explode'"),
        ({"kind": "page", "id": "q"}, "missing required field `table`"),
        ({"kind": "detail", "id": "q", "table": "tasks"}, "missing required field `key`"),
        ({"kind": "page", "id": "q", "table": "tasks", "offset": "x"}, "Expected `int`, got `str`"),
    ],
)
def test_a_malformed_message_is_refused_in_a_sentence(message: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        parse(message)


def test_the_contract_names_every_table_of_the_picture() -> None:
    _, *parts = get_args(TableName)
    assert {name for part in parts for name in get_args(part)} == set(TABLES)


def test_the_typescript_of_the_contract_is_current() -> None:
    spec = importlib.util.spec_from_file_location("runconsole_contract", ROOT / "scripts" / "contract.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.main(["check"]) is None
