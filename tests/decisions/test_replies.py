"""Repeated, foreign and late replies, servers without the call, and changes of connection."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from runconsole import Console, DecisionRefused
from runconsole.state import Decision
from tests.decisions.hosts import HOSTS, Arrived, Host, JsonHost, SocketIoHost, TrpcHost, await_events, reply_to, until
from tests.decisions.presses import Press, decided, states

APPLIED = {"acknowledged", "applied"}


@pytest.fixture(params=HOSTS, ids=lambda host: host.wire)
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    with request.param(announces=False) as host:
        yield host


@pytest.fixture
def trpc() -> Iterator[TrpcHost]:
    with TrpcHost() as host:
        yield host


def asked(host: Host, **options: Any) -> Console:
    console = host.console(**options)
    host.ask()
    until(lambda: console.pending, "the question")
    return console


def say_yes_and_no_again(host: Host) -> None:
    """Send the reply to the last decision once more, its refusal, and both for a request that was never made."""
    match host:
        case JsonHost():
            (peer,) = host.peers
            ours = peer.messages[-1]
            for message in (ours, {**ours, "correlationId": "nobody's"}):
                peer.send(reply_to(message, None), reply_to(message, "CONFLICT"))
        case SocketIoHost():
            for number in (*range(6), 999):
                host.server.send_raw(f'3{number}[{{"status":"ok"}}]')
                host.server.send_raw(f'3{number}[{{"error":"no","code":"CONFLICT"}}]')
        case TrpcHost():
            texts = [entry["text"] for entry in host.server.log()["received"]]
            number = next(json.loads(text)["id"] for text in reversed(texts) if '"mutation"' in text)
            error = {"json": {"message": "no", "code": -32009, "data": {"code": "CONFLICT", "httpStatus": 409}}}
            for answered in (number, 9999):
                host.server.command("say", text=json.dumps({"id": answered, "result": {"data": {"json": {}}}}))
                host.server.command("say", text=json.dumps({"id": answered, "error": error}))


def test_a_repeated_or_foreign_reply_changes_nothing(host: Host) -> None:
    console = asked(host)
    taken = console.decide("c", "approve")
    say_yes_and_no_again(host)
    await_events(host, console)
    assert (taken.state, states(console)) == ("acknowledged", ["acknowledged"])
    assert decided(console) == ("decided", "approve", "you")
    assert (console.status, len(console.errors), list(console._engine.state.alerts)) == ("live", 0, [])
    assert host.arrived() == [Arrived("c", "approve", "applied")]


def test_a_refusal_that_comes_twice_leaves_the_question_open(host: Host) -> None:
    console = asked(host, **({"decide": "checkpoints.nonesuch"} if isinstance(host, TrpcHost) else {}))
    match host:
        case TrpcHost():
            with pytest.raises(DecisionRefused, match="procedure"):
                console.decide("c", "approve")
            say_yes_and_no_again(host)
            await_events(host, console)
            assert (states(console), decided(console)[0]) == (["refused"], "pending")
        case JsonHost() | SocketIoHost():
            host.docket.refusal = "INVALID_OPTION"
            with pytest.raises(DecisionRefused, match="INVALID_OPTION"):
                console.decide("c", "approve")
            say_yes_and_no_again(host)
            await_events(host, console)
            assert (states(console), decided(console)[0]) == (["refused"], "pending")
    assert len(console.errors) == 0


@pytest.mark.parametrize("version", ["11", "10"])
def test_a_server_without_the_call_leaves_the_question_open(version: str) -> None:
    with TrpcHost(trpc=version) as host:
        console = asked(host, decide="checkpoints.nonesuch")
        with pytest.raises(DecisionRefused, match="procedure"):
            console.decide("c", "approve")
        assert (decided(console), states(console)) == (("pending", None, None), ["refused"])


def test_an_unknown_checkpoint_is_closed_undecided(host: Host) -> None:
    console = asked(host)
    match host:
        case TrpcHost():
            host.emit(host.event("checkpoint.pending", checkpointId="ghost", options=["approve"]))
            until(lambda: len(console.pending) == 2)
            with pytest.raises(DecisionRefused):
                console.decide("ghost", "approve")
            assert decided(console, "ghost") == ("expired", None, None)
        case JsonHost() | SocketIoHost():
            host.docket.questions.clear()
            with pytest.raises(DecisionRefused, match="CHECKPOINT_NOT_FOUND"):
                console.decide("c", "approve")
            assert decided(console) == ("expired", None, None)


# ---- tRPC: the server asks for a new connection --------------------------------------------------------------------


def test_decisions_during_a_handover_are_each_taken_once(trpc: TrpcHost) -> None:
    console = trpc.console()
    names = [f"c{number}" for number in range(12)]
    for name in names:
        trpc.ask(name)
    until(lambda: len(console.pending) == len(names))
    changing = threading.Thread(target=lambda: [trpc.server.command("reconnect") for _ in range(3)])
    changing.start()
    ends = [press.end() for press in [Press(console, "approve", name) for name in names]]
    changing.join()
    assert all(isinstance(end, Decision) for end in ends), ends
    until(lambda: set(states(console)) == {"applied"})
    assert sorted(trpc.arrived()) == sorted(Arrived(name, "approve", "applied") for name in names)
    assert {decided(console, name) for name in names} == {("decided", "approve", "you")}


def test_a_due_reply_still_comes_over_the_old_connection(trpc: TrpcHost) -> None:
    trpc.announces = False
    console = asked(trpc)
    trpc.trouble("stall")
    press = Press(console, "approve")
    until(lambda: states(console) == ["sent"])
    until(lambda: not trpc.arrived() and any('"mutation"' in m["text"] for m in trpc.server.log()["received"]))
    trpc.server.command("reconnect")
    until(lambda: "asked" in " ".join(str(row.notice) for row in list(console._engine.state.links)))
    trpc.release()
    end = press.end()
    assert isinstance(end, Decision), end
    assert (end.state in APPLIED, trpc.arrived()) == (True, [Arrived("c", "approve", "applied")])
