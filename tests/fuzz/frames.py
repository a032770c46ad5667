"""Frames: mutations of servers' frames, through each wire's `receive` and the fold, to frames and pictures."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from runconsole.events import Received
from runconsole.log import EventLog
from runconsole.protocols.base import Wire
from runconsole.protocols.json.wire import ChannelWire
from runconsole.protocols.socketio.wire import SocketIoWire
from runconsole.protocols.trpc.wire import TrpcWire
from runconsole.state import RunState
from runconsole.tables import Tables
from runconsole.view import View
from runconsole.view.contract import Described

__all__ = ["SEEDS", "check_frames", "mutated"]

_CONTRACT = Path(__file__).parents[1] / "contract"
_TRANSCRIPTS = Path(__file__).parents[1] / "protocols" / "trpc" / "trpc_transcripts.txt"
_AT = 1_763_316_000_000_000
_LARGEST_PICTURE = 2_000_000
SEEDS = [
    *(line for name in sorted(_CONTRACT.glob("*.jsonl")) for line in name.read_text(encoding="utf-8").splitlines()),
    *(line for line in re.findall(r"\{.*\}", _TRANSCRIPTS.read_text(encoding="utf-8"))[:300] if len(line) < 4000),
]
"""The seeds of mutations: the frames of the contract, and those of recorded servers."""

_VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1.5, 5.0, 2**53 + 1, 2**64, 10**30, 1e308, float("nan"), float("inf"), "", "0", "ping"),
    *(
        "\ud83d",
        "\u202e",
        "\x00",
        "x" * 5000,
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59-23:59",
        "PT5M",
        "NaN",
        [],
        {},
    ),
    *(
        [[]],
        {"$date": -1},
        {"": {}},
        [None, 7, "a", {"value": 7}],
        {"id": None},
        "completed",
        "mauve",
        "approve,reject",
    ),
]
_NAMES = ("type", "data", "payload", "timestamp", "id", "seq", "taskId", "task_id", "status", "options", "timeout")
_JOINTS = ("", "\n", "\x1e", "\x00", ",", " ")


def mutated(chance: random.Random, seed: str) -> str | bytes:
    """Return a frame made of another: values, names, characters or whole texts changed."""
    for _ in range(chance.randint(1, 3)):
        match chance.randrange(6):
            case 0 | 1 | 2:
                seed = _with_other_values(chance, seed)
            case 3:
                at, length = chance.randrange(len(seed) + 1), chance.randrange(5)
                noise = chance.choice(["", "\x00", "\ud800", "{", "]", '"', "\\u", "9" * 30])
                seed = seed[:at] + noise + seed[at + length :]
            case 4:
                seed += chance.choice(_JOINTS) + chance.choice(SEEDS)
            case 5:
                seed = json.dumps(seed)
    if chance.random() < 0.1:
        return seed.encode("utf-8", "surrogatepass")
    return seed.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if chance.random() < 0.5 else seed


def _with_other_values(chance: random.Random, text: str) -> str:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return json.dumps(_changed(chance, value), ensure_ascii=chance.random() < 0.5)


def _changed(chance: random.Random, value: Any) -> Any:
    if isinstance(value, dict) and value and chance.random() < 0.9:
        changed = dict(value)
        name = chance.choice(list(changed))
        if chance.random() < 0.2:
            changed[chance.choice(_NAMES)] = changed.pop(name)
        else:
            changed[name] = _changed(chance, changed[name])
        return changed
    if isinstance(value, list) and value and chance.random() < 0.7:
        place = chance.randrange(len(value))
        return [*value[:place], _changed(chance, value[place]), *value[place + 1 :]]
    return chance.choice(_VALUES)


def _trpc() -> Wire:
    wire = TrpcWire("stream.systemEvents", transformer="none")
    wire.open()
    return wire


def _socketio() -> Wire:
    wire = SocketIoWire([("join_execution", {"execution_id": "e"})])
    wire.open()
    return wire


_WIRES: dict[str, tuple[Callable[[], Wire], Callable[[str], str]]] = {
    "json": (ChannelWire, str),
    "trpc": (_trpc, lambda text: f'{{"id":1,"result":{{"type":"data","data":{text}}}}}'),
    "socketio": (_socketio, lambda text: f'["event",["progress_update",{text}]]'),
}


def check_frames(frames: list[str | bytes], wire_name: str) -> None:
    """Read and fold frames as a session does. Raises AssertionError for a broken rule, and any other failure."""
    make, wrap = _WIRES[wire_name]
    wire, state, log = make(), RunState(), EventLog()
    view = View(state, log.read, lambda: _described(log))
    for number, frame in enumerate(frames):
        sent = wrap(frame) if isinstance(frame, str) and number % 3 else frame
        signals = list(wire.receive(sent, _AT + number * 1000))
        assert isinstance(sent, bytes) or signals or sent.strip() in ("", "[]") or sent, "neither a row nor a reason"
        for signal in signals:
            if isinstance(signal, Received):
                log.append(signal)
                state.apply(signal)
    _check_tables(Tables(state, log))
    patch = view.changes()
    assert len(msgspec.json.encode(patch)) < _LARGEST_PICTURE, "a picture that is too large"
    msgspec.json.encode(view.durable())


def _check_tables(tables: Tables) -> None:
    for name in ("events", "tasks", "subtasks", "checkpoints", "errors", "output", "artifacts", "phases", "waves"):
        repr(tables.frame(name))
        tables.to_arrow(name).validate()


def _described(log: EventLog) -> Described:
    return {
        "title": "",
        "url": "",
        "protocol": "json",
        "link": "live",
        "replay": None,
        "events": len(log),
        "malformed": log.malformed,
        "unknown": log.unknown,
    }
