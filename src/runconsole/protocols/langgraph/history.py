"""Tasks of the past from the history of a thread, where the events of a run name none, or are gone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from runconsole.decoding.times import read_time
from runconsole.events import (
    ExecutionCompleted,
    ExecutionStarted,
    Fact,
    Micros,
    TaskStatus,
)
from runconsole.protocols.base import EventsLost
from runconsole.protocols.langgraph.executions import Step, ThreadExecutions
from runconsole.protocols.langgraph.facts import GraphRun
from runconsole.protocols.langgraph.questions import ThreadRun, runs_in
from runconsole.protocols.langgraph.rows import ThreadRows
from runconsole.transports.agentserver.calls import Call, CallResult

__all__ = ["ThreadHistory"]

_MOST_RUNS = 50
_MOST_STATES = 200
_LOOK_AFTER = 1.0
"""Seconds after which a new connection has brought the past that the server still has."""
_HIDDEN = "__"
_ENDS = {"success": TaskStatus.COMPLETED, "error": TaskStatus.FAILED, "interrupted": TaskStatus.CANCELLED}


class _Past(Struct):
    """A task of the past: what a state of the thread says of it, and its times."""

    task: Mapping[str, Any]
    started_at: Micros | None
    ended_at: Micros | None


class ThreadHistory:
    """Fills in what no event has told.

    Args:
        path: of the thread.
        executions: those that events have told of.
    """

    def __init__(self, path: str, executions: ThreadExecutions) -> None:
        self._path = path
        self._executions = executions
        self._awaited: set[str] = set()
        self._due: GraphRun | None = None
        """The execution to fill."""
        self._ends: TaskStatus | None = None
        """Its end, where no event has reported one."""
        self._runs: list[ThreadRun] = []
        self._has_looked = False

    def disconnected(self) -> None:
        """Forget the calls of the last connection."""
        self._awaited.clear()
        self._due = None

    def look(self) -> Call:
        """Return the call that finds out, soon after connecting, which runs no event has told of."""
        return self._call("look", f"/runs?limit={_MOST_RUNS}", _LOOK_AFTER)

    def check(self) -> list[Call]:
        """Return the call that begins to fill an execution that has ended without its tasks."""
        ended, self._executions.unfilled = self._executions.unfilled, None
        if ended is None or self._due is not None:
            return []
        self._due, self._ends = ended, None
        return [self._call("fill", f"/runs?limit={_MOST_RUNS}")]

    def sent(self, call: Call) -> None:
        """Note a call of a recording."""
        self._awaited.add(call.id)

    def read(
        self, result: CallResult, rows: ThreadRows, thread_status: str | None
    ) -> tuple[Step, EventsLost | None] | None:
        """Return the rows and calls of a result, and what is lost; None where it answers none of these calls."""
        if result.id not in self._awaited or result.id not in {"look", "fill", "history"}:
            return None
        self._awaited.discard(result.id)
        if not result.is_good:
            self._due = None
            return [], None
        if result.id == "history":
            return self._fill(result.body, rows), None
        self._runs = runs_in(result.body)
        if result.id == "fill":
            return [self._call("history", f"/history?limit={_MOST_STATES}")], None
        return self._looked(rows, thread_status)

    def _call(self, name: str, path: str, after_s: float = 0.0) -> Call:
        self._awaited.add(name)
        return Call(name, "GET", f"{self._path}{path}", after_s=after_s)

    # ---- what is gone -----------------------------------------------------------------------------------------------

    def _looked(self, rows: ThreadRows, thread_status: str | None) -> tuple[Step, EventsLost | None]:
        known = self._executions.run_ids
        gone = [run for run in self._runs if run.run_id not in known and run.status not in {"pending", "running"}]
        if not gone or self._has_looked:
            return [], None
        self._has_looked = True
        many = f"{len(gone)} runs" if len(gone) > 1 else "a run"
        more = "at least " if len(self._runs) >= _MOST_RUNS else ""
        filled = "its tasks are filled in from the thread's history" if not known else "the newest is shown"
        lost = EventsLost(f"the server no longer has the events of {more}{many} of this thread: {filled}")
        return (self._join(gone[0], rows, thread_status) if not known else []), lost

    def _join(self, newest: ThreadRun, rows: ThreadRows, thread_status: str | None) -> Step:
        """Show the newest run, of which no event is left."""
        chain = self._chain(newest.run_id)
        first = chain[-1] if chain else newest
        self._due = run = GraphRun(first.run_id, "graph")
        run.run_id = newest.run_id
        is_open = thread_status in {"interrupted", "busy"}
        self._ends = None if is_open else _ENDS.get(newest.status or "", TaskStatus.COMPLETED)
        self._executions.join(run, is_waiting=thread_status == "interrupted", is_over=not is_open)
        start = ExecutionStarted(run.execution_id, title=run.graph)
        row = rows.about(run.execution_id, start, first.created_at)
        return [row, self._call("history", f"/history?limit={_MOST_STATES}")]

    def _chain(self, run_id: str) -> list[ThreadRun]:
        """Return the runs of an execution, newest first: one, and those before it that it goes on with."""
        chain: list[ThreadRun] = []
        for run in self._runs:
            if chain or run.run_id == run_id:
                chain.append(run)
                if not run.is_continuation:
                    break
        return chain

    # ---- filling ----------------------------------------------------------------------------------------------------

    def _fill(self, states: Any, rows: ThreadRows) -> Step:
        run, self._due = self._due, None
        if run is None:
            return []
        chain = self._chain(run.run_id)
        ended_at = chain[0].updated_at if chain and self._ends is not None else None
        step: Step = []
        runs = {each.run_id for each in chain} | {run.run_id, run.execution_id}
        for past in _tasks_of(states if isinstance(states, list) else [], runs):
            for at, facts in zip((past.started_at, past.ended_at or ended_at), run.fill(past.task), strict=True):
                step += [rows.about(run.execution_id, fact, at) for fact in facts]
        if self._ends is not None:
            ends: list[Fact] = [*run.close(self._ends)]
            ends.append(ExecutionCompleted(str(self._ends), run.execution_id, completed_tasks=run.done))
            step += [rows.about(run.execution_id, fact, ended_at) for fact in ends]
        return step


def _tasks_of(states: Sequence[Any], runs: set[str]) -> Iterator[_Past]:
    """Yield the tasks of these runs, the oldest first. A state names the tasks that follow it."""
    ended_at: Micros | None = None
    found: list[_Past] = []
    for state in states:
        if not isinstance(state, Mapping):
            continue
        at = read_time(state.get("created_at"))
        details, tasks = state.get("metadata"), state.get("tasks")
        if isinstance(details, Mapping) and details.get("run_id") in runs and isinstance(tasks, list):
            found[:0] = [
                _Past(task, at, ended_at)
                for task in tasks
                if isinstance(task, Mapping) and not str(task.get("name")).startswith(_HIDDEN)
            ]
        ended_at = at
    return iter(found)
