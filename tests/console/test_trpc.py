"""The whole console against real tRPC servers: follow, resume, hand over, decide, call."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from runconsole import CallRefused, Console, ConsoleFailed, DecisionRefused, DecisionUnknown
from tests.servers.node import TrpcServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VARIANTS = [
    pytest.param({"trpc": version, "superjson": superjson}, id=f"{version}-{'superjson' if superjson else 'plain'}")
    for version in ("11", "10")
    for superjson in (True, False)
]


@pytest.fixture
def serve() -> Iterator[Callable[..., TrpcServer]]:
    servers: list[TrpcServer] = []

    def start(**options: Any) -> TrpcServer:
        servers.append(TrpcServer(**options))
        return servers[-1]

    yield start
    for server in servers:
        if server.is_running:
            server.kill()


def until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "the condition never held"
        time.sleep(0.02)


def event(kind: str, **payload: Any) -> dict[str, Any]:
    return {"type": kind, "payload": {"taskId": "t1", **payload}, "timestamp": "2026-01-01T00:00:00.000Z"}


def steps(first: int, last: int) -> list[dict[str, Any]]:
    """Return progress events of which each has its own step."""
    return [event("task.progress", progress=0, currentStep=f"step {n}") for n in range(first, last + 1)]


def checkpoint(name: str = "cp1") -> dict[str, Any]:
    options = [{"id": "approve", "label": "Approve"}, {"id": "reject", "label": "Reject"}]
    return event("task.hitl_required", checkpointId=name, title="Ship?", options=options)


def seen(console: Console) -> list[str]:
    payloads = console.table("task.progress")
    return [] if payloads.empty else payloads["currentStep"].tolist()


def connected(server: TrpcServer, console: Console) -> None:
    until(lambda: server.log()["subscriptions"])
    until(lambda: console.status == "live")


def test_a_server_that_answers_426_is_waited_for(
    serve: Callable[..., TrpcServer],
) -> None:
    server = serve()
    with Console(server.url, protocol="trpc", task="t1") as console:
        connected(server, console)
        server.emit(*steps(1, 3))
        until(lambda: len(seen(console)) == 3)
        server.command("leave", attempts=4)
        until(lambda: server.log()["attempts"] >= 6 and console.status == "live")
        server.emit(*steps(4, 5), event("task.completed"))
        assert console.wait(30)
        assert seen(console) == [f"step {number}" for number in range(1, 6)]
        assert "426" in " ".join(console.links["reason"].dropna())


@pytest.mark.parametrize("options", VARIANTS)
def test_a_task_is_followed_and_its_question_answered(
    serve: Callable[..., TrpcServer], options: dict[str, Any]
) -> None:
    server = serve(**options)
    with Console(server.url, protocol="trpc", task="t1") as console:
        connected(server, console)
        server.emit(event("task.started", workerId="w"), *steps(1, 3), checkpoint())
        until(lambda: console.pending)
        decision = console.decide("cp1", "approve", feedback="ship it")
        assert decision.state in {"acknowledged", "applied"}
        server.emit(event("task.completed", result={"success": True}))
        assert console.wait(30)
        assert console.tasks.loc["t1", "status"] == "completed"
        assert seen(console) == ["step 1", "step 2", "step 3"]
    mutations = server.log()["mutations"]
    assert len(mutations) == 1
    assert mutations[0]["input"] == {"checkpointId": "cp1", "decision": "approve", "feedback": "ship it"}


def test_a_restarted_server_loses_and_doubles_nothing(
    serve: Callable[..., TrpcServer],
) -> None:
    server = serve(superjson=True)
    with Console(server.url, protocol="trpc") as console:
        connected(server, console)
        server.emit(*steps(1, 20))
        until(lambda: len(seen(console)) == 20)
        with server.restarted() as again:
            again.emit(*steps(21, 40))
            until(lambda: len(seen(console)) >= 40)
            assert seen(console) == [f"step {n}" for n in range(1, 41)]
            until(lambda: console.links["recovered"].notna().any())
            said = console.links.dropna(subset="recovered").iloc[-1]
            assert said["missed"] == 0


def test_a_reconnect_on_request_loses_and_doubles_nothing(serve: Callable[..., TrpcServer]) -> None:
    server = serve()
    with Console(server.url, protocol="trpc") as console:
        connected(server, console)
        server.emit(*steps(1, 10))
        until(lambda: len(seen(console)) == 10)
        server.command("reconnect")
        server.emit(*steps(11, 20))
        until(lambda: server.log()["connections"] == 2)
        server.emit(*steps(21, 30))
        until(lambda: len(seen(console)) >= 30)
        assert seen(console) == [f"step {n}" for n in range(1, 31)]
        until(lambda: server.log()["closed"] == 1)
        assert console.status == "live"


@pytest.mark.parametrize("place", ["header", "query", "params"])
def test_a_good_token_is_accepted_wherever_it_goes(serve: Callable[..., TrpcServer], place: Any) -> None:
    server = serve(auth={"token": "s3cret-token", "in": place, "at": "context"})
    with Console(server.url, protocol="trpc", token="s3cret-token", auth=place) as console:
        connected(server, console)
        assert "s3cret" not in repr(console) + str(console.links.to_dict()) + json.dumps(console.summary, default=str)


@pytest.mark.parametrize("at", ["upgrade", "context"])
def test_a_refused_token_is_said_once_and_makes_no_storm(serve: Callable[..., TrpcServer], at: str) -> None:
    server = serve(auth={"token": "right", "in": "header", "at": at})
    with Console(server.url, protocol="trpc", token="wrong-token") as console:
        with pytest.raises(ConsoleFailed) as failed:
            console.wait(30)
        assert "wrong-token" not in str(failed.value)
        assert server.log()["attempts"] <= 2


def test_a_question_missed_offline_is_found_by_a_query(serve: Callable[..., TrpcServer]) -> None:
    server = serve()
    server.emit(checkpoint("cp-early"))
    with Console(server.url, protocol="trpc", task="t1") as console:
        until(lambda: console.pending)
        assert console.pending[0].title == "Ship?"
        console.decide("cp-early", "reject")
        assert server.log()["mutations"][0]["input"]["decision"] == "reject"


def test_a_task_that_ended_offline_is_found_by_a_query(serve: Callable[..., TrpcServer]) -> None:
    server = serve()
    with Console(server.url, protocol="trpc", task="t1") as console:
        connected(server, console)
        server.emit(event("task.started"))
        until(lambda: len(console.tasks))
        memory = server.command("memory")
        memory["tasks"] = [["t1", {"id": "t1", "status": "completed"}]]
        server.kill()
        serve(port=server.port, memory=memory)
        assert console.wait(30)
        assert console.tasks.loc["t1", "status"] == "completed"


def test_a_lost_reply_is_unknown_and_never_sent_again(serve: Callable[..., TrpcServer]) -> None:
    server = serve()
    with Console(server.url, protocol="trpc", task="t1") as console:
        connected(server, console)
        server.emit(checkpoint())
        until(lambda: console.pending)
        server.command("replies", mode="lose")
        with pytest.raises(DecisionUnknown):
            console.decide("cp1", "approve")
        until(lambda: console.status == "live")
        assert len(server.log()["mutations"]) == 1


def test_a_checkpoint_decided_elsewhere_is_refused(serve: Callable[..., TrpcServer]) -> None:
    server = serve()
    with (
        Console(server.url, protocol="trpc", task="t1") as one,
        Console(server.url, protocol="trpc", task="t1") as two,
    ):
        until(lambda: len(server.log()["subscriptions"]) == 2)
        server.emit(checkpoint())
        until(lambda: one.pending and two.pending)
        one.decide("cp1", "approve")
        with pytest.raises(DecisionRefused):
            two.decide("cp1", "reject")
        assert two.checkpoints.loc["cp1", "decided_by"] == "other"


def test_tasks_are_cancelled_paused_resumed_and_retried(serve: Callable[..., TrpcServer]) -> None:
    server = serve(superjson=True)
    with Console(server.url, protocol="trpc", task="t1") as console:
        connected(server, console)
        server.emit(event("task.started"))
        console.pause("t1")
        console.resume("t1", feedback="go on")
        console.cancel("t1")
        console.retry("t1", from_checkpoint="cp0")
        with pytest.raises(CallRefused):
            console.cancel(7)  # type: ignore[arg-type]
    names = [mutation["path"] for mutation in server.log()["mutations"]]
    assert names[:4] == ["tasks.pause", "tasks.resume", "tasks.cancel", "tasks.retry"]
