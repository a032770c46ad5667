"""Windows of a timeline: a bounded answer to a page, whatever the size of the run."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from runconsole.critical import Micros
from runconsole.events import TaskStatus
from runconsole.state import STATUSES
from runconsole.timeline.columns import OPEN, Mask
from runconsole.timeline.density import occupancy, shares
from runconsole.timeline.lanes import Integers, Lanes
from runconsole.timeline.marks import question_marks, wave_marks
from runconsole.timeline.run import TimelineRun
from runconsole.timeline.segments import Segment
from runconsole.view.contract import (
    LaneKind,
    TimelineBar,
    TimelineDensity,
    TimelineLane,
    TimelineQuestion,
    TimelineSlow,
    TimelineWave,
    TimelineWindow,
)
from runconsole.view.rows import reference, short

__all__ = ["BARS", "SLOWEST", "Asked", "window"]

BARS = 400
"""The most bars of a window: with more, lanes are shown by their density."""
ROWS = 100
"""The most rows of a window."""
SLOWEST = 5
_OVERVIEW = 200
_BUCKET = 4
"""Pixels of a bucket of a lane's density."""
_BUCKETS = 300
_NAME = 120
_SECOND = 1_000_000
"""Parts about the whole run are made once a second while it goes on."""


class Asked(NamedTuple):
    """The window that a page asks for: times in microseconds, None for the whole run; rows from the first one on."""

    by: LaneKind
    start: int | None
    stop: int | None
    width: int
    first: int
    rows: int


class _Scene(NamedTuple):
    """The frame of one answer."""

    run: TimelineRun
    lanes: Lanes
    names: list[str]
    origin: int
    until: int
    start: int
    stop: int
    critical: Integers
    """The number of each task on the critical path, from 1; 0 beside it."""

    def after(self, at: int) -> int:
        """Return milliseconds after the origin."""
        return (at - self.origin) // 1000

    def end(self, at: int) -> int | None:
        """Return milliseconds after the origin; None for an open end."""
        return None if at == OPEN else self.after(at)


