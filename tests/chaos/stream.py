"""A run made for counting: numbered events at a steady pace, questions beside them, an end on command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from runconsole.simulator.scenario import Answer, Ask, Checkpoint, Clock, Emit, Event, Script, Sleep

TASK = "t1"

Marks = Literal["id", "seq", "none"]
"""The marks of an event beside its timestamp: an id, a number, or nothing."""


@dataclass(frozen=True, slots=True)
class Question:
    """A checkpoint: opened `at` seconds after the run's beginning, with `window` seconds to decide."""

    name: str
    at: float
    window: float


@dataclass(frozen=True, slots=True)
class Plan:
    """A run: the number of events, the seconds between them, their marks.

    With `afresh`, the server's numbers and ids start again after that event, as those of a server that lost its memory.
    """

    events: int
    pause: float
    marks: Marks
    questions: tuple[Question, ...] = ()
    afresh: int | None = None
    counted: bool = False
    """True for an execution with a task for each event, done in the first event about it."""
    timed: bool = True


class Stream:
    """The scenario of a plan. The number of an event in the run is the `n` of its payload.

    Attributes:
        is_complete: True after all planned events; the stream then waits for a request for more, or for the end.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._number = 0
        self._asked = 0
        self.is_complete = False

    def scripts(self, clock: Clock) -> Sequence[Script]:
        """Return the stream and the questions."""
        return [self._events(), *(self._question(question, clock) for question in self._plan.questions)]

    def background(self, clock: Clock) -> Sequence[Script]:  # noqa: ARG002 - the protocol's signature
        """Return nothing."""
        return []

    def envelope(self, clock: Clock, emit: Emit) -> Event:
        """Return an event of the task family, marked as planned."""
        self._number += 1
        payload = {"taskId": TASK, "n": self._number, **emit.body}
        event: Event = {"type": emit.type, "payload": payload}
        if self._plan.timed:
            event["timestamp"] = clock.stamp()
        afresh = self._plan.afresh
        mark = self._number - afresh if afresh is not None and self._number > afresh else self._number
        match self._plan.marks:
            case "id":
                event["id"] = f"event-{mark}"
            case "seq":
                event["seq"] = mark
        return event

    @property
    def next_answer(self) -> str:
        """The id of the hidden checkpoint at which the stream waits after its last planned event."""
        return f"more-{self._asked}"

    def _events(self) -> Script:
        total = self._plan.events
        if self._plan.counted:
            yield from self._counted()
            return
        yield Emit("task.started", {"workerId": "w1"})
        for number in range(total):
            yield Sleep(self._plan.pause)
            if number % 3 == 2:
                yield Emit("task.output", {"stream": "stdout", "data": f"line {number}\n"})
            else:
                yield Emit("task.progress", {"progress": 90 * number // total, "currentStep": f"step {number}"})
        self.is_complete = True
        while True:
            self._asked += 1
            checkpoint = Checkpoint(self.next_answer, "", ("more", "end"), "end")
            decision = yield Ask(checkpoint, 1e6)
            if decision is None or decision.option == "end":
                break
            yield Emit("task.progress", {"progress": 95, "currentStep": f"more {self._asked}"})
        yield Emit("task.progress", {"progress": 99, "currentStep": "the end"})
        yield Emit("task.completed", {"result": {"success": True}})

    def _counted(self) -> Script:
        """Yield an execution: between any two events all known work is done, and not all announced work."""
        total = self._plan.events
        yield Emit("execution_started", {"total_tasks": 10 * total})
        for number in range(total):
            yield Sleep(self._plan.pause)
            yield self._done(number)
        self.is_complete = True
        while True:
            self._asked += 1
            decision = yield Ask(Checkpoint(self.next_answer, "", ("more", "end"), "end"), 1e6)
            if decision is None or decision.option == "end":
                break
            yield self._done(total + self._asked)
        yield Emit("execution_completed", {"status": "success"})

    def _done(self, number: int) -> Emit:
        fields = {"taskId": f"task-{number}", "task_id": f"task-{number}", "status": "completed"}
        return Emit("progress_update", fields | {"total_tasks": 10 * self._plan.events})

    def _question(self, question: Question, clock: Clock) -> Script:
        yield Sleep(question.at)
        options = [{"id": "approve", "label": "Approve"}, {"id": "reject", "label": "Reject"}]
        body = {"checkpointId": question.name, "title": question.name, "options": options, "defaultAction": "reject"}
        yield Emit("task.hitl_required", body | {"timeout": clock.stamp(question.window)})
        decision = yield Ask(Checkpoint(question.name, TASK, ("approve", "reject"), "reject"), question.window)
        if decision is None:
            raise RuntimeError("the last wait for a decision ended without one")
        yield Emit(
            "checkpoint.hitl_decided",
            {
                "checkpointId": question.name,
                "selectedOption": decision.option,
                "feedback": decision.feedback,
                "decidedBy": decision.by,
                "autoTriggered": decision.automatic,
            },
        )


def answer(name: str, option: str, *, by: str = "colleague") -> Answer:
    """Return the answer of another client."""
    return Answer(name, option, by=by)
