"""The board of several runs without a page: its picture, answers from it, the panel of a run, and its end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from runconsole import Console, ConsoleWidget, FleetWidget, InboxWidget, InvalidArgument
from runconsole.simulator import Simulator
from tests.servers.json_server import eventually

SECRET = "s3cret-value"


@pytest.fixture
def patient() -> Iterator[Simulator]:
    with Simulator("tasks", speed=50, decision_timeout=100_000) as simulator:
        yield simulator


@pytest.fixture
def inbox(patient: Simulator) -> Iterator[InboxWidget]:
    made = InboxWidget([patient.url])
    eventually(lambda: len(made._board.picture["questions"]) == 2)
    yield made
    made.close()


def say(widget: Any, message: Any) -> list[dict[str, Any]]:
    """Pass a message of the page on; return the messages that the kernel sends from then on."""
    sent: list[dict[str, Any]] = []
    widget._board.send = sent.append
    widget._board._handle_custom_msg(message, [])
    return sent


def test_the_picture_follows_the_runs(inbox: InboxWidget) -> None:
    picture = inbox._board.picture
    assert picture["waiting"] == 2
    assert picture["runs"][0]["questions"] == 2
    assert inbox._board.shows == "inbox"
    assert repr(inbox) == "InboxWidget(1 runs, 2 open questions)"


def test_an_answer_from_the_page_reaches_the_server_once(inbox: InboxWidget) -> None:
    asked = inbox._board.picture["questions"][0]
    message = {"kind": "decide", "run": asked["run"], "checkpoint": asked["row"]["key"], "option": "approve"}
    sent = say(inbox, message | {"id": "1", "feedback": None})
    eventually(lambda: sent == [{"kind": "answer", "id": "1", "error": None}])
    eventually(lambda: inbox._board.picture["waiting"] == 1)
    sent = say(inbox, message | {"id": "2", "feedback": None})
    eventually(lambda: len(sent) == 1)
    assert "already decided" in str(sent[0]["error"])
    assert inbox.consoles[0].decisions["option"].tolist() == ["approve", "approve"]
    assert inbox.consoles[0].decisions["state"].iloc[1] == "refused"


@pytest.mark.parametrize(
    "message",
    [None, 7, {}, {"kind": "decide"}, {"kind": "open", "run": "none"}, {"kind": "decide", "id": 1, "run": 2}],
)
def test_a_message_of_another_shape_changes_nothing(inbox: InboxWidget, message: Any) -> None:
    assert say(inbox, message) == []
    assert list(inbox.children) == [inbox._board]


def test_an_answer_to_an_unknown_run_is_refused_in_a_sentence(inbox: InboxWidget) -> None:
    sent = say(inbox, {"kind": "decide", "id": "1", "run": "x", "checkpoint": "c", "option": "go"})
    eventually(lambda: len(sent) == 1)
    assert "expected a run of this panel" in str(sent[0]["error"])


def test_a_run_is_opened_and_closed_below(inbox: InboxWidget) -> None:
    key = inbox._board.picture["runs"][0]["key"]
    say(inbox, {"kind": "open", "run": key})
    panel = inbox.children[1]
    assert isinstance(panel, ConsoleWidget)
    assert panel.console is inbox.consoles[0]
    say(inbox, {"kind": "open", "run": ""})
    assert list(inbox.children) == [inbox._board]
    say(inbox, {"kind": "open", "run": key})
    assert inbox.children[1] is panel


def test_runs_are_added_later_and_those_of_others_are_left_alone(patient: Simulator) -> None:
    with Console(patient.url) as console:
        fleet = FleetWidget()
        fleet.add(console)
        eventually(lambda: fleet._board.picture["runs"] and console.status == "live")
        fleet.close()
        fleet.close()
        assert console.status == "live"


def test_a_question_decides_itself(inbox: InboxWidget) -> None:
    [first, _] = inbox.questions
    assert first.decide("approve", feedback="fine").state == "acknowledged"
    eventually(lambda: len(inbox.questions) == 1)


def test_a_notebook_without_a_kernel_shows_a_table(inbox: InboxWidget) -> None:
    bundle = inbox._repr_mimebundle_()
    assert "Open questions" in bundle["text/html"]
    assert bundle["text/plain"].startswith("1 runs, 2 open questions")


def test_no_secret_is_in_the_picture_or_in_a_refusal(patient: Simulator) -> None:
    fleet = FleetWidget([f"{patient.url}?token={SECRET}"], token=SECRET)
    eventually(lambda: fleet._board.picture["runs"][0]["questions"])
    assert SECRET not in repr(fleet._board.picture) + repr(fleet) + str(fleet._repr_mimebundle_())
    fleet.close()


def test_a_misspelt_option_is_an_error_that_names_the_right_one(patient: Simulator) -> None:
    misspelt: Any = {"titel": "x"}
    with pytest.raises(InvalidArgument, match="title"):
        FleetWidget([patient.url], **misspelt)
