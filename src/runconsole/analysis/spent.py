"""The time of a run: its critical path, and the parts that took it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from runconsole import critical
from runconsole.analysis.retries import tries_of
from runconsole.analysis.shapes import ended_in, flat_frame, micros_of, phases_of, runs_of, seconds_of, shaped

__all__ = ["bottlenecks", "critical_path"]

_PATH = {
    "task_id": "string",
    "subtask_id": "string",
    "name": "string",
    "phase": "Int64",
    "phase_name": "string",
    "wave": "Int64",
    "worker_id": "string",
    "started_at": "datetime64[us, UTC]",
    "ended_at": "datetime64[us, UTC]",
    "duration_s": "Float64",
    "wait_s": "Float64",
    "share": "Float64",
}
_NECKS = {
    "by": "string",
    "name": "string",
    "tasks": "Int64",
    "work_s": "Float64",
    "share": "Float64",
    "span_s": "Float64",
    "idle_s": "Float64",
    "people_s": "Float64",
    "critical_s": "Float64",
    "critical_share": "Float64",
    "retries": "Int64",
    "failures": "Int64",
}
_KINDS = ("phase", "wave", "worker", "provider")


def critical_path(tasks: pd.DataFrame) -> pd.DataFrame:
    """Return the critical path of a run: the chain of tasks that determines its length, first to last.

    No event names the dependencies of a task, so the chain is the one that the times allow. It ends with the task that
    ended last. Before each task stands the task that ended last before it began; of several, the longest. Every second
    between the first start and the last end thus belongs to a task of the chain (`duration_s`) or to the wait before it
    (`wait_s`). Tasks that have not ended are left out. Subtasks give a finer chain: ``critical_path(run.subtasks)``.

    Args:
        tasks: the frame `tasks`, or `subtasks`.

    Returns:
        One row per task: ``task_id, name, phase, phase_name, wave, worker_id, started_at, ended_at``; `duration_s` from
        its start to its end, retries and pauses included; `wait_s` before it; `share` of the whole length, 0 to 1.
    """
    flat = flat_frame(tasks)
    paths = _paths(flat)
    rows = flat.iloc[paths.places].reset_index(drop=True)
    duration_s = seconds_of(rows)
    made = rows.assign(
        duration_s=duration_s,
        wait_s=paths.wait_s,
        share=duration_s / runs_of(rows).map(paths.length_s).astype("float64"),
    )
    return shaped(made, {"execution": "string"} | _PATH, without={"execution", "subtask_id"} - {*flat})


class _Paths(NamedTuple):
    """The critical paths of some runs, as positions of rows, run by run."""

    places: list[int]
    wait_s: list[float]
    """Before each row."""
    length_s: dict[Any, float]
    """Of each run, from the first start to the last end; NaN where there is no length to share."""


def _paths(flat: pd.DataFrame) -> _Paths:
    runs, ended = runs_of(flat), ended_in(flat)
    start, end = micros_of(flat["started_at"], ended), micros_of(flat["ended_at"], ended)
    start = np.minimum(start, end)
    found = _Paths([], [], dict.fromkeys(runs.unique(), float("nan")))
    groups = pd.Series(np.arange(len(flat)), index=runs.to_numpy())[ended.to_numpy()].groupby(level=0, sort=False)
    for run, group in groups:
        rows = group.to_numpy()
        chain, wait_s = critical.chain(start[rows], end[rows])
        found.places.extend(rows[chain].tolist())
        found.wait_s.extend(wait_s)
        found.length_s[run] = float(end[rows].max() - start[rows].min()) / 1e6 or float("nan")
    return found


def bottlenecks(
    tasks: pd.DataFrame, checkpoints: pd.DataFrame | None = None, events: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return the time of a run by phase, by wave, by worker and by provider.

    A task's seconds last from its first start to its last end, with retries, pauses and waits: the time that it took in
    the run. The server's own figure, which some servers give for the last attempt only, is `duration_s` in `tasks`.

    Args:
        tasks: the frame `tasks`.
        checkpoints: the frame `checkpoints`, for the time that people took.
        events: the frame `events`, for retries and failures that the rows of `tasks` do not show; the columns `type`,
            `task_id`, `status`, `timestamp` and `received_at` are enough.

    Returns:
        One row per phase, wave, worker and provider (`by` is the kind, `name` the name), most work first in each kind:
        the number of `tasks`; `work_s`, the sum of their seconds, and its `share` of all tasks' work (0 to 1); `span_s`
        from the first start to the last end; `idle_s`, the part of the span in which none of them ran; `people_s`, the
        wait for decisions; `critical_s` on the critical path, and `critical_share` of the run's length; `retries`, the
        number of new beginnings after an end, NA where no event shows them; `failures`, the number of failures (without
        `events` only of tasks that stayed failed). The row with the largest `critical_share` is the one to shorten
        first.
    """
    flat = flat_frame(tasks)
    retries, failures = tries_of(flat, events)
    paths, runs, ended = _paths(flat), runs_of(flat), ended_in(flat)
    work_s = pd.Series(seconds_of(flat), index=flat.index)
    facts = pd.DataFrame(
        {
            "execution": runs,
            "start": flat["started_at"].where(ended),
            "end": flat["ended_at"].where(ended),
            "work_s": work_s,
            "critical_s": work_s.where(flat.index.isin(flat.index[paths.places]), 0.0),
            "people_s": _asked_s(flat, checkpoints),
            "retries": retries,
            "failures": failures,
        }
    )
    made = pd.concat([_necks(facts, by, names) for by, names in _groupings(flat)], ignore_index=True)
    total_s = facts.groupby("execution")["work_s"].sum().replace(0.0, float("nan"))
    made["share"] = made["work_s"] / made["execution"].map(total_s).astype("float64")
    made["critical_share"] = made["critical_s"] / made["execution"].map(paths.length_s).astype("float64")
    made["run"] = made["execution"].map({run: number for number, run in enumerate(paths.length_s)})
    made = made.sort_values(["run", "place"], kind="stable")
    return shaped(made, {"execution": "string"} | _NECKS, without={"execution"} - {*flat})


