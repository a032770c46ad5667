"""The promises of the task family: begin and end of each task, its pace, its questions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runconsole.checking.findings import Findings
from runconsole.events import Micros

__all__ = ["TaskRules"]

_SECOND: Micros = 950_000
"""Microseconds between two reports that are a second apart, with some room for clocks."""
_CHUNK = 90
"""Characters of a chunk that is not short: output comes in chunks of about 100, or 100 ms after the last one."""
_MOMENT: Micros = 10_000
"""Microseconds between the chunks that one buffer is sent in."""
_MOST_SHORT = 12
"""Short chunks within a second."""
_ENDS = frozenset({"task.completed", "task.failed", "task.cancelled"})
_QUESTIONS = frozenset({"task.hitl_required", "checkpoint.pending", "checkpoint.hitl_required"})
_DEADLINES = ("timeout", "expiresAt", "expires_at")
_DEFAULTS = ("defaultAction", "defaultOption", "default_action", "default_option")


class TaskRules:
    """Follows the events of tasks.

    Attributes:
        began: True if a task has begun or ended.
    """

    def __init__(self, findings: Findings) -> None:
        self._found = findings
        self.began = False
        self._open: dict[str, int] = {}
        """The tasks that have begun and not ended, with the number of that event."""
        self._ended: set[str] = set()
        self._progress_at: dict[str, Micros] = {}
        self._early: dict[str, tuple[int, str]] = {}
        """The last progress of each task, if it came too early: right before the end of the task it may."""
        self._short: dict[str, tuple[Micros, Micros, int]] = {}
        """The beginning of a second of each task, its last short chunk of output, and their number."""

    @property
    def ended(self) -> bool:
        """True if a task came and every one has ended."""
        return bool(self._ended) and not self._open

    def take(self, number: int, kind: str, data: Mapping[str, Any], at: Micros | None) -> None:
        """Take an event of the family; `at` is its own time."""
        task = data.get("taskId")
        task = task if isinstance(task, str) else ""
        if kind in {"task.created", "task.started"}:
            self.began = True
            self._open.setdefault(task, number)
            self._ended.discard(task)
        elif kind in _ENDS:
            self._end(number, kind, task)
        elif kind == "task.progress" and data.get("progress") is not None:
            self._pace(number, task, at)
        elif kind == "task.output":
            self._chunk(number, task, data, at)
        elif kind in _QUESTIONS:
            self._question(number, kind, data)

    def end(self, task: str) -> None:
        """Note the end of a task by an event of another family."""
        self._early.pop(task, None)
        self._open.pop(task, None)
        self._ended.add(task)

    def finish(self) -> None:
        """Check what only the whole stream shows."""
        if self._open:
            first = next(iter(self._open))
            self._found.add(
                "each task's end is sent",
                "completed, failed or cancelled of every task",
                f"none of {len(self._open):,} tasks, {first} for one",
            )

    def _end(self, number: int, kind: str, task: str) -> None:
        self.began = True
        if task in self._ended:
            self._found.add("one end a task", "one end of a task", f"another one of {task}", event=number, type=kind)
        elif task not in self._open:
            self._found.add(
                "a task begins first",
                "task.created or task.started before the end",
                f"none of {task}",
                event=number,
                type=kind,
                level="advice",
            )
        self.end(task)

    def _pace(self, number: int, task: str, at: Micros | None) -> None:
        if at is None:
            return
        self._tell_early(task)
        before = self._progress_at.get(task)
        if before is not None and 0 <= at - before < _SECOND:
            self._early[task] = number, f"{(at - before) / 1e6:.3f} s, of {task}"
        self._progress_at[task] = at

    def _tell_early(self, task: str) -> None:
        """Report a progress that came too early: another one followed, so it was not the last before an end."""
        number, got = self._early.pop(task, (0, ""))
        if number:
            expected = "a second between two reports of a task's progress"
            self._found.add("progress once a second", expected, got, event=number, type="task.progress")

    def _chunk(self, number: int, task: str, data: Mapping[str, Any], at: Micros | None) -> None:
        text = data.get("data")
        if at is None or not isinstance(text, str) or len(text) >= _CHUNK:
            return
        began, last, count = self._short.get(task, (at, 0, 0))
        if 0 <= at - last < _MOMENT:
            return  # parts of one buffer: another stream, another line
        began, count = (at, 1) if at - began >= 1_000_000 or at < began else (began, count + 1)
        self._short[task] = began, at, count
        if count > _MOST_SHORT:
            self._found.add(
                "output in chunks",
                "about 100 characters or 100 ms a chunk of a task's output",
                f"more than {_MOST_SHORT} short ones within a second, of {task}",
                event=number,
                type="task.output",
            )

    def _question(self, number: int, kind: str, data: Mapping[str, Any]) -> None:
        level: Any = "broken" if kind == "task.hitl_required" else "advice"
        inside = data.get("timeout")
        known = {*data, *(inside if isinstance(inside, Mapping) else ())}
        for rule, names in (("a question has a deadline", _DEADLINES), ("a question has a default", _DEFAULTS)):
            if not any(name in known and data.get(name, "") is not None for name in names):
                self._found.add(rule, f"{names[0]} of every question", "none", event=number, type=kind, level=level)
        options = data.get("options")
        if isinstance(options, list) and not options:
            self._found.add("a question has options", "one or more options", "none", event=number, type=kind)
