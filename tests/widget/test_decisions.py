"""Answers from a page: each is answered, sent at most once, and refused in words where it cannot count."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from runconsole.clock import now_micros
from tests.servers.json_server import JsonServer, Message, Peer, eventually
from tests.support.folding import task
from tests.support.page import Page, showing

ASKED = task("task.hitl_required", checkpointId="c", title="Ship?", options=["approve", "reject"])

shows = pytest.fixture(showing)


def answering(peer: Peer) -> None:
    peer.send(ASKED)
    message = peer.expect()
    peer.send({"type": "ack", "correlationId": message["correlationId"]})


def test_a_press_is_answered_sent_and_acknowledged(shows: Callable[..., Page]) -> None:
    with JsonServer(answering) as server:
        page = shows(server.url)
        eventually(lambda: page.widget.pending)
        page.send(
            kind="decide",
            id="p1",
            checkpoint="c",
            answer={"option": "approve", "feedback": "ship it"},
        )
        assert page.answer("p1") == {"kind": "answer", "id": "p1", "ok": True, "error": None}
        eventually(lambda: '"delivery": "acknowledged"' in json.dumps(page.picture))
        row = page.picture["checkpoints"]["rows"][0]
        assert (row["status"], row["decided_by"], row["feedback"]) == ("decided", "you", "ship it")
        (message,) = server.peer.messages
        assert (message["correlationId"], message["payload"]["feedback"]) == ("p1", "ship it")


def test_half_an_emoji_in_the_feedback_is_sent_as_a_mark(shows: Callable[..., Page]) -> None:
    with JsonServer(answering) as server:
        page = shows(server.url)
        eventually(lambda: page.widget.pending)
        changes = {"name": ["\ud83d"]}
        page.send(
            kind="decide",
            id="p1",
            checkpoint="c",
            answer={"option": "approve", "feedback": "ok \ud83d", "modifications": changes},
        )
        assert page.answer("p1")["ok"]
        eventually(lambda: '"delivery": "acknowledged"' in json.dumps(page.picture))
        (message,) = server.peer.messages
        assert message["payload"]["feedback"] == "ok \ufffd"
        assert page.widget.decisions["feedback"].tolist() == ["ok \ufffd"]
        assert page.widget.to_arrow("decisions").num_rows == 1
        page.send(kind="ex\ud83d", id="q\ud83d")
        assert "unknown message kind" in page.answer("q\ufffd")["error"]
        server.peer.send(task("task.started", taskId="later"))
        eventually(lambda: '"later"' in json.dumps(page.picture))


def test_conflicting_presses_send_one_decision(
    shows: Callable[..., Page],
) -> None:
    with JsonServer([ASKED]) as server:
        page = shows(server.url)
        eventually(lambda: page.widget.pending)
        page.send(
            kind="decide",
            id="p1",
            checkpoint="c",
            answer={"option": "approve"},
        )
        page.send(kind="decide", id="p2", checkpoint="c", answer={"option": "reject"})
        assert page.answer("p1")["ok"]
        assert page.answer("p2") == {
            "kind": "answer",
            "id": "p2",
            "ok": False,
            "error": "another answer to this checkpoint is already on its way",
        }
        server.peer.send({"type": "ack", "correlationId": "p1"})
        eventually(lambda: list(page.widget.decisions["state"]) == ["acknowledged", "refused"])
        assert [message["correlationId"] for message in server.peer.messages] == ["p1"]


def test_an_answer_delayed_past_the_deadline_is_never_sent(
    shows: Callable[..., Page],
) -> None:
    deadline = datetime.now(UTC) + timedelta(seconds=1.5)
    asked = task(
        "task.hitl_required",
        checkpointId="c",
        title="Ship?",
        options=["approve", "reject"],
        timeout=deadline.isoformat(),
    )
    with JsonServer([asked]) as server:
        page = shows(server.url)
        eventually(lambda: page.widget.pending)
        pressed_at = now_micros() // 1000 - 30_000  # long ago, in a browser whose kernel was busy
        eventually(lambda: datetime.now(UTC) > deadline)
        page.send(kind="decide", id="p1", checkpoint="c", answer={"option": "reject"}, at=pressed_at)
        answer = page.answer("p1")
        assert not answer["ok"]
        assert "the deadline has passed" in answer["error"]
        assert re.search(r"\(it waited 3\d s for the kernel\)$", answer["error"])
        assert list(page.widget.decisions["state"]) == ["expired"]
        assert server.peer.received == []


def test_pressing_twice_sends_once(shows: Callable[..., Page]) -> None:
    with JsonServer(answering) as server:
        page = shows(server.url)
        eventually(lambda: page.widget.pending)
        for press in ("p1", "p2", "p1"):
            page.send(
                kind="decide",
                id=press,
                checkpoint="c",
                answer={"option": "approve"},
            )
        eventually(lambda: list(page.widget.decisions["state"]) == ["acknowledged", "refused"])
        assert [message["correlationId"] for message in server.peer.messages] == ["p1"]


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (
            {"checkpoint": "x", "answer": {"option": "approve"}},
            "expected the id of a checkpoint of this run ('c'), got 'x'",
        ),
        ({"checkpoint": "c", "answer": {"option": "explode"}}, "expected one of the options of 'c'"),
        ({"option": "approve"}, "expected a message of the kind 'decide': Object missing required field `checkpoint`"),
        ({"checkpoint": None, "option": ["a"]}, "expected a message of the kind 'decide': Expected `str`, got `null`"),
    ],
)
def test_a_press_that_cannot_be_is_answered_with_one_sentence(
    shows: Callable[..., Page], message: Message, words: str
) -> None:
    with JsonServer([ASKED]) as server:
        page = shows(server.url)
        eventually(lambda: page.widget.pending)
        page.send(kind="decide", id="p1", **message)
        answer = page.answer("p1")
        assert (answer["ok"], words in answer["error"]) == (False, True)
        assert server.peer.received == []
