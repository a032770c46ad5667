"""The promises of the execution family: a start, each task, each wave, an end, and counters that agree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runconsole.checking.counting import Counting, whole_number
from runconsole.checking.findings import Findings
from runconsole.statuses import read_status

__all__ = ["ExecutionRules"]

_ENDS = ("success", "completed", "partial_success", "failed", "cancelled")
"""The statuses of an execution that has ended."""


class ExecutionRules:
    """Follows the events of one execution.

    Attributes:
        execution_id: its id, as its start has told it.
        ended: True after `execution_completed`.
        started: True after `execution_started`.
    """

    def __init__(self, findings: Findings, *, knows_all: bool = True) -> None:
        self._found = findings
        self.execution_id: str | None = None
        self.ended = False
        self.started = False
        self._knows_all = knows_all
        self._counting = Counting(findings)
        self._waves: set[int] = set()
        self._completed_waves: set[int] = set()

    def lost(self) -> None:
        """Note that events may be missing: nothing is counted any more."""
        self._knows_all = self._counting.knows = False

    def take(self, number: int, kind: str, data: Mapping[str, Any]) -> None:
        """Take an event of the family."""
        if self.ended:
            self._add(number, kind, "the end is last", "no event after execution_completed", kind)
        match kind:
            case "execution_started":
                self._start(number, data)
            case "progress_update":
                self._progress(number, data)
            case "wave_completed":
                self._completed_waves.add(_wave(data.get("wave_number")))
            case "artifact_created":
                self._counting.artifact()
            case "error":
                self._error(number, data)
            case "execution_completed":
                self._end(number, data)

    def finish(self) -> None:
        """Check what only the whole stream shows."""
        if not self.started:
            self._found.add("the start is sent", "execution_started at the start", "none")
        if not self.ended:
            self._found.add("the end is sent", "execution_completed at the end", "none")
        missing = sorted(self._waves - self._completed_waves)
        if missing and self._knows_all:
            shown = ", ".join(map(str, missing[:10])) + (", …" if len(missing) > 10 else "")
            self._found.add("each wave's end is sent", "wave_completed of every wave", f"none of wave {shown}")
        self._counting.finish()

    def _start(self, number: int, data: Mapping[str, Any]) -> None:
        kind = "execution_started"
        if self._counting.has_tasks:
            self._add(number, kind, "the start is first", "execution_started before any task", "it after a task")
        if self.started:
            self._add(number, kind, "one start", "one execution_started", "another one")
        self.started = True
        execution_id = data.get("execution_id")
        self.execution_id = execution_id if isinstance(execution_id, str) else None
        self._counting.plan(number, data)
        self._counting.knows &= self._knows_all

    def _progress(self, number: int, data: Mapping[str, Any]) -> None:
        task, word = data.get("task_id"), data.get("status")
        if not isinstance(task, str) or not isinstance(word, str):
            return
        self._word(number, word)
        subtasks = data.get("subtask_status")
        for each in subtasks.values() if isinstance(subtasks, Mapping) else ():
            self._word(number, each)
        self._counting.task(task, read_status(word))
        wave = whole_number(data.get("current_wave"))
        if wave is not None:
            self._waves.add(wave)
        self._counting.progress(number, data)

    def _word(self, number: int, word: object) -> None:
        if read_status(word) is None:
            expected = "pending, in_progress, completed, failed, skipped, or another word for one of them"
            self._add(number, "progress_update", "statuses are known words", expected, word)

    def _error(self, number: int, data: Mapping[str, Any]) -> None:
        self._counting.error(data)
        attempt, most = whole_number(data.get("retry_attempt")), whole_number(data.get("max_retries"))
        if attempt is not None and most is not None and attempt > most:
            expected = "retry_attempt of at most max_retries"
            self._add(number, "error", "retries are counted", expected, f"{attempt} of {most}")
        if data.get("recoverable") is True and data.get("retry_attempt") is None and data.get("task_id") is not None:
            self._found.add(
                "an error tells its retry",
                "retry_attempt and max_retries beside a recoverable error of a task",
                "neither" if data.get("max_retries") is None else "no retry_attempt",
                event=number,
                type="error",
                level="advice",
            )

    def _end(self, number: int, data: Mapping[str, Any]) -> None:
        self.ended = True
        kind, named = "execution_completed", data.get("execution_id")
        if self.execution_id is not None and isinstance(named, str) and named != self.execution_id:
            expected = "the execution_id of the start at the end"
            self._add(number, kind, "the end is that of the start", expected, f"{named}, begun is {self.execution_id}")
        status = data.get("status")
        if isinstance(status, str) and status not in _ENDS:
            self._add(number, kind, "statuses are known words", ", ".join(_ENDS[:-1]) + f" or {_ENDS[-1]}", status)
        self._counting.end(number, data)

    def _add(self, number: int, kind: str, rule: str, expected: str, got: object) -> None:
        self._found.add(rule, expected, got, event=number, type=kind)


def _wave(value: object) -> int:
    number = whole_number(value)
    return -1 if number is None else number
