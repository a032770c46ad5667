"""`RunHandler` and `run_graph`, with the fake models of LangChain and real graphs of LangGraph."""

from __future__ import annotations

import asyncio
import logging
import operator
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.language_models.fake import FakeListLLM
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda, RunnableParallel
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.func import entrypoint
from langgraph.func import task as langgraph_task
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Command, RetryPolicy, Send, interrupt

import runconsole
from runconsole import ActionDecision, ActionRequest, InvalidArgument, NoOneToAsk, start_run
from runconsole.callbacks.interrupts import inquiry_of
from runconsole.callbacks.langchain import RunHandler, run_graph, run_graph_async
from runconsole.reporting import notebook
from runconsole.reporting.asking import TakenAnswer
from tests.servers.json_server import eventually

USAGE = {
    "input_tokens": 3,
    "output_tokens": 4,
    "total_tokens": 7,
    "input_token_details": {"cache_read": 2},
    "output_token_details": {"reasoning": 1},
}


class State(TypedDict, total=False):
    found: Annotated[list[Any], operator.add]
    number: int


def model(*answers: AIMessage) -> GenericFakeChatModel:
    return GenericFakeChatModel(messages=iter(answers))


def says(text: str, **more: Any) -> AIMessage:
    return AIMessage(text, usage_metadata=USAGE, response_metadata={"model_name": "fake-1"}, **more)


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    runconsole.report(output=f"adds {a} and {b}\n")
    return a + b


Node = Callable[[State], Any]


def nested(inner: Node) -> Any:
    """Return a graph: two branches, a subgraph with one node, and a node that is sent to twice."""
    below: Any = StateGraph(State)
    below.add_node("inner", inner)
    below.add_edge(START, "inner")
    graph: Any = StateGraph(State)
    graph.add_node("left", lambda _: {"found": ["left"]})
    graph.add_node("right", lambda _: {"found": ["right"]})
    graph.add_node("below", below.compile())
    graph.add_node("each", lambda state: {"found": [state["number"]]})
    graph.add_edge(START, "left")
    graph.add_edge(START, "right")
    graph.add_edge(["left", "right"], "below")
    graph.add_conditional_edges("below", lambda _: [Send("each", {"number": number}) for number in (1, 2)], ["each"])
    return graph


def single(node: Node, **options: Any) -> Any:
    graph: Any = StateGraph(State)
    graph.add_node("only", node, **options)
    graph.add_edge(START, "only")
    return graph


def tasks_of(run: runconsole.ActiveRun) -> list[tuple[str, str]]:
    return sorted(zip(run.tasks["name"], run.tasks["status"], strict=True))


def warners(caplog: pytest.LogCaptureFixture) -> set[str]:
    """Return the names of the loggers that have warned."""
    return {record.name for record in caplog.records if record.levelno >= logging.WARNING}


def output_of(run: runconsole.ActiveRun, name: str) -> str:
    lines, tasks = run.console.output, run.tasks
    return "\n".join(lines.loc[lines["task_id"].isin(tasks.index[tasks["name"] == name]), "text"]).strip()


NESTED = sorted([(name, "completed") for name in ("LangGraph", "left", "right", "below", "inner", "each", "each")])


def test_nodes_of_a_nested_graph_with_branches_are_tasks() -> None:
    with start_run() as run:
        graph = nested(lambda _: {"found": ["inner"]}).compile()
        result = graph.invoke({"found": []}, {"callbacks": [RunHandler()]})
    assert result["found"][-2:] == [1, 2]
    assert tasks_of(run) == NESTED
    tasks = run.tasks.set_index("name")
    assert tasks.loc["inner", "phase_name"] == "below"
    assert len(run.errors) == 0
    assert run.summary["status"] == "completed"


