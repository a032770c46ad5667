"""The shapes of the browser's data: the picture of a run, its rows, and the changes to it.

`scripts/contract.py` writes `js/src/kernel/contract.ts` from this module and from `runconsole.widget.messages`: the
names, the fields, and the strings below them. In ``Annotated[A, B]`` the kernel has an A, the browser reads it as a B.

Times are epoch milliseconds by the kernel's clock, durations seconds; `None` is unknown. Every string that comes from
the stream is plain text, never HTML. Deceptive characters have visible marks (`runconsole.text.marks`), except in ids,
keys and the payload of events. A long id is a reference: its beginning and a digest.
"""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, NotRequired, TypedDict, TypeVar

from runconsole.events import LinkStatus, TaskStatus
from runconsole.forms.fields import FieldKind
from runconsole.state.rows import CheckpointStatus, DecidedBy, DecisionState

__all__ = [
    "ArtifactGroupRow",
    "ArtifactRow",
    "Changes",
    "CheckpointRow",
    "Context",
    "DecisionRow",
    "Described",
    "ErrorGroupRow",
    "ErrorRow",
    "EventRow",
    "Head",
    "KeyedName",
    "OptionRow",
    "OutputRow",
    "PhaseRow",
    "Picture",
    "ReplayPosition",
    "Row",
    "Storm",
    "SubtaskRow",
    "Table",
    "TableName",
    "TablePatch",
    "TaskHistory",
    "TaskQuestion",
    "TaskRow",
    "TimelineBar",
    "TimelineDensity",
    "TimelineLane",
    "TimelinePath",
    "TimelineQuestion",
    "TimelineSlow",
    "TimelineWave",
    "TimelineWindow",
    "UsageRow",
    "WaveRow",
    "WriterRow",
]

Decider = Annotated[str | None, DecidedBy, None]
"""`policy`: an answer of ours that a function gave, not a person."""
TaskStatusName = Annotated[str, TaskStatus]
RunStatus = Annotated[str, TaskStatus, Literal["partial", "interrupted"]]
"""`partial`: some tasks failed; `interrupted`: the stream ended before the run did."""
DeliveryState = Annotated[str, DecisionState]
ErrorOutcome = Literal["fatal", "recovered", "open"]
"""`open`: an attempt may follow, or the task's end is not known yet."""
Pair = Annotated[list[str], tuple[str, str]]
Left = Annotated[list[int], tuple[int, int]]
Cost = Annotated[float | None, float]
EventTime = Annotated[int | None, int]
MarkName = Literal["error", "question", "phase"]
ReplayMark = Annotated[list[Any], tuple[float, MarkName]]
RunLabel = Annotated[list[Any], tuple[int, str]]
KeyedName = Literal["phases", "waves", "tasks", "active", "agents", "usage", "checkpoints"]
"""A table whose rows change."""
TableName = Annotated[str, KeyedName, Literal["output", "artifacts", "errors", "decisions", "events"]]
"""The others only grow."""


class Storm(TypedDict):
    """Many errors of one kind in a short time."""

    type: str | None
    message: str
    count: int
    tasks: int
    since: int
    at: int
    """The newest of them: long ago, the storm has passed."""


class AlertItem(TypedDict):
    """A system alert or a cost warning."""

    level: str
    text: str
    at: int | None


class ReplayPosition(TypedDict):
    """A recording that is played: its position and its speed."""

    position_s: float
    duration_s: float
    speed: float
    """Seconds of the recording per second; 0 is as fast as possible."""
    playing: bool
    over: bool
    """True at the end of the recording."""


class Described(TypedDict):
    """The fields of the head that are not in the state of the run."""

    title: str
    url: str
    """Redacted: never holds a secret."""
    protocol: str
    link: LinkStatus
    events: int
    malformed: int
    unknown: int
    replay: ReplayPosition | None
    """The controls of a recording; null of a live run."""
    replay_marks: NotRequired[list[ReplayMark]]
    """The seconds and kinds of what happened in the recording, as far as it was ever read: at most 200."""
    commands: NotRequired[list[str]]
    """The commands for tasks that the server takes."""
    run: NotRequired[int]
    """The number of the shown execution, where a server has begun several."""
    runs: NotRequired[list[RunLabel]]
    """The name and status of each execution, where a server has begun several."""


