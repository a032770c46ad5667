"""A task with its history: bounded, of this task alone, found by the id that rows have."""

from __future__ import annotations

import json

import pytest

from runconsole.view.task_history import ERRORS, FILES, LINES, ROOM
from tests.support.folding import Folded, execution, fold, task


def busy() -> Folded:
    """Return two tasks that do many things."""
    frames = []
    for n in range(200):
        name = "t" if n % 2 == 0 else "other"
        frames.append(
            execution("error", n, task_id=name, message=f"boom {n}", retry_attempt=n // 2, stack_trace="s" * 9000)
        )
        frames.append(execution("artifact_created", n, task_id=name, path=f"{name}/{n}.py"))
        frames.append(task("task.output", n, taskId=name, stream="stdout", data=f"line {n}\n"))
    frames.append(task("task.hitl_required", 300, checkpointId="c", title="Ship?", options=["approve", "reject"]))
    frames.append(task("task.hitl_required", 300, taskId="other", checkpointId="d", title="Theirs?"))
    frames.append(task("checkpoint.resolved", 301, checkpointId="c", decision="approve"))
    return fold(frames)


def test_a_history_has_the_newest_of_each_kind_and_counts_all() -> None:
    found = busy().view.task("t")
    assert found is not None
    row, history = found
    assert (row["id"], row["key"]) == ("t", "0")
    assert (history["errors_total"], history["files_total"], history["questions_total"]) == (100, 100, 1)
    assert history["errors"][-1]["message"] == "boom 198"
    assert [error["attempt"] for error in history["errors"]] == list(range(100 - len(history["errors"]), 100))
    assert {file["task"] for file in history["files"]} == {"t"}
    assert len(history["files"]) == FILES
    assert [line["text"] for line in history["output"]] == [f"line {n}" for n in range(200 - 2 * LINES, 200, 2)]
    assert history["output_searched"] == 200
    (question,) = history["questions"]
    assert (question["title"], question["status"], question["answer"]) == ("Ship?", "decided", "Approve")


def test_a_history_is_bounded() -> None:
    found = busy().view.task("t")
    assert found is not None
    assert 0 < len(found[1]["errors"]) <= ERRORS
    assert len(json.dumps(found)) < 2 * ROOM + 60_000


@pytest.mark.parametrize("task_id", ["42", "x" * 500, "a\u202eb", "a b"])
def test_a_task_is_found_by_the_id_that_its_rows_have(task_id: str) -> None:
    folded = fold(
        [
            execution("progress_update", task_id="1"),
            execution("error", task_id=task_id, message="no"),
            task("odd", taskId="y"),
        ]
    )
    picture = folded.picture()["picture"]
    for name in (picture["tasks"]["rows"][1]["id"], picture["errors"]["rows"][0]["task"], task_id):
        found = folded.view.task(name)
        assert found is not None, name
        assert found[0]["key"] == "1"


def test_an_unknown_task_has_no_history() -> None:
    view = busy().view
    assert view.task("nobody") is None
    assert view.task("") is None
    assert view.task("ü") is None
