"""The simulator on real sockets: runs, clients, decisions, tokens, channels, and an end without leftovers."""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import sys
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from runconsole.simulator import Refusal, Simulator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

Message = dict[str, Any]
HOURS = 1e6  # a time to decide that no test waits out
SPEC = "cp-101-spec"


class Client:
    """A client that keeps its received messages."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.messages: list[Message] = []
        self._ids = itertools.count(1)

    async def receive(self) -> Message:
        message: Message = json.loads(await self.connection.recv())
        self.messages.append(message)
        return message

    async def until(self, wanted: Callable[[Message], bool]) -> Message:
        """Return the next message that is wanted."""
        while True:
            message = await self.receive()
            if wanted(message):
                return message

    async def until_closed(self) -> tuple[int, str]:
        """Read to the end; return close code and reason."""
        with pytest.raises(ConnectionClosed) as closed:  # noqa: PT012 - whichever read comes last
            while True:
                await self.receive()
        assert closed.value.rcvd is not None
        return closed.value.rcvd.code, closed.value.rcvd.reason

    async def send(self, kind: str, **fields: object) -> Message:
        """Send a message and return the reply with its correlation id."""
        correlation = f"c-{next(self._ids)}"
        await self.connection.send(json.dumps({"type": kind, "correlationId": correlation, **fields}))
        return await self.until(lambda message: message.get("correlationId") == correlation)

    async def resolve(self, checkpoint: str, decision: str, **fields: object) -> Message:
        payload = {"checkpointId": checkpoint, "decision": decision, **fields}
        return await self.send("checkpoint.resolve", payload=payload)

    async def asked(self, checkpoint: str) -> Message:
        """Wait until the checkpoint is asked."""
        return await self.until(
            lambda m: m["type"] == "task.hitl_required" and m["payload"]["checkpointId"] == checkpoint
        )

    @property
    def events(self) -> list[Message]:
        return [message for message in self.messages if "id" in message or "data" in message]


@asynccontextmanager
async def client_of(sim: Simulator, query: str = "", headers: dict[str, str] | None = None) -> AsyncIterator[Client]:
    # Without a limit of its queue the client always reads, also while it closes.
    async with connect(sim.url + query, additional_headers=headers, compression=None, max_queue=None) as connection:
        yield Client(connection)


@pytest.fixture
def tasks() -> Iterator[Simulator]:
    """A fast run of the task family whose questions stay open."""
    with Simulator("tasks", speed=400, decision_timeout=HOURS) as sim:
        yield sim


@pytest.fixture
def execution() -> Iterator[Simulator]:
    with Simulator("execution", speed=0) as sim:
        yield sim


# ---- a run and its clients ------------------------------------------------------------------------------------------


async def test_a_client_gets_every_event_of_an_execution_in_order(execution: Simulator) -> None:
    async with client_of(execution) as client:
        await client.until(lambda m: m["type"] == "execution_completed")
    assert client.messages == execution.events
    assert execution.finished


async def test_the_run_begins_with_the_first_client(execution: Simulator) -> None:
    assert execution.events == []
    async with client_of(execution) as client:
        await client.receive()
    assert await asyncio.to_thread(execution.wait_finished, 30)
    assert execution.events[-1]["type"] == "execution_completed"


async def test_a_run_that_starts_by_itself_needs_no_client() -> None:
    with Simulator("execution", speed=0, autostart=True) as sim:
        assert await asyncio.to_thread(sim.wait_finished, 30)
        assert sim.connections == 0


async def test_a_late_client_first_gets_what_it_missed(tasks: Simulator) -> None:
    async with client_of(tasks) as first:
        await first.asked(SPEC)
        async with client_of(tasks) as late:
            await late.asked(SPEC)
            assert late.messages == first.messages[: len(late.messages)]


async def test_without_replay_a_late_client_gets_only_what_comes() -> None:
    with Simulator("tasks", speed=400, decision_timeout=HOURS, replay="none") as sim:
        async with client_of(sim) as first:
            await first.asked(SPEC)
            async with client_of(sim) as late:
                reply = await late.resolve(SPEC, "approve")
                assert reply["type"] == "checkpoint.resolve.ack"
                await late.until(lambda m: m["type"] == "checkpoint.hitl_decided")
            assert late.events[0] not in first.messages


async def test_a_client_that_comes_again_finds_the_same_run(execution: Simulator) -> None:
    seen = []
    for _ in range(2):
        async with client_of(execution) as client:
            await client.until(lambda m: m["type"] == "execution_completed")
        seen.append(client.messages)
    assert seen[0] == seen[1]
    assert execution.connections == 2


async def test_a_run_of_tasks_closes_its_clients_when_it_is_over() -> None:
    with Simulator("tasks", speed=0) as sim:
        async with client_of(sim) as client:
            assert await client.until_closed() == (1000, "the run is over")
        assert client.messages == sim.events
        async with client_of(sim) as late:
            assert await late.until_closed() == (1000, "the run is over")
        assert late.messages == sim.events


async def test_an_execution_leaves_its_clients_connected() -> None:
    with Simulator("execution", speed=0, close_when_done=True) as sim:
        async with client_of(sim) as client:
            assert (await client.until_closed())[0] == 1000
    with Simulator("execution", speed=0) as sim:
        async with client_of(sim) as client:
            await client.until(lambda m: m["type"] == "execution_completed")
            assert (await client.send("ping"))["type"] == "pong"


async def test_clients_are_counted(tasks: Simulator) -> None:
    async with client_of(tasks) as one, client_of(tasks) as two:
        await one.receive()
        await two.receive()
        assert (tasks.clients, tasks.connections) == (2, 2)
    while tasks.clients:  # noqa: ASYNC110 - the server's thread has no event to wait for
        await asyncio.sleep(0.01)
    assert tasks.connections == 2


# ---- decisions ------------------------------------------------------------------------------------------------------


async def test_a_decision_is_acknowledged_and_then_broadcast(tasks: Simulator) -> None:
    async with client_of(tasks) as one, client_of(tasks) as two:
        await one.asked(SPEC)
        reply = await one.resolve(SPEC, "modify", taskId="task-101", feedback="shorter", modifications={"ttl": 15})
        assert (reply["type"], reply["payload"]) == (
            "checkpoint.resolve.ack",
            {"checkpointId": SPEC, "taskId": "task-101", "decision": "modify"},
        )
        for client in (one, two):
            decided = (await client.until(lambda m: m["type"] == "checkpoint.hitl_decided"))["payload"]
            assert (decided["selectedOption"], decided["feedback"]) == ("modify", "shorter")
            assert decided["modifications"] == {"ttl": 15}
            assert (decided["decidedBy"], decided["autoTriggered"]) == ("user", False)
            assert decided["responseTime"] > 0
    [decision] = tasks.decisions
    assert (decision.checkpoint_id, decision.option, decision.by) == (SPEC, "modify", "user")
    assert [json.loads(frame.text)["payload"]["decision"] for frame in tasks.received] == ["modify"]


async def test_the_first_decision_wins_and_the_second_is_refused(tasks: Simulator) -> None:
    async with client_of(tasks) as one, client_of(tasks) as two:
        await asyncio.gather(one.asked(SPEC), two.asked(SPEC))
        assert (await one.resolve(SPEC, "approve"))["type"] == "checkpoint.resolve.ack"
        refused = await two.resolve(SPEC, "reject")
        assert (refused["type"], refused["payload"]["code"]) == ("error", "HITL_ALREADY_DECIDED")
    assert [decision.option for decision in tasks.decisions] == ["approve"]


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"checkpointId": "cp-404", "decision": "approve"}, "CHECKPOINT_NOT_FOUND"),
        ({"checkpointId": SPEC, "taskId": "task-102", "decision": "approve"}, "CHECKPOINT_NOT_FOUND"),
        ({"checkpointId": SPEC, "decision": "perhaps"}, "INVALID_OPTION"),
        ({"checkpointId": SPEC}, "INVALID_MESSAGE"),
        ({"checkpointId": 7, "decision": "approve"}, "INVALID_MESSAGE"),
        ({"checkpointId": SPEC, "taskId": ["task-101"], "decision": "approve"}, "INVALID_MESSAGE"),
        ({"checkpointId": SPEC, "decision": "approve", "feedback": 7}, "INVALID_MESSAGE"),
        ("approve", "INVALID_MESSAGE"),
    ],
)
async def test_a_decision_that_fits_nothing_is_refused(tasks: Simulator, payload: object, code: str) -> None:
    async with client_of(tasks) as client:
        await client.asked(SPEC)
        refused = await client.send("checkpoint.resolve", payload=payload)
        assert (refused["type"], refused["payload"]["code"]) == ("error", code)
        assert refused["payload"]["message"].endswith(".")
    assert tasks.decisions == []


async def test_a_decision_after_the_deadline_is_refused() -> None:
    with Simulator("tasks", speed=0, close_when_done=False) as sim:
        async with client_of(sim) as client:
            await client.until(lambda m: m["type"] == "checkpoint.timeout" and m["payload"]["checkpointId"] == SPEC)
            refused = await client.resolve(SPEC, "approve")
    assert refused["payload"]["code"] == "CHECKPOINT_EXPIRED"
    assert all(decision.automatic for decision in sim.decisions)


async def test_somebody_else_can_decide_on_the_server(tasks: Simulator) -> None:
    async with client_of(tasks) as client:
        await client.asked(SPEC)
        decision = await asyncio.to_thread(tasks.decide, SPEC, "approve", by="ann")
        assert decision.by == "ann"
        decided = await client.until(lambda m: m["type"] == "checkpoint.hitl_decided")
        assert decided["payload"]["decidedBy"] == "ann"
    with pytest.raises(Refusal, match="already decided"):
        tasks.decide(SPEC, "reject")


async def test_open_questions_can_be_seen_on_the_server(tasks: Simulator) -> None:
    async with client_of(tasks) as client:
        await client.asked(SPEC)
        states = {c.id: c.state for c in tasks.checkpoints}
        assert states[SPEC] == "open"
        await client.resolve(SPEC, "approve")
    assert [d.checkpoint_id for d in tasks.decisions] == [SPEC]


# ---- the protocol around it -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("frame", ["no JSON", "[]", "7", '{"a": NaN}', '"\\ud800"', "[" * 100_000, b"\xff\xfe"])
async def test_an_unreadable_frame_gets_an_error_and_hurts_nobody(tasks: Simulator, frame: str | bytes) -> None:
    async with client_of(tasks) as client:
        await client.connection.send(frame)
        error = await client.until(lambda m: m["type"] == "error")
        assert error["payload"]["code"] == "INVALID_MESSAGE"
        assert (await client.send("ping"))["type"] == "pong"


async def test_an_unknown_message_is_named_in_the_refusal(tasks: Simulator) -> None:
    async with client_of(tasks) as client:
        refused = await client.send("dance")
        assert refused["payload"]["code"] == "UNKNOWN_TYPE"
        assert "'dance'" in refused["payload"]["message"]


async def test_a_subscription_is_confirmed_with_its_channel(tasks: Simulator) -> None:
    async with client_of(tasks) as client:
        reply = await client.send("subscribe", payload={"channel": "task.task-101"})
        assert (reply["type"], reply["payload"]) == ("subscribed", {"channel": "task.task-101"})


@pytest.mark.parametrize("payload", [{"channel": "task.task-102"}, {"channel": "task", "taskId": "task-102"}])
async def test_with_delivery_by_subscription_only_the_channel_comes(payload: Message) -> None:
    with Simulator("tasks", speed=400, delivery="subscribe") as sim:
        async with client_of(sim) as client:
            await client.send("subscribe", payload=payload)
            await client.until_closed()
        own = [event for event in sim.events if event["payload"].get("taskId") == "task-102"]
    assert client.events == own


async def test_a_second_channel_brings_its_past_without_repetition() -> None:
    with Simulator("tasks", speed=400, delivery="subscribe", decision_timeout=HOURS) as sim:
        async with client_of(sim) as client:
            await client.send("subscribe", payload={"channel": "checkpoints"})
            await client.asked(SPEC)
            await client.send("subscribe", payload={"channel": "task.progress", "taskId": "task-101"})
            await client.send("subscribe", payload={"channel": "task.task-101"})
            await client.resolve(SPEC, "reject")
            await client.until(lambda m: m["type"] == "task.cancelled")
        ids = [event["id"] for event in client.events]
        wanted = {event["id"] for event in sim.events if event["payload"].get("taskId") == "task-101"}
    assert len(ids) == len(set(ids))
    assert wanted <= set(ids)


async def test_after_unsubscribing_a_channel_is_silent() -> None:
    with Simulator("tasks", speed=400, delivery="subscribe", decision_timeout=HOURS) as sim:
        async with client_of(sim) as client:
            await client.send("subscribe", payload={"channel": "task.task-101"})
            await client.asked(SPEC)
            assert (await client.send("unsubscribe", payload={"channel": "task.task-101"}))["type"] == "unsubscribed"
            before = len(client.events)
            await client.resolve(SPEC, "reject")
            await client.send("ping")
            assert len(client.events) == before


# ---- tokens ---------------------------------------------------------------------------------------------------------

SECRET = "open sesame"


@pytest.fixture
def locked() -> Iterator[Simulator]:
    with Simulator("execution", speed=0, token=SECRET) as sim:
        yield sim


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("?token=open%20sesame", {}),
        ("", {"Authorization": f"Bearer {SECRET}"}),
    ],
)
async def test_the_right_token_in_query_or_header_is_let_in(
    locked: Simulator, query: str, headers: dict[str, str]
) -> None:
    async with client_of(locked, query, headers) as client:
        assert (await client.receive())["type"] == "execution_started"


@pytest.mark.parametrize("fields", [{"token": SECRET}, {"payload": {"token": SECRET}}])
async def test_the_right_token_in_the_first_message_is_let_in(locked: Simulator, fields: Message) -> None:
    async with client_of(locked) as client:
        assert (await client.send("auth", **fields))["type"] == "authenticated"
        assert (await client.receive())["type"] == "execution_started"


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("?token=guess", {}),
        ("", {"Authorization": "Bearer guess"}),
    ],
)
async def test_a_wrong_token_is_closed_with_4001_and_starts_nothing(
    locked: Simulator, query: str, headers: dict[str, str]
) -> None:
    async with client_of(locked, query, headers) as client:
        assert await client.until_closed() == (4001, "unauthorized")
    assert client.messages == []
    assert locked.events == []


async def test_a_wrong_token_in_a_message_is_refused_and_closed(locked: Simulator) -> None:
    async with client_of(locked) as client:
        refused = await client.send("auth", token="guess")
        assert refused["payload"]["code"] == "UNAUTHORIZED"
        assert await client.until_closed() == (4001, "unauthorized")


async def test_without_a_token_nothing_is_answered_but_a_refusal(locked: Simulator) -> None:
    async with client_of(locked) as client:
        assert (await client.send("ping"))["payload"]["code"] == "UNAUTHORIZED"
    assert locked.events == []


def test_the_token_is_in_no_url_and_no_repr(locked: Simulator) -> None:
    assert SECRET not in repr(locked) + locked.url


async def test_another_path_is_not_found(execution: Simulator) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connect(execution.url + "/nowhere"):
            pass
    assert refused.value.response.status_code == 404


# ---- life -----------------------------------------------------------------------------------------------------------


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("runconsole")]


async def test_stop_ends_clients_and_thread_and_keeps_the_record() -> None:
    sim = Simulator("tasks", speed=400, decision_timeout=HOURS).start()
    assert sim.start() is sim
    async with client_of(sim) as client:
        await client.asked(SPEC)
        stopping = asyncio.create_task(asyncio.to_thread(sim.stop))
        code, _ = await client.until_closed()
        await stopping
    assert code == 1001
    assert threads() == []
    sim.stop()
    assert not sim.running
    assert client.messages == sim.events[: len(client.messages)]
    with pytest.raises(RuntimeError, match="not running"):
        sim.decide(SPEC, "approve")


async def test_started_again_it_plays_a_new_run_on_the_same_port() -> None:
    sim = Simulator("execution", speed=0)
    ports = []
    for _ in range(2):
        with sim:
            ports.append(sim.port)
            async with client_of(sim) as client:
                await client.until(lambda m: m["type"] == "execution_completed")
            assert len(client.messages) == len(sim.events)
    assert ports[0] == ports[1]


async def test_it_can_be_used_in_an_async_block() -> None:
    async with Simulator("execution", speed=0) as sim, client_of(sim) as client:
        assert (await client.receive())["type"] == "execution_started"
    assert threads() == []


def test_a_port_that_is_taken_is_an_error_in_the_caller() -> None:
    with Simulator() as sim:
        with pytest.raises(OSError, match="address already in use"):
            Simulator(port=sim.port).start()
        assert len(threads()) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"family": "chess"}, "family must be 'execution' or 'tasks', not 'chess'"),
        ({"speed": -1}, "speed must be 0"),
        ({"speed": float("nan")}, "speed must be 0"),
        ({"replay": "some"}, "replay must be 'all' or 'none', not 'some'"),
        ({"delivery": "mail"}, "delivery must be 'push' or 'subscribe'"),
        ({"family": "tasks", "failures": 1}, "failures is an option of the 'execution' family"),
        ({"decision_timeout": 5}, "decision_timeout is an option of the 'tasks' family"),
        ({"failures": 99}, "failures must be 0 to 20, not 99"),
    ],
)
def test_options_that_make_no_sense_are_refused_at_once(options: Message, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Simulator(**options)


def test_a_process_that_forgets_to_stop_ends_without_a_word() -> None:
    code = "from runconsole.simulator import Simulator; Simulator('tasks', autostart=True).start()"
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", code]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
