"""The marks of a recording: errors, questions and phases, one for each part of it, found once and kept."""

from __future__ import annotations

from typing import Any

import pytest

from runconsole.replay.marks import MOST_MARKS, ReplayMarks
from runconsole.state import RunState
from tests.support.folding import execution, fold, task


def marks_of(*frames: tuple[float, str], duration: float = 100.0) -> list[Any]:
    found, folded = ReplayMarks(), fold([])
    for position, frame in frames:
        folded.feed([frame])
        found.note(position, duration, folded.state)
    return found.list()


def error(number: int) -> str:
    return execution("error", task_id=f"t{number}", message=f"no. {number}")


def question(name: str) -> str:
    return task("task.hitl_required", checkpointId=name, title="Ship?", options=["approve"])


def test_errors_questions_and_started_phases_are_marked() -> None:
    phases = [{"number": 0, "name": "Plan", "tasks": 1}, {"number": 1, "name": "Build", "tasks": 1}]
    assert marks_of(
        (0.0, execution("execution_started", phases=phases)),
        (1.04, execution("progress_update", task_id="a", phase=0, status="in_progress")),
        (20.0, execution("progress_update", task_id="a", phase=0, status="completed")),
        (30.0, execution("progress_update", task_id="b", phase=1, status="in_progress")),
        (40.0, question("c")),
        (50.0, error(1)),
    ) == [[1.1, "phase"], [30.0, "phase"], [40.0, "question"], [50.0, "error"]]


def test_a_part_has_one_mark_of_its_most_important_kind() -> None:
    assert marks_of((10.0, question("c")), (10.1, error(1)), (10.2, error(2))) == [[10.1, "error"]]


def test_a_storm_of_errors_has_few_marks() -> None:
    frames = [(number / 50, error(number)) for number in range(5_000)]
    assert len(marks_of(*frames)) == MOST_MARKS


def test_what_was_found_stays_when_the_recording_is_read_again() -> None:
    found = ReplayMarks()
    first = fold([error(1)])
    found.note(5.0, 10.0, first.state)
    found.restart()
    again = fold([])
    found.note(0.0, 10.0, again.state)
    assert found.list() == [[5.0, "error"]]
    again.feed([error(1)])
    found.note(5.0, 10.0, again.state)
    assert found.list() == [[5.0, "error"]]


def test_the_marks_are_those_of_the_newest_run() -> None:
    found = ReplayMarks()
    found.note(1.0, 10.0, fold([error(1)]).state)
    found.note(2.0, 10.0, RunState())
    assert found.list() == []


@pytest.mark.parametrize("duration", [0.0, 1e-9])
def test_a_recording_of_one_moment_has_one_mark(duration: float) -> None:
    assert marks_of((0.0, error(1)), duration=duration) == [[0.0, "error"]]


def test_marks_of_a_short_recording_have_positions_of_their_own() -> None:
    assert marks_of((0.11, question("c")), (0.15, error(1)), (0.19, question("d")), duration=1.0) == [[0.2, "error"]]