async def test_nodes_of_an_async_graph_are_tasks() -> None:
    async def inner(_: State) -> State:
        await asyncio.sleep(0)
        return {"found": ["inner"]}

    async with start_run() as run:
        await nested(inner).compile().ainvoke({"found": []}, {"callbacks": [RunHandler(run)]})
        run.output("after the graph\n")
    assert tasks_of(run) == NESTED
    lines = run.console.output
    assert lines.loc[lines["text"] == "after the graph", "task_id"].isna().all()


def test_reports_inside_a_node_belong_to_its_task_and_those_after_it_do_not() -> None:
    def node(_: State) -> State:
        runconsole.report(output="inside\n", tokens=5)
        return {"found": []}

    with start_run() as run, run.task("around"):
        single(node).compile().invoke({"found": []}, {"callbacks": [RunHandler()]})
        run.output("outside\n")
    assert output_of(run, "only") == "inside"
    assert output_of(run, "around") == "outside"
    assert run.tasks.set_index("name").loc["only", "tokens"] == 5


def test_tasks_of_the_functional_api_are_tasks() -> None:
    @langgraph_task
    def double(number: int) -> int:
        return int((RunnableLambda(lambda x: x) | (lambda x: 2 * x)).invoke(number))

    @langgraph_task
    def confirm(number: int) -> bool:
        return bool(interrupt(f"Take {number}?"))

    @entrypoint(checkpointer=InMemorySaver())
    def flow(count: int) -> tuple[int, bool]:
        total = sum(each.result() for each in [double(number) for number in range(count)])
        return total, confirm(total).result()

    with start_run(on_checkpoint=lambda _: "approve") as run:
        assert run_graph(flow, 3) == (6, True)
    expected = [(name, "completed") for name in ("LangGraph", "confirm", "double", "double", "double", "flow")]
    assert tasks_of(run) == expected
    assert run.checkpoints["title"].tolist() == ["Take 6?"]


def test_a_loop_that_is_left_cancels_the_graph() -> None:
    graph = nested(lambda _: {"found": []}).compile()
    with start_run() as run:
        stream = graph.stream({"found": []}, {"callbacks": [RunHandler()]})
        next(stream)
        stream.close()
        run.output("beside\n")
    assert dict(tasks_of(run))["LangGraph"] == "cancelled"
    assert run.console.output["task_id"].isna().all()
    assert len(run.errors) == 0


def test_a_failing_node_fails_its_tasks_with_one_error() -> None:
    def broken(_: State) -> State:
        raise ValueError("no luck")

    with pytest.raises(ValueError, match="no luck"), start_run() as run:
        nested(broken).compile().invoke({"found": []}, {"callbacks": [RunHandler()]})
    statuses = dict(tasks_of(run))
    assert (statuses["inner"], statuses["below"], statuses["LangGraph"]) == ("failed", "failed", "failed")
    assert (statuses["left"], statuses["right"]) == ("completed", "completed")
    assert run.errors[["task_name", "message"]].to_numpy().tolist() == [["inner", "no luck"]]
    assert "raise ValueError" in run.errors["stack"].iloc[0]
    assert run.summary["status"] == "failed"


def test_a_node_that_is_tried_again_is_one_task() -> None:
    failures = [ValueError("first"), ValueError("second")]

    def flaky(_: State) -> State:
        if failures:
            raise failures.pop(0)
        return {"found": ["done"]}

    policy = RetryPolicy(max_attempts=3, initial_interval=0.001, jitter=False, retry_on=ValueError)
    with start_run() as run:
        single(flaky, retry_policy=policy).compile().invoke({"found": []}, {"callbacks": [RunHandler()]})
    assert tasks_of(run) == [("LangGraph", "completed"), ("only", "completed")]
    assert run.errors["message"].tolist() == ["first", "second"]
    assert run.summary["status"] == "completed"
    assert run.summary["percent"] == 100


def test_an_interrupted_graph_cancels_its_tasks() -> None:
    def stop(_: State) -> State:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), start_run() as run:
        single(stop).compile().invoke({"found": []}, {"callbacks": [RunHandler()]})
    assert tasks_of(run) == [("LangGraph", "cancelled"), ("only", "cancelled")]
    assert len(run.errors) == 0
    assert run.summary["status"] == "cancelled"


