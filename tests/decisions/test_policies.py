"""Answers by code (`on_checkpoint`), against real servers: recorded, shown, never twice, never the end of a run."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from runconsole import Console
from runconsole.state import Checkpoint
from tests.decisions.hosts import HOSTS, Arrived, Host, JsonHost, until
from tests.decisions.presses import decided, row, states

APPLIED = [Arrived("c", "approve", "applied")]


@pytest.fixture(params=HOSTS, ids=lambda host: host.wire)
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    with request.param() as host:
        yield host


@pytest.fixture
def plain() -> Iterator[JsonHost]:
    with JsonHost() as host:
        yield host


def alerts(console: Console) -> list[str]:
    return [alert.text for alert in list(console.state.alerts)]


def test_a_policy_decides_once_on_every_wire(host: Host) -> None:
    console = host.console(on_checkpoint=lambda _checkpoint: ("approve", "by rule 7"))
    host.ask()
    until(lambda: states(console) == ["applied"])
    assert host.arrived() == APPLIED
    assert (console.decisions["by"].tolist(), decided(console)) == (["policy"], ("decided", "approve", "you"))
    assert (row(console)["feedback"], alerts(console)) == ("by rule 7", [])


def test_an_async_policy_is_awaited(plain: JsonHost) -> None:
    async def policy(checkpoint: Checkpoint) -> str:
        await asyncio.sleep(0)
        return checkpoint.options[0].id

    console = plain.console(on_checkpoint=policy)
    plain.ask()
    until(lambda: states(console) == ["applied"])
    assert (plain.arrived(), alerts(console)) == (APPLIED, [])


async def _raises(_checkpoint: Checkpoint) -> str:
    raise LookupError("no rule")


def _exits(_checkpoint: Checkpoint) -> str:
    raise SystemExit("no rule")


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (_raises, "on_checkpoint failed for 'c' (LookupError: no rule)"),
        (_exits, "on_checkpoint failed for 'c' (SystemExit: no rule)"),
        (lambda _: "perhaps", "expected one of the options of 'c' ('approve', 'reject'), got 'perhaps'"),
        (lambda _: 42, "expected on_checkpoint to return"),
        (lambda _: {"option": "approve", "feedbck": "x"}, "expected on_checkpoint to return"),
        (lambda _: ("approve", 7), "expected on_checkpoint to return"),
        (lambda _: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_a_policy_without_a_usable_answer_is_shown_and_the_question_stays_open(
    plain: JsonHost, policy: Callable[[Checkpoint], Any], words: str
) -> None:
    console = plain.console(on_checkpoint=policy)
    plain.ask()
    until(lambda: alerts(console))
    assert words in alerts(console)[0]
    assert (decided(console)[0], plain.arrived(), console.status) == ("pending", [], "live")
    assert console.decide("c", "approve").state in {"acknowledged", "applied"}
    assert plain.arrived() == APPLIED
    assert len(alerts(console)) == 1


def test_a_person_who_is_faster_than_the_policy_decides_and_its_answer_is_a_refused_one(host: Host) -> None:
    go_on, asked = threading.Event(), threading.Event()

    def policy(_checkpoint: Checkpoint) -> str:
        asked.set()
        go_on.wait(30)
        return "reject"

    console = host.console(on_checkpoint=policy)
    host.ask()
    assert asked.wait(30)
    console.decide("c", "approve")
    go_on.set()
    until(lambda: states(console) == ["applied", "refused"])
    assert console.decisions["by"].tolist() == ["you", "policy"]
    assert (host.arrived(), decided(console)) == (APPLIED, ("decided", "approve", "you"))
    assert alerts(console) == []


def test_a_slow_policy_holds_up_neither_other_questions_nor_the_end_of_the_console(plain: JsonHost) -> None:
    forever = threading.Event()

    def policy(checkpoint: Checkpoint) -> str | None:
        if checkpoint.checkpoint_id == "slow":
            forever.wait(60)
        return "approve"

    console = plain.console(on_checkpoint=policy)
    plain.ask("slow")
    plain.ask("c")
    until(lambda: decided(console)[0] == "decided")
    assert plain.arrived() == APPLIED
    console.stop()
    forever.set()
    assert plain.arrived() == APPLIED, "an answer after the stop is not taken"
    assert decided(console, "slow")[0] == "pending"


def test_a_policy_is_asked_again_when_the_question_is_and_not_when_its_answer_got_lost(plain: JsonHost) -> None:
    seen: list[int] = []

    def policy(checkpoint: Checkpoint) -> str:
        seen.append(checkpoint.asking)
        return "approve"

    plain.trouble("unread")
    console = plain.console(on_checkpoint=policy)
    plain.ask()
    until(lambda: states(console) == ["unknown"])
    until(lambda: console.status == "live" and plain.peers)
    assert "was not taken: the decision 'approve' on 'c' was sent, but the link broke" in alerts(console)[0]
    plain.tell("checkpoint.resolved", checkpointId="c", decision="reject", decidedBy="ann")
    until(lambda: decided(console)[0] == "decided")
    plain.ask()
    until(lambda: states(console) == ["refused", "applied"])
    assert (seen, plain.arrived()) == ([1, 2], APPLIED)


def test_a_policys_answer_waits_for_the_link_and_leaves_once(plain: JsonHost) -> None:
    go_on, asked = threading.Event(), threading.Event()

    def policy(_checkpoint: Checkpoint) -> str:
        asked.set()
        go_on.wait(30)
        return "approve"

    console = plain.console(on_checkpoint=policy)
    plain.ask()
    assert asked.wait(30)
    plain.down()
    until(lambda: console.status == "retrying")
    go_on.set()
    until(lambda: states(console) == ["queued"])
    plain.up()
    until(lambda: states(console) == ["applied"])
    assert (plain.arrived(), alerts(console)) == (APPLIED, [])
