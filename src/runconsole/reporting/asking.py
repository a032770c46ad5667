"""Questions of a run: opened by `ask`, closed once, by whichever answer comes first."""

from __future__ import annotations

import concurrent.futures
import itertools
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import structs

from runconsole.clock import now_micros
from runconsole.errors import DecisionExpired, DecisionRefused, InvalidArgument, NoOneToAsk
from runconsole.events import ActionRequest, Answer, CheckpointOption
from runconsole.forms.answers import fitting
from runconsole.forms.schema import form_of
from runconsole.reporting.emitter import Emitter
from runconsole.reporting.records import TaskRecord
from runconsole.reporting.writing import iso_time
from runconsole.requests.decisions import decided_answer, decisions_of
from runconsole.requests.fields import written_requests
from runconsole.values import plain_argument

__all__ = ["RunQuestion", "RunQuestions", "TakenAnswer", "read_options", "read_schema"]


class TakenAnswer(Answer[str | None], frozen=True):
    """The answer to a question of `ActiveRun.ask`.

    Attributes:
        option: the id of the chosen option; None where the time ran out and there is no default.
        feedback: words beside it.
        modifications: the values of the question's form, its defaults included; or requested changes.
        decided_by: ``"you"`` (a panel, code or the terminal of this process), ``"policy"`` (`on_checkpoint`),
            ``"other"`` (a viewer elsewhere) or ``"timeout"``.
        decisions: for a question with `requests`, an `ActionDecision` on each; None where the time ran out and there is
            no default.
        timed_out: True if nobody answered in time, and the default was taken.
    """

    decided_by: str = "you"
    timed_out: bool = False


@dataclass(slots=True, eq=False)
class RunQuestion:
    """An open question."""

    id: str
    title: str
    options: list[dict[str, Any]]
    default: str | None
    record: TaskRecord | None
    asked_at: float
    schema: dict[str, Any] | None = None
    """The JSON Schema of the values that go with an answer."""
    requests: tuple[ActionRequest, ...] = ()
    """The actions that it asks about."""
    answered: concurrent.futures.Future[TakenAnswer] = field(default_factory=concurrent.futures.Future)
    is_closed: bool = False
    taken: TakenAnswer | None = None
    """The answer that counts."""


class RunQuestions:
    """The questions of one run. Any thread may call the methods."""

    def __init__(self, emitter: Emitter) -> None:
        self._emitter = emitter
        self._questions: dict[str, RunQuestion] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def open(
        self,
        title: str,
        options: Sequence[dict[str, Any]],
        *,
        record: TaskRecord | None,
        default: str | None = None,
        timeout: float | None = None,
        schema: dict[str, Any] | None = None,
        requests: tuple[ActionRequest, ...] = (),
        **details: Any,
    ) -> RunQuestion:
        """Ask: report a question, and return it. `details` are further fields of the event."""
        known = [option["id"] for option in options]
        if default is not None and default not in known:
            raise InvalidArgument(f"expected default= to be one of the options ({', '.join(known)}), got {default!r}")
        if timeout is not None and not 0 < timeout < float("inf"):
            raise InvalidArgument(f"expected timeout= to be a number of seconds, got {timeout!r}")
        with self._lock:
            question_id, now = f"question-{next(self._numbers)}", time.monotonic()
            question = RunQuestion(question_id, title, list(options), default, record, now, schema, requests)
            self._questions[question.id] = question
        deadline = None if timeout is None else iso_time(now_micros() + round(timeout * 1e6))
        offered = [option | {"isDefault": True} if option["id"] == default else option for option in options]
        data = {"checkpointId": question.id, "title": title, "options": offered, "defaultAction": default}
        is_promised = record is not None and deadline is not None and default is not None  # by the task document
        kind = "task.hitl_required" if is_promised else "checkpoint.pending"
        data |= {"actionRequests": written_requests(requests) or None}
        self._emitter.question(record, kind, data | {"timeout": deadline, "responseSchema": schema} | details)
        return question

    def answer(self, question_id: str, answer: Answer[Any], *, by: str) -> None:
        """Take an answer. Raises DecisionRefused, DecisionExpired where it does not count."""
        question = self._questions.get(question_id)
        if question is None:
            raise DecisionRefused(f"this run asks no question {question_id!r}", question_id)
        chosen = next((option for option in question.options if option["id"] == answer.option), None)
        if chosen is None:
            known = ", ".join(repr(option["id"]) for option in question.options)
            raise DecisionRefused(f"expected one of the options ({known}), got {answer.option!r}", question_id)
        try:
            taken = _taken(question, answer, CheckpointOption(chosen["id"], chosen["label"]), by)
        except InvalidArgument as error:  # the question stays open
            raise DecisionRefused(str(error), question_id) from None
        if not self._close(question, taken):
            raise _too_late(question)
        self._emitter.question(
            question.record,
            "checkpoint.resolved",
            {
                "checkpointId": question.id,
                "selectedOption": taken.option,
                "feedback": taken.feedback,
                "decidedBy": "policy" if by == "policy" else None,
                "responseTime": round(time.monotonic() - question.asked_at, 3),
            },
        )
        question.answered.set_result(taken)

    def asks(self, question_id: str) -> bool:
        """Return whether the run has asked a question of this id."""
        return question_id in self._questions

    def time_out(self, question: RunQuestion) -> None:
        """Take the default, unless an answer was faster."""
        taken = TakenAnswer(question.default, decided_by="timeout", timed_out=True)
        if question.requests and question.default is not None:
            decisions = decisions_of(question.requests, Answer(question.default))
            taken = structs.replace(taken, decisions=decisions)
        if not self._close(question, taken):
            return
        data = {"checkpointId": question.id, "actionTaken": question.default}
        self._emitter.question(
            question.record, "checkpoint.timeout", data | {"decidedBy": "timeout", "autoTriggered": True}
        )
        question.answered.set_result(taken)

    def withdraw(self, question: RunQuestion) -> None:
        """Close a question whose asker has gone: its deadline is now."""
        if not self._close(question, None):
            return
        question.answered.cancel()
        now = iso_time(now_micros() + 1000)
        self._emitter.question(question.record, "checkpoint.reminder", {"checkpointId": question.id, "expiresAt": now})

    def end(self) -> None:
        """Close every question: the run has ended."""
        for question in list(self._questions.values()):
            if self._close(question, None):
                question.answered.set_exception(NoOneToAsk("the run has ended, and with it this question"))

    def _close(self, question: RunQuestion, taken: TakenAnswer | None) -> bool:
        """Close a question with the answer that counts; return False if it was closed before."""
        with self._lock:
            if question.is_closed:
                return False
            question.is_closed, question.taken = True, taken
            return True