async def test_a_cancelled_coroutine_cancels_its_tasks() -> None:
    begun = asyncio.Event()

    async def wait(_: State) -> State:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with start_run() as run:
        coroutine = single(wait).compile().ainvoke({"found": []}, {"callbacks": [RunHandler(run)]})
        task = asyncio.ensure_future(coroutine)
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert tasks_of(run) == [("LangGraph", "cancelled"), ("only", "cancelled")]


def test_a_cancelled_agent_ends_at_its_next_call_of_a_model(caplog: pytest.LogCaptureFixture) -> None:
    fake = model(says("one"))

    def node(_: State) -> State:
        run.cancel(str(run.tasks.index[run.tasks["name"] == "LangGraph"][0]))
        fake.invoke("hi")
        raise AssertionError

    with start_run() as run, pytest.raises(runconsole.TaskCancelled):
        single(node).compile().invoke({"found": []}, {"callbacks": [RunHandler()]})
    assert tasks_of(run) == [("LangGraph", "cancelled"), ("only", "cancelled")]
    assert len(run.errors) == 0
    assert {name.partition(".")[0] for name in warners(caplog)} <= {"langchain_core"}


# ---- tools and models -----------------------------------------------------------------------------------------------


def agent(*answers: AIMessage) -> Any:
    """Return a graph of a model and its tools."""
    fake = model(*answers)
    graph = StateGraph(MessagesState)
    graph.add_node("model", lambda state: {"messages": [fake.invoke(state["messages"])]})
    graph.add_node("tools", ToolNode([add]))
    graph.add_edge(START, "model")
    graph.add_conditional_edges("model", lambda state: "tools" if state["messages"][-1].tool_calls else END)
    graph.add_edge("tools", "model")
    return graph.compile()


def calls_add(a: Any, b: Any, name: str = "add") -> AIMessage:
    return says("", tool_calls=[{"name": name, "args": {"a": a, "b": b}, "id": f"call-{a}"}])


def test_tools_are_subtasks_and_tokens_are_counted_once() -> None:
    with start_run() as run:
        result = agent(calls_add(1, 2), says("it is 3")).invoke(
            {"messages": [("user", "?")]}, {"callbacks": [RunHandler()]}
        )
    assert result["messages"][-1].content == "it is 3"
    assert run.subtasks[["name", "status"]].to_numpy().tolist() == [["add", "completed"]]
    assert run.summary["tokens_used"] == 14
    by_name = run.tasks.groupby("name")["tokens"].sum()
    assert (by_name["model"], by_name["tools"], by_name["LangGraph"]) == (14, 0, 0)
    assert output_of(run, "model") == "it is 3"
    assert output_of(run, "tools") == "adds 1 and 2"
    call = run.tool_calls.iloc[0]
    assert (call["name"], call["status"], call["arguments"], call["result"]) == (
        "add",
        "completed",
        {"a": 1, "b": 2},
        "3",
    )
    assert run.agents[["name", "status"]].to_numpy().tolist() == [["model", "completed"], ["model", "completed"]]
    assert run.agents["tokens"].sum() == 14
    assert run.agents[["input_tokens", "output_tokens"]].sum().sum() == 14
    assert run.agents[["cached_tokens", "reasoning_tokens"]].sum().tolist() == [4, 2]


