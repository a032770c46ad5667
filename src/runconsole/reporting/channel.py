"""Reports of worker processes: lines of JSON over a loopback socket of the I/O thread, with a secret in the first.

A worker that cannot reach the socket, as on another machine, returns its reports with its result.
"""

from __future__ import annotations

import asyncio
import hmac
import multiprocessing
import os
import secrets
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec

from runconsole.engine.iothread import IOThread, lease
from runconsole.listening import StreamServer
from runconsole.reporting.current import current_task
from runconsole.reporting.report import current_sink
from runconsole.text.unicode import encodable_value

__all__ = ["RemoteCall", "RemoteResult", "ReportServer", "reports_of"]

Message = dict[str, Any]
_SYNC: Message = {"sync": True}
_WITHIN_S = 10.0
_LONGEST_LINE = 64 * 2**20


class ReportServer:
    """Takes the reports of worker processes, until it is closed.

    Args:
        take: called on the I/O thread with the number of an item and a report of it.
    """

    def __init__(self, take: Callable[[int, Message], None]) -> None:
        self._take = take
        self._key = secrets.token_hex(32)
        self._server = StreamServer(self._serve, limit=_LONGEST_LINE)
        self._port = 0
        self._io: IOThread = lease()
        try:
            asyncio.run_coroutine_threadsafe(self._open(), self._io.loop).result()
        except BaseException:
            self._io.release()
            raise

    def call(self, function: Callable[[Any], Any]) -> RemoteCall:
        """Return a function that can be pickled, and reports here."""
        return RemoteCall(function, self._port, self._key)

    def close(self) -> None:
        """End; what workers still report is not read any more."""
        _forget(self._port, self._key)
        asyncio.run_coroutine_threadsafe(self._server.close(), self._io.loop).result()
        self._io.release()

    async def _open(self) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        self._port = listener.getsockname()[1]
        await self._server.open(listener)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, ValueError, msgspec.MsgspecError):
            await self._read(reader, writer)

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(_WITHIN_S):
            key = await reader.readline()
        if not hmac.compare_digest(key.strip(), self._key.encode()):
            return
        while line := await reader.readline():
            number, message = msgspec.json.decode(line, type=tuple[int, Message])
            if message == _SYNC:
                writer.write(b"\n")
            else:
                self._take(number, message)


@dataclass(frozen=True, slots=True)
class RemoteResult:
    """The result of a function, with the reports that found no other way."""

    value: Any
    reports: list[Message]


@dataclass(frozen=True, slots=True)
class RemoteCall:
    """Calls a function with an item, in a worker process, and lets it report."""

    function: Callable[[Any], Any]
    port: int
    key: str

    def __call__(self, item: Any, number: int) -> RemoteResult:
        """Return the result; the reports have arrived then. An exception carries those that have not."""
        sink = _Sink(number, _line_to(self.port, self.key))
        sink.report({"worker": multiprocessing.current_process().name})
        inside, outside = current_sink.set(sink), current_task.set(None)
        try:
            value = self.function(item)
        except BaseException as error:
            sink.finish()
            if sink.kept:
                error.__dict__["_runconsole_reports"] = sink.kept
            raise
        finally:
            current_sink.reset(inside)
            current_task.reset(outside)
        sink.finish()
        return RemoteResult(value, sink.kept)


class _Line:
    """The connection of a worker process to a server."""

    def __init__(self, port: int, key: str) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        with suppress(OSError):
            self._socket = socket.create_connection(("127.0.0.1", port), _WITHIN_S)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else each item waits 40 ms for an ACK
            self._socket.sendall(key.encode() + b"\n")

    def send(self, number: int, message: Message) -> bool:
        """Send a report; return False where that is not possible. After `_SYNC` all of them have arrived."""
        with self._lock:
            if self._socket is None:
                return False
            try:
                self._socket.sendall(_encoded((number, message)) + b"\n")
                if message is not _SYNC or self._socket.recv(1):
                    return True
            except OSError:
                pass
            self._close()
            return False

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


@dataclass(slots=True)
class _Sink:
    """Sends the reports of one item; keeps those that cannot be sent."""

    number: int
    line: _Line
    kept: list[Message] = field(default_factory=list)

    def report(self, message: Message) -> None:
        if not self.line.send(self.number, message):
            self.kept.append(message)

    def finish(self) -> None:
        """Wait until the reports have arrived."""
        self.line.send(self.number, _SYNC)


_lines: dict[tuple[int, int, str], _Line] = {}
"""The connection to the newest server, by process, port and key."""
_connecting = threading.Lock()


def _line_to(port: int, key: str) -> _Line:
    """Return the connection of this process to a server, made once."""
    place = os.getpid(), port, key
    with _connecting:
        if place not in _lines:
            for (process, _, _), old in _lines.items():
                if process == os.getpid():
                    old.close()
            _lines.clear()
            _lines[place] = _Line(port, key)
        return _lines[place]


def _forget(port: int, key: str) -> None:
    """Close the connection that this very process has to a server: an executor may work in it."""
    with _connecting:
        line = _lines.pop((os.getpid(), port, key), None)
    if line is not None:
        line.close()


def _encoded(value: Any) -> bytes:
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return msgspec.json.encode(encodable_value(value))


def reports_of(error: BaseException) -> list[Message]:
    """Return the reports that an exception carries."""
    found: list[Message] = error.__dict__.pop("_runconsole_reports", [])
    return found
