"""Faults between a run and its clients: small values, each of which happens once.

`after` is the number of the run's event after which a fault happens: when that event, or a later one, was delivered to
any client. A fault with `after=0` happens before the first. Faults change neither the run nor its log.
"""

from __future__ import annotations

from dataclasses import Field, dataclass, fields
from typing import Any, Final, TypeAlias, get_args

__all__ = [
    "FAULTS",
    "AskReconnect",
    "Crash",
    "Drop",
    "Duplicate",
    "Fault",
    "Freeze",
    "Garbage",
    "HalfOpen",
    "LoseReply",
    "Refuse",
    "Reorder",
    "Slow",
    "Stray",
    "check_faults",
    "parse_fault",
]


@dataclass(frozen=True, slots=True)
class Drop:
    """Cut every connection without a close; with a `code`, close it with that."""

    after: int = 0
    code: int | None = None


@dataclass(frozen=True, slots=True)
class Freeze:
    """Neither read nor write for `seconds`, then continue with the gathered data."""

    after: int = 0
    seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class Crash:
    """Cut every connection, do not listen for `down_s` seconds, return on the same port. The run goes on meanwhile.

    With `forget`, the events until then are gone: they are neither replayed nor resumed from.
    """

    after: int = 0
    down_s: float = 1.0
    forget: bool = False


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Send the last `count` events of each connection again."""

    after: int = 0
    count: int = 1


@dataclass(frozen=True, slots=True)
class Reorder:
    """Send the next `span` events of each connection in another order."""

    after: int = 0
    span: int = 4


@dataclass(frozen=True, slots=True)
class Garbage:
    """Send an unreadable frame."""

    after: int = 0


@dataclass(frozen=True, slots=True)
class Slow:
    """Take `pause` seconds over each event, for `seconds`."""

    after: int = 0
    seconds: float = 5.0
    pause: float = 0.1


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer the next `times` attempts to connect with this HTTP status."""

    times: int = 1
    after: int = 0
    status: int = 503


@dataclass(frozen=True, slots=True)
class HalfOpen:
    """Let every connection die without a sign: no read, no write, no close."""

    after: int = 0


@dataclass(frozen=True, slots=True)
class LoseReply:
    """Take the `nth` decision from now on, but never answer it; with `cut`, the connection is cut instead."""

    nth: int = 1
    after: int = 0
    cut: bool = True


@dataclass(frozen=True, slots=True)
class AskReconnect:
    """Ask clients to connect anew, on tRPC; the old connections go on."""

    after: int = 0


@dataclass(frozen=True, slots=True)
class Stray:
    """Send the refusal of another client's request."""

    after: int = 0


Fault: TypeAlias = (
    Drop | Freeze | Crash | Duplicate | Reorder | Garbage | Slow | Refuse | HalfOpen | LoseReply | AskReconnect | Stray
)

FAULTS: Final[dict[str, type[Fault]]] = {
    "drop": Drop,
    "freeze": Freeze,
    "crash": Crash,
    "duplicate": Duplicate,
    "reorder": Reorder,
    "garbage": Garbage,
    "slow": Slow,
    "refuse": Refuse,
    "half-open": HalfOpen,
    "lose-reply": LoseReply,
    "ask-reconnect": AskReconnect,
    "stray": Stray,
}
"""The faults by their names on the command line."""

_LONGEST = 3600.0
"""The most seconds of a fault; the most events of a fault are 1,000 times that."""


def check_faults(faults: object, wire: str) -> list[Fault]:
    """Return the faults as a list. Raises ValueError for other values, and for faults that this wire lacks."""
    listed: list[Fault] = []
    for fault in faults if isinstance(faults, (list, tuple)) else [faults]:
        if not isinstance(fault, get_args(Fault)):
            raise ValueError(f"faults must be values like Drop(after=100), not {fault!r}.")  # noqa: TRY004 - as others
        listed.append(fault)
        if isinstance(fault, AskReconnect) and wire != "trpc":
            raise ValueError(f"only the wire 'trpc' can ask clients to reconnect, not {wire!r}.")
        if isinstance(fault, Drop) and fault.code is not None and wire in {"socketio", "agui"}:
            name = "Socket.IO" if wire == "socketio" else "AG-UI"
            raise ValueError(f"{name} has no close codes: leave out the code of Drop.")
        if wire == "agui" and (isinstance(fault, (Duplicate, Reorder, Stray)) or not getattr(fault, "cut", True)):
            raise ValueError(
                f"{type(fault).__name__} cannot happen on the wire 'agui': a response comes in order and belongs to"
                " one request; LoseReply cuts it."
            )
        _check_numbers(fault)
    return listed


def _check_numbers(fault: Fault) -> None:
    for name, value in _values(fault).items():
        most = _LONGEST if isinstance(value, float) else _LONGEST * 1000
        if value is not None and not 0 <= value <= most:
            raise ValueError(f"{name} of {type(fault).__name__} must be 0 to {most:g}, not {value!r}.")
    if isinstance(fault, Refuse) and not 500 <= fault.status <= 599:
        raise ValueError(f"status of Refuse must be 500 to 599, not {fault.status}.")


def _values(fault: Fault) -> dict[str, Any]:
    return {field.name: getattr(fault, field.name) for field in fields(fault)}


def parse_fault(text: str) -> Fault:
    """Return the fault of a text like ``drop:100`` or ``crash:200:2``: its name, then its values in order.

    Raises ValueError.
    """
    name, *values = text.split(":")
    kind = FAULTS.get(name)
    if kind is None:
        raise ValueError(f"expected one of {', '.join(FAULTS)}, got {name!r}")
    slots = fields(kind)
    if len(values) > len(slots):
        most = ":".join([name, *(slot.name.upper() for slot in slots)])
        raise ValueError(f"expected at most {most}, got {text!r}")
    return kind(**{slot.name: _value(slot, value, text) for slot, value in zip(slots, values, strict=False)})


def _value(slot: Field[Any], value: str, text: str) -> Any:
    kind = str(slot.type)
    try:
        if kind == "bool":
            return {"0": False, "1": True}[value]
        return float(value) if kind == "float" else int(value)
    except (KeyError, ValueError):
        wanted = {"bool": "0 or 1", "float": "a number"}.get(kind, "a whole number")
        raise ValueError(f"expected {wanted} for {slot.name.upper()}, got {text!r}") from None
