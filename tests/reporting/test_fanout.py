"""New events to many viewers at once: each gets all of them in order, whatever others do with theirs."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from websockets.sync.client import connect

from runconsole import ActiveRun, Console, start_run
from runconsole.reporting.fanout import Fanout, Follower
from runconsole.reporting.journal import Journal
from tests.servers.json_server import eventually

if TYPE_CHECKING:
    import pytest
    from websockets.sync.connection import Connection

LONG = "x" * 200_000


def events_of(viewer: Connection, last: str) -> list[dict[str, Any]]:
    """Read until an event of a type has come; return all of them."""
    found: list[dict[str, Any]] = []
    while not found or found[-1]["type"] != last:
        frame = json.loads(viewer.recv(20))
        found += frame if isinstance(frame, list) else [frame]
    return found


def follows(run: ActiveRun, count: int) -> bool:
    server = run._server
    return server is not None and sum(not follower.has_left for follower in server._fanout._followers) == count


def test_a_viewer_that_reads_nothing_holds_up_nobody_and_gets_all_of_it_later() -> None:
    with (
        start_run(show=False) as run,
        Console(run.serve()) as quick,
        connect(run.serve(), max_size=None, max_queue=1, ping_interval=None) as slow,
    ):
        eventually(lambda: follows(run, 2))
        for number in range(150):
            run.emit("custom.long", {"n": number, "text": LONG})
        eventually(lambda: len(quick.events) == 151)
        eventually(lambda: follows(run, 1))
        assert [event["data"]["n"] for event in events_of(slow, "custom.long")[1:]] == [0]
        run.emit("custom.last", {})
        numbers = [event["data"]["n"] for event in events_of(slow, "custom.last") if event["type"] == "custom.long"]
        assert numbers == list(range(1, 150))
        eventually(lambda: follows(run, 2))
        run.emit("custom.again", {})
        assert [event["type"] for event in events_of(slow, "custom.again")] == ["custom.again"]
        run.stop_serving()


def test_a_failed_write_leaves_the_viewer_on_its_own(caplog: pytest.LogCaptureFixture) -> None:
    async def play() -> list[bool]:
        journal = Journal()
        fanout = Fanout(journal)

        def fails(_: bytes) -> bool:
            raise RuntimeError("a fault")

        follower, other = Follower(fails), Follower(lambda _: True)
        following = [asyncio.ensure_future(fanout.follow(each)) for each in (follower, other)]
        await asyncio.sleep(0)
        journal.append("{}")
        return await asyncio.wait_for(asyncio.gather(*following), 20)

    assert asyncio.run(play()) == [True, True]
    assert "one by one" in caplog.text


def test_followers_end_with_the_journal_and_a_late_one_at_once() -> None:
    written: list[bytes] = []

    async def play() -> tuple[bool, bool]:
        journal, all_written = Journal(), asyncio.Event()
        fanout = Fanout(journal)

        def write(frames: bytes) -> bool:
            written.append(frames)
            if b'{"b":2}' in frames:
                all_written.set()
            return True

        follower = Follower(write)
        following = asyncio.ensure_future(fanout.follow(follower))
        await asyncio.sleep(0)
        journal.append('{"a":1}')
        journal.append('{"b":2}')
        await asyncio.wait_for(all_written.wait(), 20)
        journal.close()
        first = await asyncio.wait_for(following, 20)
        return first, await asyncio.wait_for(fanout.follow(follower), 20)

    assert asyncio.run(play()) == (False, False)
    assert b"".join(written).count(b'{"b":2}') == 1
