"""The installed wheel: its content, and its work without a checkout."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import pytest

import runconsole

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted(ROOT.glob("notebooks/*.ipynb"))
KIB = 1024
DATA = f"runconsole-{runconsole.__version__}.data/"

# Without isolation: what a build needs is in the test environment already. `make test` has built the front end; if not,
# the first of these tests does.
pytestmark = pytest.mark.timeout(300)
PIP = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]


def build_wheel(source: Path, target: Path, **environment: str) -> Path:
    command = [
        *PIP,
        "wheel",
        "--no-build-isolation",
        "--no-deps",
        "--no-index",
        "--wheel-dir",
        str(target),
        str(source),
    ]
    subprocess.run(command, check=True, env=os.environ | environment, timeout=250)
    (wheel,) = target.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the installed wheel and nothing else; its dependencies are the test environment's."""
    target = tmp_path_factory.mktemp("installed")
    subprocess.run(
        [*PIP, "install", "--no-deps", "--no-index", "--target", str(target), str(wheel)], check=True, timeout=100
    )
    return target


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("sdist")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", str(target)]
    subprocess.run(build, check=True, cwd=ROOT, timeout=250)
    (archive,) = target.glob("*.tar.gz")
    return archive


def run_installed(target: Path, code: str) -> str:
    """Return the output of code that imports the installed wheel, far from the checkout."""
    environment = os.environ | {"PYTHONPATH": str(target)}
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=target, env=environment, timeout=100
    ).stdout


def test_the_wheel_has_the_bundle_types_and_notebooks(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    static = {f"runconsole/static/{name}" for name in ("loader.js", "widget.packed", "fleet.packed", "page.js")}
    expected = {*static, "runconsole/py.typed"}
    assert NOTEBOOKS
    assert expected | {f"runconsole/notebooks/{notebook.name}" for notebook in NOTEBOOKS} <= names


def test_the_wheel_carries_nothing_else_of_the_checkout(wheel: Path) -> None:
    info = f"runconsole-{runconsole.__version__}.dist-info/"
    names = [name for name in zipfile.ZipFile(wheel).namelist() if not name.startswith((info, DATA))]
    kinds = {Path(name).suffix for name in names}
    assert kinds <= {".py", ".typed", ".js", ".packed", ".ipynb"}


def test_the_packed_panel_is_small(wheel: Path) -> None:
    packed = zipfile.ZipFile(wheel).read("runconsole/static/widget.packed")
    assert b"export" in zlib.decompress(base64.b64decode(packed), -zlib.MAX_WBITS)
    assert len(packed) <= 140 * KIB


def test_an_installed_wheel_has_a_small_extension_of_jupyterlab(installed: Path) -> None:
    folder = installed / "share" / "jupyter" / "labextensions" / "runconsole"
    about = json.loads((folder / "package.json").read_text())
    assert (about["name"], about["version"]) == ("runconsole", runconsole.__version__)
    assert (folder / about["jupyterlab"]["_build"]["load"]).stat().st_size < 8 * KIB
    found = subprocess.run(
        [sys.executable, "-m", "jupyter", "labextension", "list"],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"JUPYTER_PATH": str(folder.parents[1])},
        timeout=100,
    )
    line = rf"runconsole v{re.escape(runconsole.__version__)} .*enabled.*OK.*\(python, runconsole\)"
    assert re.search(line, found.stderr)


def test_the_installed_wheel_gives_the_widget_its_front_end(installed: Path) -> None:
    code = (
        "import json, runconsole as r; w = r.ConsoleWidget('ws://127.0.0.1:9', start=False, display=False); "
        "print(json.dumps([r.__file__, str(w._esm), w._code.packed]))"
    )
    file, loader, packed = json.loads(run_installed(installed, code))
    assert Path(file).is_relative_to(installed)
    assert loader == (installed / "runconsole/static/loader.js").read_text()
    assert packed == (installed / "runconsole/static/widget.packed").read_text()


def test_the_installed_command_knows_its_verbs(installed: Path) -> None:
    command = [sys.executable, str(installed / "bin" / "runconsole"), "--help"]
    environment = os.environ | {"PYTHONPATH": str(installed)}
    answer = subprocess.run(command, check=True, capture_output=True, text=True, env=environment, timeout=100).stdout
    assert {"demo", "watch", "record", "replay", "serve"} <= set(answer.split())


def test_a_wheel_of_the_sdist_needs_no_node(sdist: Path, wheel: Path, tmp_path: Path) -> None:
    (tmp_path / "unpacked").mkdir()
    subprocess.run(["tar", "xzf", sdist, "-C", tmp_path / "unpacked"], check=True)
    (source,) = (tmp_path / "unpacked").iterdir()
    (tmp_path / "bin").mkdir()
    for name in ("node", "npm"):  # found first, and of no use
        (tmp_path / "bin" / name).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / "bin" / name).chmod(0o755)
    rebuilt = build_wheel(source, tmp_path / "wheel", PATH=f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    assert set(zipfile.ZipFile(rebuilt).namelist()) == set(zipfile.ZipFile(wheel).namelist())
    assert not (source / "js" / "node_modules").exists()


def test_the_version_stands_in_one_place(wheel: Path) -> None:
    assert wheel.name.split("-")[1] == runconsole.__version__
    places = [path for path in (ROOT / "src").rglob("*.py") if f'"{runconsole.__version__}"' in path.read_text()]
    assert [path.name for path in places] == ["version.py"]
