"""Facts of a run: one frozen struct per fact, the same for every wire and event family.

Three kinds enter :meth:`runconsole.state.RunState.apply`:

* facts of the server (`ExecutionStarted` … `Alert`), wrapped in a `Received` with the envelope of their event;
* facts about the link (`LinkChanged`, `DuplicateDropped`);
* facts about our own decisions (`DecisionRequested` … `DecisionUnanswered`).

Times are integer microseconds since 1970-01-01 UTC, durations are seconds, money is US dollars; None is "not reported".
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeAlias, TypeVar

import msgspec
from msgspec import Meta, Struct

FIRST_MICROS = -62_135_596_800_000_000
"""The first moment of the year 1."""
LAST_MICROS = 253_402_300_799_999_999
"""The last moment of the year 9999."""
Micros: TypeAlias = Annotated[int, Meta(ge=FIRST_MICROS, le=LAST_MICROS)]
"""Microseconds since 1970-01-01 UTC, within the years 1 to 9999: what dates in Python, Arrow and pandas can hold."""

Prices: TypeAlias = dict[str, tuple[float, ...]]
"""US dollars for a million tokens by model: of input and of output, perhaps also of input from a cache, perhaps of
reasoning too. A price that lacks is that of input, or of output."""

Offers = Literal["told", "assumed", "text", "nothing"]
"""The answers that a question takes: one of its options (`told`), Approve or Reject where the server named no option
(`assumed`), free text, or nothing, because its options cannot be read."""

LinkStatus = Literal["idle", "connecting", "live", "retrying", "ended", "failed", "stopped"]


class TaskStatus(enum.StrEnum):
    """The one vocabulary for tasks, subtasks, phases and waves, for every wire."""

    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"

    # An enum's own hash is a Python call, and every event looks several up.
    __hash__ = str.__hash__


class Fact(Struct, frozen=True, gc=False):
    """Base class of everything that happens to a run."""


# ---- executions ----------------------------------------------------------------------------------------------------


class PhasePlan(Struct, frozen=True, gc=False):
    """One phase as announced: its number, name and how many tasks it holds."""

    number: int
    name: str | None = None
    tasks: int | None = None
    status: TaskStatus | None = None


class ExecutionStarted(Fact, frozen=True, gc=False):
    """The run began; `phases` is the plan."""

    execution_id: str | None = None
    total_tasks: int | None = None
    total_atoms: int | None = None
    estimated_duration_s: float | None = None
    phases: tuple[PhasePlan, ...] = ()
    title: str | None = None
    token_budget: int | None = None
    cost_limit: float | None = None
    expected_artifacts: int | None = None


class TaskReported(Fact, frozen=True, gc=False):
    """One task's status with the run's counters of that moment (`progress_update` of the execution family)."""

    task_id: str | None = None
    task_name: str | None = None
    phase: int | None = None
    phase_name: str | None = None
    status: TaskStatus | None = None
    wave: int | None = None
    duration_s: float | None = None
    completed_tasks: int | None = None
    total_tasks: int | None = None
    percent: float | None = None
    current_task: str | None = None
    subtask_status: dict[str, str] | None = None
    """The status of some of its subtasks, by name, in the server's words (read by `statuses`)."""
    status_word: str | None = None
    """The server's word for the task's status, where it is not a known one."""
    files: tuple[str, ...] = ()
    """Paths that the task has written."""
    is_last: bool = False
    """True if the run ends with it, on a wire without any other sign of the end."""
    error: str | None = None
    """The reason of its failure."""


class WaveCompleted(Fact, frozen=True, gc=False):
    """A wave ended. `atoms` are units of work inside tasks."""

    wave: int
    atoms: int | None = None
    atoms_completed: int | None = None
    failed: int | None = None
    success_rate: float | None = None
    artifacts: int | None = None
    duration_s: float | None = None


class ExecutionCompleted(Fact, frozen=True, gc=False):
    """The run ended, with the server's own sums."""

    status: str | None = None
    execution_id: str | None = None
    total_tasks: int | None = None
    completed_tasks: int | None = None
    failed_tasks: int | None = None
    skipped_tasks: int | None = None
    duration_s: float | None = None
    artifacts: int | None = None
    tokens_used: int | None = None
    cost_usd: float | None = None


