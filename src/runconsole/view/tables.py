"""The tables of the picture: for each its window, shown without a request, and all its rows for pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any, NamedTuple

from runconsole.events import Received
from runconsole.state import RunState
from runconsole.state.numbered import Numbered
from runconsole.view import checkpoints as questions
from runconsole.view import rows
from runconsole.view.agents import AgentTree, agent_row
from runconsole.view.contract import Row, TaskRow
from runconsole.view.decisions import DecisionHistory, decision_row
from runconsole.view.details import detail_facts
from runconsole.view.error_groups import ErrorGroups, error_entry_row
from runconsole.view.output import OutputLines
from runconsole.view.rows import Cutter, ms, reference

__all__ = ["TABLES", "Keyed", "ShownRows", "TableSource", "TableSpec"]

TASKS, ACTIVE, NEWEST, LINES, OPEN, CLOSED, PARTS, AGENTS = 200, 12, 50, 200, 20, 5, 200, 100
EVENTS = 16
"""The number of events in the timeline at its usual height; they come with every patch of a busy run."""

ShownRows = dict[str, Any]
"""Shown rows by key: the state's own objects, so that identity shows change."""

_MINUTE = 60_000_000


class TableSource(NamedTuple):
    """The data behind the tables."""

    state: RunState
    lines: OutputLines
    history: DecisionHistory
    error_groups: ErrorGroups
    agents: AgentTree
    read: Callable[[int, int], list[tuple[int, Received]]]
    """Returns up to n events of the log from a number on, with their numbers."""
    logged: Callable[[], int]
    """Returns the number of events in the log."""


class Keyed(Sequence[tuple[str, Any]]):
    """Items keyed by their decimal position; pairs are made only on access."""

    def __init__(self, items: Iterable[Any]) -> None:
        self._items = items if isinstance(items, Sequence) else list(items)

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            start = index.indices(len(self._items))[0]
            return [(str(start + i), item) for i, item in enumerate(self._items[index])]
        return str(index), self._items[index]


class LogRows(Sequence[tuple[str, Any]]):
    """The events of the log keyed by their number."""

    def __init__(self, source: TableSource) -> None:
        self._source = source

    def __len__(self) -> int:
        return self._source.logged()

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            start, stop, _ = index.indices(len(self))
            return [(str(number), event) for number, event in self._source.read(start, stop - start)]
        return str(index), self._source.read(index, 1)[0][1]


class ErrorRows(Sequence[tuple[str, Any]]):
    """The errors keyed by their number, each with its kind and outcome."""

    def __init__(self, source: TableSource) -> None:
        self._source = source

    def __len__(self) -> int:
        return len(self._source.state.errors)

    def __getitem__(self, index: Any) -> Any:
        groups, state = self._source.error_groups, self._source.state
        if isinstance(index, slice):
            return [(str(number), groups.entry(state, number)) for number in range(len(self))[index]]
        return str(index), groups.entry(state, index)


class TableSpec(NamedTuple):
    """A table of the picture."""

    version: Callable[[TableSource], Any]
    """A value that differs whenever the table may have changed."""
    total: Callable[[TableSource], int]
    window: Callable[[TableSource], ShownRows]
    every: Callable[[TableSource], Sequence[tuple[str, Any]]]
    """All rows in order, for pages and details."""
    row: Callable[[TableSource, str, Any, Cutter], Row]
    numbered: bool = False
    """True for an append-only table keyed by row number: patches need no order."""
    within: str | None = None
    """An earlier table of the same rows: a row that is shown there is sent once, its key is enough."""


def _versions(*parts: str) -> Callable[[TableSource], Any]:
    return lambda source: tuple(source.state.versions[part] for part in parts)


def _grows(name: str, row: Callable[[int, Any, Cutter], Row]) -> TableSpec:
    """Return an append-only table of the state: its newest rows are shown.

    Args:
        name: the name of the state's dict.
        row: makes a row of its number and item.
    """

    def held(source: TableSource) -> dict[Any, Any]:
        return getattr(source.state, name)  # type: ignore[no-any-return]

    def window(source: TableSource) -> ShownRows:
        total = len(held(source))
        newest = list(islice(reversed(held(source).values()), NEWEST))[::-1]
        return {str(total - len(newest) + i): value for i, value in enumerate(newest)}

    return TableSpec(
        _versions(name),
        lambda source: len(held(source)),
        window,
        lambda source: Keyed(held(source).values()),
        lambda _, key, value, cutter: row(int(key), value, cutter),
        numbered=True,
    )


def _part(name: str, row: Callable[[Any, Cutter], Row], shown: slice) -> TableSpec:
    """Return a table of the run's parts (phases, waves), by number.

    Args:
        name: the name of the state's dict.
        row: makes a row of a part.
        shown: the parts that are shown without a request.
    """

    def held(source: TableSource) -> Numbered[Any]:
        found: Numbered[Any] = getattr(source.state, name)
        return found

    def window(source: TableSource) -> ShownRows:
        parts = held(source)
        return {str(number): parts[number] for number in parts.numbers[shown]}

    return TableSpec(
        _versions(name),
        lambda source: len(held(source)),
        window,
        lambda source: [(str(number), part) for number, part in held(source).items()],
        lambda _, _key, item, cutter: row(item, cutter),
    )


