"""Frames that are not one plain JSON text: several texts, JSON within JSON, fillers, heartbeats, other protocols."""

from __future__ import annotations

import json
import re

from runconsole.decoding.payload import loads, loads_encodable

__all__ = ["is_heartbeat", "kind_of", "split_texts", "trimmed", "unquoted"]

_FILLERS = " \t\r\n\ufeff\x00\x1e"
"""Characters around a JSON text: white space, a byte order mark (RFC 8259 8.1), NUL, RS (RFC 7464)."""
_FILLER = re.compile(f"[{_FILLERS}]*")
_HEARTBEAT = re.compile(
    r'"?(?:ping|pong|heart[_ -]?beat|hb|keep[_ -]?alive|alive|tick|noop)[.!]?"?|[236oh]|:[^\n]*', re.IGNORECASE
)
"""Signs of life: a word, a comment of server-sent events, a packet of Engine.IO or SockJS."""
_ENGINE_IO = re.compile(r"[0-6][0-9]*(?:/[^,]*,)?[\[{]")
_MARKUP = re.compile(r"<(?:!doctype|html|\?xml|[a-z]+[ >])", re.IGNORECASE)
_decode = json.JSONDecoder(parse_int=float).raw_decode


def trimmed(text: str) -> str:
    """Return a frame without the fillers around its JSON."""
    return text.strip(_FILLERS)


def is_heartbeat(text: str) -> bool:
    """Return whether a trimmed frame is a sign of life and nothing more."""
    return text == "" or (len(text) < 40 and _HEARTBEAT.fullmatch(text) is not None)


def unquoted(text: str) -> str:
    """Return the JSON object or array inside a JSON string (encoded twice); any other text unchanged."""
    if text[:1] != '"':
        return text
    try:
        inner = loads_encodable(text)
        if not isinstance(inner, str) or trimmed(inner)[:1] not in ("{", "["):
            return text
        loads(trimmed(inner))
    except (ValueError, RecursionError):
        return text
    return trimmed(inner)


def split_texts(text: str) -> list[str] | None:
    """Return the JSON objects and arrays of a frame that holds several, and the other texts between them.

    They may be on lines of their own, separated by RS or NUL, or not separated at all. Other text must be on a line of
    its own. None: the frame does not begin with JSON, holds nothing more, or holds other text without a line of its
    own.
    """
    found: list[str] = []
    last, at = 0, _past(text, 0)
    while at < len(text):
        end = _end_of_value(text, at)
        if end is None:
            if not found or "\n" not in text[last:at]:
                return None
            line = text.find("\n", at)
            end = len(text) if line < 0 else line
        found.append(text[at:end])
        last, at = end, _past(text, end)
    return found if len(found) > 1 else None


def _past(text: str, at: int) -> int:
    match = _FILLER.match(text, at)
    return at if match is None else match.end()


def _end_of_value(text: str, at: int) -> int | None:
    if text[at] not in "{[":
        return None
    try:
        return _decode(text, at)[1]
    except (ValueError, RecursionError):
        return None


def kind_of(text: str) -> str:
    """Return the kind of a frame without a JSON object, in words."""
    if _ENGINE_IO.match(text):
        return 'a packet of Socket.IO: give its address with http:// or https://, or protocol="socketio"'
    if _MARKUP.match(text):
        return "a page of HTML or XML, not JSON: check the path of the address"
    if text[:6] in ("data: ", "event:") or text[:4] == "id: ":
        return "server-sent events (text/event-stream), not JSON"
    try:
        value = loads(text)
    except (ValueError, RecursionError) as error:
        return str(error) if error.args == ("nested too deep",) else "not JSON"
    return "not a JSON object" if not isinstance(value, str) else "a JSON text, not a JSON object"
