"""Envelopes: JSON text to `Received` events, of both families.

Reads every form in docs/protocols/index.md: ``{type, timestamp, data}``, ``{type, payload, timestamp}``, bare data with
its type beside it, arrays of events, UTF-8 binary frames. Any other text gives a `malformed` event; nothing raises.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from sys import intern
from typing import Any

import msgspec
from msgspec import Raw, Struct

from runconsole.decoding import agent, alerts, checkpoint, execution, flat, pipeline, task
from runconsole.decoding.names import Id, names_beside
from runconsole.decoding.payload import (
    FactReader,
    Whole,
    encodable,
    encode_text,
    first,
    loads,
    loads_encodable,
    pieces,
    reader,
    salvage,
)
from runconsole.decoding.texts import is_heartbeat, kind_of, split_texts, trimmed, unquoted
from runconsole.decoding.times import read_time
from runconsole.events import Fact, Logged, MalformedFrame, Micros, Names, Received, UnknownEvent

__all__ = ["MALFORMED", "read_event", "read_events", "read_named", "read_plain"]

MALFORMED = "malformed"
_FACTS: dict[str, FactReader] = {
    **execution.FACTS,
    **task.FACTS,
    **agent.FACTS,
    **alerts.FACTS,
    **flat.FACTS,
    **pipeline.FACTS,
    **checkpoint.FACTS,
}
_ABSENT = Raw(b"")
_REFUSAL_KEYS = {"type", "message", "timestamp", "correlationId", "id", "seq"}


class _Envelope(Struct, gc=False):
    type: str
    data: Raw = _ABSENT
    payload: Raw = _ABSENT
    timestamp: Any = None
    id: str | int | None = None
    seq: Whole | None = None
    correlationId: str | None = None  # noqa: N815 - the wire's name
    taskId: str | None = None  # noqa: N815 - the wire's name
    task_id: Id = None
    execution_id: Id = None
    executionId: Id = None  # noqa: N815 - the wire's name
    masterplan_id: Id = None
    metadata: Raw = _ABSENT


class _Inner(Struct):
    """Marks that some servers put inside the data instead of beside it."""

    timestamp: Any = None
    seq: Whole | None = None


_decode = msgspec.json.Decoder(_Envelope).decode
_decode_array = msgspec.json.Decoder(list[Raw]).decode
_read_envelope = reader(_Envelope)
_read_inner = reader(_Inner)


def read_events(frame: str | bytes, at: Micros) -> list[Received]:
    """Return the events of one frame that arrived at `at`: one, or those of an array; malformed ones included."""
    if not isinstance(frame, str):
        try:
            frame = frame.decode()
        except UnicodeDecodeError as error:
            return [_malformed(error.object.decode(errors="backslashreplace"), at, "not UTF-8")]
    try:
        envelope = _decode(frame)
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
        return _read_odd(encodable(frame), at)
    raw = envelope.data
    if raw is _ABSENT:
        raw = envelope.payload
        if raw is _ABSENT:
            return [_received(envelope.type, frame, at, envelope, bare=True)]
    return [_received(envelope.type, str(raw, "utf-8"), at, envelope)]


def read_plain(frames: Iterable[str | bytes], at: Micros, reserved: Container[str]) -> list[Received]:
    """Return the events of the first frames that are one plain event each, as `read_events` reads them.

    The first other frame ends them: one in another form, with a correlation id, or of a `reserved` type.
    """
    events = []
    for frame in frames:
        try:
            envelope = _decode(frame)
        except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
            break
        kind, raw = envelope.type, envelope.data
        if envelope.correlationId is not None or kind in reserved:
            break
        if raw is _ABSENT:
            raw = envelope.payload
            if raw is _ABSENT:
                if isinstance(frame, bytes):
                    break
                events.append(_received(kind, frame, at, envelope, bare=True))
                continue
        events.append(_received(kind, str(raw, "utf-8"), at, envelope))
    return events


def read_event(text: str, at: Micros, *, event_id: str | None = None, offset: str | None = None) -> Received:
    """Return the event of one JSON text inside another protocol's message, with that protocol's marks."""
    event = read_events(text, at)
    received = event[0] if len(event) == 1 else _malformed(text, at, "expected one event, got an array")
    if event_id is None and offset is None:
        return received
    return msgspec.structs.replace(received, event_id=first(received.event_id, event_id), offset=offset)


def read_named(name: str, argument: str, at: Micros) -> list[Received]:
    """Return the events of a named message (Socket.IO): an envelope of that name, or bare data."""
    try:
        envelope = _decode(argument)
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
        argument = encodable(argument)
        inner = unquoted(argument)
        if inner is not argument:
            return read_named(name, inner, at)
    else:
        raw = envelope.data if envelope.data is not _ABSENT else envelope.payload
        if raw is not _ABSENT:
            return [_received(envelope.type, str(raw, "utf-8"), at, envelope)]
    return [_received(name, argument, at, _Envelope(name), bare=True)]


def _received(kind: str, payload: str, at: Micros, envelope: _Envelope, *, bare: bool = False) -> Received:
    kind = intern(kind)
    timestamp, seq, event_id = envelope.timestamp, envelope.seq, envelope.id
    # The marks may stand inside the data. Substring tests are cheaper than a second decode, and `q` is rare.
    if (seq is None and "q" in payload and '"seq"' in payload) or (timestamp is None and '"timestamp"' in payload):
        inner = _read_inner(payload) or _Inner()
        timestamp, seq = first(timestamp, inner.timestamp), first(seq, inner.seq)
    text = payload if payload[:1] != '"' else unquoted(payload)
    beside = None if bare else _beside(envelope)
    if beside is not None and (envelope.taskId is not None or envelope.metadata is not _ABSENT):
        text = _with_task(text, first(envelope.taskId, _task_of(str(envelope.metadata, "utf-8"))))
    read = None if bare else _FACTS.get(kind)
    # Positional: built once per event. The order is `Received`'s.
    return Received(
        kind,
        (None if read is None else read(text)) or _meaning(kind, text, bare=bare),
        payload,
        at,
        None if timestamp is None else read_time(timestamp),
        event_id if event_id is None or event_id.__class__ is str else str(event_id),
        seq,
        envelope.correlationId,
        None,
        beside,
    )


def _beside(envelope: _Envelope) -> Names | None:
    """Return the names that stand beside the data; None for none."""
    if (
        envelope.metadata is _ABSENT
        and envelope.taskId is None
        and envelope.execution_id is None
        and envelope.executionId is None
        and envelope.task_id is None
        and envelope.masterplan_id is None
    ):
        return None
    return names_beside(envelope, None if envelope.metadata is _ABSENT else str(envelope.metadata, "utf-8"))


def _with_task(payload: str, task_id: str | None) -> str:
    """Return the data with the task id from the envelope, unless the data has one."""
    if task_id is None or payload[:1] != "{" or '"taskId"' in payload or '"task_id"' in payload:
        return payload
    name = encode_text(task_id)
    rest = payload[1:].lstrip()
    return f'{{"taskId":{name},"task_id":{name}{"" if rest[:1] == "}" else ","}{rest}'


def _meaning(kind: str, payload: str, *, bare: bool) -> Fact:
    """Return the fact of an event whose type alone does not decide it."""
    read = _FACTS.get(kind)
    if bare and kind == "error" and (message := _refusal(payload)) is not None:
        return execution.refusal(message)
    return _unnamed(kind, payload) if read is None else read(payload) or UnknownEvent(_task_of(payload))


def _unnamed(kind: str, payload: str) -> Fact:
    """Return the fact of an event by the family of its name, or by its task."""
    task_id = _task_of(payload)
    read = pipeline.read_stage(kind) or (None if task_id is None else flat.OF_TASK.get(kind))
    fact = None if read is None else read(payload)
    if fact is not None:
        return fact
    return (Logged if kind.startswith(task.LOGGED_FAMILIES) else UnknownEvent)(task_id)


def _task_of(payload: str) -> str | None:
    tags = task.read_tags(payload)
    return first(tags.taskId, tags.task_id) if tags is not None else None


def _refusal(payload: str) -> str | None:
    """Return the message of a bare ``{"message": …}``, the form of a server's refusal of a request."""
    try:
        data = loads_encodable(payload)
    except ValueError:
        return None
    if isinstance(data, dict) and data.keys() <= _REFUSAL_KEYS and isinstance(data.get("message"), str):
        message: str = data["message"]
        return message
    return None


