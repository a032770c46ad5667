"""`ReportRun` and `answer_requests`, with pydantic-ai's function model and test model."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic_ai import Agent, DeferredToolRequests, ModelRetry, RunContext
from pydantic_ai.exceptions import ApprovalRequired
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_ai.models.test import TestModel
from pydantic_ai.usage import RequestUsage

import runconsole
from runconsole import InvalidArgument, NoOneToAsk, start_run
from runconsole.callbacks.pydantic_ai import ReportRun, answer_requests
from runconsole.reporting import notebook

USAGE = RequestUsage(input_tokens=3, output_tokens=4, cache_read_tokens=2, details={"reasoning_tokens": 1})


def scripted(*answers: Any) -> FunctionModel:
    """Return a model that gives these answers, one after the other."""
    left = iter(answers)

    def answer(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        found = next(left)
        if isinstance(found, Exception):
            raise found
        return ModelResponse([TextPart(found) if isinstance(found, str) else found], usage=USAGE, model_name="fake-1")

    return FunctionModel(answer)


def calls(name: str, call_id: str = "c1", **arguments: Any) -> ToolCallPart:
    return ToolCallPart(name, arguments, call_id)


def adder(*capabilities: Any, model: FunctionModel | None = None) -> Agent[None, str]:
    model = scripted(calls("add", a=1, b=2), "it is 3") if model is None else model
    agent = Agent(model, name="adder", capabilities=list(capabilities))

    @agent.tool_plain
    def add(a: int, b: int) -> int:
        runconsole.report(output=f"adds {a} and {b}\n")
        return a + b

    return agent


def payer(*capabilities: Any, then: str = "done") -> tuple[Agent[None, Any], list[int]]:
    """Return an agent that pays after an approval, and what it has paid."""
    agent = Agent(
        scripted(calls("pay", amount=3), then),
        name="payer",
        capabilities=list(capabilities),
        output_type=[str, DeferredToolRequests],
    )
    paid: list[int] = []

    @agent.tool_plain(requires_approval=True)
    def pay(amount: int) -> str:
        paid.append(amount)
        return f"paid {amount}"

    return agent, paid


def tasks_of(run: runconsole.ActiveRun) -> list[tuple[str, str]]:
    return list(zip(run.tasks["name"], run.tasks["status"], strict=True))


def subtasks_of(run: runconsole.ActiveRun) -> list[tuple[str, str]]:
    return list(zip(run.subtasks["name"], run.subtasks["status"], strict=True))


def output_of(run: runconsole.ActiveRun) -> list[str]:
    return "".join(run.console.output["text"]).splitlines()


async def test_a_run_of_an_agent_is_a_task_and_its_tools_are_subtasks() -> None:
    async with start_run() as run:
        with run.task("around") as around:
            result = await adder(ReportRun()).run("1 + 2?")
            run.output("after\n")
    assert result.output == "it is 3"
    assert tasks_of(run) == [("around", "completed"), ("adder", "completed")]
    assert subtasks_of(run) == [("add", "completed")]
    assert run.tasks["tokens"].iloc[1] == run.summary["tokens_used"] == 14
    assert run.agents[["cached_tokens", "reasoning_tokens"]].sum().tolist() == [4, 2]
    call, agent = run.tool_calls.iloc[0], run.agents.iloc[0]
    assert (call["name"], call["status"], call["arguments"], call["result"]) == (
        "add",
        "completed",
        {"a": 1, "b": 2},
        3,
    )
    assert call["task_id"] == call["agent_id"] == agent.name == run.tasks.index[1]
    assert (agent["name"], agent["status"], agent["model"], agent["tokens"]) == (
        "adder",
        "completed",
        "function:answer:",
        14,
    )
    lines = run.console.output
    by_text = {text.strip(): task for text, task in zip(lines["text"], lines["task_id"], strict=True)}
    assert by_text["after"] == around.id
    assert by_text["adds 1 and 2"] == by_text["it is 3"] == run.tasks.index[1]


@pytest.fixture
def own_loop() -> Iterator[None]:
    """Give `run_sync` an event loop: it would make one, and never close it."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


@pytest.mark.usefixtures("own_loop")
def test_a_sync_run_is_reported() -> None:
    with start_run() as run:
        assert adder(ReportRun()).run_sync("1 + 2?").output == "it is 3"
    assert tasks_of(run) == [("adder", "completed")]
    assert subtasks_of(run) == [("add", "completed")]


async def test_a_model_of_tests_is_reported() -> None:
    async with start_run() as run:
        result = await adder(model=TestModel()).run("?", capabilities=[ReportRun(run)])  # type: ignore[arg-type]
    assert subtasks_of(run) == [("add", "completed")]
    assert run.summary["tokens_used"] == result.usage.total_tokens


async def words(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str]:
    for word in ("to ", "be ", "or not"):
        yield word


