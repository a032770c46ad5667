"""From an event on the server's socket to its paint on the screen, in a real JupyterLab and Chromium.

    python -m benchmarks.painted [--rate 1000] [--seconds 15] [--states idle sleeping spinning] [--running 8]

A server sends `--rate` numbered events a second and notes the time at which each was handed to the socket. The page
notes the time of each painted number. An event counts as painted with the first frame that shows it or one after it: so
every event has its time, not only the shown ones. Both clocks are this machine's. Beside the panel the simplest widget
paints messages from a thread of the same kernel: the time of Jupyter, the browser and this machine by themselves.
"""

from __future__ import annotations

import argparse
import bisect
import itertools
import time
from typing import TYPE_CHECKING, Any

from benchmarks._common import note, percentile, report
from benchmarks._page import ECHO, STATES, busy, notebook, watch
from benchmarks._server import Server
from tests.e2e.runs import is_busy

if TYPE_CHECKING:
    from tests.e2e.lab import NotebookPage

BAR = {"idle": 100.0}
BUSY_BAR = 130.0
FIT = 60.0
"""Milliseconds (p95) of the bare widget's paints above which the machine is too busy for a browser."""
WARM_UP = 5.0
"""Seconds of events before the first that count: JupyterLab has other work after a notebook has opened."""
SETTLE = 1.0
"""Seconds at both ends of a state that do not count: they belong to the change."""


def main() -> None:
    options = _options()
    length = options.seconds + 6
    cells = [ECHO, *(STATES[state].format(seconds=length) for state in options.states)]
    with Server() as server:
        server.tell("pace", rate=0)
        with notebook(server.url("paced"), cells) as (_, page):
            page.run_cell(1)
            page.panel.scroll_into_view_if_needed()
            watch(page, r"event (\d+)")
            server.tell("pace", rate=options.rate, workers=options.running, per_task=options.per_task)
            time.sleep(WARM_UP)
            for number, state in enumerate(options.states, start=2):
                note(f"painted, {state}: {options.seconds:g} s of {options.rate:,} events/s")
                _measure(server, page, state, number, options)


def _measure(server: Server, page: NotebookPage, state: str, number: int, options: argparse.Namespace) -> None:
    """Report one state: the first one on an idle machine, else the best of three by the bare widget's paints."""
    tries: list[dict[str, Any]] = []
    while len(tries) < 3 and all(one["bare_widget_p95_ms"] > FIT for one in tries):
        busy(page, state, number, options.seconds)
        tries.append(_sample(server, page, options))
        if state != "idle":
            tries[-1]["kernel_was_busy_all_the_time"] = is_busy(page)
        page.wait_idle()
    best = min(tries, key=lambda one: one["bare_widget_p95_ms"])
    report(
        f"painted: kernel {state}",
        **best,
        unit="ms, p95",
        at_most=BAR.get(state, BUSY_BAR),
        against="the moment the server handed the event to its socket",
        tasks_running=options.running,
        tries=len(tries),
        p95_ms_of_each=[one["value"] for one in tries],
    )


def _sample(server: Server, page: NotebookPage, options: argparse.Namespace) -> dict[str, Any]:
    """Return the latencies while events arrive for that many seconds."""
    server.tell("pace", rate=options.rate, workers=options.running, per_task=options.per_task)
    server.tell("times")
    page.tab.evaluate("window.painted.length = window.echoes.length = 0")
    # Not Playwright's own wait: it would disturb the measurement.
    time.sleep(options.seconds + 2 * SETTLE)
    sent: list[tuple[int, float]] = server.tell("times")["times"]
    server.tell("pace", rate=0)
    painted: list[tuple[int, float]] = page.tab.evaluate("window.painted")
    echoes: list[float] = page.tab.evaluate("window.echoes")
    begin, end = sent[0][1] + SETTLE, sent[-1][1] - SETTLE
    times = latencies([(event, at) for event, at in sent if begin <= at <= end], painted)
    frames = [at for _, at in painted if begin <= at <= end]
    gaps = [later - earlier for earlier, later in itertools.pairwise(frames)]
    return {
        "value": percentile(times, 95) * 1e3,
        "p50_ms": percentile(times, 50) * 1e3,
        "p99_ms": percentile(times, 99) * 1e3,
        "most_ms": max(times) * 1e3,
        "events": len(times),
        "events_per_second": len(times) / (end - begin),
        "bare_widget_p50_ms": percentile(echoes, 50) * 1e3,
        "bare_widget_p95_ms": percentile(echoes, 95) * 1e3,
        "bare_widget_most_ms": max(echoes) * 1e3,
        "paints_per_second": len(frames) / (end - begin),
        "longest_without_paint_ms": max(gaps, default=float("inf")) * 1e3,
    }


def latencies(sent: list[tuple[int, float]], painted: list[tuple[int, float]]) -> list[float]:
    """Return the seconds from each event to the first paint that shows it or a later one; infinite without one."""
    numbers = [number for number, _ in painted]
    latencies = []
    for number, at in sent:
        place = bisect.bisect_left(numbers, number)
        latencies.append(painted[place][1] - at if place < len(painted) else float("inf"))
    return latencies


def _options() -> Any:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=1000, help="events a second")
    parser.add_argument("--seconds", type=float, default=15.0, help="for each state")
    parser.add_argument("--states", nargs="+", choices=STATES, default=["idle", "sleeping", "spinning"])
    parser.add_argument("--running", type=int, default=8, help="tasks that run at a time")
    parser.add_argument("--per-task", type=int, default=50, help="events of each task")
    return parser.parse_args()


if __name__ == "__main__":
    main()
