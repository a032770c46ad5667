"""An hour of events in a minute or so: the memory outside the log must stay where it is, and the rate too.

    python -m benchmarks.soak [--events 1000000]         # 10,000,000 is the full size: some 3 GB of log

Two streams over loopback: ``progress`` tells of 1,000 tasks again and again, ``mixed`` also brings agents' tool calls
and lines of output. The system's own count of the process's memory, less the bytes of the log, is sampled all the way;
its slope is fitted from a third of the stream on, when what is bounded has filled up.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from typing import Any

from benchmarks._common import child, note, rate, report, rss
from benchmarks._server import Server

BAR = 5.0
"""Bytes an event, by which memory outside the log may grow: 1.5 % of a frame's own size, about what an allocator's
own unrest looks like."""
STREAMS = ("progress", "mixed")
TASKS = 1_000
SAMPLES = 60
REST = 3.0
"""Seconds after the end, in which what is sealed beside the stream may be sealed to its end."""


def main() -> None:
    options = _options()
    if options.run:
        print(json.dumps(_follow(options.url, options.events)))
        return
    with Server() as server:
        for stream in options.streams:
            note(f"soak, {stream}: {options.events:,} events")
            server.tell("prepare", stream=stream, frames=options.events, tasks=TASKS, ahead=False)
            arguments = ("--run", "--url", server.url("burst"), "--events", options.events)
            _tell(stream, options.events, child("soak", *arguments, timeout=3600))


def _tell(stream: str, events: int, run: dict[str, Any]) -> None:
    samples = [sample for sample in run["samples"] if sample["events"] > events / 3]
    outside = [sample["rss"] - sample["log"] for sample in samples]
    counts = [sample["events"] for sample in samples]
    slope = statistics.linear_regression(counts, outside).slope
    quarter = len(run["samples"]) // 4
    report(
        f"soak: {stream}",
        value=slope,
        unit="bytes an event outside the log",
        at_most=BAR,
        against="the system's count of the process's memory, less the log's own bytes",
        events=events,
        log_bytes_an_event=run["rested"]["log"] / events,
        rss_bytes_an_event=statistics.linear_regression(counts, [sample["rss"] for sample in samples]).slope,
        outside_mb={
            "a third": outside[0] / 1e6,
            "end": outside[-1] / 1e6,
            "most": max(outside) / 1e6,
            "rested": (run["rested"]["rss"] - run["rested"]["log"]) / 1e6,
        },
        rss_mb=run["samples"][-1]["rss"] / 1e6,
        per_second=rate(events, run["wall"]),
        # The last quarter's rate of the second's: the first one fills the caches.
        rate_kept=_rate(run["samples"][-quarter:]) / _rate(run["samples"][quarter : 2 * quarter]),
        cpu_us=run["cpu"] / events * 1e6,
    )


def _rate(samples: list[dict[str, float]]) -> float:
    return (samples[-1]["events"] - samples[0]["events"]) / (samples[-1]["at"] - samples[0]["at"])


def _follow(url: str, events: int) -> dict[str, Any]:
    """Follow the stream and sample the memory, evenly by events."""
    from runconsole import Console

    samples: list[dict[str, float]] = []
    before, used = time.perf_counter(), time.process_time()
    console = Console(url)
    while console.status in {"connecting", "live", "retrying"}:
        time.sleep(0.02)
        count = len(console.log)
        if count >= (len(samples) + 1) * events / SAMPLES:
            # The log first: what comes between the two counts as outside.
            log = _log_bytes(console.log)
            samples.append({"at": time.perf_counter() - before, "events": count, "log": log, "rss": rss()})
    wall, cpu = time.perf_counter() - before, time.process_time() - used
    got = len(console.log)
    console.stop()
    time.sleep(REST)
    rested = {"log": _log_bytes(console.log), "rss": rss()}
    assert got == events + 2, f"expected {events + 2} events in the log, got {got}"
    return {"wall": wall, "cpu": cpu, "samples": samples, "rested": rested}


def _log_bytes(log: Any) -> int:
    """Return what the log's sealed chunks take in memory: by its own count where it has one, else by Arrow's."""
    held: int | None = getattr(log, "nbytes", getattr(getattr(log, "_storage", None), "held", None))
    if held is not None:
        return held
    import pyarrow as pa

    return int(pa.default_memory_pool().bytes_allocated() + pa.system_memory_pool().bytes_allocated())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--streams", nargs="+", choices=STREAMS, default=STREAMS)
    parser.add_argument("--run", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