class StageReported(Fact, frozen=True, gc=False):
    """A stage before the execution (discovery, generation of a plan): a task of its own, its steps as subtasks."""

    stage: str
    name: str | None = None
    status: TaskStatus | None = None
    progress: float | None = None
    step: str | None = None
    part: str | None = None
    part_status: TaskStatus | None = None
    tokens: int | None = None
    cost_usd: float | None = None
    duration_s: float | None = None
    error: str | None = None


class PhaseReported(Struct, frozen=True, gc=False):
    """State of a phase as a whole. A phase without a number is found by its name."""

    number: int | None = None
    name: str | None = None
    status: TaskStatus | None = None
    done: int | None = None
    total: int | None = None


class PhaseTold(Fact, frozen=True, gc=False):
    """A phase began or ended."""

    reported: PhaseReported


class PipelineReported(Fact, frozen=True, gc=False):
    """A pipeline's counters, metrics and present phase; None leaves the known value."""

    reported: PhaseReported | None = None
    current_task: str | None = None
    percent: float | None = None
    total_tasks: int | None = None
    completed_tasks: int | None = None
    failed_tasks: int | None = None
    tokens: int | None = None
    cost_usd: float | None = None
    line: str | None = None
    """A line for the output."""
    is_error: bool = False
    context_percent: float | None = None
    """The used part of the model's context, in percent."""


# ---- tasks ---------------------------------------------------------------------------------------------------------


class TaskDetails(Struct, frozen=True, gc=False):
    """Rare details of a task. `coverage` in percent as reported, `provider_time` in seconds by provider."""

    type: str | None = None
    queue_position: int | None = None
    estimated_start: Micros | None = None
    access_mode: str | None = None
    elapsed_s: float | None = None
    remaining_s: float | None = None
    tests_run: int | None = None
    tests_passed: int | None = None
    coverage: float | None = None
    commit: str | None = None
    pull_request: str | None = None
    spec_path: str | None = None
    changelog: str | None = None
    provider_time: dict[str, float] | None = None
    last_checkpoint: str | None = None


class TaskCreated(Fact, frozen=True, gc=False):
    """A task was created or queued."""

    task_id: str
    prompt: str | None = None
    details: TaskDetails | None = None


class TaskStarted(Fact, frozen=True, gc=False):
    """A worker began (or began again) with the task."""

    task_id: str
    worker_id: str | None = None
    provider_id: str | None = None
    details: TaskDetails | None = None


class SubtaskReported(Fact, frozen=True, gc=False):
    """News of one subtask; None leaves the known value."""

    task_id: str
    subtask_id: str
    status: TaskStatus | None = None
    name: str | None = None
    description: str | None = None
    progress: float | None = None
    duration_s: float | None = None
    agent_id: str | None = None
    error: str | None = None
    artifacts: tuple[str, ...] = ()


class TaskProgressed(Fact, frozen=True, gc=False):
    """The task's own progress, 0 to 100, with its metrics so far."""

    task_id: str
    progress: float | None = None
    step: str | None = None
    status: TaskStatus | None = None
    phase_name: str | None = None
    subtask: SubtaskReported | None = None
    tokens: int | None = None
    cost_usd: float | None = None
    details: TaskDetails | None = None
    status_word: str | None = None
    """The server's word for the task's status, where it is not a known one."""


class TaskProviderChanged(Fact, frozen=True, gc=False):
    """The task continues with another provider; `reason` is the server's."""

    task_id: str
    provider_id: str
    reason: str | None = None


class TaskStatusChanged(Fact, frozen=True, gc=False):
    """The task was queued, paused or resumed."""

    task_id: str
    status: TaskStatus


class TaskPhaseChanged(Fact, frozen=True, gc=False):
    """The task moved to another named phase."""

    task_id: str
    phase_name: str | None = None
    previous: str | None = None


class TaskOutput(Fact, frozen=True, gc=False):
    """A chunk of a task's output, as written: it may end in the middle of a line."""

    task_id: str | None
    stream: Literal["stdout", "stderr"]
    text: str
    worker_id: str | None = None
    agent_id: str | None = None


class TaskCompleted(Fact, frozen=True, gc=False):
    """The task ended well."""

    task_id: str
    duration_s: float | None = None
    tokens: int | None = None
    cost_usd: float | None = None
    files_created: tuple[str, ...] = ()
    files_modified: tuple[str, ...] = ()
    files_deleted: tuple[str, ...] = ()
    details: TaskDetails | None = None


class TaskFailed(Fact, frozen=True, gc=False):
    """The task ended with an error."""

    task_id: str
    message: str
    code: str | None = None
    recoverable: bool | None = None
    duration_s: float | None = None
    tokens: int | None = None
    cost_usd: float | None = None
    stack: str | None = None
    details: TaskDetails | None = None


