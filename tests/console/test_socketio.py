"""The whole console against a real Socket.IO server: join, catch up, decide, fail."""

from __future__ import annotations

import functools
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from runconsole import Console, ConsoleFailed, DecisionRefused, Reconnect, RunInterrupted
from tests.servers.devmatrix_server import DevmatrixServer
from tests.servers.socketio_server import SocketIoServer

if TYPE_CHECKING:
    from collections.abc import Callable

ROOMS: list[str | None] = ["execution_e1", "discovery_e1"]
BOTH = {"join_execution": {"execution_id": "e1"}, "join_discovery": {"session_id": "e1"}}


def until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "the condition never held"
        time.sleep(0.02)


def event(kind: str, number: int = 0, **data: Any) -> tuple[str, dict[str, Any]]:
    return kind, {"type": kind, "timestamp": f"2026-01-01T00:00:00.{number:06}Z", "data": data}


def update(number: int) -> tuple[str, dict[str, Any]]:
    return event("progress_update", number, task_id=f"t{number}", status="completed")


def question() -> tuple[str, dict[str, Any]]:
    options = [{"id": "approve", "label": "Approve"}, {"id": "reject", "label": "Reject"}]
    return event("task.hitl_required", taskId="t1", checkpointId="cp1", title="Ship?", options=options)


def tasks(console: Console) -> list[str]:
    rows = console.events
    return [json.loads(text)["task_id"] for text in rows[rows.type == "progress_update"].payload]


def names(first: int, last: int) -> list[str]:
    return [f"t{number}" for number in range(first, last + 1)]


def test_an_execution_is_followed_to_its_end() -> None:
    with SocketIoServer(token="right") as server, Console(server.url, execution="e1", token="right") as console:
        until(lambda: console.status == "live")
        server.until("request_catch_up")
        server.emit(*(update(n) for n in range(3)), rooms=["execution_e1"])
        server.emit(event("execution_completed", execution_id="e1", status="success"), rooms=["execution_e1"])
        assert console.wait(20)
    assert tasks(console) == names(0, 2)


def test_events_of_two_rooms_and_a_replay_are_there_once() -> None:
    with SocketIoServer() as server, Console(server.url, subscribe=BOTH) as console:
        server.until("request_catch_up", 2)
        server.emit(*(update(n) for n in range(5)), rooms=ROOMS, key="e1")
        until(lambda: len(tasks(console)) == 5)
        server.kill()
        until(lambda: console.status == "retrying")
        server.history["e1"] += [update(n) for n in range(5, 8)]
        server.start()
        server.until("request_catch_up", 4)
        server.emit(update(8), rooms=ROOMS, key="e1")
        until(lambda: len(tasks(console)) >= 9)
    assert tasks(console) == names(0, 8)
    assert console.events.event_id.isna().all()
    assert console.links.duplicates.sum() == 5 + 5 + 8 + 1, "5 doubled; 5, then 8 replayed; one doubled"


@pytest.mark.parametrize("refused", [False, True])
def test_a_question_is_answered(refused: bool) -> None:  # noqa: FBT001
    with SocketIoServer() as server, Console(server.url, execution="e1") as console:
        server.until("request_catch_up")
        server.emit(question(), rooms=["execution_e1"])
        until(lambda: console.pending)
        if refused:
            server.answers["cp1"] = {"error": "already decided", "code": "HITL_ALREADY_DECIDED"}
            with pytest.raises(DecisionRefused, match="already decided"):
                console.decide("cp1", "approve")
        else:
            assert console.decide("cp1", "approve", feedback="ship it").state == "acknowledged"
        [sent] = server.until("checkpoint_resolve")
    assert sent["checkpointId"] == "cp1"
    assert sent["decision"] == "approve"


def approval(batch: str = "b1") -> tuple[str, dict[str, Any]]:
    operations = [{"file": "a.py", "operation": "modify", "diff": "-x\n+y\n"}]
    return "approval_request", {"batch_id": batch, "operations": operations}


@pytest.mark.parametrize("option", ["approve", "reject"])
def test_a_batch_of_operations_is_answered_by_its_command(option: str) -> None:
    with DevmatrixServer() as server, Console(server.url, session="s") as console:
        until(lambda: console.status == "live")
        server.send_to_room("s", approval())
        until(lambda: console.pending)
        server.kill()
        until(lambda: console.status == "retrying")
        server.start()
        until(lambda: console.status == "live")
        assert console.decide("b1", option, feedback="seen").state == "acknowledged"
        [sent] = server.until("execute_command")
    timestamp = sent["args"].pop("timestamp")
    assert timestamp.endswith("Z")
    assert sent == {
        "command": "approval_response",
        "args": {"batch_id": "b1", "approved": option == "approve", "feedback": "seen"},
    }


def test_a_batch_of_operations_is_answered_as_the_user_says() -> None:
    with DevmatrixServer() as server, Console(server.url, session="s", decide="my_answer") as console:
        server.sio.on("my_answer", functools.partial(server._command))
        until(lambda: console.status == "live")
        server.send_to_room("s", approval())
        until(lambda: console.pending)
        console.decide("b1", "approve")
        [sent] = server.until("execute_command")
    assert (sent["checkpointId"], sent["decision"]) == ("b1", "approve")


def test_a_refused_token_fails_after_one_try_and_is_not_shown() -> None:
    with SocketIoServer(token="right") as server, Console(server.url, token="wr0ng-one") as console:
        with pytest.raises(ConsoleFailed, match="does not accept us") as failed:
            console.wait(20)
        assert "wr0ng-one" not in f"{failed.value} {console!r} {console.links}"
        assert server.handshakes == 1


def test_a_server_that_only_sends_us_away_interrupts_the_run() -> None:
    done = {"task_id": "t", "status": "completed", "completed_tasks": 1, "total_tasks": 53}
    quickly = Reconnect(first=0.01, longest=0.02)
    with SocketIoServer() as server, Console(server.url, reconnect=quickly) as console:
        sent_away: set[str] = set()
        for number in range(1, 5):
            until(lambda: set(server.sids) - sent_away)  # the client itself, and not what is left of its last visit
            if number == 1:
                server.emit(("progress_update", done))
                until(lambda: console.run.total_tasks == 53)
            sent_away.update(server.sids)
            server.disconnect_all()
        with pytest.raises(RunInterrupted, match="in good order 4 times with 1 of 53 tasks done"):
            console.wait(20)
        assert console.run.status == "interrupted"
