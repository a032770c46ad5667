"""`View`: the shown part of the state, as a snapshot and as patches to it."""

from __future__ import annotations

import functools
import math
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

import msgspec

from runconsole.state import RunState
from runconsole.view.agents import AgentTree, closed_of
from runconsole.view.checkpoints import option_rows
from runconsole.view.choosing import TaskChoice
from runconsole.view.contract import Changes, Described, Head, OptionRow, Picture, TaskHistory
from runconsole.view.decisions import DecisionHistory
from runconsole.view.details import detail_facts
from runconsole.view.error_groups import ErrorGroups
from runconsole.view.grouped import artifact_groups, artifacts_of, error_groups, errors_of
from runconsole.view.head import ErrorCounts, head
from runconsole.view.output import OutputLine, OutputLines
from runconsole.view.rows import AnyRow, Cutter, named_line, referred
from runconsole.view.sent_rows import SentRows, is_same
from runconsole.view.tables import TABLES, ShownRows, TableSource
from runconsole.view.task_history import find_task, task_history

__all__ = ["DURABLE_BYTES", "View"]

PAGE = 500
AT_ONCE = 256
"""Chunks of output that are taken in by one call of a paced view: two milliseconds, and the sealing of a block."""
DURABLE_BYTES = 48_000
_DURABLE_LIMITS: tuple[dict[str, int], ...] = (
    {"events": 0, "tasks": 60, "agents": 40, "usage": 60, "output": 60, "artifacts": 30, "errors": 30, "decisions": 30},
    {"tasks": 30, "agents": 10, "output": 30, "artifacts": 10, "errors": 10, "decisions": 10},
    {
        "tasks": 10,
        "agents": 0,
        "output": 10,
        "artifacts": 5,
        "errors": 5,
        "decisions": 5,
        "phases": 30,
        "waves": 30,
        "active": 3,
    },
    {
        "usage": 30,
        "tasks": 0,
        "output": 0,
        "artifacts": 0,
        "errors": 0,
        "decisions": 0,
        "phases": 10,
        "waves": 10,
        "active": 0,
    },
    {"checkpoints": 1},
)
_NEWEST_KEPT = frozenset({"output", "artifacts", "errors", "decisions", "waves"})
_MISSING = object()
_DIGITS = 16

_P = ParamSpec("_P")
_R = TypeVar("_R")


def _kept(name: str, rows: list[Any], limit: int) -> list[Any]:
    """Return at most `limit` rows of a table: the newest, the first, or such that the way of a curve is seen."""
    if name == "usage":
        return rows[:: -max(1, math.ceil(len(rows) / limit))][::-1]
    return rows[max(0, len(rows) - limit) :] if name in _NEWEST_KEPT else rows[:limit]


