"""The card of a checkpoint: the parts of its context, and the kinds of its options."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runconsole.view.checkpoints import answered
from runconsole.view.rows import PROSE
from tests.support.folding import fold, task

PLAIN = [{"id": "approve", "label": "Approve"}, {"id": "reject", "label": "Reject"}]
MODIFY = [*PLAIN, {"id": "modify", "label": "Modify"}]
DIFF = "--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-old\n+new\n"


def card(context: dict[str, Any], options: list[dict[str, Any]] = PLAIN, **more: Any) -> dict[str, Any]:
    asked = task("task.hitl_required", checkpointId="c", title="Ship?", options=options, context=context, **more)
    (row,) = fold([asked]).picture()["picture"]["checkpoints"]["rows"]
    return dict(row)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (["add a.py", "modify b.py"], ["add a.py", "modify b.py"]),
        ([{"action": "add", "path": "a.py"}], ["add a.py"]),
        ([{"file": "a.py"}], ["a.py"]),
        ([{"path": "x.py", "diff": DIFF}], [DIFF]),
        ([{"path": "x.py", "patch": DIFF}, "also this"], [DIFF, "also this"]),
        ([{"path": 5, "weight": 2}], ['{"path": 5, "weight": 2}']),
        ([7, None, ["x"]], ["7", "null", '[\n  "x"\n]']),
    ],
)
def test_changes_are_lines_or_diffs_in_any_spelling(changes: list[Any], expected: list[str]) -> None:
    assert card({"changes": changes})["context"] == {"changes": expected}


def test_long_texts_are_shown_as_text_the_rest_as_json() -> None:
    context = card({"diff": DIFF, "reviewers": 2, "branch": "main"})["context"]
    assert context["texts"] == [{"name": "diff", "text": DIFF}]
    assert json.loads(context["other"]) == {"reviewers": 2, "branch": "main"}


def test_long_texts_are_cut_and_come_whole_on_request() -> None:
    long = "line\n" * 4000
    asked = task("task.hitl_required", checkpointId="c", options=PLAIN, context={"plan": long})
    folded = fold([asked])
    (row,) = folded.picture()["picture"]["checkpoints"]["rows"]
    assert row["cut"] == ["context.texts"]
    assert len(row["context"]["texts"][0]["text"]) == PROSE
    whole = folded.view.detail("checkpoints", "c")
    assert whole is not None
    assert whole["context"]["texts"] == [{"name": "plan", "text": long}]


@pytest.mark.parametrize("name", ["modifications", "parameters", "arguments", "args", "proposal"])
def test_modifiable_values_are_offered_if_an_option_takes_them(name: str) -> None:
    value = {"valid_minutes": 30}
    assert json.loads(card({name: value}, MODIFY)["context"]["template"]) == value
    without = card({name: value})["context"]
    assert "template" not in without
    assert json.loads(without["other"]) == {name: value}


def test_our_answer_is_shown_beside_the_decision() -> None:
    row = card({})
    assert (row["answer"], row["decision"], row["delivery"]) == (None, None, None)


def test_long_ids_come_back_from_their_references() -> None:
    question_id, approve, reject = "q" * 1_000_000, "a" * 1_000_000, "r" * 1_000_000
    asked = task("task.hitl_required", checkpointId=question_id, options=[approve, reject], defaultAction=reject)
    folded = fold([asked])
    (row,) = folded.picture()["picture"]["checkpoints"]["rows"]
    assert len(json.dumps(row)) < 10_000
    assert row["default_action"] == row["options"][1]["id"]
    assert answered(folded.state, row["id"], row["options"][0]["id"]) == (question_id, approve)
    assert answered(folded.state, row["id"], row["options"][1]["id"]) == (question_id, reject)
    assert folded.view.detail("checkpoints", row["key"]) is not None


def test_short_ids_and_unknown_answers_are_unchanged() -> None:
    folded = fold([task("task.hitl_required", checkpointId="c", options=PLAIN)])
    assert answered(folded.state, "c", "approve") == ("c", "approve")
    assert answered(folded.state, "c", "x" * 5000) == ("c", "x" * 5000)
    assert answered(folded.state, "unknown", "approve") == ("unknown", "approve")


def test_the_row_of_a_question_is_short_however_much_it_holds() -> None:
    many = [{"id": f"option {n}", "label": f"Option {n}", "description": "d" * 900} for n in range(100_000)]
    changes = ["+line\n" * 2000] * 500
    row = card({"spec": "s" * 100_000, "changes": changes, "plan": "p\n" * 50_000}, many, description="d" * 50_000)
    assert len(json.dumps(row)) < 40_000
    assert row["options_total"] == 100_000
    assert [option["id"] for option in row["options"]] == [f"option {n}" for n in range(50)]


def test_a_cut_field_counts_the_lines_and_characters_left_out() -> None:
    diff = "+line\n" * 4000
    asked = task("task.hitl_required", checkpointId="c", options=PLAIN, context={"changes": [diff, "add a.py"]})
    folded = fold([asked])
    (row,) = folded.picture()["picture"]["checkpoints"]["rows"]
    shown = row["context"]["changes"]
    lines, characters = row["rest"]["context.changes"]
    assert row["cut"] == ["context.changes"]
    assert characters == len(diff) - len(shown[0])
    assert lines == diff.count("\n") - shown[0].count("\n")
    whole = folded.view.detail("checkpoints", "c")
    assert whole is not None
    assert whole["context"]["changes"] == [diff, "add a.py"]
    assert "cut" not in whole


def test_a_diff_of_183_lines_is_sent_whole_at_once() -> None:
    lines = ["@@ -1,120 +1,150 @@", *(f"+added line {n} of the new file" for n in range(60))]
    lines += [f"-removed line {n} of the old one" for n in range(30)] + [f" context line {n}" for n in range(92)]
    row = card({"changes": [{"path": "app.py", "diff": "\n".join(lines)}]})
    assert row["context"]["changes"] == ["\n".join(["app.py", *lines])]
    assert "cut" not in row


def test_operations_show_path_action_and_whole_diff() -> None:
    preview = "".join(f"line {n}\n" for n in range(60))
    operations = [
        {"file": "new.py", "operation": "create", "preview": preview},
        {"file": "old.py", "operation": "modify", "diff": "-x\n+y\n"},
        {"file": "gone.py", "operation": "delete"},
    ]
    request = {"type": "approval_request", "data": {"batch_id": "b1", "operations": operations}}
    folded = fold([json.dumps(request)])
    (row,) = folded.picture()["picture"]["checkpoints"]["rows"]
    assert (row["id"], row["title"]) == ("b1", "Approve 3 file operations?")
    assert [option["id"] for option in row["options"]] == ["approve", "reject"]
    assert row["context"]["changes"] == [
        f"create new.py\n{preview}",
        "modify old.py\n-x\n+y\n",
        "delete gone.py",
    ]
    assert "cut" not in row


def test_modifiable_values_are_json_with_visible_characters() -> None:
    value = {"path": "app/\u202eyp.niam"}
    template = card({"parameters": value}, MODIFY)["context"]["template"]
    assert "\\u202e" in template
    assert json.loads(template) == value


SCHEMA = {
    "type": "object",
    "properties": {
        "rate": {"type": "number", "title": "Rate", "description": "of each step", "maximum": 1, "default": 0.5},
        "machine": {"type": "object", "properties": {"size": {"enum": ["small", 8]}}, "required": ["size"]},
    },
}


def test_a_schema_is_a_form_of_fields() -> None:
    row = card({}, MODIFY, responseSchema=SCHEMA)
    rate, size = row["form"]
    assert rate == {
        "key": "rate",
        "path": ["rate"],
        "kind": "number",
        "label": "Rate",
        "description": "of each step",
        "group": None,
        "required": False,
        "choices": [],
        "start": "0.5",
        "limits": "at most 1",
    }
    assert (size["key"], size["path"], size["group"], size["required"]) == (
        *("machine.size", ["machine", "size"], "machine", True),
    )
    assert size["choices"] == [{"label": "small", "value": '"small"'}, {"label": "8", "value": "8"}]
    assert [option.get("fills") for option in row["options"]] == [True, None, True]


def test_a_schema_beyond_fields_is_json_to_edit_that_begins_with_its_defaults() -> None:
    schema = {"properties": {"n": {"default": 3}, "list": {"type": "array", "items": {"type": "object"}}}}
    row = card({}, PLAIN, responseSchema=schema)
    assert "form" not in row
    assert json.loads(row["context"]["template"]) == {"n": 3}
    assert [option["modifies"] for option in row["options"]] == [True, False]


def test_an_unusable_schema_is_said_on_the_card() -> None:
    row = card({}, PLAIN, responseSchema={"properties": 5})
    assert row["options_note"].startswith("the server gave a schema for the answer that cannot be used (properties: 5")


def test_the_words_of_a_form_have_visible_marks() -> None:
    row = card({}, PLAIN, responseSchema={"properties": {"x": {"type": "string", "title": "a\u202eb"}}})
    assert "\u202e" not in row["form"][0]["label"]
