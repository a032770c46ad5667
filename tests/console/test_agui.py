"""Consoles on AG-UI endpoints: pydantic-ai's adapter over loopback, and a server that says odd things."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from pydantic_ai import Agent, DeferredToolRequests
from pydantic_ai.messages import ToolReturnPart
from pydantic_ai.models.function import DeltaToolCall, FunctionModel
from pydantic_ai.models.test import TestModel

from runconsole import Console, ConsoleFailed, InvalidArgument, Reconnect, RunInterrupted, UnfitValues
from runconsole.cli import cli
from tests.servers.agui_server import agent_server
from tests.servers.json_server import eventually
from tests.servers.other_servers import closed_port, http
from tests.servers.sse_server import STREAM, Exchange, events, sse_server

STARTED = {"type": "RUN_STARTED", "threadId": "t", "runId": "r"}
FINISHED = {"type": "RUN_FINISHED", "threadId": "t", "runId": "r"}
ASKED = FINISHED | {
    "outcome": {"type": "interrupt", "interrupts": [{"id": "i", "reason": "confirmation", "message": "Go on?"}]}
}
QUICK = Reconnect(first=0.01, longest=0.01)
SECRET = "s3cret-value"


def said(*messages: Any) -> Any:
    return lambda exchange: exchange.write(STREAM + events(*messages))


def deploying() -> Agent[Any, Any]:
    """Return an agent that calls a tool twice at once, which needs approval, and then says what came of it."""

    async def stream(messages: list[Any], _info: Any) -> AsyncIterator[Any]:
        returns = [part for message in messages for part in message.parts if isinstance(part, ToolReturnPart)]
        if returns:
            yield "done: " + ", ".join(str(part.content) for part in returns)
            return
        yield "I deploy.\n"
        yield {
            number: DeltaToolCall(name="deploy", json_args=json.dumps({"place": place}), tool_call_id=place)
            for number, place in enumerate(("north", "south"), 1)
        }

    agent: Agent[Any, Any] = Agent(FunctionModel(stream_function=stream), output_type=[str, DeferredToolRequests])

    @agent.tool_plain(requires_approval=True)
    def deploy(place: str) -> str:
        return f"deployed {place}"

    return agent


def text_of(console: Console) -> str:
    return "".join(console.output["text"])


# ---- real endpoints -------------------------------------------------------------------------------------------------


def test_an_agent_with_a_tool_is_a_run() -> None:
    agent = Agent(TestModel(custom_output_text="it is warm"))

    @agent.tool_plain
    def weather(city: str) -> str:
        return f"warm in {city}"

    with agent_server(agent, token=SECRET) as (url, bodies), Console(url, input="Is it warm?", token=SECRET) as console:
        console.wait(timeout=60)
        assert console.protocol == "agui"
        assert console.run.status == "completed"
        assert console.tasks["status"].tolist() == ["completed"]
        assert console.subtasks[["name", "status"]].to_numpy().tolist() == [["weather", "completed"]]
        assert text_of(console) == "it is warm\n"
        assert bodies[0]["messages"][0]["content"] == "Is it warm?"
    assert len(bodies) == 1
    assert SECRET not in repr(console)


def test_two_approvals_wait_for_each_other_and_one_request_answers_both() -> None:
    with agent_server(deploying()) as (url, bodies), Console(url, input="Deploy") as console:
        eventually(lambda: len(console.pending) == 2)
        north, south = console.pending
        held = console.decide(north, "approve", values={"place": "east"})
        assert (held.state, len(bodies)) == ("queued", 1)
        assert "waits for the answer to “Approve deploy" in str(held.error)
        assert console.checkpoints["status"].tolist() == ["sending", "pending"]
        assert console.decide(south, "reject", feedback="not now").state == "acknowledged"
        console.wait(timeout=60)
        assert console.run.status == "completed"
        assert text_of(console) == "I deploy.\ndone: deployed east, not now\n"
        assert console.decisions["state"].tolist() == ["acknowledged"] * 2
        assert console.checkpoints["decision"].tolist() == ["edit", "reject"]
        assert console.subtasks["status"].tolist() == ["completed"] * 2
        assert [event for event in console.events["type"] if event == "RUN_STARTED"] == ["RUN_STARTED"] * 2
        assert console.run.execution_id == bodies[0]["runId"]
    assert len(bodies) == 2
    assert {body["threadId"] for body in bodies} == {bodies[0]["threadId"]}


def test_an_answer_is_a_form_that_is_judged_before_it_is_sent() -> None:
    asked = json.loads(json.dumps(ASKED))
    asked["outcome"]["interrupts"][0] |= {
        "reason": "input_required",
        "responseSchema": {
            "type": "object",
            "required": ["size"],
            "properties": {"size": {"type": "integer", "minimum": 1}, "name": {"type": "string", "default": "x"}},
        },
    }
    done = said(STARTED, {"type": "STEP_STARTED", "stepName": "a"}, FINISHED)
    with sse_server(said(STARTED, asked), done) as server:
        with Console(server.url, protocol="agui", input="go") as console:
            eventually(lambda: console.pending)
            with pytest.raises(UnfitValues, match="size"):
                console.decide("i", "submit", values={"size": 0})
            assert console.decide("i", "submit", values={"size": 3}).state == "acknowledged"
            console.wait(timeout=60)
        [entry] = server.asked[1].json["resume"]
    assert entry["payload"] == {"size": 3, "name": "x"}


def test_a_function_answers_both_questions() -> None:
    with (
        agent_server(deploying()) as (url, bodies),
        Console(url, input="Deploy", on_checkpoint=lambda question: "approve") as console,
    ):
        console.wait(timeout=60)
        assert text_of(console).endswith("done: deployed north, deployed south\n")
    assert len(bodies) == 2


def test_a_refused_answer_leaves_the_question_and_may_be_given_anew() -> None:
    refusal = said(STARTED, {"type": "RUN_ERROR", "message": "no such interrupt"})
    done = said(STARTED, {"type": "STEP_STARTED", "stepName": "a"}, FINISHED)
    with sse_server(said(STARTED, ASKED), refusal, done) as server:
        with Console(server.url, protocol="agui", input="go") as console:
            eventually(lambda: console.pending)
            with pytest.raises(Exception, match="was refused: no such interrupt"):
                console.decide("i", "approve")
            assert console.decide("i", "approve").state == "acknowledged"
            console.wait(timeout=60)
            assert console.run.status == "completed"
        assert len(server.asked) == 3


async def test_a_console_that_goes_on_with_a_recording_answers_with_its_history(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with agent_server(deploying()) as (url, bodies):
        with Console(url, input="Deploy", record=path) as console:
            await asyncio.to_thread(eventually, lambda: len(console.pending) == 2)
        with Console(url, input="Deploy", record=path) as console:
            assert len(console.pending) == 2
            for question in console.pending:
                await asyncio.to_thread(console.decide, question, "approve")
            await console.finished(timeout=60)
            assert console.run.status == "completed"
            assert text_of(console) == "I deploy.\ndone: deployed north, deployed south\n"
    assert len(bodies) == 2


# ---- trouble --------------------------------------------------------------------------------------------------------


def failure(url: str, **options: Any) -> str:
    """Return the sentence with which a console fails."""
    with Console(url, protocol="agui", input="go", reconnect=QUICK, **options) as console:
        with pytest.raises(ConsoleFailed) as caught:
            console.wait(timeout=60)
        assert SECRET not in str(caught.value)
        return str(caught.value)


def test_a_wrong_key_is_said() -> None:
    with agent_server(deploying(), token="right") as (url, bodies):
        assert "refused us with HTTP 401 Unauthorized (invalid token): pass a valid token=" in failure(
            url, token=SECRET
        )
    assert bodies == []


def test_an_unknown_path_is_said() -> None:
    with agent_server(deploying()) as (url, _):
        assert "expected an AG-UI endpoint at" in failure(f"{url}/none")


def test_a_page_is_said_and_asked_once() -> None:
    page = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<html>Welcome</html>"
    with sse_server(lambda exchange: exchange.write(page)) as server:
        assert "expected an AG-UI endpoint at 127.0.0.1" in failure(server.url)
        assert len(server.asked) == 1


def test_a_request_that_the_server_does_not_take_is_said_with_its_words() -> None:
    refusal = http("422 X", '{"detail": [{"loc": ["body", "messages"], "msg": "Field required"}]}')
    with sse_server(lambda exchange: exchange.write(refusal)) as server:
        assert "(HTTP 422 Unprocessable" in (sentence := failure(server.url))
        assert "(body.messages: Field required)" in sentence


def test_a_server_that_is_not_ready_is_asked_again_with_the_same_run() -> None:
    busy = lambda exchange: exchange.write(http("503 X", ""))  # noqa: E731
    with sse_server(busy, busy, said(STARTED, FINISHED)) as server:
        with Console(server.url, protocol="agui", input="go", reconnect=QUICK) as console:
            console.wait(timeout=60)
            assert console.run.status == "completed"
        assert len({asked.json["runId"] for asked in server.asked}) == 1
        assert len(server.asked) == 3


def test_a_server_that_is_not_there_is_tried_again() -> None:
    with closed_port() as port, Console(f"http://127.0.0.1:{port}/agui", input="go", reconnect=QUICK) as console:
        eventually(lambda: "nothing listens at" in " ".join(console.links["reason"].dropna()))
        assert console.status in {"retrying", "connecting"}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (said(STARTED, {"type": "STEP_STARTED", "stepName": "a"}), "the server ended the stream before"),
        (said(STARTED, {"type": "STEP_STARTED", "stepName": "a"}, {"type": "STEP_FINISHED", "stepName": "a"}), "ended"),
        (lambda exchange: exchange.write(http("502 X", "")), "answered HTTP 502 Bad Gateway"),
        (Exchange.reset, "broke before the server had answered"),
        (said(), "the server ended the stream before"),
    ],
    ids=["step", "all-done", "502", "reset", "empty"],
)
def test_a_run_whose_stream_breaks_is_interrupted_and_not_started_again(answer: Any, words: str) -> None:
    with sse_server(answer) as server:
        with Console(server.url, protocol="agui", input="go", reconnect=QUICK) as console:
            with pytest.raises(RunInterrupted) as caught:
                console.wait(timeout=60)
            assert words in str(caught.value)
            assert "What became of the run is unknown. It is not started again by itself" in str(caught.value)
            assert console.run.status == "interrupted"
        assert len(server.asked) == 1


def test_an_answer_whose_stream_breaks_is_unknown() -> None:
    with sse_server(said(STARTED, ASKED), Exchange.reset) as server:
        with Console(server.url, protocol="agui", input="go", reconnect=QUICK) as console:
            eventually(lambda: console.pending)
            with pytest.raises(Exception, match="was sent, but the link broke before the answer"):
                console.decide("i", "approve")
            assert console.decisions["state"].tolist() == ["unknown"]
        assert len(server.asked) == 2


def test_an_answer_is_given_once() -> None:
    with sse_server(said(STARTED, ASKED), said(STARTED, {"type": "STEP_STARTED", "stepName": "a"}, FINISHED)) as server:
        with Console(server.url, protocol="agui", input="go") as console:
            eventually(lambda: console.pending)
            console.decide("i", "approve")
            with pytest.raises(Exception, match="already decided by you"):
                console.decide("i", "reject")
            console.wait(timeout=60)
        assert len(server.asked) == 2


def test_a_question_of_several_that_expires_ends_the_wait_of_the_others() -> None:
    late = {"id": "j", "reason": "confirmation", "message": "Late?", "expiresAt": 1}
    asked = json.loads(json.dumps(ASKED))
    asked["outcome"]["interrupts"].append(late)
    with sse_server(lambda exchange: _soon(exchange, asked)) as server:
        with Console(server.url, protocol="agui", input="go") as console:
            eventually(lambda: len(console.pending) == 2)
            assert console.decide("i", "approve").state == "queued"
            eventually(lambda: console.decisions["state"].tolist() == ["refused"])
            assert "cannot go on without an answer to “Late?”, which is closed" in console.decisions["error"].iloc[0]
        assert len(server.asked) == 1


def _soon(exchange: Exchange, asked: dict[str, Any]) -> None:
    """Ask with a deadline a moment ahead."""
    from datetime import UTC, datetime, timedelta

    deadline = datetime.now(UTC) + timedelta(seconds=1)
    asked["outcome"]["interrupts"][1]["expiresAt"] = deadline.isoformat()
    exchange.write(STREAM + events(STARTED, asked))


def test_a_message_of_five_megabytes_is_output() -> None:
    text = "x" * 5_000_000
    chunk = {"type": "TEXT_MESSAGE_CONTENT", "messageId": "m", "delta": text}
    with (
        sse_server(said(STARTED, chunk, FINISHED)) as server,
        Console(server.url, protocol="agui", input="go") as console,
    ):
        console.wait(timeout=60)
        assert text_of(console) == text


# ---- options --------------------------------------------------------------------------------------------------------


def test_without_an_input_nothing_is_posted_and_one_sentence_says_why() -> None:
    with sse_server(said(STARTED, FINISHED)) as server:
        words = "an AG-UI endpoint has no run to follow, it starts one for each"
        with Console(server.url, protocol="agui") as console, pytest.raises(ConsoleFailed, match=words):
            console.wait(timeout=60)
        assert server.asked == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"input": 7}, "expected input= to be a message, or a RunAgentInput as a dict, got a int"),
        ({"input": "  "}, "expected input= to be a message to the agent, got an empty text"),
        ({"input": {"messages": ["go"]}}, "expected the messages of input= to be a list of dicts"),
        ({"input": "go", "protocol": "json"}, 'expected input= beside protocol="agui" or "langgraph" only'),
        ({"input": "go", "task": "t"}, "expected no task= beside AG-UI"),
        ({"input": "go", "auth": "message"}, 'expected auth="header" or "query" beside AG-UI'),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidArgument, match=words.replace("(", r"\(")):
        Console("http://localhost/agui", **options)


def test_a_model_of_the_protocols_package_is_an_input() -> None:
    from ag_ui.core import RunAgentInput, UserMessage

    message = UserMessage(id="u", role="user", content="hello")
    given = RunAgentInput(thread_id="t9", run_id="r9", messages=[message], state={"a": 1})
    with sse_server(said(STARTED, FINISHED)) as server:
        with Console(server.url, protocol="agui", input=given) as console:
            console.wait(timeout=60)
        body = server.asked[0].json
    assert (body["threadId"], body["runId"], body["state"]) == ("t9", "r9", {"a": 1})
    assert body["messages"] == [{"id": "u", "role": "user", "content": "hello"}]


@pytest.mark.parametrize("given", ["hello", '{"messages": [{"id": "u", "role": "user", "content": "hello"}]}'])
def test_the_command_line_starts_a_run(given: str) -> None:
    with sse_server(said(STARTED, FINISHED)) as server:
        result = CliRunner().invoke(cli, ["watch", server.url, "--protocol", "agui", "--input", given])
        assert result.exit_code == 0, result.output
        assert server.asked[0].json["messages"][0]["content"] == "hello"


def test_the_token_may_be_in_the_query_and_a_user_in_the_address() -> None:
    with sse_server(said(STARTED, FINISHED)) as server:
        with Console(server.url, protocol="agui", input="go", token=SECRET, auth="query") as console:
            console.wait(timeout=60)
        with Console(server.url.replace("//", "//me:pw@"), protocol="agui", input="go") as console:
            console.wait(timeout=60)
        assert server.asked[0].line == f"POST /agent?token={SECRET} HTTP/1.1"
        assert server.asked[1].headers["authorization"] == "Basic bWU6cHc="
