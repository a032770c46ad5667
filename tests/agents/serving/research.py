"""A LangGraph graph whose model needs no key: a plan, a tool call, three workers side by side, and questions.

The state says what happens: `ask` names the question ("plain", "form", "hitl", "two" or nothing), `fail` lets the
second worker raise an error, `pause` is the seconds between the steps of a worker.
"""

from __future__ import annotations

import asyncio
import operator
from typing import Annotated, Any

from langchain_core.callbacks import adispatch_custom_event
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langchain_core.runnables import RunnableConfig  # noqa: TC002 - LangGraph reads annotations
from langchain_core.tools import tool
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph, add_messages
from langgraph.prebuilt import ToolNode
from langgraph.types import Send, interrupt
from typing_extensions import TypedDict  # the one that pydantic reads on Python 3.11

USAGE = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
FORM = {
    "type": "object",
    "properties": {"verdict": {"type": "string"}, "score": {"type": "integer", "minimum": 1, "maximum": 5}},
    "required": ["score"],
}
MAIL = {"name": "send_mail", "args": {"to": "ada@example.com"}, "description": "Send the report"}


class State(TypedDict, total=False):
    messages: Annotated[list[AnyMessage], add_messages]
    done: Annotated[list[str], operator.add]
    answers: Annotated[list[Any], operator.add]
    ask: str
    fail: bool
    pause: float


class Work(TypedDict, total=False):
    name: str
    fails: bool
    seconds: float
    done: Annotated[list[str], operator.add]


class Worked(TypedDict, total=False):
    done: Annotated[list[str], operator.add]


@tool
def lookup(city: str) -> str:
    """Look up the weather of a city."""
    return f"sunny in {city}"


async def plan(state: State, config: RunnableConfig) -> State:
    model = GenericFakeChatModel(messages=iter([AIMessage("I will look at three", usage_metadata=USAGE)]))
    reply = await model.ainvoke([HumanMessage("hi")], config)
    reply.tool_calls = [{"name": "lookup", "args": {"city": "Paris"}, "id": "call-1", "type": "tool_call"}]
    return {"messages": [reply]}


async def work(state: Work, config: RunnableConfig) -> Worked:
    say = get_stream_writer()
    for step in range(1, 4):
        say({"progress": step, "total": 3, "message": f"{state['name']} {step}"})
        await adispatch_custom_event("worked", {"name": state["name"], "step": step}, config=config)
        await asyncio.sleep(state.get("seconds") or 0.02)
    if state.get("fails") and state["name"] == "b":
        raise ValueError("worker b broke")
    return {"done": [state["name"]]}


def asking(number: int) -> Any:
    def ask(state: State) -> State:
        answer = question(state.get("ask"), number)
        return {} if answer is None else {"answers": [answer]}

    return ask


def question(kind: str | None, number: int) -> Any:
    """Interrupt with the first question of a kind; the second reviewer asks for "two" alone."""
    if kind == "two":
        return interrupt(f"question {number}")
    if number == 2 or not kind:
        return None
    if kind == "form":
        return interrupt({"question": "Rate it"}, response_schema=FORM)
    if kind == "hitl":
        allowed = [{"action_name": "send_mail", "allowed_decisions": ["approve", "edit", "reject"]}]
        return interrupt({"action_requests": [MAIL], "review_configs": allowed})
    return interrupt({"question": "Publish?", "options": ["yes", "no"]})


def fan_out(state: State) -> list[Send]:
    return [Send("worker", {"name": name, "fails": state.get("fail"), "seconds": state.get("pause")}) for name in "abc"]


def build() -> StateGraph:
    worker = StateGraph(Work, output_schema=Worked)
    worker.add_node("step", work)
    worker.add_edge(START, "step")
    worker.add_edge("step", END)
    research = StateGraph(State)
    research.add_node("plan", plan)
    research.add_node("tools", ToolNode([lookup]))
    research.add_node("worker", worker.compile())
    research.add_node("review", asking(1))
    research.add_node("second review", asking(2))
    research.add_edge(START, "plan")
    research.add_edge("plan", "tools")
    research.add_conditional_edges("tools", fan_out, ["worker"])
    for review in ("review", "second review"):
        research.add_edge("worker", review)
        research.add_edge(review, END)
    return research


graph = build().compile()
