"""Ends that no event reports: questions past their deadline, and runs of which all tasks are done."""

from __future__ import annotations

from collections.abc import Iterator

from runconsole.events import CheckpointExpired, Micros
from runconsole.state import RunState

__all__ = ["expired", "fingerprint"]

_GRACE = 2_000_000
"""Microseconds in which the server may say itself what it did at a deadline."""


def expired(state: RunState, now: Micros) -> Iterator[CheckpointExpired]:
    """Give the open checkpoints whose deadline has passed by the server's clock; `now` is ours."""
    if not state.versions["checkpoints"]:
        return
    server_now = state.clock.at(now)
    for checkpoint in state.open_checkpoints:
        due_at = state.due_at(checkpoint)
        if due_at is not None and server_now >= due_at + _GRACE:
            yield CheckpointExpired(now, checkpoint.checkpoint_id)


def fingerprint(state: RunState) -> int:
    """Return a number that changes with every new report on the run, but not with a repeated one."""
    tasks = state.tasks
    return hash(
        (
            tuple(state.counts.values()),
            (state.completed_tasks, state.total_tasks, state.tokens_used, state.reported_percent, state.current_wave),
            (len(state.output), len(state.artifacts), len(state.errors), len(state.waves), len(state.phases)),
            tuple((row.checkpoint_id, row.status, row.round) for row in state.checkpoints.values()),
            tuple(
                (task.task_id, task.status, task.progress, task.step) for task in map(tasks.get, state.active) if task
            ),
            sum(task.subtasks + task.subtasks_done for task in tasks.values()),
            (len(state.agents), len(state.tool_calls)),
        )
    )
