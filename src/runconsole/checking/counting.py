"""The counters of an execution, beside those in its events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runconsole.checking.findings import Findings
from runconsole.events import TaskStatus

__all__ = ["ENDED", "Counting", "whole_number"]

ENDED = frozenset({TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.SKIPPED, TaskStatus.CANCELLED})
"""The statuses of a task that has ended."""
_ROUNDED = 0.51
"""Percent by which a rounded percentage may be beside the counters."""


class Counting:
    """Counts the tasks and files of an execution.

    Attributes:
        knows: False if the stream began after the execution, or some of its events were lost: nothing is compared then.
    """

    def __init__(self, findings: Findings) -> None:
        self._found = findings
        self.knows = False
        self._total: int | None = None
        self._more: tuple[int, int] | None = None
        """A larger total than the announced one, and the event that told it."""
        self._status: dict[str, TaskStatus | None] = {}
        self._counts = dict.fromkeys(ENDED, 0)
        self._artifacts = 0
        self._with_error: set[str] = set()

    @property
    def has_tasks(self) -> bool:
        """True if a task has come."""
        return bool(self._status)

    def plan(self, number: int, data: Mapping[str, Any]) -> None:
        """Take the plan of an execution: its number of tasks, and those of its phases."""
        self.knows = not self._status
        self._total = whole_number(data.get("total_tasks"))
        phases = data.get("phases")
        plans = [phase for phase in phases if isinstance(phase, Mapping)] if isinstance(phases, list) else []
        tasks = [whole_number(phase.get("tasks")) for phase in plans]
        sums = [count for count in tasks if count is not None]
        if self._total is not None and sums and len(sums) == len(tasks) and sum(sums) != self._total:
            self._add(
                number,
                "execution_started",
                "phases add up",
                "the tasks of all phases to be total_tasks together",
                f"{sum(sums)} of {self._total}",
            )
        numbers = [value for phase in plans if (value := whole_number(phase.get("number"))) is not None]
        if len(set(numbers)) < len(numbers):
            self._add(number, "execution_started", "phases differ", "another number for each phase", repr(numbers))

    def artifact(self) -> None:
        """Count a file."""
        self._artifacts += 1

    def error(self, data: Mapping[str, Any]) -> None:
        """Note the task of an error."""
        task = data.get("task_id")
        if isinstance(task, str):
            self._with_error.add(task)

    def task(self, task: str, status: TaskStatus | None) -> None:
        """Take the status of a task."""
        before = self._status.get(task)
        self._status[task] = status
        for known, change in ((before, -1), (status, 1)):
            if known is not None and known in ENDED:
                self._counts[known] += change

    def progress(self, number: int, data: Mapping[str, Any]) -> None:
        """Compare the counters of a report with what came."""
        if not self.knows:
            return
        kind, completed = "progress_update", self._counts[TaskStatus.COMPLETED]
        self._compare(number, kind, data, "completed_tasks", completed)
        if data.get("progress") != data.get("completed_tasks"):
            self._compare(number, kind, data, "progress", completed)
        total = whole_number(data.get("total_tasks"))
        if total is not None:
            self._note_total(number, total)
        self._percent(number, data, self._total if total is None else total)

    def _note_total(self, number: int, total: int) -> None:
        """Compare a total with the announced one. It may grow with the tasks, which the end shows."""
        if self._total is None:
            self._total = total
        elif total < self._total:
            self._add_total(number, total)
        elif total > self._total and (self._more is None or total > self._more[0]):
            self._more = total, number if self._more is None else self._more[1]

    def _add_total(self, number: int, total: int) -> None:
        expected = "total_tasks to be the announced number"
        got = f"{total}, announced are {self._total}"
        self._add(number, "progress_update", "totals agree with the start", expected, got)

    def _percent(self, number: int, data: Mapping[str, Any], total: int | None) -> None:
        given, completed = data.get("progress_percent"), whole_number(data.get("completed_tasks"))
        if not isinstance(given, int | float) or isinstance(given, bool) or completed is None or not total:
            return
        counted = 100 * completed / total
        if 0 <= given <= 100 and abs(given - counted) > _ROUNDED:
            self._add(
                number,
                "progress_update",
                "percent agrees with the counters",
                "progress_percent to be completed_tasks of total_tasks",
                f"{given:g}, {completed} of {total} are {counted:.2f}",
            )

    def end(self, number: int, data: Mapping[str, Any]) -> None:
        """Compare the sums of an execution with what came."""
        if not self.knows:
            return
        kind = "execution_completed"
        self._compare(number, kind, data, "completed_tasks", self._counts[TaskStatus.COMPLETED])
        self._compare(number, kind, data, "failed_tasks", self._counts[TaskStatus.FAILED])
        self._compare(number, kind, data, "artifacts_created", self._artifacts)
        if self._total is not None:
            self._compare(number, kind, data, "total_tasks", max(self._total, len(self._status)))
        if data.get("status") == "success":
            self._success(number)
        if self._more is not None and self._more[0] > len(self._status):
            self._add_total(self._more[1], self._more[0])

    def _success(self, number: int) -> None:
        kind, rule = "execution_completed", "success is that of all tasks"
        failed = self._counts[TaskStatus.FAILED]
        if failed:
            self._add(number, kind, rule, "another status than success where tasks have failed", f"{failed:,} failed")
        total, ended = max(self._total or 0, len(self._status)), sum(self._counts.values())
        if ended < total:
            expected, got = "the end of every task before success", f"{ended:,} of {total:,}"
            self._add(number, kind, rule, expected, got)

    def finish(self) -> None:
        """Check what only the whole stream shows."""
        failed = [task for task, status in self._status.items() if status == TaskStatus.FAILED]
        silent = [task for task in failed if task not in self._with_error]
        if self.knows and silent:
            got = f"none of {len(silent):,} tasks, {silent[0]} for one"
            self._found.add("each failure has its error", "error of every failed task", got)

    def _compare(self, number: int, kind: str, data: Mapping[str, Any], name: str, counted: int) -> None:
        given = whole_number(data.get(name))
        if given is not None and given != counted:
            self._add(
                number,
                kind,
                "counters agree with the events",
                f"{name} to be the number in the events",
                f"{given}, the events say {counted}",
            )

    def _add(self, number: int, kind: str, rule: str, expected: str, got: str) -> None:
        self._found.add(rule, expected, got, event=number, type=kind)


def whole_number(value: object) -> int | None:
    """Return a whole number; None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None
