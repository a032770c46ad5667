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
from runconsole.view.contract import Changes, LaneKind, Picture, Row, TableName, TaskStatusName, TimelineWindow

__all__ = [
    "AskDetail",
    "AskPage",
    "AskSnapshot",
    "AskTimeline",
    "Decide",
    "Detail",
    "Durable",
    "FromKernel",
    "Heartbeat",
    "LinkCommand",
    "Page",
    "Patch",
    "Ready",
    "ReplayCommand",
    "RequestAnswer",
    "Snapshot",
    "TaskRowCommand",
    "Timeline",
    "ToKernel",
    "parse",
]

_LONGEST_KIND = 100

TableText = Annotated[str, TableName, Literal["options"]]
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
    """Rows of a table, or options of a checkpoint."""

    kind: Literal["page"]
    id: RequestId
    table: TableText
    offset: int
    total: int
    rows: list[Row]


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


class RequestAnswer(TypedDict):
    """The kernel accepted a request (ok), or refused it with one sentence."""

    kind: Literal["answer"]
    id: RequestId
    ok: bool
    error: str | None


FromKernel = Snapshot | Patch | Heartbeat | Page | Detail | Timeline | RequestAnswer


# ---- browser → kernel: custom messages (`model.send`, never `set` + `save_changes`) ----------------------------------


class PageMessage(msgspec.Struct, frozen=True, tag_field="kind"):
    """A message of the browser."""


class Ready(PageMessage, frozen=True, tag="ready"):
    """A page opens: on render, and again after 0.4 s and 1.2 s. Binds the widget to the subshell."""

    have: int = -1
    """The version that the page has; -1 is none."""


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
    """Rows of a table from `offset` on, or at most 50 options of the checkpoint `of`."""

    id: str
    table: TableText
    offset: int = 0
    limit: int = 100
    status: TaskStatusName | None = None
    search: str | None = None
    of: str = ""


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
    Ready | AskSnapshot | Decide | AskPage | AskDetail | AskTimeline | LinkCommand | TaskRowCommand | ReplayCommand
)

_KINDS = frozenset({"ready", "snapshot", "decide", "page", "detail", "timeline", "link", "command", "replay"})


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
