"""Rows of the state: one struct per kind of thing.

A row in the state is never changed: a new fact replaces it by a changed copy. So any thread may read a row that it
holds, and identity shows change. (`last_event_at` and `status_at` are the fold's own notes: they may change in place.)

Times are microseconds since 1970-01-01 UTC, durations seconds; None is unknown.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from msgspec import Struct

from runconsole.events import (
    ActionDecision,
    ActionRequest,
    Answer,
    CheckpointOption,
    LinkStatus,
    Micros,
    Offers,
    TaskDetails,
    TaskStatus,
)

T = TypeVar("T")

CheckpointStatus = Literal["pending", "sending", "decided", "expired", "unknown"]
DecisionState = Literal["queued", "sent", "acknowledged", "applied", "refused", "expired", "unknown"]
DecidedBy = Literal["you", "policy", "other", "timeout"]
"""`policy`: an answer from here that a function gave, not a person."""

FINISHED = frozenset({TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED, TaskStatus.SKIPPED})
ACTIVE = frozenset({TaskStatus.RUNNING, TaskStatus.PAUSED})
OPEN_CHECKPOINT = frozenset({"pending", "sending", "unknown"})
IN_FLIGHT = frozenset({"queued", "sent"})
WITHDRAWN = "WITHDRAWN"
"""The code of a decision that was withdrawn before it was sent."""


class Subtask(Struct, gc=False):
    """A part of a task."""

    task_id: str
    subtask_id: str
    name: str | None = None
    description: str | None = None
    status: TaskStatus = TaskStatus.PENDING
    progress: float | None = None
    duration_s: float | None = None
    agent_id: str | None = None
    started_at: Micros | None = None
    ended_at: Micros | None = None
    error: str | None = None
    last_event_at: Micros | None = None
    """The event time of the newest applied fact, to recognize a late one."""
    status_at: Micros | None = None
    """The event time of the newest applied fact with a status."""
    turned_at: Micros | None = None
    """The time from which it has its status, by the server's clock where the event has a time."""


class Task(Struct, gc=False):
    """A task of either family."""

    task_id: str
    position: int
    """Its place in the order of first appearance, from 0."""
    name: str | None = None
    phase: int | None = None
    phase_name: str | None = None
    wave: int | None = None
    status: TaskStatus = TaskStatus.PENDING
    progress: float | None = None
    step: str | None = None
    worker_id: str | None = None
    provider_id: str | None = None
    attempts: int | None = None
    max_retries: int | None = None
    duration_s: float | None = None
    tokens: int | None = None
    cost_usd: float | None = None
    started_at: Micros | None = None
    ended_at: Micros | None = None
    subtasks: int = 0
    subtasks_done: int = 0
    error: str | None = None
    error_at: Micros | None = None
    metered: bool = False
    """True if its own metrics have its tokens: then those of its agents are not added."""
    billed: bool = False
    """True if its own metrics have its cost: then that of its agents is not added."""
    details: TaskDetails | None = None
    last_event_at: Micros | None = None
    """The event time of the newest applied fact, to recognize a late one."""
    status_at: Micros | None = None
    """The event time of the newest applied fact with a status."""
    turned_at: Micros | None = None
    """The time from which it has its status, by the server's clock where the event has a time."""

    @property
    def finished(self) -> bool:
        """True if the task has ended, well or not."""
        return self.status in FINISHED

    @property
    def share(self) -> float:
        """Its part in the mean progress of many tasks, 0 to 100: a finished task counts 100."""
        if self.status in FINISHED:
            return 100.0
        return 0.0 if self.progress is None else min(100.0, max(0.0, self.progress))


class Used(Struct, frozen=True, gc=False):
    """Tokens and cost in US dollars, as far as they are known."""

    tokens: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    """The part of `input_tokens` that came from a cache."""
    reasoning_tokens: int | None = None
    """The part of `output_tokens` that the models wrote for themselves."""
    cost_usd: float | None = None


