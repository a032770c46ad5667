"""The Node.js programs beside this file, run by the tests: the real tRPC server and the real superjson."""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import select
import shutil
import subprocess
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

from scripts.frontend import find_node

if TYPE_CHECKING:
    import signal
    from types import TracebackType

HERE = Path(__file__).parent
_PATIENCE = 60.0
"""Seconds for a program to start or to answer, on a machine that is busy with other tests."""


@cache
def _search_path() -> str:
    """Return the PATH with a usable Node.js in front, after installing the programs' packages if they changed."""
    node = find_node()
    if node is None:
        raise RuntimeError("expected Node.js 20.19 or newer on the PATH or beside this Python; `make setup` brings it")
    lock, stamp = HERE / "package-lock.json", HERE / "node_modules" / ".lock"
    with lock.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # one process of a parallel test run installs; the others wait for it
        if not stamp.is_file() or stamp.read_bytes() != lock.read_bytes():
            command = [node.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
            subprocess.run(command, cwd=HERE, env=os.environ | {"PATH": node.path}, check=True, timeout=300)
            shutil.copyfile(lock, stamp)
    return node.path


class NodeProgram:
    """A running program of this folder with a line protocol: stdin in, stdout out."""

    def __init__(self, script: str, *arguments: str) -> None:
        path = _search_path()
        command = [shutil.which("node", path=path) or "node", script, *arguments]
        environment = os.environ | {"PATH": path}
        self._process = subprocess.Popen(
            command, cwd=HERE, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        self._unread = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def ask(self, line: str) -> str:
        """Send one line and return the next one that comes back."""
        _pipe(self._process.stdin).write(line.encode() + b"\n")
        return self.read_line()

    def read_line(self) -> str:
        """Return the next line. Raises TimeoutError when there is none in time, EOFError when the program ended."""
        stdout = _pipe(self._process.stdout)
        while b"\n" not in self._unread:
            if not select.select([stdout], [], [], _PATIENCE)[0]:
                raise TimeoutError("the Node.js program said nothing")
            part = os.read(stdout.fileno(), 65536)
            if not part:
                raise EOFError("the Node.js program ended")
            self._unread += part
        line, _, self._unread = self._unread.partition(b"\n")
        return line.decode()

    def read_port(self) -> int:
        """Return the port in a server's first line. A server without one is ended."""
        try:
            return int(json.loads(self.read_line())["port"])
        except BaseException:
            self.kill()
            raise

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        """End the program at once, as a crash would, and free what it held."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            _pipe(pipe).close()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe


class TrpcServer(NodeProgram):
    """A real tRPC server (trpc-server.mjs documents its options and commands).

    Attributes:
        url: the WebSocket address.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__("trpc-server.mjs", json.dumps(options))
        self.options = options
        self.port = self.read_port()
        self.url = f"ws://127.0.0.1:{self.port}"

    def command(self, action: str, **body: Any) -> Any:
        """Send the server a command (`emit`, `drop`, …); return its reply."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE)
        try:
            connection.request("POST", f"/{action}", json.dumps(body))
            response = connection.getresponse()
            answer = json.load(response)
        finally:
            connection.close()
        if response.status != HTTPStatus.OK:
            raise RuntimeError(f"expected the server to {action}, it says {answer}")
        return answer

    def emit(self, *events: dict[str, Any]) -> None:
        """Let these events happen now."""
        self.command("emit", events=events)

    def log(self) -> dict[str, Any]:
        """Return the server's record so far: connections, subscriptions, deliveries, mutations, queries."""
        log: dict[str, Any] = self.command("log")
        return log

    def restarted(self) -> TrpcServer:
        """Kill this server and return another one on the same port that knows the same events and checkpoints."""
        memory = self.command("memory")
        self.kill()
        return TrpcServer(**self.options | {"port": self.port, "memory": memory})
