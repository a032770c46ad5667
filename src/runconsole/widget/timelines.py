"""Answers to requests for the timeline: the state is copied on the I/O thread, the rest happens beside it."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, Any

from runconsole.events import Micros
from runconsole.fairness import in_turns
from runconsole.state import RunState
from runconsole.timeline import Snapshot, snapshot, version_of
from runconsole.widget.messages import AskTimeline, RequestAnswer, Timeline
from runconsole.widget.replies import named, refusal

if TYPE_CHECKING:
    from runconsole.timeline.run import TimelineRun

__all__ = ["Timelines"]

_WAITING = 8
"""The most waiting requests; the oldest get no answer, and a page repeats a request that it still needs."""
_SHARE = 10
"""A newer state is drawn at most in one part of so many of the time; meanwhile answers are about the one before."""

Answer = Timeline | RequestAnswer


@cache
def drafter() -> ThreadPoolExecutor:
    """Return the process's one thread that computes timelines."""
    return ThreadPoolExecutor(1, "timeline-drafter")


if hasattr(os, "register_at_fork"):  # a forked process lacks the thread: another one is started on demand
    os.register_at_fork(after_in_child=drafter.cache_clear)


class Timelines:
    """Takes requests on the thread that writes the state, one by one; answers come on that thread, too.

    Args:
        state: returns the shown state.
        now: returns the present time by the clock of this machine.
        call: calls a function on the thread that writes the state.
        reply: takes an answer.
    """

    def __init__(
        self,
        *,
        state: Callable[[], RunState],
        now: Callable[[], Micros],
        call: Callable[..., object],
        reply: Callable[[Answer], object],
    ) -> None:
        self._state = state
        self._now = now
        self._call = call
        self._reply = reply
        self._waiting: deque[AskTimeline] = deque(maxlen=_WAITING)
        self._is_busy = False
        self._shown: RunState | None = None
        self._run: TimelineRun | None = None
        self._rest_until = 0.0

    def ask(self, request: AskTimeline) -> None:
        """Take a request."""
        self._waiting.append(request)
        self._next()

    def _next(self) -> None:
        if self._is_busy or not self._waiting:
            return
        self._is_busy = True
        request, state = self._waiting.popleft(), self._state()
        run = self._run if self._shown is state else None
        fresh = self._fresh(state, run)
        self._shown = state
        now = self._now() + state.clock.offset
        drafter().submit(self._draft, request, run, fresh, now)

    def _fresh(self, state: RunState, run: TimelineRun | None) -> Snapshot | None:
        """Return a newer snapshot of the state; None if there is none, or if it must wait."""
        if run is None or run.snapshot is None:
            return snapshot(state)
        is_new = run.snapshot.version != version_of(state)
        has_rested = time.monotonic() >= self._rest_until or state.finished
        return snapshot(state) if is_new and has_rested else None

    def _draft(self, request: AskTimeline, run: TimelineRun | None, fresh: Snapshot | None, now: Micros) -> None:
        """Make the answer, on the thread of the timelines."""
        begin = time.monotonic()
        answer: Answer
        try:
            run = _updated(run, fresh)
            answer = _timeline(request, run, now)
        except Exception as problem:  # noqa: BLE001 - said in the panel: nobody reads a handler's traceback
            answer = refusal(request.id, problem)
        took = time.monotonic() - begin if fresh is not None else 0.0
        self._call(self._done, answer, run, took)

    def _done(self, answer: Answer, run: TimelineRun | None, took: float) -> None:
        self._is_busy = False
        self._run = run
        if took:
            self._rest_until = time.monotonic() + took * _SHARE
        self._reply(answer)
        self._next()


def _updated(run: TimelineRun | None, fresh: Snapshot | None) -> TimelineRun:
    from runconsole.timeline.run import TimelineRun  # NumPy: slow to import, on this thread

    run = run or TimelineRun(in_turns)
    if fresh is not None:
        run.update(fresh)
    return run


def _timeline(request: AskTimeline, run: TimelineRun, now: Micros) -> Timeline:
    from runconsole.timeline.window import Asked, window

    asked = Asked(
        request.by,
        _micros(request.start),
        _micros(request.stop),
        min(max(request.width, 0), _WIDEST),
        max(request.first, 0),
        request.rows,
    )
    return {"kind": "timeline", "id": named(request.id), "window": window(run, asked, now)}


_WIDEST = 10_000
_LAST_MS = 1e15


def _micros(ms: float | None) -> Any:
    """Return a time of the page in microseconds; a time that no clock shows counts as none."""
    return None if ms is None or not abs(ms) < _LAST_MS else round(ms * 1000)