class Agent(Struct):
    """An agent or a sub-agent. `used` is its own, without that of its sub-agents."""

    agent_id: str
    name: str | None = None
    parent_id: str | None = None
    task_id: str | None = None
    model: str | None = None
    status: TaskStatus = TaskStatus.PENDING
    used: Used = Used()
    by_model: dict[str | None, Used] = {}
    """`used` by model; None is an unknown one."""
    duration_s: float | None = None
    started_at: Micros | None = None
    ended_at: Micros | None = None
    error: str | None = None
    last_event_at: Micros | None = None
    """The event time of the newest applied fact, to recognize a late one."""
    status_at: Micros | None = None
    """The event time of the newest applied fact with a status."""
    turned_at: Micros | None = None
    """The time from which it has its status, by the server's clock where the event has a time."""


class ToolCall(Struct, gc=False):
    """A call of a tool. `arguments` and `result` are JSON text."""

    tool_call_id: str
    task_id: str | None = None
    agent_id: str | None = None
    name: str | None = None
    status: TaskStatus = TaskStatus.PENDING
    arguments: str | None = None
    result: str | None = None
    error: str | None = None
    duration_s: float | None = None
    started_at: Micros | None = None
    ended_at: Micros | None = None
    last_event_at: Micros | None = None
    """The event time of the newest applied fact, to recognize a late one."""
    status_at: Micros | None = None
    """The event time of the newest applied fact with a status."""
    turned_at: Micros | None = None
    """The time from which it has its status, by the server's clock where the event has a time."""


class Phase(Struct):
    """A phase of an execution; `tasks` is its planned count, the other counts come from its tasks' statuses."""

    phase: int
    name: str | None = None
    tasks: int | None = None
    counts: dict[TaskStatus, int] = {}
    started_at: Micros | None = None
    last_end: Micros | None = None
    """The end of the task that ended last."""
    reported_status: TaskStatus | None = None
    """The status that the server itself reported."""
    reported_done: int | None = None
    """The number of its completed tasks, where the server reports it for the phase as a whole."""

    def count(self, status: TaskStatus) -> int:
        """Return the number of its tasks with this status."""
        return self.counts.get(status, 0)

    @property
    def completed(self) -> int:
        """The number of its completed tasks: by its tasks, or as reported for the phase as a whole."""
        return max(self.count(TaskStatus.COMPLETED), self.reported_done or 0)

    @property
    def ended(self) -> int:
        """The number of its tasks that have ended, well or not."""
        return max(self.completed, sum(self.counts.get(status, 0) for status in FINISHED))

    @property
    def progress(self) -> float | None:
        """Completed tasks of planned ones, in percent."""
        if self.tasks is None:
            return None
        return min(100.0, 100.0 * self.completed / self.tasks) if self.tasks else 100.0

    @property
    def status(self) -> TaskStatus:
        """The phase's status: completed when its completed tasks reach its count."""
        if self.reported_status is TaskStatus.FAILED:
            return TaskStatus.FAILED
        if self.tasks is not None and self.completed >= self.tasks:
            return TaskStatus.COMPLETED if self.tasks or self.counts else self.reported_status or TaskStatus.PENDING
        if self.tasks is not None and self.ended >= self.tasks:
            return TaskStatus.FAILED if self.count(TaskStatus.FAILED) else TaskStatus.COMPLETED
        if self.reported_status is TaskStatus.COMPLETED and self.ended >= sum(self.counts.values()):
            return TaskStatus.COMPLETED
        if (self.counts or self.reported_done) and (
            self.ended or self.count(TaskStatus.RUNNING) or self.count(TaskStatus.PAUSED)
        ):
            return TaskStatus.RUNNING
        return self.reported_status or TaskStatus.PENDING

    @property
    def ended_at(self) -> Micros | None:
        """The end of its last task, once the phase has ended."""
        return self.last_end if self.status in FINISHED else None

    @property
    def duration_s(self) -> float | None:
        """Seconds from its first task's start to its last task's end."""
        return span_s(self.started_at, self.ended_at)


