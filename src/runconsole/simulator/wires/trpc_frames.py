"""The frames of tRPC 11 over WebSocket as a server writes and reads them, plain or as superjson."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runconsole.simulator.player import LogEntry

__all__ = ["CODES", "ParseError", "error", "event", "read_input", "result"]

CODES = {
    "PARSE_ERROR": (-32700, 400),
    "BAD_REQUEST": (-32600, 400),
    "INTERNAL_SERVER_ERROR": (-32603, 500),
    "UNAUTHORIZED": (-32001, 401),
    "NOT_FOUND": (-32004, 404),
    "CONFLICT": (-32009, 409),
    "PRECONDITION_FAILED": (-32012, 412),
}
"""tRPC's names for errors, with their numbers and HTTP statuses."""


class ParseError(Exception):
    """An unreadable request: the server answers it without an id."""


def event(number: int | str, entry: LogEntry, mark: str | None, *, superjson: bool) -> str:
    """Return the frame of an event of a subscription, tracked if there is a mark. The event's text is unchanged."""
    data = entry.text if mark is None else f'{{"id":{json.dumps(mark)},"data":{entry.text}}}'
    if superjson:
        dates = {_path(mark, "timestamp"): ["Date"]} if isinstance(entry.event.get("timestamp"), str) else {}
        meta = f',"meta":{json.dumps({"values": dates, "v": 1})}' if dates else ""
        data = f'{{"json":{data}{meta}}}'
    tracked = "" if mark is None else f',"id":{json.dumps(mark)}'
    return f'{{"id":{json.dumps(number)},"result":{{"type":"data","data":{data}{tracked}}}}}'


def _path(mark: str | None, name: str) -> str:
    return name if mark is None else f"data.{name}"


def result(number: int | str, kind: str, value: Any = None, *, superjson: bool = False) -> str:
    """Return the frame of a result: of `kind` data with its value, started or stopped without."""
    body: dict[str, Any] = {"type": kind}
    if kind == "data":
        body["data"] = {"json": value} if superjson else value
    return json.dumps({"id": number, "result": body}, ensure_ascii=False)


def error(
    number: int | str | None,
    code: str,
    message: str,
    *,
    superjson: bool,
    path: str | None = None,
    reason: str | None = None,
) -> str:
    """Return the frame of an error. `reason` is the backend's own code, beside tRPC's."""
    rpc, status = CODES[code]
    fields = {"code": code, "httpStatus": status, "path": path, "reason": reason}
    data = {name: value for name, value in fields.items() if value is not None}
    shape: dict[str, Any] = {"message": message, "code": rpc, "data": data}
    return json.dumps({"id": number, "error": {"json": shape} if superjson else shape}, ensure_ascii=False)


def read_input(params: dict[str, Any], *, superjson: bool) -> Any:
    """Return a procedure's input; None for none. Raises ParseError."""
    if not superjson:
        return params.get("input")
    value = params.get("input")
    if not isinstance(value, dict):
        raise ParseError("Cannot destructure property 'json' of 'payload' as it is undefined.")
    return value.get("json")
