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

- A `ProtocolSpec` gives the protocol its name and says which addresses speak it. It makes a wire and a transport from a
  console's arguments (`LinkOptions`), and says what a recording must know so that its frames can be read again.
- A `Wire` is the protocol without any I/O: it makes signals (`Received`, `Established`, `Reply`, …) of the frames that
  come, and frames of decisions and calls. It lives as long as the console, over many connections.
- A `Transport` makes connections that carry frames, which are texts: by default a WebSocket. A stream of server-sent
  events with REST calls beside it fits, too. The frames of such a protocol say what to request; `Connection.send`
  requests it in the background, and `Connection.receive` returns the answers between the events of the stream. A wire
  whose `open` returns at first the request that starts a run, and later the one that joins it, lets the console start
  the run.

A frame is recorded as the transport gives or gets it: it holds everything that the wire must know, and no secret that
the options do not know of. `signed` returns an address and headers with what signs in. Errors of a connection are
`LinkLost`, with a `Policy` that says what they mean for the next attempt. `read_events`, `read_event` and `read_named`
understand the events of the known families; an event may as well be made directly: ``Received(type, fact, payload,
at)``, with a fact of `runconsole.events`.
"""

from __future__ import annotations

from runconsole.decoding.envelope import read_event, read_events, read_named
from runconsole.errors import LinkLost, UnsupportedByWire
from runconsole.events import DecisionRequested, Micros, Received
from runconsole.protocols.base import (
    CaughtUp,
    Established,
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

__all__ = [
    "CaughtUp",
    "Connection",
    "DecisionRequested",
    "Established",
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
