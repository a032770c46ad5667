"""The card of a checkpoint: what of its context has a place there, and which options are which."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runconsole.view.rows import PROSE
from tests.folding import fold, task

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
def test_changes_are_lines_or_diffs_however_the_server_writes_them(changes: list[Any], expected: list[str]) -> None:
    assert card({"changes": changes})["context"] == {"changes": expected}


def test_a_text_of_several_lines_is_shown_as_such_and_the_rest_as_json() -> None:
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
def test_what_may_be_modified_is_offered_to_start_from_where_an_option_takes_it(name: str) -> None:
    value = {"valid_minutes": 30}
    assert json.loads(card({name: value}, MODIFY)["context"]["template"]) == value
    without = card({name: value})["context"]
    assert "template" not in without
    assert json.loads(without["other"]) == {name: value}


def test_our_answer_is_told_beside_what_was_decided() -> None:
    row = card({})
    assert (row["answer"], row["decision"], row["delivery"]) == (None, None, None)
