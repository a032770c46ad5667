"""The cost of a report in the thread of its caller, in microseconds an event, while the run's own console follows.

    python -m benchmarks.reporting [--events 20000] [--repeats 5]

The bar is about the CPU time of the calling thread: what it takes from the work that is reported. The console's thread
takes its own time, and on a machine of one core the two share it: `wall` has both.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

from benchmarks._common import report
from runconsole import ActiveRun, start_run

BAR = 20.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    for name, work, events in _CASES:
        times = [_timed(work, options.events) for _ in range(options.repeats)]
        per = events * options.events / 1e6
        report(
            f"reporting: {name}",
            value=min(cpu for cpu, _ in times) / per,
            unit="µs an event",
            at_most=BAR,
            against="CPU time of the calling thread",
            wall=min(wall for _, wall in times) / per,
            events=options.events,
            repeats=options.repeats,
        )


def _timed(work: Callable[[ActiveRun, int], None], events: int) -> tuple[float, float]:
    """Return the seconds of CPU and of the clock that a thread spends on its reports."""
    with start_run(show=False) as run:
        cpu, wall = time.thread_time(), time.perf_counter()
        work(run, events)
        return time.thread_time() - cpu, time.perf_counter() - wall


def _tasks(run: ActiveRun, count: int) -> None:
    for _ in range(count):
        with run.task("work", phase="P"):
            pass


def _output(run: ActiveRun, count: int) -> None:
    with run.task("work") as task:
        for _ in range(count):
            task.output("a line of output of a usual length, say fifty chars\n")


def _progress(run: ActiveRun, count: int) -> None:
    with run.task("work") as task:
        for number in range(count):
            task.progress(number / count, step="step", tokens=1)


def _track(run: ActiveRun, count: int) -> None:
    for _ in run.track(range(count), "work"):
        pass


def _emit(run: ActiveRun, count: int) -> None:
    for number in range(count):
        run.emit("custom.event", {"number": number, "text": "some words"})


_CASES: list[tuple[str, Callable[[ActiveRun, int], None], int]] = [
    ("tasks", _tasks, 2),
    ("output", _output, 1),
    ("progress", _progress, 1),
    ("a tracked loop", _track, 1),
    ("events as they are", _emit, 1),
]
"""What is done so many times, and the events of each time."""


if __name__ == "__main__":
    main()