class Wave(Struct):
    """A wave of an execution. Atoms are units of work inside tasks."""

    wave: int
    atoms: int | None = None
    atoms_completed: int | None = None
    success_rate: float | None = None
    failed: int | None = None
    artifacts: int | None = None
    duration_s: float | None = None
    status: TaskStatus = TaskStatus.RUNNING
    completed_at: Micros | None = None
    last_event_at: Micros | None = None
    """The event time of the newest applied fact, to recognize a late one."""
    status_at: Micros | None = None
    """The event time of the newest applied fact with a status."""


class Artifact(Struct):
    """A file that the run made or changed. `size` in bytes."""

    path: str
    size: int | None = None
    kind: str | None = None
    language: str | None = None
    task_id: str | None = None
    action: str | None = None
    created_at: Micros | None = None
    last_event_at: Micros | None = None
    """The event time of the newest applied fact, to recognize a late one."""
    status_at: Micros | None = None
    """The event time of the newest applied fact with a status."""


class ErrorRecord(Struct):
    """An error of a task or an agent."""

    task_id: str | None
    task_name: str | None
    message: str
    error_type: str | None
    recoverable: bool | None
    attempt: int | None
    max_retries: int | None
    stack: str | None
    at: Micros
    action: str | None = None


class OutputChunk(NamedTuple):
    """A piece of output as it was written."""

    at: Micros
    task_id: str | None
    stream: Literal["stdout", "stderr"]
    text: str
    worker_id: str | None
    agent_id: str | None


class Checkpoint(Struct):
    """A question to a person, and its answer."""

    checkpoint_id: str
    task_id: str | None = None
    kind: str | None = None
    title: str | None = None
    description: str | None = None
    options: tuple[CheckpointOption, ...] = ()
    context: dict[str, Any] | None = None
    default_action: str | None = None
    deadline: Micros | None = None
    status: CheckpointStatus = "pending"
    decision: str | None = None
    decided_by: DecidedBy | None = None
    feedback: str | None = None
    requested_at: Micros | None = None
    decided_at: Micros | None = None
    reminded: bool = False
    error: str | None = None
    decision_id: str | None = None
    """Our newest decision for it."""
    opened_at: Micros | None = None
    """The time of its arrival, by our clock."""
    round: int = 1
    """The number of times it has been asked: a retry of the task may ask again under the same id. All other fields are
    about the last round."""
    decision_ids: tuple[str, ...] = ()
    """The ids of our decisions for it that were to be sent, oldest first."""
    last_event_at: Micros | None = None
    """The event time of the newest announcement."""
    closed_at: Micros | None = None
    """The time of its close, by the server's clock; None while it is open, or if the time is unknown."""
    decided_by_name: str | None = None
    """The server's name for the decider."""
    own_offset: Micros | None = None
    """Its announcement's clock minus ours, in microseconds, if it came at once; see `ServerClock.contradicts`."""
    offers: Offers = "nothing"
    """The kind of answer that it takes."""
    options_note: str | None = None
    """A sentence about the options that cannot be read."""
    command: str | None = None
    """The command that carries its answer, where the server wants one of its own."""
    schema: dict[str, Any] | None = None
    """The JSON Schema of the values that go with an answer."""
    requests: tuple[ActionRequest, ...] = ()
    """The actions that it asks about, each of which needs a decision."""

    @property
    def response_s(self) -> float | None:
        """Seconds from the question to its answer."""
        return span_s(self.requested_at, self.decided_at)

    @property
    def heading(self) -> str:
        """Its title, else its kind, else its id."""
        return self.title or self.kind or self.checkpoint_id

    @property
    def is_decided_here(self) -> bool:
        """True if the answer that counts was given here, by a person or by a policy."""
        return self.decided_by in {"you", "policy"}

    @property
    def is_open(self) -> bool:
        """True if it still waits: no decision is known."""
        return self.status in OPEN_CHECKPOINT

    @property
    def labels(self) -> list[str]:
        """The labels of the options, in their order; the id stands beside a label that several have."""
        counts = Counter(option.label for option in self.options)
        return [o.label if counts[o.label] == 1 else f"{o.label} ({o.id})" for o in self.options]

    def option(self, name: Any) -> CheckpointOption | None:
        """Return the offered option with this value, else with this id, else the only one with this label; or None."""
        if name is None:
            return None
        if not isinstance(name, str):
            return next((option for option in self.options if _is_value(option, name)), None)
        found = [option for option in self.options if option.id == name]
        found = found or [option for option in self.options if option.value == name]
        found = found or [option for option in self.options if option.label == name]
        return found[0] if len(found) == 1 else None


