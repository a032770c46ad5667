"""Agents, their tokens by model, and calls of tools: facts that may come twice, late, in part, or without an id."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runconsole.events import (
    AgentReported,
    ErrorReported,
    Fact,
    Prices,
    Received,
    RunDescribed,
    SubtaskReported,
    TaskStatus,
    TokenUsage,
    ToolCallReported,
)
from runconsole.state import Agent, RunState, ToolCall
from tests.support.folding import START, Folded, fold, task

RUNNING, COMPLETED, FAILED, CANCELLED = (
    TaskStatus.RUNNING,
    TaskStatus.COMPLETED,
    TaskStatus.FAILED,
    TaskStatus.CANCELLED,
)


def told(*facts: Fact, state: RunState | None = None) -> RunState:
    """Return a state after facts of a server, a second after each other by its clock."""
    state = RunState() if state is None else state
    for number, fact in enumerate(facts):
        at = START + number * 1_000_000
        state.apply(Received(fact.__class__.__name__, fact, "{}", at, at))
    return state


def used(row: Agent) -> tuple[Any, ...]:
    found = row.used
    return found.tokens, found.input_tokens, found.output_tokens, found.cached_tokens, found.cost_usd


# ---- tokens ----------------------------------------------------------------------------------------------------------


def test_tokens_add_up_by_agent_by_model_and_by_task() -> None:
    state = told(
        AgentReported("a", "t", usage=(TokenUsage("m1", "small", input_tokens=10, output_tokens=5, cached_tokens=4),)),
        AgentReported("a", "t", usage=(TokenUsage("m2", "large", 30, 20, 10, cost_usd=0.5),)),
        AgentReported("b", "t", usage=(TokenUsage("m3", "small", 7),)),
        AgentReported("c", usage=(TokenUsage(tokens=1, cost_usd=0.25),)),
    )
    assert used(state.agents["a"]) == (45, 30, 15, 4, 0.5)
    assert {model: row.tokens for model, row in state.agents["a"].by_model.items()} == {"small": 15, "large": 30}
    assert state.agents["a"].model == "small"
    assert (state.tasks["t"].tokens, state.tasks["t"].cost_usd) == (52, 0.5)
    assert (state.run().tokens_used, state.run().cost_usd) == (53, 0.75)


_usages = st.builds(
    TokenUsage,
    st.sampled_from(["m1", "m2", None]),
    st.sampled_from(["small", "large", None]),
    *(st.one_of(st.none(), st.integers(0, 9)) for _ in range(4)),
    st.one_of(st.none(), st.integers(0, 9).map(float)),
)
_reports = st.lists(
    st.builds(AgentReported, st.sampled_from("ab"), st.sampled_from(["t", "u", None]), usage=st.tuples(_usages)),
    max_size=8,
)


@given(_reports, st.randoms())
def test_usage_in_any_order_and_any_number_of_times_comes_to_the_same(reports: list[Fact], random: Any) -> None:
    shuffled = [*reports, *reports]
    random.shuffle(shuffled)
    once, often = told(*reports), told(*shuffled)
    assert {name: used(row) for name, row in once.agents.items()} == {
        name: used(row) for name, row in often.agents.items()
    }
    assert {name: row.tokens for name, row in once.tasks.items()} == {
        name: row.tokens for name, row in often.tasks.items()
    }
    assert once.run().tokens_used == often.run().tokens_used


@given(_reports)
def test_the_parts_of_an_agents_tokens_are_its_sum(reports: list[Fact]) -> None:
    for row in told(*reports).agents.values():
        for name in ("tokens", "input_tokens", "output_tokens", "cost_usd"):
            parts = [value for part in row.by_model.values() if (value := getattr(part, name)) is not None]
            assert getattr(row.used, name) == (sum(parts) if parts else None)


def test_a_usage_that_grows_counts_once() -> None:
    state = told(*(AgentReported("a", "t", usage=(TokenUsage("m", tokens=tokens),)) for tokens in (3, 9, 5)))
    assert (state.agents["a"].used.tokens, state.tasks["t"].tokens) == (9, 9)


def test_a_tasks_own_tokens_stand_and_its_agents_cost_is_added_where_it_has_none() -> None:
    folded = fold([task("task.progress", 1, metrics={"tokensUsed": 100})])
    folded.feed([task("agent.completed", 2, agentId="a", metrics={"tokensUsed": 7, "cost": 0.5})])
    assert (folded.state.tasks["t"].tokens, folded.state.tasks["t"].cost_usd) == (100, 0.5)
    folded.feed([task("task.completed", 3, metrics={"cost": 0.25})])
    assert (folded.state.tasks["t"].tokens, folded.state.tasks["t"].cost_usd) == (100, 0.25)
    folded.feed([task("agent.completed", 4, agentId="b", metrics={"tokensUsed": 7, "cost": 0.5})])
    assert (folded.state.tasks["t"].tokens, folded.state.tasks["t"].cost_usd) == (100, 0.25)


def priced(prices: Prices | None) -> RunState:
    return told(
        AgentReported("a", "t", usage=(TokenUsage("m1", "small", 1_000_000, 900_000, 100_000, 800_000),)),
        AgentReported("a", "t", usage=(TokenUsage("m2", "large", input_tokens=7),)),
        AgentReported("b", usage=(TokenUsage("m3", "small", input_tokens=1_000_000, cost_usd=0.5),)),
        AgentReported("c", usage=(TokenUsage("m4", "small", tokens=1_000_000),)),
        state=RunState(prices=prices),
    )


def test_a_price_counts_where_the_source_gives_no_cost_and_input_or_output_is_known() -> None:
    state = priced({"small": (1.0, 10.0)})
    assert [row.used.cost_usd for row in state.agents.values()] == [1.9, 0.5, None]
    assert (state.tasks["t"].cost_usd, state.run().cost_usd) == (1.9, 2.4)


@pytest.mark.parametrize(
    ("prices", "cost"),
    [
        ((1.0, 10.0), 1.9),
        ((1.0, 10.0, 0.25), 1.3),
        ((1.0, 10.0, 0.25, 20.0), 1.9),
        ((1.0, 10.0, 1.0, 0.0), 1.3),
    ],
)
def test_cached_and_reasoning_tokens_have_prices_of_their_own(prices: tuple[float, ...], cost: float) -> None:
    usage = TokenUsage("m", "small", None, 900_000, 100_000, 800_000, 60_000)
    state = told(AgentReported("a", "t", usage=(usage,)), state=RunState(prices={"small": prices}))
    assert state.agents["a"].used.cost_usd == pytest.approx(cost)


def test_a_part_that_is_larger_than_the_whole_costs_no_less_than_nothing() -> None:
    usage = TokenUsage("m", "small", None, 10, 10, 1_000, 1_000)
    state = told(AgentReported("a", "t", usage=(usage,)), state=RunState(prices={"small": (1e6, 1e6, 0.0, 0.0)}))
    assert state.agents["a"].used.cost_usd == 0


def test_a_cost_that_the_source_tells_later_takes_the_place_of_the_price() -> None:
    state = priced({"small": (1.0, 10.0)})
    told(AgentReported("a", "t", usage=(TokenUsage("m1", "small", cost_usd=0.25),)), state=state)
    assert (state.agents["a"].used.cost_usd, state.tasks["t"].cost_usd) == (0.25, 0.25)


@pytest.mark.parametrize("after", [None, {}, {"small": (2.0, 20.0)}, {"large": (1e6, 0.0)}])
def test_other_prices_give_the_costs_that_they_would_have_given_at_first(after: Prices | None) -> None:
    state = priced({"small": (1.0, 10.0)})
    state.apply(RunDescribed(prices=after))
    assert state.agents == priced(after).agents
    assert state.tasks["t"].cost_usd == priced(after).tasks["t"].cost_usd
    assert state.run().cost_usd == priced(after).run().cost_usd


# ---- agents ----------------------------------------------------------------------------------------------------------


def test_an_agent_put_away_after_its_end_keeps_its_status() -> None:
    ended = [AgentReported("a", status=status) for status in (RUNNING, COMPLETED, CANCELLED)]
    assert told(*ended).agents["a"].status is COMPLETED
    assert told(ended[0], ended[2]).agents["a"].status is CANCELLED


def test_an_agents_error_is_its_own_and_one_of_an_unknown_agent_makes_no_row() -> None:
    error = ErrorReported("rate limit", agent_id="a")
    assert told(AgentReported("a"), error).agents["a"].error == "rate limit"
    assert told(error).agents == {}


def test_news_without_a_status_means_that_the_agent_runs() -> None:
    assert told(AgentReported("a", model="small")).agents["a"].status is RUNNING
    assert told(AgentReported("a", status=FAILED), AgentReported("a", model="small")).agents["a"].status is FAILED


def test_an_agents_task_is_a_row_and_its_news_may_be_a_subtasks_too() -> None:
    state = told(AgentReported("a", "t", RUNNING, subtask=SubtaskReported("t", "a", RUNNING, "Search")))
    assert state.subtasks["t"]["a"].name == "Search"
    assert list(told(AgentReported("a", "t")).tasks) == ["t"]


# ---- tool calls ------------------------------------------------------------------------------------------------------


def test_a_calls_start_arguments_and_result_are_one_row() -> None:
    state = told(
        ToolCallReported("k", "t", "a", "search", RUNNING),
        ToolCallReported("k", arguments='{"q":1}'),
        ToolCallReported("k", status=COMPLETED, result='"found"'),
    )
    row = state.tool_calls["k"]
    assert (row.task_id, row.agent_id, row.name, row.status) == ("t", "a", "search", COMPLETED)
    assert (row.arguments, row.result) == ('{"q":1}', '"found"')
    assert (row.started_at, row.ended_at) == (START, START + 2_000_000)


def test_a_call_takes_the_task_of_its_agent_and_makes_an_unknown_agent_known() -> None:
    state = told(AgentReported("a", "t"), ToolCallReported("k", agent_id="a"), ToolCallReported("l", agent_id="b"))
    assert (state.tool_calls["k"].task_id, state.tool_calls["l"].task_id) == ("t", None)
    assert state.agents["b"].status is RUNNING


def test_a_late_result_ends_the_call_and_a_late_start_does_not_open_it_again() -> None:
    start, end = ToolCallReported("k", name="search", status=RUNNING), ToolCallReported("k", status=COMPLETED)
    state = RunState()
    for at, fact in ((2, end), (1, start)):
        state.apply(Received("x", fact, "{}", START, START + at * 1_000_000))
    assert (state.tool_calls["k"].status, state.tool_calls["k"].name) == (COMPLETED, "search")


@pytest.mark.parametrize("times", [1, 2])
def test_calls_without_ids_are_told_apart_and_their_ends_find_them(times: int) -> None:
    frames = [
        task("agent.tool_call", 1, agentId="a", tool="read", arguments={"path": "a"}),
        task("agent.tool_call", 1, agentId="a", tool="read", arguments={"path": "b"}),
        task("agent.tool_call", 2, agentId="a", tool="run"),
        task("agent.tool_result", 3, agentId="a", tool="run", result="ran"),
        task("agent.tool_result", 4, agentId="a", tool="read", result="A"),
        task("agent.tool_result", 5, agentId="a", result="B", success=False),
        task("agent.tool_result", 6, agentId="b", tool="read", result="never begun"),
    ]
    rows: list[ToolCall] = list(fold(frames * times).state.tool_calls.values())
    assert [(row.tool_call_id, row.name, row.result, row.status) for row in rows] == [
        ("a#1", "read", '"A"', COMPLETED),
        ("a#2", "read", '"B"', FAILED),
        ("a#3", "run", '"ran"', COMPLETED),
        ("b#1", "read", '"never begun"', COMPLETED),
    ]


def test_large_arguments_and_results_are_whole_in_the_frame() -> None:
    text = "x" * 5_000_000
    folded = Folded()
    folded.feed([task("agent.tool_call", 1, toolCallId="k", tool="write", arguments={"text": text})])
    folded.feed([task("agent.tool_result", 2, toolCallId="k", result=text)])
    row = folded.tables.frame("tool_calls").loc["k"]
    assert (row["arguments"], row["result"]) == ({"text": text}, text)


def test_a_column_of_results_that_are_all_texts_is_one_of_objects_still() -> None:
    folded = fold([task("agent.tool_result", 1, agentId="a", toolCallId="k", result="x")])
    assert str(folded.tables.frame("tool_calls").dtypes["result"]) == "object"


def test_a_text_that_is_no_json_is_itself_in_the_frame() -> None:
    folded = Folded()
    folded.apply(Received("x", ToolCallReported("k", arguments='{"path": "a', result="[" * 100_000), "{}", START))
    row = folded.tables.frame("tool_calls").loc["k"]
    assert (row["arguments"], row["result"]) == ('{"path": "a', "[" * 100_000)
