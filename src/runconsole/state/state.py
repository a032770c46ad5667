"""`RunState`: the fold of everything that happens to a run, and its only writer."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from copy import copy
from typing import Any, Literal, TypeVar

from msgspec import Struct

from runconsole.events import (
    Fact,
    Logged,
    MalformedFrame,
    Micros,
    Prices,
    Received,
    TaskStatus,
    TokenUsage,
    UnknownEvent,
)
from runconsole.state.completion import is_complete
from runconsole.state.numbered import Numbered
from runconsole.state.ordering import is_before
from runconsole.state.questions import Questions
from runconsole.state.rows import (
    ACTIVE,
    FINISHED,
    Agent,
    AlertRow,
    Artifact,
    Checkpoint,
    Decision,
    ErrorRecord,
    Link,
    OutputChunk,
    Phase,
    RestorePoint,
    Run,
    Subtask,
    Task,
    ToolCall,
    Used,
    Wave,
    span_s,
)
from runconsole.state.scrollback import Scrollback
from runconsole.state.server_clock import ServerClock
from runconsole.state.turns import Turns
from runconsole.state.unnamed import UnnamedCalls
from runconsole.state.usage import UsageHistory, UsageSample

_ALERTS_KEPT = 50
_CHANGES_KEPT = 2048
_MOST_WARNINGS = 10
_PAUSE = 250_000
"""Microseconds without an event that are a pause, not a burst."""
_PAUSES_AVERAGED = 16
_AHEAD = 60_000_000
"""Microseconds by which an event may be ahead of the server's clock: beyond that its time is wrong."""
_NAMED_KINDS = ("a packet", "a page", "server-sent")


class Effect(Struct, frozen=True):
    """An action that the session must take because of a fact."""


class Transmit(Effect, frozen=True):
    """Send this decision, once."""

    decision_id: str


class Urgent(Effect, frozen=True):
    """Show it at once: a question, an answer, an error, the end."""


class Finished(Effect, frozen=True):
    """Stop following: the run has ended."""


URGENT: tuple[Effect, ...] = (Urgent(),)
FINISHED_NOW: tuple[Effect, ...] = (Urgent(), Finished())

Handler = Callable[["RunState", Any, Any], "tuple[Effect, ...] | None"]
"""Takes the state, the fact, and the `Received` event that carried it (None for facts of our own)."""
H = TypeVar("H", bound=Handler)
HANDLERS: dict[type[Fact], Handler] = {}
"""The handler of each fact. Filled by the modules beside this one."""


def handles(*kinds: type[Fact]) -> Callable[[H], H]:
    """Register a handler for these facts."""

    def register(handler: H) -> H:
        for kind in kinds:
            HANDLERS[kind] = handler
        return handler

    return register


@handles(UnknownEvent, Logged)
def _only_logged(_state: RunState, _fact: Fact, _event: Received | None) -> None:
    """Leave the state: these facts are rows of the log and nothing else."""


@handles(MalformedFrame)
def _malformed(state: RunState, fact: MalformedFrame, event: Received | None) -> None:
    """Warn once of each kind of foreign frame; it is a row of the log."""
    if fact.error.startswith(_NAMED_KINDS):
        state.warn_once(f"The server sends {fact.error}. It is in `events`, of type malformed.", event)


