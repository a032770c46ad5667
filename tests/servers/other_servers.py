"""Servers that are no WebSocket servers, and ports without a listener."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

ECHO = b""
"""Echo the received bytes."""


@contextmanager
def tcp_server(answer: bytes | None = ECHO) -> Iterator[int]:
    """Serve TCP on the returned port: answers with these bytes, echoes, or (None) hangs up at once."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            if answer is None:
                return
            data = self.request.recv(65_536)
            self.request.sendall(answer or data)

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def closed_port() -> Iterator[int]:
    """Reserve a port without a listener."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def http(status: str, body: str = "hello") -> bytes:
    """Return an HTTP answer."""
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()
