"""The tRPC wire against real servers: @trpc/server 11.25, 11.7, 11.0 and 10.45, with and without superjson."""

from __future__ import annotations

import asyncio
import itertools
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any, Self, TypeVar

import pytest
import websockets

from runconsole.events import DecisionRequested, Received
from runconsole.wire import trpc_calls
from runconsole.wire.handover import Handover
from runconsole.wire.signals import (
    Established,
    ReconnectAsked,
    Reply,
    Request,
    Send,
    Signal,
    StreamEnded,
    StreamRefused,
)
from runconsole.wire.trpc import TrpcWire
from tests.servers.node import TrpcServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType

S = TypeVar("S", bound=Signal)
VERSIONS = ["11", "11.7", "11.0", "10"]
PATIENCE = 20.0
numbers = itertools.count(1)


class Link:
    """A plain WebSocket loop around a wire, and everything the wire said."""

    def __init__(self, wire: TrpcWire, url: str, **options: Any) -> None:
        self.wire = wire
        self.signals: list[Signal] = []
        self.through: Callable[[list[Signal]], list[Signal]] = list
        self.applied: list[Signal] = []
        self._connect = websockets.connect(url, proxy=None, close_timeout=1, **options)
        self._news = asyncio.Event()
        self.closed = False

    async def __aenter__(self) -> Self:
        self._socket = await self._connect
        for frame in self.wire.open():
            await self._socket.send(frame)
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._socket.close()
        await self._reader

    async def _read(self) -> None:
        with suppress(websockets.ConnectionClosed):
            while True:
                signals = self.wire.receive(await self._socket.recv(), time.time_ns() // 1000)
                self.signals += signals
                self.applied += self.through(signals)
                for signal in signals:
                    if isinstance(signal, Send):
                        await self._socket.send(signal.frame)
                self._news.set()
        self.closed = True
        self._news.set()

    async def send(self, *frames: str) -> None:
        for frame in frames:
            await self._socket.send(frame)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for the condition to hold; it is looked at after each frame."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._news.clear()
                await self._news.wait()

    def every(self, kind: type[S]) -> list[S]:
        return [signal for signal in self.signals if isinstance(signal, kind)]

    async def first(self, kind: type[S]) -> S:
        await self.until(lambda: self.every(kind))
        return self.every(kind)[0]

    async def live(self) -> Self:
        await self.first(Established)
        return self

    async def events(self, count: int) -> list[Received]:
        await self.until(lambda: len(self.every(Received)) >= count)
        return self.every(Received)

    async def call(self, request: Request) -> Reply:
        outgoing = self.wire.call(request)
        return await self._reply(outgoing.request_id, outgoing.frame)

    async def decide(self, checkpoint_id: str, option: str = "approve", **fields: Any) -> Reply:
        decision = DecisionRequested(0, f"decision-{next(numbers)}", checkpoint_id, option, **fields)
        outgoing = self.wire.decide(decision, None)
        return await self._reply(outgoing.request_id, outgoing.frame)

    async def _reply(self, request_id: str, frame: str) -> Reply:
        await self.send(frame)
        await self.until(lambda: any(reply.request_id == request_id for reply in self.every(Reply)))
        return next(reply for reply in self.every(Reply) if reply.request_id == request_id)


def event(task_id: str, number: int) -> dict[str, Any]:
    payload = {"taskId": task_id, "progress": number, "currentStep": f"krok {number} 🐴"}
    return {"type": "task.progress", "payload": payload, "timestamp": "2025-01-15T10:30:00.000Z"}


def question(task_id: str, checkpoint_id: str) -> dict[str, Any]:
    payload = {"taskId": task_id, "checkpointId": checkpoint_id, "title": "Go on?", "options": ["approve", "reject"]}
    return {"type": "task.hitl_required", "payload": payload, "timestamp": "2025-01-15T10:30:00.000Z"}


def steps(events: Iterable[Received]) -> list[int]:
    return [getattr(event.fact, "progress", -1) for event in events]


def without_seen_offsets(signals: list[Signal]) -> Iterator[Received]:
    """Give the events that a session would take: each offset once."""
    seen: set[str] = set()
    for signal in signals:
        if isinstance(signal, Received) and (signal.offset is None or signal.offset not in seen):
            yield signal
            seen.add(signal.offset or "")


@pytest.fixture
def serve() -> Iterator[Callable[..., TrpcServer]]:
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(TrpcServer(**options))


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


# ---- on every kind of server ---------------------------------------------------------------------------------------


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


async def test_the_end_of_a_stream_and_its_failure_are_told_apart(server: TrpcServer, task: str) -> None:
    async with Link(TrpcWire("stream.taskProgress", task), server.url) as link:
        await link.live()
        server.tell("end")
        await link.first(StreamEnded)
        assert link.wire.drained
    async with Link(TrpcWire("stream.taskProgress", task), server.url) as link:
        await link.live()
        server.emit(event(task, 1))
        await link.events(1)
        server.tell("fail", code="plain", message="boom")
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
async def test_what_no_retry_can_help_is_refused_for_good(
    server: TrpcServer, path: str, input_: Any, code: str
) -> None:
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


@pytest.mark.parametrize("version", ["11", "10"])
@pytest.mark.parametrize("superjson", [False, True])
async def test_a_transformer_told_wrong_is_named(
    serve: Callable[..., TrpcServer], version: str, *, superjson: bool
) -> None:
    server = serve(trpc=version, superjson=superjson)
    for input_ in ("task", None):
        wire = TrpcWire("stream.taskProgress", input_, transformer="none" if superjson else "superjson")
        async with Link(wire, server.url) as link:
            refused = await link.first(StreamRefused)
        assert refused.fatal
        assert f'pass transformer="{"superjson" if superjson else "none"}"' in refused.reason


async def test_zod_4_tells_its_issues_too(serve: Callable[..., TrpcServer]) -> None:
    async with Link(TrpcWire("stream.taskEvents", {"taskId": 5}), serve(zod=4).url) as link:
        refused = await link.first(StreamRefused)
    assert "taskId: Invalid input: expected string, received number" in refused.reason


# ---- resuming ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("superjson", [False, True])
@pytest.mark.parametrize(("path", "input_"), [("stream.taskEvents", {"taskId": "t"}), ("stream.systemEvents", None)])
async def test_after_a_crash_the_stream_goes_on_where_it_was(
    serve: Callable[..., TrpcServer], path: str, input_: Any, *, superjson: bool
) -> None:
    server = serve(superjson=superjson)
    wire = TrpcWire(path, input_)
    async with Link(wire, server.url) as link:
        await link.live()
        server.emit(*(event("t", number) for number in range(3)))
        before = await link.events(3)
        server.tell("drop")
        await link.until(lambda: link.closed)
    server.emit(*(event("t", number) for number in range(3, 6)))
    with server.restarted() as again:
        async with Link(wire, again.url) as link:
            assert wire.resumes_from == "3"
            after = await link.events(3)
            again.emit(event("t", 6))
            after = await link.events(4)
        assert again.log()["subscriptions"][0]["lastEventId"] == "3"
    assert steps(before + after) == [0, 1, 2, 3, 4, 5, 6]


async def test_a_server_that_takes_no_mark_is_asked_again_without_it(serve: Callable[..., TrpcServer]) -> None:
    server = serve()
    wire = TrpcWire("stream.strictTaskEvents", {"taskId": "t"})
    async with Link(wire, server.url) as link:
        await link.live()
        server.emit(event("t", 1))
        await link.events(1)
    async with Link(wire, server.url) as link:
        await link.live()
        server.emit(event("t", 2))
        assert steps(await link.events(1)) == [2]
        assert wire.resume_refused is not None
        assert "lastEventId" in wire.resume_refused
        assert wire.resumes_from is None
        assert not link.every(StreamRefused)


async def test_a_stream_whose_input_is_a_string_cannot_go_on_and_says_so(serve: Callable[..., TrpcServer]) -> None:
    server = serve()
    wire = TrpcWire("stream.taskProgress", "t")
    async with Link(wire, server.url) as link:
        await link.live()
        server.emit(event("t", 1))
        await link.events(1)
    async with Link(wire, server.url) as link:
        await link.live()
        assert wire.last_event_id == "1"
        assert wire.resumes_from is None


# ---- who may come in -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "place"), [("11", "header"), ("11", "query"), ("11", "params"), ("11.7", "params"),
                                                ("10", "header"), ("10", "query")])  # fmt: skip
