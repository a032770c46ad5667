"""The AG-UI client without a console: typed events of real endpoints, and one sentence for each trouble."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest
from ag_ui.core import EventType, TextMessageContentEvent
from pydantic_ai import Agent
from pydantic_ai.models.test import TestModel

import runconsole
from runconsole import ConsoleFailed, InvalidArgument, RunInterrupted, agui
from tests.servers.agui_server import agent_server
from tests.servers.other_servers import http
from tests.servers.sse_server import STREAM, Exchange, events, sse_server

STARTED = {"type": "RUN_STARTED", "threadId": "t", "runId": "r"}
FINISHED = {"type": "RUN_FINISHED", "threadId": "t", "runId": "r"}
SECRET = "s3cret-value"


def said(*messages: Any) -> Any:
    return lambda exchange: exchange.write(STREAM + events(*messages))


async def collected(url: str, given: Any = "go", **options: Any) -> list[Any]:
    return [event async for event in agui.connect(url, given, **options)]


async def test_the_events_of_a_real_endpoint_are_models() -> None:
    with agent_server(Agent(TestModel(custom_output_text="it is warm")), token=SECRET) as (url, _):
        found = await collected(url, "Is it warm?", token=SECRET)
    assert found[0].type is EventType.RUN_STARTED
    assert found[-1].type is EventType.RUN_FINISHED
    text = [event.delta for event in found if isinstance(event, TextMessageContentEvent)]
    assert "".join(text) == "it is warm"


async def test_events_that_the_models_do_not_know_are_dicts() -> None:
    odd = [{"type": "NEW_THING", "x": 1}, {"type": "TEXT_MESSAGE_CONTENT"}, [1]]
    with sse_server(said(STARTED, *odd, FINISHED)) as server:
        found = await collected(server.url)
    assert found[1:4] == odd


async def test_without_the_models_all_events_are_dicts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ag_ui.core", None)
    with sse_server(
        lambda exchange: exchange.write(STREAM + events(STARTED, FINISHED) + b"data: no json\n\n")
    ) as server:
        assert await collected(server.url) == [STARTED, FINISHED, "no json"]


async def test_leaving_the_loop_breaks_the_stream_off() -> None:
    def waits(exchange: Exchange) -> None:
        exchange.open(STARTED)
        exchange.wait_closed()

    with sse_server(waits) as server:
        stream = agui.connect(server.url, "go")
        async for _ in stream:
            break
        await stream.aclose()
        assert await asyncio.to_thread(server.exchanges.get().closed.wait, 10)


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (lambda exchange: exchange.write(http("401 X", '{"detail": "no"}')), ConsoleFailed, "refused us with HTTP 401"),
        (lambda exchange: exchange.write(http("503 X")), ConsoleFailed, "the server is not ready"),
        (said(STARTED), RunInterrupted, "the server ended the stream before it had told the end of the run"),
        (Exchange.reset, RunInterrupted, "What became of the run is unknown"),
    ],
)
async def test_trouble_is_one_sentence(answer: Any, kind: type[Exception], words: str) -> None:
    with sse_server(answer) as server:
        with pytest.raises(kind, match=words) as caught:
            await collected(f"{server.url}?token={SECRET}", headers={"X-Key": SECRET})
        assert len(server.asked) == 1
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "given", "words"),
    [
        ("http://localhost/agui", None, "expected input= to be a message"),
        ("http://localhost/agui", 7, "expected input= to be a message"),
        ("ws://localhost/agui", "go", "begins with http:// or https://"),
    ],
)
async def test_arguments_that_cannot_be_used_are_refused(url: str, given: Any, words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        await collected(url, given)


def test_the_module_loads_when_it_is_first_used() -> None:
    assert runconsole.agui.connect is agui.connect
