"""Kernels beside the notebook: other versions of ipykernel, and code run in a kernel out of band."""

from __future__ import annotations

import ast
import fcntl
import json
import shutil
import subprocess
import sys
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from websockets.sync.client import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from websockets.sync.connection import Connection

    from tests.e2e.server import JupyterServer

CACHE = Path(__file__).parents[2] / ".cache" / "ipykernel"
MENDED = Path(__file__).with_name("mended_kernel.py")


def install_kernel(version: str, kernels: Path) -> str:
    """Adds a kernel spec for this ipykernel version to a `kernels` folder and returns its name.

    The version and what only it needs go into a cached folder, which the kernel looks into before this environment's
    packages; everything else is this environment's. Raises CalledProcessError where pip cannot get the version.
    """
    name = f"ipykernel-{version}"
    packages = CACHE / name
    with _locked(CACHE / f"{name}.lock"):
        if not packages.is_dir():
            _install(version, packages)
    spec = {
        "argv": [sys.executable, *_launcher(version), "-f", "{connection_file}"],
        "display_name": f"Python (ipykernel {version})",
        "language": "python",
        "env": {"PYTHONPATH": str(packages)},
        "interrupt_mode": "signal",
        "metadata": {"debugger": True},
    }
    (kernels / name).mkdir(parents=True, exist_ok=True)
    (kernels / name / "kernel.json").write_text(json.dumps(spec))
    return name


def _launcher(version: str) -> list[str]:
    major, minor = (int(part) for part in version.split(".")[:2])
    return [str(MENDED)] if (7, 0) <= (major, minor) < (7, 4) else ["-m", "ipykernel_launcher"]


def _install(version: str, packages: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    plan = subprocess.run(
        [*pip, "--dry-run", "--report", "-", f"ipykernel=={version}"], check=True, stdout=subprocess.PIPE, timeout=300
    )
    missing = {
        f"{item['metadata']['name']}=={item['metadata']['version']}" for item in json.loads(plan.stdout)["install"]
    }
    # Also where the environment has this very version now: it may have another one tomorrow.
    missing.add(f"ipykernel=={version}")
    half_done = packages.with_suffix(".part")
    shutil.rmtree(half_done, ignore_errors=True)
    subprocess.run([*pip, "--no-deps", "--target", str(half_done), *missing], check=True, timeout=300)
    half_done.rename(packages)


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Holds a lock that other test processes of this checkout respect."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


class KernelError(AssertionError):
    """Code run in a kernel raised; the message is its traceback."""


@contextmanager
def kernel_client(server: JupyterServer, kernel_id: str, *, subshell: bool = False) -> Iterator[KernelClient]:
    """A second client of a running kernel, beside the browser's.

    With `subshell=True` (ipykernel 7) its code runs although a cell blocks the main shell.
    """
    session = uuid.uuid4().hex
    address = f"{server.url.replace('http', 'ws', 1)}/api/kernels/{kernel_id}/channels"
    with connect(f"{address}?session_id={session}&token={server.token}", max_size=None, compression=None) as socket:
        client = KernelClient(socket, session)
        if not subshell:
            yield client
            return
        client.open_subshell()
        try:
            yield client
        finally:
            client.close_subshell()


class KernelClient:
    """Runs code over an open connection to a kernel; see `kernel_client`."""

    def __init__(self, socket: Connection, session: str) -> None:
        self._socket = socket
        self._session = session
        self._subshell: str | None = None

    def open_subshell(self) -> None:
        self._subshell = self._request("control", "create_subshell_request", {}, timeout=30)["subshell_id"]

    def close_subshell(self) -> None:
        self._request("control", "delete_subshell_request", {"subshell_id": self._subshell}, timeout=30)
        self._subshell = None

    def evaluate(self, expression: str, *, timeout: float = 60) -> Any:
        """The value of an expression in the kernel's namespace, by way of JSON. Raises KernelError."""
        return self._execute("", {"value": f"__import__('json').dumps({expression})"}, timeout)

    def execute(self, code: str, *, timeout: float = 60) -> None:
        """Runs code in the kernel's namespace. Raises KernelError."""
        self._execute(code, {}, timeout)

    def _execute(self, code: str, expressions: dict[str, str], timeout: float) -> Any:
        content = {
            "code": code,
            "silent": False,
            "store_history": False,
            "user_expressions": expressions,
            "allow_stdin": False,
            "stop_on_error": False,
        }
        reply = self._request("shell", "execute_request", content, timeout)
        results = [reply, *reply.get("user_expressions", {}).values()]
        for result in results:
            if result["status"] != "ok":
                raise KernelError("\n".join(result.get("traceback") or [result.get("evalue", str(result))]))
        return json.loads(ast.literal_eval(results[1]["data"]["text/plain"])) if expressions else None

    def _request(self, channel: str, kind: str, content: dict[str, Any], timeout: float) -> dict[str, Any]:
        """Sends a request and returns the content of its reply. Raises TimeoutError."""
        header = {
            "msg_id": uuid.uuid4().hex,
            "msg_type": kind,
            "session": self._session,
            "username": "test",
            "version": "5.5",
            **({"subshell_id": self._subshell} if channel == "shell" and self._subshell else {}),
        }
        message = {"channel": channel, "header": header, "parent_header": {}, "metadata": {}, "content": content}
        self._socket.send(json.dumps(message))
        while True:
            answer = json.loads(self._socket.recv(timeout))
            if answer["channel"] == channel and answer["parent_header"].get("msg_id") == header["msg_id"]:
                reply: dict[str, Any] = answer["content"]
                return reply
