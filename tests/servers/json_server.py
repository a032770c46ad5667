"""A plain WebSocket server that follows a script, in threads of its own, without any code of runconsole."""

from __future__ import annotations

import json
import os
import socket
import ssl as ssl_module
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

if TYPE_CHECKING:
    from types import TracebackType

    from websockets.http11 import Request, Response

PATIENCE = 60.0
"""Seconds after which an expected change counts as missing; generous, for a busy machine."""

Message = dict[str, Any]


def eventually(condition: Callable[[], object], what: str = "the condition") -> None:
    """Return as soon as a condition holds; fail if it never does."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come about within {PATIENCE:.0f} s")
        time.sleep(0.005)


class Peer:
    """One client's connection.

    Attributes:
        number: the number of connections before it.
        received: the frames it sent, in order.
        headers: the headers of its handshake.
        path: the path with its query.
    """

    def __init__(self, connection: ServerConnection, number: int) -> None:
        self.number = number
        self.received: list[str | bytes] = []
        self.closed = threading.Event()
        request = connection.request
        self.headers = dict(request.headers.raw_items()) if request else {}
        self.path = request.path if request else ""
        self._connection = connection

    @property
    def messages(self) -> list[Message]:
        """The JSON messages it sent."""
        return [json.loads(frame) for frame in list(self.received)]

    def send(self, *frames: Message | list[Any] | str | bytes) -> None:
        """Send frames; other values than text and bytes as JSON."""
        for frame in frames:
            self._connection.send(frame if isinstance(frame, (str, bytes)) else json.dumps(frame))

    def expect(self, wanted: Callable[[Message], object] = bool) -> Message:
        """Wait for a message that is wanted and return it."""
        eventually(lambda: self.closed.is_set() or any(map(wanted, self.messages)), "a message of the client")
        return next(message for message in self.messages if wanted(message))

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close in good order, as far as the code says so."""
        self._connection.close(code, reason)

    def drop(self) -> None:
        """End the connection without a close."""
        with suppress(OSError):
            self._connection.socket.shutdown(socket.SHUT_RDWR)

    def listen(self) -> None:
        """Record messages until the connection ends."""
        with suppress(ConnectionClosed):
            while True:
                self.received.append(self._connection.recv())
        self.closed.set()


Script = Callable[[Peer], object]


def says(*frames: Message | list[Any] | str | bytes) -> Script:
    """Return a script that sends these."""
    return lambda peer: peer.send(*frames)


def closes(code: int = 1000, reason: str = "") -> Script:
    """Return a script that closes the connection in good order, as far as the code says so."""
    return lambda peer: peer.close(code, reason)


def does(*scripts: Script) -> Script:
    """Return a script that does one thing after the other."""

    def script(peer: Peer) -> None:
        for step in scripts:
            step(peer)

    return script


def in_turn(*scripts: Script) -> Script:
    """Return a script of scripts: one for each connection, the last one for all that follow."""
    return lambda peer: scripts[min(peer.number, len(scripts) - 1)](peer)


class JsonServer:
    """Runs a script for each connection and records the clients' messages; a context manager.

    Args:
        script: called with each `Peer` in a thread of its own; or the frames to send to each. The connection stays open
            afterwards until the client or the test ends it.
        refuse: the HTTP statuses to answer the first handshakes with, instead of accepting them.
        ssl: a context to speak TLS with.
        host: the address to listen on, and the URL's host unless it is this machine's usual address.
    """

    def __init__(
        self,
        script: Script | Iterable[Message | list[Any] | str | bytes] = (),
        *,
        refuse: Iterable[int] = (),
        ssl: ssl_module.SSLContext | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        frames = None if callable(script) else list(script)
        self._script: Script = script if callable(script) else lambda peer: peer.send(*frames or ())
        self._refusals = list(refuse)
        self.peers: list[Peer] = []
        self.handshakes = 0
        """Handshakes seen, refused ones too."""
        self.is_down = False
        """True if every handshake is refused."""
        self._server: Server = serve(
            self._serve, host, 0, process_request=self._greet, ssl=ssl, max_size=None, compression=None
        )
        self._thread = threading.Thread(target=self._server.serve_forever, name="json-server")
        self.port: int = self._server.socket.getsockname()[1]
        named = "localhost" if host == "127.0.0.1" else host
        self.url = f"{'ws' if ssl is None else 'wss'}://{named}:{self.port}/ws"

    @property
    def peer(self) -> Peer:
        """The newest connection; waits for the first one."""
        eventually(lambda: self.peers, "a connection")
        return self.peers[-1]

    def connected(self, count: int) -> Peer:
        """Wait until that many connections were accepted; return the last of them."""
        eventually(lambda: len(self.peers) >= count, f"connection {count}")
        return self.peers[count - 1]

    def _greet(self, connection: ServerConnection, _request: Request) -> Response | None:
        self.handshakes += 1
        if self.is_down:
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "down\n")
        if self._refusals:
            return connection.respond(HTTPStatus(self._refusals.pop(0)), "refused\n")
        return None

    def _serve(self, connection: ServerConnection) -> None:
        peer = Peer(connection, len(self.peers))
        listener = threading.Thread(target=peer.listen)
        listener.start()
        self.peers.append(peer)
        with suppress(ConnectionClosed):
            self._script(peer)
        listener.join()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Drop every connection and stop listening. Does nothing the second time."""
        if self._thread.is_alive():
            for peer in self.peers:
                peer.drop()
            self._server.shutdown()
            self._thread.join()
            for pipe in (self._server.shutdown_watcher, self._server.shutdown_notifier):
                if isinstance(pipe, int):  # websockets 16 leaves its pipe open; later ones have sockets
                    os.close(pipe)
