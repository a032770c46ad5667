"""The checkpoints in the orders in which they are needed: the open ones by age, task and deadline; the closed ones."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Iterable
from operator import itemgetter
from typing import NamedTuple, TypeAlias

from runconsole.state.rows import Checkpoint

__all__ = ["Questions"]

_Key: TypeAlias = tuple[float, int, str]
"""A time, the place by age, and the id."""


class _Entry(NamedTuple):
    key: _Key
    is_open: bool
    task_id: str | None


class Questions:
    """An index of the checkpoints: none of its answers costs a search through all. One thread writes; any reads."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        """By id, oldest first."""
        self._open: list[_Key] = []
        """By deadline, then by age."""
        self._open_of: dict[str | None, set[str]] = {}
        """The open ones of each task."""
        self._closed: list[_Key] = []
        """By the time of the decision; of one time the oldest is the last."""
        self.closings: list[str] = []
        """The id of each closed checkpoint, and again with each of its changes; append-only."""

    def __len__(self) -> int:
        """Return the number of open checkpoints."""
        return len(self._open)

    def put(self, row: Checkpoint) -> None:
        """Note a checkpoint's changed row."""
        checkpoint_id, is_open = row.checkpoint_id, row.is_open
        old = self._entries.get(checkpoint_id)
        if not is_open:
            self.closings.append(checkpoint_id)
        age = len(self._entries) if old is None else abs(old.key[1])
        key = (row.deadline or math.inf, age) if is_open else (row.decided_at or 0, -age)
        new = _Entry((*key, checkpoint_id), is_open, row.task_id)
        if new == old:
            return
        self._entries[checkpoint_id] = new
        if old is not None:
            self._remove(old)
        if is_open:
            insort(self._open, new.key)
            self._open_of.setdefault(new.task_id, set()).add(checkpoint_id)
        else:
            insort(self._closed, new.key)

    def _remove(self, old: _Entry) -> None:
        among = self._open if old.is_open else self._closed
        del among[bisect_left(among, old.key)]
        if old.is_open:
            self._open_of[old.task_id].discard(old.key[2])

    def open(self) -> list[str]:
        """Return the ids of the open checkpoints, oldest first."""
        return _by_age(self._open[:])

    def open_of(self, task_id: str) -> list[str]:
        """Return the ids of a task's open checkpoints, oldest first."""
        return self.by_age(self._open_of.get(task_id, ()))

    def due_first(self, most: int) -> list[str]:
        """Return the ids of the open checkpoints that are due first, oldest first."""
        return _by_age(self._open[:most])

    def closed_last(self, most: int) -> list[str]:
        """Return the ids of the checkpoints that were decided last; the last one is at the end."""
        return [checkpoint_id for _, _, checkpoint_id in self._closed[-most:]]

    def by_age(self, ids: Iterable[str]) -> list[str]:
        """Return the ids, oldest first."""
        return sorted(ids, key=lambda checkpoint_id: abs(self._entries[checkpoint_id].key[1]))


def _by_age(keys: list[_Key]) -> list[str]:
    return [checkpoint_id for _, _, checkpoint_id in sorted(keys, key=itemgetter(1))]
