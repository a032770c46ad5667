"""The simulator's Socket.IO: rooms, catch-up and acknowledgements, as a python-socketio client sees them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
import socketio
from click.testing import CliRunner

from runconsole.cli import cli
from runconsole.simulator import LoseReply, Simulator

HOURS = 1e6
SPEC = "cp-101-spec"
SECRET = "open sesame"


class Client:
    """A client that keeps its received events: names and data."""

    def __init__(self) -> None:
        self.sio = socketio.AsyncClient(reconnection=False, handle_sigint=False)
        self.came: list[tuple[str, Any]] = []
        self.sio.on("*", lambda name, data=None: self.came.append((name, data)))

    @property
    def events(self) -> list[Any]:
        """The run's events."""
        return [data for name, data in self.came if isinstance(data, dict) and data.get("type") == name]

    async def until(self, condition: Callable[[], object]) -> None:
        while not condition():  # noqa: ASYNC110 - the client has no event to wait for
            await asyncio.sleep(0.01)

    async def asked(self, checkpoint: str) -> None:
        await self.until(
            lambda: any(
                event["type"] == "task.hitl_required" and event["payload"]["checkpointId"] == checkpoint
                for event in self.events
            )
        )

    async def call(self, name: str, data: Any) -> Any:
        return await self.sio.call(name, data, timeout=20)


@asynccontextmanager
async def client_of(sim: Simulator, token: str | None = None) -> AsyncIterator[Client]:
    client = Client()
    auth = {} if token is None else {"token": token}
    await client.sio.connect(sim.url, transports=["websocket"], auth=auth, wait_timeout=20)
    try:
        yield client
    finally:
        await client.sio.shutdown()


def serve(**options: Any) -> Simulator:
    given: dict[str, Any] = {"speed": 400, "decision_timeout": HOURS, "wire": "socketio"} | options
    return Simulator("tasks", **given)


async def test_a_client_gets_every_event_by_name_and_a_close() -> None:
    with Simulator("execution", wire="socketio", speed=0, close_when_done=True) as sim:
        async with client_of(sim) as client:
            await client.until(lambda: not client.sio.connected)
        assert client.came[0] == ("connected", {"sid": client.came[0][1]["sid"]})
        assert client.events == sim.events
        assert sim.delivered == [sim.events]


async def test_a_late_client_first_gets_the_past_or_not() -> None:
    for replay, first in (("all", 0), ("none", 1)):
        with serve(replay=replay) as sim:
            async with client_of(sim) as early:
                await early.asked(SPEC)
                async with client_of(sim) as late:
                    await early.call("checkpoint_resolve", {"checkpointId": SPEC, "decision": "approve"})
                    await late.until(partial(getattr, late, "events"))
                    assert (late.events[0] == sim.events[0]) is not bool(first)


async def test_a_second_decision_is_refused() -> None:
    with serve() as sim:
        async with client_of(sim) as client:
            await client.asked(SPEC)
            given = {"checkpointId": SPEC, "taskId": "task-101", "decision": "modify", "feedback": "shorter"}
            assert await client.call("checkpoint_resolve", given) == {
                "ok": True,
                "checkpointId": SPEC,
                "decision": "modify",
            }
            refused = await client.call("checkpoint_resolve", given)
            assert (refused["ok"], refused["error"]["code"]) == (False, "HITL_ALREADY_DECIDED")
            await client.until(lambda: any(event["type"] == "checkpoint.hitl_decided" for event in client.events))
        assert [decision.feedback for decision in sim.decisions] == ["shorter"]
        assert json.loads(sim.received[0].text) == ["checkpoint_resolve", given]


@pytest.mark.parametrize("given", [None, "approve", {"decision": "approve"}])
async def test_a_decision_that_fits_nothing_is_refused(given: Any) -> None:
    with serve() as sim:
        async with client_of(sim) as client:
            await client.asked(SPEC)
            refused = await client.call("checkpoint_resolve", given)
            assert refused["error"]["code"] == "INVALID_MESSAGE"
        assert sim.decisions == []


async def test_a_client_in_the_discovery_room_gets_each_event_twice() -> None:
    with serve(replay="none") as sim:
        async with client_of(sim) as client:
            await client.call("join_execution", {"execution_id": "e"})
            await client.call("join_discovery", {"session_id": "s"})
            assert {name for name, _ in client.came} >= {"execution_joined", "discovery_joined"}
            await client.until(lambda: sim.checkpoints)
            sim.decide(SPEC, "reject")
            await client.until(lambda: len([e for e in client.events if e["type"] == "task.cancelled"]) == 2)
        first, second = (event for event in client.events if event["type"] == "task.cancelled")
        assert first == second


async def test_with_delivery_by_room_nothing_comes_before_a_join() -> None:
    with serve(delivery="subscribe") as sim:
        async with client_of(sim) as client:
            await client.until(lambda: sim.checkpoints)
            assert client.events == []
            await client.call("join_discovery", {"session_id": "s"})
            await client.until(lambda: client.events)
            place = sim.events.index(client.events[0])
            assert place > 0


async def test_catching_up_brings_the_past_before_it_is_acknowledged() -> None:
    with serve(delivery="subscribe") as sim:
        async with client_of(sim) as client:
            await client.call("join_masterplan", {"masterplan_id": "m"})
            await client.until(lambda: sim.checkpoints)
            await client.call("request_catch_up", {"masterplan_id": "m"})
            assert sim.events[0] in client.events


async def test_a_join_without_its_key_is_a_bare_error() -> None:
    with serve() as sim:
        async with client_of(sim) as client:
            await client.call("join_execution", {})
            await client.until(lambda: ("error", {"message": "execution_id is required"}) in client.came)


async def test_an_event_that_nobody_handles_is_noted() -> None:
    with serve() as sim:
        async with client_of(sim) as client:
            await client.sio.emit("dance", {"n": 1})
            await client.until(lambda: sim.received)
        assert json.loads(sim.received[0].text) == ["dance", {"n": 1}]


@pytest.mark.parametrize("token", [None, "guess"])
async def test_a_wrong_token_is_refused_and_starts_nothing(token: str | None) -> None:
    with serve(token=SECRET) as sim:
        with pytest.raises(socketio.exceptions.ConnectionError):
            async with client_of(sim, token):
                pass
        assert sim.events == []
        async with client_of(sim, SECRET) as client:
            await client.until(lambda: client.events)
    assert SECRET not in repr(sim) + sim.url


async def test_a_lost_reply_is_a_taken_unacknowledged_decision() -> None:
    with serve(faults=[LoseReply(1)]) as sim:
        async with client_of(sim) as client:
            await client.asked(SPEC)
            await client.sio.emit("checkpoint_resolve", {"checkpointId": SPEC, "decision": "approve"})
            await client.until(lambda: not client.sio.connected)
        assert [decision.option for decision in sim.decisions] == ["approve"]


def test_a_restarted_server_has_the_same_port() -> None:
    sim = serve()
    ports = []
    for _ in range(2):
        with sim:
            ports.append(sim.port)
    assert ports[0] == ports[1]
    assert not sim.running


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(RuntimeError, match=r"pip install 'runconsole\[simulator\]'"):
        serve().start()
    result = CliRunner().invoke(cli, ["serve", "--wire", "socketio", "--port", "0"], prog_name="runconsole")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: The simulator's Socket.IO server is not installed: pip install")