def _read_odd(text: str, at: Micros) -> list[Received]:
    """Read a text that is no plain envelope: an array, an object with fields of odd types, Python's NaN, or garbage.

    A heartbeat holds no event.
    """
    core = unquoted(trimmed(text))
    if is_heartbeat(core):
        return []
    if core != text and core[:1] == "{":
        events = read_events(core, at)
        return [_malformed(text, at, kind_of(core))] if [event.type for event in events] == [MALFORMED] else events
    try:
        if core[:1] == "[":
            return [event for item in _items(core) for event in _read_item(item, at)]
        value = loads_encodable(core)
    except (ValueError, RecursionError):
        parts = split_texts(core)
        return [_malformed(text, at, kind_of(core))] if parts is None else _read_parts(parts, at)
    if not isinstance(value, dict):
        return [_malformed(text, at, kind_of(core))]
    return _from_odd_object(value, core, at)


def _read_parts(parts: list[str], at: Micros) -> list[Received]:
    """Read the texts of one frame; other text between them is malformed."""
    return [
        event
        for part in parts
        for event in (read_events(part, at) if part[:1] in "{[" else [_malformed(part, at, kind_of(part))])
    ]


def _items(text: str) -> list[str]:
    """Return the exact texts of an array's items. Raises ValueError for a text that is no array."""
    try:
        return [str(item, "utf-8") for item in _decode_array(text)]
    except (msgspec.MsgspecError, RecursionError):
        loads(text)
        return [item for _, item in pieces(text)]


def _read_item(item: str, at: Micros) -> list[Received]:
    return (
        [_malformed(item, at, "an array in an array")]
        if item[:1] == "["
        else read_events(item, at) or [_malformed(item, at, kind_of(item))]
    )


def _from_odd_object(value: dict[str, Any], text: str, at: Micros) -> list[Received]:
    kind = value.get("type")
    members = dict(pieces(text))
    body = members.get("data", members.get("payload"))
    if not isinstance(kind, str):
        inner = "" if body is None else unquoted(body)
        if inner[:1] == "{" and isinstance(loads(inner).get("type"), str):
            return read_events(inner, at)  # an envelope around the envelope
        return [_malformed(text, at, "no event type")]
    marks = salvage({name: value[name] for name in _MARKS if name in value}, _Envelope) or _Envelope(kind)
    return [_received(kind, text if body is None else body, at, marks, bare=body is None)]


_MARKS = (
    *("type", "timestamp", "id", "seq", "correlationId", "taskId"),
    *("task_id", "execution_id", "executionId", "masterplan_id"),
)


def _malformed(text: str, at: Micros, why: str) -> Received:
    return Received(MALFORMED, MalformedFrame(why), text, at)
