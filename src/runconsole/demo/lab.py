"""A JupyterLab server as a child process, with its own settings and its REST interface."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from runconsole.errors import RunConsoleError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path
    from types import TracebackType

__all__ = ["DemoError", "Lab"]

_HOST = "127.0.0.1"
_START_WITHIN_S = 120.0
_STOP_WITHIN_S = 15.0
_LOG_SHOWN = 1_500  # characters of its log, when it does not start

_FOLDERS = {
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTER_RUNTIME_DIR": "runtime",
    "JUPYTERLAB_SETTINGS_DIR": "settings",
    "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    "IPYTHONDIR": "ipython",
}
"""Folders that a demo must neither use nor change in the user's home: all are below its own."""

_SETTINGS: dict[str, Mapping[str, object]] = {
    "apputils-extension/notification": {"checkForUpdates": False, "fetchNews": "false"},
    "apputils-extension/themes": {"adaptive-theme": True},
}


class DemoError(RunConsoleError):
    """The demo cannot run: one sentence on the missing part and its remedy."""


class Lab:
    """A running JupyterLab; leaving the block ends it together with its kernels.

    `root` holds the notebooks, `home` its own settings and runtime files, `port` 0 is a free one. `report` is called
    with each slow step.
    """

    def __init__(
        self, root: Path, home: Path, *, port: int = 0, report: Callable[[str], None] = lambda _: None
    ) -> None:
        self.runtime = home / _FOLDERS["JUPYTER_RUNTIME_DIR"]
        """The directory of the kernels' connection files."""
        self._root = root.resolve()
        self._home = home
        self._port = port
        self._report = report
        self._token = secrets.token_urlsafe(24)
        self._log = home / "jupyterlab.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        if self._port:
            _check_free(self._port)
        self._write_settings()
        self._report("Starting JupyterLab ...")
        command = [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", f"--ip={_HOST}", f"--port={self._port}"),
            "--ServerApp.port_retries=0",
            f"--ServerApp.root_dir={self._root}",
            "--LabApp.extension_manager=readonly",
            "--LanguageServerManager.autodetect=False",
        ]
        if getattr(os, "geteuid", lambda: 1)() == 0:
            command.append("--allow-root")
        with self._log.open("wb") as log:
            # A session of its own: Ctrl-C is for the demo, which ends the server in good order.
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and options
                command,
                cwd=self._root,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            self._wait_until_up(self._process)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def page(self, notebook: str) -> str:
        """Return the address of a notebook's page, with the token: it gives full use of the server."""
        return f"http://{_HOST}:{self._port}/lab/tree/{quote(notebook)}?token={self._token}"

    def wait(self) -> None:
        """Wait until the server ends by itself."""
        if self._process is not None:
            self._process.wait()

    def request(self, method: str, path: str, body: object = None) -> Any:
        """Return the JSON answer of the server's REST interface; None for an empty one. Raises OSError on a refusal."""
        connection = http.client.HTTPConnection(_HOST, self._port, timeout=60)
        with contextlib.closing(connection):
            content = None if body is None else json.dumps(body)
            connection.request(method, quote(path), content, {"Authorization": f"token {self._token}"})
            answer = connection.getresponse()
            text = answer.read()
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise OSError(f"{method} {path}: {answer.status} {text.decode(errors='replace')[:300]}")
        return json.loads(text) if text else None

    def _environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "IPYTHON"))}
        own = {name: str(self._home / folder) for name, folder in _FOLDERS.items()}
        # The token is not on the command line: other users of the machine could read it there.
        return inherited | own | {"JUPYTER_TOKEN": self._token, "JUPYTER_PREFER_ENV_PATH": "1"}

    def _write_settings(self) -> None:
        for plugin, values in _SETTINGS.items():
            file = self._home / "settings" / "@jupyterlab" / f"{plugin}.jupyterlab-settings"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(values))

    def _wait_until_up(self, process: subprocess.Popen[bytes]) -> None:
        info = self.runtime / f"jpserver-{process.pid}.json"
        give_up = time.monotonic() + _START_WITHIN_S
        while time.monotonic() < give_up and process.poll() is None:
            try:
                self._port = int(json.loads(info.read_text())["port"])
                self.request("GET", "/api/status")
            except (OSError, ValueError, http.client.HTTPException):
                time.sleep(0.1)
            else:
                return
        wrote = self._log.read_text(errors="replace")[-_LOG_SHOWN:]
        raise DemoError(f"JupyterLab did not start. It wrote:\n{wrote}")

    def _end(self) -> None:
        """End server and kernels in any state; a second Ctrl-C does not stop this."""
        process, self._process = self._process, None
        if process is None:
            return
        self._report("Ending JupyterLab and its kernels ...")
        with _ignoring_interrupts():
            if process.poll() is None:
                with contextlib.suppress(OSError, http.client.HTTPException):
                    self.request("POST", "/api/shutdown")
            try:
                process.wait(_STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_STOP_WITHIN_S)
            _kill_group(process)


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except (OSError, OverflowError) as error:
            raise DemoError(f"Port {port} is in use; choose another one, or 0 for any.") from error


@contextlib.contextmanager
def _ignoring_interrupts() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # interrupts go to the main thread anyway
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill the rest of the server's process group, the server itself included."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    elif process.poll() is None:
        process.kill()
    process.wait()
