"""Consoles on threads of a LangGraph Agent Server in memory."""

from __future__ import annotations

import time
import uuid
from typing import Any

import pytest

from runconsole import Console, ConsoleFailed, DecisionRefused, Reconnect
from tests.agents.servers import AgentServer
from tests.servers.json_server import eventually

QUICK = Reconnect(first=0.05, longest=0.2)


def new_thread(server: AgentServer) -> str:
    return str(server.post("/threads", {})["thread_id"])


def url_of(server: AgentServer, thread: str | None = None) -> str:
    return f"{server.url}/threads/{thread or uuid.uuid4()}"


def run(server: AgentServer, thread: str, **state: Any) -> str:
    """Start a run as another client would."""
    body = {
        "assistant_id": "research",
        "input": state,
        "stream_mode": ["tasks", "custom", "updates"],
        "stream_subgraphs": True,
        "stream_resumable": True,
    }
    return str(server.post(f"/threads/{thread}/runs", body)["run_id"])


def received(server: AgentServer, thread: str) -> Any:
    """Return the answers that the graph has received."""
    return server.get(f"/threads/{thread}/state")["values"].get("answers")


def statuses(console: Console, name: str) -> list[str]:
    rows = console.tasks
    return [str(status) for status in rows.loc[rows["name"] == name, "status"]]


def test_a_run_that_another_client_starts_is_followed(langgraph: AgentServer) -> None:
    thread = new_thread(langgraph)
    with Console(url_of(langgraph, thread)) as console:
        eventually(lambda: console.status == "live")
        run_id = run(langgraph, thread)
        console.wait(timeout=60)
        assert (console.run.status, console.run.execution_id) == ("completed", run_id)
        assert statuses(console, "worker") == ["completed"] * 3
        assert set(console.tasks.loc[console.tasks["name"] == "worker", "step"]) == {"a 3", "b 3", "c 3"}
        assert console.subtasks["name"].tolist().count("step") == 3
        [call] = console.tool_calls.reset_index().to_dict("records")
        assert (call["name"], call["status"], call["result"]) == ("lookup", "completed", "sunny in Paris")
        assert "I will look at three" in "".join(console.output["text"])
        second = run(langgraph, thread, fail=True)
        eventually(lambda: len(console.runs) == 2 and console.run.status == "failed")
        assert console.run.execution_id == second
        assert console.errors["message"].tolist() == ["worker b broke"]
        assert statuses(console, "worker").count("failed") == 1


def test_two_viewers_and_two_answers_of_which_one_counts(langgraph: AgentServer) -> None:
    url = url_of(langgraph)
    with Console(url, input={"ask": "plain"}, assistant="research") as first:
        eventually(lambda: first.pending)
        with Console(url) as second:
            eventually(lambda: second.pending)
            assert first.decide(first.pending[0], "yes").state == "acknowledged"
            first.wait(timeout=60)
            second.wait(timeout=60)
            eventually(lambda: second.checkpoints[["decision", "decided_by"]].to_numpy().tolist() == [["yes", "other"]])
            with pytest.raises(DecisionRefused):
                second.decide(second.checkpoints.index[0], "no")
        assert first.run.status == "completed"
        assert len(first.runs) == 1
    assert received(langgraph, url.rpartition("/")[2]) == ["yes"]


def test_a_form_and_the_arguments_of_a_call_reach_the_graph(langgraph: AgentServer) -> None:
    url = url_of(langgraph)
    with Console(url, input={"ask": "form"}, assistant="research") as console:
        eventually(lambda: console.pending)
        console.decide(console.pending[0], "submit", values={"score": 4, "verdict": "good"})
        console.wait(timeout=60)
    assert received(langgraph, url.rpartition("/")[2]) == [{"score": 4, "verdict": "good"}]