def _groupings(flat: pd.DataFrame) -> list[tuple[str, pd.Series[Any]]]:
    return [
        ("phase", phases_of(flat)),
        ("wave", flat["wave"]),
        ("worker", flat["worker_id"]),
        ("provider", flat["provider_id"]),
    ]


def _necks(facts: pd.DataFrame, by: str, names: pd.Series[Any]) -> pd.DataFrame:
    """Return the sums over the tasks of each name in each run, most work first."""
    part = facts.assign(name=names.astype("string"))[names.notna().to_numpy()]
    groups = part.groupby(["execution", "name"], sort=False)
    made = groups.agg(
        tasks=("work_s", "size"),
        work_s=("work_s", "sum"),
        start=("start", "min"),
        end=("end", "max"),
        people_s=("people_s", "sum"),
        critical_s=("critical_s", "sum"),
        failures=("failures", "sum"),
    )
    made["span_s"] = (made["end"] - made["start"]).dt.total_seconds().clip(lower=0)
    made = made.assign(idle_s=_idle_s(part), retries=groups["retries"].sum(min_count=1), by=by, place=_KINDS.index(by))
    return made.sort_values("work_s", ascending=False, kind="stable").reset_index()


def _idle_s(part: pd.DataFrame) -> pd.Series[Any]:
    """Return the seconds in each group's span in which none of its tasks ran."""
    part = part[part["start"].notna()].sort_values("start", kind="stable")
    groups = [part["execution"], part["name"]]
    reached = part.groupby(["execution", "name"])["end"].cummax().groupby(groups).shift()
    gaps = (part["start"] - reached).dt.total_seconds().clip(lower=0).fillna(0.0)
    idle: pd.Series[Any] = gaps.groupby(groups).sum()
    return idle


def _asked_s(flat: pd.DataFrame, checkpoints: pd.DataFrame | None) -> Any:
    """Return the seconds each task waited for answers."""
    if checkpoints is None or checkpoints.empty:
        return 0.0
    asked = flat_frame(checkpoints)
    sums = asked["response_s"].astype("float64").groupby([runs_of(asked), asked["task_id"]]).sum()
    return sums.reindex(pd.MultiIndex.from_arrays([runs_of(flat), flat["task_id"]])).fillna(0.0).to_numpy()
