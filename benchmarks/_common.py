"""Helpers of the benchmarks: the form of a measurement, the description of the machine, and the control of noise."""

from __future__ import annotations

import json
import math
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

__all__ = [
    "ROOT",
    "child",
    "machine",
    "note",
    "percentile",
    "rate",
    "report",
    "rounded",
    "rss",
    "spread",
    "versions",
    "without_core",
]

ROOT = Path(__file__).parents[1]

CROWDED = 1.5
"""Load per core above which other programs are at work too: no benchmark here keeps more processes busy by itself."""
_PACKAGES = ("runconsole", "websockets", "msgspec", "pandas", "pyarrow", "ipykernel", "jupyterlab", "anywidget")


def report(
    name: str,
    *,
    value: float | None = None,
    unit: str | None = None,
    at_least: float | None = None,
    at_most: float | None = None,
    against: str | None = None,
    **numbers: Any,
) -> bool:
    """Print one measurement as a line of JSON; return whether its bar is met (True without one).

    Args:
        name: the name of the measurement, beginning with the script's: ``"ingest: 120 tasks"``.
        value: the measured number.
        unit: the unit of the value: ``"ms"``, ``"ratio"``.
        at_least: the bar, where more is better.
        at_most: the bar, where less is better.
        against: the yardstick of the same run, in words.
        numbers: further observed numbers.
    """
    met = None
    if value is not None and (at_least is not None or at_most is not None):
        met = (at_least is None or value >= at_least) and (at_most is None or value <= at_most)
    bar = {name: number for name, number in (("at_least", at_least), ("at_most", at_most)) if number is not None}
    line = {
        "benchmark": name,
        "value": value,
        "unit": unit,
        "bar": bar or None,
        "met": met,
        "against": against,
        **numbers,
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "load": round(os.getloadavg()[0], 2),
        "crowded": os.getloadavg()[0] > CROWDED * machine()["cores"] or None,
        "machine": machine(),
        "versions": versions(),
    }
    print(json.dumps(rounded({key: value for key, value in line.items() if value is not None})), flush=True)
    return met is not False


def note(text: str) -> None:
    """Print progress for a waiting person, on stderr."""
    print(f"   {text}", file=sys.stderr, flush=True)


@cache
def machine() -> dict[str, Any]:
    """Return a description of the machine."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": f"{platform.system()} {platform.machine()}",
    }


@cache
def versions() -> dict[str, str]:
    """Return the relevant versions; of this project also the commit, with a + if files differ from it."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    commit = _git("rev-parse", "--short", "HEAD")
    if commit:
        found["commit"] = commit + ("+" if _git("status", "--porcelain", "--", "src", "js") else "")
    return found


def child(module: str, *arguments: object, timeout: float = 600) -> dict[str, Any]:
    """Run ``python -m benchmarks.<module>`` with these arguments in a fresh process; return the last line's JSON.

    Every repetition starts from the same heap: the remains of one cannot slow down the next.
    """
    command = [sys.executable, "-m", f"benchmarks.{module}", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True, timeout=timeout)
    numbers: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return numbers


def percentile(values: Iterable[float], percent: float) -> float:
    """Return the smallest value that `percent` of the values do not exceed. Raises ValueError for no values."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("expected at least one value: nothing was measured")
    return ordered[max(0, -(-len(ordered) * percent // 100).__int__() - 1)]


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return the least, the median and the greatest of the values."""
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}


def rate(count: int, seconds: float) -> int:
    """Return how many a second, whole."""
    return round(count / seconds)


def rss() -> int:
    """Return the bytes of memory that the system counts for this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def without_core() -> float:
    """Return the seconds for which this thread could have run and the system let others run, as far as it is known."""
    try:
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
    except OSError:
        return 0.0


def rounded(value: Any) -> Any:
    """Return the value with its floats cut to four significant digits; an infinite one becomes None, as in JSON."""
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return float(f"{value:.4g}") if abs(value) < 10_000 else round(value)
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(inner) for inner in value]
    return value


def _cpu() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", *arguments], cwd=ROOT, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()
