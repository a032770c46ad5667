"""Proxies on loopback, HTTP and SOCKS 5: they refuse, or lead to one server for every requested name."""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

__all__ = ["HttpProxy", "SocksProxy", "proxied"]


class _Proxy(socketserver.BaseRequestHandler):
    def tunnel(self, port: int) -> None:
        """Copy bytes both ways, until either side ends."""
        with socket.create_connection(("127.0.0.1", port)) as server:
            back = threading.Thread(target=_pass_on, args=(server, self.request))
            back.start()
            _pass_on(self.request, server)
            back.join()

    def head(self) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data and (more := self.request.recv(4096)):
            data += more
        return data


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(65_536):
            other.sendall(data)
    for side in (one, other):
        with suppress(OSError):
            side.shutdown(socket.SHUT_RDWR)


class HttpProxy(_Proxy):
    """Answers CONNECT with `answer`, or tunnels to `port` where that is None."""

    answer: bytes | None = None
    port = 0
    heads: list[bytes]

    def handle(self) -> None:
        self.heads.append(self.head())
        if self.answer is not None:
            self.request.sendall(self.answer)
            return
        self.request.sendall(b"HTTP/1.0 200 Connection established\r\n\r\n")
        self.tunnel(self.port)


class SocksProxy(_Proxy):
    """Takes names and addresses, and a user and password if it gets them; `reply` other than 0 refuses."""

    port = 0
    reply = 0
    heads: list[bytes]

    def handle(self) -> None:
        _, count = self.request.recv(2)
        methods = self.request.recv(count)
        if 2 in methods:
            self.request.sendall(b"\x05\x02")
            _, size = self.request.recv(2)
            user = self.request.recv(size)
            self.heads.append(user + b":" + self.request.recv(self.request.recv(1)[0]))
            self.request.sendall(b"\x01\x00")
        else:
            self.request.sendall(b"\x05\x00")
        kind = self.request.recv(4)[3]
        size = self.request.recv(1)[0] if kind == 3 else 4 if kind == 1 else 16
        self.heads.append(self.request.recv(size))
        self.request.recv(2)
        self.request.sendall(b"\x05" + bytes([self.reply]) + b"\x00\x01" + struct.pack(">IH", 0, 0))
        if not self.reply:
            self.tunnel(self.port)


@contextmanager
def proxied(kind: type[HttpProxy | SocksProxy], **settings: object) -> Iterator[tuple[int, list[bytes]]]:
    """Run a proxy; yield its port, and its requests."""
    heads: list[bytes] = []
    handler: Callable[..., socketserver.BaseRequestHandler] = type("Handler", (kind,), {"heads": heads, **settings})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_address[1], heads
        finally:
            server.shutdown()
            thread.join()