@pytest.mark.parametrize("superjson", [False, True])
async def test_a_token_opens_the_door_and_a_wrong_one_is_refused_for_good(
    serve: Callable[..., TrpcServer],
    version: str,
    place: str,
    *,
    superjson: bool,
) -> None:
    server = serve(trpc=version, superjson=superjson, auth={"token": "s3cret", "in": place, "at": "context"})
    for token in ("s3cret", "wrong-one"):
        options: dict[str, Any] = (
            {"additional_headers": {"Authorization": f"Bearer {token}"}} if place == "header" else {}
        )
        url = {"header": "", "query": f"/?token={token}", "params": "/?connectionParams=1"}[place]
        wire = TrpcWire("stream.systemEvents", connection_params={"token": token} if place == "params" else None)
        async with Link(wire, server.url + url, **options) as link:
            if token == "s3cret":  # noqa: S105
                await link.live()
                assert (await link.call(Request("query", "debug.echo", 5))).value == 5
            else:
                refused = await link.first(StreamRefused)
                assert (refused.code, refused.fatal) == ("UNAUTHORIZED", True)
                await link.until(lambda: link.closed)
                assert not link.every(Established)


async def test_procedures_may_check_for_themselves(serve: Callable[..., TrpcServer]) -> None:
    server = serve(auth={"token": "s3cret", "in": "header", "at": "procedure"})
    async with Link(TrpcWire("stream.systemEvents"), server.url) as link:
        refused = await link.first(StreamRefused)
        reply = await link.call(trpc_calls.cancel("t"))
    assert (refused.code, refused.fatal) == ("UNAUTHORIZED", True)
    assert (reply.code, reply.error) == ("UNAUTHORIZED", "Not authenticated")


