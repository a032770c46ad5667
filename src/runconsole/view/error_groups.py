"""Errors by their kind, what became of each, and storms of one kind."""

from __future__ import annotations

import re
from array import array
from collections import Counter, deque
from hashlib import blake2b
from typing import Literal, NamedTuple

from runconsole.events import Micros, TaskStatus
from runconsole.state import ErrorRecord, RunState
from runconsole.view.contract import ErrorGroupRow, ErrorRow, Storm
from runconsole.view.rows import NAME, PROSE, Cutter, error_row, ms, short

__all__ = ["ErrorEntry", "ErrorGroups", "Outcome", "error_entry_row", "group_row"]

Outcome = Literal["fatal", "recovered", "open"]
STORM, STORM_TIME = 10, 60_000_000
"""So many errors of one kind within so many microseconds are a storm."""
_COMPARED = 300
"""Characters of a message that tell its kind."""
_VARIABLE = re.compile(r"0x[0-9a-fA-F]+|\b[0-9a-fA-F]{8,}(?:-[0-9a-fA-F]{4,})*\b|\d+(?:[.,:]\d+)*")
_TYPE = re.compile(r"\s*([A-Za-z_][\w.]*(?:Error|Exception|Failure|Timeout))\b[:\s]*")


class ErrorEntry(NamedTuple):
    """An error with its kind and what became of it. Equal ones have equal rows."""

    record: ErrorRecord
    group: str
    outcome: Outcome


class ErrorGroup:
    """The errors of one kind."""

    def __init__(self, key: str, kind: str | None) -> None:
        self.key = key
        self.kind = kind
        """The type of the errors, or the beginning of their messages that looks like one."""
        self.numbers = array("q")
        self.tasks: dict[str | None, None] = {}
        self.first_at: Micros = 0
        self.last_at: Micros = 0
        self._newest: deque[Micros] = deque(maxlen=STORM)
        self.burst: tuple[Micros, int] | None = None
        """The beginning of the present storm and its number of errors; None while there is none."""

    def add(self, number: int, row: ErrorRecord) -> None:
        """Add an error."""
        self.first_at = min(self.first_at, row.at) if self.numbers else row.at
        self.last_at = max(self.last_at, row.at)
        self.numbers.append(number)
        self.tasks[row.task_id] = None
        self._newest.append(row.at)
        first = min(self._newest)
        if len(self._newest) < STORM or self.last_at - first > STORM_TIME:
            self.burst = None
        elif self.burst is None:
            self.burst = first, STORM
        else:
            self.burst = self.burst[0], self.burst[1] + 1


class _Tally:
    """Errors of one outcome."""

    def __init__(self) -> None:
        self.total = 0
        self.of: Counter[str] = Counter()
        """By the key of their kind."""

    def add(self, key: str, count: int) -> None:
        self.total += count
        self.of[key] += count


