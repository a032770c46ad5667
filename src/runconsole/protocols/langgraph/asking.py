"""The interrupts of a thread: asked by events, confirmed, described and answered by calls beside them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from runconsole.events import CheckpointDecided, DecisionRequested, Fact, Micros
from runconsole.protocols.langgraph.frames import StreamParams
from runconsole.protocols.langgraph.questions import (
    Given,
    Interrupt,
    ThreadRun,
    answers_in,
    interrupts_of,
    runs_in,
    schemas_in,
)
from runconsole.transports.agentserver.calls import Call, CallResult

__all__ = ["Asking", "Found", "News"]

_MOST_TRIES = 20
_FEW_TRIES = 6
_PAUSE = 0.25
"""Seconds before the thread is asked again, while it is busy."""
_MOST_RUNS = 50


class News(Struct, frozen=True):
    """A fact about an interrupt, and its time; None for an unknown one."""

    interrupt: Interrupt
    fact: Fact
    at: Micros | None


class Found(Struct):
    """The news in the result of a call.

    Attributes:
        news: about interrupts.
        calls: to make next.
        is_settled: True if the server has said which questions are open.
        has_open: True if there are some.
        newest: the newest run, where it was asked for.
    """

    news: list[News] = []
    calls: list[Call] = []
    is_settled: bool = False
    has_open: bool = False
    newest: ThreadRun | None = None


class Asking:
    """The interrupts of a thread, and the calls that find out about them.

    An event that asks is not announced before the server has said that it is open, with the schema of its answer: the
    past of a thread holds questions that were answered long ago.

    Attributes:
        known: every interrupt, by its id.
        in_flight: the interrupts that decisions answer whose reply has not come.
        status: of the thread, in the server's word; None for unknown.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self.known: dict[str, Interrupt] = {}
        self.in_flight: dict[str, str] = {}
        self.status: str | None = None
        self._awaited: set[str] = set()
        """The ids of the calls without a result."""
        self._tries = 0
        self._taken: list[str] = []
        """The interrupts whose answer of ours is taken and whose run has not begun, in this order."""
        self._open: dict[str, tuple[str | None, Any, Any]] = {}
        """The task, value and schema of each open interrupt, by the newest result."""
        self._gone: list[str] = []
        """The interrupts that are no longer open, of which nobody has said how they were answered."""
        self._doubted: str | None = None
        """The run that seems to go on with the execution."""

    # ---- events -----------------------------------------------------------------------------------------------------

    def disconnected(self) -> None:
        """Forget the calls of the last connection."""
        self._awaited.clear()
        self.in_flight.clear()
        self._tries = 0
        self._taken.clear()

    def requested(self, params: StreamParams, run_id: str, at: Micros | None) -> None:
        """Note that a run asks."""
        interrupt_id, value = params.data.get("interrupt_id"), params.data.get("payload")
        if not isinstance(interrupt_id, str):
            return
        known = self.known.get(interrupt_id)
        if known is None:
            task_id = params.namespace[0].rpartition(":")[2] if params.namespace else None
            self.known[interrupt_id] = Interrupt(interrupt_id, tuple(params.namespace), run_id, value, task_id, at)
        elif interrupt_id not in self._taken:  # else a run that began before our answer asks once more
            known.namespace = tuple(params.namespace)
            known.asks_again, known.again, known.asked_at = run_id, value, at
            if known.run_id is None:
                known.run_id = run_id
        self._tries = 0

    def note_task(self, params: StreamParams) -> None:
        """Note which task has asked, where its end says so."""
        listed = params.data.get("interrupts")
        task_id = params.namespace[0].rpartition(":")[2] if params.namespace else params.data.get("id")
        for each in listed if isinstance(listed, list) else ():
            known = self.known.get(str(each.get("id"))) if isinstance(each, dict) else None
            if known is not None and isinstance(task_id, str):
                known.task_id = known.task_id or task_id

    @property
    def expects_run(self) -> bool:
        """True if the server has taken an answer of ours, and the run that it begins has not begun."""
        return bool(self._taken)

    def has_asked(self, run_id: str) -> bool:
        """Return whether a run has asked something."""
        return any(run_id in (each.run_id, each.asks_again) for each in self.known.values())

    def send(self, decision: DecisionRequested, interrupt: Interrupt, answer: Any) -> None:
        """Note that an answer of ours is sent."""
        self.in_flight[decision.decision_id] = interrupt.id
        interrupt.answer = Given(answer, option=decision.option)

    def sent_before(self, decision_id: str, params: StreamParams) -> None:
        """Note an answer of ours in a recording."""
        interrupt = self.known.get(params.interrupt_id or "")
        if interrupt is not None:
            self.in_flight[decision_id] = interrupt.id
            interrupt.answer = Given(params.response)

    def replied(self, decision_id: str, *, is_taken: bool) -> None:
        """Note whether the server has taken our answer."""
        interrupt = self.known.get(self.in_flight.pop(decision_id, ""))
        if interrupt is None:
            return
        if not is_taken:
            interrupt.answer = None
            return
        interrupt.is_open = False
        interrupt.asks_again = None
        self._taken.append(interrupt.id)

    def all_answered(self) -> Iterator[CheckpointDecided]:
        """Yield how all open questions end whose execution has ended: nobody has said who answered."""
        for interrupt in self.known.values():
            if interrupt.is_open and interrupt.question is not None and interrupt.id not in self.in_flight.values():
                yield interrupt.answered(None)

    def withdraw(self) -> None:
        """Note that no question of the execution will be answered."""
        for interrupt in self.known.values():
            interrupt.is_open = False
        self._gone.clear()

    def is_in_doubt(self, run_id: str) -> bool:
        """Return whether it is only assumed that a run goes on with the execution before it."""
        return self._doubted == run_id

    def resolve(self) -> None:
        """Note that the first task of the newest run shows to which execution it belongs."""
        self._doubted = None

    # ---- calls ------------------------------------------------------------------------------------------------------

    def check(self) -> Call:
        """Return the call that asks for the thread, for a new connection."""
        return self._call("thread", "")

    def calls(self) -> Iterator[Call]:
        """Yield the call that finds out which questions are open, where it is not under way."""
        if not self._awaited & {"thread", "settle", "state"}:
            yield self._call("settle", "")

    def ask_who(self, run_id: str) -> Iterator[Call]:
        """Yield the call that finds out what a run that goes on has answered."""
        del self._taken[:1]
        self._doubted = run_id
        if "runs" not in self._awaited:
            yield self._call("runs", f"/runs?limit={_MOST_RUNS}")

    def sent(self, call: Call) -> None:
        """Note a call of a recording."""
        self._awaited.add(call.id)

    def is_awaited(self, result: CallResult) -> bool:
        """Return whether a result answers a call of this connection; it is not awaited any more."""
        is_awaited = result.id in self._awaited
        self._awaited.discard(result.id)
        return is_awaited

    def _call(self, name: str, path: str, after_s: float = 0.0) -> Call:
        self._awaited.add(name)
        return Call(name, "GET", f"{self._path}{path}", after_s=after_s)

    # ---- results ----------------------------------------------------------------------------------------------------

    def read(self, result: CallResult) -> Found:
        """Return the news in a result."""
        match result.id:
            case "thread" | "settle":
                return self._on_thread(result)
            case "state":
                schemas = schemas_in(result.body) if result.is_good else {}
                self._open = {
                    name: (task, value, schema or schemas.get(name))
                    for name, (task, value, schema) in self._open.items()
                }
                return self._announce()
            case "runs":
                return self._on_runs(runs_in(result.body) if result.is_good else [])
        return Found()

    def _on_thread(self, result: CallResult) -> Found:
        if not result.is_good:  # the questions are shown as the events tell of them
            self._open = {each.id: (each.task_id, each.value, None) for each in self.known.values() if each.is_open}
            return self._announce() if self._open else Found()
        self._open = {name: (task, value, schema) for task, name, value, schema in interrupts_of(result.body)}
        self.status = status = result.body.get("status") if isinstance(result.body, dict) else None
        self._tries += 1
        is_early = status == "busy" or bool(self._taken)
        if is_early and self._tries < _MOST_TRIES and self._is_waiting(self._open):
            return Found(calls=[self._call("settle", "", _PAUSE)])
        if self._tries < _FEW_TRIES and any(name not in self.known for name in self._open):
            return Found(calls=[self._call("settle", "", _PAUSE)])  # the event that asks may be on its way
        if is_early:  # a run goes on: what it has not asked again may be the past
            self._open = {name: found for name, found in self._open.items() if self._may_be_open(name)}
        lacks = [name for name, (_, _, schema) in self._open.items() if schema is None and self._is_new(name)]
        if lacks:
            return Found(calls=[self._call("state", "/state")])
        return self._announce()

    def _is_waiting(self, found: dict[str, Any]) -> bool:
        """Return whether something was asked of which the server has not said that it is open."""
        missing = (each for each in self.known.values() if each.id not in found)
        return bool(self._taken) or any((each.is_open and each.question is None) or each.asks_again for each in missing)

    def _is_new(self, name: str) -> bool:
        known = self.known.get(name)
        return known is None or known.question is None or not known.is_open

    def _may_be_open(self, name: str) -> bool:
        known = self.known.get(name)
        return name not in self._taken and (known is None or known.is_open or known.asks_again is not None)

    def _announce(self) -> Found:
        """Announce what is open, and look for the answers to what is not."""
        found = Found(is_settled=True, has_open=bool(self._open))
        for name, (task_id, value, schema) in self._open.items():
            known = self.known.get(name)
            if known is None:
                known = self.known[name] = Interrupt(name, (), None, value)
            known.task_id = known.task_id or task_id
            if known.question is not None and known.is_open:
                if known.asks_again is None or known.again == known.value:
                    known.asks_again = None
                    continue
                found.news.append(News(known, known.answered(None), None))
            is_anew = known.question is not None
            known.value, known.is_open = value, True
            known.run_id, known.asks_again, known.answer = known.asks_again or known.run_id, None, None
            at = None if is_anew else known.asked_at
            found.news.append(News(known, known.opened(schema, anew=is_anew), at))
        self._gone = [each.id for each in self.known.values() if each.is_open and each.id not in self._open]
        for each in self.known.values():
            if not each.is_open:
                each.asks_again = None
        if self._gone and "runs" not in self._awaited:
            found.calls.append(self._call("runs", f"/runs?limit={_MOST_RUNS}"))
        return found

    def _on_runs(self, runs: list[ThreadRun]) -> Found:
        found = Found()
        newest = next((run for run in runs if run.run_id == self._doubted), None)
        if newest is not None:
            self._doubted = None
            found.newest = newest
        for interrupt in list(self.known.values()):
            if interrupt.id in self.in_flight.values():
                continue
            answers = list(answers_in(runs, interrupt))
            if interrupt.answer is not None and answers:  # it may be taken although another one was there before
                found.news.append(News(interrupt, interrupt.answered(answers[0]), answers[0].at))
                continue
            if not interrupt.is_open and not (interrupt.lacks_answer and answers):
                continue
            if answers or interrupt.id in self._gone:
                if interrupt.question is None:
                    found.news.append(News(interrupt, interrupt.opened(None, anew=False), interrupt.asked_at))
                given = answers[0] if answers else None
                found.news.append(News(interrupt, interrupt.answered(given), None if given is None else given.at))
        self._gone.clear()
        return found