def test_a_tool_that_fails_is_an_error_of_a_node_that_goes_on() -> None:
    @tool
    def divide(a: int) -> float:
        """Divide by nothing."""
        return a / 0

    tools = StateGraph(MessagesState)
    tools.add_node("tools", ToolNode([divide], handle_tool_errors=True))
    tools.add_edge(START, "tools")
    asked = says("", tool_calls=[{"name": "divide", "args": {"a": 1}, "id": "c"}])
    with start_run() as run:
        tools.compile().invoke({"messages": [asked]}, {"callbacks": [RunHandler()]})
    assert run.subtasks[["name", "status"]].to_numpy().tolist() == [["divide", "failed"]]
    assert run.tool_calls[["name", "status", "error"]].to_numpy().tolist() == [["divide", "failed", "division by zero"]]
    assert run.errors[["task_name", "error_type"]].to_numpy().tolist() == [["tools", "ZeroDivisionError"]]
    assert dict(tasks_of(run))["tools"] == "completed"
    assert run.summary["status"] == "completed"


class StreamingModel(GenericFakeChatModel):
    """Streams its words, with usage in the last two chunks, as providers send it."""

    def _stream(self, *_: Any, run_manager: Any = None, **__: Any) -> Iterator[ChatGenerationChunk]:
        for number, word in enumerate(("to ", "be")):
            part = {"input_tokens": 3 * (1 - number), "output_tokens": 2, "total_tokens": 5 - 3 * number}
            chunk = ChatGenerationChunk(message=AIMessageChunk(content=word, usage_metadata=part))  # type: ignore[arg-type]
            if run_manager is not None:
                run_manager.on_llm_new_token(word, chunk=chunk)
            yield chunk


@pytest.mark.parametrize("mode", ["model", "graph", "chain"])
def test_tokens_of_a_stream_are_counted_once_and_its_words_come_once(mode: str) -> None:
    fake = StreamingModel(messages=iter([]))
    graph = single(lambda _: {"found": [fake.invoke("hello").content]}).compile()
    with start_run() as run:
        config: Any = {"callbacks": [RunHandler()]}
        if mode == "model":
            assert "".join(str(chunk.content) for chunk in fake.stream("hello", config)) == "to be"
        elif mode == "graph":
            assert len(list(graph.stream({"found": []}, config, stream_mode="messages"))) >= 2
        else:
            chain = ChatPromptTemplate.from_template("x") | fake | (lambda message: message.content)
            assert "".join(chain.stream({}, config)) == "to be"
    assert run.summary["tokens_used"] == 7
    assert "\n".join(run.console.output["text"]).strip() == "to be"


def test_choices_of_one_prompt_and_answers_of_a_cache_are_counted_once() -> None:
    fake = GenericFakeChatModel(messages=iter([says("once")]), cache=InMemoryCache())
    with start_run() as run:
        for _ in range(3):
            fake.invoke("hello", {"callbacks": [RunHandler()]})
    assert run.summary["tokens_used"] == 7


def test_costs_are_those_that_a_function_gives() -> None:
    def cost(name: str | None, usage: dict[str, Any]) -> float:
        assert name == "fake-1"
        return 0.5 * float(usage["total_tokens"])

    with start_run() as run:
        model(says("hello")).invoke("hi", {"callbacks": [RunHandler(cost=cost)]})
    assert run.summary["cost_usd"] == 3.5


def test_a_chain_is_one_task_and_its_parts_are_none() -> None:
    chain = ChatPromptTemplate.from_template("say {word}") | model(says("one"), says("two")) | (lambda m: m.content)
    handler = RunHandler()
    with start_run() as run:
        assert chain.with_config(run_name="speak").batch([{"word": 1}, {"word": 2}], {"callbacks": [handler]})
    assert tasks_of(run) == [("speak", "completed"), ("speak", "completed")]
    assert run.tasks["tokens"].tolist() == [7, 7]


def test_output_can_be_left_out() -> None:
    with start_run() as run:
        model(says("secret words")).invoke("hi", {"callbacks": [RunHandler(output=False)]})
        FakeListLLM(responses=["more secret words"]).invoke("hi", {"callbacks": [RunHandler(output=False)]})
    assert len(run.console.output) == 0
    assert len(run.tasks) == 2


