"""Everything that the windows of one run's timeline share: columns, questions, lanes, the critical path."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np

from runconsole.critical import Micros, chain
from runconsole.events import TaskStatus
from runconsole.state import STATUSES, Checkpoint
from runconsole.timeline.columns import OPEN, UNKNOWN, Columns, Grouping, Mask, Table
from runconsole.timeline.lanes import Integers, Lanes, Pace, lanes_of
from runconsole.timeline.marks import asked_span
from runconsole.timeline.segments import Segment, Span, segments_of
from runconsole.timeline.snapshot import Snapshot
from runconsole.view.contract import LaneKind

__all__ = ["Path", "TimelineRun"]

T = TypeVar("T")

_FAILED = STATUSES.index(TaskStatus.FAILED)


class Path(NamedTuple):
    """The critical path of the tasks that have ended."""

    places: Integers
    """Positions of tasks, first to last."""
    work_s: float
    wait_s: float


class Asked(NamedTuple):
    """The times in which questions were open, by the position of their task."""

    task: Integers
    start: Micros
    end: Micros


class TimelineRun:
    """One run, as of its newest snapshot. Used by one thread.

    Args:
        pace: lets other threads run.
    """

    def __init__(self, pace: Pace = iter) -> None:
        self._pace = pace
        self._columns = Columns(pace)
        self._places: dict[str, int] = {}
        self._failures: dict[int, list[int]] = {}
        self._read = 0
        self._lanes: dict[LaneKind, tuple[int, Lanes, list[str]]] = {}
        self._memory: dict[str, tuple[Any, Any]] = {}
        self._questions: dict[int, list[Span]] = {}
        self.snapshot: Snapshot | None = None

    @property
    def table(self) -> Table:
        """The columns of all tasks."""
        return self._columns.table

    def update(self, snapshot: Snapshot) -> None:
        """Take a newer snapshot of the same run."""
        if self.snapshot is not None and self.snapshot.version == snapshot.version:
            return
        self._columns.update(snapshot.tasks)
        for task in snapshot.tasks[len(self._places) :]:
            self._places[task.task_id] = task.position
        for error in snapshot.errors[self._read :]:
            place = self._places.get(error.task_id or "")
            if place is not None:
                self._failures.setdefault(place, []).append(error.at)
        self._read = len(snapshot.errors)
        self._questions = self._spans(snapshot.checkpoints)
        self.snapshot = snapshot

    def remembered(self, name: str, version: Any, make: Callable[[], T]) -> T:
        """Return what was made under this name, made again if its version is another one."""
        known = self._memory.get(name)
        if known is None or known[0] != version:
            known = self._memory[name] = version, make()
        made: T = known[1]
        return made

    def place(self, task_id: str | None) -> int | None:
        """Return the position of a task."""
        return None if task_id is None else self._places.get(task_id)

    def _spans(self, checkpoints: list[Checkpoint]) -> dict[int, list[Span]]:
        spans: dict[int, list[Span]] = {}
        for checkpoint in checkpoints:
            place, span = self.place(checkpoint.task_id), asked_span(checkpoint)
            if place is not None and span is not None:
                spans.setdefault(place, []).append(span)
        return spans

    def asked(self) -> Asked:
        """Return the times in which questions of tasks were open."""
        rows = [(place, *span) for place, spans in self._questions.items() for span in spans]
        columns = np.array([(place, start, OPEN if end is None else end) for place, start, end in rows], np.int64)
        columns = columns.reshape(-1, 3)
        return Asked(columns[:, 0], columns[:, 1], columns[:, 2])

    def failed(self) -> Mask:
        """Return a mask of the tasks that failed for good."""
        return self.table.status == _FAILED  # type: ignore[no-any-return]

    # ---- lanes --------------------------------------------------------------------------------------------------

    def lanes(self, by: LaneKind) -> tuple[Lanes, list[str]]:
        """Return the lanes and their names."""
        known = self._lanes.get(by)
        if known is None or known[0] != self._columns.revision:
            lanes = self._waterfall() if by == "task" else self._grouped(by)
            self._lanes[by] = known = (self._columns.revision, *lanes)
        return known[1:]

    def _waterfall(self) -> tuple[Lanes, list[str]]:
        """Return one lane with a row for each task, in the order of the starts."""
        begun = np.flatnonzero(self.table.begun)
        order = begun[np.argsort(self.table.start[begun], kind="stable")]
        row = np.full(len(self.table.start), -1, np.int64)
        row[order] = np.arange(len(order), dtype=np.int64)
        lane = np.where(row < 0, -1, 0)
        return Lanes(lane, row, np.array([0, len(order)], np.int64)), [""]

    def _grouped(self, by: Grouping) -> tuple[Lanes, list[str]]:
        table = self.table
        codes = getattr(table, by)
        names = list(self._columns.names[by])
        begun = table.begun
        present = np.unique(codes[begun]).tolist()
        order = sorted(present, key=lambda code: self._rank(by, names, code))
        lane_of_code = np.full(len(names) + 1, -1, np.int64)  # the last one is that of code -1
        for place, code in enumerate(order):
            lane_of_code[code] = place
        lane = np.where(begun, lane_of_code[codes], -1)
        words = [self._word(by, None if code == UNKNOWN else names[code]) for code in order]
        return lanes_of(table.start, table.end, lane, len(order), self._pace), words

    def _rank(self, by: Grouping, names: list[object], code: int) -> tuple[Any, ...]:
        """Return the sort key of a group: the nameless last, numbers by size, others as they first appeared."""
        if code == UNKNOWN:
            return (2, 0)
        name = names[code]
        return (0, name) if by != "worker" and isinstance(name, int) else (1, code)

    def _word(self, by: Grouping, name: object) -> str:
        if name is None:
            return "All tasks" if not self._columns.names[by] else f"No {by}"
        if by == "wave":
            return f"Wave {name}"
        if by == "phase" and isinstance(name, int):
            phases = () if self.snapshot is None else self.snapshot.phases
            return next((one.name for one in phases if one.phase == name and one.name), f"Phase {name}")
        return str(name)

    @property
    def has_workers(self) -> bool:
        """True if a task names its worker."""
        return bool(self._columns.names["worker"])

    # ---- tasks --------------------------------------------------------------------------------------------------

    def segments(self, places: Integers) -> list[list[Segment]]:
        """Return the segments of some tasks that have begun."""
        turns = self._turns(places)
        table = self.table
        made: list[list[Segment]] = []
        for place in places.tolist():
            start, end = int(table.start[place]), int(table.end[place])
            span = (start, None if end == OPEN else end)
            asked = self._questions.get(place, ())
            made.append(segments_of(span, turns[place], asked=asked, failures=self._failures.get(place, ())))
        return made

    def _turns(self, places: Integers) -> dict[int, list[tuple[int, TaskStatus]]]:
        found: dict[int, list[tuple[int, TaskStatus]]] = {place: [] for place in places.tolist()}
        if self.snapshot is None:
            return found
        columns = self.snapshot.turns
        wanted = np.zeros(len(self.table.start), bool)
        wanted[places] = True
        position = np.frombuffer(columns.positions, np.int32)
        status = columns.statuses
        for at in np.flatnonzero(wanted[position]).tolist():
            found[columns.positions[at]].append((columns.times[at], STATUSES[status[at]]))
        return found

    def failures(self, place: int) -> list[int]:
        """Return the times of the failed attempts of a task that are before its end, in order."""
        start, end = self.table.start[place], self.table.end[place]
        return sorted({at for at in self._failures.get(place, ()) if start < at < end})

    def path(self) -> Path:
        """Return the critical path."""
        return self.remembered("path", self._columns.revision, self._found_path)

    def _found_path(self) -> Path:
        ended = np.flatnonzero(self.table.begun & (self.table.end != OPEN))
        if not len(ended):
            return Path(np.zeros(0, np.int64), 0.0, 0.0)
        start, end = self.table.start[ended], self.table.end[ended]
        places, wait_s = chain(start, end)
        work_s = float((end[places] - start[places]).sum()) / 1e6
        return Path(ended[places], work_s, sum(wait_s))

    def slowest(self, count: int, now: int) -> Integers:
        """Return the positions of the tasks that took longest, the longest first; running ones until now."""
        begun = np.flatnonzero(self.table.begun)
        took = np.minimum(self.table.end[begun], now) - self.table.start[begun]
        order = np.argsort(-took, kind="stable")[:count]
        return begun[order[took[order] > 0]]

    def wave_spans(self) -> dict[int, Span]:
        """Return the time of the tasks of each wave; the end is None while one of them runs."""
        table, names = self.table, list(self._columns.names["wave"])
        chosen = table.begun & (table.wave != UNKNOWN)
        codes, start, end = table.wave[chosen], table.start[chosen], table.end[chosen]
        first, last = np.full(len(names), OPEN, np.int64), np.full(len(names), UNKNOWN, np.int64)
        np.minimum.at(first, codes, start)
        np.maximum.at(last, codes, end)
        found: dict[int, Span] = {}
        for code, name in enumerate(names):
            if isinstance(name, int) and first[code] != OPEN:
                found[name] = (int(first[code]), None if last[code] == OPEN else int(last[code]))
        return found
