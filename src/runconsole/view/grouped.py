"""Pages of groups: errors by their kind, files by folder or by task; and the members of one group."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from runconsole.state import Artifact, RunState
from runconsole.view.contract import ArtifactGroupRow
from runconsole.view.error_groups import ErrorEntry, ErrorGroups, group_row
from runconsole.view.rows import NAME, SENTENCE, AnyRow, Cutter, ms, reference

__all__ = ["artifact_groups", "artifacts_of", "error_groups", "errors_of"]


def error_groups(state: RunState, groups: ErrorGroups, offset: int, most: int) -> tuple[int, list[AnyRow]]:
    """Return the number of kinds, and a part of them: those with fatal errors first, then by their newest error."""
    fatal, still_open = groups.fatal.of, groups.still_open.of
    known = sorted(
        groups.groups.values(),
        key=lambda group: (fatal[group.key] > 0, still_open[group.key] > 0, group.last_at),
        reverse=True,
    )
    rows: list[AnyRow] = []
    for group in known[offset : offset + most]:
        cutter = Cutter()
        rows.append(dict(cutter.mark(group_row(state, groups, group, cutter))))
    return len(known), rows


def errors_of(
    state: RunState, groups: ErrorGroups, key: str, offset: int, most: int
) -> tuple[int, list[tuple[str, ErrorEntry]]]:
    """Return the number of errors of a kind, and a part of them, the newest first."""
    group = groups.groups.get(key)
    if group is None:
        return 0, []
    numbers = group.numbers[::-1][offset : offset + most]
    return len(group.numbers), [(str(number), groups.entry(state, number)) for number in numbers]


_OWNERS: dict[str, Callable[[Artifact], str]] = {
    "folder": lambda row: row.path.rpartition("/")[0],
    "task": lambda row: row.task_id or "",
}


def _owner_of(by: str | None) -> Callable[[Artifact], str]:
    return _OWNERS["task" if by == "task" else "folder"]


def artifact_groups(state: RunState, by: str | None, offset: int, most: int) -> tuple[int, list[AnyRow]]:
    """Return the number of folders or tasks with files, and a part of them by their names."""
    owner = _owner_of(by)
    members: dict[str, list[Artifact]] = {}
    for row in state.artifacts.values():
        members.setdefault(owner(row), []).append(row)
    names = sorted(members)
    return len(names), [dict(_folder(state, name, members[name], by)) for name in names[offset : offset + most]]


def _folder(state: RunState, name: str, files: list[Artifact], by: str | None) -> ArtifactGroupRow:
    cutter = Cutter()
    task = state.tasks.get(name) if by == "task" else None
    sizes = [row.size for row in files if row.size is not None]
    return {
        "key": reference(name),
        "name": cutter("name", name, SENTENCE),
        "task_name": cutter("task_name", task.name if task else None, NAME),
        "count": len(files),
        "size": sum(sizes) if sizes else None,
        "at": ms(max((row.created_at for row in files if row.created_at is not None), default=None)),
    }


def artifacts_of(
    state: RunState, by: str | None, key: str, offset: int, most: int
) -> tuple[int, list[tuple[str, Any]]]:
    """Return the number of files of a folder or a task, by its reference, and a part of them, the newest first."""
    owner = _owner_of(by)
    files = [
        (str(number), row)
        for number, row in enumerate(state.artifacts.values())
        if (name := owner(row)) == key or (len(name) > NAME and reference(name) == key)
    ]
    return len(files), files[::-1][offset : offset + most]
