"""Calls by name over each wire, and the commands made of them."""

from __future__ import annotations

import concurrent.futures
import time
from typing import TYPE_CHECKING, Any

import pytest

from runconsole import CallRefused, CallUnanswered, Console, NotConnected
from tests.servers.json_server import JsonServer, Peer, eventually
from tests.servers.node import TrpcServer
from tests.servers.socketio_server import SocketIoServer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def caller() -> Iterator[concurrent.futures.ThreadPoolExecutor]:
    """Yield each calling function without blocking the test."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        yield pool


def test_a_json_call_is_answered_by_its_correlation_id(caller: concurrent.futures.ThreadPoolExecutor) -> None:
    def answer(peer: Peer) -> None:
        peer.send({"type": "task.started", "payload": {"taskId": "t"}})
        asked = peer.expect(lambda message: message["type"] == "tasks.count")
        assert asked.keys() == {"type", "payload", "timestamp", "correlationId"}
        peer.send({"type": "tasks.counted", "payload": {"count": 3}, "correlationId": asked["correlationId"]})
        refused = peer.expect(lambda message: message["type"] == "tasks.drop")
        no = {"code": "FORBIDDEN", "message": "not yours"}
        peer.send({"type": "error", "payload": no, "correlationId": refused["correlationId"]})

    with JsonServer(answer) as server, Console(server.url) as console:
        eventually(lambda: console.status == "live")
        assert caller.submit(console.call, "tasks.count", {"of": "all"}).result(20) == {"count": 3}
        with pytest.raises(CallRefused, match="not yours"):
            console.call("tasks.drop")
        assert (console.status, len(console.errors)) == ("live", 0)


def test_a_socketio_call_is_answered_by_its_acknowledgement() -> None:
    with SocketIoServer() as server, Console(server.url) as console:
        eventually(lambda: console.status == "live")
        server.answers["c"] = {"status": "ok", "left": 2}
        assert console.call("checkpoint_resolve", {"checkpointId": "c"}) == {"status": "ok", "left": 2}


@pytest.mark.parametrize("superjson", [True, False])
def test_a_trpc_call_is_a_mutation_or_a_query(superjson: bool) -> None:  # noqa: FBT001
    server = TrpcServer(superjson=superjson)
    try:
        with Console(server.url, protocol="trpc") as console:
            eventually(lambda: console.status == "live")
            assert console.call("tasks.pause", "t") == {"success": True, "message": "tasks.pause t"}
            assert console.call("debug.echo", {"a": [1]}) == {"a": [1]}
            with pytest.raises(CallRefused, match="procedure"):
                console.call("tasks.nonesuch")
            assert [entry["path"] for entry in server.log()["mutations"]] == ["tasks.pause"]
    finally:
        server.kill()


def test_a_call_without_an_answer_says_so_in_its_time() -> None:
    with JsonServer() as server, Console(server.url) as console:
        eventually(lambda: console.status == "live")
        with pytest.raises(CallUnanswered, match=r"no answer to nobody\.home came within 0\.05 s"):
            console.call("nobody.home", timeout=0.05)


def test_a_call_without_a_link_is_not_sent() -> None:
    console = Console("ws://127.0.0.1:9/ws", start=False)
    with pytest.raises(NotConnected, match=r"tasks\.count was not sent"):
        console.call("tasks.count")


def test_a_task_is_put_back_to_a_restore_point() -> None:
    def moment() -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())

    def event(kind: str, **payload: Any) -> dict[str, Any]:
        return {"type": kind, "payload": {"taskId": "t", **payload}, "timestamp": moment()}

    server = TrpcServer()
    try:
        with Console(server.url, protocol="trpc") as console:
            eventually(lambda: server.log()["subscriptions"])
            server.emit(event("task.checkpoint", checkpointId="cp-1", type="auto", reason="before the build"))
            eventually(lambda: "cp-1" in console.restore_points.index)
            assert console.restore("t", "cp-1", reason="wrong way") == {"restored": "cp-1"}
            server.emit(event("checkpoint.restored", checkpointId="cp-1", reason="wrong way"))
            eventually(lambda: console.restore_points["restored_at"].notna().all())
            row = console.restore_points.loc["cp-1"]
            assert (row["task_id"], row["type"], row["reason"]) == ("t", "auto", "before the build")
            assert (console.pending, len(console.checkpoints)) == ([], 0)
    finally:
        server.kill()
