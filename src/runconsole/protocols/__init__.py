"""The protocols of servers, and all that it takes to write another one.

A protocol of another package is a class and an entry point:

    # my_package/protocol.py
    from runconsole.protocols import ProtocolSpec, Transport, Wire, read_events

    class MyWire(Wire):
        def receive(self, frame, at):
            return read_events(frame, at)

    class MyProtocol(ProtocolSpec):
        name = "mine"

        def infers(self, url):
            return url.path.endswith("/mine")

        def wire(self, options):
            return MyWire()

        def reader(self, known):
            return MyWire()

    # pyproject.toml
    [project.entry-points."runconsole.protocols"]
    mine = "my_package.protocol:MyProtocol"

With the package installed, ``Console("ws://host/mine")`` and ``Console(url, protocol="mine")`` follow a run over it,
and its recordings can be opened. Its parts:

- A `ProtocolSpec` gives the protocol its name and recognizes its addresses. It makes a wire and a transport from a
  console's arguments (`LinkOptions`), and returns the options that a recording needs to read its frames again.
- A `Wire` is the protocol without any I/O: it turns received frames into signals (`Received`, `Established`, `Reply`,
  …), and decisions and calls into frames. It lives as long as the console, over many connections.
- A `Transport` makes connections that carry frames, which are texts: by default a WebSocket. `SseTransport` reads
  streams of server-sent events. REST calls beside a stream fit, too. A frame of such a protocol describes a request;
  `Connection.send` makes the request in the background, and `Connection.receive` returns the answers between the
  events of the stream. A wire can also start a run: its first `open` returns the request that starts it, each later
  one the request that joins it.

A frame is recorded as it passes the transport: it must hold everything that the wire needs, and no secret that is not
among the options. `signed` returns an address and headers with the credentials. Errors of a connection are `LinkLost`,
with a `Policy` for the next attempt. `read_events`, `read_event` and `read_named` read the events of the known
families; an event may also be made directly: ``Received(type, fact, payload, at)``, with a fact of `runconsole.events`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runconsole.errors import LinkLost, UnsupportedByWire
from runconsole.events import DecisionRequested, Micros, Received
from runconsole.protocols.base import (
    CaughtUp,
    Established,
    EventsLost,
    Outgoing,
    Ping,
    Queries,
    ReconnectAsked,
    Repeated,
    Reply,
    Request,
    Resumable,
    Send,
    Signal,
    StreamBroken,
    StreamEnded,
    StreamRefused,
    SubscriptionRefused,
    TaskCommand,
    Wire,
)
from runconsole.protocols.options import LinkOptions
from runconsole.protocols.signing import context_of_options, signed, websocket
from runconsole.protocols.spec import ProtocolSpec, check_known
from runconsole.reconnect import Policy
from runconsole.redaction.secrets import Secret
from runconsole.transports.base import Connection, Transport

if TYPE_CHECKING:
    from runconsole.decoding.envelope import read_event, read_events, read_named
    from runconsole.transports.sse.transport import SseTransport

__all__ = [
    "CaughtUp",
    "Connection",
    "DecisionRequested",
    "Established",
    "EventsLost",
    "LinkLost",
    "LinkOptions",
    "Micros",
    "Outgoing",
    "Ping",
    "Policy",
    "ProtocolSpec",
    "Queries",
    "Received",
    "ReconnectAsked",
    "Repeated",
    "Reply",
    "Request",
    "Resumable",
    "Secret",
    "Send",
    "Signal",
    "SseTransport",
    "StreamBroken",
    "StreamEnded",
    "StreamRefused",
    "SubscriptionRefused",
    "TaskCommand",
    "Transport",
    "UnsupportedByWire",
    "Wire",
    "check_known",
    "context_of_options",
    "read_event",
    "read_events",
    "read_named",
    "signed",
    "websocket",
]

_LATER = {
    "SseTransport": "runconsole.transports.sse.transport",
    "read_event": "runconsole.decoding.envelope",
    "read_events": "runconsole.decoding.envelope",
    "read_named": "runconsole.decoding.envelope",
}
"""Names that are loaded when they are first used: a console imports this package long before it reads an event."""


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_LATER[name]), name)


def __dir__() -> list[str]:
    return __all__
