"""`Checker`: events in, findings out. No I/O."""

from __future__ import annotations

import json
from typing import Any

from runconsole.checking.counting import ENDED
from runconsole.checking.envelopes import EnvelopeRules
from runconsole.checking.executions import Executions
from runconsole.checking.fields import FIELDS, problems, words
from runconsole.checking.findings import CheckReport, Findings
from runconsole.checking.tasks import TaskRules
from runconsole.events import Logged, MalformedFrame, Received, UnknownEvent
from runconsole.statuses import read_status

__all__ = ["Checker"]

_EXECUTION = frozenset(
    {"execution_started", "progress_update", "wave_completed", "artifact_created", "error", "execution_completed"}
)


class Checker:
    """Compares a stream with the promises of its event family, event by event. Memory grows with its tasks.

    Args:
        is_part: True for the events of one task or execution of many: their numbers skip, and tasks may have begun.
    """

    def __init__(self, *, is_part: bool = False) -> None:
        self._found = Findings()
        self._envelopes = EnvelopeRules(self._found)
        self._executions = Executions(self._found)
        self._tasks = TaskRules(self._found, is_late=is_part)
        self._number = 0
        self._is_part = is_part
        self._families: set[str] = set()

    def connected(self) -> None:
        """Note a new connection: a server may send there again what it sent before."""
        self._envelopes.connected()

    def lost(self) -> None:
        """Note that events may be missing here: nothing is counted from here on."""
        self._envelopes.begin_run()
        self._executions.lost()
        self._tasks.lost()

    def note_unreadable(self, count: int, first: int) -> None:
        """Note lines of a recording that cannot be read; `first` is the number of the first one, from 1."""
        got = f"{count:,} lines that cannot be, line {first} for one; what they held is not checked"
        self._found.add("the recording can be read", "a recording whose lines can be read", got, level="advice")

    def repeated(self, event: Received) -> None:
        """Take an event that came before, over this connection or an earlier one."""
        self._envelopes.repeated(event, self._number)

    def take(self, event: Received, stamp: object) -> None:
        """Take an event; `stamp` is its time as the server wrote it, None for none."""
        self._number += 1
        number, kind = self._number, event.type
        if event.fact.__class__ is MalformedFrame:
            self._found.add("every frame is an event", "JSON with a type and data", event.payload, event=number)
            return
        if _is_reply(event):
            return
        if isinstance(event.fact, UnknownEvent):
            self._found.add(
                "known types", "an event type of the documents", kind, event=number, type=kind, level="advice"
            )
        self._envelopes.take(event, number, stamp)
        data = _object(event.payload)
        if data is None:
            self._found.add("data is an object", "an object of fields", event.payload, event=number, type=kind)
            return
        self._fields(number, kind, data)
        if kind in _EXECUTION:
            self._families.add("execution")
            if self._executions.take(number, event, data):
                self._envelopes.begin_run()
            if kind == "progress_update":
                self._pass_on(data)
        elif "." in kind:
            self._families.add("tasks")
            self._tasks.take(number, kind, data, event.timestamp)

    def report(self, source: str, *, reason: str | None = None) -> CheckReport:
        """Return what was found. `reason`: the stream was not followed to its end."""
        if reason is None:
            self._finish()
        if not self._is_part:
            self._envelopes.finish()
        family = "both" if len(self._families) > 1 else next(iter(self._families), "none")
        ended = self._executions.ended if self._executions.began else self._tasks.ended
        return CheckReport(source, family, self._number, ended, self._found.all(), reason)

    def _finish(self) -> None:
        if not self._number:
            self._found.add("there are events", "one or more events", "none")
        elif not self._families:
            self._found.add("events are those of a family", "events of the execution or the task family", "none")
        if self._executions.began:
            self._executions.finish()
        self._tasks.finish()

    def _pass_on(self, data: dict[str, Any]) -> None:
        """Let the rules of tasks know the beginning or the end of one by an event of the execution family."""
        task, status = data.get("task_id"), read_status(data.get("status"))
        if not isinstance(task, str) or status is None:
            return
        if status in ENDED:
            self._tasks.end(task)
        else:
            self._tasks.begin(task)

    def _fields(self, number: int, kind: str, data: dict[str, Any]) -> None:
        # An execution tells its tasks in its own family, and with events of the other one what that lacks.
        is_beside = kind.startswith(("task.", "agent.")) and self._executions.began
        for field, got in problems(data, FIELDS.get(kind, ())):
            is_missing = got == "nothing"
            if is_missing and is_beside and field.need is not True:
                continue
            self._found.add(
                "fields are there" if is_missing else "fields have their types",
                f"{field.name.replace('/', ' or ')} as {words(field.kind)}",
                got,
                event=number,
                type=kind,
                level="advice" if is_missing and field.need is not True else "broken",
            )


def _is_reply(event: Received) -> bool:
    """Return whether an event answers a message of ours. A correlation id alone does not show it: any event has one."""
    if event.type == "error":
        return event.correlation_id is not None and getattr(event.fact, "task_id", None) is None
    return event.type not in FIELDS and (event.correlation_id is not None or isinstance(event.fact, Logged))


def _object(payload: str) -> dict[str, Any] | None:
    try:
        data = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None
