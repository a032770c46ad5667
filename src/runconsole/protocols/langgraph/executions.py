"""The executions of a thread: where one begins, goes on with answers, stops, and ends."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from msgspec import Struct

from runconsole.events import ErrorReported, ExecutionCompleted, ExecutionStarted, Logged, Received, TaskStatus
from runconsole.protocols.langgraph.asking import Asking, Found
from runconsole.protocols.langgraph.facts import GraphRun
from runconsole.protocols.langgraph.frames import StreamParams
from runconsole.protocols.langgraph.rows import ThreadRows
from runconsole.transports.agentserver.calls import Call

__all__ = ["Step", "ThreadExecutions"]

Step: TypeAlias = list[Received | Call]
"""Rows, and calls to make behind them."""

_STATUSES = {"completed": TaskStatus.COMPLETED, "failed": TaskStatus.FAILED}


class _Held(Struct):
    """A run of which it is not known yet whether it begins an execution.

    It begins after the end of one that has asked. An answer that came too late makes such a run, too.
    """

    run_id: str
    graph: str
    end: tuple[TaskStatus, str | None] | None = None


class ThreadExecutions:
    """Follows the runs of a thread. An execution is a run, and the runs that answer the questions of that.

    Args:
        asking: knows the questions.
        thread: the id of the thread.

    Attributes:
        run: the present execution; None before the first.
    """

    def __init__(self, asking: Asking, thread: str) -> None:
        self._asking = asking
        self._thread = thread
        self.run: GraphRun | None = None
        self._life: Literal["running", "waiting", "unclear", "over"] = "over"
        """``waiting`` for answers; ``unclear`` where it has stopped, and waits for answers or was cancelled."""
        self._held: _Held | None = None
        self.run_ids: set[str] = set()
        """The runs of which an event has told."""
        self.unfilled: GraphRun | None = None
        """An execution that has ended, of whose tasks the newest run has told none."""

    @property
    def active_run(self) -> str | None:
        """The id of the run that is under way; None for none."""
        if self._held is not None and self._held.end is None:
            return self._held.run_id
        return None if self.run is None or self._life == "over" else self.run.run_id

    # ---- events -----------------------------------------------------------------------------------------------------

    def read(self, method: str, params: StreamParams, rows: ThreadRows) -> Step:
        """Read what happens in a run."""
        before: Step = self._release(rows)
        if method == "tasks" and isinstance(params.data, dict):
            self._asking.note_task(params)
            before += [] if params.namespace else self._check_continuation(params.data, rows)
        run, joined = self._current(rows)
        return [*before, *joined, *rows.of(run.read(method, params), run)]

    def asked(self, params: StreamParams, run_id: str | None, rows: ThreadRows) -> Step:
        """Read that a run asks."""
        before: Step = self._release(rows)
        run, joined = self._current(rows)
        self._asking.requested(params, run_id or run.run_id, rows.time)
        if self._life == "unclear":
            self._life = "waiting"
        return [*before, *joined, rows.own(Logged(), run), *self._asking.calls()]

    def lived(self, data: dict[str, Any], run_id: str | None, rows: ThreadRows) -> Step:
        """Read that a run begins, stops or ends."""
        event, run, held = str(data.get("event")), self.run, self._held
        if run_id is not None:
            self.run_ids.add(run_id)
        if event in {"running", "started"}:
            return self._started(run_id or f"{self._thread}-run", _graph_of(data), rows)
        status = _STATUSES.get(event)
        error = data.get("error")
        error = error if isinstance(error, str) and error else None
        if held is not None and held.run_id == run_id:
            held.end = (status or TaskStatus.CANCELLED, error)
            return [rows.own(Logged(), run)]
        if run is None or (run_id is not None and run_id != run.run_id) or self._life == "over":
            return [rows.own(Logged(), run)]
        if event == "interrupted":
            is_waiting = self._asking.has_asked(run.run_id) or self._asking.expects_run
            self._life = "waiting" if is_waiting else "unclear"
            return [rows.own(Logged(), run), *self._asking.calls()]
        end: Step = [] if status is None else self._end(run, status, rows, error)
        return [rows.own(Logged(), run), *end]

    def found(self, found: Found, rows: ThreadRows) -> Step:
        """Read what the server says of its questions and runs."""
        step: Step = self._resolve(found, rows)
        for news in found.news:
            run, joined = self._current(rows)
            if joined:
                self._life = "waiting"
            news.interrupt.execution_id = news.interrupt.execution_id or run.execution_id
            step += [*joined, rows.about(news.interrupt.execution_id, news.fact, news.at)]
        if self._life == "unclear" and self.run is not None and found.is_settled:
            if found.has_open:
                self._life = "waiting"
            else:
                step += self._end(self.run, TaskStatus.CANCELLED, rows)
        return [*step, *found.calls]

    def join(self, run: GraphRun, *, is_waiting: bool, is_over: bool) -> None:
        """Take up an execution of which no event has told."""
        self.run = run
        self.run_ids.add(run.run_id)
        self._life = "over" if is_over else "waiting" if is_waiting else "running"

    # ---- where one begins -------------------------------------------------------------------------------------------

    def _started(self, run_id: str, graph: str, rows: ThreadRows) -> Step:
        run = self.run
        if run is not None and self._life == "waiting":
            self._life = "running"
            resumed = [rows.derived("task.resumed", fact, run) for fact in run.go_on(run_id)]
            return [rows.own(Logged(), run), *resumed, *self._asking.ask_who(run_id)]
        if run is not None and self._life == "over" and self._asking.known:
            before = self._release(rows)
            self._held = _Held(run_id, graph)
            return [*before, rows.own(Logged(), run), *self._asking.ask_who(run_id)]
        before = self._end(run, TaskStatus.CANCELLED, rows) if run is not None and self._life == "unclear" else []
        self.run = run = GraphRun(run_id, graph)
        self._life = "running"
        return [*before, rows.own(ExecutionStarted(run_id, title=graph), run)]

    def _begin(self, run: GraphRun, rows: ThreadRows) -> Step:
        self.run = run
        self._life = "running"
        return [rows.derived("run.started", ExecutionStarted(run.run_id, title=run.graph), run)]

    def _current(self, rows: ThreadRows) -> tuple[GraphRun, Step]:
        """Return the present run, and the row of one whose start has not come."""
        run = self.run
        if run is not None:
            return run, []
        run = GraphRun(self._thread, "graph")
        return run, self._begin(run, rows)

    def _release(self, rows: ThreadRows) -> Step:
        """Begin an execution with the run of which it was not known."""
        held, self._held = self._held, None
        if held is None:
            return []
        run = GraphRun(held.run_id, held.graph)
        step = self._begin(run, rows)
        return step if held.end is None else [*step, *self._end(run, held.end[0], rows, held.end[1])]

    def _resolve(self, found: Found, rows: ThreadRows) -> Step:
        """Begin an execution with the newest run, or let it go on with the last one: its list says which."""
        if found.newest is None:
            return []
        held, run = self._held, self.run
        if held is not None and held.run_id == found.newest.run_id:
            if found.newest.is_continuation:
                self._held = None  # an answer that came too late: there was nothing for it to go on with
                return []
            return self._release(rows)
        if run is not None and run.run_id == found.newest.run_id and not found.newest.is_continuation:
            return self._part(run, rows)
        return []

    def _check_continuation(self, data: dict[str, Any], rows: ThreadRows) -> Step:
        """Begin another execution where a run that seemed to go on with one has other tasks."""
        run = self.run
        if run is None or not self._asking.is_in_doubt(run.run_id):
            return []
        self._asking.resolve()
        return [] if run.knows(data.get("id")) else self._part(run, rows)

    def _part(self, run: GraphRun, rows: ThreadRows) -> Step:
        """Begin another execution with the newest run, which does not answer the questions of the last one."""
        return [*self._end(run, TaskStatus.CANCELLED, rows), *self._begin(GraphRun(run.run_id, run.graph), rows)]

    # ---- where one ends ---------------------------------------------------------------------------------------------

    def _end(self, run: GraphRun, status: TaskStatus, rows: ThreadRows, error: str | None = None) -> Step:
        """End an execution: its questions, its tasks, and then itself."""
        self._life = "over"
        self.unfilled = run if run.lacks_tasks else None
        step: Step = []
        if status is TaskStatus.CANCELLED:
            self._asking.withdraw()
        else:
            step += [rows.derived("input", fact, run) for fact in self._asking.all_answered()]
        if error is not None and not run.has_errors:
            step.append(rows.derived("run.error", ErrorReported(error), run))
        step += [rows.derived("task.ended", fact, run) for fact in run.close(status)]
        fact = ExecutionCompleted(str(status), run.execution_id, completed_tasks=run.done)
        return [*step, rows.derived("run.ended", fact, run)]


def _graph_of(data: dict[str, Any]) -> str:
    name = data.get("graph_name")
    return name if isinstance(name, str) and name else "graph"
