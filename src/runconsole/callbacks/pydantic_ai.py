"""pydantic-ai: `ReportRun`, a capability of agents, and `answer_requests`, which asks for the approval of tools."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable
from contextvars import ContextVar
from typing import Any

from runconsole.callbacks.approvals import approval_question, verdict_of
from runconsole.callbacks.gathering import all_of
from runconsole.callbacks.reports import RunFinder, guarded, missing, say, used, write
from runconsole.callbacks.reports import agent as report_agent
from runconsole.reporting.blockless import BlocklessTask, report_trouble, within
from runconsole.reporting.cancelling import check_cancelled
from runconsole.reporting.current import current_task
from runconsole.reporting.run import ActiveRun
from runconsole.reporting.tasks import ActiveTool, reset

try:
    from pydantic_ai import DeferredToolRequests, DeferredToolResults, RunContext, ToolApproved, ToolDenied
    from pydantic_ai.capabilities import AbstractCapability
    from pydantic_ai.exceptions import ApprovalRequired, CallDeferred
    from pydantic_ai.messages import (
        AgentStreamEvent,
        ModelResponse,
        PartDeltaEvent,
        PartStartEvent,
        TextPart,
        TextPartDelta,
        ToolCallPart,
    )
except ImportError:
    raise missing("pydantic-ai-slim>=2.68") from None

__all__ = ["ReportRun", "answer_requests"]

CostOf = Callable[[ModelResponse], float | None]


class _AgentRun:
    """A run of an agent: a task, and the subtasks of its calls of tools."""

    def __init__(self, task: BlocklessTask) -> None:
        self.task = task
        self.parts: dict[str, ActiveTool] = {}
        """Calls that are under way, and those that wait for an approval, by id."""
        self.is_streaming = False
        """True while the words of an answer come piece by piece."""

    def begin_part(self, call: ToolCallPart) -> None:
        """Begin the subtask of a call, or go on with it."""
        if call.tool_call_id not in self.parts:
            self.parts[call.tool_call_id] = self.task.tool(call.tool_name, call.args_as_dict())
            self.parts[call.tool_call_id].__enter__()

    def end_part(self, call: ToolCallPart, error: BaseException | None = None, result: Any = None) -> None:
        """End the subtask of a call."""
        part = self.parts.pop(call.tool_call_id, None)
        if part is not None:
            part.result(result)
            part.__exit__(None if error is None else type(error), error, None)

    def end(self, error: BaseException | None) -> None:
        """End the task, and the subtasks of calls that were never made."""
        for part in self.parts.values():
            left = error or RuntimeError("the call was not made")
            part.__exit__(type(left), left, None)
        self.parts.clear()
        self.task.end(error)


_agent_run: ContextVar[_AgentRun | None] = ContextVar("runconsole_pydantic_ai", default=None)


class ReportRun(AbstractCapability[Any]):
    """Reports what an agent does, and asks where a tool needs approval: ``Agent(..., capabilities=[ReportRun()])``.

    Each run of an agent is a task, calls of tools are subtasks; tokens, and the words of the model, belong to the task.
    A call that needs approval is a question of the task, as of `ActiveRun.ask`: ``approve``, ``edit`` (with the changed
    arguments), or ``reject``, whose feedback goes to the model. What nobody answers in time is rejected, unless
    `default` is ``"approve"``. Where no answer can ever come, the run of the agent raises `NoOneToAsk`. One object may
    serve many agents and runs, also at once.

    A task that somebody cancels ends where its agent calls the model next, by `TaskCancelled`.

    Args:
        run: the run to report to; None takes the run of the current task, else the newest one. Without a run the
            capability does nothing, and logs that once.
        asks: True asks for approvals; False leaves them to other capabilities, or to `answer_requests`.
        timeout: seconds to wait for each answer; None waits without limit.
        default: ``"approve"`` or ``"reject"``: what counts when the time is up.
        output: True makes output of the words of models; False leaves them out.
        stream: True makes output of words as they come; the model is then called by its stream.
        cost: returns the cost of an answer of a model in US dollars; None takes the price that pydantic-ai knows.

    Raises:
        InvalidArgument: `run` is no run.
    """

    def __init__(
        self,
        run: ActiveRun | None = None,
        *,
        asks: bool = True,
        timeout: float | None = None,
        default: str | None = None,
        output: bool = True,
        stream: bool = False,
        cost: CostOf | None = None,
    ) -> None:
        self._finder = RunFinder(run)
        self._asks = asks
        self._limits: dict[str, Any] = {"timeout": timeout, "default": default}
        self._output = output
        self._stream = stream
        self._cost = _known_price if cost is None else cost

    @property
    def has_wrap_run_event_stream(self) -> bool:
        """True if words are taken as they come: pydantic-ai streams only where that is so."""
        return self._stream

    async def wrap_run(self, ctx: RunContext[Any], *, handler: Any) -> Any:
        """Run the agent as a task."""
        agent_run = None
        with guarded("the start of an agent"):
            agent_run = self._begin(ctx)
        if agent_run is None:
            return await handler()
        tokens = _agent_run.set(agent_run), current_task.set(agent_run.task)
        try:
            result = await handler()
        except BaseException as error:
            with guarded("the error of an agent"):
                agent_run.end(error)
            raise
        finally:
            reset(_agent_run, tokens[0])
            reset(current_task, tokens[1])
        with guarded("the end of an agent"):
            if isinstance(getattr(result, "output", None), DeferredToolRequests):
                say(agent_run.task, "ended with calls that wait for results")
            agent_run.end(None)
        return result

    def _begin(self, ctx: RunContext[Any]) -> _AgentRun | None:
        run = self._finder.find()
        if run is None:
            return None
        task = BlocklessTask(run, (None if ctx.agent is None else ctx.agent.name) or "agent")
        task.begin()
        report_agent(task)
        return _AgentRun(task)

    # ---- models -----------------------------------------------------------------------------------------------------

    async def wrap_model_request(self, ctx: RunContext[Any], *, request_context: Any, handler: Any) -> ModelResponse:
        """Say that an agent waits for its model."""
        agent_run = _agent_run.get()
        if agent_run is not None:
            with guarded("the start of a model"):
                check_cancelled(agent_run.task._record)  # noqa: SLF001 - of this distribution
                say(agent_run.task, f"asks {ctx.model.model_name}")
        try:
            response: ModelResponse = await handler(request_context)
        except Exception as error:
            if agent_run is not None:
                with guarded("the error of a model"):
                    report_trouble(agent_run.task, error)
            raise
        return response

    async def after_model_request(
        self, ctx: RunContext[Any], *, request_context: Any, response: ModelResponse
    ) -> ModelResponse:
        """Count the tokens of a model's answer."""
        agent_run = _agent_run.get()
        if agent_run is not None:
            with guarded("the end of a model"):
                if agent_run.is_streaming:
                    agent_run.is_streaming = False
                    agent_run.task.output("\n")
                elif self._output:
                    write(agent_run.task, _text_of(response))
                used(agent_run.task, response.model_name, _counts(response) | {"cost": self._cost(response)})
        return response

    async def wrap_run_event_stream(
        self, ctx: RunContext[Any], *, stream: AsyncIterable[AgentStreamEvent]
    ) -> AsyncIterator[AgentStreamEvent]:
        """Take the words of a model as they come."""
        agent_run = _agent_run.get()
        try:
            async for event in stream:
                if agent_run is not None and self._output:
                    with guarded("a piece of an answer"):
                        words = _words_of(event)
                        agent_run.is_streaming |= bool(words)
                        agent_run.task.output(words)
                yield event
        finally:
            close = getattr(stream, "aclose", None)  # a generator that is left early would warn
            if close is not None:
                await close()

    # ---- tools ------------------------------------------------------------------------------------------------------

    async def wrap_tool_execute(
        self, ctx: RunContext[Any], *, call: ToolCallPart, tool_def: Any, args: Any, handler: Any
    ) -> Any:
        """Run a tool as a subtask."""
        agent_run = _agent_run.get()
        if agent_run is None:
            return await handler(args)
        with guarded("the start of a tool"):
            agent_run.begin_part(call)
        try:
            result = await handler(args)
        except (ApprovalRequired, CallDeferred):
            raise  # the same call comes again, or never
        except BaseException as error:
            with guarded("the error of a tool"):
                agent_run.end_part(call, error)
                report_trouble(agent_run.task, error)
            raise
        with guarded("the end of a tool"):
            agent_run.end_part(call, result=result)
        return result

    async def handle_deferred_tool_calls(
        self, ctx: RunContext[Any], *, requests: DeferredToolRequests
    ) -> DeferredToolResults | None:
        """Ask for the approval of calls."""
        agent_run = _agent_run.get()
        if not self._asks or agent_run is None or agent_run.task.run.is_finished or not requests.approvals:
            return None
        agent_run.task.pause()
        try:
            return await _answered(requests, agent_run.task.run, agent_run.task, self._limits)
        finally:
            if agent_run.task.is_paused:
                agent_run.task.begin_again()


