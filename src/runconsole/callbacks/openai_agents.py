"""OpenAI Agents SDK: `ReportHooks`, hooks of a run, and `run_agent`, which asks for the approval of tools."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from runconsole.callbacks.approvals import approval_question, verdict_of
from runconsole.callbacks.gathering import all_of
from runconsole.callbacks.reports import RunFinder, guarded, missing, say, used, write
from runconsole.callbacks.reports import agent as report_agent
from runconsole.reporting.blockless import BlocklessTask, within
from runconsole.reporting.cancelling import check_cancelled
from runconsole.reporting.current import current_task, task_around
from runconsole.reporting.run import ActiveRun
from runconsole.reporting.tasks import ActiveTask, ActiveTool, reset

try:
    from agents import RunHooks, Runner
except ImportError:
    raise missing("openai-agents>=0.24") from None

if TYPE_CHECKING:
    from agents import Agent, RunResult, Tool, Usage
    from agents.items import ModelResponse, ToolApprovalItem
    from agents.run_context import RunContextWrapper

__all__ = ["ReportHooks", "run_agent"]

CostOf = Callable[[str, "Usage"], float | None]

_FIRST_INPUT = ("context", "previous_response_id", "auto_previous_response_id", "conversation_id")
"""Arguments of ``Runner.run`` that belong to the first input: a state that goes on has its own."""


class _AgentTask:
    """An agent at work in a call of ``Runner.run``: a task, and the subtasks of its tools."""

    def __init__(self, run: ActiveRun, usage: Usage, agent: Agent[Any]) -> None:
        self.usage = usage
        """Identifies the call, with the agents that are tools in it; kept, so that its id stays its own."""
        self.agent = agent
        self.task = BlocklessTask(run, agent.name)
        self.parts: dict[object, ActiveTool] = {}
        self.task.begin()
        report_agent(self.task, _known_model(agent))

    @property
    def key(self) -> tuple[int, int]:
        """The key of the agent in the call."""
        return id(self.usage), id(self.agent)

    def end(self, error: BaseException | None = None) -> None:
        """End the task, and what is left of it."""
        parts, self.parts = self.parts, {}
        for part in parts.values():
            part.__exit__(None if error is None else type(error), error, None)
        self.task.end(error)


class _Scope(ActiveTask):
    """The task of a call of `run_agent`: the task of whichever agent works.

    Hooks are called in contexts of their own, so no hook can set the task of the code that tools run.
    """

    def __init__(self, around: ActiveTask | None) -> None:
        self.agents: list[_AgentTask] = []
        self.waiting: list[_AgentTask] = []
        """The input of the next call of ``Runner.run``."""
        self._outside = around

    @property
    def is_left(self) -> bool:
        """True: the task is that of the agent."""
        return True

    @property
    def around(self) -> ActiveTask | None:  # type: ignore[override]  # set once there
        """The task of the agent that began last of those that work, or that around the call."""
        working = (known.task for known in reversed(self.agents) if not known.task.is_left)
        return next(working, self._outside)

    def task_of(self, agent: object) -> BlocklessTask | None:
        """Return the newest task of an agent; of one that is not reported, that of the agent around it."""
        newest = self.agents[-1].task if self.agents else None
        return next((known.task for known in reversed(self.agents) if known.agent is agent), newest)

    def pause(self) -> None:
        """Let the agents wait for an answer."""
        self.waiting = [known for known in self.agents if not known.task.is_left]
        for known in self.waiting:
            known.task.pause()

    def go_on(self) -> None:
        """Let the agents that wait go on."""
        for known in self.waiting:
            if known.task.is_paused:
                known.task.begin_again()


_scope: ContextVar[_Scope | None] = ContextVar("runconsole_openai_agents", default=None)


class ReportHooks(RunHooks[Any]):
    """Reports what agents do: ``await Runner.run(agent, "...", hooks=ReportHooks())``.

    Each agent is a task, until it is done or hands over; calls of tools are subtasks. Tokens, and the words of the
    model, belong to the agent. One object may serve many calls, also at once.

    The SDK has no hook for failures: the task of an agent that fails ends with the run. `run_agent` ends it at once.
    A task that somebody cancels ends where its agent calls the model next, by `TaskCancelled`.

    Args:
        run: the run to report to; None takes the run of the current task, else the newest one. Without a run the
            hooks do nothing, and log that once.
        output: True makes output of the words of models; False leaves them out.
        cost: returns the cost of a call of a model in US dollars, by the model's name and the SDK's ``Usage``; None
            leaves costs out.

    Raises:
        InvalidArgument: `run` is no run.
    """

    def __init__(self, run: ActiveRun | None = None, *, output: bool = True, cost: CostOf | None = None) -> None:
        self._finder = RunFinder(run)
        self._output = output
        self._cost = cost
        self._agents: dict[tuple[int, int], _AgentTask] = {}

    async def on_agent_start(self, context: RunContextWrapper[Any], agent: Any) -> None:
        """Begin the task of an agent."""
        with guarded("the start of an agent"):
            self._of(context, agent)

    async def on_agent_end(self, context: RunContextWrapper[Any], agent: Any, output: Any) -> None:
        """End the task of an agent."""
        with guarded("the end of an agent"):
            known = self._agents.pop((id(context.usage), id(agent)), None)
            if known is not None:
                known.end()

    async def on_handoff(self, context: RunContextWrapper[Any], from_agent: Any, to_agent: Any) -> None:
        """End the task of an agent that hands over to another."""
        with guarded("a handoff"):
            known = self._agents.pop((id(context.usage), id(from_agent)), None)
            if known is not None:
                say(known.task, f"hands over to {to_agent.name}")
                known.end()

    async def on_tool_start(self, context: RunContextWrapper[Any], agent: Any, tool: Tool) -> None:
        """Begin a subtask for a tool."""
        with guarded("the start of a tool"):
            known = self._of(context, agent)
            if known is not None:
                part = known.parts[_call_of(context, tool)] = known.task.tool(tool.name, _arguments_of(context))
                part.__enter__()

    async def on_tool_end(self, context: RunContextWrapper[Any], agent: Any, tool: Tool, result: object) -> None:
        """End the subtask of a tool."""
        with guarded("the end of a tool"):
            known = self._of(context, agent)
            part = None if known is None else known.parts.pop(_call_of(context, tool), None)
            if part is not None:
                part.result(result)
                part.__exit__(None, None, None)

    async def on_llm_start(
        self, context: RunContextWrapper[Any], agent: Agent[Any], system_prompt: str | None, input_items: list[Any]
    ) -> None:
        """Say that an agent waits for its model."""
        with guarded("the start of a model"):
            known = self._of(context, agent)
            if known is not None:
                check_cancelled(known.task._record)  # noqa: SLF001 - of this distribution
                say(known.task, f"asks {_model_of(agent)}")

    async def on_llm_end(self, context: RunContextWrapper[Any], agent: Agent[Any], response: ModelResponse) -> None:
        """Count the tokens of a model's answer."""
        with guarded("the end of a model"):
            known = self._of(context, agent)
            if known is None:
                return
            if self._output:
                write(known.task, _words_of(response))
            cost = None if self._cost is None else self._cost(_model_of(agent), response.usage)
            used(known.task, _known_model(agent), _counts(response.usage) | {"cost": cost})

    def _of(self, context: RunContextWrapper[Any], agent: Agent[Any]) -> _AgentTask | None:
        """Return the task of an agent, begun; None where there is no run."""
        known = self._agents.get((id(context.usage), id(agent)))
        if known is None:
            known = self._begin(context.usage, agent)
        return None if known is None or known.task.run.is_finished else known

    def _begin(self, usage: Usage, agent: Agent[Any]) -> _AgentTask | None:
        """Begin the task of an agent, or go on with one that has waited for an approval."""
        scope, run = _scope.get(), self._finder.find()
        if run is None:
            return None
        known = None if scope is None else next((other for other in scope.waiting if other.agent is agent), None)
        if known is None:
            known = _AgentTask(run, usage, agent)
            if scope is not None:
                scope.agents.append(known)
        elif scope is not None:
            scope.waiting.remove(known)
            self._agents.pop(known.key, None)
            known.usage = usage
        self._agents = {key: other for key, other in self._agents.items() if not other.task.run.is_finished}
        self._agents[known.key] = known
        return known

    def _forget(self, scope: _Scope, error: BaseException | None) -> None:
        """End what is left of a call of `run_agent`, agents that are tools first."""
        for known in reversed(scope.agents):
            self._agents.pop(known.key, None)
            known.end(error)


