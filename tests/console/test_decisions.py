"""Decisions through `Console` to a real server and back: the end of each, as a value or as one exception."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from runconsole import (
    Checkpoint,
    Console,
    DecisionError,
    DecisionExpired,
    DecisionRefused,
    DecisionUnknown,
    InvalidArgument,
    NotConnected,
)
from runconsole.events import Answer
from runconsole.simulator import Simulator
from runconsole.state import Decision
from tests.servers.json_server import JsonServer, Message, Peer, does, eventually, says
from tests.support.folding import execution, task

OPTIONS = [{"id": "approve", "label": "Go ahead"}, {"id": "reject", "label": "Stop"}]


def asked(checkpoint: str = "c", **payload: Any) -> str:
    return task("task.hitl_required", **{"checkpointId": checkpoint, "title": "Ship?", "options": OPTIONS} | payload)


def answers(reply: Callable[[Message], Any], *, count: int = 1) -> Callable[[Peer], None]:
    """Return a script that asks, and answers that many decisions with the result of `reply`."""

    def script(peer: Peer) -> None:
        peer.send(asked(), asked("other"))
        for number in range(count):
            eventually(lambda number=number: len(peer.received) > number or peer.closed.is_set())  # type: ignore[misc]
            if peer.closed.is_set():
                return
            message = peer.messages[number]
            frame = reply(message)
            if frame is not None:
                peer.send(frame)

    return script


def acknowledges(message: Message) -> Message:
    return {"type": "checkpoint.ack", "payload": {}, "correlationId": message["correlationId"]}


def refuses(code: str) -> Callable[[Message], Message]:
    return lambda message: {
        "type": "error",
        "payload": {"message": "not like this", "code": code},
        "correlationId": message["correlationId"],
    }


@contextmanager
def deciding(script: Any, **options: Any) -> Iterator[tuple[Console, JsonServer]]:
    """Follow a server until its questions are there."""
    with JsonServer(script) as server, Console(server.url, start=False, **options) as it:
        eventually(lambda: len(it.pending) > 0)
        yield it, server


def states(it: Console) -> list[str]:
    return list(it.decisions["state"])


# ---- acknowledged --------------------------------------------------------------------------------------------------


def test_a_decision_returns_when_the_server_has_acknowledged_it() -> None:
    with deciding(answers(acknowledges)) as (it, server):
        decision = it.decide("c", "approve", feedback="ship it", modifications={"ttl": 5}, timeout=20)
        assert isinstance(decision, Decision)
        assert (decision.state, decision.option, decision.by) == ("acknowledged", "approve", "you")
        (message,) = server.peer.messages
        assert (message["type"], message["correlationId"]) == ("checkpoint.resolve", decision.decision_id)
        assert message["payload"] == {
            "checkpointId": "c",
            "taskId": "t",
            "decision": "approve",
            "feedback": "ship it",
            "modifications": {"ttl": 5},
        }
        row = it.checkpoints.loc[["c"]].iloc[0]
        assert (row["status"], row["decision"], row["decided_by"], row["feedback"]) == (
            "decided",
            "approve",
            "you",
            "ship it",
        )
        assert [checkpoint.checkpoint_id for checkpoint in it.pending] == ["other"]


def test_the_events_word_for_our_decision_acknowledges_it_too() -> None:
    def reply(message: Message) -> str:
        return task("checkpoint.resolved", checkpointId="c", decision=message["payload"]["decision"])

    with deciding(answers(reply)) as (it, _):
        assert it.decide("c", "reject", timeout=20).state == "applied"


def test_an_option_may_be_given_by_its_label() -> None:
    with deciding(answers(acknowledges)) as (it, server):
        it.decide("c", "Go ahead", timeout=20)
        assert server.peer.messages[0]["payload"]["decision"] == "approve"


def test_a_whole_answer_is_sent_in_all_its_parts() -> None:
    with deciding(does(says(asked()), answers(acknowledges))) as (it, server):
        it.decide("c", Answer("Go ahead", "ship it", {"ttl": 5}))
        payload = server.peer.messages[0]["payload"]
        assert (payload["decision"], payload["feedback"], payload["modifications"]) == (
            "approve",
            "ship it",
            {"ttl": 5},
        )


async def test_a_decision_can_be_awaited() -> None:
    with deciding(answers(acknowledges)) as (it, _):
        decision = await it.decide_async("c", "approve", timeout=20)
        assert decision.state == "acknowledged"


def test_a_function_can_make_the_message_of_a_decision() -> None:
    def decide(decision: Any) -> tuple[str, Any]:
        return "my.answer", {"to": decision.checkpoint_id, "what": decision.option}

    with deciding(answers(acknowledges), decide=decide) as (it, server):
        it.decide("c", "approve", timeout=20)
        message = server.peer.messages[0]
        assert (message["type"], message["payload"]) == ("my.answer", {"to": "c", "what": "approve"})


# ---- not acknowledged ----------------------------------------------------------------------------------------------


def raised(it: Console, kind: type[Exception], *arguments: str, timeout: float = 20) -> str:
    """Return the sentence of the exception with which a decision ends."""
    with pytest.raises(kind) as caught:
        it.decide(*arguments, timeout=timeout)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert getattr(caught.value, "checkpoint_id", "c") == "c"
    return sentence


def test_a_refusal_raises_and_reopens_the_question() -> None:
    with deciding(answers(refuses("INVALID_OPTION"))) as (it, _):
        assert raised(it, DecisionRefused, "c", "approve") == "the decision 'approve' on 'c' was refused: not like this"
        assert states(it) == ["refused"]
        assert "c" in [checkpoint.checkpoint_id for checkpoint in it.pending]


def test_a_refusal_closes_a_question_answered_elsewhere() -> None:
    with deciding(answers(refuses("HITL_ALREADY_DECIDED"))) as (it, _):
        raised(it, DecisionRefused, "c", "approve")
        assert [checkpoint.checkpoint_id for checkpoint in it.pending] == ["other"]
        assert it.checkpoints["decided_by"].loc["c"] == "other"


def test_an_answer_that_came_too_late_for_the_server_is_expired() -> None:
    with deciding(answers(refuses("CHECKPOINT_EXPIRED"))) as (it, _):
        assert "came too late" in raised(it, DecisionExpired, "c", "approve")
        assert states(it) == ["expired"]


def test_an_answer_after_the_deadline_is_never_sent() -> None:
    with deciding([asked(timeout=1e-6)]) as (it, server):
        assert "the deadline has passed" in raised(it, DecisionExpired, "c", "approve")
        assert server.peer.received == []


def test_a_link_lost_before_the_answer_leaves_it_unknown() -> None:
    with deciding(does(says(asked()), Peer.expect, Peer.drop)) as (it, server):
        sentence = raised(it, DecisionUnknown, "c", "approve")
        assert "it may or may not count" in sentence
        assert states(it) == ["unknown"]
        assert it.checkpoints["status"].loc["c"] == "unknown"
        # It is never sent again by itself, whatever the link does.
        eventually(lambda: it.status == "live" and len(server.peers) > 1)
        assert server.peers[1].received == []


def test_an_answer_after_the_time_out_still_counts() -> None:
    answer = threading.Event()

    def script(peer: Peer) -> None:
        peer.send(asked())
        message = peer.expect()
        answer.wait(20)
        peer.send(acknowledges(message))

    with deciding(script) as (it, _):
        assert "within 0.05 s: it may or may not count" in raised(it, DecisionUnknown, "c", "approve", timeout=0.05)
        assert states(it) == ["sent"]
        answer.set()
        eventually(lambda: states(it) == ["acknowledged"])


async def test_awaiting_gives_up_in_the_same_way() -> None:
    with deciding([asked()]) as (it, _), pytest.raises(DecisionUnknown):
        await it.decide_async("c", "approve", timeout=0.05)


def test_offline_nothing_is_sent_and_the_answer_is_withdrawn() -> None:
    with deciding([asked()]) as (it, server):
        server.stop()
        eventually(lambda: it.status == "retrying")
        sentence = raised(it, NotConnected, "c", "approve", timeout=0.05)
        assert "within 0.05 s: nothing was sent" in sentence
        assert states(it) == ["refused"]
        assert "withdrawn" in it.decisions["error"].iloc[0]
        assert it.checkpoints["status"].loc["c"] == "pending"


def test_a_stopped_console_decides_nothing() -> None:
    with deciding([asked()]) as (it, _):
        it.stop()
        assert "stopped: call start() first" in raised(it, NotConnected, "c", "approve")
        assert len(it.decisions) == 0


# ---- refused at the door -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("checkpoint", "option", "words"),
    [
        ("nonsense", "approve", "expected the id of a checkpoint of this run ('c', 'other'), got 'nonsense'"),
        ("c", "nonsense", "expected one of the options of 'c' ('approve', 'reject'), got 'nonsense'"),
        ("", "approve", "got ''"),
    ],
)
def test_an_unknown_question_or_option_is_not_sent(checkpoint: str, option: str, words: str) -> None:
    with deciding(answers(acknowledges)) as (it, server):
        eventually(lambda: len(it.pending) == 2)
        sentence = raised(it, ValueError, checkpoint, option)
        assert words in sentence
        assert (server.peer.received, len(it.decisions)) == ([], 0)


def test_a_run_without_questions_says_that_none_is_open() -> None:
    with JsonServer() as server, Console(server.url) as it, pytest.raises(InvalidArgument, match="none is open"):
        it.decide("c", "approve")


def test_a_second_decision_is_refused_and_never_sent() -> None:
    with deciding(answers(acknowledges, count=2)) as (it, server):
        it.decide("c", "approve", timeout=20)
        assert "already decided by you: 'approve'" in raised(it, DecisionRefused, "c", "reject")
        assert (states(it), len(server.peer.received)) == (["acknowledged", "refused"], 1)


def test_of_concurrent_decisions_one_is_sent() -> None:
    release = threading.Event()

    def script(peer: Peer) -> None:
        peer.send(asked())
        message = peer.expect()
        release.wait(20)
        peer.send(acknowledges(message))

    outcomes: list[str] = []

    with deciding(script) as (it, server):

        def press(option: str) -> None:
            try:
                outcomes.append(it.decide("c", option, timeout=20).state)
            except DecisionError as error:
                outcomes.append(type(error).__name__)

        presses = [threading.Thread(target=press, args=(OPTIONS[n % 2]["id"],)) for n in range(6)]
        for thread in presses:
            thread.start()
        eventually(lambda: len(outcomes) == 5)
        release.set()
        for thread in presses:
            thread.join()
        assert sorted(outcomes) == ["DecisionRefused"] * 5 + ["acknowledged"]
        assert len(server.peer.received) == 1


def test_the_end_of_the_run_closes_what_is_open() -> None:
    end = execution("execution_completed", status="failed")
    with deciding(does(says(asked()), Peer.expect, says(end))) as (it, _):
        with pytest.raises(DecisionError):
            it.decide("c", "approve", timeout=0.5)
        assert it.wait(20)
        assert json.loads(it.to_arrow()["payload"].to_pylist()[-1]) == {"status": "failed"}


# ---- what is sent ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "option", "sent"),
    [
        (["go", 7], 7, 7),
        (["go", 7], "7", 7),
        (["go", 7], np.int64(7), 7),
        ([True, False], False, False),
        ([1, True], True, True),
        ([1.5, 2.0], 2, 2.0),
        ([{"value": "go", "label": "Yes, go"}], "Yes, go", "go"),
        ([{"value": {"a": 1}, "label": "A"}], {"a": 1}, {"a": 1}),
        ({"yes": "Yes"}, "Yes", "yes"),
        ("yes,no", "no", "no"),
        ([1, "1"], "1#2", "1"),
    ],
    ids=repr,
)
def test_the_servers_own_value_is_sent_back(options: object, option: object, sent: object) -> None:
    with deciding(does(says(asked(options=options)), lambda peer: peer.send(acknowledges(peer.expect())))) as (
        it,
        server,
    ):
        assert it.decide(it.pending[0], option, timeout=20).state in {"acknowledged", "applied"}
        (message,) = server.peer.messages
        assert message["payload"]["decision"] == sent
        assert type(message["payload"]["decision"]) is type(sent)


def test_an_answer_in_words_is_decision_and_feedback() -> None:
    spellings: list[dict[str, Any]] = [{"option": "blue"}, {"feedback": "blue"}]
    for given in spellings:
        script = does(says(asked(options=[])), lambda peer: peer.send(acknowledges(peer.expect())))
        with deciding(script) as (it, server):
            assert it.checkpoints["options"].loc["c"] == []
            it.decide("c", timeout=20, **given)
            payload = server.peer.messages[0]["payload"]
            assert (payload["decision"], payload["feedback"]) == ("blue", "blue")
            assert it.checkpoints["decision"].loc["c"] == "blue"


@pytest.mark.parametrize(
    ("options", "option", "sentence"),
    [
        ([{"id": "a", "label": "Go"}, {"id": "b", "label": "Go"}], "Go", "the label of several"),
        ([None], "approve", r"cannot be read: \[null\]"),
        ([], None, "in words"),
        (["go"], None, "expected one of the options of 'c' \\('go'\\), got None"),
        ([1], True, "expected one of the options"),
        (["go"], float("nan"), "expected option= to be a value that JSON can carry, got nan"),
    ],
    ids=repr,
)
def test_an_answer_that_is_not_offered_is_refused_in_a_sentence(options: object, option: object, sentence: str) -> None:
    with deciding([asked(options=options)]) as (it, server):
        with pytest.raises(InvalidArgument, match=sentence):
            it.decide("c", option)
        assert server.peer.received == []


def test_values_of_a_data_frame_can_be_sent() -> None:
    limits = pd.DataFrame({"limit": [1.5, 2.5], "at": pd.to_datetime(["2025-01-01", "2025-01-02"], utc=True)})
    given = {"limit": limits["limit"].max(), "at": limits["at"].max(), "all": limits["limit"], "file": Path("a.txt")}
    with deciding(answers(acknowledges)) as (it, server):
        it.decide("c", "approve", modifications=given, timeout=20)
        sent = server.peer.messages[0]["payload"]["modifications"]
        assert sent == {"limit": 2.5, "at": "2025-01-02T00:00:00Z", "all": [1.5, 2.5], "file": "a.txt"}
        with pytest.raises(InvalidArgument, match="expected modifications= to be a value that JSON can carry, got nan"):
            it.decide("other", "approve", modifications={"limit": float("nan")})
        with pytest.raises(InvalidArgument, match="expected the id of a checkpoint, or one of `pending`, got a int"):
            it.decide(5, "approve")  # type: ignore[arg-type]


def test_times_of_checkpoints_and_decisions_are_datetimes() -> None:
    seen: list[Any] = []
    with Simulator("tasks", speed=100, decision_timeout=9000) as simulator, Console(simulator.url) as console:
        eventually(lambda: console.pending)
        (checkpoint, *_) = console.pending
        assert checkpoint.deadline is not None
        assert checkpoint.deadline.utcoffset() == timedelta(0)
        assert checkpoint.requested_at is not None
        assert checkpoint.requested_at <= console.now + timedelta(days=1)
        assert console.checkpoints.loc[checkpoint.checkpoint_id, "deadline"] == checkpoint.deadline
        assert console.runs[-1].pending[0].deadline == checkpoint.deadline
        decision = console.decide(checkpoint, checkpoint.options[0].id)
        assert decision.sent_at is not None
        assert timedelta(0) <= decision.sent_at - decision.requested_at < timedelta(minutes=5)
        assert console.decisions["requested_at"].iloc[0] == decision.requested_at
    with Simulator("tasks", speed=100, decision_timeout=9000) as simulator:

        def look(question: Checkpoint) -> str:
            seen.append(question.deadline)
            return question.options[0].id

        with Console(simulator.url, on_checkpoint=look):
            eventually(lambda: seen)
    assert isinstance(seen[0], datetime)
