"""The events of one run, in one order: the execution family, and of the task family what that has no event for.

Everything takes one lock for a moment, so that counters and events agree, whichever threads report.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from runconsole.events import Received
from runconsole.reporting.agents import AgentReports
from runconsole.reporting.pace import EVERY_S, MOST_WAITING, ReportPace, joined
from runconsole.reporting.records import Problem, TaskRecord
from runconsole.reporting.tally import ENDED, Tally
from runconsole.reporting.writing import START, EventWriter, encoded, known
from runconsole.state import RunState
from runconsole.state.rows import Task

__all__ = ["Emitter"]


class Emitter:
    """Writes the events of a run to its journal.

    Args:
        execution_id: the id of the run.
        declared: the announced number of tasks; None for unknown.
        later: runs a function after some seconds, on another thread.
    """

    def __init__(
        self, execution_id: str, declared: int | None, later: Callable[[float, Callable[[], None]], None]
    ) -> None:
        self.execution_id = execution_id
        self._writer = EventWriter()
        self.journal = self._writer.journal
        self.tally = Tally(declared)
        self.is_finished = False
        self.lock = threading.RLock()
        self._pace = ReportPace(later, self._flush_due)
        self._own_tokens = False
        """True if tokens were reported beside the tasks: then the run's own counts are."""
        self._agents = AgentReports(self._emit_task)
        self._whole = TaskRecord("", "")
        """Stands for the run itself, whose output belongs to no task."""
        self._phases: dict[int, tuple[str | None, Tally]] = {}
        self._told_start: str | None = None
        """The start of the run, as an earlier process has told it."""
        self._earlier: dict[str, str] = {}
        """The ends of the tasks of an earlier process, by id."""
        self._open: dict[TaskRecord, None] = {}
        """Tasks that have not ended."""
        self._left: dict[TaskRecord, int] = {}
        """Tasks whose loops were left, each with its thread."""
        self._began = time.monotonic()

    @property
    def count(self) -> int:
        """The number of events so far."""
        return self._writer.count

    @property
    def has_open_tasks(self) -> bool:
        """True if a task has not ended."""
        return bool(self._open)

    def open_task(self, task_id: str) -> TaskRecord | None:
        """Return the task of an id, if it has not ended."""
        with self.lock:
            return next((record for record in self._open if record.task_id == task_id), None)

    # ---- frames -----------------------------------------------------------------------------------------------------

    def emit(self, kind: str, data: Mapping[str, Any], *, member: str = "data") -> None:
        """Write an event. `member` is the name of its data: ``payload`` in the task family."""
        text = encoded(data)
        with self.lock:
            if self._left:
                self._end_left(threading.get_ident())
            self._writer.write(kind, text, member)

    def _emit_task(self, kind: str, task_id: str | None, data: dict[str, Any]) -> None:
        """Write an event of the task family."""
        self.emit(kind, data if task_id is None else {"taskId": task_id} | data, member="payload")

    def resume(self, events: Iterable[Received], state: RunState) -> None:
        """Put the events of an earlier process before those of this one: a recorded run that had not ended goes on.

        Its tasks count; those that had not ended are cancelled. A task of the same id runs again.
        """
        with self.lock:
            for event in events:
                if self._writer.write_again(event) and event.type == START:
                    self._told_start = event.payload
            before = state.run()
            self.tally.tokens, self.tally.cost_usd = before.tokens_used, before.cost_usd
            self.tally.artifacts = before.artifacts
            tasks = list(state.tasks.values())
            for task in tasks:
                self._take_over(task)
            for task in tasks:
                if not task.finished:
                    self._report(TaskRecord(task.task_id, task.name or task.task_id, status="cancelled"))

    def _take_over(self, task: Task) -> None:
        """Count a task of an earlier process, as cancelled if it had not ended."""
        status = task.status.value if task.finished else "cancelled"
        self.tally.announced += 1
        self.tally.counts[status] += 1
        self.tally.moved(100.0)
        self._earlier[task.task_id] = status

    # ---- the run ----------------------------------------------------------------------------------------------------

    def start(self, phases: list[dict[str, Any]], **described: Any) -> None:
        """Report the start of the run and its plan, unless an earlier process has told the same.

        `described` has its title and limits.
        """
        data = {"execution_id": self.execution_id, "total_tasks": self.tally.declared, "phases": phases}
        data = known({**data, **described})
        if self._told_start is None or encoded(data) != self._told_start:
            self.emit(START, data)

    def finish(self, status: str) -> bool:
        """Report the end of the run; return False if it has ended before."""
        with self.lock:
            if self.is_finished:
                return False
            self._end_left()
            for record in list(self._open):
                self.end(record, "cancelled")
            self._flush_all()
            self._complete_phases()
            self.is_finished = True
            tally = self.tally
            data = {
                "execution_id": self.execution_id,
                "status": status,
                "total_tasks": tally.total if tally.total is not None else tally.announced,
                "completed_tasks": tally.completed,
                "failed_tasks": tally.counts["failed"],
                "skipped_tasks": tally.counts["skipped"],
                "duration_ms": _millis(self._began),
                "artifacts_created": tally.artifacts,
                "tokens_used": tally.tokens,
                "cost_usd": _money(tally.cost_usd),
            }
            self.emit("execution_completed", known(data))
            return True

    def _complete_phases(self) -> None:
        """Report the end of each phase whose tasks were all carried through: no number of tasks may tell that."""
        for number, (name, tally) in self._phases.items():
            if tally.ended == tally.announced and not tally.counts["cancelled"]:
                self.emit("phase_completed", known({"phase": number, "name": name}))

    def complete_wave(self, number: int, tally: Tally, began: float) -> None:
        """Report the end of a wave."""
        with self.lock:
            ended = tally.ended
            data = {
                "wave_number": number,
                "atoms_in_wave": tally.announced,
                "atoms_completed": tally.completed,
                "failed_tasks": tally.counts["failed"],
                "artifacts_created": tally.artifacts,
                "duration_ms": _millis(began),
                "success_rate": round(tally.completed / ended, 4) if ended else None,
            }
            if not self.is_finished:
                self.emit("wave_completed", known(data))

    # ---- tasks ------------------------------------------------------------------------------------------------------

    def announce(self, count: int) -> None:
        """Count tasks that are yet to come."""
        with self.lock:
            self.tally.announced += count

    def begin(self, record: TaskRecord, *, worker: str | None = None, is_announced: bool = False) -> None:
        """Report that a task runs, on a named worker if there is one; not of a task that has ended.

        The word of a worker that died may come after the end of its task.
        """
        with self.lock:
            if record.status in ENDED or self.is_finished:
                return
            if record.status is None:
                self._count_in(record, is_announced=is_announced)
            self._move(record, "in_progress")
            record.began = time.monotonic()
            if worker is None:
                self._report(record)
            else:
                self._emit_task("task.started", record.task_id, {"workerId": worker})

    def wait(self, record: TaskRecord) -> None:
        """Report a task that is announced and waits."""
        with self.lock:
            if not self.is_finished:
                self._count_in(record, is_announced=True)
                self._move(record, "pending")
                self._report(record)

    def end(
        self, record: TaskRecord, status: str, *, error: str | None = None, duration_s: float | None = None
    ) -> bool:
        """Report the end of a task; return False if it has ended before."""
        with self.lock:
            if record.status in ENDED or record.status is None or self.is_finished:
                return False
            self._flush_output(record, time.monotonic())
            if record.is_stale:
                self._emit_progress(record)
            self._pace.drop(record)
            self._move(record, status)
            duration = _millis(record.began) if duration_s is None else round(duration_s * 1000, 3)
            self._report(record, duration_ms=duration, error=error)
            self._agents.moved(record, status, error)
            return True

    def pause(self, record: TaskRecord) -> None:
        """Report that a running task waits, as for an answer."""
        with self.lock:
            if record.status == "in_progress" and not self.is_finished:
                self._flush(record)
                self._move(record, "paused")
                self._report(record)
                self._agents.moved(record, "paused")

    def run_again(self, record: TaskRecord) -> None:
        """Report that a task runs again: one that was paused, or that has ended, as for a retry."""
        with self.lock:
            if record.status is None or record.status == "in_progress" or self.is_finished:
                return
            if record.status in ENDED:
                record.began = time.monotonic()
            self._move(record, "in_progress")
            self._report(record)
            self._agents.moved(record, "running")

    def progress(
        self,
        record: TaskRecord,
        percent: float | None = None,
        step: str | None = None,
        tokens: int | None = None,
        cost_usd: float | None = None,
    ) -> None:
        """Take in a task's progress, 0 to 100; it is reported once a second. Tokens and cost are added."""
        with self.lock:
            if record.status != "in_progress" or self.is_finished:
                return
            if percent is not None:
                self.tally.moved(percent - (record.progress or 0.0))
                record.progress = percent
            if step is not None:
                record.step = step
            if tokens is not None or cost_usd is not None:
                self._use(record, tokens, cost_usd)
            record.is_stale = True
            if time.monotonic() >= record.progress_due:
                self._flush_progress(record, time.monotonic())
            else:
                self._pace.hold(record)

    def take(
        self,
        record: TaskRecord | None,
        *,
        percent: float | None = None,
        step: str | None = None,
        output: str | None = None,
        tokens: int | None = None,
        cost_usd: float | None = None,
        artifact: Mapping[str, Any] | None = None,
    ) -> None:
        """Take in a report of a function: of a task, or of the run itself, which has no progress of its own."""
        if output is not None:
            self.write(record, "stdout", output)
        if artifact is not None:
            self.artifact(record, artifact)
        if record is not None and (percent, step, tokens, cost_usd) != (None, None, None, None):
            self.progress(record, percent, step, tokens, cost_usd)
        elif record is None and (tokens, cost_usd) != (None, None):
            self.use(tokens, cost_usd)

    def use(self, tokens: int | None, cost_usd: float | None) -> None:
        """Add tokens and cost that belong to no task."""
        with self.lock:
            if not self.is_finished:
                self._own_tokens = True
                self.tally.used(tokens, cost_usd)
                self._report_metrics()

    def _use(self, record: TaskRecord, tokens: int | None, cost_usd: float | None) -> None:
        if tokens is not None:
            record.tokens = (record.tokens or 0) + tokens
        if cost_usd is not None:
            record.cost_usd = (record.cost_usd or 0.0) + cost_usd
        self.tally.used(tokens, cost_usd)

    def write(self, record: TaskRecord | None, stream: str, text: str) -> None:
        """Take in output; it is reported once a second. None is the run itself."""
        record = self._whole if record is None else record
        with self.lock:
            if self.is_finished or not text:
                return
            record.pieces.append((stream, text))
            record.waiting += len(text)
            now = time.monotonic()
            is_line = text.endswith("\n")  # `print` writes its parts one by one
            if (is_line and now >= record.output_due) or record.waiting >= MOST_WAITING:
                self._flush_output(record, now)
            else:
                self._pace.hold(record)

    def error(self, problem: Problem, record: TaskRecord | None = None, **details: Any) -> None:
        """Report an error of a task, or of the run; output before it comes before it."""
        with self.lock:
            if self.is_finished:
                return
            self._flush_output(self._whole if record is None else record, time.monotonic())
            named = {} if record is None else {"task_id": record.task_id, "task_name": record.name}
            words = {"message": problem.message, "error_type": problem.type, "stack_trace": problem.stack}
            self.emit("error", known({**named, **words, **details}))

    def artifact(self, record: TaskRecord | None, data: Mapping[str, Any]) -> None:
        """Report a file."""
        with self.lock:
            if self.is_finished:
                return
            self.tally.artifacts += 1
            if record is not None and record.wave_tally is not None:
                record.wave_tally.artifacts += 1
            self.emit("artifact_created", known({**data, "task_id": None if record is None else record.task_id}))

    def subtask(self, record: TaskRecord, kind: str, data: Mapping[str, Any]) -> None:
        """Report the begin or end of a subtask."""
        with self.lock:
            if not self.is_finished:
                self._emit_task(f"task.subtask.{kind}", record.task_id, known(data))

    def call(self, record: TaskRecord, kind: str, data: dict[str, Any]) -> None:
        """Report the begin (``agent.tool_call``) or end (``agent.tool_result``) of a call of a tool."""
        with self.lock:
            if not self.is_finished:
                self._agents.call(record, kind, data)

    def agent(self, record: TaskRecord, model: str | None = None, parent: str | None = None) -> None:
        """Report that a task is an agent."""
        with self.lock:
            if not self.is_finished:
                self._agents.begin(record, model, parent)

    def spend(self, record: TaskRecord, model: str | None, counts: Mapping[str, float]) -> None:
        """Report what an agent's call of a model has used, by `COUNTS`."""
        with self.lock:
            if counts and record.status == "in_progress" and not self.is_finished:
                self._agents.use(record, model, counts)

    def part(self, record: TaskRecord, subtask: Mapping[str, Any]) -> None:
        """Report the progress of a subtask."""
        with self.lock:
            if not self.is_finished:
                self._emit_task("task.progress", record.task_id, {"subtask": known(subtask)})

    def question(self, record: TaskRecord | None, kind: str, data: Mapping[str, Any]) -> None:
        """Report a question, or what became of it, after all output before it."""
        with self.lock:
            if not self.is_finished:
                self._flush(self._whole if record is None else record)
                self._emit_task(kind, None if record is None else record.task_id, known(data))

    # ---- loops that were left ---------------------------------------------------------------------------------------

    def leave(self, record: TaskRecord) -> None:
        """Note that the loop of a task was left before its end, by `break` or by an exception.

        Where an exception leaves a block around it next, `take_left` finds the task; with anything else that the thread
        reports, or after a moment, the task is completed.
        """
        with self.lock:
            if record.status == "in_progress":
                self._left[record] = threading.get_ident()
                self._pace.hold(record)

    def take_left(self, thread: int | None = None) -> list[TaskRecord]:
        """Return the tasks whose loops were left last, in a thread or in all, to be ended by the caller."""
        with self.lock:
            left = [record for record, left_by in self._left.items() if thread is None or left_by == thread]
            for record in left:
                del self._left[record]
            return left

    def _end_left(self, thread: int | None = None) -> None:
        for record in self.take_left(thread):
            record.step = f"left at {record.step}" if record.step else "left before the end"
            record.is_stale = True
            self.end(record, "completed")

    # ---- reports ----------------------------------------------------------------------------------------------------

    def _count_in(self, record: TaskRecord, *, is_announced: bool) -> None:
        """Count a new task, or one of an earlier process that runs again."""
        earlier = self._earlier.pop(record.task_id, None)
        if earlier is not None:
            self.tally.counts[earlier] -= 1
            self.tally.moved(-100.0)
        self.tally.announced += (not is_announced) - (earlier is not None)
        for tally in self._parts(record):
            tally.announced += 1

    def _parts(self, record: TaskRecord) -> Iterator[Tally]:
        """Yield the counts of the wave and the phase of a task."""
        if record.wave_tally is not None:
            yield record.wave_tally
        if record.phase is not None:
            yield self._phases.setdefault(record.phase, (record.phase_name, Tally()))[1]

    def _move(self, record: TaskRecord, status: str) -> None:
        """Change the status of a task, and every count over the tasks."""
        before = record.share
        for tally in (self.tally, *self._parts(record)):
            if record.status is not None:
                tally.counts[record.status] -= 1
            tally.counts[status] += 1
        record.status = status
        if status in ENDED:
            self._open.pop(record, None)
        else:
            self._open[record] = None
        self.tally.moved(record.share - before)

    def _report(self, record: TaskRecord, *, duration_ms: float | None = None, error: str | None = None) -> None:
        """Report a task's status with the counters of the run."""
        tally = self.tally
        data: dict[str, Any] = {"task_id": record.task_id, "task_name": record.name}
        if record.phase is not None:
            data["phase"], data["phase_name"] = record.phase, record.phase_name
        data["status"] = record.status
        data["progress"] = data["completed_tasks"] = tally.completed
        data["progress_percent"] = tally.percent
        total = tally.total
        if total is not None:
            data["total_tasks"] = total
        if record.wave is not None:
            data["current_wave"] = record.wave
        if duration_ms is not None:
            data["duration_ms"] = duration_ms
        if error is not None:
            data["error"] = error
        self.emit("progress_update", data)

    def _emit_progress(self, record: TaskRecord) -> None:
        record.is_stale = False
        metrics = known({"tokensUsed": record.tokens, "cost": _money(record.cost_usd)})
        data = {"progress": record.progress, "currentStep": record.step, "metrics": metrics or None}
        self._emit_task("task.progress", record.task_id, known(data))
        if self._own_tokens:
            self._report_metrics()

    def _report_metrics(self) -> None:
        metrics = {"llm_tokens": self.tally.tokens, "llm_cost": _money(self.tally.cost_usd)}
        self.emit("pipeline_update", {"metrics": known(metrics)})

    def _flush_progress(self, record: TaskRecord, now: float) -> None:
        record.progress_due = now + EVERY_S
        self._emit_progress(record)
        if self.tally.total is None:
            self._report(record)  # the run's progress is that of its tasks

    def _flush_output(self, record: TaskRecord, now: float) -> None:
        if not record.pieces:
            return
        record.output_due = now + EVERY_S
        pieces, record.pieces, record.waiting = record.pieces, [], 0
        for stream, text in joined(pieces):
            self._emit_task("task.output", record.task_id or None, {"stream": stream, "data": text})

    def _flush(self, record: TaskRecord) -> None:
        """Report what waits of a task."""
        now = time.monotonic()
        self._flush_output(record, now)
        if record.is_stale:
            self._flush_progress(record, now)
        self._pace.drop(record)

    def _flush_all(self) -> None:
        for record in self._pace.held():
            self._flush(record)

    def _flush_due(self) -> None:
        """Report what is due; on another thread."""
        with self.lock:
            if self.is_finished:
                return
            held, now = self._pace.take(), time.monotonic()
            self._end_left()
            for record in held:
                if record.pieces and now >= record.output_due:
                    self._flush_output(record, now)
                if record.is_stale and now >= record.progress_due:
                    self._flush_progress(record, now)
                if record.pieces or record.is_stale:
                    self._pace.hold(record)


def _millis(began: float | None) -> float | None:
    return None if began is None else round((time.monotonic() - began) * 1000, 3)


def _money(cost_usd: float | None) -> float | None:
    return None if cost_usd is None else round(cost_usd, 9)
