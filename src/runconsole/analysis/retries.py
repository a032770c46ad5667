"""The number of times that each task began again and failed, by its row and by the events."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from runconsole.analysis.shapes import flat_frame, runs_of

__all__ = ["tries_of"]

_BEGAN, _FAILED, _ENDED = 1, 2, 3
_TYPES = {
    _BEGAN: ["task.started", "task.resumed"],
    _FAILED: ["task.failed"],
    _ENDED: ["task.completed", "task.cancelled"],
}
"""Turns of a task by the event's type alone."""
_STATUSES = {_BEGAN: ["running"], _FAILED: ["failed"], _ENDED: ["completed", "cancelled", "skipped"]}
_REPORTS = ["progress_update", "task.progress", "progress", "status"]
"""The types of event with a `status` that is the task's."""


def tries_of(flat: pd.DataFrame, events: pd.DataFrame | None) -> tuple[pd.Series[Any], pd.Series[Any]]:
    """Return the number of new beginnings (NA where no event shows them) and of failures of each task."""
    retries, failures = flat["attempts"].astype("Int64"), flat["status"].eq("failed").astype("Int64")
    if events is None:
        return retries, failures
    tasks = pd.MultiIndex.from_arrays([runs_of(flat), flat["task_id"]])
    counts = _turns(flat_frame(events)).groupby(["execution", "task_id"]).sum().reindex(tasks, fill_value=0)
    counts = counts.astype("Int64").set_axis(flat.index)
    return _larger(retries, counts["retries"].mask(counts["doubtful"] > 0)), _larger(failures, counts["failures"])


def _larger(one: pd.Series[Any], other: pd.Series[Any]) -> pd.Series[Any]:
    """Return the larger of two whole numbers in each row; the known one where the other is NA."""
    return one.where((one >= other).fillna(other.isna()), other)


def _turns(events: pd.DataFrame) -> pd.DataFrame:
    """Return the events that begin, fail or end a task, in the order of their times, and the news in each.

    A repetition is no news. A new beginning without a time of its own cannot be told from a repeated old one, and
    counts as doubtful.
    """
    kind, status = events["type"], events["status"].where(events["type"].isin(_REPORTS))
    conditions = [kind.isin(_TYPES[turn]) | status.isin(_STATUSES[turn]) for turn in _TYPES]
    # A report that ends a task without a status of its own carries that only in its payload.
    conditions[-1] |= kind.eq("status").fillna(value=False) & status.isna()
    turn = pd.Series(np.select([np.asarray(each, bool) for each in conditions], [*_TYPES], 0), index=events.index)
    is_turn = turn.gt(0) & events["task_id"].notna()
    rows = pd.DataFrame({"execution": runs_of(events), "task_id": events["task_id"], "turn": turn})[is_turn]
    stamp = events["timestamp"][is_turn]
    order = stamp.fillna(events["received_at"][is_turn]).argsort(kind="stable")
    rows, stamp = rows.iloc[order], stamp.iloc[order]
    before = rows.groupby(["execution", "task_id"])["turn"].shift(fill_value=0)
    begins_again = rows["turn"].eq(_BEGAN) & before.isin([_FAILED, _ENDED])
    fails = rows["turn"].eq(_FAILED) & before.ne(_FAILED)
    return rows[["execution", "task_id"]].assign(
        retries=begins_again.astype("int64"),
        failures=fails.astype("int64"),
        doubtful=(begins_again & stamp.isna()).astype("int64"),
    )
