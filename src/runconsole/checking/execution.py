"""The promises of the execution family: a start, each task, each wave, an end, and counters that agree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runconsole.checking.findings import Findings

__all__ = ["ENDED", "ExecutionRules"]

ENDED = frozenset({"completed", "failed", "skipped", "cancelled"})
"""The statuses of a task that has ended."""


class ExecutionRules:
    """Follows the events of an execution.

    Attributes:
        ended: True after `execution_completed`.
        began: True if any event of the family came.
    """

    def __init__(self, findings: Findings) -> None:
        self._found = findings
        self.began = False
        self.ended = False
        self._started = False
        self._total: int | None = None
        self._status: dict[str, str] = {}
        self._counts = dict.fromkeys(ENDED, 0)
        self._artifacts = 0
        self._waves: set[int] = set()
        self._completed_waves: set[int] = set()

    def take(self, number: int, kind: str, data: Mapping[str, Any]) -> None:
        """Take an event of the family."""
        self.began = True
        if self.ended:
            self._found.add("the end is last", "no event after execution_completed", kind, event=number, type=kind)
        match kind:
            case "execution_started":
                self._start(number, data)
            case "progress_update":
                self._progress(number, data)
            case "wave_completed":
                self._completed_waves.add(_whole(data.get("wave_number"), -1))
            case "artifact_created":
                self._artifacts += 1
            case "error":
                self._error(number, data)
            case "execution_completed":
                self._end(number, data)

    def finish(self) -> None:
        """Check what only the whole stream shows."""
        if not self.began:
            return
        if not self._started:
            self._found.add("the start is sent", "execution_started at the start", "none")
        if not self.ended:
            self._found.add("the end is sent", "execution_completed at the end", "none")
        missing = sorted(self._waves - self._completed_waves)
        if missing:
            shown = ", ".join(map(str, missing[:10])) + (", …" if len(missing) > 10 else "")
            self._found.add("each wave's end is sent", "wave_completed of every wave", f"none of wave {shown}")

    def _start(self, number: int, data: Mapping[str, Any]) -> None:
        if self._status:
            self._found.add(
                "the start is first",
                "execution_started before any task",
                "it after a task",
                event=number,
                type="execution_started",
            )
        if self._started:
            self._found.add("one start", "one execution_started", "another one", event=number, type="execution_started")
        self._started = True
        self._total = _whole(data.get("total_tasks"), None)

    def _progress(self, number: int, data: Mapping[str, Any]) -> None:
        task, status = data.get("task_id"), data.get("status")
        if not isinstance(task, str) or not isinstance(status, str):
            return
        before = self._status.get(task)
        self._status[task] = status
        for known, change in ((before, -1), (status, 1)):
            if known in ENDED:
                self._counts[known] += change
        wave = _whole(data.get("current_wave"), None)
        if wave is not None:
            self._waves.add(wave)
        if self._started:  # who comes late cannot count
            self._compare(number, "progress_update", data, "completed_tasks", self._counts["completed"])

    def _error(self, number: int, data: Mapping[str, Any]) -> None:
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
        if not self._started:
            return
        kind = "execution_completed"
        self._compare(number, kind, data, "completed_tasks", self._counts["completed"])
        self._compare(number, kind, data, "failed_tasks", self._counts["failed"])
        self._compare(number, kind, data, "artifacts_created", self._artifacts)
        if self._total is not None:
            self._compare(number, kind, data, "total_tasks", max(self._total, len(self._status)))

    def _compare(self, number: int, kind: str, data: Mapping[str, Any], name: str, counted: int) -> None:
        given = data.get(name)
        if isinstance(given, int) and not isinstance(given, bool) and given != counted:
            self._found.add(
                "counters agree with the events",
                f"{name} to be the number in the events",
                f"{given}, the events say {counted}",
                event=number,
                type=kind,
            )


def _whole(value: object, other: Any) -> Any:
    return value if isinstance(value, int) and not isinstance(value, bool) else other
