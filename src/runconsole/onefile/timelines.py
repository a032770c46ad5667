"""The timeline of a run for a file: its whole length, by each kind of lane, page by page."""

from __future__ import annotations

from typing import get_args

from runconsole.events import Micros
from runconsole.state import RunState
from runconsole.timeline import snapshot
from runconsole.view.contract import LaneKind, TimelineWindow

__all__ = ["timelines"]

_WIDTH = 1200
_ROWS = 100
_PAGES = 5
"""The most pages of rows of each kind."""


def timelines(state: RunState, now: Micros) -> dict[str, list[TimelineWindow]]:
    """Return the windows of the whole run, by their kind of lane; `now` is the time of its end, by this machine."""
    from runconsole.timeline.run import TimelineRun
    from runconsole.timeline.window import Asked, window

    run = TimelineRun()
    run.update(snapshot(state))
    found: dict[str, list[TimelineWindow]] = {}
    for by in get_args(LaneKind):
        pages = found[by] = []
        for first in range(0, _PAGES * _ROWS, _ROWS):
            pages.append(window(run, Asked(by, None, None, _WIDTH, first, _ROWS), now + state.clock.offset))
            if first + _ROWS >= pages[-1]["rows"]:
                break
    return found
