"""Consoles on the AG-UI endpoints of a LangGraph graph, by ag-ui-langgraph in its two ways of asking."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from runconsole import Console, RunInterrupted, UnfitValues
from tests.agents.servers import AgentServer
from tests.servers.json_server import eventually

WAYS = ("legacy", "standard")


def request(**state: Any) -> dict[str, Any]:
    message = {"id": "message", "role": "user", "content": "go"}
    return {"threadId": str(uuid.uuid4()), "messages": [message], "state": state}


def received(server: AgentServer, way: str, asked: dict[str, Any]) -> Any:
    """Return the answers that the graph has received."""
    return server.get(f"/{way}/threads/{asked['threadId']}")


@pytest.mark.parametrize("way", WAYS)
def test_a_graph_is_a_run(agui: AgentServer, way: str) -> None:
    with Console(f"{agui.url}/{way}", protocol="agui", input=request()) as console:
        console.wait(timeout=60)
        assert console.run.status == "completed"
        assert {"plan", "tools", "worker", "step", "review"} <= set(console.tasks["name"])
        assert set(console.tasks["status"]) == {"completed"}
        [call] = console.tool_calls.reset_index().to_dict("records")
        assert (call["name"], call["status"], call["arguments"]) == ("lookup", "completed", {"city": "Paris"})
        assert call["result"] == "sunny in Paris"
        assert "I will look at three" in "".join(console.output["text"])
        assert console.errors.empty


@pytest.mark.parametrize("way", WAYS)
def test_an_answer_reaches_the_graph_once(agui: AgentServer, way: str) -> None:
    asked = request(ask="plain")
    with Console(f"{agui.url}/{way}", protocol="agui", input=asked) as console:
        eventually(lambda: console.pending)
        [question] = console.pending
        assert console.decide(question, "yes").state == "acknowledged"
        with pytest.raises(Exception, match="already decided by you"):
            console.decide(question, "no")
        console.wait(timeout=60)
        assert console.run.status == "completed"
        assert console.checkpoints["decision"].tolist() == ["yes"]
    assert received(agui, way, asked) == ["yes"]


@pytest.mark.parametrize("way", WAYS)
def test_a_form_is_judged_and_its_values_reach_the_graph(agui: AgentServer, way: str) -> None:
    asked = request(ask="form")
    with Console(f"{agui.url}/{way}", protocol="agui", input=asked) as console:
        eventually(lambda: console.pending)
        [question] = console.pending
        with pytest.raises(UnfitValues, match="score"):
            console.decide(question, "submit", values={"score": 9})
        assert console.decide(question, "submit", values={"score": 4}).state == "acknowledged"
        console.wait(timeout=60)
    assert received(agui, way, asked) == [{"score": 4}]


@pytest.mark.parametrize("way", WAYS)
def test_two_questions_are_answered_in_one_request(agui: AgentServer, way: str) -> None:
    asked = request(ask="two")
    with Console(f"{agui.url}/{way}", protocol="agui", input=asked) as console:
        eventually(lambda: len(console.pending) == 2)
        first, second = console.pending
        assert console.decide(first, feedback="one").state == "queued"
        assert console.decide(second, feedback="two").state == "acknowledged"
        console.wait(timeout=60)
        assert console.run.status == "completed"
    assert sorted(received(agui, way, asked)) == ["one", "two"]


@pytest.mark.parametrize("way", WAYS)
def test_an_action_is_approved_with_other_arguments(agui: AgentServer, way: str) -> None:
    asked = request(ask="hitl")
    edited = {"type": "edit", "args": {"to": "grace@example.com"}}
    with Console(f"{agui.url}/{way}", protocol="agui", input=asked) as console:
        eventually(lambda: console.pending)
        [question] = console.pending
        assert console.decide(question, decisions=[edited]).state == "acknowledged"
        console.wait(timeout=60)
    action = {"name": "send_mail", "args": {"to": "grace@example.com"}}
    assert received(agui, way, asked) == [{"decisions": [{"type": "edit", "edited_action": action}]}]


@pytest.mark.parametrize("way", WAYS)
def test_a_node_that_raises_fails_the_run_in_its_words(agui: AgentServer, way: str) -> None:
    with Console(f"{agui.url}/{way}", protocol="agui", input=request(fail=True)) as console:
        console.wait(timeout=60)
        assert console.run.status == "failed"
        assert console.errors["message"].tolist() == ["worker b broke"]


def test_a_server_that_is_killed_leaves_the_run_unknown_and_is_not_asked_again(agui: AgentServer) -> None:
    asked = request(pause=30.0)
    with Console(f"{agui.url}/standard", protocol="agui", input=asked) as console:
        eventually(lambda: "step" in console.tasks["name"].tolist())
        agui.restart()
        with pytest.raises(RunInterrupted, match="What became of the run is unknown"):
            console.wait(timeout=60)
        assert console.run.status == "interrupted"
    assert received(agui, "standard", asked) == []
