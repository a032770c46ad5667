"""The messages between the browser and the kernel.

The kernel's messages are dicts; the browser's are parsed (`parse`) into structs, so that no code behind the parser sees
a raw message. `scripts/contract.py` writes the TypeScript of both, as `runconsole.view.contract` explains.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import msgspec

from runconsole.errors import InvalidArgument
from runconsole.events import Answer
from runconsole.search import LogQuery
from runconsole.view.contract import (
    Changes,
    LaneKind,
    Picture,
    Row,
    TableName,
    TaskHistory,
    TaskRow,
    TaskStatusName,
    TimelineWindow,
)

__all__ = [
    "AskDetail",
    "AskMatch",
    "AskPage",
    "AskSnapshot",
    "AskTask",
    "AskText",
    "AskTimeline",
    "Decide",
    "Detail",
    "Durable",
    "FromKernel",
    "Heartbeat",
    "LinkCommand",
    "MatchFound",
    "Page",
    "Patch",
    "Ready",
    "ReplayCommand",
    "RequestAnswer",
    "Snapshot",
    "TaskAnswer",
    "TaskRowCommand",
    "TextPiece",
    "Timeline",
    "ToKernel",
    "parse",
]

_LONGEST_KIND = 100

TableText = Annotated[str, TableName, Literal["options", "writers", "error_groups", "artifact_groups"]]
KnownTable = Annotated[str, TableName]
LinkAction = Annotated[str, Literal["reconnect", "stop"]]
ReplayAction = Annotated[str, Literal["play", "pause", "seek", "speed", "run"]]
Verb = Annotated[str, Literal["cancel", "pause", "resume", "retry"]]
ReplayValue = Annotated[Any, float, None]
RequestId = Annotated[str | None, str]


# ---- the trait -------------------------------------------------------------------------------------------------------


class Durable(TypedDict):
    """The durable picture: the start of a second page, a reload or a saved notebook.

    While live it is at most one second old (but for the position of a playing replay), at the end exact. `version` is
    the picture's. Tables are shortened (tasks 60, output 60, events 0 rows...).
    """

    version: int
    now: int
    picture: Picture


# ---- kernel → browser: custom messages; they reach every view of the run ---------------------------------------------


class Snapshot(TypedDict):
    """The whole picture."""

    kind: Literal["snapshot"]
    version: int
    now: int
    picture: Picture


class Patch(TypedDict):
    """Applies on top of `base`; a page that has another version asks for a snapshot."""

    kind: Literal["patch"]
    base: int
    version: int
    now: int
    changes: Changes


class Heartbeat(TypedDict):
    """The newest version, to notice a lost patch.

    While live, a second after the last patch and each second from then on. `now` is the kernel's clock.
    """

    kind: Literal["heartbeat"]
    version: int
    now: int
    subshell: bool


class Page(TypedDict):
    """Rows of a table, options of a checkpoint, or tasks with output."""

    kind: Literal["page"]
    id: RequestId
    table: TableText
    offset: int
    total: int
    rows: list[Row]
    types: NotRequired[dict[str, int]]
    """The number of events of each type, in an answer to a query of events."""


class MatchFound(TypedDict):
    """A match in the output."""

    kind: Literal["match"]
    id: RequestId
    line: int | None
    """The number of its line; null if nothing matches."""
    place: int
    """The number of shown lines before it."""
    ordinal: int
    """The number of matches before it."""
    matches: int
    shown: int
    """The number of shown lines."""


class TextPiece(TypedDict):
    """Lines of output as plain text."""

    kind: Literal["text"]
    id: RequestId
    text: str
    next: int
    """The offset of the next piece; `total` at the end."""
    total: int


class Detail(TypedDict):
    """A row in full. A very long row comes as JSON text in `parts`: `text` is one of them, `row` is null."""

    kind: Literal["detail"]
    id: RequestId
    table: KnownTable
    key: str
    row: Row | None
    part: NotRequired[int]
    parts: NotRequired[int]
    text: NotRequired[str]


class Timeline(TypedDict):
    """A window of the timeline."""

    kind: Literal["timeline"]
    id: RequestId
    window: TimelineWindow


class TaskAnswer(TypedDict):
    """A task with its history; null for an unknown one."""

    kind: Literal["task"]
    id: RequestId
    row: TaskRow | None
    history: TaskHistory | None


class RequestAnswer(TypedDict):
    """The kernel accepted a request (ok), or refused it with one sentence."""

    kind: Literal["answer"]
    id: RequestId
    ok: bool
    error: str | None
    fields: NotRequired[dict[str, str]]
    """The reason for each field of a form whose value does not fit, by the path of the field."""


FromKernel = (
    Snapshot | Patch | Heartbeat | Page | MatchFound | TextPiece | Detail | Timeline | TaskAnswer | RequestAnswer
)


# ---- browser → kernel: custom messages (`model.send`, never `set` + `save_changes`) ----------------------------------


class PageMessage(msgspec.Struct, frozen=True, tag_field="kind"):
    """A message of the browser."""


class Ready(PageMessage, frozen=True, tag="ready"):
    """A page opens: on render, and again after 0.4 s, 1.2 s and 3 s. Binds the widget to the subshell."""

    have: int = -1
    """The version that the page has; -1 is none."""
    places: bool = False
    """True if the page puts the panel in place of its report in an output without a view."""


class AskSnapshot(PageMessage, frozen=True, tag="snapshot"):
    """The page lacks the picture, or lost a patch."""

    have: int = -1


class Decide(PageMessage, frozen=True, tag="decide"):
    """A person pressed a button of a checkpoint."""

    id: str
    """A fresh id for each press: crypto.randomUUID() or the like. The answer comes with the same id."""
    checkpoint: str
    answer: Answer[str]
    at: float | None = None
    """The time of the press, by the kernel's clock: the message may have to wait for a busy kernel."""


