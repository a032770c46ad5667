"""`run_graph`: runs a graph of LangGraph to its end, and asks a person at each of its interrupts."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from runconsole.callbacks.approvals import readable, requests_question, unanswered
from runconsole.callbacks.gathering import all_of
from runconsole.callbacks.reports import RunFinder
from runconsole.errors import InvalidArgument
from runconsole.reporting.asking import TakenAnswer, read_options
from runconsole.reporting.blockless import within
from runconsole.reporting.run import ActiveRun
from runconsole.requests.responses import response
from runconsole.requests.shapes import Requests, recognise

if TYPE_CHECKING:
    from runconsole.callbacks.langchain import RunHandler

__all__ = ["Inquiry", "inquiry_of", "run_graph", "run_graph_async"]

_TITLES = ("title", "question", "message", "prompt", "query")
_LONGEST_TITLE = 200
_APPROVAL = [
    {"id": "approve", "label": "Approve", "description": "Goes on with the value true."},
    {"id": "reject", "label": "Reject", "description": "Goes on with the value false."},
]
_REPLY = {"id": "reply", "label": "Reply", "description": "Goes on with the text of the feedback."}


@dataclass(frozen=True, slots=True)
class Inquiry:
    """The question at an interrupt.

    Attributes:
        question: the arguments of `ActiveRun.ask`.
        read: returns the value with which the graph goes on, from the answer.
    """

    question: dict[str, Any]
    read: Callable[[TakenAnswer], Any]


def run_graph(
    graph: Any,
    input: Any,  # noqa: A002 - LangGraph's name
    config: Any = None,
    *,
    run: ActiveRun | None = None,
    timeout: float | None = None,
    default: str | None = None,
    **options: Any,
) -> Any:
    """Run a graph to its end, and ask at each interrupt as `ActiveRun.ask` does; return what ``invoke`` returns.

    The value of the interrupt says what is asked:

    | value | question | the graph goes on with |
    |---|---|---|
    | a request of LangChain's ``HumanInTheLoopMiddleware``, or of agent-inbox | its calls, a decision on each | these |
    | a dict with ``options`` | these options | the id of the chosen one; None if the time ran out |
    | any other, a schema of type boolean | approve or reject | true or false |
    | any other | approve, reject, or reply in the feedback | true, false, or the text |

    A dict may have a ``title`` and a ``description``; all the rest of a value is the question's context. Where the time
    ran out without a default, the answer is a rejection.

    Args:
        graph: a compiled graph with a checkpointer.
        input: its input, as of ``invoke``.
        config: its config, as of ``invoke``. A ``thread_id`` is made and a `RunHandler` is added where it has none.
        run: the run that asks; None takes the run of the current task, else the newest one.
        timeout: seconds to wait for each answer; None waits without limit.
        default: the id of the option that is taken when the time is up.
        options: further arguments of ``invoke``.

    Raises:
        InvalidArgument: there is no run.
        NoOneToAsk: no answer can ever come.
    """
    asking = RunFinder(run).need()
    config, handler = _prepared(config, asking)
    limits: dict[str, Any] = {"timeout": timeout, "default": default}
    while True:
        result = graph.invoke(input, config, **options)
        interrupts = _interrupts_of(result)
        if not interrupts:
            return result
        values = {}
        for interrupt in interrupts:
            inquiry = inquiry_of(interrupt.value, getattr(interrupt, "response_schema", None))
            with within(handler.task_of(interrupt.id)):
                values[interrupt.id] = inquiry.read(asking.ask(**inquiry.question, **limits))
        input = _resumed(values)  # noqa: A001 - LangGraph's name


async def run_graph_async(
    graph: Any,
    input: Any,  # noqa: A002 - LangGraph's name
    config: Any = None,
    *,
    run: ActiveRun | None = None,
    timeout: float | None = None,  # noqa: ASYNC109 - of one answer
    default: str | None = None,
    **options: Any,
) -> Any:
    """Run a graph to its end without blocking the event loop: as `run_graph`, with ``ainvoke``.

    Interrupts of parallel branches are asked at once.
    """
    asking = RunFinder(run).need()
    config, handler = _prepared(config, asking)
    limits: dict[str, Any] = {"timeout": timeout, "default": default}

    async def answered(interrupt: Any) -> Any:
        inquiry = inquiry_of(interrupt.value, getattr(interrupt, "response_schema", None))
        with within(handler.task_of(interrupt.id)):
            return inquiry.read(await asking.ask_async(**inquiry.question, **limits))

    while True:
        result = await graph.ainvoke(input, config, **options)
        interrupts = _interrupts_of(result)
        if not interrupts:
            return result
        values = await all_of(answered(interrupt) for interrupt in interrupts)
        input = _resumed(dict(zip((at.id for at in interrupts), values, strict=True)))  # noqa: A001 - LangGraph's name


def inquiry_of(value: Any, schema: Any = None) -> Inquiry:
    """Return what to ask for the value of an interrupt and the JSON schema of its answer."""
    requests = recognise(value, schema)
    if requests is not None:
        return Inquiry(requests_question(requests.title, requests.actions), partial(_response, requests))
    title, rest = _title_of(value)
    asked = {"title": title, "description": "", "context": rest, "type": "interrupt"}
    if isinstance(value, Mapping) and isinstance(value.get("description"), str):
        asked["description"] = value["description"]
        rest.pop("description", None)
    offered = _options_of(value, schema)
    if offered is not None:
        rest.pop("options", None)
        return Inquiry(asked | {"options": offered}, lambda answer: answer.option)
    is_plain = isinstance(schema, Mapping) and schema.get("type") == "boolean"
    return Inquiry(asked | {"options": [*_APPROVAL] if is_plain else [*_APPROVAL, _REPLY]}, _plain_value)


def _title_of(value: Any) -> tuple[str, dict[str, Any]]:
    """Return the title of a question, and the rest of an interrupt's value as its context."""
    if isinstance(value, str) and value.strip():
        is_short = len(value) <= _LONGEST_TITLE and "\n" not in value.strip()
        return (value.strip(), {}) if is_short else ("Go on?", {"spec": value})
    if not isinstance(value, Mapping):
        return "Go on?", {} if value is None else {"value": readable(value)}
    rest = {str(name): readable(part) for name, part in value.items()}
    for name in _TITLES:
        if isinstance(value.get(name), str) and value[name].strip():
            return str(value[name]).strip(), {key: part for key, part in rest.items() if key != name}
    return "Go on?", rest