class Head(Described):
    """The data of the header, the overview and the notices. Complete in a snapshot; patches carry changed fields."""

    attempt: int
    retry_at: int | None
    """The time of the next connection attempt, while `link` is "retrying"."""
    reason: str | None
    """The reason why the link is retrying, failed or ended: one plain sentence."""
    notice: str | None
    """The newest notable event of the link: "reconnected after 4 s: 12 events recovered, 3 missed"."""
    status: RunStatus
    percent: float | None
    total_tasks: int | None
    completed_tasks: int
    failed_tasks: int
    counts: dict[TaskStatusName, int]
    started_at: int | None
    ended_at: int | None
    duration_s: float | None
    """Set once the run has ended or the server reported it."""
    last_event_at: NotRequired[int | None]
    """The arrival of the newest event, by the kernel's clock. Absent in pictures of older versions."""
    usual_gap_s: NotRequired[float | None]
    """The usual seconds between two events, those of one burst apart."""
    estimated_duration_s: float | None
    current_task: str | None
    current_task_name: str | None
    current_wave: int | None
    tokens_used: int | None
    token_budget: int | None
    cost_usd: float | None
    cost_limit: float | None
    artifacts: int
    expected_artifacts: int | None
    errors: int
    errors_fatal: NotRequired[int]
    """Errors that ended a task, or that the server calls not recoverable. Absent in pictures of older versions."""
    errors_open: NotRequired[int]
    """Errors of which it is not known yet what becomes of them."""
    storm: NotRequired[Storm | None]
    questions: NotRequired[int]
    """Open checkpoints; those that are due first are rows. Absent in pictures of older versions."""
    output_lines: int
    duplicates: int
    missed: int
    clock_offset: int
    """Server clock minus kernel clock, milliseconds, estimated from event times; for countdowns."""
    alerts: list[AlertItem]
    """The newest, at most three."""


class Row(TypedDict):
    """A row of a table."""

    key: str
    """Unique in its table, stable for the life of the run."""
    cut: NotRequired[list[str]]
    """Names of text fields that were cut to keep the picture small; `detail` has them whole."""


class PhaseRow(Row):
    """A phase of an execution."""

    number: int | None
    name: str
    tasks: int | None
    completed: int
    failed: int
    cancelled: NotRequired[int]
    """Absent in pictures of older versions."""
    progress: float | None
    status: RunStatus
    """`partial`: it has ended, and some of its tasks failed while others completed."""
    started_at: NotRequired[int | None]
    """Absent in pictures of older versions."""
    duration_s: float | None


class WaveRow(Row):
    """A wave of an execution."""

    wave: int
    status: TaskStatusName
    atoms: int | None
    atoms_completed: int | None
    failed: int | None
    success_rate: float | None
    artifacts: int | None
    duration_s: float | None


class SubtaskRow(TypedDict):
    """A subtask, in the row of its task."""

    id: str
    name: str
    description: str | None
    status: TaskStatusName
    progress: float | None
    duration_s: float | None


class TaskRow(Row):
    """A task."""

    id: str
    name: str
    phase_name: str | None
    phase: int | None
    wave: int | None
    status: TaskStatusName
    progress: float | None
    step: str | None
    attempts: int | None
    max_retries: int | None
    started_at: int | None
    ended_at: int | None
    duration_s: float | None
    tokens: int | None
    cost_usd: float | None
    worker_id: str | None
    provider_id: str | None
    error: str | None
    details: NotRequired[list[Pair]]
    """More facts, as name and text: only in an answer to `detail`."""
    subtasks_total: int
    subtasks_done: int
    subtasks: list[SubtaskRow]
    """At most 30; `subtasks_total` counts them all."""


AgentKind = Literal["task", "agent", "call"]


class AgentRow(Row):
    """A row of the tree of agents: a task, an agent or a sub-agent, or a call of a tool."""

    kind: AgentKind
    id: str
    level: int
    """From 1."""
    parts: int
    """The number of rows right below it."""
    name: str
    status: TaskStatusName
    model: str | None
    tokens: int | None
    """With those of all below it."""
    own_tokens: int | None
    cost_usd: float | None
    own_cost_usd: float | None
    started_at: int | None
    duration_s: float | None
    error: str | None
    arguments: str | None
    result: str | None
    facts: list[Pair]
    """The known counts of an agent's own tokens, as name and text."""