class ErrorGroups:
    """The errors of a run by their kind, and what became of them. It only grows."""

    def __init__(self) -> None:
        self.groups: dict[str, ErrorGroup] = {}
        self.fatal = _Tally()
        self.still_open = _Tally()
        self._of: list[ErrorGroup] = []
        """The group of each error, by its number."""
        self._counted: dict[int, _Tally] = {}
        """The tally that counts an error, by its number."""
        self._newest: dict[str, int] = {}
        """The number of the newest error of each task."""
        self._given_up: dict[str, list[int]] = {}
        """The numbers of the errors of each task that the server calls not recoverable."""
        self._task_ids: dict[int, str] = {}
        """The ids of the tasks with errors, by their position."""
        self._turns = 0
        """The number of changes of tasks' statuses that have been looked at."""
        self._storm: ErrorGroup | None = None

    def feed(self, state: RunState) -> None:
        """Add the new errors, and count those again of which the outcome may have changed."""
        changed: set[int] = set()
        for number in range(len(self._of), len(state.errors)):
            row = state.errors[number]
            group = self._group(row)
            group.add(number, row)
            self._of.append(group)
            changed.add(number)
            if row.task_id is not None:
                changed.update(self._note_task(state, row.task_id, number))
                if row.recoverable is False:
                    self._given_up.setdefault(row.task_id, []).append(number)
            if group.burst is not None:
                self._storm = group
        for position in state.turns.positions(self._turns):
            self._turns += 1
            task_id = self._task_ids.get(position)
            if task_id is not None:
                changed.update((self._newest[task_id], *self._given_up.get(task_id, ())))
        for number in changed:
            self._count(state, number)

    def _note_task(self, state: RunState, task_id: str, number: int) -> list[int]:
        """Note a task's newest error; return the number of the one before."""
        task = state.tasks.get(task_id)
        if task is not None:
            self._task_ids[task.position] = task_id
        before = self._newest.get(task_id)
        self._newest[task_id] = number
        return [] if before is None else [before]

    def _count(self, state: RunState, number: int) -> None:
        key = self._of[number].key
        before = self._counted.pop(number, None)
        if before is not None:
            before.add(key, -1)
        outcome = self._outcome(state, number, state.errors[number])
        if outcome != "recovered":
            tally = self._counted[number] = self.fatal if outcome == "fatal" else self.still_open
            tally.add(key, 1)

    def _group(self, row: ErrorRecord) -> ErrorGroup:
        kind, text = _fingerprint(row)
        key = blake2b(f"{kind}\n{text}".encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
        group = self.groups.get(key)
        if group is None:
            group = self.groups[key] = ErrorGroup(key, kind)
        return group

    def entry(self, state: RunState, number: int) -> ErrorEntry:
        """Return an error with its kind and outcome."""
        row = state.errors[number]
        return ErrorEntry(row, self._of[number].key, self._outcome(state, number, row))

    def _outcome(self, state: RunState, number: int, row: ErrorRecord) -> Outcome:
        task = state.tasks.get(row.task_id) if row.task_id is not None else None
        if task is not None and task.status is TaskStatus.COMPLETED:
            return "recovered"
        if row.recoverable is False:
            return "fatal"
        if task is None:
            return "recovered" if row.recoverable else "open"
        if self._newest.get(task.task_id) != number:
            return "recovered"  # another attempt followed
        if task.status is TaskStatus.FAILED:
            return "fatal"
        return "recovered" if task.finished else "open"

    def storm(self, state: RunState) -> Storm | None:
        """Return the present storm, or the last one: its newest error tells if it has passed."""
        group = self._storm
        if group is None or group.burst is None:
            return None
        since, count = group.burst
        message = state.errors[group.numbers[-1]].message
        return {
            "type": group.kind and short(group.kind),
            "message": short(message.split("\n", 1)[0]),
            "count": count,
            "tasks": len(group.tasks),
            "since": ms(since) or 0,
            "at": ms(group.last_at) or 0,
        }


def error_entry_row(index: int, entry: ErrorEntry, cutter: Cutter) -> ErrorRow:
    """Return the row of an error with its kind and outcome."""
    row = error_row(index, entry.record, cutter)
    row["group"], row["outcome"] = entry.group, entry.outcome
    return row


def _fingerprint(row: ErrorRecord) -> tuple[str | None, str]:
    """Return the type of an error, and its message without what differs from one to the next."""
    line = row.message.lstrip().split("\n", 1)[0][:_COMPARED]
    kind = row.error_type
    if kind is None and (found := _TYPE.match(line)) is not None:
        kind, line = found[1], line[found.end() :]
    return kind, _VARIABLE.sub("#", line).strip().casefold()


def group_row(state: RunState, groups: ErrorGroups, group: ErrorGroup, cutter: Cutter) -> ErrorGroupRow:
    """Return the row of a kind of errors; its message is that of the newest."""
    newest = state.errors[group.numbers[-1]]
    count = len(group.numbers)
    return {
        "key": group.key,
        "error_type": cutter("error_type", group.kind, NAME),
        "message": cutter("message", newest.message, PROSE // 4),
        "count": count,
        "tasks": sum(task is not None for task in group.tasks),
        "task": cutter("task", newest.task_id, NAME),
        "task_name": cutter("task_name", newest.task_name, NAME),
        "fatal": groups.fatal.of[group.key],
        "open": groups.still_open.of[group.key],
        "attempt": newest.attempt,
        "max_retries": newest.max_retries,
        "first_at": ms(group.first_at),
        "at": ms(group.last_at),
    }
