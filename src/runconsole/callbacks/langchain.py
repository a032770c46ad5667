"""LangChain and LangGraph: `RunHandler`, a callback handler, and `run_graph`, which asks the interrupts of a graph."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from runconsole.callbacks.interrupts import run_graph, run_graph_async
from runconsole.callbacks.langchain_calls import CallTasks, Place
from runconsole.callbacks.reports import RunFinder, guarded, missing, say, used, write
from runconsole.reporting.blockless import BlocklessTask, report_trouble
from runconsole.reporting.run import ActiveRun

try:
    from langchain_core.callbacks import BaseCallbackHandler
    from langchain_core.outputs import LLMResult
    from langchain_core.runnables.config import var_child_runnable_config
except ImportError:
    raise missing("langchain-core>=1.0") from None

__all__ = ["RunHandler", "run_graph", "run_graph_async"]

CostOf = Callable[[str | None, dict[str, Any]], float | None]


class RunHandler(BaseCallbackHandler):
    """Reports what LangChain and LangGraph do: ``graph.invoke(state, {"callbacks": [RunHandler()]})``.

    The outermost call and every node of a graph are tasks, calls of tools and retrievers are subtasks. Tokens, and the
    words of models, belong to the task in which they come; nodes of a subgraph are in a phase named after it. A node
    that fails and is tried again is one task, and so is a node that waits at an interrupt and goes on. One handler may
    serve many calls, also at once, sync and async.

    A task that somebody cancels ends where its agent calls a model or a tool next, by `TaskCancelled`.

    Args:
        run: the run to report to; None takes the run of the current task, else the newest one. Without a run the
            handler does nothing, and logs that once.
        output: True makes output of the words of models; False leaves them out.
        cost: returns the cost of a call of a model in US dollars, by the model's name and LangChain's usage
            (``input_tokens``, ``output_tokens``, ...); None leaves costs out.

    Raises:
        InvalidArgument: `run` is no run.
    """

    raise_error = True
    """Lets through the one exception that this raises: that a task was cancelled."""
    run_inline = True
    """Asks LangChain for calls in the context of the caller: code inside a node then belongs to its task."""

    def __init__(self, run: ActiveRun | None = None, *, output: bool = True, cost: CostOf | None = None) -> None:
        self._finder = RunFinder(run)
        self._output = output
        self._cost = cost
        self._calls = CallTasks()
        self._streaming: set[UUID] = set()
        self._lock = threading.Lock()

    # ---- chains and nodes -------------------------------------------------------------------------------------------

    def on_chain_start(
        self,
        serialized: dict[str, Any] | None,
        inputs: Any,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        metadata: dict[str, Any] | None = None,
        **details: Any,
    ) -> None:
        """Begin a task for the outermost call and for a node."""
        with guarded("the start of a chain"):
            name, place = _name(serialized, details) or "chain", Place.of(metadata)
            self._calls.begin(run_id, parent_run_id or _context_parent(), name, place, self._finder.find)

    def on_chain_end(self, outputs: Any, *, run_id: UUID, **details: Any) -> None:
        """End the task of a call."""
        with guarded("the end of a chain"):
            self._calls.end(run_id)

    def on_chain_error(self, error: BaseException, *, run_id: UUID, **details: Any) -> None:
        """Fail, cancel or pause the task of a call."""
        with guarded("the error of a chain"):
            self._calls.fail(run_id, error)

    # ---- tools and retrievers ---------------------------------------------------------------------------------------

    def on_tool_start(
        self,
        serialized: dict[str, Any] | None,
        input_str: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        metadata: dict[str, Any] | None = None,
        **details: Any,
    ) -> None:
        """Begin a subtask for a tool."""
        with guarded("the start of a tool"):
            name = _name(serialized, details) or "tool"
            key = (Place.of(metadata).key, name, details.get("tool_call_id"))
            given = details.get("inputs")
            arguments = input_str if given is None else given
            self._calls.begin_part(
                run_id, parent_run_id or _context_parent(), name, key, self._finder.find, arguments=arguments
            )

    def on_tool_end(self, output: Any, *, run_id: UUID, **details: Any) -> None:
        """End the subtask of a tool."""
        with guarded("the end of a tool"):
            self._calls.end(run_id, getattr(output, "content", output))

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **details: Any) -> None:
        """Fail the subtask of a tool."""
        with guarded("the error of a tool"):
            self._calls.fail(run_id, error)

    def on_retriever_start(
        self,
        serialized: dict[str, Any] | None,
        query: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        **details: Any,
    ) -> None:
        """Begin a subtask for a retriever."""
        with guarded("the start of a retriever"):
            name = _name(serialized, details) or "retriever"
            key = (None, name, None)
            self._calls.begin_part(
                run_id, parent_run_id or _context_parent(), name, key, self._finder.find, arguments=query
            )

    def on_retriever_end(self, documents: Any, *, run_id: UUID, **details: Any) -> None:
        """End the subtask of a retriever."""
        with guarded("the end of a retriever"):
            self._calls.end(run_id, documents)

    def on_retriever_error(self, error: BaseException, *, run_id: UUID, **details: Any) -> None:
        """Fail the subtask of a retriever."""
        with guarded("the error of a retriever"):
            self._calls.fail(run_id, error)

    # ---- models -----------------------------------------------------------------------------------------------------

    def on_chat_model_start(
        self,
        serialized: dict[str, Any] | None,
        messages: list[list[Any]],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        metadata: dict[str, Any] | None = None,
        **details: Any,
    ) -> None:
        """Say that the task of a call waits for a model."""
        self.on_llm_start(serialized, [], run_id=run_id, parent_run_id=parent_run_id, metadata=metadata, **details)

    def on_llm_start(
        self,
        serialized: dict[str, Any] | None,
        prompts: list[str],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        metadata: dict[str, Any] | None = None,
        **details: Any,
    ) -> None:
        """Say that the task of a call waits for a model."""
        with guarded("the start of a model"):
            name = (metadata or {}).get("ls_model_name") or _name(serialized, details) or "model"
            call = self._calls.begin_model(run_id, parent_run_id or _context_parent(), str(name), self._finder.find)
            if call.task is not None:
                say(call.task, f"asks {name}")

    def on_llm_new_token(self, token: Any, *, run_id: UUID, **details: Any) -> None:
        """Add a piece of a model's words."""
        with guarded("a token"):
            call = self._calls.of(run_id)
            if self._output and call is not None and call.task is not None and isinstance(token, str) and token:
                with self._lock:
                    self._streaming.add(run_id)
                call.task.output(token)

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **details: Any) -> None:
        """Count the tokens of a model's answer."""
        with guarded("the end of a model"):
            self._take(response, run_id)
            self._calls.end(run_id)

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **details: Any) -> None:
        """Report the failure of a model; its task goes on unless it fails, too."""
        with guarded("the error of a model"):
            response = details.get("response")
            if isinstance(response, LLMResult):
                self._take(response, run_id)
            self._calls.fail(run_id, error)

    def on_retry(self, retry_state: Any, *, run_id: UUID, **details: Any) -> None:
        """Report a failure after which LangChain tries again."""
        with guarded("a retry"):
            call, outcome = self._calls.of(run_id), retry_state.outcome
            error = outcome.exception() if outcome is not None and outcome.failed else None
            if call is not None and call.task is not None and error is not None:
                report_trouble(call.task, error)

    def _take(self, response: LLMResult, run_id: UUID) -> None:
        """Take in a model's answer: its usage, and its words unless they were streamed."""
        call = self._calls.of(run_id)
        with self._lock:
            was_streamed = run_id in self._streaming
            self._streaming.discard(run_id)
        if call is None or call.task is None:
            return
        words = "\n".join(_words(choices) for choices in response.generations)
        if was_streamed:
            call.task.output("\n")
        elif self._output:
            write(call.task, words.strip())
        for model, usage in _usages(response):
            used(call.task, model, _counts(usage) | {"cost": None if self._cost is None else self._cost(model, usage)})

    def task_of(self, interrupt_id: str) -> BlocklessTask | None:
        """Return the paused task of the node that waits at an interrupt; None for an unknown one."""
        return self._calls.waiting_at(interrupt_id)


