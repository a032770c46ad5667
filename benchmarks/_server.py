"""A WebSocket server in a process of its own, as fast as a socket: its frames are encoded before they are requested.

    with Server() as server:
        server.tell("prepare", stream="progress", frames=200_000, tasks=120)
        ... connect to server.url("burst")
        server.tell("pace", rate=1000)
        ... connect to server.url("paced")

``burst`` sends the prepared stream, as fast as the client takes it, then closes. ``paced`` sends a number of events a
second (0: none) for as long as the client stays. ``ask`` sends paced events too, and questions on the command ``ask``;
it answers every decision. The client's pings are answered: a long stream is no dead connection.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Self
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from benchmarks import _streams
from benchmarks._common import ROOT

__all__ = ["Server"]

_CHUNK = 64 * 1024
_BACKLOG = 500
"""Frames that a late sender sends at once; later ones are left out, as a paced server would."""


class Server:
    """The process, seen from a benchmark; a context manager."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._port = 0

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "benchmarks._server"]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self._port = int(self._read()["port"])
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()

    def url(self, path: str) -> str:
        """Return the address of ``burst``, ``paced`` or ``ask``."""
        return f"ws://127.0.0.1:{self._port}/{path}"

    def tell(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Send the server a command and return its answer."""
        if self._process is None or self._process.stdin is None:
            raise RuntimeError("expected a running server: use it in a with statement")
        self._process.stdin.write(json.dumps({"command": command, **arguments}) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        if self._process is None or self._process.stdout is None:
            raise RuntimeError("expected a running server: use it in a with statement")
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the benchmark's server has ended: see its words on stderr")
        answer: dict[str, Any] = json.loads(line)
        return answer


class _Served:
    """The server's data: the prepared stream, the pace, and the times of sent and received frames."""

    def __init__(self) -> None:
        self.chunks: list[bytes] | None = None
        self.stream: Callable[[], Iterator[bytes]] = lambda: iter(())
        self.rate = 0
        self.workers, self.per_task = 8, 50
        self.sent: dict[int, float] = {}
        self.decided: list[tuple[str, float]] = []
        self.asked: list[int] = []
        self.clients: list[ServerConnection] = []

    # ---- what a benchmark tells ---------------------------------------------------------------------------------

    def prepare(self, *, stream: str, frames: int, tasks: int, ahead: bool = True) -> dict[str, Any]:
        """Make the stream of ``burst``: ahead, or (too long to keep) chunk by chunk while it is sent."""
        make = getattr(_streams, stream)

        def events() -> Iterator[bytes]:
            yield _streams.started(tasks)
            yield from make(frames, tasks)
            yield _streams.completed(tasks, frames)

        self.stream = events
        self.chunks = list(_chunks(events())) if ahead else None
        return {"bytes": sum(map(len, self.chunks or ()))}

    def pace(self, *, rate: int, workers: int = 8, per_task: int = 50) -> dict[str, Any]:
        """Set the events a second of ``paced`` and ``ask``, and the number of tasks that run at a time."""
        self.rate, self.workers, self.per_task = rate, workers, per_task
        return {"clients": len(self.clients)}

    def times(self) -> dict[str, Any]:
        """Return the time (seconds since 1970) at which each event was handed to the socket, since the last call."""
        sent, self.sent = self.sent, {}
        return {"times": list(sent.items())}

    def ask(self, *, number: int) -> dict[str, Any]:
        """Send a question to every client."""
        for client in self.clients:
            client.send(_streams.question(number).decode())
        return {}

    def decisions(self) -> dict[str, Any]:
        """Return the checkpoint and the time of each received decision."""
        return {"decisions": list(self.decided)}

    # ---- what a client gets -------------------------------------------------------------------------------------

    def serve(self, connection: ServerConnection) -> None:
        path = urlsplit(connection.request.path if connection.request else "").path
        with suppress(ConnectionClosed, OSError):
            if path == "/burst":
                self._burst(connection)
            else:
                threading.Thread(target=self._listen, args=(connection,), daemon=True).start()
                self._paced(connection)

    def _burst(self, connection: ServerConnection) -> None:
        for chunk in self.chunks if self.chunks is not None else _chunks(self.stream()):
            _write(connection, chunk)
        connection.close()

    def _paced(self, connection: ServerConnection) -> None:
        connection.send(_streams.started(100_000).decode())
        self.clients.append(connection)
        events = enumerate(_streams.steps(0, self.workers, self.per_task))
        due = time.perf_counter()
        try:
            while True:
                now, rate = time.perf_counter(), self.rate
                if not rate or now - due > _BACKLOG / max(rate, 1):
                    due = now
                if not rate or due > now:
                    time.sleep(0.01 if not rate else due - now)
                    continue
                number, event = next(events)
                self.sent[number] = time.time()
                _write(connection, _streams.wired(event))
                due += 1 / rate
        finally:
            self.clients.remove(connection)

    def _listen(self, connection: ServerConnection) -> None:
        with suppress(ConnectionClosed, OSError):
            for frame in connection:
                self._read(json.loads(frame), time.time(), connection)

    def _read(self, message: dict[str, Any], at: float, connection: ServerConnection) -> None:
        if message.get("type") != "checkpoint.resolve":
            return
        self.decided.append((message["payload"]["checkpointId"], at))
        reply = {"type": "checkpoint.resolved", "correlationId": message["correlationId"]}
        connection.send(json.dumps(reply | {"payload": message["payload"] | {"decidedBy": "user"}}))


def _chunks(events: Iterator[bytes]) -> Iterator[bytes]:
    """Yield WebSocket frames, as many as fit into a chunk."""
    held, size = [], 0
    for event in events:
        held.append(frame := _streams.wired(event))
        size += len(frame)
        if size >= _CHUNK:
            yield b"".join(held)
            held, size = [], 0
    yield b"".join(held)


def _write(connection: ServerConnection, frames: bytes) -> None:
    """Write frames past the protocol, which would take longer to make them than a client to read them."""
    with connection.protocol_mutex:
        connection.socket.sendall(frames)


def _main() -> None:
    served = _Served()
    with serve(served.serve, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(json.dumps({"port": server.socket.getsockname()[1]}), flush=True)
        for line in sys.stdin:
            arguments = json.loads(line)
            answer = getattr(served, arguments.pop("command"))(**arguments)
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    _main()
