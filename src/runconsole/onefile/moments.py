"""The pictures of a run from its beginning to its end: whole tables, each row once for each time it changes.

A moment has the changes since the one before. Tables that only grow (output, errors, ...) are held once, as at the end;
a moment has the number of their rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, get_args

from runconsole.events import Micros, Received
from runconsole.state import RunState
from runconsole.view.agents import AgentTree
from runconsole.view.contract import Described, KeyedName
from runconsole.view.decisions import DecisionHistory
from runconsole.view.error_groups import ErrorGroups
from runconsole.view.head import ErrorCounts, head
from runconsole.view.output import OutputLines
from runconsole.view.rows import AnyRow, Cutter, ms
from runconsole.view.sent_rows import is_same
from runconsole.view.tables import TABLES, TableSource

__all__ = ["GROWING", "KEYED", "FileMoments"]

KEYED: tuple[str, ...] = tuple(name for name in get_args(KeyedName) if name != "active")
"""Tables whose rows change."""
GROWING: dict[str, int] = {
    "output": 50_000,
    "events": 10_000,
    "artifacts": 10_000,
    "errors": 10_000,
    "decisions": 10_000,
}
"""Tables that only grow, and the most rows of each in a file: the newest."""
_CHANGES = 400_000
"""The most changed rows of all moments; beyond it a file has the end alone."""
_WHOLE = 2_000
"""The most rows of a table that are there uncut, too."""

_AGENTS = 1_000
_MISSING = object()


class FileMoments:
    """The moments of one run.

    Args:
        state: its state, as it is now.
        read: returns up to n events of the log from a number on, with their numbers, in a form that may be shown.
        describe: returns the fields of the head that are not in the state.
    """

    def __init__(
        self,
        state: RunState,
        read: Callable[[int, int], list[tuple[int, Received]]],
        describe: Callable[[], Described],
    ) -> None:
        self.state = state
        self.moments: list[AnyRow] = []
        """`totals` counts all rows; those of a file are the newest of them."""
        self._describe = describe
        self._lines = OutputLines()
        self._errors = ErrorGroups()
        self._source = TableSource(
            state, self._lines, DecisionHistory(), self._errors, AgentTree(), read, lambda: describe()["events"]
        )
        self._head: AnyRow = {}
        self._held: dict[str, dict[str, Any]] = {name: {} for name in KEYED}
        self._versions: dict[str, Any] = {}
        self._active: list[str] = []
        self._changes = 0

    @property
    def is_full(self) -> bool:
        """True if there is no room for another moment but the last."""
        return self._changes > _CHANGES

    def add(self, position_s: float, now: Micros) -> None:
        """Add the moment at a position: the run as it is now."""
        self._lines.feed(self.state.output)
        self._source.history.feed(self.state)
        self._errors.feed(self.state)
        self._source.agents.feed(self.state)
        moment: AnyRow = {"position_s": round(position_s, 3), "now": ms(now)}
        errors = ErrorCounts(self._errors.fatal.total, self._errors.still_open.total, self._errors.storm(self.state))
        after = head(self.state, self._describe(), len(self._lines.lines), errors)
        moment["head"] = {name: value for name, value in after.items() if self._head.get(name, _MISSING) != value}
        self._head = dict(after)
        for name in KEYED:
            change = self._change(name)
            if change:
                moment[name] = change
        active = list(TABLES["active"].window(self._source))
        if active != self._active:
            self._active = moment["active"] = active
        moment["totals"] = {name: TABLES[name].total(self._source) for name in GROWING}
        self.moments.append(moment)

    def _change(self, name: str) -> AnyRow:
        """Return the changed rows of a table, and all its keys where others than new ones at its end changed."""
        version = TABLES[name].version(self._source)
        if self._versions.get(name) == version:
            return {}
        self._versions[name] = version
        before = self._held[name]
        after = dict(self._every(name))
        rows = [self._row(name, key, item) for key, item in after.items() if not is_same(before.get(key), item)]
        self._held[name] = after
        self._changes += len(rows)
        change: AnyRow = {"set": rows} if rows else {}
        if [*before, *(key for key in after if key not in before)] != list(after):
            change["order"] = list(after)
        return change

    def growing(self) -> dict[str, list[AnyRow]]:
        """Return the newest rows of the tables that only grow, numbered from 0 (`totals`)."""
        held: dict[str, list[AnyRow]] = {}
        for name in GROWING:
            items, first = TABLES[name].every(self._source), self._first(name)
            held[name] = [self._row(name, str(int(key) - first), item) for key, item in items[first:]]
        return held

    def whole(self) -> dict[str, dict[str, AnyRow]]:
        """Return the rows with uncut texts, of those that are cut or have more details, by table and key."""
        found: dict[str, dict[str, AnyRow]] = {}
        for name in (*KEYED, "artifacts", "errors", "decisions"):
            found[name] = {}
            first = self._first(name) if name in GROWING else 0
            for number, (key, item) in enumerate(self._every(name)[first:]):
                shown = str(number) if name in GROWING else key
                if len(found[name]) < _WHOLE and "cut" in self._row(name, shown, item):
                    found[name][shown] = self._row(name, shown, item, whole=True)
        return found

    def totals(self) -> list[dict[str, int]]:
        """Return the number of rows of the tables that only grow, at each moment, of those that the file has."""
        first = {name: self._first(name) for name in GROWING}
        return [{name: max(0, moment["totals"][name] - first[name]) for name in GROWING} for moment in self.moments]

    def left_out(self) -> list[str]:
        """Return the parts of the run that a file holds incompletely, in words."""
        words = {"output": "lines of output"}
        parts = [
            f"the newest {most:,} of {TABLES[name].total(self._source):,} {words.get(name, name)}"
            for name, most in GROWING.items()
            if self._first(name)
        ]
        if len(self._source.agents) > _AGENTS:
            parts.append(f"the first {_AGENTS:,} of {len(self._source.agents):,} agents and tool calls")
        return [*parts, "the end of the run alone, without the way there"] if self.is_full else parts

    def _every(self, name: str) -> Sequence[tuple[str, Any]]:
        """Return the rows of a table, of agents and their calls the first ones."""
        if name == "agents":
            return [(node.key, node) for node in self._source.agents.first(self.state, _AGENTS)]
        return TABLES[name].every(self._source)

    def _first(self, name: str) -> int:
        return max(0, TABLES[name].total(self._source) - GROWING[name])

    def _row(self, name: str, key: str, item: Any, *, whole: bool = False) -> AnyRow:
        cutter = Cutter(whole=whole)
        row: Any = cutter.mark(TABLES[name].row(self._source, key, item, cutter))
        return dict(row)
