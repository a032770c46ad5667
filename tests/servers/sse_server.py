"""A small HTTP server whose responses a test writes byte by byte: streams of server-sent events, and others."""

from __future__ import annotations

import json
import socket
import socketserver
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from queue import Queue
from typing import Any, NamedTuple

__all__ = ["STREAM", "Exchange", "SseServer", "events", "sse_server"]

STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nConnection: close\r\n\r\n"
"""The head of a stream that ends with its connection."""


class Asked(NamedTuple):
    """A request as it came."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Exchange:
    """One request, and the socket to answer it by."""

    def __init__(self, asked: Asked, connection: socket.socket, stop: threading.Event) -> None:
        self.asked = asked
        self.stop = stop
        self.closed = threading.Event()
        """Set once the client has closed the connection, after `wait_closed`."""
        self._connection = connection

    def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._connection.sendall(data)

    def say(self, *messages: Any) -> None:
        """Send events, each with one JSON value as its data."""
        self.write(events(*messages))

    def open(self, *messages: Any) -> None:
        """Begin a stream, and send events."""
        self.write(STREAM + events(*messages))

    def reset(self) -> None:
        """Break the connection without an end."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connection.close()

    def wait_closed(self) -> None:
        """Wait until the client has gone, or the server stops."""
        self._connection.settimeout(0.05)
        while not self.stop.is_set():
            with suppress(TimeoutError):
                try:
                    if not self._connection.recv(1):
                        break
                except ConnectionError:
                    break
        self.closed.set()


Answer = Callable[[Exchange], None]


class SseServer(NamedTuple):
    """A running server: its port, the requests so far, and all exchanges as they begin."""

    port: int
    asked: list[Asked]
    exchanges: Queue[Exchange]

    @property
    def url(self) -> str:
        """The address."""
        return f"http://127.0.0.1:{self.port}/agent"


def events(*messages: Any) -> bytes:
    """Return events with these JSON values."""
    return b"".join(b"data: " + json.dumps(message).encode() + b"\n\n" for message in messages)


@contextmanager
def sse_server(*answers: Answer, tls: ssl.SSLContext | None = None) -> Iterator[SseServer]:
    """Serve on loopback: the n-th request is answered by the n-th function, later ones by the last."""
    asked: list[Asked] = []
    exchanges: Queue[Exchange] = Queue()
    stop = threading.Event()
    lock = threading.Lock()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            head = self._head()
            if head is None:
                return
            with lock:
                asked.append(head)
                answer = answers[min(len(asked), len(answers)) - 1]
            exchange = Exchange(head, self.connection, stop)
            exchanges.put(exchange)
            with suppress(OSError):
                answer(exchange)

        def _head(self) -> Asked | None:
            line = self.rfile.readline().decode("latin-1").strip()
            if not line:
                return None
            headers: dict[str, str] = {}
            while header := self.rfile.readline().decode("latin-1").strip():
                name, _, value = header.partition(":")
                headers[name.strip().lower()] = value.strip()
            return Asked(line, headers, self.rfile.read(int(headers.get("content-length", 0))))

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

        def get_request(self) -> tuple[Any, Any]:
            connection, address = super().get_request()
            return (connection if tls is None else tls.wrap_socket(connection, server_side=True)), address

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Say nothing: a client that breaks off is part of a test."""

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield SseServer(server.server_address[1], asked, exchanges)
        finally:
            stop.set()
            server.shutdown()
            thread.join()
