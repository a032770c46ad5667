"""The wire of a run in this process: its frames are the events as JSON, and calls between the console and the source.

A frame that begins with `_REPLY` is a reply, and holds the id of its call. Events cannot begin so: they are objects
with a ``type``, and `event_frame` refuses others.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from runconsole.decoding.envelope import read_events
from runconsole.errors import UnsupportedByWire
from runconsole.events import Answer, DecisionRequested, Micros
from runconsole.protocols.base import Outgoing, Reply, Request, Signal, TaskCommand, Wire
from runconsole.values import plain

__all__ = ["Called", "LocalWire", "event_frame", "read_call", "reply_frame"]

_REPLY = '{"runconsole.reply":'


class Called(msgspec.Struct):
    """A call of the console: a decision, if it has an answer, or else a command for a task."""

    id: str
    checkpoint_id: str = ""
    answer: Answer[Any] | None = None
    verb: str = ""
    task_id: str = ""
    details: dict[str, str | None] = {}


class _Replied(msgspec.Struct):
    id: str = msgspec.field(name="runconsole.reply")
    value: Any = None
    error: str | None = None
    code: str | None = None


class LocalWire(Wire):
    """Reads the events of a source, and calls its methods.

    Args:
        task_commands: the commands for tasks that the source takes.
        title: the name of the source, for a sentence.
    """

    def __init__(self, task_commands: Sequence[str] = (), title: str = "the source") -> None:
        self.task_commands = tuple(task_commands)
        self._title = title
        self._pending: set[str] = set()

    @property
    def asked(self) -> str:
        """A sentence about the method that yields no event."""
        return f"the method `events` of {self._title} has yielded nothing yet"

    def receive(self, frame: str | bytes, at: Micros) -> Sequence[Signal]:
        """Read an event, or the reply to a call."""
        if not isinstance(frame, str) or not frame.startswith(_REPLY):
            return read_events(frame, at)
        replied = msgspec.json.decode(frame, type=_Replied)
        self._pending.discard(replied.id)
        return [Reply(replied.id, replied.value, replied.error, replied.code)]

    def decide(self, decision: DecisionRequested, task_id: str | None) -> Outgoing:
        """Return the call of the source's `decide`."""
        answer: Answer[Any] = msgspec.structs.replace(decision.answer, option=decision.sent_value)
        return self._call(Called(decision.decision_id, decision.checkpoint_id, answer, task_id=task_id or ""))

    def command(self, command: TaskCommand) -> Request:
        """Return the call of the source's `command`. Raises UnsupportedByWire for a command that it does not take."""
        if command.verb not in self.task_commands:
            raise UnsupportedByWire(f"{self._title} takes no {command.verb!r} for a task: nothing was done")
        return Request("call", command.verb, command)

    def call(self, request: Request) -> Outgoing:
        """Return the frame of a command. Raises UnsupportedByWire for any other request."""
        command = request.payload
        if not isinstance(command, TaskCommand):
            raise UnsupportedByWire(f"expected a server with calls for {request.name!r}, got a source of this process")
        return self._call(
            Called(request.request_id, verb=command.verb, task_id=command.task_id, details=command.details)
        )

    def lost(self) -> list[str]:
        """Return the calls without a reply, once."""
        lost = list(self._pending)
        self._pending.clear()
        return lost

    def _call(self, called: Called) -> Outgoing:
        self._pending.add(called.id)
        return Outgoing(called.id, msgspec.json.encode(called).decode())


def read_call(frame: str) -> Called:
    """Return the call in a frame of `LocalWire`."""
    return msgspec.json.decode(frame, type=Called)


def reply_frame(call_id: str, value: Any = None, error: str | None = None, code: str | None = None) -> str:
    """Return the frame that replies to a call. Raises ValueError for a value that JSON cannot carry."""
    return json.dumps({"runconsole.reply": call_id, "value": plain(value), "error": error, "code": code}, default=str)


def event_frame(event: Mapping[str, Any] | str) -> str:
    """Return the frame of an event.

    Raises TypeError for any other value, ValueError for a value that JSON cannot carry.
    """
    if isinstance(event, str):
        return f" {event}" if event.startswith(_REPLY) else event  # with a space it is JSON, and no reply
    if not isinstance(event, Mapping):
        raise TypeError(f"expected an event as a mapping with a type, or its JSON text, got a {type(event).__name__}")
    if not isinstance(event.get("type"), str):
        raise TypeError(f"expected an event with a type, got one with {', '.join(map(repr, event)) or 'nothing'}")
    return msgspec.json.encode(plain(event)).decode()
