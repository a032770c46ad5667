"""Frames of an Agent Server's event stream as tolerant structs, and the frames of the commands to it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from runconsole.decoding.payload import reader
from runconsole.decoding.times import read_time
from runconsole.events import Micros

__all__ = ["CHANNELS", "StreamFrame", "StreamParams", "read_frame", "respond", "run_id_of", "subscribe", "time_of"]

CHANNELS = ("lifecycle", "input", "tasks", "tools", "custom", "updates", "messages")
"""The channels that are subscribed to: all but `values` and `checkpoints`, which repeat the whole state."""

_REAL = re.compile(r"(\d{13})-\d+(?:\.\d+)?", re.ASCII)
_SYNTHETIC = re.compile(r"synth:([^:]+):")


class StreamParams(Struct):
    """The parameters of an event, or of a command of ours that answers an interrupt.

    Attributes:
        namespace: the sub-graph in which it happens, as ``node:task_id``, outermost first; empty is the graph itself.
    """

    namespace: list[str] = []
    timestamp: Any = None
    node: str | None = None
    data: Any = None
    interrupt_id: str | None = None
    response: Any = None


class StreamFrame(Struct):
    """An event (`type` is ``event``), or the reply to a command (``success``, ``error``)."""

    type: str = ""
    event_id: str | None = None
    method: str = ""
    seq: int | None = None
    params: StreamParams | None = None
    id: int | str | None = None
    result: Any = None
    error: str | None = None
    message: str | None = None


read_frame = reader(StreamFrame)
"""Return the frame of a JSON text, fields of wrong types left out; None for a text that is no JSON object."""


def time_of(frame: StreamFrame) -> Micros | None:
    """Return the time of an event; None for one that the server makes anew for each connection.

    The id of a stored event begins with the time at which it was stored. The timestamp beside it is that of sending.
    """
    mark = frame.event_id or ""
    found = _REAL.fullmatch(mark)
    if found is not None:
        return int(found[1]) * 1000
    return None if mark.startswith("synth:") or frame.params is None else read_time(frame.params.timestamp)


def run_id_of(frame: StreamFrame) -> str | None:
    """Return the run that an event's id names; None where it names none."""
    found = _SYNTHETIC.match(frame.event_id or "")
    return None if found is None else found[1]


def subscribe(number: int) -> str:
    """Return the command that subscribes to the channels of a thread, its past included."""
    return _command(number, "subscription.subscribe", {"channels": CHANNELS})


def respond(number: int, namespace: Sequence[str], interrupt_id: str, response: Any) -> str:
    """Return the command that answers an interrupt."""
    params = {"namespace": list(namespace), "interrupt_id": interrupt_id, "response": response}
    return _command(number, "input.respond", params)


def _command(number: int, method: str, params: Any) -> str:
    return msgspec.json.encode({"id": number, "method": method, "params": params}).decode()