class _Both(RunHooks[Any]):
    """Hooks of the user after those of the run."""

    def __init__(self, first: RunHooks[Any], second: RunHooks[Any]) -> None:
        self._both = (first, second)

    async def on_agent_start(self, context: Any, agent: Any) -> None:
        for hooks in self._both:
            await hooks.on_agent_start(context, agent)

    async def on_agent_end(self, context: Any, agent: Any, output: Any) -> None:
        for hooks in self._both:
            await hooks.on_agent_end(context, agent, output)

    async def on_handoff(self, context: Any, from_agent: Any, to_agent: Any) -> None:
        for hooks in self._both:
            await hooks.on_handoff(context=context, from_agent=from_agent, to_agent=to_agent)

    async def on_tool_start(self, context: Any, agent: Any, tool: Any) -> None:
        for hooks in self._both:
            await hooks.on_tool_start(context, agent, tool)

    async def on_tool_end(self, context: Any, agent: Any, tool: Any, result: Any) -> None:
        for hooks in self._both:
            await hooks.on_tool_end(context, agent, tool, result)

    async def on_llm_start(self, context: Any, agent: Any, system_prompt: str | None, input_items: list[Any]) -> None:
        for hooks in self._both:
            await hooks.on_llm_start(context, agent, system_prompt, input_items)

    async def on_llm_end(self, context: Any, agent: Any, response: Any) -> None:
        for hooks in self._both:
            await hooks.on_llm_end(context, agent, response)