def window(run: TimelineRun, asked: Asked, now: int) -> TimelineWindow:
    """Return a window of a run that has a snapshot.

    Args:
        run: the run.
        asked: the window.
        now: the server's present time, for running tasks.
    """
    scene = _scene(run, asked, now)
    inside = (scene.lanes.row >= 0) & (run.table.start < scene.stop) & (run.table.end >= scene.start)
    rows = max(1, min(asked.rows, ROWS))
    dense = _is_dense(scene.lanes.row[inside], scene.lanes.rows, rows)
    first = max(0, min(asked.first, (len(scene.names) if dense else scene.lanes.rows) - 1))
    made = _dense_lanes if dense else _lanes
    path, snapshot = run.path(), run.snapshot
    assert snapshot is not None  # noqa: S101 - of a run that has one
    version = (snapshot.version, scene.until // _SECOND)
    slowest = run.remembered("slowest", version, lambda: run.slowest(SLOWEST, scene.until))
    overview = run.remembered("overview", version, lambda: _density(scene, None, scene.origin, scene.until, _OVERVIEW))
    return {
        "by": asked.by,
        "origin": scene.origin // 1000,
        "end": None if snapshot.ended_at is None else scene.after(scene.until),
        "until": scene.after(scene.until),
        "start": scene.after(scene.start),
        "stop": scene.after(scene.stop),
        "first": first,
        "rows": len(scene.names) if dense else scene.lanes.rows,
        "dense": dense,
        "lanes": made(scene, asked, first, rows),
        "lanes_total": len(scene.names),
        "bars": [] if dense else _bars(scene, inside, first, rows, slowest),
        "overview": overview,
        "waves": _waves(scene),
        "questions": _questions(scene),
        "slowest": [_slow(scene, place) for place in slowest.tolist()],
        "path": {"tasks": len(path.places), "work_s": round(path.work_s, 3), "wait_s": round(path.wait_s, 3)},
        "tasks": int(run.table.begun.sum()),
        "waiting": int((~run.table.begun).sum()),
        "workers": run.has_workers,
    }


def _scene(run: TimelineRun, asked: Asked, now: int) -> _Scene:
    table, snapshot = run.table, run.snapshot
    assert snapshot is not None  # noqa: S101 - of a run that has one
    begun = table.begun
    ends = table.end[begun & (table.end != OPEN)]
    starts = table.start[begun]
    known = [int(starts.min())] if len(starts) else []
    origin = min([*known, *([] if snapshot.started_at is None else [snapshot.started_at])], default=now)
    newest = [int(starts.max())] if len(starts) else []
    newest += [int(ends.max())] if len(ends) else []
    until = max([origin + 1000, *newest, now if snapshot.ended_at is None else snapshot.ended_at])
    start = origin if asked.start is None else min(max(asked.start, origin), until)
    stop = until if asked.stop is None else min(asked.stop, until)
    places = run.path().places
    critical = np.zeros(len(table.start), np.int64)
    critical[places] = np.arange(1, len(places) + 1)
    lanes, names = run.lanes(asked.by)
    return _Scene(run, lanes, names, origin, until, start, max(stop, start + 1000), critical)


def _is_dense(row: Integers, count: int, rows: int) -> bool:
    """Return whether some view of that many rows would have too many bars, wherever a person scrolls to."""
    if len(row) <= BARS:
        return False
    fullest = np.sort(np.bincount(row, minlength=count))[-rows:]
    return int(fullest.sum()) > BARS


# ---- lanes and bars --------------------------------------------------------------------------------------------------


def _lanes(scene: _Scene, _asked: Asked, first: int, rows: int) -> list[TimelineLane]:
    bounds = scene.lanes.first
    chosen = range(
        max(0, int(np.searchsorted(bounds, first, "right")) - 1),
        min(len(scene.names), int(np.searchsorted(bounds, first + rows, "left"))),
    )
    return [_lane(scene, lane, int(bounds[lane]), int(bounds[lane + 1] - bounds[lane])) for lane in chosen]


def _dense_lanes(scene: _Scene, asked: Asked, first: int, rows: int) -> list[TimelineLane]:
    count = max(8, min(asked.width // _BUCKET, _BUCKETS))
    made = []
    for lane in range(first, min(first + rows, len(scene.names))):
        row = _lane(scene, lane, lane, 1)
        row["density"] = _density(scene, scene.lanes.lane == lane, scene.start, scene.stop, count)
        made.append(row)
    return made


def _lane(scene: _Scene, lane: int, first: int, rows: int) -> TimelineLane:
    tasks = int((scene.lanes.lane == lane).sum())
    return {"index": lane, "name": short(scene.names[lane]), "row": first, "rows": rows, "tasks": tasks}


def _bars(scene: _Scene, inside: Mask, first: int, rows: int, slowest: Integers) -> list[TimelineBar]:
    row = scene.lanes.row
    places = np.flatnonzero(inside & (row >= first) & (row < first + rows))
    places = places[np.lexsort((scene.run.table.start[places], row[places]))][:BARS]
    ranks = {place: rank for rank, place in enumerate(slowest.tolist(), 1)}
    parts = scene.run.segments(places)
    return [_bar(scene, place, part, ranks.get(place)) for place, part in zip(places.tolist(), parts, strict=True)]


def _bar(scene: _Scene, place: int, segments: list[Segment], rank: int | None) -> TimelineBar:
    task, table = _task(scene, place), scene.run.table
    bar: TimelineBar = {
        "key": str(place),
        "id": reference(task.task_id),
        "name": short(task.name or task.task_id, _NAME),
        "row": int(scene.lanes.row[place]),
        "lane": int(scene.lanes.lane[place]),
        "status": STATUSES[table.status[place]],
        "start": scene.after(int(table.start[place])),
        "end": scene.end(int(table.end[place])),
        "segments": [
            [kind, scene.after(max(start, scene.origin)), None if end is None else scene.after(end)]
            for kind, start, end in segments
        ],
    }
    failures = scene.run.failures(place)
    attempts = max(task.attempts or 1, len(failures) + 1)
    if failures:
        bar["failures"] = [scene.after(at) for at in failures[-20:]]
    if attempts > 1:
        bar["attempts"] = attempts
    if scene.critical[place]:
        bar["critical"] = int(scene.critical[place])
    if rank is not None:
        bar["rank"] = rank
    return bar


def _task(scene: _Scene, place: int) -> Any:
    assert scene.run.snapshot is not None  # noqa: S101 - of a run that has one
    return scene.run.snapshot.tasks[place]


def _slow(scene: _Scene, place: int) -> TimelineSlow:
    task, table = _task(scene, place), scene.run.table
    return {
        "key": str(place),
        "id": reference(task.task_id),
        "name": short(task.name or task.task_id, _NAME),
        "row": int(scene.lanes.row[place]),
        "start": scene.after(int(table.start[place])),
        "end": scene.end(int(table.end[place])),
    }


# ---- densities -------------------------------------------------------------------------------------------------------


def _density(scene: _Scene, chosen: Mask | None, start: int, stop: int, count: int) -> TimelineDensity:
    """Return the density of the chosen tasks, or of all of them, in `count` buckets."""
    table = scene.run.table
    mask = table.begun if chosen is None else table.begun & chosen
    edges = np.linspace(start, stop, count + 1).astype(np.int64)
    begin, end = table.start[mask], np.minimum(table.end[mask], scene.until)
    end = np.maximum(begin, end)
    busy = occupancy(begin, end, edges)
    peak = float(busy.max(initial=0))
    ended = _count(table.end[mask], edges)
    failed = _count(table.end[mask & scene.run.failed()], edges)
    share = np.divide(failed, ended, out=np.zeros(count), where=ended > 0)
    path = mask & (scene.critical > 0)
    return {
        "peak": round(peak, 2),
        "busy": shares(busy, peak),
        "asked": shares(_asked(scene, mask, edges), peak),
        "failed": shares(share, 1),
        "critical": shares(occupancy(table.start[path], table.end[path], edges), 1),
    }


def _asked(scene: _Scene, mask: Mask, edges: Micros) -> Any:
    asked = scene.run.asked()
    mine = mask[asked.task]
    end = np.minimum(asked.end[mine], scene.until)
    return occupancy(np.minimum(asked.start[mine], end), end, edges)


def _count(times: Micros, edges: Micros) -> Any:
    return np.histogram(times[times != OPEN], edges)[0].astype(np.float64)


# ---- marks -----------------------------------------------------------------------------------------------------------


def _waves(scene: _Scene) -> list[TimelineWave]:
    assert scene.run.snapshot is not None  # noqa: S101 - of a run that has one
    marks = wave_marks(scene.run.snapshot.waves, scene.run.wave_spans(), (scene.start, scene.stop))
    return [
        {
            "name": str(mark.first) if mark.first == mark.last else f"{mark.first}–{mark.last}",
            "start": scene.after(mark.start),
            "end": None if mark.end is None else scene.after(mark.end),
            "status": str(TaskStatus(mark.status)),
        }
        for mark in marks
    ]


def _questions(scene: _Scene) -> list[TimelineQuestion]:
    assert scene.run.snapshot is not None  # noqa: S101 - of a run that has one
    marks = question_marks(scene.run.snapshot.checkpoints, (scene.start, scene.stop))
    made: list[TimelineQuestion] = []
    for mark in marks:
        task_id = mark.checkpoint.task_id
        made.append(
            {
                "key": reference(mark.checkpoint.checkpoint_id),
                "title": short(mark.checkpoint.title or mark.checkpoint.kind or "Question"),
                "task": None if task_id is None else reference(task_id),
                "start": scene.after(mark.start),
                "end": None if mark.end is None else scene.after(mark.end),
                "count": mark.questions,
            }
        )
    return made
