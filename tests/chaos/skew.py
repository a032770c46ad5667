"""Other servers' treatment of the same events: other spellings on each connection, other runs in between, slowness."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from random import Random
from typing import Any

from runconsole.transports.base import Connection, Transport

__all__ = ["FOREIGN", "Skew"]

SLOWNESS = 0.02
"""Seconds between two frames of a slow catch-up."""
_CAUGHT_UP = '["ack","catch-up'
FOREIGN = "another's"
"""A mark in every event of another run."""

_OTHERS: list[dict[str, Any]] = [
    {"type": "task.started", "payload": {"taskId": FOREIGN, "workerId": "w9"}},
    {"type": "task.output", "payload": {"taskId": FOREIGN, "stream": "stdout", "data": f"{FOREIGN}\n"}},
    {"type": "task.failed", "payload": {"taskId": FOREIGN, "error": {"message": FOREIGN}}},
    {"type": "task.completed", "taskId": FOREIGN, "payload": {"result": {}}},
    {"type": "task.cancelled", "metadata": {"taskId": FOREIGN}, "payload": {}},
    {"type": "task.hitl_required", "payload": {"taskId": FOREIGN, "checkpointId": FOREIGN, "title": "?"}},
    {"type": "checkpoint.hitl_decided", "metadata": {"taskId": FOREIGN}, "payload": {"checkpointId": FOREIGN}},
    {"type": "execution_completed", "data": {"execution_id": FOREIGN, "task_id": FOREIGN, "status": "failed"}},
]


class Skew:
    """A transport whose connections bring the frames of another, changed.

    Args:
        inner: the other transport.
        seed: the seed of the changes.
        respells: True if each connection after the first spells every event in its own way.
        others: the number of events of other runs for each one of ours, 0 to 1.
        copies: the number of copies of each of them.
        slow: True if each connection after the first brings one frame at a time, until the end of the replay.

    Attributes:
        foreign: the number of events of other runs so far.
    """

    def __init__(self, inner: Transport, seed: str, *, respells: bool, others: float, copies: int, slow: bool) -> None:
        self._inner = inner
        self._rng = Random(seed)  # noqa: S311 - dice, not a secret
        self._respells = respells
        self._others = others
        self._copies = copies
        self._slow = slow
        self._connections = 0
        self.foreign = 0

    def connect(self) -> AbstractAsyncContextManager[Connection]:
        return self._connect()

    @asynccontextmanager
    async def _connect(self) -> AsyncIterator[Connection]:
        async with self._inner.connect() as connection:
            self._connections += 1
            is_later = self._connections > 1
            yield _Skewed(connection, self, anew=self._respells and is_later, slow=self._slow and is_later)

    def change(self, frame: str | bytes, *, anew: bool) -> list[str | bytes]:
        """Return the frames in the place of a frame."""
        value = _read(frame)
        if value is None:
            return [frame]
        frames: list[str | bytes] = []
        if _event_in(value) is not None and self._rng.random() < self._others:
            self.foreign += 1
            frames += [json.dumps(_with_event(value, self._rng.choice(_OTHERS)))] * self._copies
        frames.append(self._respelled(value) if anew else frame)
        return frames

    def _respelled(self, value: Any) -> str:
        event = _event_in(value)
        if event is not None and "n" in event.get("payload", {}):
            payload = dict(reversed(event["payload"].items())) | {"replayed": True}
            payload = {key: float(item) if type(item) is int and key != "n" else item for key, item in payload.items()}
            value = _with_event(value, dict(reversed(event.items())) | {"payload": payload})
        indent = self._rng.choice([None, 1])
        return json.dumps(value, indent=indent, ensure_ascii=self._rng.random() < 0.5)


class _Skewed:
    def __init__(self, connection: Connection, skew: Skew, *, anew: bool, slow: bool) -> None:
        self._connection = connection
        self._skew = skew
        self._anew = anew
        self._slow = slow
        self._waiting: deque[str | bytes] = deque()

    async def send(self, frame: str) -> None:
        await self._connection.send(frame)

    async def receive(self) -> list[str | bytes]:
        if not self._slow:
            return await self._receive()
        if not self._waiting:
            self._waiting += await self._receive()
        await asyncio.sleep(SLOWNESS)
        frame = self._waiting.popleft()
        if not str(frame).startswith(_CAUGHT_UP):
            return [frame]
        self._slow = False
        rest, self._waiting = self._waiting, deque()
        return [frame, *rest]

    async def _receive(self) -> list[str | bytes]:
        return [
            changed
            for frame in await self._connection.receive()
            for changed in self._skew.change(frame, anew=self._anew)
        ]


def _read(frame: str | bytes) -> Any:
    try:
        value = json.loads(frame)
    except ValueError:
        return None
    return value if isinstance(value, (dict, list)) else None


def _event_in(value: Any) -> dict[str, Any] | None:
    """Return the event in a frame of any of the wires, None for a frame without one of the run's."""
    match value:
        case {"type": str(), "payload": {"n": _}}:
            return dict(value)
        case {"result": {"data": data}}:
            return _event_in(data)
        case {"json": data, **rest} if not rest or "meta" in rest:
            return _event_in(data)
        case {"data": dict(data), "id": str()}:
            return _event_in(data)
        case ["event", [str(), dict(data)]]:
            return _event_in(data)
        case _:
            return None


def _with_event(value: Any, event: dict[str, Any]) -> Any:
    """Return the frame with another event in the place of its own; another run's event has no mark of its own."""
    match value:
        case {"type": str(), "payload": {"n": _}}:
            return event
        case {"result": {"data": data, **result}, **rest}:
            kept = result if FOREIGN not in json.dumps(event) else {k: v for k, v in result.items() if k != "id"}
            inner = data if kept is result else _unmarked(data)
            return rest | {"result": kept | {"data": _with_event(inner, event)}}
        case {"json": data, **rest}:
            return ({} if FOREIGN in json.dumps(event) else rest) | {"json": _with_event(data, event)}
        case {"data": dict(data), "id": str(mark)}:
            return {"id": mark, "data": _with_event(data, event)}
        case ["event", [str(), dict()]]:
            return ["event", [event["type"], event]]
        case _:
            raise ValueError("expected a frame with an event")


def _unmarked(data: Any) -> Any:
    """Return the data of a tracked event without its mark."""
    match data:
        case {"json": {"data": dict(inner), "id": str()}, **rest}:
            return rest | {"json": inner}
        case {"data": dict(inner), "id": str()}:
            return inner
        case _:
            return data
