"""Many runs in a directory: the time to write one, and to open, read and query all of them.

    python -m benchmarks.history [--runs 1000] [--directory DIR]

Every run is the simulator's execution (120 tasks, about 360 events) under an id of its own. Each reading is compared
with a program without `runconsole.history`: a loop of `pandas.read_parquet` over the same files, or the engine's own
reader on the same directory. `--directory` keeps the runs; it must be new.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import dask.dataframe as dd
import duckdb
import pandas as pd
import polars as pl

import runconsole
from benchmarks._common import note, report
from runconsole import Console
from runconsole.dataset import RunInfo, write
from runconsole.decoding.envelope import read_events
from runconsole.log import EventLog
from runconsole.simulator import Simulator
from runconsole.state import RunState
from runconsole.tables import FRAMES, Tables

T = TypeVar("T")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--directory", type=Path)
    options = parser.parse_args()
    if options.directory is not None:
        measure(options.directory, options.runs)
    else:
        with tempfile.TemporaryDirectory() as directory:
            measure(Path(directory), options.runs)


def measure(directory: Path, count: int) -> None:
    note(f"writing {count} runs to {directory}")
    written(directory / "runs", count)
    opened(directory / "runs", count)
    read(directory / "runs", count)
    queried(directory / "runs", count)


def timed(function: Callable[[], T], repeats: int = 3) -> tuple[float, T]:
    """Return the least seconds of some calls, and the result of the last one."""
    seconds, results = [], []
    for _ in range(repeats):
        begin = time.perf_counter()
        results = [function()]
        seconds.append(time.perf_counter() - begin)
    return min(seconds), results[0]


# ---- writing -------------------------------------------------------------------------------------------------------


def written(directory: Path, count: int) -> None:
    """Write the runs; the yardstick writes the same frames of the last one, one plain file each."""
    frames = simulated()
    seconds = 0.0
    for number in range(count):
        state, tables = folded(frames, f"run-{number:05d}")
        begin = time.perf_counter()
        write(tables, RunInfo(state.run(), address="ws://localhost:8000/ws", protocol="json"), directory)
        seconds += time.perf_counter() - begin
    files = [file for file in directory.rglob("*") if file.is_file()]
    with tempfile.TemporaryDirectory() as plain:
        plain_s, _ = timed(lambda: plainly(tables, Path(plain)))
    report(
        f"history: write {count} runs",
        value=1000 * seconds / count,
        unit="ms a run",
        against="DataFrame.to_parquet of the same frames of one run, unpartitioned",
        plain_ms=1000 * plain_s,
        files_a_run=len(files) / count,
        kilobytes_a_run=sum(file.stat().st_size for file in files) / count / 1000,
    )


def plainly(tables: Tables, directory: Path) -> None:
    for name in ("events", *FRAMES):
        frame = tables.frame(name)
        if len(frame):
            frame.to_parquet(directory / f"{name}.parquet", compression="zstd")


def simulated() -> list[dict[str, Any]]:
    """Return the events of one run of the simulator, as they are sent."""
    with Simulator("execution", speed=0, seed=5) as simulator, Console(simulator.url) as run:
        run.wait(timeout=60)
        events: Any = run.events
    stamps = [stamp.isoformat() for stamp in events["timestamp"]]
    return [
        {"type": kind, "timestamp": stamp, "data": json.loads(payload)}
        for kind, stamp, payload in zip(events["type"], stamps, events["payload"], strict=True)
    ]


def folded(frames: list[dict[str, Any]], execution: str) -> tuple[RunState, Tables]:
    state, log = RunState(), EventLog()
    for number, frame in enumerate(frames):
        named = {"execution_id": execution} if "execution_id" in frame["data"] else {}
        for event in read_events(json.dumps({**frame, "data": frame["data"] | named}), number):
            log.append(event)
            state.apply(event)
    return state, Tables(state, log)


# ---- reading -------------------------------------------------------------------------------------------------------


def opened(directory: Path, count: int) -> None:
    open_s, history = timed(lambda: runconsole.history(directory))
    list_s, known = timed(lambda: history.executions)
    lazy_s, _ = timed(lambda: history.dataset("events"))
    assert len(known) == count
    report(
        f"history: open {count} runs",
        value=1000 * open_s,
        unit="ms",
        executions_ms=1000 * list_s,
        events_dataset_ms=1000 * lazy_s,
    )


def read(directory: Path, count: int) -> None:
    history = runconsole.history(directory)
    for name in ("runs", "tasks"):
        ours, frame = timed(partial(getattr, history, "runs") if name == "runs" else partial(history.frame, name))
        loop, looped = timed(partial(looping, directory / name), 1)
        assert len(frame) == len(looped)
        report(
            f"history: {name} of {count} runs as a DataFrame",
            value=ours / loop,
            unit="ratio",
            against="a loop of pandas.read_parquet and one concat",
            ours_ms=1000 * ours,
            loop_ms=1000 * loop,
            rows=len(frame),
        )
    one = history.executions[count // 2]
    one_s, events = timed(lambda: history.frame("events", one))
    two_s, _ = timed(lambda: history.compare(history.executions[0], one))
    report("history: events of one run", value=1000 * one_s, unit="ms", rows=len(events), compare_ms=1000 * two_s)


def looping(directory: Path) -> pd.DataFrame:
    return pd.concat([pd.read_parquet(file) for file in sorted(directory.rglob("*.parquet"))])


# ---- engines -------------------------------------------------------------------------------------------------------


def queried(directory: Path, count: int) -> None:
    """Query each engine for the mean duration by phase, and for the number of events of each type."""
    history = runconsole.history(directory)
    tasks, events = directory / "tasks", directory / "events"
    parquet = "read_parquet('{}/**/*.parquet', hive_partitioning=true)"
    by_phase = "SELECT phase_name, avg(duration_s) AS mean FROM {} GROUP BY phase_name"
    by_type = "SELECT type, count(*) AS n FROM {} GROUP BY type"
    questions: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
        "DuckDB: tasks": (
            lambda: history.duckdb().sql(by_phase.format("tasks")).df(),
            lambda: duckdb.connect().sql(by_phase.format(parquet.format(tasks))).df(),
        ),
        "DuckDB: events": (
            lambda: history.duckdb().sql(by_type.format("events")).df(),
            lambda: duckdb.connect().sql(by_type.format(parquet.format(events))).df(),
        ),
        "Polars: tasks": (
            lambda: history.to_polars("tasks").group_by("phase_name").agg(pl.mean("duration_s")).collect(),
            lambda: pl.scan_parquet(tasks).group_by("phase_name").agg(pl.mean("duration_s")).collect(),
        ),
        "Polars: events": (
            lambda: history.to_polars("events").group_by("type").len().collect(),
            lambda: pl.scan_parquet(events).group_by("type").len().collect(),
        ),
        "Dask: tasks": (
            lambda: history.to_dask("tasks").groupby("phase_name")["duration_s"].mean().compute(),
            lambda: dd.read_parquet(tasks).groupby("phase_name")["duration_s"].mean().compute(),
        ),
        "Dask: events": (
            lambda: history.to_dask("events").groupby("type")["seq"].count().compute(),
            lambda: dd.read_parquet(events).groupby("type", observed=True)["seq"].count().compute(),
        ),
    }
    for name, (ours, own) in questions.items():
        ours_s, answer = timed(ours, 2)
        own_s, expected = timed(own, 1)
        assert len(answer) == len(expected), (answer, expected)
        report(
            f"history: {name} of {count} runs",
            value=ours_s / own_s,
            unit="ratio",
            against="the engine's own reader on the same directory",
            ours_ms=1000 * ours_s,
            own_ms=1000 * own_s,
        )


if __name__ == "__main__":
    main()
