"""A JupyterLab server of its own for the end-to-end tests: a free port, its own directories, nothing from outside."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import subprocess
import sys
import time
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from tests.e2e.kernels import install_kernel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

EXTENSION = Path(__file__).parents[2] / "src" / "runconsole" / "static" / "lab"
"""The built extension of JupyterLab."""

START_TIMEOUT = 120.0
"""Seconds until a server must answer; generous, because a cold disk is slow."""

_QUIET: dict[str, dict[str, Any]] = {
    "@jupyterlab/apputils-extension:notification": {"checkForUpdates": False, "fetchNews": "false"},
    "@jupyterlab/apputils-extension:session": {"rejectUnknown": False},
}


class JupyterServer:
    """A running JupyterLab server; a context manager that ends it together with its kernels.

    Args:
        home: a folder for everything that it writes.
        program: another application than JupyterLab.
        variables: of its environment, beside those of the folders.
        page: the path of a notebook's page, before that of the notebook.

    Attributes:
        root: the folder whose notebooks it serves.
        log: the file with everything the server and its kernels wrote.
        url: `http://127.0.0.1:PORT`, without a slash at the end.
        token: the token that a request must carry.
    """

    def __init__(
        self,
        home: Path,
        *,
        program: Sequence[str] = (sys.executable, "-m", "jupyterlab", "--LabApp.expose_app_in_browser=True"),
        variables: Mapping[str, str] = MappingProxyType({}),
        page: str = "doc/tree",
    ) -> None:
        self._program = program
        self._variables = variables
        self._page = page
        self.root = home / "notebooks"
        self.log = home / "jupyter.log"
        self.token = secrets.token_hex(16)
        self.url = ""
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.root.mkdir(parents=True)
        for plugin, values in _QUIET.items():
            self.set_setting(plugin, values)
        command = [
            *(*self._program, "--no-browser", "--allow-root", "--ip=127.0.0.1", "--port=0"),
            f"--ServerApp.root_dir={self.root}",
            f"--IdentityProvider.token={self.token}",
            "--ServerApp.terminals_enabled=False",
            "--LabApp.extension_manager=readonly",
            "--LanguageServerManager.autodetect=False",
        ]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command, cwd=self.root, env=self._environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
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

    def address(self, notebook: str) -> str:
        """The address of a notebook's page, below the server's root."""
        return f"{self.url}/{self._page}/{notebook}?token={self.token}&reset"

    def set_setting(self, plugin: str, values: dict[str, Any]) -> None:
        """Gives a plugin ("@scope/package:plugin") user settings; a page shows them when it loads the next time."""
        package, _, name = plugin.partition(":")
        file = self._home / "settings" / package / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))

    def kernel(self, ipykernel: str) -> str:
        """The name of a kernel with this version of ipykernel in this environment; installed when first asked for."""
        return install_kernel(ipykernel, self._home / "data" / "kernels")

    def request(self, method: str, path: str, body: object = None) -> Any:
        """The JSON answer of the server's REST interface; None for an empty one. Raises OSError on any refusal."""
        host = self.url.removeprefix("http://")
        connection = http.client.HTTPConnection(host, timeout=60)
        try:
            content = None if body is None else json.dumps(body)
            connection.request(method, quote(path), content, {"Authorization": f"token {self.token}"})
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if answer.status >= http.HTTPStatus.BAD_REQUEST:
            raise OSError(f"{method} {path}: {answer.status} {text.decode(errors='replace')[:500]}")
        return json.loads(text) if text else None

    def kernel_id(self, notebook: str) -> str:
        """The id of the kernel that runs a notebook. Raises LookupError if none does."""
        for session in self.request("GET", "/api/sessions"):
            if session["path"] == notebook:
                return str(session["kernel"]["id"])
        raise LookupError(f"no kernel runs {notebook}")

    def end_session(self, notebook: str) -> None:
        """Ends the kernel of a notebook, if one runs."""
        for session in self.request("GET", "/api/sessions"):
            if session["path"] == notebook:
                self.request("DELETE", f"/api/sessions/{session['id']}")

    def _environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "IPYTHON"))}
        folders = {
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
            "IPYTHONDIR": "ipython",
        }
        own = {name: str(self._home / folder) for name, folder in folders.items()}
        paths = [str(self._share()), *filter(None, [self._variables.get("JUPYTER_PATH")])]
        more = {"JUPYTER_PREFER_ENV_PATH": "1", "JUPYTER_PATH": os.pathsep.join(paths)}
        return inherited | own | dict(self._variables) | more

    def _share(self) -> Path:
        """A folder of data with this checkout's extension of JupyterLab, whichever the environment has."""
        share = self._home / "share"
        (share / "labextensions").mkdir(parents=True)
        (share / "labextensions" / "runconsole").symlink_to(EXTENSION)
        return share

    def _wait_until_up(self, process: subprocess.Popen[bytes]) -> None:
        info = self._home / "runtime" / f"jpserver-{process.pid}.json"
        give_up = time.monotonic() + START_TIMEOUT
        while time.monotonic() < give_up:
            if process.poll() is not None:
                break
            try:
                self.url = f"http://127.0.0.1:{json.loads(info.read_text())['port']}"
                self.request("GET", "/api/status")
            except (OSError, ValueError):
                time.sleep(0.1)
            else:
                return
        raise RuntimeError(f"JupyterLab did not come up; it wrote:\n{self.log.read_text(errors='replace')[-4000:]}")

    def _end(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
