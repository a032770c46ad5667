"""Several runs at once: their rows, their questions in order, and one call for each question."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import runconsole
from runconsole import Console, InvalidArgument
from runconsole.fleet.calling import InboxQuestion
from runconsole.fleet.runset import RunSet
from runconsole.simulator import Simulator
from runconsole.view.fleet import questions, rows
from runconsole.view.fleet_text import fleet_table, fleet_text
from tests.servers.json_server import JsonServer, eventually, in_turn, says


def asked(name: str, *, seconds: float | None = None) -> dict[str, Any]:
    options = [{"id": "go", "label": "Go"}, {"id": "stop", "label": "Stop"}]
    deadline = datetime.now(UTC) + timedelta(seconds=seconds or 0)
    more = {} if seconds is None else {"timeout": deadline.isoformat()}
    payload = {"taskId": "t", "checkpointId": name, "title": f"Question {name}", "options": options, **more}
    return {"type": "task.hitl_required", "payload": payload}


@pytest.fixture
def patient() -> Iterator[Simulator]:
    with Simulator("tasks", speed=50, decision_timeout=100_000) as simulator:
        yield simulator


@pytest.fixture
def runs() -> Iterator[RunSet]:
    made = RunSet({})
    yield made
    made.stop()


def test_a_url_a_run_and_a_console_are_rows(runs: RunSet, patient: Simulator) -> None:
    with runconsole.start_run("told here", show=False) as run, Console(patient.url) as console:
        runs.add([patient.url, run, console])
        assert len(runs.members) == 3
        eventually(lambda: len(questions(runs.known())) == 4)  # the same two questions, by the URL and by the console
        names = [row["name"] for row in rows(runs.known())]
        assert names[1] == "told here"
        assert names[0] == names[2]
        assert rows(runs.known())[0]["words"] == "waiting for you · 2"
    assert console.status == "stopped"


def test_a_run_is_added_once(runs: RunSet, patient: Simulator) -> None:
    with Console(patient.url) as console:
        runs.add([console, console])
        runs.add([console])
        assert len(runs.members) == 1


def test_consoles_of_others_go_on_and_own_ones_stop(patient: Simulator) -> None:
    with Console(patient.url) as console:
        runs = RunSet({})
        runs.add([console, patient.url])
        own = runs.members[1].console
        eventually(lambda: own.status == "live")
        runs.stop()
        runs.stop()
        assert own.status == "stopped"
        assert console.status in {"live", "connecting"}


@pytest.mark.parametrize("given", ["ws://localhost/ws", 7, b"ws://localhost"])
def test_one_run_instead_of_a_list_is_refused(runs: RunSet, given: Any) -> None:
    with pytest.raises(InvalidArgument, match="expected a list of runs"):
        runs.add(given)


def test_the_nearest_deadline_is_first_whichever_run_asks(runs: RunSet) -> None:
    with (
        JsonServer([asked("late", seconds=500), asked("never")]) as first,
        JsonServer([asked("soon", seconds=100)]) as second,
    ):
        runs.add([first.url, second.url])
        eventually(lambda: len(runs.questions()) == 3)
        assert [question.checkpoint_id for question in runs.questions()] == ["soon", "late", "never"]
        due = [question.due_at for question in runs.questions()]
        assert due[2] is None
        assert due[0] is not None


def test_a_function_is_called_once_with_each_question_and_may_raise() -> None:
    calls: list[InboxQuestion] = []

    def on_question(question: InboxQuestion) -> None:
        calls.append(question)
        raise ValueError("the chat is down")

    with JsonServer(in_turn(says(asked("a")), says(asked("a"), asked("b")))) as server:
        runs = RunSet({}, on_question=on_question)
        runs.start()
        runs.add([server.url])
        eventually(lambda: len(calls) == 1)
        server.peer.drop()
        eventually(lambda: len(calls) == 2)
        eventually(lambda: len(runs.notices) == 2)
        assert [str(call.title) for call in calls] == ["Question a", "Question b"]
        assert "on_question failed for 'Question a'" in runs.notices[0]
        assert "the chat is down" in runs.notices[0]
        runs.stop()


def test_a_function_that_hangs_holds_up_nothing(patient: Simulator) -> None:
    gate = threading.Event()
    runs = RunSet({}, on_question=lambda _: gate.wait(60))
    runs.start()
    runs.add([patient.url])
    eventually(lambda: len(runs.questions()) == 2)
    [first, second] = runs.questions()
    assert first.decide("approve").state == "acknowledged"
    eventually(lambda: [each.checkpoint_id for each in runs.questions()] == [second.checkpoint_id])
    gate.set()
    runs.stop()


def test_the_runs_as_text_and_as_tables(runs: RunSet, patient: Simulator) -> None:
    runs.add([patient.url])
    eventually(lambda: len(runs.questions()) == 2)
    text, table = fleet_text(runs.known()), fleet_table(runs.known())
    assert text.startswith("1 runs, 2 open questions\n  ")
    for title in (question.title for question in runs.questions()):
        assert title in text
        assert title in table
    assert "<script" not in table