class TaskCancelled(Fact, frozen=True, gc=False):
    """The task was cancelled."""

    task_id: str
    reason: str | None = None
    cancelled_by: str | None = None
    duration_s: float | None = None
    tokens: int | None = None
    cost_usd: float | None = None
    details: TaskDetails | None = None


# ---- agents and tool calls -----------------------------------------------------------------------------------------


class TokenUsage(Struct, frozen=True, gc=False):
    """Tokens and cost that one model has used for an agent so far. Facts about the same `id` replace each other."""

    id: str | None = None
    """The thing that was counted, such as a message or a run; None is all work of the agent with this model."""
    model: str | None = None
    """The model; None is that of the agent."""
    tokens: int | None = None
    """All of them; None is `input_tokens` and `output_tokens` together."""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    """The part of `input_tokens` that came from the provider's cache."""
    reasoning_tokens: int | None = None
    """The part of `output_tokens` that the model wrote for itself."""
    cost_usd: float | None = None


class AgentReported(Fact, frozen=True, gc=False):
    """News of an agent or a sub-agent; None leaves the known value."""

    agent_id: str
    task_id: str | None = None
    """The task on which it works."""
    status: TaskStatus | None = None
    name: str | None = None
    parent_id: str | None = None
    """The agent that has begun it."""
    model: str | None = None
    usage: tuple[TokenUsage, ...] = ()
    """Its own, without that of its sub-agents."""
    duration_s: float | None = None
    error: str | None = None
    subtask: SubtaskReported | None = None
    """The same news as that of a subtask."""


class ToolCallReported(Fact, frozen=True, gc=False):
    """News of a call of a tool: its start, its arguments, its result or its end; None leaves the known value."""

    tool_call_id: str | None = None
    """None where the server gives none: then a start is another call, and an end that of the oldest open one."""
    task_id: str | None = None
    agent_id: str | None = None
    """The agent that calls, as in `AgentReported`."""
    name: str | None = None
    """The tool."""
    status: TaskStatus | None = None
    arguments: str | None = None
    """Their JSON text; of arguments that are still arriving, the beginning."""
    result: str | None = None
    """Its JSON text."""
    error: str | None = None
    duration_s: float | None = None
    subtask: SubtaskReported | None = None
    """The same news as that of a subtask."""


# ---- both families -------------------------------------------------------------------------------------------------


class ArtifactCreated(Fact, frozen=True, gc=False):
    """A file was created, modified or deleted. `size` in bytes."""

    path: str
    size: int | None = None
    kind: str | None = None
    language: str | None = None
    task_id: str | None = None
    action: str | None = None


class ErrorReported(Fact, frozen=True, gc=False):
    """An error inside a task or an agent; `attempt` counts retries from 1."""

    message: str
    task_id: str | None = None
    task_name: str | None = None
    error_type: str | None = None
    recoverable: bool | None = None
    attempt: int | None = None
    max_retries: int | None = None
    stack: str | None = None
    action: str | None = None
    agent_id: str | None = None


class Alert(Fact, frozen=True, gc=False):
    """A message that the server wants people to see: a system alert, a cost threshold, the refusal of a request."""

    level: str
    text: str


class Logged(Fact, frozen=True, gc=False):
    """A known event that means nothing but its row in the log (`worker.*`, `provider.*`, `agent.thinking`, …)."""

    task_id: str | None = None


class UnknownEvent(Fact, frozen=True, gc=False):
    """An event of an unknown type or shape: kept, counted, shown."""

    task_id: str | None = None


class MalformedFrame(Fact, frozen=True, gc=False):
    """A frame that cannot be read at all: kept as text, counted, shown."""

    error: str


# ---- checkpoints ---------------------------------------------------------------------------------------------------


class CheckpointOption(Struct, frozen=True, gc=False, repr_omit_defaults=True):
    """One possible answer. `action` is the server's name for it where that differs from `id`."""

    id: str
    label: str
    description: str | None = None
    action: str | None = None
    is_default: bool = False
    value: Any = None
    """The server's own value for it where that is not its id (7, true), sent back unchanged. None: the id is sent."""


ActionVerb = Literal["approve", "edit", "reject", "respond", "ignore"]
"""What a person may do with a requested action: let it happen, with other arguments too; forbid it; answer instead."""