def _taken(question: RunQuestion, answer: Answer[Any], chosen: CheckpointOption, by: str) -> TakenAnswer:
    """Return an answer as it is taken. Raises InvalidArgument for one that the question does not take."""
    if question.requests:
        answer = decided_answer(question.requests, answer)
    else:
        answer = fitting(structs.replace(answer, decisions=None), question.schema, chosen)
    return TakenAnswer(**structs.asdict(answer), decided_by=by)


def read_schema(schema: object) -> dict[str, Any] | None:
    """Return the schema of an answer as the data of an event. Raises InvalidArgument for what is no JSON Schema."""
    if schema is None:
        return None
    if not isinstance(schema, Mapping):
        raise InvalidArgument(f"expected schema= to be a JSON Schema, a dict, got a {type(schema).__name__}")
    plain: dict[str, Any] = plain_argument("schema", dict(schema))
    form = form_of(plain)
    if form is not None and form.note is not None:
        raise InvalidArgument(f"expected schema= to be a JSON Schema that can be used: {form.note}")
    return plain


def _too_late(question: RunQuestion) -> DecisionRefused | DecisionExpired:
    """Return the refusal of an answer to a closed question."""
    taken = question.taken
    if taken is None:
        return DecisionExpired("nobody waits for the answer any more", question.id)
    if taken.timed_out:
        return DecisionExpired(f"the deadline has passed: the default action {taken.option!r} was taken", question.id)
    return DecisionRefused(f"already decided: {taken.option!r}", question.id)


def read_options(options: object) -> list[dict[str, Any]]:
    """Return options as the data of an event. Raises InvalidArgument."""
    if isinstance(options, str | Mapping) or not isinstance(options, Iterable):
        raise InvalidArgument(f"expected options= to be a list of texts or of dicts, got a {type(options).__name__}")
    read = [_option(option) for option in options]
    ids = [option["id"] for option in read]
    if not read or len(set(ids)) < len(ids):
        raise InvalidArgument(f"expected options= to hold different options, one or more, got {ids}")
    return read


def _option(option: object) -> dict[str, Any]:
    """Return one option as the data of an event."""
    if isinstance(option, CheckpointOption):
        option = {"id": option.id, "label": option.label, "description": option.description}
    if isinstance(option, str):
        option = {"id": option, "label": option}
    if not isinstance(option, Mapping):
        raise InvalidArgument(f"expected an option as a text, or a dict of id, label and description, got {option!r}")
    unknown = [name for name in option if name not in {"id", "label", "description"}]
    texts = {name: value for name, value in option.items() if value is not None}
    if unknown or not isinstance(texts.get("id"), str) or not all(isinstance(value, str) for value in texts.values()):
        raise InvalidArgument(f"expected an option with the texts id, label and description, got {dict(option)!r}")
    if not texts["id"].strip():
        raise InvalidArgument("expected an option with an id, got an empty one")
    known: dict[str, Any] = plain_argument("options", {"label": texts["id"], **texts})
    return known
