"""Headers of recordings: what a protocol must know to read its frames again, of older recordings, too."""

from __future__ import annotations

from typing import Any

import pytest

from runconsole.options import Options, check
from runconsole.protocols.json.wire import ChannelWire
from runconsole.protocols.socketio.wire import SocketIoWire
from runconsole.protocols.trpc.wire import TrpcWire
from runconsole.recording import Header
from runconsole.replay import header_of, same_wire, wire_for


def header(protocol: str, **fields: Any) -> Header:
    return Header(1, "0", protocol, "ws://h", "2025-11-16T16:32:00Z", **fields)


def options(url: str, **more: Any) -> Options:
    return check({"url": url, **more})


@pytest.mark.parametrize(
    ("given", "protocol", "known", "wire"),
    [
        (options("ws://h/ws"), "json", {}, ChannelWire),
        (options("ws://h/trpc"), "trpc", {}, TrpcWire),
        (options("ws://h/trpc", transformer="superjson"), "trpc", {"transformer": "superjson"}, TrpcWire),
        (options("http://h"), "socketio", {}, SocketIoWire),
        (options("http://h", execution="e", session="s"), "socketio", {"rooms": 2}, SocketIoWire),
    ],
)
def test_header_holds_what_the_protocol_must_know(
    given: Options, protocol: str, known: dict[str, Any], wire: type
) -> None:
    made = header_of(given, 0)
    assert (made.protocol, made.protocol_options) == (protocol, known)
    assert isinstance(wire_for(made), wire)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        (header("trpc", transformer="superjson"), header("trpc", protocol_options={"transformer": "superjson"})),
        (header("socketio", rooms=2), header("socketio", protocol_options={"rooms": 2})),
        (header("json", transformer="auto", rooms=0), header("json")),
    ],
)
def test_older_headers_give_the_same_wire(older: Header, newer: Header) -> None:
    assert same_wire(older, newer)


def test_older_rooms_are_read() -> None:
    wire = wire_for(header("socketio", rooms=3))
    assert isinstance(wire, SocketIoWire)
    assert wire.rooms == 3


def test_other_knowledge_is_another_wire() -> None:
    assert not same_wire(header("socketio", rooms=2), header("socketio", rooms=1))
    assert not same_wire(header("json"), header("trpc"))