def _task(source: TableSource, _key: str, item: Any, cutter: Cutter) -> TaskRow:
    row = rows.task_row(item, cutter, source.state.subtasks.get(item.task_id, {}))
    if item.details is not None:
        if cutter.whole:
            row["details"] = detail_facts(item.details, cutter)
        else:
            cutter.leave("details", 0, 1)  # read when the row is opened
    return row


def _active(source: TableSource) -> ShownRows:
    tasks = [source.state.tasks[task_id] for task_id in islice(reversed(source.state.active), ACTIVE)]
    return {str(task.position): task for task in tasks}


def _usage(source: TableSource) -> ShownRows:
    """Return the samples of the run's growth, by the beginning of each."""
    return {str(ms(sample.begin)): sample for sample in source.state.usage_samples()}


def _questions_version(source: TableSource) -> Any:
    """Return the version of a question's row, with the clock's estimate, which may put its deadline in doubt."""
    state = source.state
    minute = state.clock.estimate // _MINUTE if state.checkpoints else 0
    return (*(state.versions[part] for part in ("checkpoints", "decisions", "tasks")), minute)


def _checkpoints(source: TableSource) -> ShownRows:
    """Return the open questions that are due first, in order of arrival; then the last decided ones."""
    state = source.state
    shown = (*state.questions.due_first(OPEN), *state.questions.closed_last(CLOSED))
    return {reference(shown_id): questions.question(state.checkpoints[shown_id], state) for shown_id in shown}


def _decisions(source: TableSource) -> ShownRows:
    first = max(0, len(source.history) - NEWEST)
    return {str(first + i): item for i, item in enumerate(source.history.rows(source.state, first))}


def _events(source: TableSource) -> ShownRows:
    return {str(number): event for number, event in source.read(source.logged() - EVENTS, EVENTS)}


def _errors(source: TableSource) -> ShownRows:
    total = len(source.state.errors)
    newest = range(max(0, total - NEWEST), total)
    return {str(number): source.error_groups.entry(source.state, number) for number in newest}


class _NamedLines(Sequence[rows.NamedLine]):
    """The lines of output with the names of their tasks."""

    def __init__(self, source: TableSource) -> None:
        self._lines = source.lines.lines
        self._tasks = source.state.tasks

    def __len__(self) -> int:
        return len(self._lines)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [rows.named_line(line, self._tasks) for line in self._lines[index]]
        return rows.named_line(self._lines[index], self._tasks)


def _tail(source: TableSource) -> ShownRows:
    lines = _NamedLines(source)
    first = max(0, len(lines) - LINES)
    return {str(first + i): line for i, line in enumerate(lines[first:])}


TABLES: dict[str, TableSpec] = {
    "phases": _part("phases", rows.phase_row, slice(PARTS)),
    "waves": _part("waves", rows.wave_row, slice(-PARTS, None)),
    "tasks": TableSpec(
        _versions("tasks", "subtasks"),
        lambda source: len(source.state.tasks),
        lambda source: {str(task.position): task for task in islice(source.state.tasks.values(), TASKS)},
        lambda source: Keyed(source.state.tasks.values()),
        _task,
    ),
    "active": TableSpec(
        _versions("tasks", "subtasks"),
        lambda source: len(source.state.active),
        _active,
        lambda source: [
            (str(task.position), task) for task in map(source.state.tasks.__getitem__, source.state.active)
        ],
        _task,
        within="tasks",
    ),
    "agents": TableSpec(
        _versions("agents", "tool_calls", "tasks"),
        lambda source: len(source.agents),
        lambda source: {node.key: node for node in source.agents.first(source.state, AGENTS)},
        lambda source: source.agents.every(source.state),
        lambda _source, _key, node, cutter: agent_row(node, cutter),
    ),
    "output": TableSpec(
        lambda source: (source.lines.taken, source.state.versions["tasks"]),
        lambda source: len(source.lines.lines),
        _tail,
        lambda source: Keyed(_NamedLines(source)),
        lambda _, key, item, cutter: rows.output_row(int(key), item.line, cutter, item.name),
        numbered=True,
    ),
    "usage": TableSpec(
        lambda source: (
            source.state.usage.version,
            *(source.state.versions[part] for part in ("run", "tasks", "agents")),
        ),
        lambda source: len(_usage(source)),
        _usage,
        lambda source: list(_usage(source).items()),
        lambda _source, key, item, _cutter: rows.usage_row(key, item),
    ),
    "artifacts": _grows("artifacts", rows.artifact_row),
    "errors": TableSpec(
        _versions("errors", "tasks"),
        lambda source: len(source.state.errors),
        _errors,
        ErrorRows,
        lambda _, key, item, cutter: error_entry_row(int(key), item, cutter),
        numbered=True,
    ),
    "checkpoints": TableSpec(
        _questions_version,
        lambda source: len(source.state.checkpoints),
        _checkpoints,
        lambda source: [(key, questions.question(c, source.state)) for key, c in source.state.checkpoints.items()],
        lambda _source, _key, item, cutter: questions.checkpoint_row(item, cutter),
    ),
    "decisions": TableSpec(
        _versions("decisions", "checkpoints"),
        lambda source: len(source.history),
        _decisions,
        lambda source: Keyed(source.history.rows(source.state)),
        lambda _, key, item, cutter: decision_row(int(key), item, cutter),
        numbered=True,
    ),
    "events": TableSpec(
        lambda source: source.logged(),
        lambda source: source.logged(),
        _events,
        LogRows,
        lambda _, key, item, cutter: rows.event_row(int(key), item, cutter),
        numbered=True,
    ),
}
