"""The frames of tRPC over WebSocket, as text: the server's are read, ours are written."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct

from runconsole.decoding.payload import loads
from runconsole.decoding.texts import split_texts, trimmed, unquoted
from runconsole.protocols.trpc import superjson

__all__ = [
    "ABSENT",
    "ClientRequest",
    "Params",
    "Result",
    "ServerMessage",
    "inner_data",
    "looks_enveloped",
    "read_messages",
    "read_request",
    "read_text",
    "read_value",
    "write_frame",
    "write_input",
    "write_params",
]

ABSENT = Raw(b"")
_NUMBER = re.compile(r"[0-9]{1,15}")


class Result(Struct):
    """The result of a message: `data` is the text as received, ABSENT for undefined; `id` marks a tracked event."""

    type: str | None = None
    data: Raw = ABSENT
    id: str | int | float | None = None


class ServerMessage(Struct):
    """One message of a server; `error` is ABSENT where there is none. A gateway may have made text of the `id`."""

    id: str | int | float | None = None
    method: str | None = None
    result: Result | None = None
    error: Raw = ABSENT

    @property
    def number(self) -> int | float | str | None:
        """The number of the request that it answers, in our form."""
        number = self.id
        return int(number) if isinstance(number, str) and _NUMBER.fullmatch(number) else number


class Params(Struct, frozen=True):
    """The parts of a request of ours that its answer needs."""

    path: str | None = None
    lastEventId: str | None = None  # noqa: N815 - the wire's name


class ClientRequest(Struct):
    """A frame of ours."""

    id: int = 0
    method: str | None = None
    params: Params = Params()


class _Tracked(Struct):
    data: Raw = ABSENT


_decode = msgspec.json.Decoder(ServerMessage).decode
_decode_batch = msgspec.json.Decoder(list[Raw]).decode
_decode_request = msgspec.json.Decoder(ClientRequest).decode
_decode_tracked = msgspec.json.Decoder(_Tracked).decode


# ---- reading -------------------------------------------------------------------------------------------------------


def read_messages(text: str) -> list[tuple[ServerMessage | None, str]]:
    """Return the messages of a frame (one, or those of a batch) with their text; None for an unreadable one."""
    try:
        return [(_decode(text), text)]
    except (msgspec.MsgspecError, ValueError, RecursionError):
        text = unquoted(trimmed(text))
    if text.startswith("["):
        return _read_batch(text)
    message = _read_odd(text)
    parts = split_texts(text) if message is None else None
    return [(message, text)] if parts is None else [found for part in parts for found in read_messages(part)]


def _read_batch(text: str) -> list[tuple[ServerMessage | None, str]]:
    try:
        members = [str(member, "utf-8") for member in _decode_batch(text)]
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return [(None, text)]
    return [(_read_odd(member), member) for member in members]


def _read_odd(text: str) -> ServerMessage | None:
    """Read a message that holds lone surrogates: msgspec refuses those, JavaScript sends them."""
    try:
        return _decode(text)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        pass
    try:
        return _rebuild(loads(text))
    except ValueError:
        return None


def _rebuild(value: Any) -> ServerMessage | None:
    """Return the message of an object already read, with its inner texts written anew."""
    if not isinstance(value, dict):
        return None
    try:
        result = value.get("result")
        read = _rebuild_result(result) if isinstance(result, dict) else msgspec.convert(result, None)
        marks = {field: value.get(field) for field in ("id", "method")}
        message = msgspec.convert(marks, ServerMessage)
        return msgspec.structs.replace(message, result=read, error=_raw(value, "error"))
    except (msgspec.ValidationError, ValueError):
        return None


def _rebuild_result(value: dict[str, Any]) -> Result:
    result = msgspec.convert({field: value.get(field) for field in ("type", "id")}, Result)
    return msgspec.structs.replace(result, data=_raw(value, "data"))


def _raw(value: dict[str, Any], field: str) -> Raw:
    return Raw(superjson.write_json(value[field]).encode()) if field in value else ABSENT


def read_request(text: str) -> ClientRequest | None:
    """Return a frame of ours, None for a text that is no request."""
    try:
        return _decode_request(text)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def inner_data(text: str) -> str:
    """Return the `data` of a tracked event, ``{"id": …, "data": …}``, as received; `text` itself for another text."""
    try:
        tracked = _decode_tracked(text)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _inner_odd_data(text)
    return text if tracked.data is ABSENT else str(tracked.data, "utf-8")


def _inner_odd_data(text: str) -> str:
    try:
        value = loads(text)
        return superjson.write_json(value["data"]) if isinstance(value, dict) and "data" in value else text
    except ValueError:
        return text


def read_text(data: Raw, *, enveloped: bool) -> str:
    """Return the JSON text of a value. Raises ValueError for one that should be superjson and is not."""
    if data is ABSENT:
        return "null"
    text = str(data, "utf-8")
    return superjson.to_json(text) if enveloped else text


def read_value(data: Raw, *, enveloped: bool) -> Any:
    """Return a value as plain JSON (dates are ISO text); None for an unreadable one."""
    try:
        return loads(read_text(data, enveloped=enveloped))
    except ValueError:
        return None


def looks_enveloped(data: Raw) -> bool:
    """Return whether a value has the form of superjson."""
    value = read_value(data, enveloped=False)
    return isinstance(value, dict) and "json" in value and value.keys() <= {"json", "meta"}


# ---- writing -------------------------------------------------------------------------------------------------------


def write_frame(number: int, method: str, **params: Any) -> str:
    """Return the frame of a request; parameters that are UNSET are left out."""
    given = {name: value for name, value in params.items() if value is not UNSET}
    return _dump({"id": number, "method": method} | ({"params": given} if given else {}))


def write_params(params: dict[str, str]) -> str:
    """Return the first frame of a connection that was opened with ``?connectionParams=1``."""
    return _dump({"method": "connectionParams", "data": params})


def write_input(value: Any, *, enveloped: bool) -> Any:
    """Return a procedure's input in the form of the frame; None is "no input".

    Raises ValueError for a value that cannot be sent.
    """
    if enveloped:
        return superjson.UNDEFINED_INPUT if value is None else superjson.encode(value)
    if value is None:
        return UNSET
    try:
        return json.loads(json.dumps(value, allow_nan=False, default=_plain))
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"expected a value that JSON can carry, got one that it cannot: {error}") from None


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, (set, frozenset)):
        return list(value)
    raise TypeError(type(value).__name__)


def _dump(message: dict[str, Any]) -> str:
    return json.dumps(message, allow_nan=False, separators=(",", ":"))
