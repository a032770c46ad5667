"""The tRPC wire on every kind of server: @trpc/server 11.25, 11.7, 11.0 and 10.45, with and without superjson."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from runconsole.events import Received
from runconsole.protocols.base import Request, StreamEnded, StreamRefused
from runconsole.protocols.trpc import calls as trpc_calls
from runconsole.protocols.trpc.wire import TrpcWire
from tests.protocols.trpc.trpc_link import Link, event, numbers, question, steps
from tests.servers.node import TrpcServer

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSIONS = ["11", "11.7", "11.0", "10"]


@pytest.fixture(scope="module", params=itertools.product(VERSIONS, [False, True]), ids=lambda it: f"{it[0]}-{it[1]}")
def server(request: pytest.FixtureRequest) -> Iterator[TrpcServer]:
    """Every kind of server, shared by the tests that leave it as it was."""
    version, superjson = request.param
    with TrpcServer(trpc=version, superjson=superjson) as running:
        yield running


@pytest.fixture
def task() -> str:
    """A task of the test's own."""
    return f"task-{next(numbers)}"


@pytest.mark.parametrize("path", ["stream.taskProgress", "tasks.onTaskEvent"])
async def test_events_arrive_as_they_were_sent(server: TrpcServer, task: str, path: str) -> None:
    async with Link(TrpcWire(path, task), server.url) as link:
        await link.live()
        server.emit(*(event(task, number) for number in range(3)))
        events = await link.events(3)
    assert steps(events) == [0, 1, 2]
    delivered = [it for it in server.log()["deliveries"] if it["event"]["payload"]["taskId"] == task]
    assert [it["event"] for it in delivered] == [event(task, number) for number in range(3)]
    tracked = path == "stream.taskProgress" and server.options["trpc"] != "10"
    assert [it.offset for it in events] == [it["id"] if tracked else None for it in delivered]


@pytest.mark.parametrize("input_", [None, {}])
async def test_a_stream_of_everything_needs_no_input(server: TrpcServer, task: str, input_: Any) -> None:
    async with Link(TrpcWire("stream.systemEvents", input_), server.url) as link:
        await link.live()
        server.emit(event(task, 1))
        assert steps(await link.events(1)) == [1]


async def test_the_end_of_a_stream_is_no_failure(server: TrpcServer, task: str) -> None:
    async with Link(TrpcWire("stream.taskProgress", task), server.url) as link:
        await link.live()
        server.command("end")
        await link.first(StreamEnded)
        assert link.wire.drained
    async with Link(TrpcWire("stream.taskProgress", task), server.url) as link:
        await link.live()
        server.emit(event(task, 1))
        await link.events(1)
        server.command("fail", code="plain", message="boom")
        refused = await link.first(StreamRefused)
        reply = await link.call(Request("query", "debug.echo", 5))
    assert (refused.code, refused.fatal) == ("INTERNAL_SERVER_ERROR", False)
    assert refused.reason == "the server broke off stream.taskProgress: boom (INTERNAL_SERVER_ERROR)"
    assert reply.value == 5
    assert not link.every(StreamEnded)


@pytest.mark.parametrize(
    ("path", "input_", "code"),
    [
        ("stream.nope", "t", "NOT_FOUND"),
        ("tasks.cancel", "t", "NOT_FOUND"),
        ("stream.taskProgress", "missing-1", "NOT_FOUND"),
        ("stream.taskProgress", {"no": "string"}, "BAD_REQUEST"),
        ("stream.taskProgress", None, "BAD_REQUEST"),
        ("stream.notASubscription", None, "INTERNAL_SERVER_ERROR"),
    ],
)
async def test_a_refusal_without_remedy_is_fatal(server: TrpcServer, path: str, input_: Any, code: str) -> None:
    async with Link(TrpcWire(path, input_), server.url) as link:
        refused = await link.first(StreamRefused)
    assert (refused.code, refused.fatal) == (code, True)
    assert "\n" not in refused.reason
    assert "file:" not in refused.reason


async def test_after_our_stop_nothing_comes_any_more(server: TrpcServer, task: str) -> None:
    async with Link(TrpcWire("stream.taskProgress", task), server.url) as link:
        await link.live()
        await link.send(*link.wire.close())
        await link.until(lambda: link.wire.drained)
        server.emit(event(task, 1))
        assert (await link.call(Request("query", "debug.echo"))).error is None
        assert not link.every(Received)
        assert not link.every(StreamEnded)


@pytest.mark.parametrize("path", ["checkpoints.resolve", "checkpoints.decide"])
async def test_a_decision_counts_once_and_its_answer_comes_back(server: TrpcServer, task: str, path: str) -> None:
    server.emit(question(task, f"cp-{task}-{path}"))
    async with Link(TrpcWire("stream.taskProgress", task, decide=path), server.url) as link:
        await link.live()
        granted = await link.decide(f"cp-{task}-{path}", feedback="ship it", modifications={"a": [1, {"b": None}]})
        again = await link.decide(f"cp-{task}-{path}", "reject")
        unknown = await link.decide("cp-nowhere")
        invalid = await link.decide(f"cp-{task}-{path}", "dance")
    assert granted.error is None
    assert granted.value["checkpoint"]["status"] == "decided"
    assert isinstance(granted.value["decision"]["decidedAt"], str)
    assert (again.code, again.error) == ("CONFLICT", f"Checkpoint cp-{task}-{path} was already decided")
    assert unknown.code == "CHECKPOINT_NOT_FOUND"
    assert invalid.code == "BAD_REQUEST"
    assert invalid.error is not None
    assert invalid.error.startswith(("decision: Invalid enum value", "action: Invalid enum value"))
    executed = [
        it["input"] for it in server.log()["mutations"] if it["input"].get("checkpointId", "").startswith(f"cp-{task}")
    ]
    choice = (
        {"decision": "approve"} if path == "checkpoints.resolve" else {"action": "approve", "selectedOption": "approve"}
    )
    assert executed == [
        {"checkpointId": f"cp-{task}-{path}", "feedback": "ship it", "modifications": {"a": [1, {"b": None}]}} | choice
    ]


async def test_the_backends_calls_are_understood(server: TrpcServer, task: str) -> None:
    server.emit(event(task, 1), question(task, f"cp-{task}"))
    async with Link(TrpcWire("stream.taskProgress", task), server.url) as link:
        await link.live()
        for request in (
            trpc_calls.cancel(task),
            trpc_calls.pause(task),
            trpc_calls.resume(task, "go on"),
            trpc_calls.retry(task),
        ):
            assert (await link.call(request)).value == {"success": True, "message": f"{request.name} {task}"}
        assert (await link.call(trpc_calls.task(task))).value == {"id": task, "status": "task.hitl_required"}
        assert (await link.call(trpc_calls.checkpoint(f"cp-{task}"))).value["status"] == "pending"
        for request in (
            trpc_calls.pending_decisions(task),
            trpc_calls.pending_checkpoints(task),
        ):
            assert [it["checkpointId"] for it in (await link.call(request)).value] == [f"cp-{task}"]
        assert len((await link.call(trpc_calls.pending_decisions())).value) >= 1
        missing = await link.call(trpc_calls.cancel("missing"))
        nothing = await link.call(Request("mutation", "debug.nothing"))
    assert (missing.code, missing.error) == ("NOT_FOUND", "Task not found")
    assert (nothing.value, nothing.error) == (None, None)


async def test_a_batch_of_events_is_its_events(server: TrpcServer) -> None:
    async with Link(TrpcWire("stream.batches"), server.url) as link:
        await link.first(StreamEnded)
    assert [it.type for it in link.every(Received)] == ["one", "two"]
