"""A thread of a LangGraph Agent Server: its runs, its status, its interrupts, and its answers over REST. No I/O."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from runconsole.simulator.scenario import Answer, Event, Refusal
from runconsole.simulator.wires.langgraph_events import GRAPH, LangGraphEvents
from runconsole.simulator.wires.langgraph_questions import answer_of
from runconsole.simulator.wires.langgraph_records import Interrupt

if TYPE_CHECKING:
    from runconsole.simulator.player import LogEntry, Player

__all__ = ["ASSISTANT_ID", "Run", "Thread"]

ASSISTANT_ID: Final = str(uuid.uuid5(uuid.NAMESPACE_OID, GRAPH))
_CANCELLED: Final = {
    "error": "UserInterrupt",
    "message": "interrupt requested via POST /threads/{thread_id}/runs/{run_id}/cancel",
}


@dataclass(slots=True)
class Run:
    """A run of a thread.

    Attributes:
        input: of a new run; None for one that answers interrupts.
        resume: the answers by the interrupts' ids.
        modes: the stream modes of a run that was started over REST; none for one of the protocol.
    """

    run_id: str
    thread_id: str
    input: Any = None
    resume: Any = None
    modes: tuple[str, ...] = ()
    status: Literal["pending", "running", "success", "error", "interrupted"] = "pending"
    created_at: str = ""

    def written(self) -> Event:
        """Return it as REST tells it."""
        place = {"graph_id": GRAPH, "assistant_id": ASSISTANT_ID, "created_by": "system"}
        command = None if self.resume is None else {"resume": self.resume}
        return {
            "run_id": self.run_id,
            "thread_id": self.thread_id,
            "assistant_id": ASSISTANT_ID,
            "metadata": place,
            "status": self.status,
            "kwargs": {"input": self.input, "command": command, "stream_mode": list(self.modes), "subgraphs": True},
            "multitask_strategy": "enqueue",
            "created_at": self.created_at,
            "updated_at": self.created_at,
        }


class Thread:
    """One thread.

    Args:
        thread_id: its UUID.
        begin: begins the play of a run.
        woken: called when there are new events.
    """

    def __init__(self, thread_id: str, begin: Callable[[], Player], woken: Callable[[], None]) -> None:
        self.thread_id = thread_id
        self.status: Literal["idle", "busy", "interrupted", "error"] = "idle"
        self.log = LangGraphEvents(thread_id)
        self.runs: list[Run] = []
        self._begin = begin
        self._woken = woken
        self._player: Player | None = None
        self._forget: Callable[[], None] = lambda: None
        self._cursor = 0
        self._is_answering = False
        self._answers: list[Any] = []
        self._listed: list[Interrupt] = []
        """The interrupts with which the last run has ended; the server tells of them until the next one ends."""
        self._error: Event | None = None
        self._created_at = _now()

    # ---- runs -------------------------------------------------------------------------------------------------------

    def start(self, given: Any, modes: tuple[str, ...], *, rejects: bool = False) -> Run:
        """Start a run, after the one that is under way; `rejects` raises Refusal then. Modes are those of REST."""
        if rejects and self.status == "busy":
            words = "Thread is already running a task. Wait for it to finish or choose a different multitask strategy."
            raise Refusal("busy", words)
        return self._added(Run("", self.thread_id, given, modes=modes))

    def answer(
        self, responses: Mapping[str, Any], modes: tuple[str, ...], places: Mapping[str, Any] | None = None
    ) -> Run:
        """Answer interrupts by their ids in a run, after the one that is under way.

        While a run is under way the server still takes answers to what that run was given. They do not count.

        Args:
            responses: the values.
            modes: those of REST.
            places: the namespaces that the client has given; None checks none.

        Raises Refusal for interrupts that were answered, or are not there.
        """
        listed = {each.id: each for each in self._listed}
        for name in responses or {"none": None}:
            if name not in listed:
                raise Refusal("no_such_interrupt", f"Unknown or already-consumed interrupt: {name}")
            if places is not None and places.get(name) != list(listed[name].namespace):
                raise Refusal("no_such_interrupt", "Interrupt namespace does not match the pending interrupt.")
        return self._added(Run("", self.thread_id, resume=dict(responses), modes=modes))

    def cancel(self, run_id: str) -> bool:
        """Cancel a run; return whether it was under way or waited."""
        run = next((each for each in self.runs if each.run_id == run_id), None)
        if run is None or run.status not in {"pending", "running"}:
            return False
        if run.status == "running" and self._player is not None:
            self._player.stop()
            self.log.cancel()
            self._listed.clear()
            for waiting in self.runs:
                if waiting.status == "pending" and waiting.resume is not None:
                    waiting.status = "interrupted"
            self.status, self._error = "interrupted", _CANCELLED
        run.status = "interrupted"
        self._woken()
        self._go_on()
        return True

    def _added(self, run: Run) -> Run:
        run.run_id = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self.thread_id}/run/{len(self.runs)}"))
        run.created_at = _now()
        self.runs.append(run)
        self._go_on()
        return run

    def _go_on(self) -> None:
        """Begin the next run that waits, unless one is under way."""
        run = next((each for each in self.runs if each.status == "pending"), None)
        if run is None or self.status == "busy":
            return
        run.status, self.status, self._error = "running", "busy", None
        self.log.begin(run.run_id, has_tasks="tasks" in run.modes, is_new=run.resume is None)
        if run.resume is None:
            self._play()
        elif self._player is not None:
            self._resume(run, self._player)

    def _play(self) -> None:
        """Play a new run. One that waits for an answer is given up for it."""
        if self._player is not None:
            self._player.stop()
        self._forget()
        self._listed.clear()
        self._answers.clear()
        self._player, self._cursor = self._begin(), 0
        self._forget = self._player.listen(self.advance)
        self.advance()

    def _resume(self, run: Run, player: Player) -> None:
        answered = [each for each in self._listed if each.id in run.resume]
        self.log.resume(answered, self._time(player))
        self._answers += run.resume.values()
        was_answering, self._is_answering = self._is_answering, True
        try:
            for interrupt in answered:
                self._decide(player, interrupt, run.resume[interrupt.id])
        finally:
            self._is_answering = was_answering
        self.advance()

    def _decide(self, player: Player, interrupt: Interrupt, response: Any) -> None:
        """Give the graph an answer; it asks again after one that it cannot read."""
        checkpoint = next(each for each in player.checkpoints if each.id == interrupt.checkpoint_id)
        answer: Answer | None = answer_of(checkpoint, response)
        if answer is not None:
            with contextlib.suppress(Refusal):  # somebody else, or the deadline, came first
                player.decide(answer)

    # ---- what happens -----------------------------------------------------------------------------------------------

    def advance(self) -> None:
        """Take what the player has logged since."""
        player = self._player
        if player is None or self._is_answering or player.stopped:
            return
        while self._cursor < len(player.log):
            entry = player.log[self._cursor]
            self._cursor += 1
            if self.status != "busy" and entry.event["type"] == "checkpoint.hitl_decided":
                self._answered_elsewhere(entry)
            self.log.read(entry)
        if self.status == "busy" and (player.finished or player.waits_for_people):
            self._end(player)
        self._woken()

    def _answered_elsewhere(self, entry: LogEntry) -> None:
        """Begin the run of an answer that a colleague, or a deadline, has given."""
        body = entry.event["payload"]
        interrupt = self.log.interrupts.get(body["checkpointId"])
        if interrupt is None:
            return
        run = Run("", self.thread_id, resume={interrupt.id: body["selectedOption"]})
        self._is_answering = True  # what the player has logged is being read
        try:
            self._added(run)
        finally:
            self._is_answering = False

    def _end(self, player: Player) -> None:
        """End the run under way: with the graph, or with its questions."""
        run = next(each for each in self.runs if each.status == "running")
        self._listed = [] if player.finished else self._open(player)
        if not player.finished:
            run.status, self.status = "success", "interrupted"
            self.log.ask(self._listed)
        else:
            failure = self.log.failure
            self.log.finish()
            run.status, self.status = ("success", "idle") if failure is None else ("error", "error")
            self._error = None if failure is None else {"error": "RuntimeError", "message": failure}
        self._go_on()

    def _open(self, player: Player) -> list[Interrupt]:
        waiting = {each.id for each in player.checkpoints if each.state == "open"}
        return [each for each in self.log.interrupts.values() if each.checkpoint_id in waiting]

    def _time(self, player: Player) -> int:
        clock = player.timeline.clock
        return round((clock.started_at.timestamp() + clock.seconds) * 1000)

    # ---- REST -------------------------------------------------------------------------------------------------------

    @property
    def asked(self) -> list[str]:
        """The ids of the interrupts that the server tells of."""
        return [each.id for each in self._listed]

    def view(self) -> Event:
        """Return the thread."""
        place = {"graph_id": GRAPH, "assistant_id": ASSISTANT_ID} if self.runs else {}
        return {
            "thread_id": self.thread_id,
            "created_at": self._created_at,
            "updated_at": _now(),
            "metadata": place,
            "status": self.status,
            "config": {"configurable": {}},
            "values": self._values() if self.runs else None,
            "error": self._error,
            "interrupts": {each.inner: [{"id": each.id, "value": each.value}] for each in self._listed},
        }

    def state(self) -> Event:
        """Return the state of the thread."""
        tasks = [
            {
                "id": each.namespace[0].partition(":")[2],
                "name": each.namespace[0].partition(":")[0],
                "path": ["__pregel_pull", each.namespace[0].partition(":")[0]],
                "error": None,
                "interrupts": [each.written()],
                "checkpoint": {"thread_id": self.thread_id, "checkpoint_ns": each.namespace[0]},
                "state": None,
                "result": None,
            }
            for each in self._listed
        ]
        return {
            "values": self._values(),
            "next": [task["name"] for task in tasks],
            "tasks": tasks,
            "metadata": {"graph_id": GRAPH, "run_id": self.runs[-1].run_id if self.runs else None},
            "created_at": _now(),
            "checkpoint": {"thread_id": self.thread_id, "checkpoint_ns": ""},
            "interrupts": [each.written() for each in self._listed],
        }

    def _values(self) -> Event:
        done = [f"{name}: {status}" for name, status in self.log.results.items()]
        return {"messages": [], "done": done, "answers": list(self._answers)}


def _now() -> str:
    return datetime.now(UTC).isoformat()