async def run_agent(
    agent: Agent[Any],
    input: Any,  # noqa: A002 - the SDK's name
    *,
    run: ActiveRun | None = None,
    timeout: float | None = None,  # noqa: ASYNC109 - of one answer
    default: str | None = None,
    **options: Any,
) -> RunResult:
    """Run an agent to its end, and ask where a tool needs approval; return what ``Runner.run`` returns.

    Each call that needs approval is a question of its agent, as of `ActiveRun.ask`: ``approve`` or ``reject``, with the
    arguments as its context. The feedback of a rejection goes to the model. What nobody answers in time is rejected,
    unless `default` is ``"approve"``.

    Args:
        agent: the agent.
        input: its input, as of ``Runner.run``.
        run: the run that asks; None takes the run of the current task, else the newest one.
        timeout: seconds to wait for each answer; None waits without limit.
        default: ``"approve"`` or ``"reject"``: what counts when the time is up.
        options: further arguments of ``Runner.run``. A `ReportHooks` among them is used; other hooks are called, too.

    Raises:
        InvalidArgument: there is no run.
        NoOneToAsk: no answer can ever come.
    """
    asking = RunFinder(run).need()
    given = options.pop("hooks", None)
    reports = given if isinstance(given, ReportHooks) else ReportHooks(asking)
    hooks = reports if given is None or given is reports else _Both(reports, given)
    scope = _Scope(task_around())
    tokens = _scope.set(scope), current_task.set(scope)

    async def decide(state: Any, item: ToolApprovalItem) -> None:
        question = approval_question(item.qualified_name or "the tool", item.arguments, agent=item.agent.name)
        with within(scope.task_of(item.agent)):
            answer = await asking.ask_async(**question, timeout=timeout, default=default)
        verdict = verdict_of(answer)
        if verdict.kind == "approve":
            state.approve(item)
        else:
            state.reject(item, rejection_message=verdict.message)

    try:
        result = await Runner.run(agent, input, hooks=hooks, **options)
        while result.interruptions:
            scope.pause()
            state = result.to_state()
            await all_of(decide(state, item) for item in result.interruptions)
            scope.go_on()
            going_on = {name: value for name, value in options.items() if name not in _FIRST_INPUT}
            result = await Runner.run(agent, state, hooks=hooks, **going_on)
    except BaseException as error:
        reports._forget(scope, error)  # noqa: SLF001 - of this module
        raise
    finally:
        reset(_scope, tokens[0])
        reset(current_task, tokens[1])
    reports._forget(scope, None)  # noqa: SLF001 - of this module
    return result


def _call_of(context: Any, tool: Tool) -> object:
    """Return what identifies a call of a tool."""
    return getattr(context, "tool_call_id", None) or tool.name


def _arguments_of(context: Any) -> Any:
    """Return the arguments of the call of a tool in whose context a hook is."""
    text = getattr(context, "tool_arguments", None)
    try:
        return text if not isinstance(text, str) else json.loads(text)
    except ValueError:
        return text


def _counts(usage: Usage) -> dict[str, Any]:
    return {
        "totalTokens": usage.total_tokens,
        "inputTokens": usage.input_tokens,
        "outputTokens": usage.output_tokens,
        "cachedTokens": getattr(usage.input_tokens_details, "cached_tokens", None),
        "reasoningTokens": getattr(usage.output_tokens_details, "reasoning_tokens", None),
    }


def _known_model(agent: Agent[Any]) -> str | None:
    """Return the name of an agent's model, if it has one."""
    name = agent.model if isinstance(agent.model, str) else getattr(agent.model, "model", None)
    return str(name) if name else None


def _model_of(agent: Agent[Any]) -> str:
    """Return the name of an agent's model in a sentence."""
    return _known_model(agent) or "the model"


def _words_of(response: ModelResponse) -> str:
    """Return the text of a model's answer."""
    messages = (item for item in response.output if getattr(item, "type", None) == "message")
    texts = (getattr(part, "text", None) for message in messages for part in getattr(message, "content", ()))
    return "\n".join(text for text in texts if isinstance(text, str) and text)
