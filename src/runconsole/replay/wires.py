"""What a recording's header says of the wire, and back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

from runconsole.events import Micros
from runconsole.options import Options
from runconsole.protocols.base import Wire
from runconsole.protocols.json.wire import ChannelWire
from runconsole.protocols.socketio.wire import SocketIoWire
from runconsole.protocols.trpc.wire import Transformer, TrpcWire
from runconsole.recording import FORMAT, Header

__all__ = ["header_of", "same_wire", "wire_for"]


def header_of(options: Options, at: Micros, *, rooms: int = 0) -> Header:
    """Return the header of a recording made with these options; `rooms` counts the Socket.IO rooms joined."""
    hide = options.redactor.hide
    return Header(
        runconsole=FORMAT,
        version=_version(),
        protocol=options.inferred_protocol(),
        url=options.address,
        started_at=datetime.fromtimestamp(at / 1e6, UTC).isoformat(timespec="microseconds"),
        transformer=options.transformer,
        rooms=rooms,
        task=options.task if options.task is None else hide(options.task),
        execution=options.execution if options.execution is None else hide(options.execution),
        title=options.title if options.title is None else hide(options.title),
        token_budget=options.token_budget,
        cost_limit=options.cost_limit,
        expected_artifacts=options.expected_artifacts,
    )


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("runconsole")
    except PackageNotFoundError:  # run from a checkout
        return "unknown"


def wire_for(header: Header) -> Wire:
    """Return a wire that reads the frames of a section. It knows nothing yet, and sends nothing."""
    match header.protocol:
        case "trpc":
            return TrpcWire("recorded", transformer=cast("Transformer", header.transformer))
        case "socketio":
            return SocketIoWire([(f"room-{number}", None) for number in range(header.rooms)])
        case _:
            return ChannelWire()


def same_wire(one: Header, other: Header) -> bool:
    """Whether one wire reads the frames of both sections."""
    return (one.protocol, one.transformer, one.rooms) == (other.protocol, other.transformer, other.rooms)
