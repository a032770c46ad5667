"""The picture of several runs: a row for each, and their open questions. Times are epoch milliseconds."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from runconsole.events import LinkStatus
from runconsole.view.contract import CheckpointRow, RunStatus

__all__ = ["FleetPicture", "FleetRow", "QuestionRow"]


class FleetRow(TypedDict):
    """A run among others."""

    key: str
    """Unique in its set, stable as long as the run is in it."""
    name: str
    address: str
    """The URL without secrets, or the path of a recording."""
    status: RunStatus
    words: str
    """The state in words: "waiting for you · 2", "completed, 1 cancelled"."""
    link: LinkStatus
    reason: NotRequired[str]
    """The reason why the link is retrying, failed or ended: one plain sentence."""
    replayed: bool
    """It is a recording, whose questions cannot be answered."""
    percent: float | None
    completed_tasks: int
    total_tasks: int | None
    failed_tasks: int
    running_tasks: int
    cost_usd: float | None
    questions: int
    """Open questions that wait for a person."""
    started_at: int | None
    """By the kernel's clock."""
    ended_at: int | None
    last_event_at: int | None
    """The arrival of the newest event, by the kernel's clock."""
    clock_offset: int
    """Server clock minus kernel clock, milliseconds, for countdowns."""


class QuestionRow(TypedDict):
    """An open question of one of the runs, or one that has closed lately."""

    run: str
    """The key of the run."""
    row: CheckpointRow


class FleetPicture(TypedDict):
    """Everything that a page shows of the runs."""

    version: int
    now: int
    runs: list[FleetRow]
    questions: list[QuestionRow]
    """The nearest deadline first; those that have closed lately come last."""
    waiting: int
    """The number of open questions; the picture holds those that are due first."""
    notices: list[str]
    """The newest sentences about what went wrong on this side."""
