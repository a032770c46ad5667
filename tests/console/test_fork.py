"""A process forked while a console is live: new consoles work there, inherited ones refer to the parent."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runconsole import Console, NotConnected
from tests.servers.json_server import JsonServer, eventually
from tests.support.folding import execution, task

ASKED = task("task.hitl_required", checkpointId="c", title="Ship?", options=["approve", "reject"])
END = execution("execution_completed", status="success")

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"),
    pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning"),
]


def in_fork(check: Callable[[], Any]) -> None:
    """Call a function in a forked process; assert that it ends there, without an exception."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            signal.alarm(30)
            check()
            code = 0
        except BaseException:  # noqa: BLE001 - what goes wrong is printed, and the process ends at once
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_new_console_works_in_a_fork() -> None:
    def follow(peer: Any) -> None:
        peer.send(task("task.started"), END)

    with JsonServer([task("task.started")]) as first, JsonServer(follow) as second, Console(first.url) as console:
        eventually(lambda: len(console.tasks) == 1)

        def check() -> None:
            with Console(second.url) as own:
                assert own.wait(20)
                assert len(own.events) == 2

        in_fork(check)
        first.peer.send(task("task.started", taskId="u"))
        eventually(lambda: len(console.tasks) == 2)
        assert first.handshakes == 1


def test_an_inherited_console_belongs_to_the_parent(tmp_path: Path) -> None:
    with JsonServer([ASKED]) as server, Console(server.url, record=tmp_path / "run.jsonl") as console:
        eventually(lambda: console.pending)

        def check() -> None:
            for call in (
                console.stop,
                console.start,
                console.wait,
                lambda: console.wait(timeout=60),
                lambda: asyncio.run(console.finished()),
                lambda: console.decide("c", "approve"),
                lambda: asyncio.run(console.decide_async("c", "approve")),
                lambda: console.cancel("t"),
            ):
                with pytest.raises(NotConnected, match="lives in the process that this one was forked from"):
                    call()
            assert console.status == "live"
            assert list(console.checkpoints.index) == ["c"]
            console.save(tmp_path / "copy.jsonl")
            assert list(Console(tmp_path / "copy.jsonl").checkpoints.index) == ["c"]

        in_fork(check)
        server.peer.send(task("task.started", taskId="u"))
        eventually(lambda: "u" in console.tasks.index)
    assert len(Console(tmp_path / "run.jsonl").events) == 2


def test_a_fork_does_not_hold_the_recording(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    asked, answer = os.pipe()
    lives, alive = os.pipe()
    with JsonServer([task("task.started")]) as server:
        console = Console(server.url, record=path)
        eventually(lambda: console.status == "live")
        child = os.fork()
        if child == 0:
            os.close(answer)
            os.write(alive, b".")
            os.read(asked, 1)
            os._exit(0)
        os.read(lives, 1)  # from here on the child has run what a fork runs in it
        with path.open("rb") as file, pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the parent's lock is whole
        console.stop()
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for descriptor in (answer, asked, lives, alive):
            os.close(descriptor)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_fork_can_wait_for_a_run_that_has_ended() -> None:
    with JsonServer([END]) as server, Console(server.url) as console:
        assert console.wait(20)
        in_fork(lambda: console.wait() or pytest.fail("expected the end"))
