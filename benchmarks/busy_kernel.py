"""The slowdown of a cell of pure Python while 1,000 events a second arrive, in a real ipykernel.

    python -m benchmarks.busy_kernel [--rate 1000] [--repeats 15] [--seconds 0.5]

The same cell, about `--seconds` long, runs again and again in one kernel that follows one server: the stream is idle,
brings `--rate` events a second, is idle again. The ratio of the two idle ones shows the noise of the machine. It runs
once with a `Console`, once with a `ConsoleWidget` whose comm messages flow to a client that reads them, and twice with
the least that any client in this process costs, in a thread: a bare loop of `websockets`, and the floor, an asyncio
protocol that receives bytes and throws them away. Besides the clock, the process's CPU time is compared: other programs
change the clock's figure, and hardly the CPU time.

Decoding, keeping and folding an event takes 7 µs in a burst, and 14 µs in batches of 25 with 25 ms between them, even
without a socket: caches are cold after each wait. A wake-up with its read takes 0.3 to 0.4 ms for the same reason. So
the CPU time of an event falls with the number of reads a second; a console pauses 60 ms between two of them at this
rate, unless a frame that it sent may be answered or a panel is about to paint. With pauses of 25 ms the I/O thread took
24 to 27 µs an event, of 50 ms 18 to 19 µs, of 100 ms 15 to 16 µs (on a crowded machine of 2 cores). Pauses as long as
the last would hold up a question for a time that a person notices.
"""

from __future__ import annotations

import argparse
import ast
import json
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty
from typing import TYPE_CHECKING, Any

from jupyter_client.manager import start_new_kernel

from benchmarks._common import ROOT, note, report, spread
from benchmarks._server import Server

if TYPE_CHECKING:
    from jupyter_client.blocking.client import BlockingKernelClient

BAR = 1.03
MOST_US = {"Console": 15, "ConsoleWidget, shown": 20}
"""Microseconds of CPU time an event of the stream, in the threads beside the cell."""
BARE, FLOOR = "bare loop", "bare asyncio read loop"
WARM_UP = 0.2

_CELL = """
def cell(rounds):
    import time
    wall, cpu, mine = time.perf_counter(), time.process_time(), time.thread_time()
    total, words = 0, {{}}
    for number in range(rounds):
        total += number * number % 7
        words[number % 1000] = f"word {{number}}"
    return time.perf_counter() - wall, time.process_time() - cpu, time.thread_time() - mine

cell(100_000)
rounds = 1_000_000
rounds = int(rounds * {seconds} / min(cell(rounds)[0] for _ in range(3)))
"""
_START = "from runconsole import {kind}\nw = {kind}({url!r})"
_START_BARE = """
import asyncio, threading, types
import msgspec
from websockets.asyncio.client import connect

class Event(msgspec.Struct):
    type: str
    timestamp: str
    data: dict

w = types.SimpleNamespace(status="connecting", summary={{"events": 0}})

async def loop():
    decode = msgspec.json.Decoder(Event).decode
    async with connect({url!r}, compression=None) as connection:
        async for frame in connection:
            decode(frame)
            w.status = "live"
            w.summary["events"] += 1

threading.Thread(target=lambda: asyncio.run(loop()), daemon=True).start()
"""

_START_FLOOR = """
import asyncio, threading, types
from urllib.parse import urlsplit

w = types.SimpleNamespace(status="connecting", summary={{"events": 0}})

class Counting(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
        transport.write(
            b"GET /paced HTTP/1.1\\r\\nHost: localhost\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\\r\\nSec-WebSocket-Version: 13\\r\\n\\r\\n"
        )

    def data_received(self, data):
        w.status = "live"
        w.summary["events"] += data.count(b'"type":"progress_update"')

async def loop():
    url = urlsplit({url!r})
    await asyncio.get_running_loop().create_connection(Counting, url.hostname, url.port)
    await asyncio.Event().wait()

threading.Thread(target=lambda: asyncio.run(loop()), daemon=True).start()
"""
SHOWN = {
    "Console": _START.replace("{kind}", "Console"),
    "ConsoleWidget, shown": _START.replace("{kind}", "ConsoleWidget"),
    BARE: _START_BARE,
    FLOOR: _START_FLOOR,
}


def main() -> None:
    options = _options()
    for shown, start in SHOWN.items():
        with Server() as server, _kernel() as kernel:
            server.tell("pace", rate=0)
            kernel.run(_CELL.format(seconds=options.seconds))
            kernel.run(start.format(url=server.url("paced")))
            kernel.wait("w.status == 'live'")
            note(f"busy kernel, {shown}: {options.repeats} times a cell of {options.seconds:g} s, idle, busy, idle")
            triples = [_triple(server, kernel, options.rate) for _ in range(options.repeats)]
            _tell(shown, options, kernel, triples)
            _tell_background(shown, triples)