def _options_of(value: Any, schema: Any) -> list[dict[str, Any]] | None:
    """Return the options that an interrupt offers; None where it offers none that can be used."""
    offered = value.get("options") if isinstance(value, Mapping) else None
    if not offered and isinstance(schema, Mapping):
        offered = schema.get("enum")
    try:
        return read_options(offered) if offered else None
    except InvalidArgument:
        return None


def _plain_value(answer: TakenAnswer) -> bool | str:
    """Return the value of an answer to a question without options of its own."""
    return (answer.feedback or "") if answer.option == "reply" else answer.option == "approve"


def _response(requests: Requests, answer: TakenAnswer) -> Any:
    """Return the decisions of an answer as the sender of the requests takes them."""
    return response(requests, answer.decisions or unanswered(requests.actions))


def _prepared(config: Any, run: ActiveRun) -> tuple[Any, RunHandler]:
    """Return a config with a thread and a `RunHandler`, and that handler."""
    from langchain_core.runnables.config import merge_configs

    from runconsole.callbacks.langchain import RunHandler

    callbacks = (config or {}).get("callbacks")
    handlers = callbacks if isinstance(callbacks, list) else getattr(callbacks, "handlers", [])
    handler = next((known for known in handlers if isinstance(known, RunHandler)), None)
    added: dict[str, Any] = {}
    if handler is None:
        handler = RunHandler(run)
        added["callbacks"] = [handler]
    if "thread_id" not in ((config or {}).get("configurable") or {}):
        added["configurable"] = {"thread_id": str(uuid.uuid4())}
    return merge_configs(config, added), handler  # type: ignore[arg-type]  # a part of a config


def _interrupts_of(result: Any) -> Sequence[Any]:
    """Return the interrupts at which a graph waits."""
    return result.get("__interrupt__") or () if isinstance(result, Mapping) else ()


def _resumed(values: dict[str, Any]) -> Any:
    """Return the input with which a graph goes on."""
    from langgraph.types import Command

    return Command(resume=values)
