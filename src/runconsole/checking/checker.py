"""`Checker`: events in, findings out. No I/O."""

from __future__ import annotations

import json
import re
from typing import Any

from runconsole.checking.execution import ENDED, ExecutionRules
from runconsole.checking.fields import FIELDS, problems, words
from runconsole.checking.findings import CheckReport, Findings
from runconsole.checking.tasks import TaskRules
from runconsole.events import Logged, MalformedFrame, Received, UnknownEvent

__all__ = ["Checker"]

_ISO_Z = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_EXECUTION = frozenset(
    {"execution_started", "progress_update", "wave_completed", "artifact_created", "error", "execution_completed"}
)


class Checker:
    """Compares a stream with the promises of its event family, event by event. Memory grows with its tasks and ids."""

    def __init__(self) -> None:
        self._found = Findings()
        self._execution = ExecutionRules(self._found)
        self._tasks = TaskRules(self._found)
        self._number = 0
        self._ids: set[int] = set()
        self._families: set[str] = set()

    def connected(self) -> None:
        """Note a new connection: a server may send there again what it sent before."""
        self._ids.clear()

    def repeated(self, event: Received) -> None:
        """Take an event that came before, over this connection or an earlier one."""
        self._note_id(event, self._number)

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
        self._note_id(event, number)
        self._stamp(number, kind, stamp)
        data = _object(event.payload)
        if data is None:
            self._found.add("data is an object", "an object of fields", event.payload, event=number, type=kind)
            return
        self._fields(number, kind, data)
        if kind in _EXECUTION:
            self._families.add("execution")
            self._execution.take(number, kind, data)
            status = data.get("status")
            if kind == "progress_update" and isinstance(status, str) and status in ENDED:
                self._tasks.end(str(data.get("task_id")))
        elif "." in kind:
            self._families.add("tasks")
            self._tasks.take(number, kind, data, event.timestamp)

    def report(self, source: str, *, whole: bool) -> CheckReport:
        """Return what was found. `whole`: the stream was followed to its end."""
        if not self._number:
            self._found.add("there are events", "one or more events", "none")
        elif whole:
            self._execution.finish()
            self._tasks.finish()
        family = "both" if len(self._families) > 1 else next(iter(self._families), "none")
        ended = self._execution.ended if self._execution.began else self._tasks.ended
        return CheckReport(source, family, self._number, ended, whole, self._found.all())

    def _note_id(self, event: Received, number: int) -> None:
        if event.event_id is None:
            return
        mark = hash(event.event_id)
        if mark in self._ids:
            self._found.add(
                "an id is one event's",
                "another id for each event of a connection",
                f"{event.event_id!r} again",
                event=number,
                type=event.type,
            )
        self._ids.add(mark)

    def _stamp(self, number: int, kind: str, stamp: object) -> None:
        if not (isinstance(stamp, str) and _ISO_Z.fullmatch(stamp)):
            self._found.add(
                "times are ISO 8601 in UTC",
                "a timestamp as in 2026-05-31T18:00:00.000Z",
                "none" if stamp is None else stamp,
                event=number,
                type=kind,
            )

    def _fields(self, number: int, kind: str, data: dict[str, Any]) -> None:
        for field, got in problems(data, FIELDS.get(kind, ())):
            rule = "fields are there" if got == "nothing" else "fields have their types"
            is_advice = got == "nothing" and field.need is not True
            self._found.add(
                rule,
                f"{field.name} as {words(field.kind)}",
                got,
                event=number,
                type=kind,
                level="advice" if is_advice else "broken",
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
