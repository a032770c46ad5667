"""Runs the benchmarks one after the other and writes `RESULTS.md` from their measurements.

    python -m benchmarks [NAME ...] [--table]

Without names: all of them. Each is a process of its own, and may have options: ``python -m benchmarks.NAME --help``.
The printed lines are kept in `results.jsonl`, each script's in place of its last ones; `RESULTS.md` is made of that
file alone. A missed bar is reported and is no failure of this program; a script that fails is.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from benchmarks._common import ROOT, note
from benchmarks._results import page

HERE = Path(__file__).parent
LINES = HERE / "results.jsonl"
PAGE = HERE / "RESULTS.md"
TIMEOUT = 2400
"""Seconds after which a script hangs, and is ended."""

Line = dict[str, Any]


def main() -> int:
    names = sorted(file.stem for file in HERE.glob("[a-z]*.py"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names)}")
    parser.add_argument("--table", action="store_true", help="only write RESULTS.md anew from results.jsonl")
    options = parser.parse_args()
    strangers = set(options.names) - set(names)
    if strangers:
        parser.error(f"expected names of {', '.join(names)}; got {', '.join(sorted(strangers))}")
    failed = [] if options.table else [name for name in options.names or names if not _run(name)]
    PAGE.write_text(page(_kept()))
    _sum_up(failed)
    return 1 if failed else 0


def _run(name: str) -> bool:
    """Run one script, pass on its lines, keep them; return whether it came to its end."""
    note(f"── {name}")
    command = [sys.executable, "-m", f"benchmarks.{name}"]
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    watchdog = threading.Timer(TIMEOUT, process.kill)
    watchdog.start()
    fresh: list[Line] = []
    assert process.stdout is not None
    for text in process.stdout:
        sys.stdout.write(text)
        sys.stdout.flush()
        line = _read(text)
        if line is not None:
            fresh.append({"script": name, "command": f"python -m benchmarks.{name}", **line})
    code = process.wait()
    watchdog.cancel()
    note(f"   {time.perf_counter() - started:.0f} s")
    if fresh:
        _keep(name, fresh)
    return code == 0


def _read(text: str) -> Line | None:
    try:
        line = json.loads(text)
    except ValueError:
        return None
    return line if isinstance(line, dict) and "benchmark" in line else None


def _kept() -> list[Line]:
    return [json.loads(text) for text in LINES.read_text().splitlines()] if LINES.exists() else []


def _keep(name: str, fresh: list[Line]) -> None:
    """Put a script's new lines in place of its old ones."""
    lines = sorted([line for line in _kept() if line["script"] != name] + fresh, key=lambda line: line["script"])
    LINES.write_text("".join(json.dumps(line) + "\n" for line in lines))


def _sum_up(failed: list[str]) -> None:
    lines = _kept()
    missed = [line["benchmark"] for line in lines if line.get("met") is False]
    note(
        f"{sum(line.get('met') is True for line in lines)} bars met, {len(missed)} missed: see {PAGE.relative_to(ROOT)}"
    )
    for benchmark in missed:
        note(f"   missed: {benchmark}")
    for name in failed:
        note(f"   failed: {name}")


if __name__ == "__main__":
    sys.exit(main())
