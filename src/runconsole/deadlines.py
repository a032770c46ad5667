"""Which questions nobody can answer any more."""

from __future__ import annotations

from collections.abc import Iterator

from runconsole.events import CheckpointExpired, Micros
from runconsole.state import RunState

__all__ = ["expired"]

_GRACE = 2_000_000
"""Microseconds in which the server may say itself what it did at a deadline."""


def expired(state: RunState, now: Micros) -> Iterator[CheckpointExpired]:
    """Give the open checkpoints whose deadline has passed by the server's clock; `now` is ours."""
    if not state.versions["checkpoints"]:
        return
    server_now = now + state.clock.offset
    for checkpoint in state.open_checkpoints:
        if checkpoint.deadline is not None and server_now > checkpoint.deadline + _GRACE:
            yield CheckpointExpired(now, checkpoint.checkpoint_id)
