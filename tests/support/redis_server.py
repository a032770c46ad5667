"""A Redis server of a test's own, which can be stopped, killed and started again."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from tests.servers.json_server import eventually
from tests.support.ports import free_port

__all__ = ["RedisServer", "redis_program"]


def redis_program() -> str | None:
    """Return the path of a server to start; None where the machine has none."""
    return shutil.which(os.environ.get("REDIS_SERVER") or "redis-server")


class RedisServer:
    """A server on loopback that keeps everything in a directory.

    Attributes:
        url: its address.
        password: what it wants; None for nothing.
    """

    def __init__(self, program: str, directory: Path, *, password: str | None = None) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._command = [
            *(program, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(directory), "--save", ""),
            *("--appendonly", "yes", "--appendfsync", "always", "--daemonize", "no"),
            *(() if password is None else ("--requirepass", password)),
        ]
        self.client: Any = Redis(port=self.port, password=password)
        self._log = directory / "redis.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        eventually(self._answers, "an answer of the Redis server")

    def _answers(self) -> bool:
        with suppress(RedisConnectionError):
            return bool(self.client.ping())
        return False

    def kill(self) -> None:
        """As `kill -9`."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(30)
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            raise AssertionError("the server is still there")

    def close(self) -> None:
        self.client.close()
        self.kill()
