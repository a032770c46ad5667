"""Search in 1,000,000 lines of output: the first one of a text, the next match, and what another thread notices of it.

    python -m benchmarks.search [--lines 1000000] [--repeats 3]

The lines are sealed blocks, as in a console; half of them have colors. Each first search is by a fresh `LogSearches`.
Meanwhile a thread like that of the network wakes up every two milliseconds: the longest time that it comes too late
is the stall that a search causes.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks._common import note, report, spread
from runconsole.search import LogQuery, LogSearches, Snapshot, output_parts
from runconsole.state import Scrollback
from runconsole.view.output import OutputLine

WAKE = 0.002
QUERIES = {
    "a text in 1 line of 10,000": LogQuery(text="00777"),
    "a text in every line": LogQuery(text="OUTPUT"),
    "a pattern": LogQuery(text=r"worker [0-3].*0{3}$", regex=True),
    "errors": LogQuery(errors=True),
    "a task": LogQuery(task="task_7"),
}


def main() -> None:
    options = _options()
    note(f"search: {options.lines:,} lines")
    log = _log(options.lines)
    stalls = {"idle": _stall(lambda: time.sleep(1))[1]}
    for name, query in QUERIES.items():
        first, again = [], []
        for _ in range(options.repeats):
            look = partial(_look, LogSearches(), log, query)
            took, stall = _stall(partial(look, 0))
            first.append(took)
            stalls[name] = max(stalls.get(name, 0.0), stall)
            again.append(_stall(partial(look, 1))[0])
        report(
            f"search: {name}",
            value=min(first),
            unit="s for the first search",
            next_match_ms=1e3 * min(again),
            first_s=spread(first),
            lines=options.lines,
        )
    report(
        "search: the longest wait of another thread",
        value=1e3 * max(stall for name, stall in stalls.items() if name != "idle"),
        unit="ms too late",
        against="the same thread in an idle process",
        idle_ms=1e3 * stalls["idle"],
        of_each_ms={name: 1e3 * stall for name, stall in stalls.items()},
    )


def _log(count: int) -> Scrollback[OutputLine]:
    log = Scrollback(OutputLine)
    for n in range(count):
        color = f"\x1b[3{n % 8}m" if n % 2 else ""
        text = f"[{n:07}] {color}worker {n % 5}\x1b[0m wrote a line of output, the {n % 97}th of its kind {n:09}"
        log.append(OutputLine(f"task_{n % 40}", "stderr" if n % 50 == 0 else "stdout", text, n))
    return log


def _look(searches: LogSearches, log: Scrollback[OutputLine], query: LogQuery, step: int) -> None:
    searches.match(_now(log), LogQuery(), query, 0, step)


def _now(log: Scrollback[OutputLine]) -> Snapshot:
    tasks = [f"task_{n}" for n in range(40)]
    return Snapshot("output", output_parts(log), tasks, dict.fromkeys(tasks), lambda: False)


def _stall(work: Callable[[], Any]) -> tuple[float, float]:
    """Return the seconds of some work, and the longest delay of a thread that wakes up meanwhile."""
    over, late = threading.Event(), [0.0]

    def wake() -> None:
        while not over.is_set():
            begin = time.perf_counter()
            time.sleep(WAKE)
            late[0] = max(late[0], time.perf_counter() - begin - WAKE)

    thread = threading.Thread(target=wake)
    thread.start()
    begin = time.perf_counter()
    work()
    took = time.perf_counter() - begin
    over.set()
    thread.join()
    return took, late[0]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    main()