class OutputRow(Row):
    """A line of output. `key` is its number from 0; the open (last) line of a stream may still change."""

    task: str | None
    name: NotRequired[str]
    """The name of the task."""
    stream: Literal["stdout", "stderr"]
    text: str
    """May hold ANSI SGR sequences; other control characters are already gone."""
    at: int | None


class WriterRow(Row):
    """A task with output, by its id: an answer to `page` alone."""

    label: str
    """The name and the id of the task."""


class UsageRow(Row):
    """The totals of the run at one time."""

    at: int
    tasks: int | None
    """Completed tasks; None where the run has no tasks."""
    tokens: int | None
    cost_usd: float | None


class ArtifactRow(Row):
    """An artifact."""

    path: str
    size: int | None
    type: str | None
    language: str | None
    task: str | None
    action: str | None
    at: int | None


class ErrorRow(Row):
    """An error that a task or the run reported."""

    task: str | None
    task_name: str | None
    message: str
    error_type: str | None
    recoverable: bool | None
    attempt: int | None
    max_retries: int | None
    stack: str | None
    at: int | None
    group: NotRequired[str]
    """The key of its kind in `error_groups`. Absent in pictures of older versions."""
    outcome: NotRequired[ErrorOutcome]


class ErrorGroupRow(Row):
    """Errors of one kind: of one type, with messages that differ in numbers and ids alone. Only by `page`."""

    error_type: str | None
    message: str
    """That of the newest, like the next four."""
    task: str | None
    task_name: str | None
    attempt: int | None
    max_retries: int | None
    count: int
    tasks: int
    fatal: int
    open: int
    first_at: int | None
    at: int | None


class ArtifactGroupRow(Row):
    """The files of a folder or of a task. Only by `page`."""

    name: str
    """The folder's path, or the id of the task; empty for none."""
    task_name: str | None
    count: int
    size: int | None
    """Of those whose size is known."""
    at: int | None


class OptionRow(TypedDict):
    """An option of a checkpoint."""

    id: str
    label: str
    description: str | None
    is_default: bool
    destructive: bool
    """reject, cancel, abort...: set apart from the others."""
    asks_twice: NotRequired[bool]
    """By its words it ends or removes something for good: a person presses it twice."""
    modifies: bool
    """The option whose answer carries modifications (JSON)."""
    fills: NotRequired[bool]
    """The option whose answer carries the values of the form."""


class ChoiceRow(TypedDict):
    """A value to choose in a form."""

    label: str
    value: str
    """As JSON text."""


class FormField(TypedDict):
    """A value to fill in beside an answer."""

    key: str
    """Its path as one text, as errors name it."""
    path: list[str]
    """The names that lead to it in the values."""
    kind: FieldKind
    label: str
    description: str | None
    group: str | None
    """The label of the object that it is a part of."""
    required: bool
    choices: list[ChoiceRow]
    start: str | None
    """Its default, as JSON text."""
    limits: str
    """Words about what fits; empty for no limits."""


class ContextText(TypedDict):
    """A text of several lines in the context of a checkpoint: a diff, a plan."""

    name: str
    text: str


class RequestRow(TypedDict):
    """An action that needs a decision. Its fields in `form` have keys that begin with its number, from 0."""

    name: str
    description: str | None
    args: list[ContextText]
    """All of its arguments, by name; one without a name where they have none."""


class Context(TypedDict, total=False):
    """The parts of a checkpoint's context that have a place on the card."""

    spec: str
    changes: list[str]
    cost: Cost
    risk: str
    template: str
    """The data that an answer may modify, as indented JSON text to start from."""
    texts: list[ContextText]
    other: str
    """All other data, as indented JSON text."""


