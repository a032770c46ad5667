"""From a click in the panel to the decision's frame on the server's socket, in a real JupyterLab and Chromium.

    python -m benchmarks.clicks [--clicks 30] [--states idle sleeping spinning pandas] [--ipykernel 7.4.0] [--rate 100]

The server asks; a mouse presses "Approve" in the panel; the server notes the arrival of the decision. The click's time
is the browser's own time stamp of the input event, so the page's own delay counts too. Meanwhile `--rate` events a
second arrive, and the kernel is idle, sleeps, spins in Python or runs pandas.

On its way a press passes through about ten threads and sockets of the kernel. Beside a cell that computes in Python
each waits for the interpreter's lock: 5 ms by Python's own interval, 1 ms while a panel follows a live run. That is the
floor here. The same path without a browser took 27 to 41 ms in the median with the one, 11 to 22 ms with the other.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from benchmarks._common import note, percentile, report
from benchmarks._page import STATES, busy, notebook
from benchmarks._server import Server
from tests.e2e.runs import ask, is_busy

if TYPE_CHECKING:
    from tests.e2e.lab import NotebookPage

BAR = 60.0
PATIENCE = 15.0
"""Seconds until a decision counts as not sent."""

_NOTE_CLICKS = """() => {
  window.clicks = [];
  const note = (event) => window.clicks.push((Date.now() - (performance.now() - event.timeStamp)) / 1000);
  window.addEventListener("click", note, { capture: true });
}"""


def main() -> None:
    options = _options()
    # The cells are interrupted when the last click has been made.
    cells = [STATES[state].format(seconds=options.clicks * PATIENCE) for state in options.states]
    with Server() as server:
        server.tell("pace", rate=0)
        with notebook(server.url("paced"), cells, ipykernel=options.ipykernel) as (_, page):
            options.kernel = str(page.kernel_eval("__import__('ipykernel').__version__"))
            page.tab.evaluate(_NOTE_CLICKS)
            time.sleep(3)  # the handshake that lets clicks past a busy cell is repeated until 1.2 s after the rendering
            server.tell("pace", rate=options.rate)
            for number, state in enumerate(options.states, start=1):
                note(f"clicks, {state}: {options.clicks} on ipykernel {options.kernel}")
                _measure(server, page, state, number, options)


def _measure(server: Server, page: NotebookPage, state: str, number: int, options: argparse.Namespace) -> None:
    busy(page, state, number, 10)
    times = [_click(server, page, number * 1000 + click) for click in range(options.clicks)]
    still = state == "idle" or is_busy(page)
    if state != "idle":
        page.lab.server.request("POST", f"/api/kernels/{page.kernel_id}/interrupt")
    page.wait_idle()
    report(
        f"clicks: kernel {state}",
        value=percentile(times, 95) * 1e3,
        unit="ms, p95",
        at_most=BAR,
        against="the browser's time stamp of the click",
        p50_ms=percentile(times, 50) * 1e3,
        most_ms=max(times) * 1e3,
        clicks=len(times),
        never_sent=sum(one == float("inf") for one in times),
        ipykernel=options.kernel,
        events_per_second=options.rate,
        kernel_was_busy_all_the_time=still,
    )


def _click(server: Server, page: NotebookPage, number: int) -> float:
    """Let the server ask, and answer; return the seconds from the click to the decision, infinite without one."""
    server.tell("ask", number=number)
    card = ask(page.panel, f"Question {number}")
    card.get_by_role("button", name="Approve", exact=True).click()
    clicked: float = page.tab.evaluate("window.clicks.at(-1)")
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        came = dict(server.tell("decisions")["decisions"]).get(f"cp-{number}")
        if came is not None:
            card.wait_for(state="detached")
            return float(came) - clicked
        time.sleep(0.02)
    return float("inf")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clicks", type=int, default=30, help="for each state")
    parser.add_argument("--states", nargs="+", choices=STATES, default=list(STATES))
    parser.add_argument("--ipykernel", help="this version of it, from PyPI; else the environment's own")
    parser.add_argument("--rate", type=int, default=100, help="events a second")
    return parser.parse_args()


if __name__ == "__main__":
    main()
