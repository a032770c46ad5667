"""Streams that end in good order before the run does: connected anew, asked about, and in the end interrupted."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from runconsole import Console, RunInterrupted, history
from runconsole.errors import ConsoleFailed
from runconsole.events import LinkChanged
from runconsole.log import EventLog
from runconsole.protocols.base import Wire
from runconsole.protocols.json.wire import ChannelWire
from runconsole.protocols.trpc.wire import TrpcWire
from runconsole.reconnect import Reconnect
from runconsole.session import Session
from runconsole.session.attempts import Attempts
from runconsole.session.endings import fingerprint
from runconsole.session.pace import Pace
from runconsole.state import RunState
from runconsole.state.completion import is_complete, standing
from runconsole.transports.websocket import WebSocketTransport
from tests.servers.json_server import PATIENCE, JsonServer, Peer, Script, closes, does, eventually, in_turn, says
from tests.support.folding import execution, fold, task
from tests.support.writers import live_writer

QUICK = Pace(tick=0.02, linger=0.05, catching_up=0.05, steady=60.0, reply=5.0, parting=5.0)
WORDS = "the server closed the stream in good order 4 times with 10 of 53 tasks done"


def done(number: int, total: int = 53, **more: Any) -> Any:
    return execution(
        "progress_update", task_id=f"t{number}", status="completed", completed_tasks=number, total_tasks=total, **more
    )


PLAN = execution("execution_started", phases=[{"phase": number, "name": f"p{number}"} for number in range(3)])


def tasks_done(count: int, total: int = 53) -> list[Any]:
    return [execution("execution_started", total_tasks=total), *(done(n, total) for n in range(1, count + 1))]


QUICKLY = Reconnect(first=0.01, longest=0.02)


class Run:
    """A session with short pauses, followed to its end."""

    def __init__(self, url: str, wire: Wire | None = None, **state: Any) -> None:
        self.state, self.log = RunState(**state), EventLog()
        self.session = Session(
            live_writer(self.state, self.log),
            wire or ChannelWire(),
            WebSocketTransport(url),
            observe=lambda _effects: None,
            reconnect=QUICKLY,
            pace=QUICK,
        )

    async def follow(self) -> None:
        async with asyncio.timeout(PATIENCE):
            await self.session.run()

    @property
    def links(self) -> list[str]:
        return [link.state for link in self.state.links]

    @property
    def kinds(self) -> list[str]:
        return [event.type for _, event in self.log.read(0, 10_000)]


# ---- when a close ends a run -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frames", "complete", "words"),
    [
        (tasks_done(10), False, "with 10 of 53 tasks done"),
        (tasks_done(3, 3), True, "with 3 of 3 known tasks done"),
        ([done(1, 2)], False, "with 1 of 2 tasks done"),
        ([done(1, 2), done(2, 2)], True, "with 2 of 2 known tasks done"),
        (
            [
                execution("execution_started", phases=[{"phase": 0, "task_count": 1}, {"phase": 1, "task_count": 4}]),
                done(1, 0),
            ],
            False,
            "with 1 of 5 tasks done",
        ),
        ([task("task.completed"), task("task.started", taskId="u")], False, "with 1 of 2 known tasks done"),
        ([task("task.completed"), task("task.failed", taskId="u")], True, "with 2 of 2 known tasks done"),
        ([execution("execution_started", total_tasks=2)], False, "with 0 of 2 tasks done"),
        ([], False, "before it had told of a task"),
        ([PLAN, done(1, 0, phase=0)], False, "with 2 of 3 phases not begun"),
        ([PLAN, *(done(number + 1, 0, phase=number) for number in range(3))], True, "with 3 of 3 known tasks done"),
        ([execution("progress_update", task_id="t", status="completed", progress_percent=20)], False, "at 20 %"),
        (
            [execution("progress_update", task_id="t", status="completed", progress_percent=100)],
            True,
            "with 1 of 1 known tasks done",
        ),
    ],
)
def test_a_run_is_complete_when_all_that_was_announced_is_done(
    frames: list[Any],
    complete: bool,  # noqa: FBT001
    words: str,
) -> None:
    state = fold(frames).state
    assert is_complete(state) is complete
    assert standing(state) == words


def test_a_followed_task_ends_by_its_own_event_alone() -> None:
    state = RunState(task="t")
    assert not is_complete(state)
    assert standing(state) == "before the task had ended"


def test_what_is_said_again_is_nothing_new_and_what_changes_is() -> None:
    folded = fold(tasks_done(2))
    before = fingerprint(folded.state)
    folded.feed(tasks_done(2))
    assert fingerprint(folded.state) == before
    folded.feed([execution("progress_update", task_id="t3", status="in_progress")])
    assert fingerprint(folded.state) != before


def test_a_connection_that_lasted_is_not_counted() -> None:
    attempts = Attempts(Reconnect())
    assert [attempts.is_interrupted(1, steady=steady) for steady in (False, False, False, True, False)] == [False] * 5
    assert [attempts.is_interrupted(1, steady=False) for _ in range(2)] == [False, True]


# ---- plain JSON ------------------------------------------------------------------------------------------------------


async def test_a_close_in_the_middle_leads_to_a_reconnect() -> None:
    script = in_turn(
        does(says(*tasks_done(2, 3)), closes(1000)),
        closes(1000),
        says(done(3, 3), execution("execution_completed", status="success")),
    )
    with JsonServer(script) as server:
        run = Run(server.url)
        await run.follow()
    assert (run.state.status, run.state.completed, run.links[-1]) == ("completed", 3, "ended")
    assert len(server.peers) == 3


async def test_fruitless_orderly_closes_interrupt_the_run() -> None:
    with JsonServer(does(says(*tasks_done(10)), closes(1000))) as server:
        run = Run(server.url)
        await run.follow()
    assert (run.state.status, run.links[-1]) == ("interrupted", "ended")
    assert (run.state.links[-1].reason or "").startswith(WORDS)
    assert run.state.interruption == run.state.links[-1].reason
    assert len(server.peers) == 4


async def test_known_events_at_each_connection_are_fruitless() -> None:
    def script(peer: Peer) -> None:
        at = 1_000_000 * peer.number
        peer.send(
            execution("execution_started", at, total_tasks=2), execution("progress_update", at + 1, total_tasks=2)
        )
        peer.send({"type": "hello", "data": {"at": at}})
        peer.close(1000)

    with JsonServer(script) as server:
        run = Run(server.url)
        await run.follow()
    assert run.state.status == "interrupted"
    assert len(server.peers) == 4


async def test_news_between_closes_keeps_the_run_alive() -> None:
    def script(peer: Peer) -> None:
        if peer.number < 9:
            peer.send(done(peer.number + 1, 9))
        peer.close(1000)

    with JsonServer(script) as server:
        run = Run(server.url)
        await run.follow()
    assert (run.state.status, run.state.completed) == ("completed", 9)


async def test_a_close_frame_without_a_code_is_in_good_order() -> None:
    with JsonServer(
        does(says(task("task.completed")), lambda peer: peer._connection.socket.sendall(b"\x88\x00"))
    ) as server:
        run = Run(server.url)
        await run.follow()
    assert run.links == ["connecting", "live", "ended"]


# ---- tRPC ------------------------------------------------------------------------------------------------------------


class Ends:
    """A tRPC server that tells `events` and ends its stream; `answer` is what `tasks.get` gives."""

    def __init__(self, events: Callable[[int], list[Any]], answer: Any) -> None:
        self._events, self._answer = events, answer
        self.asked = 0

    def __call__(self, peer: Peer) -> None:
        done = 0
        while not peer.closed.is_set():
            messages = peer.messages
            for message in messages[done:]:
                self._reply(peer, message["id"], message["method"], message.get("params", {}).get("path", ""))
            done = len(messages)
            time.sleep(0.005)

    def _reply(self, peer: Peer, number: int, method: str, path: str) -> None:
        if method == "subscription":
            told = [
                {"id": number, "result": {"type": "data", "data": json.loads(event)}}
                for event in self._events(peer.number)
            ]
            peer.send(
                {"id": number, "result": {"type": "started"}}, *told, {"id": number, "result": {"type": "stopped"}}
            )
        elif path == "tasks.get" and self._answer is not None:
            self.asked += 1
            peer.send({"id": number, "result": {"type": "data", "data": self._answer}})
        elif method == "query":
            error = {"message": "no", "code": -32004, "data": {"code": "NOT_FOUND", "httpStatus": 404}}
            peer.send({"id": number, "error": error})


async def test_a_task_that_ended_while_nobody_listened_is_asked_for() -> None:
    server_side = Ends(lambda _: [], {"taskId": "t", "status": "completed"})
    with JsonServer(server_side) as server:
        run = Run(server.url, TrpcWire("stream.taskProgress", "t", transformer="none"), task="t")
        await run.follow()
    assert (run.state.status, run.links) == ("completed", ["connecting", "live", "ended"])
    assert server_side.asked == 1


async def test_a_task_is_asked_for_at_once_when_links_break_early(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Breaks(Ends):
        """Never ends its stream, and drops each connection that has not asked for the task in time."""

        def _reply(self, peer: Peer, number: int, method: str, path: str) -> None:
            if method == "subscription":
                peer.send({"id": number, "result": {"type": "started"}})
                threading.Timer(0.2, self._drop, [peer]).start()
            else:
                super()._reply(peer, number, method, path)

        def _drop(self, peer: Peer) -> None:
            if not self.asked:
                peer.drop()

    monkeypatch.setattr(f"{__name__}.QUICK", msgspec.structs.replace(QUICK, linger=0.5))
    with JsonServer(Breaks(lambda _: [], {"taskId": "t", "status": "completed"})) as server:
        run = Run(server.url, TrpcWire("stream.taskProgress", "t", transformer="none"), task="t")
        await run.follow()
    assert run.state.status == "completed"
    assert len(server.peers) >= 3


async def test_streams_that_end_with_news_are_followed_on() -> None:
    def events(number: int) -> list[Any]:
        return [task("task.progress", number, progress=number) if number < 8 else task("task.completed", number)]

    with JsonServer(Ends(events, {"taskId": "t", "status": "running"})) as server:
        run = Run(server.url, TrpcWire("stream.taskProgress", "t", transformer="none"), task="t")
        await run.follow()
    assert (run.state.status, run.links[-1]) == ("completed", "ended")
    assert len(server.peers) == 9


@pytest.mark.parametrize("answer", [None, {"taskId": "t", "status": "running"}])
async def test_a_followed_task_whose_stream_only_ends_is_interrupted(answer: Any) -> None:
    with JsonServer(Ends(lambda _: [], answer)) as server:
        run = Run(server.url, TrpcWire("stream.taskProgress", "t", transformer="none"), task="t")
        await run.follow()
    assert run.state.status == "interrupted"
    assert "in good order 4 times before the task had ended" in (run.state.interruption or "")


async def test_a_stream_that_ends_between_tasks_ends_no_run() -> None:
    def events(number: int) -> list[Any]:
        return tasks_done(1, 2) if number == 0 else [done(2, 2)]

    with JsonServer(Ends(events, None)) as server:
        run = Run(server.url, TrpcWire("stream.systemEvents", transformer="none"))
        await run.follow()
    assert (run.state.status, run.state.completed) == ("completed", 2)
    assert len(server.peers) == 2


# ---- what a person sees ----------------------------------------------------------------------------------------------


INTERRUPTED: Script = does(says(*tasks_done(10)), closes(1000))


def test_an_interrupted_run_says_so_everywhere(tmp_path: Path) -> None:
    recorded, saved = tmp_path / "recorded.jsonl", tmp_path / "saved.jsonl"
    with JsonServer(INTERRUPTED) as server, Console(server.url, record=recorded, reconnect=QUICKLY) as console:
        with pytest.raises(RunInterrupted, match=WORDS):
            console.wait(PATIENCE)
        with pytest.raises(RunInterrupted, match=WORDS):
            asyncio.run(console.finished(PATIENCE))
        console.save(saved)
        told = (console.run.status, console.status, console.summary["status"], console.summary["link"])
        screen = str(console)
        console.to_parquet(tmp_path / "runs")
    assert told == ("interrupted", "ended", "interrupted", "ended")
    assert screen.startswith("Interrupted: ")
    assert f"Connection: ended: {WORDS}" in screen
    assert issubclass(RunInterrupted, ConsoleFailed)

    for path in (recorded, saved):
        replayed = Console(path)
        assert (replayed.run.status, replayed.status) == ("interrupted", "ended")
        assert str(replayed) == screen
        with pytest.raises(RunInterrupted, match=WORDS):
            replayed.wait(1)

    assert history(tmp_path / "runs").runs["status"].tolist() == ["interrupted"]


def test_a_recording_of_an_interrupted_run_is_gone_on_with(tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    rest = says(*tasks_done(53), execution("execution_completed", status="success"))
    with JsonServer(in_turn(*[INTERRUPTED] * 4, rest)) as server:
        with Console(server.url, record=file, reconnect=QUICKLY) as console, pytest.raises(RunInterrupted):
            console.wait(PATIENCE)
        with Console(server.url, record=file) as console:
            assert console.wait(PATIENCE)
            assert (console.run.status, console.run.completed_tasks) == ("completed", 53)
    replayed = Console(file)
    assert (replayed.run.status, replayed.run.completed_tasks) == ("completed", 53)


@pytest.mark.parametrize("how", ["the panel", "start"])
def test_an_interrupted_run_can_be_followed_again(how: str) -> None:
    rest = says(*tasks_done(53), execution("execution_completed", status="success"))
    with JsonServer(in_turn(*[INTERRUPTED] * 4, rest)) as server, Console(server.url, reconnect=QUICKLY) as console:
        with pytest.raises(RunInterrupted):
            console.wait(PATIENCE)
        if how == "start":
            console.start()
        else:
            console._engine.call_soon(console._engine.link_action, "reconnect")
        eventually(lambda: console.run.status == "completed")
        assert console.wait(PATIENCE)


def test_following_again_takes_the_interruption_back() -> None:
    state = fold(tasks_done(2)).state
    state.apply(LinkChanged(5, "ended", reason="why", interrupted=True))
    assert (state.finished, state.status, state.interruption) == (True, "interrupted", "why")
    state.apply(LinkChanged(6, "connecting"))
    assert (state.finished, state.status, state.interruption, state.ended_at) == (False, "running", None, None)