async def answer_requests(
    requests: DeferredToolRequests,
    *,
    run: ActiveRun | None = None,
    timeout: float | None = None,  # noqa: ASYNC109 - of one answer
    default: str | None = None,
) -> DeferredToolResults:
    """Ask for the approval of calls that an agent has returned as its output; return the answers for its next run.

    The next run takes them as ``deferred_tool_results``, and all messages of this one as ``message_history``.
    Calls for which something else has to be done are left out. The questions are those of `ReportRun`, which asks
    without leaving the run of the agent.

    Args:
        requests: the output of the agent.
        run: the run that asks; None takes the run of the current task, else the newest one.
        timeout: seconds to wait for each answer; None waits without limit.
        default: ``"approve"`` or ``"reject"``: what counts when the time is up.

    Raises:
        InvalidArgument: there is no run.
        NoOneToAsk: no answer can ever come.
    """
    asking = RunFinder(run).need()
    return await _answered(requests, asking, None, {"timeout": timeout, "default": default})


async def _answered(
    requests: DeferredToolRequests, run: ActiveRun, task: BlocklessTask | None, limits: dict[str, Any]
) -> DeferredToolResults:
    """Ask for every approval at once, and return the answers."""

    async def decide(call: ToolCallPart) -> tuple[str, ToolApproved | ToolDenied]:
        question = approval_question(call.tool_name, call.args, allowed=("approve", "edit", "reject"))
        with within(task):
            verdict = verdict_of(await run.ask_async(**question, **limits))
        if verdict.kind == "reject":
            return call.tool_call_id, ToolDenied(verdict.message)
        return call.tool_call_id, ToolApproved(override_args=verdict.arguments)

    answers = await all_of(decide(call) for call in requests.approvals)
    return requests.build_results(approvals=dict(answers))


_REASONING = ("reasoning_tokens", "thoughts_tokens")
"""The names of the providers for the part of the output that is reasoning."""


def _counts(response: ModelResponse) -> dict[str, Any]:
    usage = response.usage
    return {
        "totalTokens": usage.total_tokens,
        "inputTokens": usage.input_tokens,
        "outputTokens": usage.output_tokens,
        "cachedTokens": usage.cache_read_tokens,
        "reasoningTokens": next((usage.details[name] for name in _REASONING if name in usage.details), None),
    }


def _text_of(response: ModelResponse) -> str:
    """Return the words of an answer."""
    return "\n".join(part.content for part in response.parts if isinstance(part, TextPart) and part.content)


def _words_of(event: object) -> str:
    """Return the words that an event adds to an answer."""
    if isinstance(event, PartStartEvent) and isinstance(event.part, TextPart):
        return event.part.content
    if isinstance(event, PartDeltaEvent) and isinstance(event.delta, TextPartDelta):
        return event.delta.content_delta
    return ""


def _known_price(response: ModelResponse) -> float | None:
    """Return the price of an answer that pydantic-ai knows; None for a model that it does not know."""
    try:
        return float(response.cost().total_price)
    except (AssertionError, LookupError, ValueError):
        return None
