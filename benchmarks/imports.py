"""The cost of `import runconsole` over importing `msgspec` and `websockets`, in milliseconds.

    python -m benchmarks.imports [--repeats 20]

Each import happens in a fresh interpreter and is timed inside it; the imports take turns. pandas, pyarrow and the
widget must not be loaded by it. *Without byte code* is the first import after an installation that compiled nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from benchmarks._common import ROOT, report, spread

BAR = 60.0
LATE = ("pandas", "pyarrow", "numpy", "IPython", "ipywidgets", "anywidget", "traitlets", "rich", "socketio")
"""Packages that load when they are first used."""

_TIMED = """
import json, sys, time
wall, cpu = time.perf_counter(), time.process_time()
import {modules}
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
loaded = [name for name in {late} if name in sys.modules]
print(json.dumps({{"wall": wall * 1e3, "cpu": cpu * 1e3, "modules": len(sys.modules), "loaded": loaded}}))
"""
_COMPILED = Path(gettempdir()) / "runconsole-imports"
_CASES = {
    "runconsole": "runconsole",
    "msgspec, websockets": "msgspec, websockets",
    "msgspec, websockets.asyncio.client": "msgspec, websockets.asyncio.client",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=20)
    repeats = parser.parse_args().repeats
    for modules in _CASES.values():  # the first time compiles, and reads from a cold disk
        _time(modules)
    runs = [{case: _time(modules) for case, modules in _CASES.items()} for _ in range(repeats)]
    wall = {case: [run[case]["wall"] for run in runs] for case in _CASES}
    lazy, eager = list(_CASES)[1:]
    report(
        "import runconsole",
        # The least: an import does the same work each time, and other programs only add to it.
        value=min(wall["runconsole"]) - min(wall[lazy]),
        unit="ms more",
        at_most=BAR,
        against=f"import {lazy}, alternating in fresh interpreters",
        difference_of_medians=statistics.median(wall["runconsole"]) - statistics.median(wall[lazy]),
        more_than_the_client=min(wall["runconsole"]) - min(wall[eager]),
        cpu=min(run["runconsole"]["cpu"] for run in runs) - min(run[lazy]["cpu"] for run in runs),
        wall={case: spread(times) for case, times in wall.items()},
        modules={case: runs[0][case]["modules"] for case in _CASES},
        loaded_too_early=runs[0]["runconsole"]["loaded"],
        without_byte_code={
            case: min(_time(modules, compiled=False)["wall"] for _ in range(3)) for case, modules in _CASES.items()
        },
        repeats=repeats,
    )


def _time(modules: str, *, compiled: bool = True) -> dict[str, float]:
    """Return the times of an import. The byte code is kept apart, so that nothing in the environment decides on it."""
    code = _TIMED.format(modules=modules, late=LATE)
    with TemporaryDirectory() as empty:
        place = {"PYTHONPYCACHEPREFIX": str(_COMPILED if compiled else empty), "PYTHONDONTWRITEBYTECODE": ""}
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env=os.environ | place,
            stdout=subprocess.PIPE,
            check=True,
            timeout=60,
        )
    times: dict[str, float] = json.loads(done.stdout)
    return times


if __name__ == "__main__":
    main()