class AskPage(PageMessage, frozen=True, tag="page"):
    """Rows of a table from `offset` on, at most 50 options of the checkpoint `of`, or tasks with output."""

    id: str
    table: TableText
    offset: int = 0
    limit: int = 100
    status: TaskStatusName | None = None
    search: str | None = None
    sort: str | None = None
    """The order of tasks, by a name of `runconsole.view.choosing.ORDERS`; null is that of arrival."""
    descending: bool = False
    of: str = ""
    """The key of a checkpoint or a group; with `sort` "folder" or "task" that of the files of a folder or a task."""
    query: LogQuery | None = None
    """Only these rows, of the output or the events."""
    instead: str = ""
    """The id of an earlier search of this page that needs no answer any more."""


class AskMatch(PageMessage, frozen=True, tag="match"):
    """A match in the whole output: the next one after a line, the one before it, or the first one from it on."""

    id: str
    shown: LogQuery
    """The shown lines, of which matches are wanted."""
    text: str = ""
    regex: bool = False
    errors: bool = False
    near: int = 0
    step: int = 0
    """1: the next one, after the last the first; -1: the one before; 0: the first one from the line on."""
    instead: str = ""


class AskText(PageMessage, frozen=True, tag="text"):
    """Lines of output as plain text, from `offset` on among those of the query: a piece of bounded size."""

    id: str
    query: LogQuery
    offset: int = 0
    stamped: bool = False
    """With the time and the task of each line."""


class AskDetail(PageMessage, frozen=True, tag="detail"):
    """A row in full, or one part of its JSON text."""

    id: str
    table: KnownTable
    key: str
    part: int = 0


class AskTimeline(PageMessage, frozen=True, tag="timeline"):
    """A window of the timeline: a time in epoch milliseconds (null: to the end of the run), and some of its rows."""

    id: str
    by: LaneKind = "worker"
    start: float | None = None
    stop: float | None = None
    width: int = 800
    """Pixels of the window."""
    first: int = 0
    rows: int = 20


class AskTask(PageMessage, frozen=True, tag="task"):
    """A task with its history, by its id as rows have it."""

    id: str
    task: str


class LinkCommand(PageMessage, frozen=True, tag="link"):
    """`reconnect`: try again now while retrying or after failed; `stop`: end the console (not the run)."""

    id: str
    action: LinkAction


class TaskRowCommand(PageMessage, frozen=True, tag="command"):
    """A command for a task, by its row's key; answered when the server has answered."""

    id: str
    task: str = ""
    command: Verb = ""


class ReplayCommand(PageMessage, frozen=True, tag="replay"):
    """Plays a recording, or shows another run."""

    id: str
    action: ReplayAction
    value: ReplayValue = None
    """Seconds of "seek", the speed of "speed", the number of "run"."""


ToKernel = (
    Ready
    | AskSnapshot
    | Decide
    | AskPage
    | AskMatch
    | AskText
    | AskDetail
    | AskTimeline
    | AskTask
    | LinkCommand
    | TaskRowCommand
    | ReplayCommand
)

_KINDS = frozenset(
    {"ready", "snapshot", "decide", "page", "match", "text", "detail", "timeline", "task", "link", "command", "replay"}
)


def parse(message: Mapping[str, Any]) -> ToKernel:
    """Return the message of the browser. Raises InvalidArgument."""
    kind = message["kind"]
    if kind not in _KINDS:
        raise InvalidArgument(f"unknown message kind {kind[:_LONGEST_KIND]!r}")
    try:
        parsed: ToKernel = msgspec.convert(message, ToKernel, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidArgument(f"expected a message of the kind {kind!r}: {error}") from None
    return parsed
