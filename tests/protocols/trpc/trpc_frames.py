"""Frames of a tRPC server for tests of the tRPC wire, and readers of the wire's signals."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from runconsole.events import DecisionRequested, Received
from runconsole.protocols.base import Send, Signal
from runconsole.protocols.trpc.wire import TrpcWire
from tests.support.decisions import requested

if TYPE_CHECKING:
    from collections.abc import Sequence

AT = 1_700_000_000_000_000
EVENT = {"type": "task.started", "payload": {"taskId": "t"}}


def opened(path: str = "stream.taskEvents", input: Any = None, **options: Any) -> TrpcWire:  # noqa: A002
    """Return a wire whose transformer is known and whose subscription has the id 1."""
    wire = TrpcWire(path, input, **{"transformer": "none"} | options)
    wire.open()
    return wire


def came(wire: TrpcWire, *frames: dict[str, Any] | str) -> list[Signal]:
    texts = (frame if isinstance(frame, str) else json.dumps(frame) for frame in frames)
    return [signal for text in texts for signal in wire.receive(text, AT)]


def data(number: int, event: Any = EVENT, mark: Any = None) -> dict[str, Any]:
    if mark is None:
        return {"id": number, "result": {"type": "data", "data": event}}
    return {"id": number, "result": {"type": "data", "data": {"id": mark, "data": event}, "id": mark}}


def started(number: int) -> dict[str, Any]:
    return {"id": number, "result": {"type": "started"}}


def stopped(number: int) -> dict[str, Any]:
    return {"id": number, "result": {"type": "stopped"}}


def failed(number: int | None, code: str, message: str = "no", *, enveloped: bool = False) -> dict[str, Any]:
    numbers = {"PARSE_ERROR": -32700, "BAD_REQUEST": -32600, "UNAUTHORIZED": -32001, "NOT_FOUND": -32004}
    error = {"message": message, "code": numbers.get(code, -32603), "data": {"code": code}}
    if code == "INTERNAL_SERVER_ERROR":
        error["data"] = {"code": code, "httpStatus": 500, "stack": "Error: no\n    at file:///srv/secret.js:1:1"}
    return {"id": number, "error": {"json": error} if enveloped else error}


def kinds(signals: Sequence[Signal]) -> list[str]:
    return [type(signal).__name__ for signal in signals]


def marks(signals: Sequence[Signal]) -> list[str | None]:
    return [signal.offset for signal in signals if isinstance(signal, Received)]


def sent(signals: Sequence[Signal]) -> dict[str, Any]:
    """Return the one frame that the wire asks to send."""
    [frame] = [signal.frame for signal in signals if isinstance(signal, Send)]
    message: dict[str, Any] = json.loads(frame)
    return message


def decision(**fields: Any) -> DecisionRequested:
    values: dict[str, Any] = {"decision_id": "d-1", "checkpoint_id": "cp-1"} | fields
    return requested(AT, **values)
