"""The executions of one stream: each has its start and its end, and its events are compared with each other alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runconsole.checking.execution import ExecutionRules
from runconsole.checking.findings import Findings
from runconsole.events import Received

__all__ = ["Executions"]

_ID_NAMES = ("execution_id", "executionId")


class Executions:
    """Hands events to the execution that they belong to: the one that they name, else the newest."""

    def __init__(self, findings: Findings) -> None:
        self._found = findings
        self._runs: list[ExecutionRules] = []
        self._by_id: dict[str, ExecutionRules] = {}
        self._knows_all = True

    @property
    def began(self) -> bool:
        """True if an event of the family came."""
        return bool(self._runs)

    @property
    def ended(self) -> bool:
        """True if every execution has ended."""
        return all(run.ended for run in self._runs)

    def lost(self) -> None:
        """Note that events may be missing."""
        self._knows_all = False
        for run in self._runs:
            run.lost()

    def take(self, number: int, event: Received, data: Mapping[str, Any]) -> bool:
        """Take an event of the family; return whether another execution begins with it."""
        named = _named(event, data)
        if event.type == "execution_started" and self._is_another(named):
            run = self._begin()
        else:
            run = self._by_id.get(named or "") or (self._runs[-1] if self._runs else self._begin())
        run.take(number, event.type, data)
        if event.type == "execution_started" and named is not None:
            self._by_id[named] = run
        return event.type == "execution_started" and len(self._runs) > 1

    def finish(self) -> None:
        """Check what only the whole stream shows."""
        for run in self._runs:
            run.finish()

    def _is_another(self, named: str | None) -> bool:
        """Return whether a start is that of an execution that has not begun."""
        if not self._runs:
            return True
        newest = self._runs[-1]
        return newest.ended if named is None or not newest.started else named not in self._by_id

    def _begin(self) -> ExecutionRules:
        run = ExecutionRules(self._found, knows_all=self._knows_all)
        self._runs.append(run)
        self._knows_all = True
        return run


def _named(event: Received, data: Mapping[str, Any]) -> str | None:
    """Return the id of the execution that an event names."""
    beside = None if event.beside is None else event.beside.execution
    found = [data[name] for name in _ID_NAMES if isinstance(data.get(name), str)]
    return found[0] if found else beside
