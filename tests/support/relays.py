"""Relays: in this process, and in processes that can be killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Self

from runconsole import ActiveRun, Console, Reconnect
from runconsole.relay.relay import Relay
from runconsole.relay.stores import FileStore, Store
from tests.servers.json_server import eventually

__all__ = [
    "QUICK",
    "RelayProcess",
    "cut_viewers",
    "has_tasks",
    "kill_between_tasks",
    "relayed",
    "same_events",
    "was_cut",
]

QUICK = Reconnect(first=0.01, longest=0.05)
_CODE = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);from runconsole.cli import main; main()"
)


class RelayProcess:
    """`runconsole relay` in a process of its own: `url` when it serves, `errors` as it goes."""

    def __init__(self, *arguments: str | Path, log: Path) -> None:
        self._log = log.open("a+b")
        command = [sys.executable, "-u", "-c", _CODE, "relay", *map(str, arguments)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._log, text=True
        )
        self.greeting = "" if self.process.stdout is None else self.process.stdout.readline()
        self.url = self.greeting.rsplit(maxsplit=1)[-1] if self.greeting else ""

    @property
    def errors(self) -> str:
        self._log.seek(0)
        return self._log.read().decode()

    def kill(self) -> None:
        """As `kill -9`."""
        self.process.kill()
        self.process.wait(30)

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self._log.close()


@contextmanager
def relayed(url: str, store: Store | Path, **options: Any) -> Iterator[Relay]:
    """Relay in this process, with quick reconnections."""
    store = FileStore(store) if isinstance(store, Path) else store
    store.open()
    console = Console(url, record=store.path, start=False, reconnect=QUICK, **options)
    relay = Relay(console, store, place=("127.0.0.1", 0), token=None)
    relay.start()
    try:
        yield relay
    finally:
        relay.stop()


def has_tasks(console: Console, count: int) -> bool:
    return len(console.tasks) == count


def kill_between_tasks(run: ActiveRun, viewer: Console, *arguments: str | Path, log: Path, times: int) -> None:
    """Start a relay again and again; each one is killed when its viewer has a new task, in which more is reported."""
    for number in range(times):
        with RelayProcess(*arguments, log=log) as relay, run.task(f"t{number}") as task:
            task.output("the same line\n")
            eventually(lambda: viewer.status == "live")
            eventually(partial(has_tasks, viewer, number + 1))
            relay.kill()
            run.output("while it was away\n")


def was_cut(console: Console, times: int) -> bool:
    return bool((console.links["state"] == "retrying").sum() >= times)


def cut_viewers(relay: Relay, console: Console) -> None:
    """Cut every viewer off, once the console is live; return when it has noticed."""
    server = relay._server
    assert server is not None
    end = time.monotonic() + 20
    while not (console.status == "live" and server._views):
        assert time.monotonic() < end
        time.sleep(0.005)
    times = int((console.links["state"] == "retrying").sum())
    for viewer in list(server._views):
        server._io.call(viewer.transport.abort)
    has_noticed = partial(was_cut, console, times + 1)
    while not has_noticed():
        assert time.monotonic() < end
        time.sleep(0.005)


def same_events(one: Console, other: Console, *, with_ids: bool = True) -> bool:
    """Return whether two consoles have the same events of the run, but for the times at which these came.

    Socket.IO greets each client by an event of its own, which no relay passes on.
    """
    unlike = ["received_at"] if with_ids else ["received_at", "event_id"]
    mine, theirs = (
        console.events.loc[console.events["type"] != "connected"].drop(columns=unlike).reset_index(drop=True)
        for console in (one, other)
    )
    return bool(mine.equals(theirs))
