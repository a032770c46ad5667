"""The cost of the frames: `events` against `pd.DataFrame(list_of_dicts)`, in time and in the system's count of memory.

    python -m benchmarks.frames [--events 1000000] [--repeats 3]

Each measurement runs in a fresh process. The list of dicts is the alternative of a careful user: every frame as
`msgspec` decodes it; its decoding is not counted, its memory is.

A pause of the appending thread is the lateness of a step of it, as far as this process causes it: without the time in
which the system gave the thread no core, and no longer than the process's other threads computed meanwhile. The clock's
figure is reported beside it, and so is a reader that does nothing but run an empty loop in Python: the interpreter
takes its lock away from a thread every 5 ms, and any computation in Python costs others that much. While a panel
follows a live run that is 1 ms (`reading_with_a_panel`).

A first access finds sealed events, which are columns already; the thousand new ones are objects. To make columns of
them is the floor of `again after 1,000 more`: it is reported beside it, and is about half of that access. The other
half is pandas, which makes a frame of nine columns. A hundredth of the first access is less than either.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pandas as pd
import pyarrow.compute  # noqa: F401 - loaded before anything is measured

from benchmarks._common import child, note, percentile, report, rss, spread, without_core
from benchmarks._streams import progress
from runconsole.decoding.envelope import read_events
from runconsole.events import Received
from runconsole.fairness import quick_turns
from runconsole.log import EventLog
from runconsole.log.chunks import batch_of
from runconsole.log.storage import LogStorage, sealer
from runconsole.state import RunState
from runconsole.tables import Tables

T = TypeVar("T")

MB = 1e6
TASKS = 5_000
MORE = 1_000
"""Events between two accesses."""
AGAINST = "pd.DataFrame(list_of_dicts), the list already decoded"


def main() -> None:
    options = _options()
    if options.run:
        print(json.dumps(RUNS[options.run](options.events)))
        return
    _events(options.events, options.repeats)
    _growth(options.events, options.repeats)
    _entities(options.repeats)
    _pauses(options.events)


def _events(events: int, repeats: int) -> None:
    note(f"`events` of {events:,} events, and a frame of as many dicts, {repeats} times each")
    ours, theirs = (_runs(name, events, repeats) for name in ("console", "dicts"))
    best, bar = min(one["first"] for one in ours), min(one["seconds"] for one in theirs)
    report(
        f"frames: events of {events:,}, time",
        value=best / bar,
        unit="ratio",
        at_most=0.25,
        against=AGAINST,
        seconds=spread([one["first"] for one in ours]),
        against_seconds=spread([one["seconds"] for one in theirs]),
    )
    memory, kept = (statistics.median(one["peak_mb"] for one in runs) for runs in (ours, theirs))
    report(
        f"frames: events of {events:,}, memory",
        value=memory / kept,
        unit="ratio",
        at_most=1 / 3,
        against="the list of dicts and its frame; peaks over the same imports",
        mb=memory,
        against_mb=kept,
        frame_alone_mb=statistics.median(one["frame_mb"] for one in ours),
        against_frame_alone_mb=statistics.median(one["frame_mb"] for one in theirs),
    )
    again = [second / one["first"] for one in ours for second in one["again"]]
    report(
        f"frames: events of {events:,}, again after {MORE:,} more",
        value=statistics.median(again),
        unit="ratio",
        at_most=1 / 100,
        against="the first access",
        seconds=spread([second for one in ours for second in one["again"]]),
        columns_of_the_new_alone_s=spread([second for one in ours for second in one["columns"]]),
    )
    log, payload = ours[0]["log_mb"], ours[0]["payload_mb"]
    report(
        f"log: memory of {events:,} events",
        value=log / payload,
        unit="ratio",
        at_most=1.5,
        against="the payloads' own bytes",
        bytes_per_event=log * MB / events,
        payload_bytes_per_event=payload * MB / events,
        append_us=min(one["append_us"] for one in ours),
    )


def _growth(events: int, repeats: int) -> None:
    sizes = [events // 100, events // 10, events]
    note(f"`events` of {', '.join(f'{size:,}' for size in sizes)}")
    seconds = {size: min(one["first"] for one in _runs("console", size, repeats)) for size in sizes}
    report(
        "frames: growth of the time of events",
        value=seconds[events] / seconds[sizes[1]] / 10,
        unit="ratio",
        at_most=1.25,
        against=f"ten times that of {sizes[1]:,}: linear is 1",
        seconds={f"{size:,}": taken for size, taken in seconds.items()},
    )


def _entities(repeats: int) -> None:
    tasks = 100_000
    note(f"`tasks` of {tasks:,} tasks, and again after one has changed")
    runs = _runs("tasks", tasks, repeats)
    report(
        f"frames: tasks of {tasks:,}, again after one changed",
        value=statistics.median(one["again"] / one["first"] for one in runs),
        unit="ratio",
        at_most=1 / 50,
        against="the first access",
        first=min(one["first"] for one in runs),
        again=min(one["again"] for one in runs),
    )


def _pauses(events: int) -> None:
    note("how long reading keeps the appending thread waiting")
    seen = child("frames", "--run", "pauses", "--events", events // 5)
    report(
        "log: longest pause of the appending thread while others read",
        value=seen["reading"]["longest_ms"],
        unit="ms",
        at_most=5.0,
        against="the same thread while nobody reads, and while another one runs an empty loop",
        **seen,
    )


def _runs(name: str, events: int, repeats: int) -> list[dict[str, Any]]:
    return [child("frames", "--run", name, "--events", events) for _ in range(repeats)]


# ---- what a fresh process measures -----------------------------------------------------------------------------------


def dicts(events: int) -> dict[str, Any]:
    """Keep dicts and make a frame of them."""
    begin = rss()
    rows = [msgspec.json.decode(frame) for frame in progress(events, TASKS)]
    kept = rss()
    seconds, frame = _timed(lambda: pd.DataFrame(rows))
    assert len(frame) == events
    return {"seconds": seconds, "frame_mb": (rss() - kept) / MB, "peak_mb": (_peak() - begin) / MB}


def console(events: int) -> dict[str, Any]:
    """Fill a log, and read `events` once and after each thousand more."""
    begin = rss()
    log, append_s, payload = EventLog(LogStorage()), 0.0, 0
    stream = _received(events + 5 * MORE)
    for _ in range(0, events, MORE):
        some = [next(stream) for _ in range(MORE)]
        payload += sum(len(event.payload) for event in some)
        append_s += _append(log, some)
    _sealed()
    filled = rss()
    tables = Tables(RunState(), log)
    first, frame = _timed(lambda: tables.frame("events"))
    assert len(frame) == events
    numbers: dict[str, Any] = {
        "first": first,
        "log_mb": (filled - begin) / MB,
        "frame_mb": (rss() - filled) / MB,
        "peak_mb": (_peak() - begin) / MB,
        "payload_mb": payload / MB,
        "append_us": append_s / events * 1e6,
        "again": [],
        "columns": [],
    }
    for _ in range(5):
        some = [next(stream) for _ in range(MORE)]
        _append(log, some)
        _sealed()
        numbers["again"].append(_timed(lambda: tables.frame("events"))[0])
        numbers["columns"].append(_timed(partial(batch_of, some))[0])
    return numbers


def tasks(count: int) -> dict[str, Any]:
    """Read `tasks` of a state once, and again after one task has changed."""
    state = RunState()
    for event in _received(count, count):
        state.apply(event)
    tables = Tables(state, EventLog())
    first = _timed(lambda: tables.frame("tasks"))[0]
    task = state.task("task_000007")
    task.step = "another"
    state.put_task(task)
    return {"first": first, "again": _timed(lambda: tables.frame("tasks"))[0]}


def pauses(events: int) -> dict[str, Any]:
    """Append a few events each millisecond: alone, while another thread spins, and while it reads without a pause.

    The last time as while a panel follows a live run, when threads switch more often.
    """
    log = EventLog(LogStorage())
    tables = Tables(RunState(), log)
    stream = _received(2 * events)
    for _ in range(events):
        log.append(next(stream))
    _sealed()
    rest, quarter, over = list(stream), events // 4, threading.Event()

    def spin() -> None:
        while not over.is_set():
            pass

    def read() -> None:
        while not over.is_set():
            tables.frame("events")
            tables.table("progress_update")
            log.to_arrow()

    seen = {"alone": _gaps(log, rest[:quarter])}
    for name, work, some, turns in (
        ("spinning", spin, rest[quarter : 2 * quarter], nullcontext),
        ("reading", read, rest[2 * quarter : 3 * quarter], nullcontext),
        ("reading_with_a_panel", read, rest[3 * quarter :], quick_turns),
    ):
        over.clear()
        other = threading.Thread(target=work)
        with turns():
            other.start()
            seen[name] = _gaps(log, some)
            over.set()
            other.join()
    return seen


def _gaps(log: EventLog, events: list[Received]) -> dict[str, float]:
    """Append ten events each millisecond; return the lengths of the pauses, and the lateness of the latest step."""
    clocks = [
        time.pthread_getcpuclockid(thread.ident)
        for thread in threading.enumerate()
        if thread.ident is not None and thread is not threading.current_thread()
    ]
    late, pauses = [], []
    for begin in range(0, len(events), 10):
        worked, waited = _worked(clocks), without_core()
        due = time.perf_counter() + 0.001
        time.sleep(0.001)
        for event in events[begin : begin + 10]:
            log.append(event)
        late.append(time.perf_counter() - due)
        pauses.append(max(0.0, min(late[-1] - (without_core() - waited), _worked(clocks) - worked)))
    return {
        "longest_ms": max(pauses) * 1e3,
        "p999_ms": percentile(pauses, 99.9) * 1e3,
        "p99_ms": percentile(pauses, 99) * 1e3,
        "latest_by_the_clock_ms": max(late) * 1e3,
    }


def _worked(clocks: list[int]) -> float:
    """Return the seconds for which these threads have computed."""
    return sum(map(time.clock_gettime, clocks))


def _received(events: int, tasks: int = TASKS) -> Iterator[Received]:
    for number, frame in enumerate(progress(events, tasks)):
        yield read_events(frame, number)[0]


def _append(log: EventLog, events: list[Received]) -> float:
    """Append the events; return the seconds that this thread worked."""
    append, begin = log.append, time.thread_time()
    for event in events:
        append(event)
    return time.thread_time() - begin


def _sealed() -> None:
    """Wait until full chunks are sealed."""
    sealer().submit(int).result()


def _timed(function: Callable[[], T]) -> tuple[float, T]:
    gc.collect()
    begin = time.perf_counter()
    made = function()
    return time.perf_counter() - begin, made


def _peak() -> int:
    """Return the most bytes of memory that the system ever counted for this process."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))


RUNS: dict[str, Callable[[int], dict[str, Any]]] = {
    "console": console,
    "dicts": dicts,
    "pauses": pauses,
    "tasks": tasks,
}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=sys.modules[__name__].__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--run", choices=RUNS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