def test_a_model_and_a_tool_inside_a_task_belong_to_it() -> None:
    with start_run() as run, run.task("mine") as task:
        model(says("hello")).invoke("hi", {"callbacks": [RunHandler()]})
        add.invoke({"a": 1, "b": 2}, {"callbacks": [RunHandler()]})
    assert run.tasks["name"].tolist() == ["mine"]
    assert run.tasks.loc[task.id, "tokens"] == 7
    assert run.subtasks["name"].tolist() == ["add"]


def test_failures_that_a_chain_gets_over_are_errors_of_its_task() -> None:
    def broken(_: Any) -> str:
        raise ConnectionError("no answer")

    chain = RunnableLambda(broken).with_fallbacks([RunnableLambda(lambda _: "plan b")])
    with start_run() as run:
        assert chain.invoke("x", {"callbacks": [RunHandler()]}) == "plan b"
    assert run.errors["message"].tolist() == ["no answer"]
    assert set(run.tasks["status"]) == {"completed"}


# ---- runs -----------------------------------------------------------------------------------------------------------


def test_one_handler_serves_calls_one_after_the_other_and_keeps_nothing() -> None:
    handler = RunHandler()
    graph = nested(lambda _: {"found": []}).compile()
    for _ in range(2):
        with start_run() as run:
            graph.invoke({"found": []}, {"callbacks": [handler]})
        assert tasks_of(run) == NESTED
    assert not handler._calls._calls
    assert not handler._calls._stopped


