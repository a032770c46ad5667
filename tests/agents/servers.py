"""Real agent servers over loopback, each a process of an environment of its own, made by scripts/test-agents."""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tests.support.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

ENVIRONMENT = Path(__file__).parents[2] / ".cache" / "agents"
SERVING = Path(__file__).with_name("serving")
START_TIMEOUT = 120.0
"""Seconds until a server must answer."""


class AgentServer:
    """A process that serves agents; a context manager that ends it.

    Attributes:
        url: `http://127.0.0.1:PORT`, the same after `restart`.
    """

    def __init__(self, program: str, *arguments: str, health: str, folder: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._command = [str(ENVIRONMENT / "bin" / program), *arguments, "--port", str(port)]
        self._health = health
        self._folder = folder
        self._log = folder / f"{program}-{port}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def kill(self) -> None:
        """End the process as `kill -9` does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self, *, in_good_order: bool = False) -> None:
        """Kill the process, or let it end in good order, and start it again."""
        if in_good_order and self._process is not None:
            self._process.terminate()
            self._process.wait(START_TIMEOUT)
        self.kill()
        self._start()

    def get(self, path: str) -> Any:
        return self.request("GET", path)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        return self.request("POST", path, body)

    def request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Return the JSON that the server answers."""
        request = urllib.request.Request(  # noqa: S310 - loopback
            self.url + path,
            None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310 - loopback
            text = response.read()
        return json.loads(text) if text else None

    def _start(self) -> None:
        quiet = {"LANGSMITH_TRACING": "false", "LANGGRAPH_CLI_NO_ANALYTICS": "1", "PYTHONPATH": ""}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=os.environ | quiet,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        give_up = time.monotonic() + START_TIMEOUT
        while time.monotonic() < give_up and self._process.poll() is None:
            try:
                self.get(self._health)
            except OSError:
                time.sleep(0.1)
            else:
                return
        self.kill()
        raise RuntimeError(f"the server did not come up; it wrote:\n{self._log.read_text(errors='replace')[-4000:]}")


def langgraph_server(folder: Path) -> AgentServer:
    """Return a LangGraph Agent Server in memory, with the graph `research`; its state is kept in the folder."""
    for name in ("research.py", "langgraph.json"):
        (folder / name).write_text((SERVING / name).read_text())
    return AgentServer("langgraph", "dev", "--no-browser", "--no-reload", health="/ok", folder=folder)


def agui_server(folder: Path) -> AgentServer:
    """Return the AG-UI endpoints `/legacy` and `/standard` of the same graph."""
    options = ("--app-dir", str(SERVING), "--log-level", "warning", "endpoints:app")
    return AgentServer("uvicorn", *options, health="/openapi.json", folder=folder)
