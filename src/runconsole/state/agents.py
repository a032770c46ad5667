"""Handlers of facts about agents, the tokens that they use, and their calls of tools."""

from __future__ import annotations

from copy import copy

from msgspec import structs

from runconsole.events import (
    AgentReported,
    Micros,
    Prices,
    Received,
    RunDescribed,
    TaskStatus,
    TokenUsage,
    ToolCallReported,
)
from runconsole.state.advance import advance, fill_unknown, infer_start, moment, set_known
from runconsole.state.rows import FINISHED, Agent, ToolCall, Used
from runconsole.state.state import RunState, handles
from runconsole.state.tasks import subtask_reported

_COUNTS = ("tokens", "input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens", "cost_usd")
_DIGITS = 12
"""Of a cost after the point: the error of sums of floats stays out of sight."""


@handles(AgentReported)
def agent_reported(state: RunState, fact: AgentReported, event: Received) -> None:
    known = state.agents.get(fact.agent_id)
    agent = Agent(fact.agent_id) if known is None else copy(known)
    status = fact.status
    if status is TaskStatus.CANCELLED and agent.status in FINISHED:
        status = None  # it was put away after its end
    if status is None and agent.status is TaskStatus.PENDING:
        status = TaskStatus.RUNNING
    values = {
        "name": fact.name,
        "parent_id": fact.parent_id,
        "task_id": fact.task_id,
        "duration_s": fact.duration_s,
        "error": fact.error,
    }
    if advance(agent, status, event):
        set_known(agent, **values)
    else:
        fill_unknown(agent, **values)
    fill_unknown(agent, model=fact.model)
    infer_start(agent)
    for usage in fact.usage:
        _use(state, agent, fact.task_id, usage)
    state.agents[agent.agent_id] = agent
    state.versions["agents"] += 1
    if known is None or (known.parent_id, known.task_id, known.used) != (agent.parent_id, agent.task_id, agent.used):
        state.comings.append(("agent", agent.agent_id))
    _note_task(state, fact.task_id)
    if fact.subtask is not None:
        subtask_reported(state, fact.subtask, event)
    state.begin(agent.started_at or moment(event))


def _note_task(state: RunState, task_id: str | None) -> None:
    """Add the row of a task of which nothing else is known yet."""
    if task_id is not None and task_id not in state.tasks:
        state.put_task(state.task(task_id))


# ---- tokens ---------------------------------------------------------------------------------------------------------


def _use(state: RunState, agent: Agent, task_id: str | None, usage: TokenUsage) -> None:
    """Take in what a usage has come to; `agent` is changed, and the caller stores it."""
    key = (agent.agent_id, task_id, usage.id, usage.model)
    before = state.usages.get(key)
    model = before.model if before is not None else usage.model or agent.model
    now = state.usages[key] = _larger(before, usage, model)
    agent.model = agent.model or model
    known = None if before is None else _priced(before, state.prices)
    _change(state, agent, task_id, known, _priced(now, state.prices))


def _change(state: RunState, agent: Agent, task_id: str | None, before: TokenUsage | None, now: TokenUsage) -> None:
    """Change the sums of an agent, its model and its task by the difference of a usage."""
    agent.used = _changed(agent.used, before, now)
    agent.by_model = {**agent.by_model, now.model: _changed(agent.by_model.get(now.model), before, now)}
    sums = state.used_by_agents[task_id] = _changed(state.used_by_agents.get(task_id), before, now)
    if task_id is None:
        state.versions["run"] += 1
        return
    task = state.task(task_id)
    if not task.metered:
        task.tokens = sums.tokens or None
    if not task.billed:
        task.cost_usd = sums.cost_usd or None
    state.put_task(task)


def _priced(usage: TokenUsage, prices: Prices | None) -> TokenUsage:
    """Return a usage with its cost: that of its source, else by the price of its model, if there is one."""
    if usage.cost_usd is not None or not prices or usage.model not in prices:
        return usage
    if usage.input_tokens is None and usage.output_tokens is None:
        return usage
    return structs.replace(usage, cost_usd=_cost(usage, *prices[usage.model]))


