"""Hosts of widgets beside JupyterLab, each a server of its own: Notebook 7, Voilà and marimo.

scripts/setup installs them apart, with this environment's packages below them: in this environment, their server
extensions would be loaded into the JupyterLab of all other tests.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat

from tests.e2e.server import START_TIMEOUT, JupyterServer
from tests.support.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
ENVIRONMENT = ROOT / ".cache" / "hosts"
_PYTHON = str(ENVIRONMENT / "bin" / "python")
_DATA = [ENVIRONMENT / "share" / "jupyter", ROOT / ".venv" / "share" / "jupyter"]


def notebook_server(home: Path) -> JupyterServer:
    """Return a server whose pages are those of Notebook 7."""
    # One folder must hold JupyterLab's schemas and themes, and the schemas of Notebook 7.
    for data in reversed(_DATA):
        for name in ("schemas", "themes"):
            if (data / "lab" / name).is_dir():
                shutil.copytree(data / "lab" / name, home / "lab" / name, dirs_exist_ok=True)
    return JupyterServer(
        home,
        program=(_PYTHON, "-m", "notebook", "--JupyterNotebookApp.expose_app_in_browser=True"),
        variables={"JUPYTERLAB_DIR": str(home / "lab"), "JUPYTER_PATH": _paths(_DATA)},
        page="notebooks",
    )


@contextmanager
def voila_server(code: str, home: Path) -> Iterator[str]:
    """Serve a notebook with one cell as a Voilà dashboard; yield its address."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(code)],
        metadata={"kernelspec": {"name": "python3", "display_name": "python3", "language": "python"}},
    )
    nbformat.write(notebook, home / "dashboard.ipynb")
    with _serving(home, "-m", "voila", "dashboard.ipynb", "--no-browser") as url:
        yield url


@contextmanager
def marimo_server(code: str, home: Path) -> Iterator[str]:
    """Serve an app with one cell by marimo; yield its address."""
    lines = "\n".join(f"    {line}" for line in code.splitlines())
    (home / "app.py").write_text(f"import marimo\n\napp = marimo.App()\n\n\n@app.cell\ndef _():\n{lines}\n    return\n")
    with _serving(home, "-m", "marimo", "run", "app.py", "--headless", "--no-token") as url:
        yield url


@contextmanager
def _serving(home: Path, *arguments: str) -> Iterator[str]:
    port = free_port()
    own = {"JUPYTER_PATH": _paths(_DATA), "JUPYTER_DATA_DIR": str(home / "data"), "XDG_CONFIG_HOME": str(home)}
    with (home / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [_PYTHON, *arguments, "--port", str(port)],
            cwd=home,
            env=os.environ | own,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_up(process, port, home / "server.log")
        yield url
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_up(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    give_up = time.monotonic() + START_TIMEOUT
    while time.monotonic() < give_up and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"the server did not come up; it wrote:\n{log.read_text(errors='replace')[-4000:]}")


def _paths(paths: list[Path]) -> str:
    return os.pathsep.join(map(str, paths))
