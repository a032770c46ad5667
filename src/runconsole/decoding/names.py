"""Names in an event: its execution, its task, its checkpoint, in both families' spellings."""

from __future__ import annotations

import re

from msgspec import Struct

from runconsole.decoding.payload import first, reader
from runconsole.events import Names, Received

__all__ = ["BESIDE", "Id", "is_answer", "names_beside", "names_of"]

Id = str | int | float | None
"""An id as servers write it; whole numbers occur, too."""


class Reference(Struct, gc=False):
    """An object that holds its id."""

    id: Id = None


class Ids(Struct, rename=None):
    """The ids of an event, in every known place."""

    execution_id: Id = None
    executionId: Id = None  # noqa: N815 - the wire's names, here and below
    execution: Reference | Id = None
    masterplan_id: Id = None
    masterplanId: Id = None  # noqa: N815
    master_plan_id: Id = None
    run_id: Id = None
    runId: Id = None  # noqa: N815
    task_id: Id = None
    taskId: Id = None  # noqa: N815
    task: Reference | Id = None
    parent_task_id: Id = None
    parentTaskId: Id = None  # noqa: N815
    checkpoint_id: Id = None
    checkpointId: Id = None  # noqa: N815


class _Inside(Ids):
    metadata: Ids | None = None


BESIDE = ("execution_id", "executionId", "masterplan_id", "task_id", "taskId", "metadata")
"""The fields of an envelope that name the event's execution or task."""
_NOTHING = Names()
_ANSWER = re.compile(r"connected$|.*_(joined|left)$|.*catch_?up", re.IGNORECASE | re.DOTALL)
_read_ids = reader(_Inside)
_read_metadata = reader(Ids)


def names_beside(ids: Struct, metadata: str | None) -> Names:
    """Return the names in an envelope, beside the data; `metadata` is the text of that field."""
    found = _names(Ids(**{name: getattr(ids, name) for name in BESIDE[:-1]}))
    inner = None if metadata is None else _read_metadata(metadata)
    return found if inner is None else _merged(found, _names(inner))


def names_of(event: Received) -> Names:
    """Return all names in an event."""
    found = event.beside or _NOTHING
    ids = _read_ids(event.payload)
    if ids is None:
        return found
    found = _merged(found, _names(ids))
    return found if ids.metadata is None else _merged(found, _names(ids.metadata))


def _names(ids: Ids) -> Names:
    execution = ids.execution.id if isinstance(ids.execution, Reference) else None
    task = ids.task.id if isinstance(ids.task, Reference) else None
    return Names(
        _text(first(ids.execution_id, ids.executionId, execution)),
        _text(first(ids.masterplan_id, ids.masterplanId, ids.master_plan_id, ids.run_id, ids.runId)),
        _text(first(ids.task_id, ids.taskId, task)),
        _text(first(ids.parent_task_id, ids.parentTaskId)),
        _text(first(ids.checkpoint_id, ids.checkpointId)),
    )


def _merged(one: Names, other: Names) -> Names:
    return Names(*(first(mine, theirs) for mine, theirs in zip(one, other, strict=True)))


def _text(value: Id) -> str | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return None if value is None else str(value)


def is_answer(name: str) -> bool:
    """Return whether an event's name is that of a backend's own replies: they concern the connection, not the run."""
    return _ANSWER.match(name) is not None
