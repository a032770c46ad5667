"""The filters `execution=` and `task=`, on each wire, in recordings, and for policies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runconsole import Console
from tests.servers.json_server import JsonServer, Peer, eventually
from tests.servers.socketio_server import SocketIoServer

Frame = dict[str, Any]


def of(execution: str, kind: str, **data: Any) -> Frame:
    stamp = f"2026-01-01T00:00:{data.pop('at', 0):02}Z"
    return {"type": kind, "timestamp": stamp, "data": {"execution_id": execution, **data}}


def update(execution: str, number: int, **data: Any) -> Frame:
    task = f"{execution}-t{number}"
    return of(execution, "progress_update", at=number, task_id=task, status="completed", completed_tasks=number, **data)


MIXED = [
    of("e1", "execution_started", total_tasks=3),
    of("e2", "execution_started", total_tasks=9),
    update("e2", 7, total_tasks=9),
    update("e1", 1, total_tasks=3),
    of("e2", "execution_completed", status="failed", failed_tasks=9),
    {"type": "error", "data": {"task_id": "e2-t7", "message": "not ours"}},
    update("e1", 2, total_tasks=3),
    update("e1", 3, total_tasks=3),
    of("e1", "execution_completed", status="success", completed_tasks=3),
]


def assert_ours(console: Console) -> None:
    run = console.run
    assert (run.execution_id, run.status, run.total_tasks, run.failed_tasks) == ("e1", "completed", 3, 0)
    assert list(console.tasks.index) == ["e1-t1", "e1-t2", "e1-t3"]
    assert not console.events.payload.str.contains("e2").any()
    assert len(console.errors) == 0


def test_another_executions_end_is_not_ours(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with JsonServer(MIXED) as server, Console(server.url, execution="e1", record=path) as console:
        assert console.wait(20)
    assert_ours(console)
    assert console.links.reason.str.contains("4 events of other executions were left out").sum() == 1
    assert console.links.missed.fillna(0).sum() == 0
    with Console(path) as replayed:
        assert_ours(replayed)
        assert replayed.links.equals(console.links)
    console.save(tmp_path / "saved.jsonl")
    with Console(tmp_path / "saved.jsonl") as saved:
        assert_ours(saved)


def test_a_recording_of_everything_shows_one_execution(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with JsonServer(MIXED) as server, Console(server.url, record=path) as console:
        eventually(lambda: sum(len(run.events) for run in console.runs) == len(MIXED))
    with Console(path, execution="e1") as replayed:
        assert_ours(replayed)


def test_events_after_another_start_belong_to_it(tmp_path: Path) -> None:
    def unnamed(number: int, name: str) -> Frame:
        task = {"task_id": f"task_{number:03}", "task_name": name, "status": "completed"}
        return {"type": "progress_update", "data": {**task, "completed_tasks": number}}

    frames = [
        of("e0", "execution_started", total_tasks=9),
        unnamed(1, "theirs"),
        of("e1", "execution_started", total_tasks=2),
        unnamed(1, "ours"),
        of("e2", "execution_started", total_tasks=9),
        unnamed(2, "theirs"),
        of("e1", "execution_completed", status="success"),
    ]
    path = tmp_path / "run.jsonl"
    with JsonServer(frames) as server, Console(server.url, execution="e1", record=path) as console:
        assert console.wait(20)
        assert list(console.tasks["name"]) == ["ours"]
        assert len(console.runs) == 1
    with Console(path) as replayed:
        assert list(replayed.tasks["name"]) == ["ours"]


def test_broadcast_events_of_other_executions_are_left_out() -> None:
    with SocketIoServer() as server, Console(server.url, execution="e1") as console:
        server.until("request_catch_up")
        server.emit(*((frame["type"], frame) for frame in MIXED))
        assert console.wait(20)
        assert_ours(console)


def test_a_policy_is_asked_about_the_followed_task_only() -> None:
    asked: list[str] = []

    def question(task: str) -> Frame:
        payload = {"taskId": task, "checkpointId": f"cp-{task}", "title": f"{task}?", "options": ["approve", "reject"]}
        return {"type": "task.hitl_required", "payload": payload}

    def script(peer: Peer) -> None:
        peer.send(question("other"), question("mine"))
        peer.expect(lambda message: message.get("type") == "checkpoint.resolve")
        peer.send(
            {"type": "task.failed", "payload": {"taskId": "other", "error": {"message": "no"}}},
            {"type": "task.completed", "payload": {"taskId": "mine"}},
        )

    def policy(checkpoint: Any) -> str:
        asked.append(checkpoint.checkpoint_id)
        return "approve"

    with JsonServer(script) as server, Console(server.url, task="mine", on_checkpoint=policy) as console:
        assert console.wait(20)
        sent = [message for message in server.peer.messages if message["type"] == "checkpoint.resolve"]
    assert asked == ["cp-mine"]
    assert [message["payload"]["checkpointId"] for message in sent] == ["cp-mine"]
    assert list(console.checkpoints.index) == ["cp-mine"]
    assert (list(console.tasks.index), len(console.errors), console.run.status) == (["mine"], 0, "completed")


@pytest.mark.parametrize("stamps", ["2026-01-01T00:00:01Z", "2026-01-01T00:00:01.250Z"])
@pytest.mark.parametrize("wire", ["json", "socketio"])
def test_each_line_of_one_moment_is_a_row(wire: str, stamps: str) -> None:
    text = json.dumps({f"key {n}": [{"a": []}, {"a": []}] for n in range(20)}, indent=1)
    lines = text.splitlines(keepends=True)
    frames = [
        {"type": "task.output", "timestamp": stamps, "payload": {"taskId": "t", "stream": "stdout", "data": line}}
        for line in lines
    ]
    errors = [{"type": "error", "timestamp": stamps, "data": {"message": "no", "error_type": "E"}}] * 10
    end = of("e1", "execution_completed", status="success")
    everything = [*frames, *errors, end]
    with (
        JsonServer(everything if wire == "json" else []) as plain,
        SocketIoServer() as rooms,
        Console(plain.url if wire == "json" else rooms.url, execution="e1") as console,
    ):
        if wire == "socketio":
            rooms.until("request_catch_up")
            rooms.emit(*((frame["type"], frame) for frame in everything))
        assert console.wait(20)
    assert "".join(console.output.text) == text
    assert len(console.errors) == 10
    assert console.events.type.isin(["task.output", "error"]).sum() == len(lines) + 10
    assert console.links.duplicates.sum() == 0
