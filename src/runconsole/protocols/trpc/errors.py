"""Errors of a tRPC server: their codes, the chance of a new attempt, and one sentence for a person."""

from __future__ import annotations

import re
from typing import Any

from msgspec import Raw, Struct

from runconsole.decoding.payload import loads_encodable
from runconsole.reconnect import is_rate_limit
from runconsole.text.length import shortened

__all__ = ["TrpcError", "read_error"]

_TRANSIENT_STATUSES = frozenset({408, 409, 425, 429, 499, 500, 502, 503, 504})
_STATUSES = {
    -32700: ("PARSE_ERROR", 400),
    -32600: ("BAD_REQUEST", 400),
    -32603: ("INTERNAL_SERVER_ERROR", 500),
    -32001: ("UNAUTHORIZED", 401),
    -32002: ("PAYMENT_REQUIRED", 402),
    -32003: ("FORBIDDEN", 403),
    -32004: ("NOT_FOUND", 404),
    -32005: ("METHOD_NOT_SUPPORTED", 405),
    -32008: ("TIMEOUT", 408),
    -32009: ("CONFLICT", 409),
    -32012: ("PRECONDITION_FAILED", 412),
    -32013: ("PAYLOAD_TOO_LARGE", 413),
    -32015: ("UNSUPPORTED_MEDIA_TYPE", 415),
    -32022: ("UNPROCESSABLE_CONTENT", 422),
    -32028: ("PRECONDITION_REQUIRED", 428),
    -32029: ("TOO_MANY_REQUESTS", 429),
    -32099: ("CLIENT_CLOSED_REQUEST", 499),
}
"""Name and HTTP status by JSON-RPC number, for servers whose `errorFormatter` drops them from `data`."""

_OWN_CODES = re.compile(r"\b(CHECKPOINT_(?:NOT_FOUND|EXPIRED)|HITL_ALREADY_DECIDED|INVALID_OPTION)\b")
"""The backends' names for the refusal of a decision; they stand in the message or somewhere in `data`."""
_PARAMS = re.compile(r"connection ?params", re.IGNORECASE)
_DENIED = frozenset({"UNAUTHORIZED", "FORBIDDEN"})
_NO_STREAM = "did not return an observable"
_STACK = re.compile(r"\s*\n\s+at .*", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
_LONGEST = 300
_MOST_ISSUES = 3


class TrpcError(Struct, frozen=True):
    """One error as a server sent it.

    Attributes:
        code: tRPC's name for it, or the backend's own (`HITL_ALREADY_DECIDED`) where there is one.
        message: its words, without stack and control characters, validation issues as a sentence.
        fatal: a new attempt cannot help.
        denied: the server does not let us in.
        enveloped: it came as superjson; None where the form is neither that nor plain.
    """

    code: str
    message: str
    fatal: bool
    enveloped: bool | None
    denied: bool = False

    @property
    def about_params(self) -> bool:
        """True if the error is about the first frame: the server refuses it, or misses it."""
        return _PARAMS.search(self.message) is not None


class _Shape(Struct):
    message: Any = None
    code: Any = None
    data: Any = None


def read_error(raw: Raw) -> TrpcError:
    """Return the `error` of a frame, plain or in superjson's envelope. Any value gives an error of some kind."""
    try:
        value = loads_encodable(bytes(raw))
    except ValueError:
        value = None
    enveloped = isinstance(value, dict) and value.keys() <= {"json", "meta"} and isinstance(value.get("json"), dict)
    shape = _shape(value["json"] if enveloped else value)
    code, status = _code(shape)
    message = _sentence(shape.message) or code.replace("_", " ").lower()
    is_passing = status in _TRANSIENT_STATUSES or is_rate_limit(message)
    fatal = not is_passing or _NO_STREAM in message
    known_form = enveloped or isinstance(shape.code, int)
    denied = code in _DENIED and not is_passing
    return TrpcError(_own_code(shape) or code, message, fatal, enveloped if known_form else None, denied)


def _shape(value: Any) -> _Shape:
    return _Shape(value.get("message"), value.get("code"), value.get("data")) if isinstance(value, dict) else _Shape()


def _code(shape: _Shape) -> tuple[str, int]:
    """Return the error's name and HTTP status. An `errorFormatter` may have dropped both."""
    number = shape.code if isinstance(shape.code, int) else 0
    code, status = _STATUSES.get(number, ("INTERNAL_SERVER_ERROR", 500))
    data = shape.data if isinstance(shape.data, dict) else {}
    told_code, told_status = data.get("code"), data.get("httpStatus")
    if isinstance(told_code, str) and told_code:
        code = told_code
    if isinstance(told_status, int):
        status = told_status
    return code, status


def _own_code(shape: _Shape) -> str | None:
    found = _OWN_CODES.search(f"{shape.message} {shape.data}")
    return found[1] if found else None


def _sentence(message: Any) -> str:
    """Return the error's words in one line of at most 300 characters."""
    if not isinstance(message, str):
        return ""
    return shortened(_CONTROL.sub(" ", _issues(message) or _STACK.sub("", message)).strip(), _LONGEST)


def _issues(message: str) -> str:
    """Return zod's list of issues as a sentence; tRPC puts the list's JSON text in the place of the message."""
    if not message.lstrip().startswith("["):
        return ""
    try:
        listed = loads_encodable(message)
    except ValueError:
        return ""
    issues = [_issue(issue) for issue in listed if isinstance(issue, dict) and isinstance(issue.get("message"), str)]
    more = len(issues) - _MOST_ISSUES
    return "; ".join(issues[:_MOST_ISSUES]) + (f"; and {more} more" if more > 0 else "")


def _issue(issue: dict[str, Any]) -> str:
    path = issue.get("path")
    where = ".".join(str(step) for step in path) if isinstance(path, list) else ""
    return f"{where}: {issue['message']}" if where else str(issue["message"])
