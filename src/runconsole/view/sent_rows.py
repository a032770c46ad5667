"""The rows that the page has, and the choice of further rows for the next patch of a limited size."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from runconsole.view.rows import AnyRow
from runconsole.view.tables import TABLES, ShownRows

__all__ = ["SentRows", "is_same"]

_URGENT = ("checkpoints", "decisions", "errors")
"""Tables whose rows go first."""

RowOf = Callable[[str, str, Any], AnyRow]


class SentRows:
    """The rows that the page has. Rows that do not fit into a patch go into the next ones.

    Args:
        row: makes a row of a table's name, a key and an item.
    """

    def __init__(self, row: RowOf) -> None:
        self._row = row
        self._sent: dict[str, ShownRows] = {table: {} for table in TABLES}
        self._totals = dict.fromkeys(TABLES, 0)
        self._skipped: dict[str, dict[str, int]] = {}
        """Of each table that did not fit: the positions of the keys that go first the next time."""
        self._behind: dict[str, None] = {}
        """The tables that the page has incompletely."""

    def mark_changed(self, name: str) -> None:
        """Note that a table has changed."""
        self._behind[name] = None

    def patch(self, shown: dict[str, ShownRows], totals: dict[str, int], limit: float = math.inf) -> dict[str, AnyRow]:
        """Return the missing part of the shown tables, about `limit` bytes of it."""
        drafts = {name: self._draft(name, shown) for name in TABLES if name in self._behind}
        urgent = [drafts[name] for name in _URGENT if name in drafts]
        others = [draft for name, draft in drafts.items() if name not in _URGENT]
        before = limit
        for draft in urgent:
            limit -= draft.take(limit, at_least_one=limit == before)
        share = limit / max(1, len(others))
        for number, draft in enumerate(others):
            limit -= draft.take(min(limit, share), at_least_one=number == 0)
        for draft in others:
            limit -= draft.take(limit)
        # The first of the incomplete tables also takes the rows that exceed a share: another table each time.
        self._behind = dict.fromkeys([*list(self._behind)[1:], *list(self._behind)[:1]])
        patches = {name: self._finish(name, draft, shown, totals[name]) for name, draft in drafts.items()}
        return {name: patch for name, patch in patches.items() if patch}

    def all(self, shown: dict[str, ShownRows], totals: dict[str, int]) -> None:
        """Note that every page has everything."""
        self._sent, self._totals = dict(shown), dict(totals)
        self._skipped, self._behind = {}, {}

    def restart(self, shown: dict[str, ShownRows], totals: dict[str, int], limit: float) -> dict[str, AnyRow]:
        """Return the tables for a page that has nothing, about `limit` bytes of them; patches bring the rest."""
        self._sent = {table: {} for table in TABLES}
        self._behind = dict.fromkeys(TABLES)
        self.patch(shown, totals, limit)
        return {
            name: {"total": totals[name], "rows": [self._row(name, key, item) for key, item in sent.items()]}
            for name, sent in self._sent.items()
        }

    def _draft(self, name: str, shown: dict[str, ShownRows]) -> _Draft:
        table, sent = TABLES[name], self._sent[name]
        elsewhere = {} if table.within is None else shown[table.within]
        lacks = [
            (key, item)
            for key, item in shown[name].items()
            if not is_same(sent.get(key), item) and elsewhere.get(key) is not item
        ]
        skipped = self._skipped.pop(name, {})
        if table.numbered:
            lacks.reverse()  # the newest are the visible ones
        elif skipped:
            lacks.sort(key=lambda one: skipped.get(one[0], len(skipped)))
        return _Draft(lacks, lambda key, item: self._row(name, key, item))

    def _finish(self, name: str, draft: _Draft, shown: dict[str, ShownRows], total: int) -> AnyRow:
        table, before, rows, lacks = TABLES[name], self._sent[name], draft.rows, dict(draft.lacks)
        after: ShownRows = {}
        elsewhere = {} if table.within is None else shown[table.within]
        for key, item in shown[name].items():
            if elsewhere.get(key) is item and not is_same(self._sent[table.within or name].get(key), item):
                lacks[key] = item  # the other table has not sent it yet
            elif key not in lacks:
                after[key] = item
            elif key in before:
                after[key] = before[key]
        self._sent[name] = after
        if lacks:
            self._skipped[name] = {key: place for place, key in enumerate(reversed(lacks))}
        else:
            self._behind.pop(name, None)
        patch: AnyRow = {}
        if rows:
            patch["set"] = [rows[key] for key in after if key in rows]
        if total != self._totals[name]:
            patch["total"] = self._totals[name] = total
        # Without an order the page puts new rows to the end.
        if not table.numbered and [*before, *(key for key in rows if key not in before)] != list(after):
            patch["order"] = list(after)
        return patch


class _Draft:
    """A table's part of a patch while it is filled."""

    def __init__(self, lacks: Iterable[tuple[str, Any]], row: Callable[[str, Any], AnyRow]) -> None:
        self.lacks = list(lacks)[::-1]
        """The rows that the page lacks; the next is the last one."""
        self.rows: dict[str, AnyRow] = {}
        self._row = row
        self._next: tuple[AnyRow, int] | None = None
        """The row that did not fit, and its size in bytes."""

    def take(self, room: float, *, at_least_one: bool = False) -> int:
        """Take the rows that fit; return their size in bytes."""
        taken = 0
        while self.lacks:
            key, item = self.lacks[-1]
            if self._next is None:
                row = self._row(key, item)
                self._next = row, 0 if room == math.inf else len(msgspec.json.encode(row))
            row, size = self._next
            if taken + size > room and not at_least_one:
                break
            self.rows[key] = row
            self.lacks.pop()
            self._next, at_least_one = None, False
            taken += size
        return taken


def is_same(before: object, after: object) -> bool:
    """Return whether a shown item is unchanged: rows of the state by identity, rows made of several by their parts."""
    return before is after or (isinstance(after, tuple) and before == after)
