"""The transport on the newest supported websockets; all other tests run on the one of the environment."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
NEWEST = ROOT / ".cache" / "websockets-17"
"""Installed by scripts/setup."""


def test_the_transport_works_on_the_newest_websockets() -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(NEWEST), str(ROOT)])}
    ask = subprocess.run(
        [sys.executable, "-c", "import websockets; print(websockets.__version__)"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ask.stdout.startswith("17."), f"expected websockets 17 in {NEWEST}: run `make setup`"
    modules = [f"tests/transports/test_{name}.py" for name in ("inbox", "internals", "websocket")]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *modules]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
