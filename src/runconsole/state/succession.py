"""Successive runs over the same stream: the end of the earlier one, and the beginning of the next."""

from __future__ import annotations

from copy import copy

from runconsole.events import DESCRIBED, Micros
from runconsole.state.completion import is_complete
from runconsole.state.rows import Link
from runconsole.state.state import RunState

__all__ = ["leave", "stand", "successor"]

_OVER = frozenset({"ended", "failed", "stopped"})


def successor(before: RunState, name: str | None, at: Micros) -> RunState:
    """Return the state of a run that follows another: with the same title and limits, over the same link."""
    state = RunState(**{name: getattr(before, name) for name in DESCRIBED})
    state.clock = copy(before.clock)
    if before.links:
        status = before.links[-1].state
        words = f"another execution began{_named(name)}; the one before it is in `runs`"
        state.links.append(Link(at, "live" if status in _OVER else status, 0, None, None, None, notice=words))
        state.versions["links"] += 1
    return state


def leave(state: RunState, name: str | None, at: Micros) -> None:
    """Note that another execution began, with its sentence, if the run's own end was not reported."""
    if state.finished:
        return
    done = "all its tasks were done, but " if is_complete(state) else ""
    words = f"{done}another execution began{_named(name)} before this one told its end"
    if state.links:
        state.links.append(Link(at, state.links[-1].state, 0, words, None, None, notice=words))
        state.versions["links"] += 1
    state.left_at = at
    stand(state, goes_on=False)


def stand(state: RunState, *, goes_on: bool) -> None:
    """Set the status of a run that another one has followed: done by its tasks, `interrupted`, or still going on."""
    if state.left_at is not None:
        state.left = state.status_by_tasks() if is_complete(state) else None if goes_on else "interrupted"
        state.versions["run"] += 1


def _named(name: str | None) -> str:
    return "" if name is None else f" ({name})"
