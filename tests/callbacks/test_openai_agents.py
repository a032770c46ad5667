"""`ReportHooks` and `run_agent`, with the SDK's scripted model."""

from __future__ import annotations

import asyncio
import logging
from types import SimpleNamespace
from typing import Any

import pytest
from agents import Agent, RunConfig, RunHooks, Runner, function_tool
from agents.testing import ModelStep, ScriptedModel, assistant_message, function_call
from agents.usage import Usage
from openai.types.responses.response_usage import InputTokensDetails, OutputTokensDetails

import runconsole
from runconsole import InvalidArgument, NoOneToAsk, start_run
from runconsole.callbacks.openai_agents import ReportHooks, run_agent
from runconsole.reporting import notebook

USAGE = Usage(
    requests=1,
    input_tokens=3,
    output_tokens=4,
    total_tokens=7,
    input_tokens_details=InputTokensDetails(cached_tokens=2, cache_write_tokens=0),
    output_tokens_details=OutputTokensDetails(reasoning_tokens=1),
)
QUIET: Any = {"run_config": RunConfig(tracing_disabled=True)}


def scripted(*steps: Any) -> ScriptedModel:
    return ScriptedModel(steps, default_usage=USAGE)


def says(text: str) -> Any:
    return [assistant_message(text)]


def calls(name: str, call_id: str = "c1", **arguments: Any) -> Any:
    return [function_call(name, arguments, call_id=call_id)]


@function_tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    runconsole.report(output=f"adds {a} and {b}\n")
    return a + b


@function_tool(needs_approval=True)
def pay(amount: int) -> str:
    """Pay an amount."""
    return f"paid {amount}"


def two_agents() -> Agent[Any]:
    """Return an agent that hands over to one with a tool."""
    model = scripted(calls("add", a=1, b=2), says("it is 3"))
    clerk: Agent[Any] = Agent("clerk", model=model, tools=[add])
    return Agent("front desk", model=scripted(calls("transfer_to_clerk", "c0")), handoffs=[clerk])


def payer(*, then: str = "done", also: Any = ()) -> Agent[Any]:
    asked = [*calls("pay", "c1", amount=3), *also]
    return Agent("payer", model=scripted(asked, says(then)), tools=[pay])


def tasks_of(run: runconsole.ActiveRun) -> list[tuple[str, str]]:
    return list(zip(run.tasks["name"], run.tasks["status"], strict=True))


def output_of(run: runconsole.ActiveRun) -> list[str]:
    return "".join(run.console.output["text"]).splitlines()


DONE = [("front desk", "completed"), ("clerk", "completed")]


async def test_agents_are_tasks_and_tools_are_subtasks() -> None:
    async with start_run() as run:
        result = await Runner.run(two_agents(), "1 + 2?", hooks=ReportHooks(), **QUIET)
    assert result.final_output == "it is 3"
    assert tasks_of(run) == DONE
    assert run.tasks["step"].iloc[0] == "hands over to clerk"
    assert run.subtasks[["name", "status"]].to_numpy().tolist() == [["add", "completed"]]
    assert run.tasks["tokens"].tolist() == run.agents["tokens"].tolist() == [7, 14]
    assert run.agents[["cached_tokens", "reasoning_tokens"]].to_numpy().tolist() == [[2, 1], [4, 2]]
    assert run.agents[["name", "status"]].to_numpy().tolist() == [list(each) for each in DONE]
    call = run.tool_calls.iloc[0]
    assert (call["name"], call["status"], call["arguments"], call["result"]) == (
        "add",
        "completed",
        {"a": 1, "b": 2},
        3,
    )
    assert call["agent_id"] == run.agents.index[1]
    assert run.summary["tokens_used"] == 21
    assert output_of(run) == ["adds 1 and 2", "it is 3"]
    assert run.summary["status"] == "completed"


async def test_a_stream_is_counted_once() -> None:
    async with start_run() as run:
        result = Runner.run_streamed(two_agents(), "1 + 2?", hooks=ReportHooks(output=False), **QUIET)
        async for _ in result.stream_events():
            pass
    assert tasks_of(run) == DONE
    assert run.summary["tokens_used"] == 21
    assert output_of(run) == ["adds 1 and 2"]


async def test_costs_are_those_that_a_function_gives() -> None:
    hooks = ReportHooks(cost=lambda model, usage: 0.5 * usage.total_tokens if model == "the model" else None)
    async with start_run() as run:
        await Runner.run(Agent("a", model=scripted(says("x"))), "?", hooks=hooks, **QUIET)
    assert run.summary["cost_usd"] == 3.5