def test_two_runs_at_once_get_what_is_theirs() -> None:
    handler, ready = RunHandler(), threading.Barrier(2, timeout=60)
    found: dict[str, runconsole.ActiveRun] = {}

    def node(_: State) -> State:
        ready.wait()
        runconsole.report(tokens=1)
        return {"found": []}

    def work(name: str) -> None:
        with start_run(name) as run, run.task(name):
            found[name] = run
            ready.wait()
            single(node).compile().invoke({"found": []}, {"callbacks": [handler]})

    threads = [threading.Thread(target=work, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in ("a", "b"):
        assert tasks_of(found[name]) == [("LangGraph", "completed"), (name, "completed"), ("only", "completed")]
        assert found[name].summary["tokens_used"] == 1


def test_two_handlers_report_to_their_runs_from_parallel_branches() -> None:
    with start_run("a") as first, start_run("b") as second:
        branches: Any = RunnableParallel(x=lambda _: 1, y=lambda _: 2)
        branches.invoke(0, {"callbacks": [RunHandler(first), RunHandler(second)]})
    assert len(first.tasks) == len(second.tasks) == 1


def test_without_a_run_nothing_happens_but_one_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    handler = RunHandler()
    with caplog.at_level(logging.INFO, "runconsole"):
        for _ in range(3):
            agent(calls_add(1, 2), says("3")).invoke({"messages": [("user", "?")]}, {"callbacks": [handler]})
    assert [record.name for record in caplog.records] == ["runconsole.callbacks"]
    assert "no run is active" in caplog.text


def test_a_run_that_ends_under_an_agent_takes_no_more(caplog: pytest.LogCaptureFixture) -> None:
    run = start_run()

    def node(_: State) -> State:
        run.finish()
        return {"found": ["went on"]}

    graph = nested(node).compile()
    with caplog.at_level(logging.WARNING, "runconsole"):
        assert "went on" in graph.invoke({"found": []}, {"callbacks": [RunHandler(run)]})["found"]
    assert warners(caplog) == set()
    assert dict(tasks_of(run))["inner"] == "cancelled"


def test_a_fault_of_the_handler_is_logged_and_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def wrong(*_: Any) -> float:
        raise RuntimeError("wrong price")

    with start_run() as run:
        assert model(says("fine")).invoke("hi", {"callbacks": [RunHandler(cost=wrong)]}).content == "fine"
    assert "wrong price" in caplog.text
    assert warners(caplog) == {"runconsole.callbacks"}
    assert run.summary["status"] == "completed"


def test_something_else_than_a_run_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="expected run="):
        RunHandler("run")  # type: ignore[arg-type]


# ---- interrupts -----------------------------------------------------------------------------------------------------


def asks(value: Any) -> Any:
    return nested(lambda _: {"found": [interrupt(value)]}).compile(checkpointer=InMemorySaver())


@pytest.mark.parametrize(("option", "expected"), [("approve", True), ("reject", False), (("reply", "do it"), "do it")])
def test_an_interrupt_is_a_question_of_its_node(option: Any, expected: Any) -> None:
    with start_run(on_checkpoint=lambda _: option) as run:
        result = run_graph(asks({"question": "Deploy?", "cost": 4}), {"found": []})
    assert expected in result["found"]
    assert tasks_of(run) == NESTED
    asked = run.checkpoints.iloc[0]
    assert asked["title"] == "Deploy?"
    assert asked["task_id"] == run.tasks.index[run.tasks["name"] == "inner"][0]
    assert len(run.errors) == 0


async def test_interrupts_of_parallel_branches_are_asked_at_once() -> None:
    def branch(name: str) -> Node:
        return lambda _: {"found": [interrupt({"title": name, "options": ["yes", "no"]})]}

    graph: Any = StateGraph(State)
    for name in ("a", "b"):
        graph.add_node(name, branch(name))
        graph.add_edge(START, name)
    app = graph.compile(checkpointer=InMemorySaver())
    async with start_run() as run:
        running = asyncio.ensure_future(run_graph_async(app, {"found": []}, run=run, timeout=60))
        await asyncio.to_thread(eventually, lambda: len(run.checkpoints) == 2)
        statuses = dict(tasks_of(run))
        for checkpoint_id, title in run.checkpoints["title"].items():
            await run.console.decide_async(str(checkpoint_id), "yes" if title == "a" else "no")
        result = await running
    assert (statuses["a"], statuses["b"]) == ("paused", "paused")
    assert sorted(result["found"]) == ["no", "yes"]
    assert tasks_of(run) == [("LangGraph", "completed"), ("a", "completed"), ("b", "completed")]


def test_a_graph_that_is_asked_without_help_waits_and_goes_on_in_its_tasks() -> None:
    app = asks("Go on?")
    config: Any = {"callbacks": [RunHandler()], "configurable": {"thread_id": "1"}}
    with start_run() as run:
        app.invoke({"found": []}, config)
        waiting = dict(tasks_of(run))
        run.output("beside\n")
        app.invoke(Command(resume="yes"), config)
    assert (waiting["inner"], waiting["below"], waiting["LangGraph"]) == ("paused", "paused", "paused")
    assert tasks_of(run) == NESTED
    lines = run.console.output
    assert lines.loc[lines["text"] == "beside", "task_id"].isna().all()


def test_a_graph_that_begins_anew_leaves_no_task_waiting() -> None:
    asked = iter([True, False])
    app = single(lambda _: {"found": [interrupt("?") if next(asked) else "done"]}).compile(checkpointer=InMemorySaver())
    config: Any = {"callbacks": [RunHandler()], "configurable": {"thread_id": "1"}}
    with start_run() as run:
        app.invoke({"found": []}, config)
        app.invoke({"found": []}, config)
        assert tasks_of(run) == [("LangGraph", "completed"), ("only", "cancelled"), ("only", "completed")]


def test_an_interrupt_inside_a_tool_is_one_subtask() -> None:
    @tool
    def pay(amount: int) -> str:
        """Pay an amount."""
        return "paid" if interrupt({"title": f"Pay {amount}?", "options": ["pay", "stop"]}) == "pay" else "stopped"

    graph = StateGraph(MessagesState)
    graph.add_node("tools", ToolNode([pay]))
    graph.add_edge(START, "tools")
    asked = says("", tool_calls=[{"name": "pay", "args": {"amount": 3}, "id": "c"}])
    with start_run(on_checkpoint=lambda _: "pay") as run:
        result = run_graph(graph.compile(checkpointer=InMemorySaver()), {"messages": [asked]})
    assert result["messages"][-1].content == "paid"
    assert run.subtasks[["name", "status"]].to_numpy().tolist() == [["pay", "completed"]]
    assert tasks_of(run) == [("LangGraph", "completed"), ("tools", "completed")]


def test_no_answer_in_time_is_a_rejection_or_the_default() -> None:
    with start_run() as run:
        assert False in run_graph(asks("Deploy?"), {"found": []}, timeout=0.01)["found"]
        assert True in run_graph(asks("Deploy?"), {"found": []}, timeout=0.01, default="approve")["found"]
    assert run.checkpoints["status"].nunique() == 1


def test_a_question_that_nobody_can_answer_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    executed = SimpleNamespace(_allow_stdin=False, _supports_kernel_subshells=True)  # by a program
    with start_run() as run:
        monkeypatch.setattr(notebook, "kernel", lambda: executed)
        with pytest.raises(NoOneToAsk):
            run_graph(asks("Deploy?"), {"found": []}, {"callbacks": [RunHandler()]})
    assert dict(tasks_of(run))["inner"] == "cancelled"


def test_a_graph_without_a_run_cannot_ask() -> None:
    with pytest.raises(InvalidArgument, match="expected a run"):
        run_graph(asks("Deploy?"), {"found": []})


def answer(option: str | None, **more: Any) -> TakenAnswer:
    return TakenAnswer(option, **more)


def test_requests_of_langchains_agents_are_one_question() -> None:
    value = {
        "action_requests": [
            {"name": "send", "args": {"to": "a"}, "description": "Sends a mail"},
            {"name": "erase", "args": {}},
        ],
        "review_configs": [{"action_name": "erase", "allowed_decisions": ["approve", "reject"]}],
    }
    inquiry = inquiry_of(value)
    assert inquiry.question["title"] == "Call send, erase?"
    assert inquiry.question["requests"] == [
        ActionRequest("send", {"to": "a"}, "Sends a mail", ("approve", "edit", "reject")),
        ActionRequest("erase", {}, None, ("approve", "reject")),
    ]
    decisions = (ActionDecision("edit", {"to": "b"}), ActionDecision("reject", message="never"))
    assert inquiry.read(answer("decide", decisions=decisions)) == {
        "decisions": [
            {"type": "edit", "edited_action": {"name": "send", "args": {"to": "b"}}},
            {"type": "reject", "message": "never"},
        ]
    }
    assert [decision["type"] for decision in inquiry.read(answer(None))["decisions"]] == ["reject"] * 2


@pytest.mark.parametrize(
    ("value", "schema", "title", "options"),
    [
        ("Deploy?", None, "Deploy?", ["approve", "reject", "reply"]),
        ("a\nlong\ntext", None, "Go on?", ["approve", "reject", "reply"]),
        (None, None, "Go on?", ["approve", "reject", "reply"]),
        ({"x": object()}, {"type": "boolean"}, "Go on?", ["approve", "reject"]),
        ({"message": "Which?"}, {"enum": ["a", "b"]}, "Which?", ["a", "b"]),
        ({"message": "Which?", "options": [{"id": "a", "label": "A"}]}, None, "Which?", ["a"]),
        ({"message": "Which?", "options": [1, 2]}, None, "Which?", ["approve", "reject", "reply"]),
        ({"action_requests": ["broken"]}, None, "Go on?", ["approve", "reject", "reply"]),
    ],
)
def test_any_value_of_an_interrupt_is_a_question(value: Any, schema: Any, title: str, options: list[str]) -> None:
    asked = inquiry_of(value, schema).question
    assert asked["title"] == title
    with start_run() as run:
        taken = run.ask(**asked, timeout=0.001)
    assert taken.option is None
    assert run.checkpoints["title"].tolist() == [title]
    assert [option if isinstance(option, str) else option["id"] for option in asked["options"]] == options