class ActionRequest(Struct, frozen=True, repr_omit_defaults=True):
    """An action, mostly the call of a tool, that a question asks about.

    Attributes:
        name: the tool, or other words for the action.
        args: its arguments by name; any other value where the server has no names.
        description: words of the server about it.
        allowed: the decisions that it takes.
        schema: the JSON Schema of its arguments; None where the server gives none.
    """

    name: str
    args: Any = {}
    description: str | None = None
    allowed: tuple[ActionVerb, ...] = ("approve", "reject")
    schema: dict[str, Any] | None = None


class ActionDecision(Struct, frozen=True, omit_defaults=True, repr_omit_defaults=True):
    """The decision on one action of a question.

    Attributes:
        type: what becomes of the action.
        args: all of its arguments, for ``"edit"``.
        message: the answer in its place, for ``"respond"``; the reason, for ``"reject"``.
    """

    type: ActionVerb
    args: Any = None
    message: str | None = None


class CheckpointOpened(Fact, frozen=True, gc=False):
    """The run needs a person's decision (`task.hitl_required`, `checkpoint.pending`)."""

    checkpoint_id: str
    task_id: str | None = None
    kind: str | None = None
    title: str | None = None
    description: str | None = None
    options: tuple[CheckpointOption, ...] = ()
    context: dict[str, Any] | None = None
    deadline: Micros | None = None
    default_action: str | None = None
    listed: bool = False
    """True if the server listed it on request: then it waits now, and earlier facts about it are outdated."""
    expires_in_s: float | None = None
    """Seconds from the question to its deadline, where the server gives these instead of a time."""
    offers: Offers = "told"
    options_note: str | None = None
    """A sentence about the options that cannot be read."""
    command: str | None = None
    """The command that carries its answer, where the server wants one of its own."""
    schema: dict[str, Any] | None = None
    """The JSON Schema of the values that go with an answer."""
    requests: tuple[ActionRequest, ...] = ()
    """The actions that it asks about, each of which needs a decision."""


class CheckpointReminded(Fact, frozen=True, gc=False):
    """The server says the deadline is near."""

    checkpoint_id: str
    deadline: Micros | None = None
    expires_in_s: float | None = None


class CheckpointDecided(Fact, frozen=True, gc=False):
    """Somebody decided: we, another client, or the time-out (`automatic`)."""

    checkpoint_id: str
    option: str | None = None
    feedback: str | None = None
    decided_by: str | None = None
    automatic: bool = False
    response_s: float | None = None
    decided_at: Micros | None = None
    """The time of the decision, where the server gives it beside the event's own time."""


class CheckpointExpired(Fact, frozen=True, gc=False):
    """Our own observation: the deadline has passed by the server's clock, and the server is silent."""

    at: Micros
    checkpoint_id: str
    reason: str | None = None
    """The reason, where it is not the deadline."""


class CheckpointSaved(Fact, frozen=True, gc=False):
    """A restore point was made or used (`task.checkpoint`); it asks nothing."""

    task_id: str | None
    checkpoint_id: str | None = None
    kind: str | None = None
    reason: str | None = None
    restored: bool = False
    """True if the task was put back to it."""


# ---- envelopes -----------------------------------------------------------------------------------------------------


class Names(NamedTuple):
    """Names in an event: those of its execution, task and checkpoint."""

    execution: str | None = None
    plan: str | None = None
    """The whole that an execution is part of, or another name of it: a master plan, a run."""
    task: str | None = None
    parent: str | None = None
    """The task that contains the task."""
    checkpoint: str | None = None


class Received(Struct, frozen=True, gc=False):
    """One event as it arrived: the envelope's own facts, its payload's JSON text, and its meaning."""

    type: str
    fact: Fact
    payload: str
    """The JSON text of the event's data, byte for byte as received; of a malformed frame its text."""
    received_at: Micros = 0
    timestamp: Micros | None = None
    event_id: str | None = None
    seq: int | None = None
    correlation_id: str | None = None
    offset: str | None = None
    """The wire's own resume mark (a tRPC tracked id)."""
    beside: Names | None = None
    """Names that stand beside the event's data."""


def events_of(signals: Iterable[object]) -> list[Received]:
    """Return the events among a wire's signals: the events themselves, and those inside signals of copies."""
    events = (signal if signal.__class__ is Received else getattr(signal, "event", None) for signal in signals)
    return [event for event in events if isinstance(event, Received)]


# ---- the link and our decisions ------------------------------------------------------------------------------------


