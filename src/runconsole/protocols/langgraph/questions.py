"""Interrupts of a thread: from the event that asks, through what the server knows of them, to their answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from runconsole.decoding.times import read_time
from runconsole.events import CheckpointDecided, CheckpointOpened, Micros
from runconsole.protocols.agui.questions import AgentQuestion, standard_question
from runconsole.protocols.langgraph.messages import json_of
from runconsole.requests.responses import option_in

__all__ = [
    "Given",
    "Interrupt",
    "ThreadRun",
    "answers_in",
    "interrupts_of",
    "option_of",
    "question_of",
    "runs_in",
    "schemas_in",
]

_NO_VALUE = "The run waits for input."
_ID_LENGTH = 32
"""Hexadecimal digits of an interrupt's id."""


class Given(Struct, frozen=True):
    """An answer, the time at which its run was made, and of ours the option that stands for it."""

    value: Any
    at: Micros | None = None
    option: str | None = None


class Interrupt(Struct):
    """An interrupt that was asked.

    Attributes:
        id: of the server; a node that asks again later uses the same.
        namespace: the sub-graph that asks; its answer names it.
        run_id: the run that has asked it; None where it was found by its thread only.
        value: that `interrupt` was called with.
        task_id: the task that asks.
        asked_at: None for unknown.
        question: once it is announced.
        is_open: True until it is known to be answered.
        lacks_answer: True if nobody has said with what.
        execution_id: of the execution that it belongs to.
        asks_again: the run that has asked it since, which it may do before its answer is known.
        again: the value of that.
        answer: ours, until the runs of the thread show which one counts.
    """

    id: str
    namespace: tuple[str, ...]
    run_id: str | None
    value: Any
    task_id: str | None = None
    asked_at: Micros | None = None
    question: AgentQuestion | None = None
    is_open: bool = True
    lacks_answer: bool = False
    execution_id: str | None = None
    asks_again: str | None = None
    again: Any = None
    answer: Given | None = None

    def opened(self, schema: Any, *, anew: bool) -> CheckpointOpened:
        """Return the announcement; `anew` for one whose earlier round is closed."""
        self.question = question_of(self.id, self.value, schema, self.task_id)
        fact = self.question.fact
        return CheckpointOpened(
            **{name: getattr(fact, name) for name in CheckpointOpened.__struct_fields__ if name != "listed"},
            listed=anew,
        )

    def answered(self, given: Given | None) -> CheckpointDecided:
        """Return the answer that counts, None for an unknown one."""
        ours, self.answer = self.answer, None
        self.is_open = False
        self.lacks_answer = given is None
        if given is None:
            return CheckpointDecided(self.id)
        if ours is not None and ours.option is not None and given.value == ours.value:
            return CheckpointDecided(self.id, ours.option)
        return CheckpointDecided(self.id, self._option_of(given.value))

    def _option_of(self, value: Any) -> str | None:
        """Return the option that stands for an answer."""
        question = self.question
        if question is not None and question.requests is not None:
            return option_in(question.requests, value) or option_of(value)
        options = () if question is None else question.fact.options
        found = next((each.id for each in options if (each.id if each.value is None else each.value) == value), None)
        if found is None and len(options) == 1 and isinstance(value, Mapping):  # the values of a form
            found = options[0].id
        return found or option_of(value)


class ThreadRun(Struct):
    """A run of the thread, as the server lists it."""

    run_id: str
    status: str | None
    resume: Any
    """The answers that it has begun with, by interrupt; None for a run that answers nothing."""
    has_input: bool
    created_at: Micros | None
    updated_at: Micros | None = None

    @property
    def is_continuation(self) -> bool:
        """True if it goes on with an execution: with answers, or with nothing new."""
        return self.resume is not None or not self.has_input


def question_of(interrupt_id: str, value: Any, schema: Any, task_id: str | None) -> AgentQuestion:
    """Return the question in the value of an interrupt."""
    given: dict[str, Any] = {"id": interrupt_id, "reason": "interrupt", "responseSchema": schema}
    if value is None:
        given["message"] = _NO_VALUE
    else:
        given["metadata"] = {"langgraph": {"raw": value}}
    return standard_question(given, task_id, interrupt_id)


def interrupts_of(thread: Any) -> Iterator[tuple[str | None, str, Any, Any]]:
    """Yield the task, the id, the value and the schema of each open interrupt of a thread."""
    listed = thread.get("interrupts") if isinstance(thread, Mapping) else None
    for task_id, interrupts in listed.items() if isinstance(listed, Mapping) else ():
        for each in interrupts if isinstance(interrupts, list) else ():
            if isinstance(each, Mapping) and isinstance(each.get("id"), str):
                yield str(task_id), each["id"], each.get("value"), each.get("response_schema")


def schemas_in(state: Any) -> dict[str, Any]:
    """Return the schemas of the answers to the interrupts in the state of a thread."""
    found: dict[str, Any] = {}
    tasks = state.get("tasks") if isinstance(state, Mapping) else None
    for task in tasks if isinstance(tasks, list) else ():
        listed = task.get("interrupts") if isinstance(task, Mapping) else None
        for each in listed if isinstance(listed, list) else ():
            if isinstance(each, Mapping) and isinstance(each.get("response_schema"), Mapping):
                found[str(each.get("id"))] = each["response_schema"]
    return found


def runs_in(listed: Any) -> list[ThreadRun]:
    """Return the runs of a list, newest first."""
    return [
        ThreadRun(
            each["run_id"],
            each.get("status"),
            *_input_of(each.get("kwargs")),
            read_time(each.get("created_at")),
            read_time(each.get("updated_at")),
        )
        for each in (listed if isinstance(listed, list) else ())
        if isinstance(each, Mapping) and isinstance(each.get("run_id"), str)
    ]


def _input_of(given: Any) -> tuple[Any, bool]:
    if not isinstance(given, Mapping):
        return None, False
    command = given.get("command")
    resume = command.get("resume") if isinstance(command, Mapping) else None
    return resume, given.get("input") is not None


def answers_in(runs: Sequence[ThreadRun], interrupt: Interrupt) -> Iterator[Given]:
    """Yield the answers to an interrupt in the runs since it was asked, the oldest first."""
    newer: list[ThreadRun] = []
    for run in runs:
        if run.run_id == interrupt.run_id:
            break
        newer.append(run)
    for run in reversed(newer):
        if isinstance(run.resume, Mapping) and interrupt.id in run.resume:
            yield Given(run.resume[interrupt.id], run.created_at)
        elif run.resume is not None and not (isinstance(run.resume, Mapping) and _is_by_id(run.resume)):
            yield Given(run.resume, run.created_at)  # one answer without an id


def _is_by_id(resume: Mapping[str, Any]) -> bool:
    """Return whether answers are given by the ids of their interrupts, which are 32 hexadecimal digits."""
    return all(len(name) == _ID_LENGTH and name.isalnum() for name in resume)


def option_of(value: Any) -> str | None:
    """Return an answer as a checkpoint shows it: a text, or JSON; the verb of an answer to a request for approval."""
    decisions = value.get("decisions") if isinstance(value, Mapping) else None
    first = decisions[0] if isinstance(decisions, list) and decisions else value
    verb = first.get("type") if isinstance(first, Mapping) else None
    if isinstance(verb, str):
        return verb
    return value if isinstance(value, str) or value is None else json_of(value)
