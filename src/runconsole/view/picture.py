"""`View`: what of the state is shown, as a snapshot and as patches to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from runconsole.state import RunState
from runconsole.view.head import head
from runconsole.view.history import History
from runconsole.view.lines import OutputLines
from runconsole.view.rows import Cutter, Row, referred
from runconsole.view.tables import TABLES, Held, Source, Table

__all__ = ["DURABLE_BYTES", "View"]

PAGE = 500
DURABLE_BYTES = 48_000
_DURABLE_LIMITS: tuple[dict[str, int], ...] = (
    {"events": 0, "tasks": 60, "output": 60, "artifacts": 30, "errors": 30, "decisions": 30},
    {"tasks": 30, "output": 30, "artifacts": 10, "errors": 10, "decisions": 10},
    {"tasks": 10, "output": 10, "artifacts": 5, "errors": 5, "decisions": 5, "phases": 30, "waves": 30, "active": 3},
    {"tasks": 0, "output": 0, "artifacts": 0, "errors": 0, "decisions": 0, "phases": 10, "waves": 10, "active": 0},
    {"checkpoints": 1},
)
_NEWEST_KEPT = frozenset({"output", "artifacts", "errors", "decisions", "waves"})
_MISSING = object()


class View:
    """The picture of one run. One thread uses it: the one that writes the state.

    Args:
        state: what is shown.
        read: returns up to n events of the log from a number on, with their numbers.
        describe: returns the fields of the head that are not in the state: title, address, protocol, link, the counts
            of the log, and where a replay is.
        version: to begin with: the one of the view whose place this one takes.
    """

    def __init__(
        self,
        state: RunState,
        read: Callable[[int, int], Any],
        describe: Callable[[], dict[str, Any]],
        *,
        version: int = 0,
    ) -> None:
        self._lines = OutputLines()
        self._source = Source(state, self._lines, History(), read, lambda: describe()["events"])
        self._describe = describe
        self.version = version
        """Grows by one with each change of the picture."""
        self._head: Row = {}
        self._held: dict[str, Held] = {table: {} for table in TABLES}
        self._totals = dict.fromkeys(TABLES, 0)
        self._versions: dict[str, Any] = {}

    # ---- snapshots and patches ----------------------------------------------------------------------------------

    def snapshot(self) -> Row:
        """Return the whole picture as of the last `changes`."""
        picture: Row = {"head": self._head}
        for name, held in self._held.items():
            rows = [self._row(name, key, item) for key, item in held.items()]
            picture[name] = {"total": self._totals[name], "rows": rows}
        return picture

    def changes(self) -> Row:
        """Return what changed since the last call and count the version up; empty when nothing did."""
        self._feed()
        now = head(self._source.state, self._describe(), len(self._lines.lines))
        changed = {field: value for field, value in now.items() if self._head.get(field, _MISSING) != value}
        self._head = now
        changes: Row = {"head": changed} if changed else {}
        for name, table in TABLES.items():
            patch = self._patch(name, table)
            if patch:
                changes[name] = patch
        if changes:
            self.version += 1
        return changes

    def _patch(self, name: str, table: Table) -> Row:
        version = table.version(self._source)
        if self._versions.get(name) == version:
            return {}
        self._versions[name] = version
        before, total_before = self._held[name], self._totals[name]
        after = self._held[name] = table.window(self._source)
        total = self._totals[name] = table.total(self._source)
        known = {} if table.within is None else self._held[table.within]
        patch: Row = {}
        rows = {
            key: self._row(name, key, item)
            for key, item in after.items()
            if not _is_same(before.get(key), item) and known.get(key) is not item
        }
        if rows:
            patch["set"] = list(rows.values())
        if total != total_before:
            patch["total"] = total
        if not table.numbered and [*before, *(key for key in rows if key not in before)] != list(after):
            patch["order"] = list(after)
        return patch

    def durable(self) -> Row:
        """Return a picture of at most `DURABLE_BYTES` of JSON: what a second page or a saved notebook starts from."""
        picture = self.snapshot()
        for limits in _DURABLE_LIMITS:
            for name, limit in limits.items():
                rows = picture[name]["rows"]
                picture[name]["rows"] = rows[max(0, len(rows) - limit) :] if name in _NEWEST_KEPT else rows[:limit]
            if len(msgspec.json.encode(picture)) <= DURABLE_BYTES:
                return picture
        for row in picture["checkpoints"]["rows"]:
            row |= {"context": {}, "description": (row["description"] or "")[:1000], "cut": ["context", "description"]}
        if len(msgspec.json.encode(picture)) > DURABLE_BYTES:
            picture["checkpoints"]["rows"] = []
        return picture

    # ---- what is asked for --------------------------------------------------------------------------------------

    def page(
        self, name: str, offset: int, limit: int, *, status: str | None = None, search: str | None = None
    ) -> tuple[int, list[Row]]:
        """Return how many rows there are, and at most `limit` (and `PAGE`) of them from `offset` on.

        `status` and `search` (a part of the id or name, in any case) choose among the tasks. Raises KeyError for an
        unknown table.
        """
        self._feed()
        items = TABLES[name].every(self._source)
        if name == "tasks" and (status or search):
            items = _matching(items, status, (search or "").casefold())
        offset = max(0, offset)
        chosen = items[offset : offset + max(0, min(limit, PAGE))]
        return len(items), [self._row(name, key, item) for key, item in chosen]

    def detail(self, name: str, key: str) -> Row | None:
        """Return one row with its text uncut; None where there is none. Raises KeyError for an unknown table."""
        items = TABLES[name].every(self._source)
        if isinstance(items, list):
            key = referred(key, (known for known, _ in items))
            found = next((item for known, item in items if known == key), None)
        else:
            found = items[int(key)][1] if key.isdecimal() and int(key) < len(items) else None
        return None if found is None else self._row(name, key, found, whole=True)

    def _feed(self) -> None:
        self._lines.feed(self._source.state.output)
        self._source.history.feed(self._source.state)

    def _row(self, name: str, key: str, item: Any, *, whole: bool = False) -> Row:
        cutter = Cutter(whole=whole)
        return cutter.mark(TABLES[name].row(self._source, key, item, cutter))


def _is_same(before: object, after: object) -> bool:
    """Whether a shown item is what it was: the state's own rows by identity, what is made of several by its parts."""
    return before is after or (isinstance(after, tuple) and before == after)


def _matching(items: Sequence[tuple[str, Any]], status: str | None, wanted: str) -> list[tuple[str, Any]]:
    return [
        (key, task)
        for key, task in items
        if (not status or task.status == status)
        and (wanted in task.task_id.casefold() or wanted in (task.name or "").casefold())
    ]