def _cost(
    usage: TokenUsage,
    of_input: float,
    of_output: float,
    of_cached: float | None = None,
    of_reasoning: float | None = None,
) -> float:
    """Return the US dollars for a usage, by prices for a million tokens."""
    read, written = usage.input_tokens or 0, usage.output_tokens or 0
    cost = read * of_input + written * of_output
    if of_cached is not None:
        cost += min(usage.cached_tokens or 0, read) * (of_cached - of_input)
    if of_reasoning is not None:
        cost += min(usage.reasoning_tokens or 0, written) * (of_reasoning - of_output)
    return cost / 1e6


@handles(RunDescribed)
def run_described(state: RunState, fact: RunDescribed, _event: None) -> None:
    state.title = fact.title
    state.token_budget = fact.token_budget
    state.cost_limit = fact.cost_limit
    state.expected_artifacts = fact.expected_artifacts
    state.versions["run"] += 1
    if state.prices != fact.prices:
        _price_again(state, fact.prices)


def _price_again(state: RunState, prices: Prices | None) -> None:
    """Add up anew all that was used, by other prices."""
    state.prices = prices
    agents = {agent_id: copy(agent) for agent_id, agent in state.agents.items()}
    for agent in agents.values():
        agent.used, agent.by_model = Used(), {}
    state.used_by_agents.clear()
    for (agent_id, task_id, _, _), usage in state.usages.items():
        _change(state, agents[agent_id], task_id, None, _priced(usage, prices))
    state.agents.update(agents)
    state.comings.extend(("agent", agent_id) for agent_id in agents)
    state.versions["agents"] += 1
    state.count_costs_again()


def _larger(before: TokenUsage | None, usage: TokenUsage, model: str | None) -> TokenUsage:
    """Return the usage with the larger of its counts and the known ones: they never fall."""
    counts = {name: getattr(usage, name) for name in _COUNTS}
    if counts["tokens"] is None and (usage.input_tokens is not None or usage.output_tokens is not None):
        counts["tokens"] = (usage.input_tokens or 0) + (usage.output_tokens or 0)
    for name in _COUNTS if before is not None else ():
        known, new = getattr(before, name), counts[name]
        counts[name] = known if new is None else new if known is None else max(known, new)
    return TokenUsage(usage.id, model, **counts)


def _changed(used: Used | None, before: TokenUsage | None, now: TokenUsage) -> Used:
    """Return sums after a usage has grown from one value to another."""
    counts = {}
    for name in _COUNTS:
        known, old, new = getattr(used, name, None), getattr(before, name, None), getattr(now, name)
        counts[name] = known if new is None else (known or 0) + new - (old or 0)
    if counts["cost_usd"] is not None:
        counts["cost_usd"] = round(counts["cost_usd"], _DIGITS)
    return Used(**counts)


# ---- tool calls -----------------------------------------------------------------------------------------------------


@handles(ToolCallReported)
def tool_call_reported(state: RunState, fact: ToolCallReported, event: Received) -> None:
    call_id = fact.tool_call_id or _id_of(state, fact, moment(event))
    known = state.tool_calls.get(call_id)
    call = ToolCall(call_id) if known is None else copy(known)
    agent = state.agents.get(fact.agent_id or call.agent_id or "")
    values = {
        "task_id": fact.task_id or (agent.task_id if agent is not None and call.task_id is None else None),
        "agent_id": fact.agent_id,
        "name": fact.name,
        "arguments": fact.arguments,
        "result": fact.result,
        "error": fact.error,
        "duration_s": fact.duration_s,
    }
    implied = TaskStatus.RUNNING if call.status is TaskStatus.PENDING else None
    if advance(call, fact.status or implied, event):
        set_known(call, **values)
    else:
        fill_unknown(call, **values)
    infer_start(call)
    state.tool_calls[call_id] = call
    if known is None or (known.task_id, known.agent_id) != (call.task_id, call.agent_id):
        state.comings.append(("call", call_id))
    state.versions["tool_calls"] += 1
    _note_task(state, fact.task_id)
    if agent is None and fact.agent_id is not None:
        agent_reported(state, AgentReported(fact.agent_id, fact.task_id), event)
    if fact.subtask is not None:
        subtask_reported(state, fact.subtask, event)
    state.begin(call.started_at or moment(event))


def _id_of(state: RunState, fact: ToolCallReported, at: Micros) -> str:
    """Return an id for a call that the server does not identify."""
    holder = fact.agent_id or fact.task_id
    if fact.status in FINISHED and fact.arguments is None:
        return state.unnamed_calls.end(holder, fact.name, at, fact.result or fact.error)
    return state.unnamed_calls.start(holder, fact.name, at, fact.arguments)