async def test_one_object_serves_calls_at_once() -> None:
    hooks = ReportHooks()
    async with start_run() as run:
        await asyncio.gather(*(Runner.run(two_agents(), "?", hooks=hooks, **QUIET) for _ in range(3)))
    assert sorted(tasks_of(run)) == sorted(DONE * 3)
    assert run.summary["tokens_used"] == 63
    assert not hooks._agents


async def test_two_runs_get_what_is_theirs() -> None:
    async with start_run() as first, start_run() as second:
        await asyncio.gather(
            Runner.run(two_agents(), "?", hooks=ReportHooks(first), **QUIET),
            run_agent(two_agents(), "?", run=second, **QUIET),
        )
    assert tasks_of(first) == tasks_of(second) == DONE
    assert first.summary["tokens_used"] == second.summary["tokens_used"] == 21


async def test_without_a_run_nothing_happens_but_one_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    hooks = ReportHooks()
    with caplog.at_level(logging.INFO, "runconsole"):
        for _ in range(2):
            assert (await Runner.run(two_agents(), "?", hooks=hooks, **QUIET)).final_output == "it is 3"
    assert [record.name for record in caplog.records if record.name.startswith("runconsole")] == [
        "runconsole.callbacks"
    ]


async def test_a_fault_of_the_hooks_is_logged_and_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def wrong(*_: Any) -> float:
        raise RuntimeError("wrong price")

    async with start_run() as run:
        result = await Runner.run(two_agents(), "?", hooks=ReportHooks(cost=wrong), **QUIET)
    assert result.final_output == "it is 3"
    assert "wrong price" in caplog.text
    assert tasks_of(run) == DONE


# ---- run_agent ------------------------------------------------------------------------------------------------------


async def test_reports_inside_a_tool_belong_to_its_agent_and_those_after_it_do_not() -> None:
    async with start_run() as run:
        with run.task("around") as around:
            await run_agent(two_agents(), "?", **QUIET)
            run.output("after\n")
    lines, tasks = run.console.output, run.tasks
    by_text = {text.strip(): task for text, task in zip(lines["text"], lines["task_id"], strict=True)}
    assert by_text["adds 1 and 2"] == tasks.index[tasks["name"] == "clerk"][0]
    assert by_text["after"] == around.id


async def test_an_agent_that_fails_fails_its_task() -> None:
    agent: Agent[Any] = Agent("a", model=scripted(ModelStep.raise_error(ConnectionError("no model"))))
    with pytest.raises(ConnectionError, match="no model"):
        async with start_run() as run:
            await run_agent(agent, "?", **QUIET)
    assert tasks_of(run) == [("a", "failed")]
    assert run.errors[["task_name", "message"]].to_numpy().tolist() == [["a", "no model"]]
    assert run.summary["status"] == "failed"


async def test_a_tool_that_raises_fails_its_subtask() -> None:
    @function_tool(failure_error_function=None)
    def broken() -> str:
        raise ZeroDivisionError

    agent: Agent[Any] = Agent("a", model=scripted(calls("broken")), tools=[broken])
    with pytest.raises(Exception, match=r"."):
        async with start_run() as run:
            await run_agent(agent, "?", **QUIET)
    assert run.subtasks[["name", "status"]].to_numpy().tolist() == [["broken", "failed"]]
    assert tasks_of(run) == [("a", "failed")]


async def test_a_cancelled_coroutine_cancels_its_tasks() -> None:
    begun = asyncio.Event()

    async def wait(_: Any) -> Any:
        begun.set()
        await asyncio.Event().wait()

    agent: Agent[Any] = Agent("a", model=scripted(ModelStep.respond(wait)))
    async with start_run() as run:
        task = asyncio.ensure_future(run_agent(agent, "?", **QUIET))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert tasks_of(run) == [("a", "cancelled")]
    assert run.summary["status"] == "completed"


async def test_a_cancelled_task_ends_its_agent_at_the_next_call_of_the_model() -> None:
    @function_tool
    def stop() -> str:
        run.cancel(str(run.tasks.index[0]))
        return "stopped"

    agent: Agent[Any] = Agent("a", model=scripted(calls("stop"), says("not reached")), tools=[stop])
    async with start_run() as run:
        with pytest.raises(runconsole.TaskCancelled):
            await run_agent(agent, "?", **QUIET)
    assert tasks_of(run) == [("a", "cancelled")]


async def test_an_approved_call_is_made() -> None:
    async with start_run(on_checkpoint=lambda _: "approve") as run:
        result = await run_agent(payer(), "pay 3", **QUIET)
    assert result.final_output == "done"
    assert run.subtasks[["name", "status"]].to_numpy().tolist() == [["pay", "completed"]]
    assert tasks_of(run) == [("payer", "completed")]
    assert run.checkpoints[["title", "task_id"]].to_numpy().tolist() == [["Call pay?", run.tasks.index[0]]]
    assert run.summary["tokens_used"] == 14