def _context_parent() -> UUID | None:
    """Return the call in whose context the caller is: LangChain names no parent where it tries a fallback."""
    manager = (var_child_runnable_config.get() or {}).get("callbacks")
    found = getattr(manager, "parent_run_id", None)
    return found if isinstance(found, UUID) else None


def _name(serialized: dict[str, Any] | None, details: dict[str, Any]) -> str | None:
    """Return the name of what is called, as LangChain gives it."""
    known = serialized or {}
    path = known.get("id")
    found = details.get("name") or known.get("name")
    if not found and isinstance(path, Sequence) and not isinstance(path, str) and path:
        found = path[-1]
    return str(found) if found else None


def _words(choices: Sequence[Any]) -> str:
    """Return the first of the answers to one prompt as text."""
    return str(choices[0].text) if choices else ""


def _counts(usage: dict[str, Any]) -> dict[str, Any]:
    read, written = usage.get("input_token_details"), usage.get("output_token_details")
    return {
        "totalTokens": usage.get("total_tokens"),
        "inputTokens": usage.get("input_tokens"),
        "outputTokens": usage.get("output_tokens"),
        "cachedTokens": read.get("cache_read") if isinstance(read, dict) else None,
        "reasoningTokens": written.get("reasoning") if isinstance(written, dict) else None,
    }


def _usages(response: LLMResult) -> list[tuple[str | None, dict[str, Any]]]:
    """Return the model and the usage of each prompt: further choices of one prompt repeat its usage."""
    found: list[tuple[str | None, dict[str, Any]]] = []
    for choices in response.generations:
        message = getattr(choices[0], "message", None) if choices else None
        usage = getattr(message, "usage_metadata", None)
        if usage and "total_cost" not in usage:  # LangChain's mark of an answer from its cache
            found.append((getattr(message, "response_metadata", {}).get("model_name"), dict(usage)))
    if found or not isinstance(response.llm_output, dict):
        return found
    usage = response.llm_output.get("token_usage")  # of models that are no chat models
    if not isinstance(usage, dict):
        return []
    counts = {"input_tokens": usage.get("prompt_tokens"), "output_tokens": usage.get("completion_tokens")}
    return [(response.llm_output.get("model_name"), {**counts, "total_tokens": usage.get("total_tokens")})]
