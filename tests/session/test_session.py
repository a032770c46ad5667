"""One run's link over real sockets: retries without storms, duplicates, gaps, garbage, and the right end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from runconsole.events import Answer, DecisionRequested
from runconsole.log import EventLog
from runconsole.protocols.json.wire import ChannelWire
from runconsole.reconnect import Reconnect
from runconsole.redaction.secrets import Redactor
from runconsole.session import Session
from runconsole.session.pace import Pace
from runconsole.state import Effect, RunState
from runconsole.tables import Tables
from runconsole.transports.websocket import WebSocketTransport
from tests.servers.json_server import PATIENCE, JsonServer, Peer, closes, does, in_turn, says
from tests.servers.other_servers import closed_port
from tests.support.folding import execution, frames_of, task
from tests.support.writers import live_writer

QUICK = Pace(tick=0.02, linger=0.05, catching_up=0.05, steady=5.0, reply=0.5, parting=0.05)


class Following:
    """A session that follows a server on the loop of the test, with short pauses."""

    def __init__(self, url: str, *, first: float = 0.01, longest: float = 0.02, **state: Any) -> None:
        self.state = RunState(**state)
        self.log = EventLog()
        self.tables = Tables(self.state, self.log)
        self._changed = asyncio.Event()
        self.session = Session(
            live_writer(self.state, self.log, redactor=Redactor(["s3cret"])),
            ChannelWire(),
            WebSocketTransport(url),
            observe=self._observe,
            reconnect=Reconnect(first=first, longest=longest),
            pace=QUICK,
        )

    @property
    def failures(self) -> int:
        """How many attempts have failed in a row."""
        return self.session._attempts.in_a_row

    def _observe(self, _effects: tuple[Effect, ...]) -> None:
        self._changed.set()

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for a condition; it is looked at after each change, and now and then."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._changed.clear()
                try:
                    await asyncio.wait_for(self._changed.wait(), 0.02)
                except TimeoutError:
                    continue

    @property
    def links(self) -> list[str]:
        return [link.state for link in self.state.links]

    @property
    def kinds(self) -> list[str]:
        return [event.type for _, event in self.log.read(0, 10_000)]


@asynccontextmanager
async def following(url: str, **options: Any) -> AsyncIterator[Following]:
    run = Following(url, **options)
    running = asyncio.create_task(run.session.run())
    try:
        yield run
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


# ---- everything is taken in ----------------------------------------------------------------------------------------


async def test_every_frame_becomes_rows_whatever_it_holds() -> None:
    frames: list[str | bytes] = [*frames_of("seed-execution")[:5], *frames_of("garbage"), b"\xff\xfe", b"{}"]
    big = task("task.output", data="x" * 3 * 2**20)
    with JsonServer([*frames, big]) as server:
        async with following(server.url) as run:
            await run.until(lambda: "task.output" in run.kinds[-1:])
            events = run.tables.frame("events")
            assert len(events) == len(frames) + 3
            assert run.log.malformed == 19
            assert events["payload"].iloc[-1] == json.dumps(json.loads(big)["payload"])
            assert run.state.links[-1].state == "live"


async def test_a_known_id_is_counted_and_not_applied() -> None:
    first = {"type": "task.output", "id": "e1", "payload": {"taskId": "t", "stream": "stdout", "data": "once\n"}}
    with JsonServer([first, first, [first, first], first | {"id": "e2"}]) as server:
        async with following(server.url) as run:
            await run.until(lambda: len(run.log) == 2)
            assert len(run.state.output) == 2
            assert run.tables.frame("links")["duplicates"].sum() == 3


async def test_a_gap_in_the_numbers_is_reported_in_links() -> None:
    events = [{"type": "worker.beat", "seq": number, "data": {"n": number}} for number in (1, 2, 5, 6, 3)]
    with JsonServer(events) as server:
        async with following(server.url) as run:
            await run.until(lambda: sum(link.missed or 0 for link in run.state.links) == 1)
            assert sum(link.recovered or 0 for link in run.state.links) == 1
            assert any("missed" in (link.notice or "") for link in run.state.links)


async def test_what_comes_just_after_the_runs_end_is_not_missed() -> None:
    beats = [{"type": "worker.beat", "seq": number, "data": {"n": number}} for number in (1, 2, 3, 6, 4, 5)]
    beats[3] |= {"type": "execution_completed"}
    with JsonServer(beats) as server:
        async with following(server.url) as run:
            await run.until(lambda: len(run.log) == len(beats))
            await run.until(lambda: sum(link.recovered or 0 for link in run.state.links) == 2)
    assert sum(link.missed or 0 for link in run.state.links) == 0


async def test_an_event_that_breaks_the_fold_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    with JsonServer([task("task.started"), task("task.created", taskId="u")]) as server:
        async with following(server.url) as run:
            real = run.state.put_task

            def breaks(row: Any) -> None:
                if row.task_id == "t":
                    raise ZeroDivisionError
                real(row)

            monkeypatch.setattr(run.state, "put_task", breaks)
            await run.until(lambda: "u" in run.state.tasks)
            (alert,) = run.state.alerts
            assert "'task.started' could not be understood (ZeroDivisionError)" in alert.text
            assert len(run.log) == 2


# ---- retries -------------------------------------------------------------------------------------------------------


async def test_a_lost_link_comes_back_and_goes_on_where_the_run_is() -> None:
    script = in_turn(
        does(says(task("task.started", 1)), Peer.drop),
        says(task("task.started", 1), task("task.progress", 2, progress=50)),
    )
    with JsonServer(script) as server:
        async with following(server.url) as run:
            await run.until(lambda: run.state.tasks.get("t") and run.state.tasks["t"].progress == 50)
            assert run.links[:5] == ["connecting", "live", "retrying", "connecting", "live"]
            reasons = [link.reason for link in run.state.links if link.state == "retrying"]
            assert reasons == [f"the connection to localhost:{server.port} broke without a goodbye"]
            assert run.kinds == ["task.started", "task.progress"]
            assert any((link.notice or "").startswith("reconnected after") for link in run.state.links)


async def test_a_server_that_accepts_and_closes_at_once_makes_no_storm() -> None:
    with JsonServer(closes(1011)) as server:
        async with following(server.url, first=0.01, longest=1000.0) as run:
            await run.until(lambda: run.failures >= 4)
            attempts = [link.attempt for link in run.state.links if link.state == "retrying"]
            # Each pause is twice the one before it: nothing that a bare handshake tells begins afresh.
            assert attempts == list(range(1, len(attempts) + 1))
            assert server.handshakes == len(server.peers) <= run.failures + 1


async def test_only_a_good_message_makes_the_pauses_short_again() -> None:
    def serve(peer: Peer) -> None:
        peer.send(task("note", number=peer.number))
        peer.close(1011)

    with JsonServer(in_turn(closes(1011), closes(1011), closes(1011), serve)) as server:
        async with following(server.url) as run:
            await asyncio.to_thread(server.connected, 6)
            attempts = [link.attempt for link in run.state.links if link.state == "retrying"]
            assert attempts[:5] == [1, 2, 3, 1, 1]


async def test_a_malformed_frame_is_no_good_message() -> None:
    with JsonServer(does(lambda peer: peer.send(f"garbage {peer.number}"), closes(1011))) as server:
        async with following(server.url) as run:
            await run.until(lambda: run.failures >= 3)
            assert run.log.malformed >= 3


async def test_a_port_where_nobody_listens_is_tried_again() -> None:
    with closed_port() as port:
        async with following(f"ws://localhost:{port}/ws") as run:
            await run.until(lambda: run.failures >= 6)
            assert set(run.links) == {"connecting", "retrying"}
            assert run.state.links[1].retry_at is not None


async def test_a_retry_can_be_asked_for_at_once() -> None:
    with JsonServer(in_turn(Peer.drop, says(task("task.started")))) as server:
        async with following(server.url, first=3600.0, longest=3600.0) as run:
            await run.until(lambda: "retrying" in run.links)
            run.session.reconnect()
            await run.until(lambda: run.kinds)


@pytest.mark.parametrize(
    ("options", "words", "handshakes"),
    [
        ({"refuse": [401]}, "refused us with HTTP 401", 1),
        ({"refuse": [400]}, "check the path of the URL", 1),
        ({"refuse": [404] * 9}, "check the path of the URL", 4),
        ({"script": closes(4001, "bad s3cret")}, "does not accept us (bad ***)", 1),
        ({"script": says({"type": "error", "payload": {"code": "UNAUTHORIZED", "message": "no s3cret"}})}, "no ***", 1),
    ],
)
async def test_a_hopeless_link_fails_and_says_why(options: dict[str, Any], words: str, handshakes: int) -> None:
    with JsonServer(options.pop("script", ()), **options) as server:
        async with following(server.url) as run:
            await run.until(lambda: run.links[-1:] == ["failed"])
            assert words in (run.state.links[-1].reason or "")
            assert server.handshakes == handshakes
            assert "s3cret" not in repr(run.state.links)


async def test_a_server_that_is_not_ready_is_waited_for() -> None:
    with JsonServer([task("task.started")], refuse=[503] * 6) as server:
        async with following(server.url) as run:
            await run.until(lambda: run.kinds)
            assert server.handshakes == 7


# ---- the end -------------------------------------------------------------------------------------------------------


async def test_an_execution_ends_with_its_last_event() -> None:
    frames = [execution("progress_update", task_id="t"), execution("execution_completed", status="success")]
    with JsonServer(frames) as server:
        run = Following(server.url)
        async with asyncio.timeout(PATIENCE):
            await run.session.run()
    assert run.state.finished
    assert run.links == ["connecting", "live", "ended"]


async def test_events_right_after_the_end_are_taken_in() -> None:
    last = [execution("execution_completed", status="success"), execution("artifact_created", path="late.py")]
    with JsonServer(last) as server:
        run = Following(server.url)
        async with asyncio.timeout(PATIENCE):
            await run.session.run()
    assert run.kinds == ["execution_completed", "artifact_created"]
    assert run.links[-1] == "ended"


@pytest.mark.parametrize(
    ("frames", "options", "ends"),
    [
        ([task("task.started"), task("task.completed")], {}, True),
        ([task("task.failed")], {}, True),
        ([task("task.started")], {}, False),
        ([], {}, False),
        ([task("task.completed", taskId="other")], {"task": "t"}, False),
        ([task("task.completed")], {"task": "t"}, True),
    ],
)
async def test_an_orderly_close_ends_a_complete_run(frames: list[str], options: dict[str, Any], *, ends: bool) -> None:
    with JsonServer(does(says(*frames), closes(1000))) as server:
        async with following(server.url, **options) as run:
            await run.until(lambda: run.links[-1:] in (["ended"], ["retrying"]))
            assert (run.links[-1], run.state.finished) == (("ended", True) if ends else ("retrying", False))


async def test_a_close_in_bad_order_ends_no_run() -> None:
    with JsonServer(does(says(task("task.completed")), closes(1001))) as server:
        async with following(server.url) as run:
            await run.until(lambda: "retrying" in run.links)
            assert not run.state.finished


async def test_cancelling_closes_the_connection_and_leaves_no_task() -> None:
    with JsonServer([task("task.started")]) as server:
        before = asyncio.all_tasks()
        async with following(server.url) as run:
            await run.until(lambda: run.kinds)
        assert server.peer.closed.wait(PATIENCE)
        assert asyncio.all_tasks() == before


# ---- time ----------------------------------------------------------------------------------------------------------


async def test_a_question_expires_when_its_deadline_has_passed() -> None:
    with JsonServer([task("task.hitl_required", checkpointId="c", timeout=1)]) as server:
        async with following(server.url) as run:
            await run.until(lambda: run.state.checkpoints)
            await run.until(lambda: run.state.checkpoints["c"].status == "expired")


async def test_an_answer_made_offline_is_sent_when_the_link_is_back() -> None:
    asked = task("task.hitl_required", checkpointId="c", options=["approve"])
    with JsonServer([asked]) as server:
        async with following(server.url, first=3600.0, longest=3600.0) as run:
            await run.until(lambda: run.state.checkpoints)
            server.peer.drop()
            await run.until(lambda: "retrying" in run.links)
            run.session.decide(DecisionRequested(1, "d", "c", Answer("approve")))
            assert run.state.decisions["d"].state == "queued"
            run.session.reconnect()
            peer = await asyncio.to_thread(server.connected, 2)
            message = await asyncio.to_thread(peer.expect)
            assert message["correlationId"] == "d"
            await run.until(lambda: run.state.decisions["d"].state == "unknown")  # the server never answers