def _alone(method: Callable[Concatenate[View, _P], _R]) -> Callable[Concatenate[View, _P], _R]:
    """Return the method with the view's lock around it."""

    @functools.wraps(method)
    def guarded(view: View, /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        with view.lock:
            return method(view, *args, **kwargs)

    return guarded


class View:
    """The picture of one run.

    It is used by the thread that writes the state. If a page wakes a resting replay, that is another thread than the
    one that answers the page: the lock admits one of them at a time.

    Args:
        state: the shown state.
        read: returns up to n events of the log from a number on, with their numbers.
        describe: returns the fields of the head that are not in the state: title, address, protocol, link, the counts
            of the log, and the position of a replay.
        version: the first version: that of the view that this one replaces.
    """

    def __init__(
        self,
        state: RunState,
        read: Callable[[int, int], Any],
        describe: Callable[[], Described],
        *,
        version: int = 0,
    ) -> None:
        self.lock = threading.RLock()
        self.is_paced = False
        """True if no call takes in more than `AT_ONCE` chunks of output: `catch_up` takes in the rest."""
        self._lines = OutputLines()
        self._errors = ErrorGroups()
        self._source = TableSource(
            state, self._lines, DecisionHistory(), self._errors, AgentTree(), read, lambda: describe()["events"]
        )
        self._describe = describe
        self.version = version
        """Grows by one with each change of the picture."""
        self._head: Head | AnyRow = {}
        self._shown: dict[str, ShownRows] = {table: {} for table in TABLES}
        self._totals = dict.fromkeys(TABLES, 0)
        self._choice = TaskChoice(state)
        self._sent_rows = SentRows(self._row)
        self._whole: tuple[str, str, Any, str] | None = None
        self._versions: dict[str, Any] = {}

    # ---- snapshots and patches ----------------------------------------------------------------------------------

    @_alone
    def snapshot(self, limit: int | None = None, *, to_all: bool = False) -> Picture:
        """Return the picture as of the last `changes`.

        If that has more than `limit` bytes it is a part; the next changes bring the rest. `to_all`: every page takes it
        in place of its own picture.
        """
        picture: AnyRow = {"head": self._head}
        for name, shown in self._shown.items():
            rows = [self._row(name, key, item) for key, item in shown.items()]
            picture[name] = {"total": self._totals[name], "rows": rows}
        if limit is None or len(msgspec.json.encode(picture)) <= limit:
            if to_all:
                self._sent_rows.all(self._shown, self._totals)
            return cast("Picture", picture)
        return cast("Picture", {"head": self._head} | self._sent_rows.restart(self._shown, self._totals, limit))

    @_alone
    def changes(self, limit: float = math.inf) -> Changes:
        """Return the missing part of the page's picture, about `limit` bytes of it, and raise the version; {} for none.

        Urgent rows go first.
        """
        self._feed()
        now = head(self._source.state, self._describe(), len(self._lines.lines), self._error_counts())
        changed = {field: value for field, value in now.items() if self._head.get(field, _MISSING) != value}
        self._head = now
        for name, table in TABLES.items():
            version = table.version(self._source)
            if self._versions.get(name) != version:
                self._versions[name] = version
                self._shown[name], self._totals[name] = table.window(self._source), table.total(self._source)
                self._sent_rows.mark_changed(name)
        room = limit if limit == math.inf else limit - len(msgspec.json.encode(changed))
        changes: AnyRow = {"head": changed} if changed else {}
        changes |= self._sent_rows.patch(self._shown, self._totals, room)
        if changes:
            self.version += 1
        return cast("Changes", changes)

    @_alone
    def durable(self) -> Picture:
        """Return a picture of at most `DURABLE_BYTES` of JSON: the start of a second page or of a saved notebook."""
        picture = cast("AnyRow", self.snapshot())
        for limits in _DURABLE_LIMITS:
            for name, limit in limits.items():
                picture[name]["rows"] = _kept(name, picture[name]["rows"], limit)
            if len(msgspec.json.encode(picture)) <= DURABLE_BYTES:
                return cast("Picture", picture)
        for row in picture["checkpoints"]["rows"]:
            row |= {"context": {}, "description": (row["description"] or "")[:1000], "cut": ["context", "description"]}
        if len(msgspec.json.encode(picture)) > DURABLE_BYTES:
            picture["checkpoints"]["rows"] = []
        return cast("Picture", picture)

    # ---- what is asked for --------------------------------------------------------------------------------------

    @_alone
    def page(
        self,
        name: str,
        offset: int,
        limit: int,
        *,
        status: str | None = None,
        search: str | None = None,
        sort: str | None = None,
        descending: bool = False,
        of: str = "",
    ) -> tuple[int, list[AnyRow]]:
        """Return the number of rows, and at most `limit` (and `PAGE`) of them from `offset` on.

        `status` and `search` (a part of the id or name, in any case) choose among the tasks, `sort` orders them
        (`ORDERS`). Other tables are ``error_groups`` and ``artifact_groups`` (by folder, or by `sort="task"`); `of` is
        the key of one of their groups: its errors or artifacts, the newest first. Of ``agents``, `of` are the keys of
        the rows whose parts are not wanted, as JSON, and `search` is a text. Raises KeyError for an unknown table.
        """
        self._feed()
        state = self._source.state
        start, most = max(0, offset), max(0, min(limit, PAGE))
        if name == "error_groups":
            return error_groups(state, self._errors, start, most)
        if name == "artifact_groups":
            return artifact_groups(state, sort, start, most)
        if name == "agents":
            total, nodes = self._source.agents.find(state, search or "", closed_of(of), start, most)
            return total, [self._row(name, key, node) for key, node in nodes]
        found: Sequence[tuple[str, Any]]
        if name == "errors" and of:
            total, found = errors_of(state, self._errors, of, start, most)
        elif name == "artifacts" and sort:
            total, found = artifacts_of(state, sort, of, start, most)
        elif name == "tasks" and (status or search or sort):
            chosen = self._choice.tasks(status, search or "", sort, descending=descending)
            total, found = len(chosen), [(str(task.position), task) for task in chosen[start : start + most]]
        else:
            items = TABLES[name].every(self._source)
            total, found = len(items), items[start : start + most]
        return total, [self._row(name, key, item) for key, item in found]

    @_alone
    def options(self, key: str, offset: int, search: str = "") -> tuple[int, list[OptionRow]]:
        """Return the number of a question's options, and a part: from `offset` on, or by a text in their names."""
        state = self._source.state
        checkpoint = state.checkpoints.get(referred(key, state.checkpoints))
        if checkpoint is None:
            return 0, []
        return len(checkpoint.options), option_rows(checkpoint, Cutter(), max(0, offset), search)

    @_alone
    def task(self, task_id: str) -> tuple[AnyRow, TaskHistory] | None:
        """Return the row and the history of a task; None for an unknown one."""
        self._feed()
        state = self._source.state
        found = find_task(state, task_id)
        if found is None:
            return None
        row = self._row("tasks", str(found.position), found)
        if found.details is not None:
            row["details"] = detail_facts(found.details, Cutter())
        return row, task_history(state, self._lines, self._errors, found)

    @_alone
    def detail(self, name: str, key: str) -> AnyRow | None:
        """Return one row with its text uncut; None for an unknown key. Raises KeyError for an unknown table."""
        found = self._find(name, key)
        return None if found is None else self._row(name, key, found, whole=True)

    @_alone
    def detail_text(self, name: str, key: str) -> str:
        """Return the result of `detail` as JSON. A row that is requested part by part is made once."""
        found = self._find(name, key)
        known = self._whole
        if found is not None and known is not None and known[:2] == (name, key) and is_same(known[2], found):
            return known[3]
        text = msgspec.json.encode(None if found is None else self._row(name, key, found, whole=True)).decode()
        self._whole = (name, key, found, text)
        return text

    @_alone
    def output(self) -> OutputLines:
        """Return the present lines of output."""
        with self.whole():
            self._feed()
        return self._lines

    def numbered_row(self, name: str, number: int, item: Any) -> AnyRow:
        """Return a row of an append-only table, by its number and its item; on any thread."""
        if isinstance(item, OutputLine):
            item = named_line(item, self._source.state.tasks)
        return self._row(name, str(number), item)

    def _find(self, name: str, key: str) -> Any:
        items = TABLES[name].every(self._source)
        if isinstance(items, list):
            key = referred(key, (known for known, _ in items))
            return next((item for known, item in items if known == key), None)
        return items[int(key)][1] if key.isdecimal() and len(key) < _DIGITS and int(key) < len(items) else None

    @_alone
    def catch_up(self) -> bool:
        """Take in a part of the output that is not in the picture yet; return whether more is left."""
        output = self._source.state.output
        self._lines.feed(output, AT_ONCE)
        return len(output) - self._lines.taken > AT_ONCE

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Have each call inside take in all of the output."""
        before, self.is_paced = self.is_paced, False
        try:
            yield
        finally:
            self.is_paced = before

    def _feed(self) -> None:
        self._lines.feed(self._source.state.output, AT_ONCE if self.is_paced else None)
        self._source.history.feed(self._source.state)
        self._errors.feed(self._source.state)
        self._source.agents.feed(self._source.state)

    def _error_counts(self) -> ErrorCounts:
        """Return the numbers of fatal and open errors, and the storm."""
        errors = self._errors
        return ErrorCounts(errors.fatal.total, errors.still_open.total, errors.storm(self._source.state))

    def _row(self, name: str, key: str, item: Any, *, whole: bool = False) -> AnyRow:
        cutter = Cutter(whole=whole)
        return cast("AnyRow", cutter.mark(TABLES[name].row(self._source, key, item, cutter)))