class CheckpointRow(Row):
    """A checkpoint, with the state of our answer."""

    rest: NotRequired[dict[str, Left]]
    """The lines and characters that each field of `cut` lacks."""
    id: str
    task: str | None
    task_name: str | None
    type: str | None
    title: str
    description: str | None
    options: list[OptionRow]
    """The first of them, at most 50."""
    options_total: NotRequired[int]
    """The number of all options; absent in pictures of older versions."""
    free_text: NotRequired[bool]
    """The answer is free text."""
    options_note: NotRequired[str]
    """The reason why options cannot be read: one plain sentence."""
    requests: NotRequired[list[RequestRow]]
    """The actions that it asks about: one decision for each goes with an answer."""
    form: NotRequired[list[FormField]]
    """The values that go with an answer."""
    context: Context
    default_action: str | None
    deadline: int | None
    """By the server's clock: compare with Date.now() + head.clock_offset."""
    reminded: bool
    """The server sent a reminder."""
    status: CheckpointStatus
    delivery: DecisionState | None
    """The state of our decision, if there is one."""
    answer: str | None
    """The option of our decision, with any outcome."""
    decision: str | None
    """The option that was decided; while ours is under way, ours."""
    decided_by: Decider
    feedback: str | None
    error: str | None
    """The reason why a decision was refused or is unknown: one plain sentence."""
    requested_at: int | None
    decided_at: int | None


class DecisionRow(Row):
    """A line of the history: an answer of ours and its outcome, or a decision by others or by the time-out."""

    checkpoint: str
    title: str | None
    option: str | None
    """The option's label; null without a decision."""
    feedback: str | None
    state: DeliveryState
    by: str | None
    """"you", "policy", "other", "timeout"; null without a decision."""
    took_s: float | None
    """Seconds from the question to its end."""
    at: int | None
    error: str | None


class EventRow(Row):
    """An event of the log, shortened."""

    type: str
    task: str | None
    at: EventTime
    kind: Literal["known", "unknown", "malformed"]
    """The reader's verdict: unreadable events are kept."""
    meaning: NotRequired[str]
    """The event in one line; absent in pictures of older versions."""
    payload: str
    """The beginning of the payload's JSON text."""


R = TypeVar("R")


class TaskQuestion(TypedDict):
    """A question about a task, in its history."""

    key: str
    title: str
    status: CheckpointStatus
    answer: str | None
    by: str | None
    """As in `DecisionRow`."""
    asked_at: int | None
    decided_at: int | None


class TaskHistory(TypedDict):
    """The facts about a task beside its row: the newest of each kind, in order, and the number of all."""

    errors: list[ErrorRow]
    """One for each attempt that failed."""
    errors_total: int
    files: list[ArtifactRow]
    files_total: int
    questions: list[TaskQuestion]
    questions_total: int
    output: list[OutputRow]
    """Its last lines among the newest `output_searched` of the run."""
    output_searched: int


class Table(TypedDict, Generic[R]):
    """A table of the picture."""

    total: int
    """Rows that exist in the kernel."""
    rows: list[R]
    """The rows shown without a request: all of them, or (append-only tables) the newest. In order."""


class PictureTables(TypedDict):
    """The tables of the picture."""

    phases: Table[PhaseRow]
    """The first 200: the rest by `page`."""
    waves: Table[WaveRow]
    """The newest 200: the rest by `page`."""
    tasks: Table[TaskRow]
    """All tasks while there are at most 200, else the first 200 by arrival: the rest by `page`."""
    active: Table[TaskRow]
    """Running and paused tasks, newest first, at most 12."""
    agents: Table[AgentRow]
    """The first 100 rows of the tree, each below the one that it is a part of: the rest by `page`."""
    usage: Table[UsageRow]
    """The growth of the run: at most 120 times, the last is the present."""
    output: Table[OutputRow]
    """The newest lines, at most 200 in a snapshot."""
    artifacts: Table[ArtifactRow]
    errors: Table[ErrorRow]
    checkpoints: Table[CheckpointRow]
    """Up to 20 open checkpoints, those due first, in order of arrival; then up to five that were decided lately."""
    decisions: Table[DecisionRow]
    events: Table[EventRow]
    """The newest events, at most 16."""


class Picture(PictureTables):
    """All data of a run that the panel shows."""

    head: Head


class TablePatch(TypedDict, Generic[R], total=False):
    """The changes of a table.

    Without `order` new rows go to the end. For the append-only tables (`output`, `artifacts`, `errors`, `decisions`,
    `events`) keys are the decimal row numbers 0, 1, 2...; a patch may skip numbers when the stream was faster than the
    panel: the view asks for a `page` when a person looks there. A row of `active` that `tasks` holds too is sent there
    only; `order` names it.
    """

    set: list[R]
    """New and changed rows, whole."""
    total: int
    order: list[str]
    """The complete new sequence of keys; keys not in it are gone."""