def _is_value(option: CheckpointOption, value: Any) -> bool:
    """Return whether this is the server's value for the option: True is not 1, while 1.0 is."""
    return option.value == value and isinstance(option.value, bool) is isinstance(value, bool)


class RestorePoint(Struct):
    """A checkpoint without a question: the task can be put back to it."""

    checkpoint_id: str
    task_id: str | None = None
    kind: str | None = None
    reason: str | None = None
    created_at: Micros | None = None
    restored_at: Micros | None = None


class Decision(Struct):
    """One answer to a checkpoint: `queued → sent → acknowledged → applied`, or another end."""

    decision_id: str
    checkpoint_id: str
    task_id: str | None
    answer: Answer[str]
    state: DecisionState
    by: str
    requested_at: Micros
    sent_at: Micros | None = None
    acknowledged_at: Micros | None = None
    error: str | None = None
    code: str | None = None
    round: int = 1
    """The round of the checkpoint that it answers."""
    asked_at: Micros | None = None
    """The time of the question's arrival, by our clock."""
    presumed: bool = False
    """True if it counts as applied only because the server reported a decision like it."""

    @property
    def option(self) -> str:
        """The id of the option."""
        return self.answer.option

    @property
    def feedback(self) -> str | None:
        """The words beside the option."""
        return self.answer.feedback

    @property
    def modifications(self) -> Any:
        """The requested changes."""
        return self.answer.modifications

    @property
    def decisions(self) -> tuple[ActionDecision, ...] | None:
        """The decision on each action of the question; None for a question of another kind."""
        known: tuple[ActionDecision, ...] | None = self.answer.decisions
        return known


class Link(Struct):
    """A change of the link: `missed` and `recovered` count events, `duplicates` those dropped since.

    `filled` counts events that an earlier row counted as missed and that have come since.
    """

    at: Micros
    state: LinkStatus
    attempt: int
    reason: str | None
    missed: int | None
    recovered: int | None
    duplicates: int = 0
    retry_at: Micros | None = None
    notice: str | None = None
    filled: int | None = None


class AlertRow(NamedTuple):
    """A message that the server wants people to see."""

    level: str
    text: str
    at: Micros


class Run(Struct, Generic[T], frozen=True):
    """The run as a whole, as known at one moment; `T` is the type of its times.

    `percent` is 0 to 100, None while unknown; `duration_s` is the server's, else from start to end.
    """

    execution_id: str | None
    title: str | None
    status: str
    total_tasks: int | None
    completed_tasks: int
    failed_tasks: int
    skipped_tasks: int
    running_tasks: int
    percent: float | None
    tokens_used: int | None
    token_budget: int | None
    cost_usd: float | None
    cost_limit: float | None
    artifacts: int
    expected_artifacts: int | None
    errors: int
    started_at: T | None
    ended_at: T | None
    duration_s: float | None
    estimated_duration_s: float | None
    current_task: str | None
    current_task_name: str | None
    current_wave: int | None


def span_s(start: Micros | None, end: Micros | None) -> float | None:
    """Return the seconds between two times, None where one is unknown."""
    return None if start is None or end is None else max(0.0, (end - start) / 1e6)
