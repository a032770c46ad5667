"""Answers by code (`on_checkpoint`), against real servers: recorded, shown, never twice, never the end of a run."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from msgspec import structs

from runconsole import Console
from runconsole.engine import policy as policy_module
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
    return [alert.text for alert in list(console._engine.state.alerts)]


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
def test_an_unusable_policy_answer_leaves_the_question_open(
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


def test_a_faster_person_decides_before_the_policy(host: Host) -> None:
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


def test_a_slow_policy_delays_no_other_question_nor_stop(plain: JsonHost) -> None:
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


def test_a_policy_is_called_once_for_each_round(plain: JsonHost) -> None:
    seen: list[int] = []

    def policy(checkpoint: Checkpoint) -> str:
        seen.append(checkpoint.round)
        return "approve"

    plain.trouble("unread")
    console = plain.console(on_checkpoint=policy)
    plain.ask()
    until(lambda: states(console) == ["unknown"])
    until(lambda: console.status == "live" and plain.peers)
    assert "was not taken: the decision 'approve' on 'c' was sent, but the link broke" in alerts(console)[0]
    plain.send_event("checkpoint.resolved", checkpointId="c", decision="reject", decidedBy="ann")
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


class _Wordless(Exception):
    def __str__(self) -> str:
        raise ValueError


def test_errors_without_words_do_not_stop_the_next_question(plain: JsonHost) -> None:
    def policy(checkpoint: Checkpoint) -> str:
        if checkpoint.checkpoint_id != "c":
            raise _Wordless
        return "approve"

    console = plain.console(on_checkpoint=policy)
    for number in range(9):
        plain.ask(f"bad-{number}")
    plain.ask()
    until(lambda: decided(console)[0] == "decided")
    assert plain.arrived() == APPLIED
    until(lambda: len(alerts(console)) == 9)
    assert "on_checkpoint failed for 'bad-0' (_Wordless: its words raise ValueError)" in alerts(console)


def test_hanging_policies_are_reported_and_block_no_question(
    plain: JsonHost, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(policy_module, "AT_ONCE", 2)
    monkeypatch.setattr(policy_module, "PATIENCE", 0.05)
    forever = threading.Event()

    def policy(checkpoint: Checkpoint) -> str:
        if checkpoint.checkpoint_id != "c":
            forever.wait(60)
        return "approve"

    console = plain.console(on_checkpoint=policy)
    for number in range(4):
        plain.ask(f"hangs-{number}")
    plain.ask()
    until(lambda: decided(console)[0] == "decided")
    assert plain.arrived() == APPLIED
    until(lambda: len(alerts(console)) == 4)
    assert "on_checkpoint has not answered 'hangs-0' for 0.05 s" in alerts(console)[0]
    assert not console.wait(timeout=0)
    said = capsys.readouterr().err
    assert all(f"(hangs-{number})" in said for number in range(4))
    assert "the run waits for your decision on" in said
    console.stop()
    forever.set()


def test_a_time_out_names_the_policys_open_questions(plain: JsonHost, capsys: pytest.CaptureFixture[str]) -> None:
    go_on, asked = threading.Event(), threading.Event()

    def policy(_checkpoint: Checkpoint) -> str:
        asked.set()
        go_on.wait(60)
        return "approve"

    console = plain.console(on_checkpoint=policy)
    plain.ask()
    assert asked.wait(30)
    assert not console.wait(timeout=0)
    assert "gave up waiting after 0 s; on_checkpoint has not answered" in capsys.readouterr().err
    go_on.set()
    until(lambda: decided(console)[0] == "decided")


# ---- another policy while the run goes on ---------------------------------------------------------------------------


def adopt(console: Console, policy: Callable[[Checkpoint], Any] | None) -> None:
    console._engine.adopt(structs.replace(console._engine.options, on_checkpoint=policy))


def test_a_new_policy_gets_the_unanswered_questions(plain: JsonHost) -> None:
    go_on, asked = threading.Event(), threading.Event()

    def old(checkpoint: Checkpoint) -> str | None:
        if checkpoint.checkpoint_id == "left":
            return None
        asked.set()
        go_on.wait(30)
        return "approve"

    console = plain.console(on_checkpoint=old)
    plain.ask("left")
    plain.ask("c")
    assert asked.wait(30)
    adopt(console, lambda _: "reject")
    until(lambda: states(console) == ["applied", "applied"])
    go_on.set()
    plain.ask("next")
    until(lambda: states(console) == ["applied"] * 3)
    assert sorted(plain.arrived()) == [(name, "reject", "applied") for name in ("c", "left", "next")]
    assert alerts(console) == []


def test_a_new_policy_repeats_no_given_answer(plain: JsonHost) -> None:
    plain.trouble("hold")
    console = plain.console(on_checkpoint=lambda _: "approve")
    plain.ask()
    until(lambda: states(console) == ["sent"])
    seen: list[str] = []
    adopt(console, lambda checkpoint: seen.append(checkpoint.checkpoint_id))
    plain.release()
    until(lambda: states(console) == ["applied"])
    assert (seen, plain.arrived()) == ([], APPLIED)


def test_a_cell_without_a_policy_takes_it_away(plain: JsonHost) -> None:
    console = plain.console(on_checkpoint=lambda _: "approve")
    adopt(console, None)
    plain.ask()
    until(lambda: console.pending)
    assert not console.wait(0.05)
    assert (states(console), plain.arrived()) == ([], [])
    console.decide("c", "approve")
    assert plain.arrived() == APPLIED


def test_the_newest_decide_makes_the_messages(plain: JsonHost) -> None:
    kinds: list[str] = []

    def way(kind: str) -> Callable[[Any], tuple[str, Any]]:
        def decide(decision: Any) -> tuple[str, Any]:
            kinds.append(kind)
            return "checkpoint.resolve", {"checkpointId": decision.checkpoint_id, "decision": decision.option}

        return decide

    console = plain.console(decide=way("old"))
    console._engine.adopt(structs.replace(console._engine.options, decide=way("new")))
    plain.ask()
    until(lambda: console.pending)
    console.decide("c", "approve")
    assert kinds == ["new"]
