"""The simulator's tRPC: frames as the real server's, the task family's procedures on a run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from runconsole.simulator import AskReconnect, Simulator
from tests.simulator.trpc_client import Message, trpc_client

HOURS = 1e6
SPEC, ARCHITECTURE = "cp-101-spec", "cp-102-architecture"
SECRET = "open sesame"


def serve(**options: Any) -> Simulator:
    return Simulator("tasks", wire="trpc", **{"speed": 400, "decision_timeout": HOURS} | options)


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with serve() as sim:
        yield sim


def data_of(frame: Message) -> Any:
    return frame["result"]["data"]


# ---- subscriptions --------------------------------------------------------------------------------------------------


async def test_a_subscription_brings_every_event_and_stops() -> None:
    with serve(speed=0, decision_timeout=None) as sim:
        async with trpc_client(sim) as client:
            number = await client.subscribe("stream.systemEvents")
            await client.until(lambda frame: frame["result"]["type"] == "stopped")
        started, *events, stopped = client.frames
        assert (started, stopped) == tuple({"id": number, "result": {"type": kind}} for kind in ("started", "stopped"))
        assert [data_of(frame)["data"] for frame in events] == sim.events
        ids = [frame["result"]["id"] for frame in events]
        assert ids == [data_of(frame)["id"] for frame in events] == [str(n) for n in range(1, len(events) + 1)]


async def test_with_superjson_values_are_wrapped_and_times_are_dates() -> None:
    with serve(superjson=True) as sim:
        async with trpc_client(sim) as client:
            await client.subscribe("stream.systemEvents", input={"json": None, "meta": {"values": ["undefined"]}})
            event = await client.receive()
            assert data_of(event)["json"]["data"] == sim.events[0]
            assert data_of(event)["meta"] == {"values": {"data.timestamp": ["Date"]}, "v": 1}
            answer = await client.call("query", "tasks.get", input={"json": "task-101"})
            assert data_of(answer)["json"]["id"] == "task-101"
            refused = await client.call("query", "tasks.get", input={"json": "task-404"})
            assert refused["error"]["json"]["data"]["code"] == "NOT_FOUND"


async def test_untracked_events_have_no_id() -> None:
    with serve(tracked=False) as sim:
        async with trpc_client(sim) as client:
            await client.subscribe("stream.systemEvents")
            event = await client.receive()
            assert "id" not in event["result"]
            assert data_of(event) == sim.events[0]


@pytest.mark.parametrize(
    ("path", "params", "resumes"),
    [
        ("stream.systemEvents", {}, True),
        ("stream.taskEvents", {"input": {"taskId": "task-101"}}, True),
        ("stream.taskProgress", {"input": "task-101"}, False),
    ],
)
async def test_a_subscription_resumes_where_trpc_can(
    sim: Simulator, path: str, params: Message, *, resumes: bool
) -> None:
    async with trpc_client(sim) as client:
        await client.subscribe(path, **params)
        first, second = await client.receive(), await client.receive()
    async with trpc_client(sim) as client:
        await client.subscribe(path, **params, lastEventId=first["result"]["id"])
        again = await client.receive()
        assert data_of(again) == data_of(second if resumes else first)


@pytest.mark.parametrize(
    ("path", "given", "wanted"),
    [
        ("stream.taskProgress", "task-102", lambda event: event["payload"].get("taskId") == "task-102"),
        ("tasks.onTaskEvent", "task-102", lambda event: event["payload"].get("taskId") == "task-102"),
        (
            "stream.taskOutput",
            "task-101",
            lambda event: event["type"] == "task.output" and event["payload"]["taskId"] == "task-101",
        ),
        (
            "stream.checkpointNotifications",
            None,
            lambda event: event["type"].startswith("checkpoint.") or event["type"] == "task.hitl_required",
        ),
    ],
)
async def test_a_subscription_brings_what_its_path_and_input_say(path: str, given: Any, wanted: Any) -> None:
    with serve(speed=0, decision_timeout=None) as sim:
        async with trpc_client(sim) as client:
            await client.subscribe(path, **({} if given is None else {"input": given}))
            await client.until(lambda frame: frame["result"]["type"] == "stopped")
        events = [data_of(frame) for frame in client.frames if frame["result"]["type"] == "data"]
        expected = [event for event in sim.events if wanted(event)]
        assert [event.get("data", event) for event in events] == expected
        assert expected


async def test_a_stopped_subscription_ends_after_what_has_happened(sim: Simulator) -> None:
    async with trpc_client(sim) as client:
        number = await client.subscribe("stream.systemEvents")
        await client.receive()
        count = len(sim.events)
        await client.connection.send(json.dumps({"id": number, "method": "subscription.stop"}))
        await client.until(lambda frame: frame["result"]["type"] == "stopped")
        assert len(client.frames) - 2 >= count
        await client.connection.send("PING")
        assert await client.receive() == "PONG"


# ---- calls ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "given", "option"),
    [
        ("checkpoints.resolve", {"checkpointId": SPEC, "decision": "modify", "feedback": "shorter"}, "modify"),
        (
            "checkpoints.decide",
            {"checkpointId": SPEC, "action": "approve", "selectedOption": "approve", "modifications": {"n": 1}},
            "approve",
        ),
    ],
)
async def test_a_decision_is_taken_answered_and_broadcast(
    sim: Simulator, path: str, given: Message, option: str
) -> None:
    async with trpc_client(sim) as client:
        await client.subscribe("stream.systemEvents")
        await client.asked(SPEC)
        answer = data_of(await client.call("mutation", path, input=given))
        assert answer["decision"]["selectedOption"] == option
        assert answer["checkpoint"]["status"] == "decided"
        assert answer["task"]["id"] == "task-101"
        await client.until(lambda frame: data_of(frame)["data"]["type"] == "checkpoint.hitl_decided")
    [decision] = sim.decisions
    assert (decision.option, decision.feedback) == (option, given.get("feedback"))


async def test_a_shared_action_means_the_default_option(sim: Simulator) -> None:
    async with trpc_client(sim) as client:
        await client.subscribe("stream.systemEvents")
        await client.asked(ARCHITECTURE)
        given = {"checkpointId": ARCHITECTURE, "decision": "approve"}
        answer = data_of(await client.call("mutation", "checkpoints.resolve", input=given))
        assert answer["decision"]["selectedOption"] == "keyset"


@pytest.mark.parametrize(
    ("method", "path", "given", "code"),
    [
        ("mutation", "checkpoints.resolve", {"checkpointId": "cp-404", "decision": "approve"}, "NOT_FOUND"),
        ("mutation", "checkpoints.resolve", {"checkpointId": SPEC, "decision": "perhaps"}, "BAD_REQUEST"),
        ("mutation", "checkpoints.resolve", "approve", "BAD_REQUEST"),
        ("mutation", "checkpoints.decide", {"checkpointId": SPEC, "selectedOption": "approve"}, "BAD_REQUEST"),
        ("mutation", "tasks.cancel", "task-404", "NOT_FOUND"),
        ("mutation", "tasks.cancel", 7, "BAD_REQUEST"),
        ("mutation", "tasks.retry", {"taskId": "task-101"}, "PRECONDITION_FAILED"),
        ("mutation", "tasks.resume", {"taskId": "task-101"}, "PRECONDITION_FAILED"),
        ("query", "checkpoints.get", "cp-404", "NOT_FOUND"),
        ("query", "checkpoints.getHITLPending", 7, "BAD_REQUEST"),
        ("query", "tasks.cancel", "task-101", "NOT_FOUND"),
        ("subscription", "stream.nope", None, "NOT_FOUND"),
        ("subscription", "stream.taskProgress", None, "BAD_REQUEST"),
    ],
)
async def test_an_impossible_call_is_refused_with_the_code_of_trpc(
    sim: Simulator, method: str, path: str, given: Any, code: str
) -> None:
    async with trpc_client(sim) as client:
        await client.subscribe("stream.systemEvents")
        await client.asked(SPEC)
        assert (await client.refusal(method, path, input=given))[0] == code


async def test_second_and_late_decisions_are_refused(sim: Simulator) -> None:
    given = {"checkpointId": SPEC, "decision": "approve"}
    async with trpc_client(sim) as client:
        await client.subscribe("stream.systemEvents")
        await client.asked(SPEC)
        await client.call("mutation", "checkpoints.resolve", input=given)
        refused = await client.call("mutation", "checkpoints.resolve", input=given)
        assert refused["error"]["data"] == {
            "code": "CONFLICT",
            "httpStatus": 409,
            "path": "checkpoints.resolve",
            "reason": "HITL_ALREADY_DECIDED",
        }
    with serve(speed=0, decision_timeout=None, close_when_done=False) as late:
        async with trpc_client(late) as client:
            await client.subscribe("stream.systemEvents")
            await client.until(lambda frame: data_of(frame)["data"]["type"] == "checkpoint.timeout")
            code, message = await client.refusal("mutation", "checkpoints.resolve", input=given)
            assert code == "PRECONDITION_FAILED"
            assert "deadline" in message


async def test_open_questions_and_tasks_can_be_asked_for(sim: Simulator) -> None:
    async with trpc_client(sim) as client:
        await client.subscribe("stream.systemEvents")
        asked = data_of(await client.asked(SPEC))["data"]["payload"]
        [pending] = data_of(await client.call("query", "checkpoints.getHITLPending", input={"taskId": "task-101"}))
        assert pending == asked | {"status": "pending"}
        assert data_of(await client.call("query", "checkpoints.listPending", input={"taskId": "task-104"})) == []
        assert data_of(await client.call("query", "checkpoints.get", input=SPEC)) == pending
        task = data_of(await client.call("query", "tasks.get", input="task-101"))
        assert task["status"] == "paused"


async def test_a_task_is_paused_resumed_cancelled_and_run_again() -> None:
    async def payload_of(kind: str) -> Message:
        frame = await client.until(
            lambda frame: (
                frame["result"]["type"] == "data"
                and data_of(frame)["data"]["type"] == kind
                and data_of(frame)["data"]["payload"]["taskId"] == "task-103"
            )
        )
        return data_of(frame)["data"]["payload"]  # type: ignore[no-any-return]

    # The task takes seconds, so that it still runs when a command for it comes, on a busy machine too.
    with serve(speed=6) as sim:
        async with trpc_client(sim) as client, trpc_client(sim) as other:
            await client.subscribe("stream.taskEvents", input={"taskId": "task-103"})
            await other.subscribe("stream.taskEvents", input={"taskId": "task-101"})
            await other.asked(SPEC)
            await other.call("mutation", "checkpoints.resolve", input={"checkpointId": SPEC, "decision": "reject"})
            await payload_of("task.started")
            paused = await other.call("mutation", "tasks.pause", input="task-103")
            assert data_of(paused) == {"success": True, "task": data_of(paused)["task"]}
            assert data_of(paused)["task"]["status"] == "paused"
            assert (await payload_of("task.paused"))["reason"] == "Paused by user"
            assert (await other.refusal("mutation", "tasks.pause", input="task-103"))[0] == "PRECONDITION_FAILED"
            await other.call("mutation", "tasks.resume", input={"taskId": "task-103", "feedback": "go on"})
            await payload_of("task.resumed")
            await other.call("mutation", "tasks.cancel", input="task-103")
            assert (await payload_of("task.cancelled"))["cancelledBy"] == "user"
            await other.call("mutation", "tasks.retry", input={"taskId": "task-103"})
            await payload_of("task.started")
            await payload_of("task.completed")


# ---- the protocol ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "frame",
    [
        "no JSON",
        "7",
        '{"id":1,"method":"query","params":{"path":"tasks.get","input":NaN}}',
        '{"id":null,"method":"query","params":{"path":"tasks.get"}}',
        '{"id":1,"method":"dance","params":{"path":"tasks.get"}}',
        '{"id":1,"method":"query"}',
        '{"id":1,"method":"subscription","params":{"path":"stream.systemEvents","lastEventId":7}}',
        b'{"id":1,"method":"query","params":{"path":"tasks.get"}}',
    ],
)
async def test_an_unreadable_frame_is_a_parse_error_without_an_id(sim: Simulator, frame: str | bytes) -> None:
    async with trpc_client(sim) as client:
        await client.connection.send(frame)
        error = await client.receive()
        assert error["id"] is None
        assert error["error"]["data"]["code"] == "PARSE_ERROR"
        await client.connection.send("PING")
        assert await client.receive() == "PONG"


async def test_superjson_without_its_envelope_is_a_parse_error() -> None:
    with serve(superjson=True) as sim:
        async with trpc_client(sim) as client:
            await client.send(method="subscription", params={"path": "stream.systemEvents"})
            error = await client.receive()
            assert (error["id"], error["error"]["json"]["code"]) == (None, -32700)


async def test_an_id_in_use_is_refused(sim: Simulator) -> None:
    async with trpc_client(sim) as client:
        number = await client.subscribe("stream.checkpointNotifications")
        again = {"id": number, "method": "subscription", "params": {"path": "stream.checkpointNotifications"}}
        await client.connection.send(json.dumps(again))
        refused = await client.until(lambda frame: "error" in frame)
        assert refused["error"]["message"] == f"Duplicate id {number}"


async def test_clients_can_be_asked_to_connect_anew(sim: Simulator) -> None:
    async with trpc_client(sim) as client:
        await client.subscribe("stream.checkpointNotifications")
        sim.inject(AskReconnect())
        # A question may be asked before that.
        asked = await client.until(lambda frame: "method" in frame)
        assert asked == {"id": None, "method": "reconnect"}


@pytest.mark.parametrize(
    ("query", "headers", "first"),
    [
        ("?token=open%20sesame", {}, None),
        ("", {"Authorization": f"Bearer {SECRET}"}, None),
        ("?connectionParams=1", {}, {"method": "connectionParams", "data": {"token": SECRET}}),
    ],
)
async def test_the_right_token_is_let_in_wherever_it_is(
    query: str, headers: dict[str, str], first: Message | None
) -> None:
    with serve(token=SECRET) as sim:
        async with trpc_client(sim, query, headers) as client:
            if first is not None:
                await client.connection.send(json.dumps(first))
            await client.subscribe("stream.systemEvents")
            assert data_of(await client.receive())["id"] == "1"


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("?token=guess", None),
        ("", None),
        ("?connectionParams=1", {"method": "connectionParams", "data": {"token": "guess"}}),
        ("?connectionParams=1", {"method": "connectionParams", "data": {}}),
    ],
)
async def test_a_wrong_token_is_an_error_without_an_id(query: str, first: Message | None) -> None:
    with serve(token=SECRET) as sim:
        async with trpc_client(sim, query) as client:
            if first is not None:
                await client.connection.send(json.dumps(first))
            error = await client.receive()
            assert (error["id"], error["error"]["data"]["code"]) == (None, "UNAUTHORIZED")
            await client.connection.wait_closed()
        assert sim.events == []
