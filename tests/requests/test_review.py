"""Actions that are decided at a terminal, one after the other."""

from __future__ import annotations

from typing import Any

import pytest

from runconsole.events import ActionDecision, ActionRequest
from runconsole.requests.review import Review, action_lines, is_offered

MAIL = ActionRequest("send", {"to": "a", "n": 1, "cc": ["b"]}, "Sends it", ("approve", "edit", "reject", "respond"))
ERASE = ActionRequest("erase", {"path": "/x"})
LONG = ActionRequest("long", {"text": "\n".join("x" * 60)}, allowed=("approve", "edit", "reject"))


def entered(review: Review, *texts: str) -> list[ActionDecision]:
    for text in texts:
        assert not review.is_done
        review.enter(text)
    assert review.is_done, review.lines
    return list(review.decisions)


def test_each_action_is_shown_and_asked_for() -> None:
    review = Review([MAIL, ERASE])
    assert review.lines == ["send (1 of 2)", "Sends it", 'to: "a"', "n: 1", 'cc: ["b"]']
    assert review.asked == "1 approve, 2 edit, 3 reject, 4 respond"
    review.enter("1")
    assert (review.lines, review.asked) == (["erase (2 of 2)", 'path: "/x"'], "1 approve, 2 reject")
    assert entered(review, "reject", "keep it") == [
        ActionDecision("approve"),
        ActionDecision("reject", message="keep it"),
    ]
    assert review.lines == ["send: approve", "erase: reject"]


def test_arguments_are_edited_one_by_one() -> None:
    review = Review([MAIL], "edit")
    assert review.asked == "to (Enter for a)"
    review.enter("c")
    review.enter("many")
    assert review.lines[-1].startswith("! ")
    review.enter("")
    assert review.asked == "cc (JSON; Enter for b)"
    review.enter("[")
    assert review.lines[-1] == "! this is not JSON"
    assert entered(review, '["d"]') == [ActionDecision("edit", {"to": "c", "n": 1, "cc": ["d"]})]


def test_arguments_are_judged_by_their_schema() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "maximum": 2}}}
    review = Review([ActionRequest("f", {"n": 1}, allowed=("edit",), schema=schema)], "edit")
    review.enter("3")
    assert "3 is greater than the maximum of 2" in review.lines[-1]
    assert entered(review, "2") == [ActionDecision("edit", {"n": 2})]


@pytest.mark.parametrize(("args", "text", "edited"), [("w", '"x"', "x"), ("w", "", "w"), ({}, '{"a": 1}', {"a": 1})])
def test_arguments_without_names_are_one_text(args: Any, text: str, edited: Any) -> None:
    review = Review([ActionRequest("f", args, allowed=("edit",))], "edit")
    review.enter("{")
    assert review.lines[-1] == "! this is not JSON"
    assert entered(review, text) == [ActionDecision("edit", edited)]


def test_what_is_no_decision_is_asked_for_again() -> None:
    review = Review([MAIL])
    for wrong in ("", "9", "maybe"):
        review.enter(wrong)
        assert review.lines[-1] == "! expected 1 to 4"
    review.enter("respond")
    review.enter(" ")
    assert review.lines[-1] == "! a response is needed"
    assert entered(review, "done") == [ActionDecision("respond", message="done")]


def test_an_action_that_is_not_shown_whole_is_not_approved() -> None:
    review = Review([LONG])
    assert review.asked == "1 reject"
    assert review.lines[-1].endswith("lines: approve it where all of it is shown, in a notebook or a browser")
    review.enter("approve")
    assert not review.is_done
    assert [is_offered([LONG], option) for option in ("approve", "edit", "reject", "decide")] == [
        False,
        False,
        True,
        True,
    ]
    assert action_lines([LONG, MAIL]) == ["long", "send"]
    assert action_lines([LONG] * 10)[-1] == "and 2 more"
    assert entered(review, "1", "") == [ActionDecision("reject")]


def test_an_option_that_decides_all_needs_no_review() -> None:
    assert Review.of([MAIL], "approve") is None
    assert Review.of([], "decide") is None
    review = Review.of([MAIL], "respond")
    assert review is not None
    assert review.asked == "Response"