class LinkChanged(Fact, frozen=True, gc=False):
    """The link's state changed, or a loss became known. `retry_at` is by our clock.

    `interrupted`: the stream has ended, again and again, before the run did. `filled`: the number of events that were
    counted as missed and have come since.
    """

    at: Micros
    status: LinkStatus
    attempt: int = 0
    reason: str | None = None
    missed: int | None = None
    recovered: int | None = None
    retry_at: Micros | None = None
    notice: str | None = None
    interrupted: bool | None = None
    filled: int | None = None
    quiet: Literal["silent", "done"] | None = None
    """The silence that `reason` is about: no run has come at all, or all is done and the end is not reported."""


class DuplicateDropped(Fact, frozen=True, gc=False):
    """A known event came again and was not applied a second time."""

    count: int = 1


class RunDescribed(Fact, frozen=True, gc=False):
    """The cell was run again: the run's title and limits by the console's arguments of the same names."""

    title: str | None = None
    token_budget: int | None = None
    cost_limit: float | None = None
    expected_artifacts: int | None = None
    prices: Prices | None = None


DESCRIBED: tuple[str, ...] = RunDescribed.__struct_fields__
"""The arguments of a console that describe its run: they are in the header of its recording, too."""

Option = TypeVar("Option")


class Answer(Struct, Generic[Option], frozen=True, repr_omit_defaults=True):
    """An answer to a checkpoint: one value from the button, or the line of code, to the frame that carries it.

    Attributes:
        option: before the lookup, any name of an option (`Answer[Any]`: an id, a label, the server's own value);
            afterwards the option's id (`Answer[str]`).
        feedback: free words for the run.
        modifications: the requested changes, any value that JSON can carry.
        decisions: one decision for each action of the question: before the check, a list of `ActionDecision`s, of dicts
            with their fields, or of their types; afterwards a tuple of `ActionDecision`s. None for a question of
            another kind.
    """

    option: Option
    feedback: str | None = None
    modifications: Any = None
    decisions: Any = None

    def details(self) -> dict[str, Any]:
        """Return the parts beside the option, by the names that servers use, without those that were not given."""
        decisions = None if self.decisions is None else msgspec.to_builtins(self.decisions)
        parts = {"feedback": self.feedback, "modifications": self.modifications, "decisions": decisions}
        return {name: value for name, value in parts.items() if value is not None}


class DecisionRequested(Fact, frozen=True, gc=False):
    """A person (or code) answered a checkpoint; `decision_id` is the correlation id."""

    at: Micros
    decision_id: str
    checkpoint_id: str
    answer: Answer[str]
    action: str | None = None
    """The server's name for the option, where that differs from its id."""
    by: str = "you"
    shares_action: bool = False
    """True if another option has the same action: then the action alone does not identify the choice."""
    meaning: str | None = None
    """The action that the option means, reported or inferred (`runconsole.actions`)."""
    shares_meaning: bool = False
    """True if another option has the same meaning."""
    value: Any = None
    """The server's own value for the option where that is not its id."""
    command: str | None = None
    """The command that carries the answer, where the server wants one of its own."""

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
    def sent_value(self) -> Any:
        """The value that is sent for the option: the server's own, of its own type, else the id."""
        return self.option if self.value is None else self.value


class DecisionHeld(Fact, frozen=True, gc=False):
    """The decision waits for others, with which it goes out in one request."""

    at: Micros
    decision_id: str
    reason: str


class DecisionSent(Fact, frozen=True, gc=False):
    """The frame left; the server may have received it from now on."""

    at: Micros
    decision_id: str


class DecisionAcknowledged(Fact, frozen=True, gc=False):
    """The server accepted the decision."""

    at: Micros
    decision_id: str
    applied: str | None = None
    """The option or action that the server has applied by its own word."""


class DecisionTurnedDown(Fact, frozen=True, gc=False):
    """The server (or the console) refused the decision.

    `final` means that the checkpoint is already decided, `expired` that its time is up, `gone` that it does not exist.
    """

    at: Micros
    decision_id: str
    reason: str
    code: str | None = None
    final: bool = False
    expired: bool = False
    gone: bool = False


class DecisionPresumed(Fact, frozen=True, gc=False):
    """The server reported a decision like ours, and nothing since attributes it to another client."""

    at: Micros
    decision_id: str


class DecisionUnanswered(Fact, frozen=True, gc=False):
    """The link died, or no answer came, after the decision was sent; or later facts do not settle its fate."""

    at: Micros
    decision_id: str
    reason: str
