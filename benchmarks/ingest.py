"""The speed from a stream to a complete state and event log, against a bare loop over the same socket.

    python -m benchmarks.ingest [--frames 200000] [--repeats 5] [--profile]

A server in another process sends `progress_update` frames over loopback, without compression, as fast as they are
taken. `Console` and the bare loop take turns, each time in a fresh process. The bare loop is a careful user's program:
``async for frame in connection`` of `websockets`, and `msgspec` decoding into one typed `Struct`.

Two more loops, in the same turns, show where a console's time goes, and how far it could come: one that reads by a
console's transport and throws the frames away, and one that decodes them, too, to the events that a console keeps.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any

import msgspec
from websockets.asyncio.client import connect

from benchmarks._common import child, note, rate, report, rss, spread
from benchmarks._server import Server
from runconsole.errors import LinkLost

CASES = ((120, "120 tasks", 1.0), (None, "every event another task", 0.75))
"""The number of tasks (None is that of the frames), the name, and the bar."""


class Update(msgspec.Struct):
    task_id: str | None = None
    task_name: str | None = None
    phase: int | None = None
    phase_name: str | None = None
    status: str | None = None
    progress: float | None = None
    progress_percent: float | None = None
    completed_tasks: int | None = None
    total_tasks: int | None = None
    current_wave: int | None = None
    duration_ms: float | None = None
    subtask_status: dict[str, str] | None = None


class Event(msgspec.Struct):
    type: str
    timestamp: str
    data: Update


_decode = msgspec.json.Decoder(Event).decode


def main() -> None:
    options = _options()
    if options.run:
        print(json.dumps(RUNS[options.run](options.url, options.frames)))
        return
    with Server() as server:
        for tasks, what, bar in CASES:
            server.tell("prepare", stream="progress", frames=options.frames, tasks=tasks or options.frames)
            if options.profile:
                _profile(server.url("burst"), options.frames)
            else:
                _measure(server.url("burst"), options.frames, options.repeats, what, bar)
            if options.profile:
                break


def _measure(url: str, frames: int, repeats: int, what: str, bar: float) -> None:
    note(f"ingest, {what}: {repeats} times {frames:,} frames, and as often the bare loop")
    seen: dict[str, list[dict[str, Any]]] = {name: [] for name in RUNS}
    for _ in range(repeats):
        for name in RUNS:
            seen[name].append(child("ingest", "--run", name, "--url", url, "--frames", frames))
    wall = {name: [one["wall"] for one in runs] for name, runs in seen.items()}
    cpu = {name: [one["cpu"] for one in runs] for name, runs in seen.items()}
    by_clock, by_cpu = (min(used["bare"]) / min(used["console"]) for used in (wall, cpu))
    report(
        f"ingest: {what}",
        # The fastest of each: other programs only ever slow a run down. And the lower of clock and CPU time: other work
        # on the machine may flatter the CPU time, a wait for nothing the clock.
        value=min(by_clock, by_cpu),
        unit="of the bare loop's rate",
        at_least=bar,
        against="websockets recv + msgspec typed decode, alternating in the same run",
        frames=frames,
        console_per_second=rate(frames, min(wall["console"])),
        bare_per_second=rate(frames, min(wall["bare"])),
        ratio_of_medians=spread(wall["bare"])["median"] / spread(wall["console"])["median"],
        ratio_by_clock=by_clock,
        ratio_by_cpu=by_cpu,
        console_cpu_us=min(cpu["console"]) / frames * 1e6,
        bare_cpu_us=min(cpu["bare"]) / frames * 1e6,
        console_s=spread(wall["console"]),
        bare_s=spread(wall["bare"]),
        console_mb=min(one["rss"] for one in seen["console"]) / 1e6,
    )
    for name, part in (
        ("reading", "a console's reading alone"),
        ("decoding", "a console's reading and decoding alone"),
    ):
        report(
            f"ingest: {what}, {part}",
            value=min(min(used["bare"]) / min(used[name]) for used in (wall, cpu)),
            unit="of the bare loop's rate",
            against="the bare loop of the same run",
            cpu_us=min(cpu[name]) / frames * 1e6,
        )


def _follow(url: str, frames: int) -> dict[str, Any]:
    """Follow the stream with a Console, to the end of the run; check that it is complete."""
    from runconsole import Console

    before, used = time.perf_counter(), time.process_time()
    console = Console(url)
    assert console.wait(timeout=600), "the run did not end"
    wall, cpu = time.perf_counter() - before, time.process_time() - used
    memory = rss()
    console.stop()
    expected = frames + 2
    got = console.summary["events"]
    assert got == expected, f"expected {expected} events in the log, got {got}"
    assert console.run.completed_tasks == console.run.total_tasks == len(console._engine.state.tasks)
    return {"wall": wall, "cpu": cpu, "rss": memory}


def _loop(url: str, frames: int) -> dict[str, Any]:
    """Read and decode the stream, as a careful user would."""

    async def loop() -> int:
        count = 0
        async with connect(url, compression=None, max_size=None) as connection:
            async for frame in connection:
                _decode(frame)
                count += 1
        return count

    return _measured(loop, frames)


def _read(url: str, frames: int, *, decodes: bool = False) -> dict[str, Any]:
    """Read the stream by a console's transport, and decode it as its wire does."""
    from runconsole.clock import now_micros
    from runconsole.decoding.envelope import read_plain
    from runconsole.transports.websocket import WebSocketTransport

    async def loop() -> int:
        count = 0
        with suppress(LinkLost):
            async with WebSocketTransport(url).connect() as connection:
                while True:
                    got = await connection.receive()
                    count += len(got)
                    if decodes:
                        assert len(read_plain(got, now_micros(), ())) == len(got)
        return count

    return _measured(loop, frames)


def _measured(loop: Callable[[], Coroutine[Any, Any, int]], frames: int) -> dict[str, Any]:
    """Return the time and the memory of a loop that counts the frames that it has read."""
    before, used = time.perf_counter(), time.process_time()
    count = asyncio.run(loop())
    wall, cpu = time.perf_counter() - before, time.process_time() - used
    assert count == frames + 2, f"expected {frames + 2} frames, got {count}"
    return {"wall": wall, "cpu": cpu, "rss": rss()}


RUNS: dict[str, Callable[[str, int], dict[str, Any]]] = {
    "console": _follow,
    "bare": _loop,
    "reading": _read,
    "decoding": partial(_read, decodes=True),
}


def _profile(url: str, frames: int) -> None:
    """Print the I/O thread's time by module and by function, as cProfile sees it."""
    import cProfile
    import pstats
    from collections import Counter
    from pathlib import Path

    from runconsole import Console
    from runconsole.engine.iothread import lease

    profile = cProfile.Profile()
    io = lease()
    io.call(profile.enable)
    console = Console(url)
    assert console.wait(timeout=600), "the run did not end"
    io.call(profile.disable)
    console.stop()
    io.release()
    profile.create_stats()
    stats = pstats.Stats(profile)
    own: Counter[str] = Counter()
    for (file, _, _), (_, _, seconds, _, _) in stats.stats.items():  # type: ignore[attr-defined]
        own["/".join(Path(file).parts[-3:])] += seconds
    total = sum(own.values())
    for name, seconds in own.most_common(15):
        print(f"{seconds / total:6.1%} {seconds / frames * 1e6:7.2f} µs  {name}")
    stats.sort_stats("tottime").print_stats(25)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=200_000)
    parser.add_argument("--repeats", type=int, default=5, help="of each, alternating")
    parser.add_argument("--profile", action="store_true", help="show where the time goes instead")
    parser.add_argument("--run", choices=RUNS, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
