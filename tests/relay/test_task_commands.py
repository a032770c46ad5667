"""Commands for tasks through a relay: to the server once, its answer to the viewer who asked."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from runconsole import CallRefused, CallUnanswered, Console, TaskCancelled, UnsupportedByWire, start_run
from runconsole.api.run import engine_of
from runconsole.simulator import Simulator
from tests.servers.json_server import JsonServer, Peer, eventually, says
from tests.support.relays import QUICK, relayed

STARTED = {
    "type": "execution_started",
    "id": "1",
    "timestamp": "2026-01-01T00:00:00.000Z",
    "data": {"execution_id": "e", "total_tasks": 2, "phases": []},
    "taskCommands": ["cancel", "explode"],
}
RUNNING = {
    "type": "progress_update",
    "id": "2",
    "timestamp": "2026-01-01T00:00:00.000Z",
    "data": {"task_id": "t", "status": "in_progress"},
}


def offers(console: Console) -> bool:
    return bool(engine_of(console).task_commands)


@pytest.mark.parametrize("superjson", [False, True])
def test_a_viewer_commands_the_tasks_of_a_trpc_server(tmp_path: Path, *, superjson: bool) -> None:
    with (
        Simulator("tasks", wire="trpc", superjson=superjson, decision_timeout=1e6, speed=20) as server,
        relayed(server.url, tmp_path / "run.jsonl") as relay,
        Console(relay.url) as viewer,
        Console(relay.url) as other,
    ):
        eventually(lambda: offers(viewer) and viewer.pending)
        assert engine_of(viewer).task_commands == ("cancel", "pause", "resume", "retry")
        task = viewer.pending[0].task_id
        assert task is not None
        assert viewer.pause(task)["success"] is True
        eventually(lambda: "paused" in other.tasks["status"].tolist())
        assert viewer.resume(task, feedback="go on")["success"] is True
        assert viewer.cancel(task)["task"]["id"] == task
        eventually(lambda: other.tasks.loc[task, "status"] == "cancelled")
        replied = viewer.events["type"].str.endswith(".ack").sum()
        assert replied == 3
        assert not other.events["type"].str.endswith(".ack").any()
        with pytest.raises(CallRefused, match="no task nothing"):
            viewer.cancel("nothing")
        assert viewer.retry(task)["success"] is True


def test_a_viewer_cancels_a_task_of_a_served_run_also_through_a_relay(tmp_path: Path) -> None:
    ended: list[TaskCancelled] = []

    with start_run("served", show=False) as run, relayed(run.serve(), tmp_path / "run.jsonl") as relay:

        def work(name: str) -> None:
            with run.task(name, id=name) as task:
                try:
                    while True:
                        task.progress(0.5)
                except TaskCancelled as error:
                    ended.append(error)
                    raise

        threads = [threading.Thread(target=work, args=(name,)) for name in ("a", "b")]
        for thread in threads:
            thread.start()
        with Console(relay.url) as far, Console(run.serve()) as near:
            eventually(lambda: offers(far) and offers(near))
            for console, task in ((far, "a"), (near, "b")):
                assert console.cancel(task) == "it ends when it reports its progress next"
            for thread in threads:
                thread.join(30)
            assert sorted(error.task_id for error in ended) == ["a", "b"]
            with pytest.raises(CallRefused, match="a task that has not ended"):
                far.cancel("a")
            with pytest.raises(UnsupportedByWire):
                far.pause("a")
        run.stop_serving()


def test_commands_that_no_server_offers_are_not_sent(tmp_path: Path) -> None:
    server_side: list[Peer] = []

    def stays(peer: Peer) -> None:
        server_side.append(peer)
        peer.send({**STARTED, "taskCommands": None}, RUNNING)
        peer.closed.wait(60)

    with JsonServer(stays) as server, relayed(server.url, tmp_path / "run.jsonl", protocol="json") as relay:
        with Console(relay.url) as viewer:
            eventually(lambda: len(viewer.tasks))
            with pytest.raises(UnsupportedByWire):
                viewer.cancel("t")
        with connect(relay.url) as raw:
            raw.send(json.dumps({"type": "task.cancel", "payload": {"taskId": "t"}, "correlationId": "c"}))
            assert _reply(raw, "c")["payload"]["code"] == "UNKNOWN_TYPE"
    assert not server_side[0].received


def test_a_command_without_an_answer_is_sent_once_and_stays_unanswered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    peers: list[Peer] = []

    def silent(peer: Peer) -> None:
        peers.append(peer)
        peer.send(STARTED, RUNNING)
        peer.expect(lambda message: message["type"] == "task.cancel")
        peer.drop()

    with (
        JsonServer(silent) as server,
        relayed(server.url, tmp_path / "run.jsonl", protocol="json") as relay,
        Console(relay.url, reconnect=QUICK) as viewer,
    ):
        eventually(lambda: offers(viewer))
        engine = engine_of(viewer)
        monkeypatch.setattr(engine._feed.sender._calls, "_patience", 2.0)  # type: ignore[union-attr]
        assert engine.task_commands == ("cancel",)
        with pytest.raises(CallUnanswered):
            viewer.cancel("t")
        eventually(lambda: len(peers) > 1)
    sent = [message for peer in peers for message in peer.messages if message["type"] == "task.cancel"]
    assert [message["payload"] for message in sent] == [{"taskId": "t"}]


def test_a_command_while_the_server_is_away_is_refused(tmp_path: Path) -> None:
    with (
        JsonServer(says(STARTED, RUNNING)) as server,
        relayed(server.url, tmp_path / "run.jsonl") as relay,
        Console(relay.url) as viewer,
    ):
        eventually(lambda: offers(viewer))
        server.stop()
        eventually(lambda: relay.trouble)
        with pytest.raises(CallRefused, match="no live link"):
            viewer.cancel("t")


@pytest.mark.parametrize("payload", [{}, {"taskId": 7}, {"taskId": "t", "feedback": 7}])
def test_a_command_of_the_wrong_shape_is_refused(payload: dict[str, Any]) -> None:
    with start_run(show=False) as run:
        with connect(run.serve()) as raw:
            raw.send(json.dumps({"type": "task.cancel", "payload": payload, "correlationId": "c"}))
            reply = _reply(raw, "c")
        run.stop_serving()
    assert reply["type"] == "error"
    assert "task" in reply["payload"]["message"]


def _reply(raw: Any, correlation: str) -> dict[str, Any]:
    while True:
        message = json.loads(raw.recv(20))
        if isinstance(message, dict) and message.get("correlationId") == correlation:
            return message
