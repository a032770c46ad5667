"""An immutable copy of what the timeline needs of a state; rows are shared, since they never change."""

from __future__ import annotations

from typing import Any, NamedTuple

from runconsole.events import Micros
from runconsole.state import Checkpoint, ErrorRecord, Phase, RunState, Task, TurnColumns, Wave

__all__ = ["Snapshot", "snapshot", "version_of"]


class Snapshot(NamedTuple):
    """The rows of a run at one moment."""

    version: tuple[Any, ...]
    tasks: list[Task]
    """By position."""
    turns: TurnColumns
    phases: list[Phase]
    waves: list[Wave]
    checkpoints: list[Checkpoint]
    errors: list[ErrorRecord]
    started_at: Micros | None
    ended_at: Micros | None
    """None while the run goes on."""


def version_of(state: RunState) -> tuple[Any, ...]:
    """Return a value that differs whenever a snapshot would."""
    parts = ("tasks", "phases", "waves", "checkpoints", "errors")
    return (*(state.versions[part] for part in parts), len(state.turns), state.started_at, state.ended_at)


def snapshot(state: RunState) -> Snapshot:
    """Return a copy: lists of references and three columns, about two milliseconds for 100,000 tasks."""
    return Snapshot(
        version_of(state),
        list(state.tasks.values()),
        state.turns.columns(),
        list(state.phases.values()),
        list(state.waves.values()),
        list(state.checkpoints.values()),
        list(state.errors.values()),
        state.started_at,
        state.ended_at if state.finished else None,
    )