@pytest.mark.parametrize("stream", [True, False])
async def test_words_and_tokens_of_a_stream_come_once(*, stream: bool) -> None:
    agent = adder(model=FunctionModel(stream_function=words))
    async with start_run() as run, agent.run_stream("?", capabilities=[ReportRun(stream=stream)]) as result:
        assert await result.get_output() == "to be or not"
    assert output_of(run) == ["to be or not"]
    assert run.summary["tokens_used"] == result.usage.total_tokens
    assert tasks_of(run) == [("adder", "completed")]


async def test_words_can_be_taken_as_they_come_without_a_handler_of_events() -> None:
    async with start_run() as run:
        await adder(ReportRun(stream=True), model=FunctionModel(stream_function=words)).run("?")
        await adder(ReportRun(stream=True, output=False), model=FunctionModel(stream_function=words)).run("?")
    assert output_of(run) == ["to be or not"]


async def test_costs_are_those_of_a_function_or_of_the_library() -> None:
    known = ModelResponse([TextPart("x")], usage=USAGE, model_name="gpt-4o", provider_name="openai")
    async with start_run() as run:
        await adder(ReportRun(cost=lambda response: 0.5), model=scripted("x")).run("?")
        mine = run.summary["cost_usd"]
        await adder(ReportRun(), model=FunctionModel(lambda *_: known, model_name="gpt-4o")).run("?")
    assert mine == 0.5
    assert run.summary["cost_usd"] == pytest.approx(0.5 + float(known.cost().total_price))


async def test_one_object_serves_runs_at_once() -> None:
    reports = ReportRun()
    async with start_run() as run:
        await asyncio.gather(*(adder(reports).run("?") for _ in range(3)))
    assert tasks_of(run) == [("adder", "completed")] * 3
    assert run.summary["tokens_used"] == 42


async def test_two_runs_get_what_is_theirs() -> None:
    async with start_run() as first, start_run() as second:
        await asyncio.gather(adder(ReportRun(first)).run("?"), adder(ReportRun(second)).run("?"))
    assert tasks_of(first) == tasks_of(second) == [("adder", "completed")]


async def test_without_a_run_nothing_happens_but_one_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    agent, paid = payer(reports := ReportRun())
    with caplog.at_level(logging.INFO, "runconsole"):
        assert (await adder(reports).run("?")).output == "it is 3"
        assert isinstance((await agent.run("pay")).output, DeferredToolRequests)
    assert paid == []
    assert [record.name for record in caplog.records if record.name.startswith("runconsole")] == [
        "runconsole.callbacks"
    ]


async def test_a_fault_of_the_capability_is_logged_and_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def wrong(_: ModelResponse) -> float:
        raise RuntimeError("wrong price")

    async with start_run() as run:
        assert (await adder(ReportRun(cost=wrong)).run("?")).output == "it is 3"
    assert "wrong price" in caplog.text
    assert tasks_of(run) == [("adder", "completed")]


# ---- failures -------------------------------------------------------------------------------------------------------


async def test_an_agent_that_fails_fails_its_task() -> None:
    with pytest.raises(ConnectionError, match="no model"):
        async with start_run() as run:
            await adder(ReportRun(), model=scripted(ConnectionError("no model"))).run("?")
    assert tasks_of(run) == [("adder", "failed")]
    assert run.errors[["task_name", "message"]].to_numpy().tolist() == [["adder", "no model"]]
    assert run.summary["status"] == "failed"


async def test_a_tool_that_is_tried_again_is_an_error_that_the_agent_gets_over() -> None:
    agent = adder(ReportRun(), model=scripted(calls("flaky"), calls("flaky", "c2"), "done"))
    failures = [ModelRetry("try again")]

    @agent.tool_plain(retries=2)
    def flaky() -> str:
        if failures:
            raise failures.pop()
        return "fine"

    async with start_run() as run:
        await agent.run("?")
    assert subtasks_of(run) == [("flaky", "failed"), ("flaky", "completed")]
    assert run.tool_calls["status"].tolist() == ["failed", "completed"]
    assert len(run.errors) == 1
    assert "try again" in run.errors["message"].iloc[0]
    assert tasks_of(run) == [("adder", "completed")]


async def test_a_tool_that_raises_fails_the_task_with_one_error() -> None:
    agent = adder(ReportRun(), model=scripted(calls("broken")))

    @agent.tool_plain
    def broken() -> str:
        raise ZeroDivisionError("by nothing")

    with pytest.raises(ZeroDivisionError):
        async with start_run() as run:
            await agent.run("?")
    assert subtasks_of(run) == [("broken", "failed")]
    assert run.errors["message"].tolist() == ["by nothing"]
    assert tasks_of(run) == [("adder", "failed")]


async def test_a_cancelled_coroutine_cancels_its_tasks() -> None:
    begun = asyncio.Event()
    agent = adder(ReportRun(), model=scripted(calls("wait")))

    @agent.tool_plain
    async def wait() -> None:
        begun.set()
        await asyncio.Event().wait()

    async with start_run() as run:
        task = asyncio.ensure_future(agent.run("?"))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert tasks_of(run) == [("adder", "cancelled")]


