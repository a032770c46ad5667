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
from runconsole.view.fleet_text import fleet_table, fleet_text, run_lines
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


def test_an_answer_within_the_function_is_one_of_a_policy(patient: Simulator) -> None:
    runs = RunSet({}, on_question=lambda question: question.decide(question.options[0].id))
    runs.start()
    runs.add([patient.url])
    console = runs.members[0].console
    eventually(lambda: console.checkpoints["decided_by"].eq("you").any())
    assert set(console.decisions["by"]) == {"policy"}
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


def test_a_line_of_a_run_says_why_it_has_no_link(runs: RunSet) -> None:
    with JsonServer() as server:
        url = server.url
    runs.add([url])
    eventually(lambda: runs.members[0].console.status == "retrying")
    [line] = run_lines(runs.known())
    assert line.startswith(url)
    assert "refused" in line
    assert fleet_text(runs.known()).splitlines()[1] == f"  {line}"


# ---- servers with many runs -----------------------------------------------------------------------------------------


def server_of(simulator: Simulator) -> str:
    return simulator.url.partition("/threads/")[0]


def test_the_address_of_a_langgraph_server_stands_for_its_interrupted_threads() -> None:
    with Simulator("tasks", wire="langgraph", speed=100, token="a-secret-key") as simulator:
        runs = RunSet({"protocol": "langgraph", "token": "a-secret-key"})
        runs.start()
        with Console(simulator.url, token="a-secret-key") as console:
            eventually(lambda: console.pending)
            runs.add([server_of(simulator)])
            eventually(runs.questions, "a question of an interrupted thread")
            [first, *_] = runs.questions()
            assert "/threads/" in first.address
            assert runs.unlisted == []
            assert "a-secret-key" not in repr(first)
        runs.stop()


def test_a_server_that_cannot_list_its_runs_is_said_once() -> None:
    with JsonServer() as server:
        runs = RunSet({"protocol": "langgraph"})
        runs.start()
        address = server.url.replace("ws://", "http://").removesuffix("/ws")
        runs.add([address, address])
        eventually(lambda: not runs.is_listing)
        assert runs.members == ()
        assert len(runs.unlisted) == len(runs.notices) == 1
        assert "could not be listed: expected a LangGraph Agent Server" in runs.notices[0]
        runs.stop()


def test_a_wrong_key_of_a_server_is_said() -> None:
    with Simulator("tasks", wire="langgraph", speed=100, token="right-secret") as simulator:
        runs = RunSet({"protocol": "langgraph", "token": "wrong-secret"})
        runs.start()
        runs.add([server_of(simulator)])
        eventually(lambda: runs.notices)
        assert "refused us with HTTP 403: pass a valid token=" in runs.notices[0]
        assert "wrong-secret" not in runs.notices[0]
        runs.stop()
