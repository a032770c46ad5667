"""A panel attached to a console that has a long run behind it: how long the I/O thread is held, and the first paint.

    python -m benchmarks.attaching [--lines 1000000] [--repeats 3]

A `Console` follows a stream of output to its end; then a `ConsoleWidget` is made of it, in a fresh process each time. A
task on the I/O thread's loop measures how late its turns come while the panel takes in the lines: a connection, a press
and every other console of the process waits as long. The time in which the system gave the thread no core is not
counted, nor the loading of the widget's modules: another panel is made before. *All* is the time until the panel has
all lines. Python's collector of garbage runs on any thread and looks through the whole process: its longest run is
reported beside the pauses.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import time
from collections.abc import Callable
from typing import Any

from benchmarks._common import child, note, report, spread, without_core
from benchmarks._server import Server

FIRST_MS, PAUSE_MS = 100, 10
_TURN = 0.001


def main() -> None:
    options = _options()
    if options.run:
        print(json.dumps(_attach(options.run, options.lines)))
        return
    note(f"a panel attached to {options.lines:,} lines, {options.repeats} times")
    with Server() as server:
        server.tell("prepare", stream="output", frames=options.lines, tasks=100, ahead=False)
        url = server.url("burst")
        seen = [child("attaching", "--run", url, "--lines", options.lines) for _ in range(options.repeats)]
    numbers: dict[str, Any] = {
        name: spread([one[name] for one in seen])
        for name in ("first_ms", "pause_ms", "all_ms", "alone_ms", "collector_ms")
    }
    for name, bar, what in (("first_ms", FIRST_MS, "first paint"), ("pause_ms", PAUSE_MS, "longest pause")):
        report(
            f"attaching: {what} at {options.lines:,} lines",
            # The least: other programs only ever add to a pause.
            value=numbers[name]["min"],
            unit="ms",
            at_most=bar,
            against="a loop that does nothing, in the same process before (alone_ms)",
            **numbers,
        )


def _attach(url: str, lines: int) -> dict[str, Any]:
    from runconsole import Console, ConsoleWidget
    from runconsole.engine.iothread import lease

    console = Console(url)
    console.wait(timeout=600)
    got = console.summary["events"]
    assert got == lines + 2, f"expected {lines + 2} events, got {got}"
    io = lease()
    painted: list[float] = []
    totals: list[int] = []

    class Panel(ConsoleWidget):
        def send(self, content: Any, *_: Any, **__: Any) -> None:
            changes = content.get("changes") or content.get("picture") or {}
            if "output" in changes:
                totals.append(changes["output"].get("total", totals[-1] if totals else 0))
            if changes:
                painted.append(time.perf_counter())

    Panel(Console("ws://localhost:1/another"), start=False).close()
    collected = _collections()
    late = asyncio.run_coroutine_threadsafe(_lateness(0.5, lambda: False, collected), io.loop).result()
    measuring = asyncio.run_coroutine_threadsafe(
        _lateness(60, lambda: bool(totals) and totals[-1] >= lines, collected), io.loop
    )
    begin = time.perf_counter()
    panel = Panel(console)
    pauses = measuring.result()
    end = time.perf_counter()
    panel.close()
    console.stop()
    io.release()
    assert totals[-1] == lines, f"expected {lines} lines in the panel, got {totals[-1]}"
    return {
        "first_ms": (painted[0] - begin) * 1e3,
        "pause_ms": max(pauses) * 1e3,
        "all_ms": (end - begin) * 1e3,
        "alone_ms": max(late) * 1e3,
        "collector_ms": max(collected, default=0.0) * 1e3,
    }


async def _lateness(seconds: float, is_over: Callable[[], bool], collected: list[float]) -> list[float]:
    """Return how late each turn of this loop came, in seconds, without the time of `collected` garbage."""
    late, end = [0.0], time.perf_counter() + seconds
    while time.perf_counter() < end and not is_over():
        due, waited, known = time.perf_counter() + _TURN, without_core(), len(collected)
        await asyncio.sleep(_TURN)
        late.append(max(0.0, time.perf_counter() - due - (without_core() - waited) - sum(collected[known:])))
    return late


def _collections() -> list[float]:
    """Return a list to which the seconds of each collection of garbage are added from here on."""
    seconds: list[float] = []
    begun = 0.0

    def note_phase(phase: str, _: object) -> None:
        nonlocal begun
        if phase == "start":
            begun = time.perf_counter()
        else:
            seconds.append(time.perf_counter() - begun)

    gc.callbacks.append(note_phase)
    return seconds


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--run", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
