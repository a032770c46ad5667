"""One run to 2,000 viewers on loopback, by a relay that records it, against a bare `websockets` broadcast of the same.

    python -m benchmarks.relay [--viewers 2000] [--events 200] [--paced 25] [--repeats 3]

- A burst: the time from the first event of the server to the last one at the last viewer. The relay sends those who are
  behind several events in one frame, which the broadcast does not: the ratio says what that is worth.
- Events four times a second, each a frame of its own on both sides: the time from the server to a viewer. The relay's
  holds a second hop and the recording.

The viewers, in a process of their own, read each frame and do nothing with it. The broadcast has no recording, no
catch-up and no bound of what it buffers. Both in turn, in fresh processes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, broadcast, serve

from benchmarks._common import ROOT, note, percentile, report, spread

BAR = 0.5
MOST_LAG = 2.0
_PACE_S = 0.25
_SENT = '"sent": '
_LAST = '"the last one"'
_AT_ONCE = 100
_RELAY = "from runconsole.cli import main; main()"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--viewers", type=int, default=2000)
    parser.add_argument("--events", type=int, default=200)
    parser.add_argument("--paced", type=int, default=25, help="events of the paced stream")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--serve", action="store_true", help="only serve the events: sent after a line on stdin")
    parser.add_argument("--pace", type=float, default=0.0, help="seconds between two of them")
    options = parser.parse_args()
    if options.serve:
        asyncio.run(_serve(options.events, options.pace))
        return
    _burst(options)
    _paced(options)


def _burst(options: argparse.Namespace) -> None:
    bare, relayed = [], []
    for number in range(options.repeats):
        bare.append(_timed(options.viewers, options.events, 0.0, by_relay=False)[0])
        relayed.append(_timed(options.viewers, options.events, 0.0, by_relay=True)[0])
        note(f"{number + 1}: broadcast {bare[-1]:.2f} s, relay {relayed[-1]:.2f} s")
    deliveries = options.viewers * options.events
    report(
        f"relay: a burst to {options.viewers:,} viewers",
        value=min(bare) / min(relayed),
        unit="of its rate",
        at_least=BAR,
        against="a bare websockets broadcast to as many viewers in the same run",
        events_delivered_a_second=round(deliveries / min(relayed)),
        broadcast_a_second=round(deliveries / min(bare)),
        relay_s=spread(relayed),
        broadcast_s=spread(bare),
        viewers=options.viewers,
        events=options.events,
        repeats=options.repeats,
    )


def _paced(options: argparse.Namespace) -> None:
    bare, relayed = [], []
    for number in range(options.repeats):
        bare.append(percentile(_timed(options.viewers, options.paced, _PACE_S, by_relay=False)[1], 95))
        relayed.append(percentile(_timed(options.viewers, options.paced, _PACE_S, by_relay=True)[1], 95))
        note(f"{number + 1}: p95 of the broadcast {bare[-1]:.3f} s, of the relay {relayed[-1]:.3f} s")
    report(
        f"relay: the way to {options.viewers:,} viewers",
        value=min(relayed) / min(bare),
        unit="of its p95",
        at_most=MOST_LAG,
        against="a bare websockets broadcast to as many viewers in the same run",
        relay_p95_s=spread(relayed),
        broadcast_p95_s=spread(bare),
        events_a_second=1 / _PACE_S,
        viewers=options.viewers,
        events=options.paced,
        repeats=options.repeats,
    )


def _timed(viewers: int, events: int, pace: float, *, by_relay: bool) -> tuple[float, list[float]]:
    """Return the seconds until all viewers had everything, and those of each frame's way."""
    arguments = ("--serve", "--events", str(events), "--pace", str(pace))
    with ExitStack() as stack:
        server = stack.enter_context(_process("-m", "benchmarks.relay", *arguments))
        url = _first_line(server).strip()
        if by_relay:
            directory = stack.enter_context(tempfile.TemporaryDirectory())
            of_relay = ("relay", url, "--store", str(Path(directory, "run.jsonl")), "--protocol", "json")
            relay = stack.enter_context(_process("-c", _RELAY, *of_relay))
            url = _first_line(relay).split()[-1]
        return asyncio.run(_watch(url, viewers, server))


@contextmanager
def _process(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"{process.args!r} has ended with {process.wait()}")
    return line


async def _watch(url: str, viewers: int, server: subprocess.Popen[str]) -> tuple[float, list[float]]:
    """Return the seconds until all viewers have the last event, and those of each frame's way."""
    connections: list[ClientConnection] = []
    while len(connections) < viewers:
        count = min(_AT_ONCE, viewers - len(connections))
        connections += await asyncio.gather(*(connect(url, compression=None, open_timeout=60) for _ in range(count)))
    assert server.stdin is not None
    began = time.perf_counter()
    server.stdin.write("\n")
    server.stdin.flush()
    ways: list[float] = []
    await asyncio.gather(*(_read(connection, ways) for connection in connections))
    seconds = time.perf_counter() - began
    for connection in connections:
        connection.transport.abort()
    return seconds, ways


async def _read(viewer: ClientConnection, ways: list[float]) -> None:
    async for frame in viewer:
        text = str(frame)
        ways.append(time.perf_counter() - float(text.rpartition(_SENT)[2].partition("}")[0]))
        if _LAST in text:
            return
    raise RuntimeError("a viewer was closed before it had everything")


async def _serve(events: int, pace: float) -> None:
    connections: set[ServerConnection] = set()

    async def welcome(connection: ServerConnection) -> None:
        connections.add(connection)
        await connection.wait_closed()

    async with serve(welcome, "127.0.0.1", 0, compression=None) as server:
        host, port = next(iter(server.sockets)).getsockname()
        print(f"ws://{host}:{port}/ws", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        for frame in _frames(events):
            broadcast(connections, frame)
            await asyncio.sleep(pace)
        await asyncio.Event().wait()


def _frames(events: int) -> Iterator[str]:
    for number in range(events):
        text = "a line of output of a usual length, say fifty chars" if number < events - 1 else "the last one"
        yield json.dumps(
            {
                "type": "task.output",
                "id": f"event-{number}",
                "timestamp": "2026-01-01T00:00:00Z",
                "payload": {
                    "taskId": f"task-{number % 8}",
                    "stream": "stdout",
                    "data": text,
                    "sent": time.perf_counter(),
                },
            }
        )


if __name__ == "__main__":
    main()
