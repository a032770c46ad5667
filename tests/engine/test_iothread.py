"""The one I/O thread: there while somebody needs it, gone afterwards, quiet at the end of the interpreter."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
from typing import Any

import pytest

from runconsole.engine import iothread
from runconsole.engine.iothread import lease
from tests.servers.json_server import JsonServer, eventually


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "runconsole-io"]


def test_one_thread_ends_with_the_last_lease() -> None:
    first, second = lease(), lease()
    assert first is second
    assert len(threads()) == 1
    first.release()
    assert len(threads()) == 1
    second.release()
    assert threads() == []
    assert first.loop.is_closed()
    third = lease()
    assert third is not first
    third.release()
    assert threads() == []


def test_calls_run_on_the_thread_in_their_order() -> None:
    io = lease()
    seen: list[object] = []
    for number in range(3):
        io.call(seen.append, number)
    io.call(lambda: seen.append(io.is_current))
    eventually(lambda: len(seen) == 4)
    assert seen == [0, 1, 2, True]
    assert not io.is_current
    io.release()


def test_what_still_runs_is_cancelled_and_awaited_at_the_end() -> None:
    io = lease()
    ended = threading.Event()
    started = threading.Event()
    tasks: list[asyncio.Task[None]] = []

    async def work() -> None:
        try:
            started.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.set()

    io.call(lambda: tasks.append(asyncio.get_running_loop().create_task(work())))
    assert started.wait(10)
    io.release()
    assert ended.is_set()
    assert tasks[0].cancelled()


def test_the_thread_may_give_its_own_last_lease_back() -> None:
    io = lease()
    io.call(io.release)
    eventually(lambda: threads() == [])
    assert iothread._current is None


def test_many_threads_may_lease_and_release_at_once() -> None:
    def come_and_go() -> None:
        for _ in range(30):
            lease().release()

    workers = [threading.Thread(target=come_and_go) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    eventually(lambda: threads() == [])


UNTIL = "import time\nwhile c.status != {status!r}: time.sleep(0.01)\n"
NOT_SLOW = "import logging; logging.getLogger('asyncio').addFilter(lambda record: 'took' not in record.msg)"
"""On a busy machine asyncio's debug mode says that a step took long: that is no fault here."""
LIVE = "c = Console(URL)\n" + UNTIL.format(status="live")


@pytest.mark.parametrize(
    "code",
    [
        "c = Console(URL)",
        "Console(URL)",
        LIVE,
        LIVE + "c.stop()",
        LIVE + "c.events; c.tasks",
        LIVE + "import threading; threading.Thread(target=c.wait, daemon=True).start()",
        LIVE + "import sys; sys.exit(0)",
        "with Console(URL) as c: pass",
        "c = Console('ws://127.0.0.1:9/ws')\n" + UNTIL.format(status="retrying"),
        "c = Console('ftp://h')\n" + UNTIL.format(status="failed"),
    ],
)
def test_the_interpreter_ends_quietly_whatever_still_runs(code: str) -> None:
    with JsonServer(["{}"]) as server:
        program = f"{NOT_SLOW}\nfrom runconsole import Console\nURL = {server.url!r}\n{code}"
        command = [sys.executable, "-X", "dev", "-W", "error", "-c", program]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


# ---- host names ------------------------------------------------------------------------------------------------------

SILENT = """
import socket, sys, threading
never, asked = threading.Event(), threading.Event()
def silent(*_, **__):
    asked.set()
    never.wait(%(patience)s)
    return []
socket.getaddrinfo = silent
from runconsole import Console
console = Console("ws://example.com/ws")
assert asked.wait(20)
"""


@pytest.mark.parametrize("end", ["console.stop(); print(console.status)", "print(console.status)"])
def test_a_silent_resolver_holds_up_nothing(end: str) -> None:
    code = SILENT % {"patience": 600} + end
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.strip() == ("stopped" if "stop()" in end else "connecting")
    assert ended.stderr == ""


def test_a_name_without_an_address_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    io = lease()
    try:
        found = asyncio.run_coroutine_threadsafe(io.loop.getaddrinfo("localhost", 80), io.loop).result(20)
        assert {address[4][1] for address in found} == {80}
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: _no_address())
        with pytest.raises(socket.gaierror):
            asyncio.run_coroutine_threadsafe(io.loop.getaddrinfo("nobody", 80), io.loop).result(20)
    finally:
        io.release()


def test_lookups_of_one_name_share_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    go, asked = threading.Event(), []

    def slow(*_: object, **__: object) -> Any:
        asked.append(1)
        go.wait(20)
        return "addresses"

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    io = lease()
    try:
        waiting = [asyncio.run_coroutine_threadsafe(io.loop.getaddrinfo("x", 1), io.loop) for _ in range(3)]
        eventually(lambda: asked)
        waiting[0].cancel()
        go.set()
        answers: list[Any] = [future.result(20) for future in waiting[1:]]
        assert answers == ["addresses"] * 2
        assert asked == [1]
    finally:
        io.release()


def _no_address() -> None:
    raise socket.gaierror(socket.EAI_NONAME, "no such host")
