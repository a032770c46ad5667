"""Facts of the right types with values that no run has: every part of the run can still be viewed."""

from __future__ import annotations

import enum
import json
import random
import types
import typing
from pathlib import Path
from typing import Any

import pytest

from runconsole import Console
from runconsole.events import Answer, DecisionRequested
from runconsole.recording.fact_codec import _KINDS
from tests.recording.test_strangers import AT, recording, show_everything

if typing.TYPE_CHECKING:
    import msgspec

TIMES = [0, -62_135_596_800_000_000, 253_402_300_799_999_999, AT, AT + 10**12]
VALUES: dict[Any, list[Any]] = {
    bool: [True, False],
    int: [0, 1, -1, 2**53 + 1, 2**63 - 1, -(2**63)],
    float: [0.0, -1.5, 100.0, 1e18, 1e308, -1e308, 5e-324],
    str: ["", "x", "t", "\u202e\x1b[2J", "a" * 5000],
    Any: [None, {"a": 10**400}, [1, "x"], 2**70],
    type(None): [None],
}
IDS = {"task_id": ["t", "u"], "checkpoint_id": ["c", "d"], "decision_id": ["e", "f"]}


def value(hint: Any, name: str, dice: random.Random) -> Any:
    """Return a value of a type, as JSON has it."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint in VALUES:
        return dice.choice(IDS.get(name, VALUES[hint]) if hint is str else VALUES[hint])
    if origin in (typing.Union, types.UnionType):
        return value(dice.choice(inner), name, dice)
    if origin in (typing.Annotated, typing.Literal):
        return dice.choice(inner if origin is typing.Literal else TIMES)
    return _composed(hint, name, dice)


def _composed(hint: Any, name: str, dice: random.Random) -> Any:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is dict:
        return {str(number): value(inner[1], name, dice) for number in range(dice.randint(0, 3))}
    if origin in (tuple, list):
        return [value(inner[0], name, dice) for _ in range(dice.randint(0, 3))]
    if issubclass(hint, enum.Enum):
        return dice.choice([each.value for each in hint])
    return fields(hint, dice)


def fields(kind: type[msgspec.Struct], dice: random.Random) -> dict[str, Any]:
    hints = typing.get_type_hints(kind, include_extras=True)
    if kind is DecisionRequested:  # in a line the parts of its answer stand among its own
        hints |= typing.get_type_hints(Answer, include_extras=True) | {"option": str}
        del hints["answer"]
    return {name: value(hint, name, dice) for name, hint in hints.items() if dice.random() < 0.8}


def fact(dice: random.Random) -> dict[str, Any]:
    name = dice.choice(sorted(_KINDS.keys() - {"Received"}))
    fact = {"is": name, **fields(_KINDS[name], dice)}
    if name in {"LinkChanged", "DuplicateDropped"} or name.startswith("Decision") or dice.random() < 0.4:
        return fact
    at = {"received_at": dice.choice(TIMES), "timestamp": dice.choice([None, *TIMES])}
    return {"is": "Received", "type": "x", "payload": "{}", "fact": fact, **at}


@pytest.mark.parametrize("first", range(0, 100, 20))
def test_whatever_the_numbers_are_the_run_can_be_looked_at(tmp_path: Path, first: int) -> None:
    for seed in range(first, first + 20):
        dice = random.Random(seed)  # noqa: S311 - the same values each time
        times = [AT + number * 1000 for number in range(5)] + TIMES
        lines = [{"at": dice.choice(times), "dir": "local", "fact": fact(dice)} for _ in range(dice.randint(1, 25))]
        with Console(recording(tmp_path / "run.jsonl", *lines)) as console:
            show_everything(console)
            console.save(tmp_path / "copy.jsonl")
        with Console(tmp_path / "copy.jsonl") as copy:
            assert json.dumps(copy.summary, default=str) == json.dumps(console.summary, default=str)


def test_a_deadline_beyond_all_dates_is_the_last_one(tmp_path: Path) -> None:
    for seconds in (1e300, 1e17, -1e300):
        opened = {"is": "CheckpointOpened", "checkpoint_id": "c", "expires_in_s": seconds}
        fact = {"is": "Received", "type": "x", "payload": "{}", "received_at": AT, "timestamp": AT, "fact": opened}
        with Console(recording(tmp_path / "run.jsonl", {"at": AT, "dir": "local", "fact": fact})) as console:
            show_everything(console)
            assert len(console.checkpoints) == 1