def _triple(server: Server, kernel: Kernel, rate: int) -> dict[str, dict[str, float]]:
    """Run the cell with an idle stream, a busy one, and an idle one again."""
    triple: dict[str, dict[str, float]] = {}
    for name, pace in (("before", 0), ("busy", rate), ("after", 0)):
        server.tell("pace", rate=pace)
        time.sleep(WARM_UP)
        events, messages = kernel.value("w.summary['events']"), kernel.messages
        wall, cpu, mine = kernel.value("cell(rounds)")
        arrived = kernel.value("w.summary['events']") - events
        told = kernel.messages - messages
        triple[name] = {"wall": wall, "cpu": cpu, "mine": mine, "rate": arrived / wall, "messages": told / wall}
    return triple


def _tell(shown: str, options: argparse.Namespace, kernel: Kernel, triples: list[dict[str, dict[str, float]]]) -> None:
    def slower(what: str) -> list[float]:
        return [2 * one["busy"][what] / (one["before"][what] + one["after"][what]) for one in triples]

    by_clock, by_cpu = statistics.median(slower("wall")), statistics.median(slower("cpu"))
    walls = {name: [one[name]["wall"] for one in triples] for name in ("before", "busy", "after")}
    report(
        f"busy kernel: {shown}",
        # The higher of clock and CPU time: other programs may hide a slower cell from the clock, a wait for the GIL
        # from the CPU time.
        value=max(by_clock, by_cpu),
        unit="times as long",
        at_most=BAR if shown in MOST_US else None,
        against="the same cell with an idle stream, before and after each, in the same kernel",
        noise=statistics.median(one["after"]["wall"] / one["before"]["wall"] for one in triples),
        ratio_of_minima=min(walls["busy"]) / min(walls["before"] + walls["after"]),
        ratio_by_clock=by_clock,
        ratio_by_cpu=by_cpu,
        ratio_of_the_cells_own_cpu=statistics.median(slower("mine")),
        ratios=spread(slower("wall")),
        idle_s=spread(walls["before"] + walls["after"]),
        busy_s=spread(walls["busy"]),
        events_per_second=statistics.median(one["busy"]["rate"] for one in triples),
        messages_per_second=statistics.median(one["busy"]["messages"] for one in triples),
        background_cpu_us_an_event=statistics.median(_background(one["busy"]) for one in triples),
        repeats=len(triples),
        asked_per_second=options.rate,
        events=kernel.value("w.summary['events']"),
    )


def _tell_background(shown: str, triples: list[dict[str, dict[str, float]]]) -> None:
    report(
        f"busy kernel: background CPU of a {shown}",
        value=statistics.median(_background(one["busy"]) for one in triples),
        unit="µs an event",
        at_most=MOST_US.get(shown),
        against=None if shown == FLOOR else f"the {FLOOR} of the same run",
    )


def _background(busy: dict[str, float]) -> float:
    """Return the CPU time of the kernel's other threads per received event, in microseconds."""
    return (busy["cpu"] - busy["mine"]) / max(1.0, busy["rate"] * busy["wall"]) * 1e6


class Kernel:
    """A running kernel, and a reader of all its messages, like a front end.

    Attributes:
        messages: the number of comm messages so far.
    """

    def __init__(self, client: BlockingKernelClient) -> None:
        self.messages = 0
        self._client = client
        self._ended = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def close(self) -> None:
        self._ended.set()
        self._reader.join()

    def run(self, code: str) -> None:
        """Run a cell. Raises RuntimeError with the cell's error."""
        self._execute(code, {})

    def value(self, expression: str) -> Any:
        """Return the value of an expression in the kernel."""
        reply = self._execute("", {"value": f"__import__('json').dumps({expression})"})
        return json.loads(ast.literal_eval(reply["user_expressions"]["value"]["data"]["text/plain"]))

    def wait(self, condition: str, seconds: float = 30) -> None:
        """Wait until a condition holds in the kernel. Raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while not self.value(condition):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{condition} never held in the kernel")
            time.sleep(0.05)

    def _execute(self, code: str, expressions: dict[str, str]) -> dict[str, Any]:
        message = self._client.execute(code, user_expressions=expressions, store_history=False)
        while True:
            reply = self._client.get_shell_msg(timeout=120)
            if reply["parent_header"].get("msg_id") == message:
                break
        content: dict[str, Any] = reply["content"]
        for part in (content, *content.get("user_expressions", {}).values()):
            if part["status"] != "ok":
                raise RuntimeError(f"{part.get('ename')}: {part.get('evalue')}")
        return content

    def _read(self) -> None:
        while not self._ended.is_set():
            try:
                message = self._client.get_iopub_msg(timeout=0.2)
            except Empty:
                continue
            self.messages += message["msg_type"] == "comm_msg"


@contextmanager
def _kernel() -> Iterator[Kernel]:
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(ROOT), stderr=subprocess.DEVNULL)
    kernel = Kernel(client)
    try:
        yield kernel
    finally:
        kernel.close()
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=1000, help="events a second")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=0.5, help="how long the cell takes, about")
    return parser.parse_args()


if __name__ == "__main__":
    main()