@pytest.mark.parametrize("superjson", [False, True])
async def test_trpc_10_says_that_it_knows_no_connection_parameters(
    serve: Callable[..., TrpcServer], *, superjson: bool
) -> None:
    server = serve(trpc="10", superjson=superjson)
    wire = TrpcWire("stream.systemEvents", connection_params={"token": "s3cret"})
    async with Link(wire, f"{server.url}/?connectionParams=1") as link:
        refused = await link.first(StreamRefused)
    assert refused.fatal
    assert "connection parameters (tRPC 10 has none)" in refused.reason


async def test_a_server_that_waits_for_connection_parameters_says_so(serve: Callable[..., TrpcServer]) -> None:
    async with Link(TrpcWire("stream.systemEvents"), f"{serve().url}/?connectionParams=1") as link:
        refused = await link.first(StreamRefused)
    assert refused.fatal
    assert "waits for connection parameters" in refused.reason


# ---- a link that breaks --------------------------------------------------------------------------------------------


async def test_keep_alive_questions_are_answered(serve: Callable[..., TrpcServer]) -> None:
    server = serve(keepAlive={"pingMs": 50, "pongWaitMs": 1000})
    async with Link(TrpcWire("stream.systemEvents"), server.url) as link:
        await link.until(lambda: len([signal for signal in link.every(Send) if signal.frame == "PONG"]) >= 3)
        assert not link.closed
    assert [it["text"] for it in server.log()["received"]].count("PONG") >= 2


@pytest.mark.parametrize("version", ["11", "10"])
async def test_a_lost_reply_leaves_the_decision_unanswered_and_is_never_sent_again(
    serve: Callable[..., TrpcServer], version: str
) -> None:
    server = serve(trpc=version, superjson=True)
    server.emit(question("t", "cp"))
    server.tell("replies", mode="lose")
    wire = TrpcWire("stream.systemEvents")
    async with Link(wire, server.url) as link:
        await link.live()
        outgoing = wire.decide(DecisionRequested(0, "d-1", "cp", "approve"), "t")
        await link.send(outgoing.frame)
        await link.until(lambda: link.closed)
        assert wire.lost() == ["d-1"]
    async with Link(wire, server.url) as link:
        await link.live()
        assert (await link.call(trpc_calls.checkpoint("cp"))).value["status"] == "decided"
        assert (await link.decide("cp")).code == "CONFLICT"
    assert len(server.log()["mutations"]) == 1


async def switch(old: Link, server: TrpcServer, more: list[dict[str, Any]]) -> None:
    """Change to a new connection as `handover` says; something happens at every step."""
    successor = old.wire.successor()
    handover = Handover(successor)
    old.through = handover.from_old
    new = Link(successor, server.url)
    new.through, new.applied = handover.from_new, old.applied
    server.emit(more[0])
    async with new:
        server.emit(more[1])
        await new.live()
        assert handover.established
        server.emit(more[2])
        await old.send(*old.wire.close())
        server.emit(more[3])
        await old.until(lambda: old.wire.drained)
        server.emit(more[4])
        await new.until(lambda: steps(new.every(Received))[-1:] == [more[-1]["payload"]["progress"]])
        new.applied += handover.finish()


@pytest.mark.parametrize("version", ["11", "11.0", "10"])
@pytest.mark.parametrize(
    ("path", "input_"),
    [("stream.taskEvents", {"taskId": "t"}), ("stream.taskProgress", "t"), ("tasks.onTaskEvent", "t")],
)
async def test_a_reconnect_that_the_server_asks_for_loses_and_doubles_nothing(
    serve: Callable[..., TrpcServer], version: str, path: str, input_: Any
) -> None:
    server = serve(trpc=version, superjson=True)
    async with Link(TrpcWire(path, input_), server.url) as old:
        await old.live()
        server.emit(event("t", 0), event("t", 1))
        await old.events(2)
        server.tell("reconnect")
        await old.first(ReconnectAsked)
        await switch(old, server, [event("t", number) for number in range(2, 7)])
    assert steps(without_seen_offsets(old.applied)) == [0, 1, 2, 3, 4, 5, 6]


async def test_a_reply_still_owed_comes_over_the_old_connection(serve: Callable[..., TrpcServer]) -> None:
    server = serve()
    server.emit(question("t", "cp"))
    server.tell("replies", mode="hold")
    async with Link(TrpcWire("stream.systemEvents"), server.url) as old:
        await old.live()
        await old.send(old.wire.decide(DecisionRequested(0, "d-1", "cp", "approve"), "t").frame)
        server.tell("reconnect")
        await old.first(ReconnectAsked)
        async with Link(old.wire.successor(), server.url) as new:
            await new.live()
            await old.send(*old.wire.close())
            await old.until(lambda: old.wire.drained)
            assert old.wire.pending == ["d-1"]
            server.tell("release")
            assert (await old.first(Reply)).error is None
            assert old.wire.pending == []
            assert not new.every(Reply)
