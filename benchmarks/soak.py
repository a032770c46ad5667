"""An hour of events in some minutes: the memory outside the data must stay constant, and the cost of an event too.

    python -m benchmarks.soak [--events 10000000]        # some 3.5 GB of memory, nearly all of it the log

Two streams over loopback: ``progress`` reports 1,000 tasks again and again, ``mixed`` also brings agents' tool calls
and lines of output. Only the data must grow: the events in the log, and the lines of output, all of which a frame
shows. The system's own count of the process's memory, less the bytes of these two, is sampled all the way; its slope is
fitted from a third of the stream on, when all bounded parts have filled up. A tenth of the events proves little: the
heap finds its size in steps of some megabytes, which then count as a slope.
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
"""Bytes an event by which memory outside the data may grow: 1.5 % of a frame's own size, about the noise of an
allocator."""
STREAMS = ("progress", "mixed")
TASKS = 1_000
SAMPLES = 60
REST = 3.0
"""Seconds after the end in which the remaining chunks are sealed."""


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
    outside = [_outside(sample) for sample in samples]
    counts = [sample["events"] for sample in samples]
    slope = statistics.linear_regression(counts, outside).slope
    quarter = len(run["samples"]) // 4
    report(
        f"soak: {stream}",
        value=slope,
        unit="bytes an event outside the data",
        at_most=BAR,
        against="the system's count of the process's memory, less the bytes of the log and of the lines of output",
        events=events,
        log_bytes_an_event=run["rested"]["log"] / events,
        output_lines=run["lines"],
        output_bytes_a_line=run["rested"]["output"] / run["lines"] if run["lines"] else None,
        rss_bytes_an_event=statistics.linear_regression(counts, [sample["rss"] for sample in samples]).slope,
        outside_mb={f"{sample['events'] / events:.0%}": _outside(sample) / 1e6 for sample in run["samples"][5::6]}
        | {"rested": _outside(run["rested"]) / 1e6},
        rss_mb=run["samples"][-1]["rss"] / 1e6,
        per_second=rate(events, run["wall"]),
        # The last quarter's rate of the second's, by the clock and by CPU time: the first one fills the caches.
        rate_kept={
            by: _rate(run["samples"][-quarter:], by) / _rate(run["samples"][quarter : 2 * quarter], by)
            for by in ("at", "cpu")
        },
        cpu_us=run["cpu"] / events * 1e6,
    )


def _outside(sample: dict[str, float]) -> float:
    return sample["rss"] - sample["log"] - sample["output"]


def _rate(samples: list[dict[str, float]], by: str) -> float:
    return (samples[-1]["events"] - samples[0]["events"]) / (samples[-1][by] - samples[0][by])


def _follow(url: str, events: int) -> dict[str, Any]:
    """Follow the stream and sample the memory, evenly by events."""
    from runconsole import Console

    samples: list[dict[str, float]] = []
    before, used = time.perf_counter(), time.process_time()
    console = Console(url)
    while console.status in {"connecting", "live", "retrying"}:
        time.sleep(0.02)
        count = len(console._engine.log)
        if count >= (len(samples) + 1) * events / SAMPLES:
            spent = {"at": time.perf_counter() - before, "cpu": time.process_time() - used}
            samples.append({"events": count, **spent, **_memory(console)})
    wall, cpu = time.perf_counter() - before, time.process_time() - used
    got = len(console._engine.log)
    console.stop()
    time.sleep(REST)
    rested, lines = _memory(console), len(console._engine.state.output)
    assert got == events + 2, f"expected {events + 2} events in the log, got {got}"
    return {"wall": wall, "cpu": cpu, "samples": samples, "rested": rested, "lines": lines}


def _memory(console: Any) -> dict[str, float]:
    """Return the bytes of the data and of the process. The data first: events in between count as outside."""
    return {"log": _log_bytes(console.log), "output": console.state.output.nbytes, "rss": rss()}


def _log_bytes(log: Any) -> int:
    """Return the bytes of the log's sealed chunks: by its own count if it has one, else by Arrow's."""
    held: int | None = getattr(log, "nbytes", getattr(getattr(log, "_storage", None), "held", None))
    if held is not None:
        return held
    import pyarrow as pa

    return int(pa.default_memory_pool().bytes_allocated() + pa.system_memory_pool().bytes_allocated())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--streams", nargs="+", choices=STREAMS, default=STREAMS)
    parser.add_argument("--run", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