async def test_a_rejected_call_is_not_made_and_the_model_gets_the_reason() -> None:
    agent = payer(then="as you wish")
    async with start_run(on_checkpoint=lambda _: ("reject", "too much")) as run:
        result = await run_agent(agent, "pay 3", **QUIET)
    assert result.final_output == "as you wish"
    assert len(run.subtasks) == 0
    model = agent.model
    assert isinstance(model, ScriptedModel)
    assert model.last_call is not None
    assert "too much" in str(model.last_call.input)


async def test_several_calls_are_asked_at_once_and_the_agent_waits() -> None:
    agent = payer(also=calls("pay", "c2", amount=4))
    async with start_run() as run:
        running = asyncio.ensure_future(run_agent(agent, "pay", **QUIET))
        while len(run.checkpoints) < 2:  # noqa: ASYNC110 - the frames of a run have no event
            await asyncio.sleep(0.01)
        waiting = tasks_of(run)
        for checkpoint_id in run.checkpoints.index:
            await run.console.decide_async(str(checkpoint_id), "approve")
        await running
    assert waiting == [("payer", "paused")]
    assert run.subtasks["name"].tolist() == ["pay", "pay"]
    assert tasks_of(run) == [("payer", "completed")]


async def test_an_agent_that_is_a_tool_is_a_task_whose_questions_are_asked() -> None:
    hooks = ReportHooks()
    inner = payer(then="paid")
    outer: Agent[Any] = Agent(
        "boss",
        model=scripted(calls("ask_payer", "c0", input="pay 3"), says("thanks")),
        tools=[inner.as_tool("ask_payer", "Pays.", hooks=hooks)],
    )
    async with start_run(on_checkpoint=lambda _: "approve") as run:
        assert (await run_agent(outer, "?", hooks=hooks, **QUIET)).final_output == "thanks"
    assert tasks_of(run) == [("boss", "completed"), ("payer", "completed")]
    assert sorted(run.subtasks["name"]) == ["ask_payer", "pay"]
    asked, asker = run.agents.iloc[1], run.agents.index[0]
    assert asked["parent_id"] == asker
    assert run.checkpoints["task_id"].tolist() == [run.tasks.index[1]]
    assert run.tasks["tokens"].tolist() == [14, 14]
    assert not hooks._agents


async def test_no_answer_in_time_is_a_rejection_or_the_default() -> None:
    async with start_run() as run:
        await run_agent(payer(), "pay", timeout=0.01, **QUIET)
        assert len(run.subtasks) == 0
        await run_agent(payer(), "pay", timeout=0.01, default="approve", **QUIET)
    assert run.subtasks["name"].tolist() == ["pay"]


async def test_a_question_that_nobody_can_answer_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    executed = SimpleNamespace(_allow_stdin=False, _supports_kernel_subshells=True)  # by a program
    async with start_run() as run:
        monkeypatch.setattr(notebook, "kernel", lambda: executed)
        with pytest.raises(NoOneToAsk):
            await run_agent(payer(), "pay", **QUIET)
    assert tasks_of(run) == [("payer", "failed")]


async def test_a_run_that_ends_under_a_question_fails_the_call() -> None:
    run = start_run()
    running = asyncio.ensure_future(run_agent(payer(), "pay", run=run, **QUIET))
    while len(run.checkpoints) < 1:  # noqa: ASYNC110 - the frames of a run have no event
        await asyncio.sleep(0.01)
    await asyncio.to_thread(run.finish)
    with pytest.raises(NoOneToAsk):
        await running
    assert tasks_of(run) == [("payer", "cancelled")]


async def test_an_agent_without_a_run_cannot_ask() -> None:
    with pytest.raises(InvalidArgument, match="expected a run"):
        await run_agent(payer(), "pay", **QUIET)


async def test_hooks_of_the_user_are_called_too() -> None:
    seen: list[str] = []

    class Own(RunHooks[Any]):
        async def on_agent_start(self, context: Any, agent: Any) -> None:
            seen.append(f"begins {agent.name}")

        async def on_agent_end(self, context: Any, agent: Any, output: Any) -> None:
            seen.append(f"ends {agent.name}")

        async def on_handoff(self, context: Any, from_agent: Any, to_agent: Any) -> None:
            seen.append(f"{from_agent.name} to {to_agent.name}")

        async def on_tool_start(self, context: Any, agent: Any, tool: Any) -> None:
            seen.append(f"calls {tool.name}")

    async with start_run() as run:
        await run_agent(two_agents(), "?", hooks=Own(), **QUIET)
        await run_agent(two_agents(), "?", hooks=ReportHooks(run, output=False), **QUIET)
    assert seen == ["begins front desk", "front desk to clerk", "begins clerk", "calls add", "ends clerk"]
    assert tasks_of(run) == DONE * 2