async def test_a_cancelled_task_ends_its_agent_at_the_next_call_of_the_model() -> None:
    agent = adder(ReportRun(), model=scripted(calls("stop"), "not reached"))

    @agent.tool_plain
    def stop() -> str:
        run.cancel(str(run.tasks.index[0]))
        return "stopped"

    async with start_run() as run:
        with pytest.raises(runconsole.TaskCancelled):
            await agent.run("?")
    assert tasks_of(run) == [("adder", "cancelled")]
    assert len(run.errors) == 0


# ---- approvals ------------------------------------------------------------------------------------------------------


def reply_to_model(result: Any) -> str:
    """Return what the model got from its call."""
    parts = [part for message in result.all_messages() for part in message.parts if isinstance(part, ToolReturnPart)]
    return str(parts[-1].content)


async def test_an_approved_call_is_made() -> None:
    agent, paid = payer(ReportRun())
    async with start_run(on_checkpoint=lambda _: "approve") as run:
        assert (await agent.run("pay 3")).output == "done"
    assert paid == [3]
    assert subtasks_of(run) == [("pay", "completed")]
    assert run.checkpoints[["title", "task_id"]].to_numpy().tolist() == [["Call pay?", run.tasks.index[0]]]
    assert tasks_of(run) == [("payer", "completed")]


async def test_a_call_is_made_with_changed_arguments() -> None:
    agent, paid = payer(ReportRun())
    async with start_run(on_checkpoint=lambda _: {"option": "edit", "modifications": {"amount": 2}}):
        await agent.run("pay 3")
    assert paid == [2]


async def test_a_rejected_call_is_not_made_and_the_model_gets_the_reason() -> None:
    agent, paid = payer(ReportRun())
    async with start_run(on_checkpoint=lambda _: ("reject", "too much")) as run:
        result = await agent.run("pay 3")
    assert (paid, reply_to_model(result)) == ([], "too much")
    assert subtasks_of(run) == []


async def test_the_agent_waits_while_it_asks() -> None:
    agent, paid = payer(ReportRun())
    async with start_run() as run:
        running = asyncio.ensure_future(agent.run("pay 3"))
        while not len(run.checkpoints):  # noqa: ASYNC110 - the frames of a run have no event
            await asyncio.sleep(0.01)
        waiting = tasks_of(run)
        await run.console.decide_async(str(run.checkpoints.index[0]), "approve")
        await running
    assert waiting == [("payer", "paused")]
    assert tasks_of(run) == [("payer", "completed")]
    assert paid == [3]


async def test_no_answer_in_time_is_a_rejection_or_the_default() -> None:
    async with start_run():
        agent, paid = payer(ReportRun(timeout=0.01))
        assert "Nobody answered" in reply_to_model(await agent.run("pay 3"))
        assert paid == []
        agent, paid = payer(ReportRun(timeout=0.01, default="approve"))
        await agent.run("pay 3")
    assert paid == [3]


async def test_a_tool_that_asks_for_approval_while_it_works_is_one_subtask() -> None:
    agent = adder(ReportRun(), model=scripted(calls("pay", amount=300), "done"))

    @agent.tool
    def pay(ctx: RunContext[None], amount: int) -> str:
        if amount > 100 and not ctx.tool_call_approved:
            raise ApprovalRequired
        return "paid"

    async with start_run(on_checkpoint=lambda _: "approve") as run:
        await agent.run("pay")
    assert subtasks_of(run) == [("pay", "completed")]
    assert len(run.checkpoints) == 1
    assert len(run.errors) == 0


async def test_a_question_that_nobody_can_answer_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    executed = SimpleNamespace(_allow_stdin=False, _supports_kernel_subshells=True)  # by a program
    async with start_run() as run:
        monkeypatch.setattr(notebook, "kernel", lambda: executed)
        with pytest.raises(NoOneToAsk):
            await payer(ReportRun())[0].run("pay 3")
    assert tasks_of(run) == [("payer", "failed")]


async def test_a_question_that_ends_with_its_run_is_raised() -> None:
    agent, paid = payer(ReportRun())
    run = start_run()
    running = asyncio.ensure_future(agent.run("pay 3"))
    while not len(run.checkpoints):  # noqa: ASYNC110 - the frames of a run have no event
        await asyncio.sleep(0.01)
    await asyncio.to_thread(run.finish)
    with pytest.raises(NoOneToAsk):
        await running
    assert paid == []


async def test_requests_that_an_agent_returns_are_answered_for_its_next_run() -> None:
    agent, paid = payer(ReportRun(asks=False))
    async with start_run(on_checkpoint=lambda _: "approve") as run:
        first = await agent.run("pay 3")
        assert isinstance(first.output, DeferredToolRequests)
        answers = await answer_requests(first.output)
        second = await agent.run(message_history=first.all_messages(), deferred_tool_results=answers)
    assert (paid, second.output) == ([3], "done")
    assert tasks_of(run) == [("payer", "completed")] * 2
    assert run.tasks["step"].iloc[0] == "ended with calls that wait for results"


async def test_requests_without_a_run_cannot_be_answered() -> None:
    with pytest.raises(InvalidArgument, match="expected a run"):
        await answer_requests(DeferredToolRequests())
