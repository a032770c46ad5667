"""Events of any server as events of the channel protocol, for viewers of a relay."""

from __future__ import annotations

from typing import Any

import msgspec

from runconsole.decoding.names import is_answer
from runconsole.events import Logged, MalformedFrame, Names, Received
from runconsole.reporting.writing import iso_time

__all__ = ["relayed"]

_OF_THE_LINK = frozenset({"subscribed", "unsubscribed", "authenticated", "auth.success", "connected", "welcome"})
_encode = msgspec.json.encode
_check = msgspec.json.Decoder(msgspec.Raw).decode


def relayed(event: Received, number: int, commands: tuple[str, ...] | None = None) -> str | None:
    """Return an event as JSON text, with its own marks; None for the server's replies to the relay itself.

    Args:
        event: as it came.
        number: its place in the store. An event without an id gets one of that.
        commands: the commands for tasks that the server takes from now on; None where viewers know.
    """
    if _is_reply(event):
        return None
    marks: dict[str, Any] = {
        "id": event.event_id or event.offset or f"relay-{number}",
        "seq": event.seq,
        "taskCommands": commands,
        "timestamp": None if event.timestamp is None else iso_time(event.timestamp),
        **({} if event.beside is None else _names(event, event.beside)),
    }
    known = {name: value for name, value in marks.items() if value is not None}
    head = _encode({"type": event.type, **known}).decode()
    return f'{head[:-1]},"payload":{_json(event)}}}'


def _is_reply(event: Received) -> bool:
    if not isinstance(event.fact, Logged):
        return False
    return event.correlation_id is not None or event.type in _OF_THE_LINK or is_answer(event.type)


def _names(event: Received, beside: Names) -> dict[str, Any]:
    """Return the names beside the data, in the places from which the same event is read."""
    is_its_own = getattr(event.fact, "task_id", None) == beside.task
    deeper = {"parent_task_id": beside.parent, "checkpoint_id": beside.checkpoint}
    return {
        "execution_id": beside.execution,
        "masterplan_id": beside.plan,
        "taskId" if is_its_own else "task_id": beside.task,
        "metadata": deeper if any(deeper.values()) else None,
    }


def _json(event: Received) -> str:
    """Return the payload; a text that is no JSON as a string."""
    if isinstance(event.fact, MalformedFrame):
        return _encode(event.payload).decode()
    payload = event.payload.replace("\0", "\\u0000")
    try:
        _check(payload)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return _encode(payload.encode("utf-16", "surrogatepass").decode("utf-16", "replace")).decode()
    return payload
