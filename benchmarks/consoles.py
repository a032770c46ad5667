"""Many consoles on the process's one loop at once, against one console that gets as many events as all of them.

    python -m benchmarks.consoles [--consoles 50] [--frames 500000] [--repeats 3]

Each console must be complete; their surplus over the one is the cost of a shared loop.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from typing import Any

from benchmarks._common import child, note, rate, report, rss, spread
from benchmarks._server import Server

BAR = 0.8
"""Of the one console's rate; not a bar of the design, a sign of a cost that grows with the number of consoles."""


def main() -> None:
    options = _options()
    if options.run:
        print(json.dumps(_follow(options.url, options.run, options.frames)))
        return
    share = options.frames // options.consoles
    total = share * options.consoles
    seen: dict[int, list[dict[str, Any]]] = {1: [], options.consoles: []}
    note(f"consoles: {options.repeats} times {options.consoles} consoles with {share:,} frames each, and one with all")
    with Server() as server:
        for _ in range(options.repeats):
            for count, runs in seen.items():
                frames = total // count
                server.tell("prepare", stream="progress", frames=frames, tasks=120)
                runs.append(child("consoles", "--run", count, "--url", server.url("burst"), "--frames", frames))
    one, many = seen[1], seen[options.consoles]
    by_clock, by_cpu = (min(run[used] for run in one) / min(run[used] for run in many) for used in ("wall", "cpu"))
    report(
        f"consoles: {options.consoles} at once",
        value=min(by_clock, by_cpu),
        unit="of one console's rate",
        at_least=BAR,
        against="one console with as many events in all, alternating in the same run",
        consoles=options.consoles,
        frames_each=share,
        many_per_second=rate(total, min(run["wall"] for run in many)),
        one_per_second=rate(total, min(run["wall"] for run in one)),
        ratio_by_clock=by_clock,
        ratio_by_cpu=by_cpu,
        many_s=spread([run["wall"] for run in many]),
        one_s=spread([run["wall"] for run in one]),
        first_to_last_s=min(run["last"] - run["first"] for run in many),
        threads=many[0]["threads"],
        complete=min(run["complete"] for run in many),
        many_mb=min(run["rss"] for run in many) / 1e6,
        one_mb=min(run["rss"] for run in one) / 1e6,
    )


def _follow(url: str, count: int, frames: int) -> dict[str, Any]:
    """Follow the stream with that many consoles at once."""
    from runconsole import Console

    ends: list[float] = []
    before, used = time.perf_counter(), time.process_time()
    consoles = [Console(url) for _ in range(count)]
    for console in consoles:
        assert console.wait(timeout=600), "a run did not end"
        ends.append(time.perf_counter() - before)
    wall, cpu = time.perf_counter() - before, time.process_time() - used
    threads = [thread.name for thread in threading.enumerate()]
    memory = rss()
    for console in consoles:
        console.stop()
    complete = sum(
        console.summary["events"] == frames + 2 and console.run.completed_tasks == 120 for console in consoles
    )
    assert complete == count, f"expected {count} complete consoles, got {complete}"
    return {
        "wall": wall,
        "cpu": cpu,
        "first": min(ends),
        "last": max(ends),
        "rss": memory,
        "complete": complete,
        "threads": len(threads),
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--consoles", type=int, default=50)
    parser.add_argument("--frames", type=int, default=500_000, help="of all consoles together")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--run", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