class RunState:
    """The state of one run. `apply` is the only way to change it; no clock, no I/O.

    Facts about a thing are set, never added up: repeated facts, or late ones by their own timestamp, change nothing.
    Output, errors and alerts are rows: each event is one. Tables are plain dicts and lists of rows from `rows`;
    `versions` counts the changes of each.

    Args:
        task: the id of the single followed task, if any: the run ends with it.
    """

    def __init__(  # noqa: PLR0915 - all that is known of a run, field by field
        self,
        *,
        task: str | None = None,
        title: str | None = None,
        token_budget: int | None = None,
        cost_limit: float | None = None,
        expected_artifacts: int | None = None,
        prices: Prices | None = None,
    ) -> None:
        self.followed_task = task
        self.title = title
        self.token_budget = token_budget
        self.cost_limit = cost_limit
        self.expected_artifacts = expected_artifacts
        self.prices = prices

        self.tasks: dict[str, Task] = {}
        self.changed_tasks: deque[str] = deque(maxlen=_CHANGES_KEPT)
        """The ids of the tasks that changed last, one for each count of their version: the newest is the last."""
        self.subtasks: dict[str, dict[str, Subtask]] = {}
        self.phases: Numbered[Phase] = Numbered()
        self.turns = Turns()
        self.waves: Numbered[Wave] = Numbered()
        self.artifacts: dict[tuple[str | None, str], Artifact] = {}
        self.errors: dict[int, ErrorRecord] = {}
        """By their number, from 0."""
        self.error_keys: set[tuple[Any, ...]] = set()
        """The identity of each error."""
        self.output = Scrollback(OutputChunk)
        self.checkpoints: dict[str, Checkpoint] = {}
        self.questions = Questions()
        """The checkpoints in the orders in which they are needed."""
        self.restore_points: dict[str, RestorePoint] = {}
        self.decisions: dict[str, Decision] = {}
        self.links: list[Link] = []
        self.alerts: deque[AlertRow] = deque(maxlen=_ALERTS_KEPT)
        self.versions = dict.fromkeys(
            (
                "run",
                "tasks",
                "subtasks",
                "agents",
                "tool_calls",
                "phases",
                "waves",
                "artifacts",
                "errors",
                "output",
                "checkpoints",
                "restore_points",
                "decisions",
                "links",
            ),
            0,
        )

        self.clock = ServerClock()
        self.last_event_at: Micros | None = None
        """The arrival of the newest event, by our clock."""
        self.usual_gap_s: float | None = None
        """The usual time between two events, in seconds: a moving mean of the pauses, events of one burst apart."""
        self.usage = UsageHistory()
        self.is_execution = False
        """True if events of the execution family came: then the server's counters give the percent."""
        self.execution_id: str | None = None
        self.reported_status: str | None = None
        """The run's end in the server's words."""
        self.finished = False
        self.interruption: str | None = None
        """The reason why it counts as finished although it has not ended: its stream has, again and again."""
        self.left: str | None = None
        """Its status when another execution began over the same stream, if its own end was not reported."""
        self.left_at: Micros | None = None
        self.total_tasks: int | None = None
        self.completed_tasks: int | None = None
        self.failed_tasks: int | None = None
        self.skipped_tasks: int | None = None
        self.reported_percent: float | None = None
        self.counters_at: Micros | None = None
        self.tokens_used: int | None = None
        self.cost_usd: float | None = None
        self.reported_artifacts: int | None = None
        self.estimated_duration_s: float | None = None
        self.duration_s: float | None = None
        self.started_at: Micros | None = None
        self.ended_at: Micros | None = None
        self.current_task: str | None = None
        self._current_task_at: Micros | None = None
        self._newest_at: dict[str, Micros] = {}
        """The time of the newest fact about each aspect of the run itself."""
        self.current_wave: int | None = None
        self._quiet: tuple[str, str] | None = None
        """The newest reported silence: its kind and its sentence."""
        self.named_phases: dict[str, int] = {}
        """The numbers of the phases that the server identifies by name alone."""
        self.context_warned = 0.0
        """The percentage of a model's context of the last warning."""
        self.agents: dict[str, Agent] = {}
        self.tool_calls: dict[str, ToolCall] = {}
        self.comings: list[tuple[Literal["agent", "call"], str]] = []
        """The ids of agents and calls as they came, or got another place, or used more."""
        self.unnamed_calls = UnnamedCalls()
        self.usages: dict[tuple[str, str | None, str | None, str | None], TokenUsage] = {}
        """The newest count of each reported usage, by its agent, task, id and model."""
        self.used_by_agents: dict[str | None, Used] = {}
        """The sums of the agents of each task; None is no task."""
        self.active: dict[str, None] = {}
        """The ids of running and paused tasks, in the order they became so."""
        self.counts: dict[TaskStatus, int] = dict.fromkeys(TaskStatus, 0)
        self._progress_sum = 0.0
        self._progress_told = False
        self._tokens_sum: int | None = None
        self._cost_sum: float | None = None
        self._warned: set[str] = set()
        """Warnings that were shown."""

    # ---- writing ----------------------------------------------------------------------------------------------

    def apply(self, event: Received | Fact) -> tuple[Effect, ...]:
        """Fold in one event from the server, or one fact of our own; return the resulting effects.

        The caller has left out events that a replay only repeated: each event counts.
        """
        return self.fold(event) if isinstance(event, Received) else HANDLERS[event.__class__](self, event, None) or ()

    def fold(self, event: Received) -> tuple[Effect, ...]:
        """Fold in one event as `apply` does."""
        at, received_at = event.timestamp, event.received_at
        if at is not None:
            self.clock.observe(at, received_at)
        if self.last_event_at is not None and received_at - self.last_event_at > _PAUSE:
            self._note_pause((received_at - self.last_event_at) / 1e6)
        if (received_at if at is None else at) >= self.usage.until:
            self._advance_usage(received_at if at is None else at, received_at)
        self.last_event_at = received_at
        fact = event.fact
        return HANDLERS[fact.__class__](self, fact, event) or ()

    def _advance_usage(self, at: Micros, received_at: Micros) -> None:
        at = min(at, max(received_at, self.clock.at(received_at)) + _AHEAD)
        if at >= self.usage.until:
            self.usage.advance(at, self.run())

    def _note_pause(self, pause_s: float) -> None:
        known = self.usual_gap_s
        self.usual_gap_s = pause_s if known is None else known + (pause_s - known) / _PAUSES_AVERAGED

    def warn_of_status(self, word: str, event: Received) -> None:
        """Warn once that the server uses an unknown word for a status."""
        self.warn_once(
            f"The server calls a task's status {word!r}, which is not known here: it is left as it was.", event
        )

    def warn_once(self, text: str, event: Received | None) -> None:
        """Show a sentence as a warning, unless it was shown; only the first few different ones."""
        if text in self._warned or len(self._warned) >= _MOST_WARNINGS:
            return
        self._warned.add(text)
        at = 0 if event is None else event.received_at if event.timestamp is None else event.timestamp
        self.alerts.append(AlertRow("warning", text, at))
        self.versions["run"] += 1

    def task(self, task_id: str) -> Task:
        """Return a copy of the task's row to change and `put_task` back; a new one for a new task."""
        known = self.tasks.get(task_id)
        return Task(task_id, len(self.tasks)) if known is None else known.__copy__()  # type: ignore[attr-defined]

    def put_task(self, new: Task) -> None:
        """Store a task's changed row and update every sum over the tasks."""
        old = self.tasks.get(new.task_id)
        self.tasks[new.task_id] = new
        self.changed_tasks.append(new.task_id)  # before the version: readers rely on it
        self.versions["tasks"] += 1
        moved = old is None or old.status is not new.status
        if moved:
            self._recount(old, new)
            if new.turned_at is not None:
                self.turns.note(new.position, new.turned_at, new.status)
        if moved or old.progress != new.progress:  # type: ignore[union-attr]  # `moved` covers None
            self._progress_sum += new.share - (old.share if old is not None else 0.0)
            self._progress_told = self._progress_told or new.progress is not None or new.finished
        if new.tokens is not None:
            self._tokens_sum = (self._tokens_sum or 0) + new.tokens - ((old and old.tokens) or 0)
        if new.cost_usd is not None:
            self._cost_sum = (self._cost_sum or 0.0) + new.cost_usd - ((old and old.cost_usd) or 0.0)
        if new.phase is not None and (moved or old.phase != new.phase):  # type: ignore[union-attr]
            self._recount_phase(old, new, new.phase)

    def count_costs_again(self) -> None:
        """Add up the costs of the tasks after some have lost theirs."""
        costs = [task.cost_usd for task in self.tasks.values() if task.cost_usd is not None]
        self._cost_sum = sum(costs) if costs else None

    def _recount(self, old: Task | None, new: Task) -> None:
        if old is not None:
            self.counts[old.status] -= 1
        self.counts[new.status] += 1
        if new.status in ACTIVE:
            self.active[new.task_id] = None
        else:
            self.active.pop(new.task_id, None)

    def _recount_phase(self, old: Task | None, new: Task, number: int) -> None:
        if old is not None and old.phase is not None:
            left = copy(self.phases[old.phase])
            left.counts = {**left.counts, old.status: left.counts[old.status] - 1}
            self.phases[old.phase] = left
        known = self.phases.get(number)
        phase = Phase(number) if known is None else known.__copy__()  # type: ignore[attr-defined]
        phase.name = phase.name or new.phase_name
        phase.counts = {**phase.counts, new.status: phase.counts.get(new.status, 0) + 1}
        begun = new.started_at or new.ended_at
        if begun is not None and (phase.started_at is None or begun < phase.started_at):
            phase.started_at = begun
        if new.ended_at is not None and (phase.last_end is None or new.ended_at > phase.last_end):
            phase.last_end = new.ended_at
        self.phases[number] = phase
        self.versions["phases"] += 1

    def put_phase(self, phase: Phase) -> None:
        """Store a phase's changed row."""
        self.phases[phase.phase] = phase
        self.versions["phases"] += 1

    def note_quiet(self, kind: str, text: str) -> None:
        """Note a silence that was reported to a person."""
        self._quiet = (kind, text)
        self.versions["run"] += 1

    def begin(self, at: Micros) -> None:
        """Note that the run was under way at this time."""
        if self.started_at is None or at < self.started_at:
            self.started_at = at
            self.versions["run"] += 1

    def is_newest(self, about: str, event: Received) -> bool:
        """Return whether no newer event has reported this aspect; then this one is noted as the newest."""
        at = event.timestamp
        if at is None:
            return True
        if is_before(at, self._newest_at.get(about)):
            return False
        self._newest_at[about] = at
        return True

    def point_at(self, task_id: str, event: Received) -> None:
        """Note the current task, unless a newer event has reported it already."""
        at, known_at = event.timestamp, self._current_task_at
        if at is not None:
            if known_at is not None and at < known_at and is_before(at, known_at):
                return
            self._current_task_at = at
        self.current_task = task_id

    def finish(self, at: Micros) -> tuple[Effect, ...]:
        """Note that the run has ended."""
        if self.finished:
            return ()
        self.finished = True
        self.ended_at = at
        self.versions["run"] += 1
        return FINISHED_NOW

    def resume(self) -> None:
        """Note that a run is followed again whose stream had ended before it did."""
        self.finished, self.interruption, self.ended_at = False, None, None
        self.versions["run"] += 1

    # ---- reading ----------------------------------------------------------------------------------------------

    @property
    def percent(self) -> float | None:
        """Overall progress, 0 to 100: of the followed task, else of the execution's counters, else the tasks' mean.

        A completed run of which none of these is known is at 100.
        """
        known = self._known_percent()
        return 100.0 if known is None and self.status == TaskStatus.COMPLETED else known

    def _known_percent(self) -> float | None:
        if self.followed_task is not None and not self.is_execution:
            task = self.tasks.get(self.followed_task)
            if task is None or (task.progress is None and not task.finished):
                return None
            return 100.0 if task.status is TaskStatus.COMPLETED else _clipped(task.progress)
        if self.is_execution:
            return self._counted_percent()
        if not self._progress_told:
            return None
        return min(100.0, self._progress_sum / len(self.tasks))

    def _counted_percent(self) -> float | None:
        if self.total_tasks and self.completed_tasks is not None:
            return _clipped(100.0 * self.completed_tasks / self.total_tasks)
        return _clipped(self.reported_percent)

    @property
    def status(self) -> str:
        """The run's status: one of the task statuses, `partial`, or `interrupted`."""
        if self.interruption is not None:
            return "interrupted"
        if self.reported_status is not None:
            return self.reported_status
        if self.left is not None:
            return self.left
        if self.followed_task in self.tasks:
            return self.tasks[self.followed_task].status
        if self.finished:
            return self.status_by_tasks()
        running = self.is_execution or any(self.counts[s] for s in TaskStatus if s is not TaskStatus.PENDING)
        return TaskStatus.RUNNING if running else TaskStatus.PENDING

    def status_by_tasks(self) -> str:
        """Return the status of a run that is over, by its tasks alone."""
        if any(self.counts[s] for s in TaskStatus if s not in FINISHED) or not self.tasks:
            return TaskStatus.COMPLETED if not self.tasks else "partial"
        failed, cancelled = self.counts[TaskStatus.FAILED], self.counts[TaskStatus.CANCELLED]
        if failed:
            return TaskStatus.FAILED if failed + cancelled == len(self.tasks) else "partial"
        return TaskStatus.CANCELLED if cancelled == len(self.tasks) else TaskStatus.COMPLETED

    @property
    def has_run(self) -> bool:
        """True if anything of a run is known."""
        known = (self.tasks, self.checkpoints, self.errors, self.artifacts, self.phases, self.waves, self.agents)
        return self.started_at is not None or len(self.output) > 0 or any(known)

    @property
    def quiet(self) -> str | None:
        """The sentence about the present silence; None where there is none."""
        if self._quiet is None or self.finished or self.left is not None:
            return None
        kind, text = self._quiet
        holds = is_complete(self) if kind == "done" else not self.has_run
        return text if holds else None

    @property
    def is_done(self) -> bool:
        """True if all is done: the run has ended, or is silent after its last task."""
        ended_quietly = self._quiet is not None and self._quiet[0] == "done"
        return self.finished or (ended_quietly and is_complete(self))

    @property
    def completed(self) -> int:
        """Completed tasks: the server's count, else that of its tasks."""
        counted = self.counts[TaskStatus.COMPLETED]
        return counted if self.completed_tasks is None else self.completed_tasks

    def due_at(self, checkpoint: Checkpoint) -> Micros | None:
        """Return a question's deadline by the server's clock (`clock`); None for none, or a doubtful one.

        A server that mixes time zones, or whose clock was set, may date the question by another clock than later
        events: then only the server knows when the time is up.
        """
        return None if self.clock.contradicts(checkpoint.own_offset) else checkpoint.deadline

    @property
    def open_checkpoints(self) -> list[Checkpoint]:
        """The checkpoints that still wait, oldest first."""
        rows = [self.checkpoints[checkpoint_id] for checkpoint_id in self.questions.open()]
        return [row for row in rows if row.is_open]  # on another thread one may have been closed just now

    @property
    def open_count(self) -> int:
        """The number of open checkpoints."""
        return len(self.questions)

    def usage_samples(self) -> list[UsageSample]:
        """Return the run's totals over time; the last are the present ones."""
        now = self.ended_at
        if now is None and self.last_event_at is not None:
            now = self.clock.at(self.last_event_at)
        return self.usage.samples(now, self.run())

    def run(self) -> Run[Micros]:
        """Return the run as a whole, as known now."""
        current_task = None if self.finished else self.current_task
        current = None if current_task is None else self.tasks.get(current_task)
        loose = self.used_by_agents.get(None, _NOTHING)
        total = self.total_tasks if self.total_tasks is not None else (len(self.tasks) or None)
        failed = self.failed_tasks if self.failed_tasks is not None else self.counts[TaskStatus.FAILED]
        skipped = self.skipped_tasks if self.skipped_tasks is not None else self.counts[TaskStatus.SKIPPED]
        ended_at = self.ended_at if self.ended_at is not None or self.left is None else self.left_at
        return Run(
            execution_id=self.execution_id,
            title=self.title,
            status=str(self.status),
            total_tasks=total,
            completed_tasks=self.completed,
            failed_tasks=failed,
            skipped_tasks=skipped,
            running_tasks=self.counts[TaskStatus.RUNNING],
            percent=self.percent,
            tokens_used=self.tokens_used if self.tokens_used is not None else _sum(self._tokens_sum, loose.tokens),
            token_budget=self.token_budget,
            cost_usd=self.cost_usd if self.cost_usd is not None else self._rounded_cost(loose.cost_usd),
            cost_limit=self.cost_limit,
            artifacts=max(len(self.artifacts), self.reported_artifacts or 0),
            expected_artifacts=self.expected_artifacts,
            errors=len(self.errors),
            started_at=self.started_at,
            ended_at=ended_at,
            duration_s=self.duration_s if self.duration_s is not None else span_s(self.started_at, ended_at),
            estimated_duration_s=self.estimated_duration_s,
            current_task=current_task,
            current_task_name=None if current is None else current.name,
            current_wave=self.current_wave,
        )

    def _rounded_cost(self, loose: float | None) -> float | None:
        """Return the cost of the tasks, and of agents without one, in US dollars, rounded to hide float error."""
        cost = _sum(self._cost_sum, loose)
        return None if cost is None else round(cost, 9)


_NOTHING = Used()
Number = TypeVar("Number", int, float)


def _sum(one: Number | None, other: Number | None) -> Number | None:
    """Return the sum of what is known."""
    return other if one is None else one if other is None else one + other


def _clipped(percent: float | None) -> float | None:
    """Return a reported percentage, clipped to 0 to 100."""
    return None if percent is None else min(100.0, max(0.0, percent))
