"""`FakeTransport`: a console without a server, as in the tests of a user."""

from __future__ import annotations

from typing import Any

import pytest

from runconsole import Console, ConsoleFailed, DecisionUnknown, InvalidArgument
from runconsole.events import Answer
from runconsole.protocols import LinkLost, Policy
from runconsole.testing import FakeTransport
from tests.servers.json_server import eventually

STARTED = {"type": "task.started", "payload": {"taskId": "t"}}
DONE = {"type": "task.completed", "payload": {"taskId": "t"}}
ASKED = {
    "type": "task.hitl_required",
    "payload": {"checkpointId": "c", "taskId": "t", "options": ["approve", "reject"]},
}


def grants(message: Any) -> list[Any]:
    return [{"type": "checkpoint.ack", "payload": {}, "correlationId": message["correlationId"]}]


def test_script_of_a_connection_is_followed_to_its_end() -> None:
    fake = FakeTransport([STARTED, DONE, LinkLost("over", orderly=True)])
    with Console("ws://fake/ws", task="t", transport=fake) as console:
        assert console.wait(20)
        assert list(console.tasks["status"]) == ["completed"]
        assert console.address == "ws://fake/ws"
    assert [message["type"] for message in fake.sent] == ["subscribe"]
    assert fake.connections == 1


def test_frames_are_sent_when_the_test_says_so() -> None:
    fake = FakeTransport()
    with Console("ws://fake/ws", task="t", transport=fake) as console:
        fake.send(STARTED)
        eventually(lambda: list(console.tasks["status"]) == ["running"])
        fake.send(DONE)
        assert console.wait(20)


def test_decision_is_sent_and_answered() -> None:
    fake = FakeTransport([ASKED], reply=grants)
    with Console("ws://fake/ws", transport=fake) as console:
        eventually(lambda: console.pending)
        assert console.decide("c", "approve", feedback="go").state == "acknowledged"
    assert fake.sent[-1]["payload"] == {"checkpointId": "c", "taskId": "t", "decision": "approve", "feedback": "go"}


def test_faults_are_those_of_a_network() -> None:
    fake = FakeTransport(LinkLost("nobody there"), [ASKED])
    with Console("ws://fake/ws", transport=fake) as console:
        eventually(lambda: console.pending)
        assert "nobody there" in set(console.links["reason"])
        outcome = console._engine.decider.submit("c", Answer("approve"))
        fake.wait_for(lambda it: bool(it.sent))
        fake.fail()
        with pytest.raises(DecisionUnknown, match="the link broke before the answer"):
            outcome.future.result(20)
        fake.wait_for(lambda it: it.connections == 3)
        fake.close(4401, "bad token")
        with pytest.raises(ConsoleFailed, match="the fake server does not accept us with code 4401"):
            console.wait(20)


def test_refusal_for_good_is_one() -> None:
    fake = FakeTransport(LinkLost("no", policy=Policy("fatal", "fatal")))
    with Console("ws://fake/ws", transport=fake) as console, pytest.raises(ConsoleFailed, match="no"):
        console.wait(20)


def test_a_time_out_names_the_missing_thing() -> None:
    fake = FakeTransport()
    with pytest.raises(TimeoutError, match="the console made no connection within 0 s"):
        fake.send(STARTED, timeout=0)
    with pytest.raises(TimeoutError, match=r"did not become so within 0 s; the console sent \[\]"):
        fake.wait_for(lambda it: bool(it.sent), 0)


@pytest.mark.parametrize(
    ("url", "options", "sentence"),
    [
        ("ws://h", {"transport": 7}, "expected transport= to have a method connect, .*, got 7"),
        ("ws://h", {"transport": FakeTransport(), "headers": {"X": "1"}}, "expected no headers= or ssl= beside"),
        ("run.jsonl", {"transport": FakeTransport()}, "expected no transport= beside a recording"),
    ],
)
def test_transport_that_cannot_be_used_is_refused(url: str, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidArgument, match=sentence):
        Console(url, start=False, **options)
