"""A release of a library without the internals that are used says so in one sentence, at the first connection."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import engineio
import pytest
import socketio
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.connection import Connection
from websockets.protocol import Protocol

from runconsole.errors import LinkLost
from runconsole.transports import inbox, internals
from runconsole.transports.socketio.transport import SocketIoTransport
from runconsole.transports.websocket import WebSocketTransport
from tests.servers.json_server import JsonServer

PROJECT = Path(__file__).parents[2] / "pyproject.toml"


async def lost(transport: Any) -> LinkLost:
    with pytest.raises(LinkLost) as caught:
        await transport.connect().__aenter__()
    return caught.value


@pytest.mark.parametrize("name", inbox._METHODS)
async def test_a_missing_method_of_websockets_is_reported(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for owner in (ClientConnection, Connection):
        if name in vars(owner):
            monkeypatch.delattr(owner, name)
    with JsonServer() as server:
        error = await lost(WebSocketTransport(server.url))
    assert re.fullmatch(
        r"expected websockets >=16,<18, got [\d.]+, which is made otherwise \(.*\b" + name + r"\b.*\):"
        r' pip install "websockets>=16,<18"',
        str(error),
    )
    assert error.fatal


async def test_a_missing_attribute_of_websockets_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Protocol.__init__

    def without(self: Any, *args: Any, **options: Any) -> None:
        made(self, *args, **options)
        del self.max_message_size

    monkeypatch.setattr(Protocol, "__init__", without)
    with JsonServer() as server:
        error = await lost(WebSocketTransport(server.url))
    assert "expected websockets >=16,<18, got" in str(error)
    assert "max_message_size" in str(error)


@pytest.mark.parametrize(
    ("lose", "words"),
    [
        (lambda patch: patch.delattr(socketio.packet.Packet, "add_attachment"), "python-socketio .* add_attachment"),
        (
            lambda patch: patch.delattr(engineio.base_client, "connected_clients"),
            "python-engineio .* base_client.connected_clients",
        ),
    ],
)
async def test_a_missing_part_of_the_socketio_client_is_reported(
    monkeypatch: pytest.MonkeyPatch, lose: Callable[[pytest.MonkeyPatch], None], words: str
) -> None:
    lose(monkeypatch)
    error = await lost(SocketIoTransport("http://localhost:1"))
    assert re.match(f"expected {words}", str(error))
    assert error.fatal


def test_the_bounds_match_the_packages_requirements() -> None:
    project = tomllib.loads(PROJECT.read_text())["project"]
    extras = project["optional-dependencies"]
    required = [*project["dependencies"], *extras["socketio"], *extras["agents"]]
    bounds = {match[1]: match[2] for line in required if (match := re.match(r"([\w-]+)(?:\[.*\])?(.*)", line))}
    assert {name: bounds[name] for name in internals._BOUNDS} == internals._BOUNDS