@pytest.mark.parametrize("pause", [0.0, 1.0])
def test_two_questions_at_once(langgraph: AgentServer, pause: float) -> None:
    url = url_of(langgraph)
    with Console(url, input={"ask": "two"}, assistant="research") as console:
        eventually(lambda: len(console.pending) == 2)
        for question in console.pending:
            assert console.decide(question, feedback=f"to {question.title}").state == "acknowledged"
            time.sleep(pause)
        console.wait(timeout=60)
        assert console.checkpoints["decided_by"].tolist() == ["you", "you"]
        assert console.run.status == "completed"
    answers = received(langgraph, url.rpartition("/")[2])
    assert sorted(answers) == ["to question 1", "to question 2"]


def test_a_late_viewer_sees_an_open_question(langgraph: AgentServer) -> None:
    thread = new_thread(langgraph)
    run(langgraph, thread, ask="plain")
    eventually(lambda: langgraph.get(f"/threads/{thread}")["status"] == "interrupted")
    with Console(url_of(langgraph, thread)) as console:
        eventually(lambda: console.pending)
        assert statuses(console, "worker") == ["completed"] * 3
        console.decide(console.pending[0], "no")
        console.wait(timeout=60)
    assert received(langgraph, thread) == ["no"]


def test_a_run_that_was_not_kept_is_filled_in(langgraph: AgentServer) -> None:
    thread = new_thread(langgraph)
    body = {"assistant_id": "research", "input": {"ask": "plain"}, "stream_mode": ["values"]}
    langgraph.post(f"/threads/{thread}/runs", body)
    eventually(lambda: langgraph.get(f"/threads/{thread}")["status"] == "interrupted")
    with Console(url_of(langgraph, thread)) as console:
        eventually(lambda: console.pending and statuses(console, "review") == ["paused"])
        assert statuses(console, "worker") == ["completed"] * 3
        assert any("no longer has the events" in str(reason) for reason in console.links["reason"])
        console.decide(console.pending[0], "yes")
        console.wait(timeout=60)
        assert console.run.status == "completed"
        eventually(lambda: statuses(console, "second review") == ["completed"])
    assert received(langgraph, thread) == ["yes"]


def test_a_run_of_the_event_stream_reports_messages_and_subgraphs(langgraph: AgentServer) -> None:
    thread = new_thread(langgraph)
    with Console(url_of(langgraph, thread)) as console:
        eventually(lambda: console.status == "live")
        start = {"id": 1, "method": "run.start", "params": {"assistant_id": "research", "input": {}}}
        assert langgraph.post(f"/threads/{thread}/commands", start)["type"] == "success"
        console.wait(timeout=60)
        assert console.run.status == "completed"
        assert "I will look at three" in "".join(console.output["text"])
        assert statuses(console, "worker") == ["completed"] * 3
        eventually(lambda: statuses(console, "plan") == ["completed"])


def test_a_cancelled_run_is_no_question(langgraph: AgentServer) -> None:
    with Console(url_of(langgraph), input={"pause": 2.0}, assistant="research") as console:
        eventually(lambda: len(statuses(console, "worker")) == 3)
        console.cancel()
        console.wait(timeout=60)
        assert console.run.status == "cancelled"
        assert console.checkpoints.empty


def test_an_open_question_outlives_a_restart_of_the_server(langgraph: AgentServer) -> None:
    url = url_of(langgraph)
    with Console(url, input={"ask": "plain"}, assistant="research", reconnect=QUICK) as console:
        eventually(lambda: console.pending)
        langgraph.restart(in_good_order=True)
        eventually(lambda: console.status == "live")
        assert len(console.pending) == 1
        console.decide(console.pending[0], "yes")
        console.wait(timeout=60)
        assert console.run.status == "completed"
    assert received(langgraph, url.rpartition("/")[2]) == ["yes"]


def test_unknown_threads_and_graphs_are_said(langgraph: AgentServer) -> None:
    with Console(url_of(langgraph)) as console, pytest.raises(ConsoleFailed, match="not found"):
        console.wait(timeout=60)
    with (
        Console(url_of(langgraph), input={}, assistant="nobody") as console,
        pytest.raises(ConsoleFailed, match="Invalid assistant: 'nobody'"),
    ):
        console.wait(timeout=60)
