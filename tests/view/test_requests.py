"""The actions of a question in its row."""

from __future__ import annotations

import json
from typing import Any

from runconsole.events import ActionRequest
from runconsole.requests.options import options_of
from runconsole.state import Checkpoint
from runconsole.view.checkpoints import Question, checkpoint_row
from runconsole.view.rows import Cutter

MAIL = ActionRequest("send", {"to": "ann", "n": 1}, "Sends it", ("approve", "edit", "reject", "respond"))


def row(*requests: ActionRequest, whole: bool = True) -> Any:
    asked = Checkpoint("c", options=options_of(requests), offers="told", requests=requests)
    cutter = Cutter(whole=whole)
    return cutter.mark(checkpoint_row(Question(asked, None, None, None), cutter))


def texts(args: Any) -> list[Any]:
    return [tuple(arg.values()) for arg in row(ActionRequest("f", args))["requests"][0]["args"]]


def test_a_row_has_every_action_and_the_fields_of_its_decision() -> None:
    shown = row(MAIL, ActionRequest("erase", {"path": "/x"}))
    assert [(each["name"], each["description"]) for each in shown["requests"]] == [
        ("send", "Sends it"),
        ("erase", None),
    ]
    fields = {field["key"]: (field["path"], field["kind"], field["start"]) for field in shown["form"]}
    assert fields == {
        "0.type": (["type"], "choice", None),
        "0.args.to": (["args", "to"], "text", '"ann"'),
        "0.args.n": (["args", "n"], "number", "1"),
        "0.message": (["message"], "lines", None),
        "1.type": (["type"], "choice", None),
        "1.message": (["message"], "lines", None),
    }
    assert [choice["label"] for choice in shown["form"][0]["choices"]] == ["Approve", "Edit", "Reject", "Respond"]
    assert [(option["id"], option.get("fills", False)) for option in shown["options"]] == [
        ("approve", False),
        ("reject", False),
        ("decide", True),
    ]


def test_arguments_are_told_apart_by_their_text() -> None:
    assert texts({"a": "words", "b": "5", "c": 5, "d": "", "e": [1], "f": None, "g": " x", "h": "x\n\ny\n"}) == [
        ("a", "words"),
        ("b", '"5"'),
        ("c", "5"),
        ("d", '""'),
        ("e", "[\n  1\n]"),
        ("f", "null"),
        ("g", '" x"'),
        ("h", "x\n\ny\n"),
    ]
    assert texts("words") == [("", "words")]


def test_invisible_characters_are_marks_and_stay_in_what_is_edited() -> None:
    shown = row(ActionRequest("f", {"a": "x\u202ey", "b": ["\u202e"]}, allowed=("approve", "edit")))
    assert "\u202e" not in json.dumps(shown["requests"], ensure_ascii=False)
    starts = {field["key"]: json.loads(field["start"]) for field in shown["form"] if field["start"]}
    assert starts == {"0.args.a": "x\u202ey", "0.args.b": ["\u202e"]}


def test_one_action_that_is_approved_or_rejected_needs_no_fields() -> None:
    shown = row(ActionRequest("erase", {"path": "/x"}))
    assert "form" not in shown
    assert [option["id"] for option in shown["options"]] == ["approve", "reject"]


def test_a_number_that_a_browser_cannot_hold_is_not_edited_there() -> None:
    [decision, *_] = row(ActionRequest("f", {"a": [2**60]}, allowed=("approve", "edit", "reject")))["form"]
    assert [choice["label"] for choice in decision["choices"]] == ["Approve", "Reject"]


def test_a_large_action_is_cut_in_the_row_and_whole_on_request() -> None:
    large = ActionRequest("f", {"a": "x" * 100_000}, allowed=("approve", "edit"))
    cut = row(large, whole=False)
    assert {"requests", "form"} <= set(cut["cut"])
    assert [field["start"] for field in cut["form"] if field["key"] == "0.args.a"] == [None]
    assert len(json.dumps(cut)) < 40_000
    whole = row(large)
    assert whole["requests"][0]["args"][0]["text"] == "x" * 100_000
    assert "cut" not in whole


def test_many_actions_are_shown_and_decided_all_alike() -> None:
    shown = row(*[MAIL] * 41)
    assert len(shown["requests"]) == 41
    assert "form" not in shown


def test_an_argument_of_a_choice_can_be_left_out_again() -> None:
    schema = {"properties": {"mode": {"enum": ["a", "b"]}, "to": {"enum": ["c"]}}, "required": ["to"]}
    asked = ActionRequest("f", {"mode": "a", "to": "c"}, allowed=("approve", "edit"), schema=schema)
    choices = {field["key"]: [choice["value"] for choice in field["choices"]] for field in row(asked)["form"]}
    assert choices == {"0.type": ['"approve"', '"edit"'], "0.args.mode": ['"a"', '"b"', ""], "0.args.to": ['"c"']}
