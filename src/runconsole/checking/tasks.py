"""The promises of the task family: begin and end of each task, its pace, its questions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runconsole.checking.findings import Findings
from runconsole.checking.questions import QUESTIONS, check_question
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
_BEGINS = frozenset({"task.created", "task.started"})
_ENDS = frozenset({"task.completed", "task.failed", "task.cancelled"})
_AT_WORK = frozenset({"task.progress", "task.output", "task.subtask.started", "task.subtask.completed"})
_CUMULATIVE = ("tokensUsed", "cost")
_CUMULATIVE_OF_AGENTS = (*_CUMULATIVE, "totalTokens", "inputTokens", "outputTokens", "cachedTokens", "reasoningTokens")


class TaskRules:
    """Follows the events of tasks.

    Args:
        findings: takes what is found.
        is_late: True if the stream may begin after its tasks, as that of one task does.
    """

    def __init__(self, findings: Findings, *, is_late: bool = False) -> None:
        self._found = findings
        self._is_late = is_late
        self._created: set[str] = set()
        """The tasks that were created and have neither begun nor ended."""
        self._open: dict[str, int] = {}
        """The tasks that have not ended, with the number of their first event."""
        self._ended: set[str] = set()
        self._elsewhere: set[str] = set()
        """The tasks whose beginning an event of another family has told."""
        self._unbegun: set[str] = set()
        """The tasks of which it was reported that their beginning lacks."""
        self._sums: dict[tuple[str, str], float] = {}
        self._progress_at: dict[str, Micros] = {}
        self._early: dict[str, tuple[int, str]] = {}
        """The last progress of each task, if it came too early: right before the end of the task it may."""
        self._short: dict[str, tuple[Micros, Micros, int]] = {}
        """The beginning of a second of each task, its last short chunk of output, and their number."""

    @property
    def ended(self) -> bool:
        """True if a task came and every one has ended."""
        return bool(self._ended) and not self._open

    def lost(self) -> None:
        """Note that events may be missing."""
        self._is_late = True

    def take(self, number: int, kind: str, data: Mapping[str, Any], at: Micros | None) -> None:
        """Take an event of the family; `at` is its own time."""
        task = data.get("taskId")
        task = task if isinstance(task, str) else ""
        if kind in _BEGINS:
            self._begin(number, kind, task)
        elif kind in _ENDS:
            self._end(number, kind, task)
        elif kind in _AT_WORK and task:
            self._at_work(number, kind, task)
        if kind == "task.progress" and data.get("progress") is not None:
            self._pace(number, task, at)
        elif kind == "task.output":
            self._chunk(number, task, data, at)
        elif kind in QUESTIONS:
            check_question(self._found, number, kind, data)
        if kind.startswith("task."):
            self._add_up(number, kind, task, "metrics", data)
        elif kind.startswith("agent."):
            self._agent(number, kind, data)

    def begin(self, task: str) -> None:
        """Note that a task is there, or runs again, by an event of another family: that tells its end, too."""
        self._elsewhere.add(task)
        self._ended.discard(task)

    def end(self, task: str) -> None:
        """Note the end of a task by an event of another family."""
        self._early.pop(task, None)
        self._open.pop(task, None)
        self._created.discard(task)
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

    def _begin(self, number: int, kind: str, task: str) -> None:
        if task in self._ended:
            self._forget_sums(task)
        self._unbegun.discard(task)
        self._ended.discard(task)
        self._open.setdefault(task, number)
        (self._created.add if kind == "task.created" else self._created.discard)(task)

    def _at_work(self, number: int, kind: str, task: str) -> None:
        """Note an event that comes between the beginning of a task and its end."""
        if task in self._ended:
            return  # of a task that ended late, as its last output may
        self._needs_begin(number, kind, task, "task.started")
        if task not in self._elsewhere:
            self._open.setdefault(task, number)

    def _end(self, number: int, kind: str, task: str) -> None:
        if task in self._ended:
            self._found.add("one end a task", "one end of a task", f"another one of {task}", event=number, type=kind)
        elif kind == "task.completed":
            self._needs_begin(number, kind, task, "task.started")
        elif task not in self._created:
            self._needs_begin(number, kind, task, "task.created or task.started")
        self.end(task)

    def _needs_begin(self, number: int, kind: str, task: str, what: str) -> None:
        """Report an event of a task that has not begun: once a task, as advice where its beginning may be past."""
        was_created = task in self._created
        if (task in self._open and not was_created) or task in self._unbegun or task in self._elsewhere:
            return
        self._unbegun.add(task)
        self._found.add(
            "a task begins first",
            f"{what} before {kind}",
            f"none of {task}",
            event=number,
            type=kind,
            level="advice" if self._is_late and not was_created else "broken",
        )

    def _agent(self, number: int, kind: str, data: Mapping[str, Any]) -> None:
        """Compare what an agent has used so far, of one model or in all, with what it had used before."""
        agent, model = data.get("agentId"), data.get("model")
        if not isinstance(agent, str):
            return
        key = f"agent {agent}" if not isinstance(model, str) else f"agent {agent} with {model}"
        if kind == "agent.spawned":
            self._forget_agent(agent)
        for part in ("metrics", "usage"):
            self._add_up(number, kind, key, part, data)

    def _add_up(self, number: int, kind: str, subject: str, part: str, data: Mapping[str, Any]) -> None:
        """Compare the tokens and the cost of a task or an agent so far with those before."""
        counts = data.get(part)
        if not isinstance(counts, Mapping):
            return
        of_task = kind.startswith("task.")
        for name in _CUMULATIVE if of_task else _CUMULATIVE_OF_AGENTS:
            value = counts.get(name)
            if not isinstance(value, int | float) or isinstance(value, bool):
                continue
            before = self._sums.get((subject, name), value)
            self._sums[subject, name] = value
            if value < before:
                self._found.add(
                    "sums do not go down",
                    f"{part}.{name} of {'a task' if of_task else 'an agent'} so far",
                    f"{value:g} after {before:g}, of {subject}",
                    event=number,
                    type=kind,
                )

    def _forget_agent(self, agent: str) -> None:
        """Note that an agent begins: its usage may be that of its new life."""
        begins = (f"agent {agent}", f"agent {agent} with ")
        for subject, name in list(self._sums):
            if subject == begins[0] or subject.startswith(begins[1]):
                del self._sums[subject, name]

    def _forget_sums(self, task: str) -> None:
        """Note that a task runs again: its metrics may be those of the new attempt."""
        for name in _CUMULATIVE:
            self._sums.pop((task, name), None)

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
