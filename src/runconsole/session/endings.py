"""When something is over that no event ends: questions past their deadline, runs of which every task is done."""

from __future__ import annotations

from collections.abc import Iterator

from runconsole.events import CheckpointExpired, Micros
from runconsole.state import RunState

__all__ = ["expired", "is_all_done"]

_GRACE = 2_000_000
"""Microseconds in which the server may say itself what it did at a deadline."""


def expired(state: RunState, now: Micros) -> Iterator[CheckpointExpired]:
    """Give the open checkpoints whose deadline has passed by the server's clock; `now` is ours."""
    if not state.versions["checkpoints"]:
        return
    server_now = state.clock.at(now)
    for checkpoint in state.open_checkpoints:
        if checkpoint.deadline is not None and server_now >= checkpoint.deadline + _GRACE:
            yield CheckpointExpired(now, checkpoint.checkpoint_id)


def is_all_done(state: RunState) -> bool:
    """Whether every known task is done, of a run that is followed as a whole: then a close in good order ends it."""
    tasks = state.tasks
    return state.followed_task is None and bool(tasks) and all(task.finished for task in tasks.values())
