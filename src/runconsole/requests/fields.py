"""Requests as a field of an event: ``actionRequests``, a list of objects with the fields of `ActionRequest`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args

import msgspec

from runconsole.errors import InvalidArgument
from runconsole.events import ActionRequest, ActionVerb
from runconsole.values import plain_argument

__all__ = ["checked_requests", "read_requests", "written_requests"]

_VERBS = get_args(ActionVerb)


def read_requests(given: Any) -> tuple[ActionRequest, ...]:
    """Return the requests of an event; () where one of them cannot be read, or takes no decision that is known here."""
    if not isinstance(given, list):
        return ()
    read = [_read(each) for each in given]
    known = tuple(request for request in read if request is not None)
    return known if len(known) == len(read) else ()


def _read(given: Any) -> ActionRequest | None:
    if not isinstance(given, Mapping):
        return None
    allowed = given.get("allowed")
    verbs = [verb for verb in allowed if verb in _VERBS] if isinstance(allowed, Sequence) else []
    try:
        return msgspec.convert({**given, "allowed": verbs}, ActionRequest) if verbs else None
    except msgspec.ValidationError:
        return None


def written_requests(requests: Sequence[ActionRequest]) -> list[dict[str, Any]]:
    """Return requests as a field of an event."""
    written: list[dict[str, Any]] = msgspec.to_builtins(list(requests))
    return written


def checked_requests(given: object) -> tuple[ActionRequest, ...]:
    """Return requests that a caller gave, with arguments that JSON can carry. Raises InvalidArgument."""
    if isinstance(given, str | Mapping) or not isinstance(given, Iterable):
        raise InvalidArgument(f"expected requests= to be a list of ActionRequests, got a {type(given).__name__}")
    checked = tuple(_checked(each) for each in given)
    if not checked:
        raise InvalidArgument("expected requests= to hold one ActionRequest or more, got none")
    return checked


def _checked(given: object) -> ActionRequest:
    if not isinstance(given, ActionRequest):
        raise InvalidArgument(f"expected an ActionRequest in requests=, got a {type(given).__name__}")
    parts = {name: getattr(given, name) for name in given.__struct_fields__}
    plain = plain_argument("requests", parts)
    read = _read(plain) if isinstance(plain["allowed"], list) and set(plain["allowed"]) <= set(_VERBS) else None
    if read is None:
        raise InvalidArgument(
            f"expected an ActionRequest with a name, and allowed= of one or more of {', '.join(_VERBS)}, got {given!r}"
        )
    return read
