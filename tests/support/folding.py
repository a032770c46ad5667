"""Frames to a folded run without any I/O: fixed receive times, so that the same frames always give the same."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from runconsole.decoding.envelope import read_events
from runconsole.events import Fact, LinkChanged, Micros, Received
from runconsole.log import EventLog
from runconsole.state import RunState
from runconsole.tables import Tables
from runconsole.view import View
from runconsole.view.contract import Described
from runconsole.view.screen import screen, title_of

START: Micros = 1_763_310_720_000_000
"""2025-11-16T16:32:00Z, the beginning of the execution family's example."""
STEP: Micros = 100_000
"""Between two frames: a tenth of a second."""

CONTRACT = Path(__file__).parents[1] / "contract"


class Folded:
    """A run folded from frames: its state, log, frames and picture."""

    def __init__(self, *, at: Micros = START, step: Micros = STEP, **options: Any) -> None:
        self.state = RunState(**options)
        self.log = EventLog()
        self.tables = Tables(self.state, self.log)
        self.view = View(self.state, self.log.read, self._describe)
        self.now = at
        self._step = step
        self.live()

    def live(self) -> None:
        """Set the link live."""
        self.apply(LinkChanged(self.now, "connecting"))
        self.apply(LinkChanged(self.now, "live"))

    def apply(self, fact: Fact | Received) -> None:
        self.state.apply(fact)

    def feed(self, frames: Iterable[str | bytes]) -> Folded:
        """Playback in frames, each a step after the one before."""
        for frame in frames:
            self.now += self._step
            for event in read_events(frame, self.now):
                self.log.append(event)
                self.state.apply(event)
        return self

    def screen(self) -> str:
        return screen(self.state, self.now)

    def picture(self) -> dict[str, Any]:
        """Return the picture as the browser gets it after one patch."""
        self.view.changes()
        return {"version": self.view.version, "now": self.now // 1000, "picture": self.view.snapshot()}

    def _describe(self) -> Described:
        return {
            "title": title_of(self.state),
            "url": "ws://localhost:8000/ws",
            "protocol": "json",
            "link": "ended" if self.state.finished else self.state.links[-1].state,
            "events": len(self.log),
            "malformed": self.log.malformed,
            "unknown": self.log.unknown,
            "replay": None,
        }


def fold(frames: Iterable[str | bytes], **options: Any) -> Folded:
    """Return the run of these frames.

    `options` are those of `RunState`, the time of the run's beginning, and the step from frame to frame in
    microseconds.
    """
    return Folded(**options).feed(frames)


def frames_of(name: str) -> list[str]:
    """Return the frames of a contract file, one a line."""
    return (CONTRACT / f"{name}.jsonl").read_text(encoding="utf-8").rstrip("\n").split("\n")


def execution(kind: str, at: float | None = None, **data: Any) -> str:
    """Return an event of the execution family; `at` is its own time in seconds after `START`, None for none."""
    return json.dumps({"type": kind, "data": data} | _stamp(at))


def task(kind: str, at: float | None = None, **payload: Any) -> str:
    """Return an event of the task family about the task ``t``, if no other is given; `at` as in `execution`."""
    return json.dumps({"type": kind, "payload": {"taskId": "t"} | payload} | _stamp(at))


def _stamp(at: float | None) -> dict[str, float]:
    return {} if at is None else {"timestamp": START + round(at * 1e6)}
