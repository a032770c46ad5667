"""Each hard moment of a decision, on every wire, against a real server: its log, and the frames."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from runconsole import Console, DecisionExpired, DecisionRefused, DecisionUnknown, NotConnected
from runconsole.session.pace import Pace
from runconsole.session.session import Session
from runconsole.state import Decision
from tests.decisions.hosts import HOSTS, STRICT_HOSTS, Arrived, Host, JsonHost, await_events, until
from tests.decisions.presses import Press, at_once, decided, row, states

APPLIED = {"acknowledged", "applied"}


@pytest.fixture(params=HOSTS + STRICT_HOSTS, ids=lambda host: host.wire)
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    with request.param() as host:
        yield host


@pytest.fixture(params=HOSTS + STRICT_HOSTS, ids=lambda host: host.wire)
def silent(request: pytest.FixtureRequest) -> Iterator[Host]:
    """A server that reports no decision to any client."""
    with request.param(announces=False) as host:
        yield host


def asked(host: Host, count: int = 1, **question: Any) -> list[Console]:
    """Ask a question; return consoles that have it."""
    consoles = [host.console() for _ in range(count)]
    host.ask(**question)
    until(lambda: all(console.pending for console in consoles), "the question")
    return consoles


def waits(console: Console, *of: str) -> None:
    """Wait until the frame `decisions` has these states."""
    until(lambda: states(console) == list(of), f"{of}, not {states(console)}: {list(console.decisions['error'])}")


# ---- at the same time ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("second", ["approve", "reject"])
def test_of_two_consoles_at_once_one_answer_counts(host: Host, second: str) -> None:
    one, two = asked(host, 2)
    ends = at_once((one, "approve"), (two, second))
    taken = next(end for end in ends if isinstance(end, Decision))
    refused = next(end for end in ends if isinstance(end, Exception))
    assert isinstance(refused, DecisionRefused)
    assert "already decided" in str(refused) or "HITL_ALREADY_DECIDED" in str(refused)
    winner, loser = (one, two) if ends[0] is taken else (two, one)
    waits(winner, "applied")
    waits(loser, "refused")
    until(lambda: decided(loser)[1] is not None)
    assert decided(winner) == ("decided", taken.option, "you")
    assert decided(loser) == ("decided", taken.option, "other")
    assert [entry.outcome for entry in host.arrived() if entry.outcome == "applied"] == ["applied"]
    assert next(entry for entry in host.arrived() if entry.outcome == "applied").option == taken.option


def test_a_refused_console_queries_the_decision(
    silent: Host,
) -> None:
    one, two = asked(silent, 2)
    assert one.decide("c", "approve").state in APPLIED
    with pytest.raises(DecisionRefused):
        two.decide("c", "approve")
    assert [entry.outcome for entry in silent.arrived()] == ["applied", "HITL_ALREADY_DECIDED"]
    if silent.can_ask:
        until(lambda: decided(two)[1] is not None)
    assert decided(two) == ("decided", "approve" if silent.can_ask else None, "other")


def test_two_answers_of_one_console_send_one_decision(host: Host) -> None:
    (console,) = asked(host)
    ends = at_once((console, "approve"), (console, "reject"), (console, "approve"))
    assert sorted(type(end).__name__ for end in ends) == ["Decision", "DecisionRefused", "DecisionRefused"]
    until(lambda: sorted(states(console)) == ["applied", "refused", "refused"])
    (arrived,) = host.arrived()
    assert decided(console) == ("decided", arrived.option, "you")


# ---- the deadline --------------------------------------------------------------------------------------------------


def test_an_answer_after_the_servers_deadline_is_expired(host: Host) -> None:
    (console,) = asked(host)
    host.expire()
    with pytest.raises(DecisionExpired):
        console.decide("c", "approve")
    assert host.arrived() == [Arrived("c", "approve", "CHECKPOINT_EXPIRED")]
    assert states(console) == ["expired"]
    if not host.can_ask:
        assert decided(console) == ("expired", None, None)
        host.send_event("checkpoint.timeout", checkpointId="c", defaultAction="reject")
    until(lambda: decided(console)[0] == "decided")
    assert (decided(console), states(console)) == (("decided", "reject", "timeout"), ["expired"])


def test_a_deadline_passed_in_the_outbox_sends_nothing(host: Host) -> None:
    (console,) = asked(host, within=1.5)
    host.down()
    until(lambda: console.status == "retrying")
    press = Press(console, "approve")
    until(lambda: states(console))
    assert decided(console)[0] == "sending"
    until(lambda: row(console)["deadline"].timestamp() < time.time())
    host.up()
    assert isinstance(press.end(), DecisionExpired)
    until(lambda: console.status == "live")
    await_events(host, console)
    assert (states(console), host.arrived()) == (["expired"], [])
    assert decided(console)[0] == "expired"
    assert "nothing was sent" in console.decisions["error"].iloc[0]


@pytest.mark.parametrize("ahead", [300.0, -300.0], ids=["5 minutes ahead", "5 minutes behind"])
@pytest.mark.parametrize("kind", HOSTS, ids=lambda kind: kind.wire)
def test_the_deadline_is_the_servers_whatever_its_clock_says(kind: Any, ahead: float) -> None:
    with kind(ahead_s=ahead) as host:
        (console,) = asked(host, within=60)
        host.ask("soon", within=0.5)
        until(lambda: decided(console, "soon")[0] == "expired")
        with pytest.raises(DecisionExpired):
            console.decide("soon", "approve")
        assert decided(console)[0] == "pending"
        assert console.decide("c", "approve").state in APPLIED
        assert host.arrived() == [Arrived("c", "approve", "applied")]
        found = row(console)
        assert 0 <= found["response_s"] < 30
        times = console.decisions.iloc[-1]
        assert times["requested_at"] <= times["sent_at"] <= times["acknowledged_at"]


def test_the_default_taken_meanwhile_counts(host: Host) -> None:
    (console,) = asked(host)
    host.trouble("stall")
    press = Press(console, "approve")
    waits(console, "sent")
    host.expire()
    host.send_event("checkpoint.timeout", checkpointId="c", defaultAction="reject")
    assert isinstance(press.end(), DecisionExpired)
    host.release()
    until(host.arrived)
    assert host.arrived() == [Arrived("c", "approve", "CHECKPOINT_EXPIRED")]
    assert (states(console), decided(console)) == (["expired"], ("decided", "reject", "timeout"))


# ---- the link dies -------------------------------------------------------------------------------------------------


def test_an_offline_decision_is_sent_once_when_online(host: Host) -> None:
    (console,) = asked(host)
    host.down()
    until(lambda: console.status == "retrying")
    press = Press(console, "approve")
    until(lambda: states(console) == ["queued"])
    host.up()
    end = press.end()
    assert isinstance(end, Decision), end
    waits(console, "applied")
    assert host.arrived() == [Arrived("c", "approve", "applied")]
    assert decided(console) == ("decided", "approve", "you")


def test_an_unread_decision_is_unknown_and_repeatable(host: Host) -> None:
    (console,) = asked(host)
    host.trouble("unread")
    with pytest.raises(DecisionUnknown):
        console.decide("c", "approve")
    until(lambda: console.status == "live")
    if host.can_ask:
        until(lambda: "still waits for one: answer again" in (console.decisions["error"].iloc[0] or ""))
    assert (states(console), host.arrived()) == (["unknown"], [])
    assert decided(console)[0] == "unknown"
    assert console.decide("c", "reject").state in APPLIED
    assert host.arrived() == [Arrived("c", "reject", "applied")]
    until(lambda: states(console)[1] == "applied")
    assert decided(console) == ("decided", "reject", "you")
    assert states(console)[0] == "refused"


def test_a_lost_reply_is_settled_after_the_reconnect(host: Host) -> None:
    if isinstance(host, JsonHost):
        host.replays = True
    (console,) = asked(host)
    host.trouble("lose")
    end = Press(console, "approve", feedback="ship it").end()
    assert isinstance(end, (DecisionUnknown, Decision)), end
    waits(console, "applied")
    assert decided(console) == ("decided", "approve", "you")
    assert row(console)["feedback"] == "ship it"
    assert host.arrived() == [Arrived("c", "approve", "applied")]


@pytest.mark.parametrize("again", ["approve", "reject"])
def test_a_conflict_after_a_lost_reply_is_perhaps_ours(silent: Host, again: str) -> None:
    (console,) = asked(silent)
    silent.trouble("lose")
    with pytest.raises(DecisionUnknown):
        console.decide("c", "approve")
    if silent.can_ask:
        waits(console, "applied")
        assert decided(console) == ("decided", "approve", "you")
        return
    until(lambda: console.status == "live")
    with pytest.raises(DecisionRefused):
        console.decide("c", again)
    assert decided(console) == ("decided", None, None)
    assert "perhaps by your earlier answer 'approve'" in (console._engine.state.checkpoints["c"].error or "")
    silent.send_event("checkpoint.resolved", checkpointId="c", decision="approve")
    waits(console, "applied", "refused")
    assert decided(console) == ("decided", "approve", "you")
    assert [entry.outcome for entry in silent.arrived()] == ["applied", "HITL_ALREADY_DECIDED"]


def test_anothers_answer_after_a_lost_one_is_not_ours(silent: Host) -> None:
    one, two = asked(silent, 2)
    silent.trouble("unread")
    with pytest.raises(DecisionUnknown):
        one.decide("c", "approve")
    until(lambda: one.status == "live" and two.status == "live")
    await_events(silent, one)
    assert two.decide("c", "reject").state in APPLIED
    if silent.can_ask:
        with pytest.raises(DecisionRefused):
            one.decide("c", "approve")
    else:
        silent.send_event("checkpoint.resolved", checkpointId="c", decision="reject", decidedBy="ann")
    until(lambda: decided(one) == ("decided", "reject", "other"))
    assert set(states(one)) == {"refused"}


def test_a_reply_that_comes_after_our_patience_still_counts(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    defaults = Session.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "pace", Pace(reply=0.2))
    host.announces = False
    (console,) = asked(host)
    host.trouble("stall")
    with pytest.raises(DecisionUnknown, match=r"within 0\.2 s"):
        console.decide("c", "approve")
    assert (states(console), decided(console)[0]) == (["unknown"], "unknown")
    host.release()
    until(lambda: states(console)[0] in APPLIED)
    assert decided(console) == ("decided", "approve", "you")
    assert host.arrived() == [Arrived("c", "approve", "applied")]


# ---- the question goes away ------------------------------------------------------------------------------------------


def test_a_cancelled_tasks_question_takes_no_answer(host: Host) -> None:
    (console,) = asked(host)
    host.send_event("task.cancelled", reason="no longer wanted")
    until(lambda: not console.pending)
    with pytest.raises(DecisionExpired, match="no longer needed"):
        console.decide("c", "approve")
    assert (decided(console), host.arrived()) == (("expired", None, None), [])


def test_a_cancelled_tasks_decision_ends_by_the_servers_word(host: Host) -> None:
    (console,) = asked(host)
    host.trouble("stall")
    press = Press(console, "approve")
    waits(console, "sent")
    host.send_event("task.cancelled")
    host.expire()
    until(lambda: console.tasks["status"].tolist() == ["cancelled"])
    host.release()
    assert isinstance(press.end(), DecisionExpired)
    assert not console.pending
    assert host.arrived() == [Arrived("c", "approve", "CHECKPOINT_EXPIRED")]


def test_no_question_stays_open_after_the_run(host: Host) -> None:
    (console,) = asked(host)
    host.ask("under way")
    until(lambda: len(console.pending) == 2)
    host.trouble("hold")
    host.announces = False
    press = Press(console, "approve", "under way")
    waits(console, "sent")
    end = {"type": "execution_completed", "payload": {"status": "success"}, "timestamp": host.moment(0.001)}
    host.emit(host.event("task.completed") if "task" in host.options else end)
    assert console.wait(30)
    until(lambda: not console.pending)
    assert decided(console) == ("expired", None, None)
    press.end()
    assert states(console) in (["unknown"], ["applied"], ["acknowledged"])


# ---- asked again ---------------------------------------------------------------------------------------------------


def test_a_question_asked_again_ignores_old_facts(host: Host) -> None:
    (console,) = asked(host, description="first")
    assert console.decide("c", "reject").state in APPLIED
    waits(console, "applied")
    old = host.event("checkpoint.resolved", checkpointId="c", decision="reject", decidedBy="user", note="late")
    host.send_event("task.failed", error={"message": "rejected"})
    host.send_event("task.started")
    host.ask(description="second")
    until(lambda: console.pending)
    assert (row(console)["description"], decided(console)) == ("second", ("pending", None, None))
    host.emit(old)
    await_events(host, console)
    assert decided(console)[0] == "pending"
    assert console.decide("c", "approve").state in APPLIED
    waits(console, "applied", "applied")
    assert decided(console) == ("decided", "approve", "you")
    assert [entry.option for entry in host.arrived()] == ["reject", "approve"]


def test_a_late_announcement_of_an_answered_question_is_ignored(host: Host) -> None:
    (console,) = asked(host)
    late = host.event("checkpoint.pending", checkpointId="c", title="Ship?", options=["approve", "reject"])
    assert console.decide("c", "approve").state in APPLIED
    waits(console, "applied")
    host.emit(late)
    await_events(host, console)
    assert (decided(console), console.pending) == (("decided", "approve", "you"), [])


# ---- stopping ------------------------------------------------------------------------------------------------------


def test_stop_drops_an_offline_decision(host: Host) -> None:
    (console,) = asked(host)
    host.down()
    until(lambda: console.status == "retrying")
    press = Press(console, "approve")
    until(lambda: states(console) == ["queued"])
    console.stop()
    end = press.end()
    assert isinstance(end, NotConnected), end
    assert "nothing was sent" in str(end)
    assert (states(console), decided(console)[0]) == (["refused"], "pending")
    host.up()
    console.start()
    until(lambda: console.status == "live")
    assert host.arrived() == []
    assert console.decide("c", "reject").state in APPLIED
    assert [entry.option for entry in host.arrived()] == ["reject"]
    assert decided(console) == ("decided", "reject", "you")
