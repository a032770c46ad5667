"""The positions of a recording at which something happened that a person looks for."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

from runconsole.state import RunState

__all__ = ["MOST_MARKS", "MarkKind", "ReplayMarks"]

MarkKind = Literal["error", "question", "phase"]

MOST_MARKS = 200
_STEP = 0.1
"""Marks are rounded up to this many seconds: what they are about has happened there."""


def _started_phases(state: RunState) -> int:
    return sum(phase.started_at is not None for phase in state.phases.values())


_COUNTS: dict[MarkKind, Callable[[RunState], int]] = {
    "error": lambda state: len(state.errors),
    "question": lambda state: len(state.checkpoints),
    "phase": _started_phases,
}
"""How often a run has had each kind of thing, the most important first."""


class ReplayMarks:
    """The first error, question or phase in each part of a recording, as far as it was ever read.

    There are at most `MOST_MARKS`: one for each part, of the most important kind in it.
    """

    def __init__(self) -> None:
        self._found: dict[int, tuple[int, float]] = {}
        """By part: the rank of the kind, and the position."""
        self._state: RunState | None = None
        self._seen = dict.fromkeys(_COUNTS, 0)
        self._versions: tuple[int, ...] = ()

    def restart(self) -> None:
        """Note that the recording is read from its beginning again; what was found stays."""
        self._state = None

    def note(self, position: float, duration: float, state: RunState) -> None:
        """Note what is new in the run at this position, in seconds."""
        # Hot path, after each line: most change none of the three.
        versions = (len(state.errors), len(state.checkpoints), state.versions["phases"])
        if state is self._state and versions == self._versions:
            return
        if state is not self._state:
            if self._state is not None:
                self._found = {}  # another run of the recording: the marks are those of the newest
            self._state, self._seen = state, dict.fromkeys(_COUNTS, 0)
        self._versions = versions
        part = min(MOST_MARKS - 1, int(MOST_MARKS * position / duration)) if duration > 0 else 0
        at = math.ceil(position / _STEP - 1e-6) * _STEP
        for rank, (kind, count) in enumerate(_COUNTS.items()):
            before, self._seen[kind] = self._seen[kind], count(state)
            if self._seen[kind] > before:
                found = (rank, round(at, 1))
                self._found[part] = min(self._found.get(part, found), found)

    def list(self) -> list[list[float | MarkKind]]:
        """Return the position and kind of each mark, in order."""
        kinds = list(_COUNTS)
        # Parts of a short recording are smaller than a step: of marks at one position the most important stays.
        ranks = {position: rank for rank, position in sorted(self._found.values(), reverse=True)}
        return [[position, kinds[rank]] for position, rank in sorted(ranks.items())]