SegmentKind = Literal["queued", "working", "asked", "retrying", "paused"]
TimelineSegment = Annotated[list[Any], tuple[SegmentKind, int, int | None]]
LaneKind = Literal["worker", "phase", "wave", "task"]


class TimelineBar(TypedDict):
    """A task that has begun. Times are milliseconds after the timeline's `origin`; null while it lasts."""

    key: str
    """The key of its row in `tasks`."""
    id: str
    name: str
    row: int
    """Its row, counted through all lanes."""
    lane: int
    status: TaskStatusName
    start: int
    end: int | None
    segments: list[TimelineSegment]
    """Kind, start and end of each; the first one may be the time in the queue, before `start`."""
    failures: NotRequired[list[int]]
    """The times at which attempts failed, before the end."""
    attempts: NotRequired[int]
    """Absent for one."""
    critical: NotRequired[int]
    """Its number on the critical path, from 1; absent beside it."""
    rank: NotRequired[int]
    """1 to 5 for the slowest tasks of the run."""


class TimelineDensity(TypedDict):
    """Numbers of tasks in each of many equally long times, as whole percent of `peak`."""

    peak: float
    """The most tasks at once, as the mean of one of those times."""
    busy: list[int]
    asked: list[int]
    failed: list[int]
    """Tasks that failed in this time, per task that ended in it."""
    critical: list[int]
    """The share of the time that the critical path was here."""


class TimelineLane(TypedDict):
    """The tasks of one worker, phase or wave; one lane holds all where they are not grouped."""

    index: int
    name: str
    row: int
    """The first of its rows."""
    rows: int
    tasks: int
    density: NotRequired[TimelineDensity]
    """In place of bars."""


class TimelineWave(TypedDict):
    """A wave, or neighboring ones where there are too many."""

    name: str
    start: int
    end: int | None
    status: TaskStatusName


class TimelineQuestion(TypedDict):
    """A question, or several that were asked in a short time."""

    key: str
    """The key of the first one's row in `checkpoints`."""
    title: str
    task: str | None
    """The id of its task."""
    start: int
    end: int | None
    count: int


class TimelineSlow(TypedDict):
    """One of the slowest tasks of the run, the slowest first."""

    key: str
    id: str
    name: str
    row: int
    start: int
    end: int | None


class TimelinePath(TypedDict):
    """The critical path as a whole."""

    tasks: int
    work_s: float
    wait_s: float


class TimelineWindow(TypedDict):
    """A window of the timeline. Times are milliseconds after `origin`, an epoch time by the server's clock."""

    by: LaneKind
    origin: int
    end: int | None
    """The end of the run; null while it goes on."""
    until: int
    """The newest known time: the end of `overview`."""
    start: int
    stop: int
    """The time that `bars`, the lanes' densities and the marks are about."""
    first: int
    """The first row that `lanes` and `bars` are about."""
    rows: int
    """All rows: of bars, or where `dense` of lanes."""
    dense: bool
    """The bars are too many to tell apart: each lane is one row, with its density."""
    lanes: list[TimelineLane]
    lanes_total: int
    bars: list[TimelineBar]
    overview: TimelineDensity
    waves: list[TimelineWave]
    questions: list[TimelineQuestion]
    slowest: list[TimelineSlow]
    path: TimelinePath
    tasks: int
    """All tasks that have begun."""
    waiting: int
    """Tasks that have not begun."""
    workers: bool
    """A task names its worker."""


HeadChanges = Annotated[dict[str, Any], "Partial<Head>"]


class Changes(TypedDict, total=False):
    """The changes of the picture."""

    head: HeadChanges
    phases: TablePatch[PhaseRow]
    waves: TablePatch[WaveRow]
    tasks: TablePatch[TaskRow]
    active: TablePatch[TaskRow]
    agents: TablePatch[AgentRow]
    usage: TablePatch[UsageRow]
    output: TablePatch[OutputRow]
    artifacts: TablePatch[ArtifactRow]
    errors: TablePatch[ErrorRow]
    checkpoints: TablePatch[CheckpointRow]
    decisions: TablePatch[DecisionRow]
    events: TablePatch[EventRow]
