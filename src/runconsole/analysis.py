"""Analysis of a run's time and of its answered questions: pure functions of the run's DataFrames.

The functions take the frames of a console, of a replay, or of a history (`history.frame("tasks")`). Rows of a history
carry a column `execution`: each run is then analyzed by itself, and the result has that column too. Times are in
seconds everywhere; unknown is NA.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from runconsole import critical
from runconsole.critical import Micros

__all__ = ["ALL", "RUN", "RunFacts", "bottlenecks", "checkpoint_stats", "compare_runs", "critical_path"]

ALL = "(all)"
"""The row of `checkpoint_stats` for every type together."""
RUN = "(run)"
"""The rows of `compare_runs` for the run as a whole."""

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
_STATS = {
    "count": "Int64",
    "open": "Int64",
    "decided": "Int64",
    "answered": "Int64",
    "approved": "Int64",
    "rejected": "Int64",
    "changed": "Int64",
    "chosen": "Int64",
    "approval_rate": "Float64",
    "mean_response_s": "Float64",
    "median_response_s": "Float64",
    "longest_response_s": "Float64",
    "mean_resolution_s": "Float64",
    "timeouts": "Int64",
    "expired": "Int64",
}
_MEASURES = ("duration_s", "cost_usd", "tokens", "tasks", "failures", "retries")

_VERDICTS = {
    "approved": {"approve", "approved", "accept", "accepted", "yes"},
    "rejected": {"reject", "rejected", "decline", "declined", "deny", "denied", "no", "abort", "cancel"},
    "changed": {"modify", "modified", "revise", "change", "changes", "retry", "skip", "escalate", "defer"},
}
"""Words of a decision by verdict: the task family's actions and their like. Any other word is a choice among
options."""

RunFacts: TypeAlias = (
    tuple["pd.Series[Any]", pd.DataFrame, pd.DataFrame]
    | tuple["pd.Series[Any]", pd.DataFrame, pd.DataFrame, pd.DataFrame]
)
"""A run's row among the runs, its phases, its tasks and, for its retries, its events."""


# ---- the critical path ---------------------------------------------------------------------------------------------


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
    flat = _flat(tasks)
    paths = _paths(flat)
    rows = flat.iloc[paths.places].reset_index(drop=True)
    duration_s = _seconds(rows)
    made = rows.assign(
        duration_s=duration_s, wait_s=paths.wait_s, share=duration_s / _runs(rows).map(paths.length_s).astype("float64")
    )
    return _shaped(made, {"execution": "string"} | _PATH, without={"execution", "subtask_id"} - {*flat})


class _Paths(NamedTuple):
    """The critical paths of some runs, as positions of rows, run by run."""

    places: list[int]
    wait_s: list[float]
    """Before each row."""
    length_s: dict[Any, float]
    """Of each run, from the first start to the last end; NaN where there is no length to share."""


def _paths(flat: pd.DataFrame) -> _Paths:
    runs, ended = _runs(flat), _ended(flat)
    start, end = _micros(flat["started_at"], ended), _micros(flat["ended_at"], ended)
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


# ---- bottlenecks ---------------------------------------------------------------------------------------------------


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
    flat = _flat(tasks)
    retries, failures = _tries(flat, events)
    paths, runs, ended = _paths(flat), _runs(flat), _ended(flat)
    work_s = pd.Series(_seconds(flat), index=flat.index)
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
    return _shaped(made, {"execution": "string"} | _NECKS, without={"execution"} - {*flat})


def _groupings(flat: pd.DataFrame) -> list[tuple[str, pd.Series[Any]]]:
    return [
        ("phase", _phases(flat)),
        ("wave", flat["wave"]),
        ("worker", flat["worker_id"]),
        ("provider", flat["provider_id"]),
    ]


def _phases(flat: pd.DataFrame) -> pd.Series[Any]:
    return flat["phase_name"].fillna(flat["phase"].astype("string"))


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
    asked = _flat(checkpoints)
    sums = asked["response_s"].astype("float64").groupby([_runs(asked), asked["task_id"]]).sum()
    return sums.reindex(pd.MultiIndex.from_arrays([_runs(flat), flat["task_id"]])).fillna(0.0).to_numpy()


# ---- retries -------------------------------------------------------------------------------------------------------

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


def _tries(flat: pd.DataFrame, events: pd.DataFrame | None) -> tuple[pd.Series[Any], pd.Series[Any]]:
    """Return the number of new beginnings (NA where no event shows them) and of failures of each task."""
    retries, failures = flat["attempts"].astype("Int64"), flat["status"].eq("failed").astype("Int64")
    if events is None:
        return retries, failures
    tasks = pd.MultiIndex.from_arrays([_runs(flat), flat["task_id"]])
    counts = _turns(_flat(events)).groupby(["execution", "task_id"]).sum().reindex(tasks, fill_value=0)
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
    rows = pd.DataFrame({"execution": _runs(events), "task_id": events["task_id"], "turn": turn})[is_turn]
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


# ---- checkpoints ---------------------------------------------------------------------------------------------------


def checkpoint_stats(checkpoints: pd.DataFrame) -> pd.DataFrame:
    """Return statistics of the answers to a run's (or many runs') questions: all together, and by type.

    Args:
        checkpoints: the frame `checkpoints`.

    Returns:
        One row per type, the most frequent first, after the row ``(all)``. `count` is the number of questions. `open`
        ones wait. `answered` ones have an answer of a person or of code, here or elsewhere. `timeouts` were decided by
        the time-out, which took the default action. `expired` ones closed without any known answer, by their deadline
        or with the end of their task. `decided` is `answered` plus `timeouts`. The answers are split into `approved`,
        `rejected`, `changed` (modify, retry, skip, escalate, defer) and `chosen` (any other option of the question).
        `approval_rate` is approved of approved, rejected and changed, 0 to 1, NA where there are none.
        `mean_response_s`, `median_response_s` and `longest_response_s` are of answers too. A time-out counts in none of
        these, only in `mean_resolution_s`, which is of all decided questions.
    """
    rows = checkpoints.assign(
        type=checkpoints["type"].fillna("(none)"),
        verdict=checkpoints["decision"].map(_verdict, na_action="ignore").astype("string"),
    )
    groups = sorted(rows.groupby("type", sort=True), key=lambda group: -len(group[1]))
    made = pd.DataFrame([_stats(rows), *(_stats(part) for _, part in groups)])
    made.index = pd.Index([ALL, *(str(kind) for kind, _ in groups)], dtype="string", name="type")
    return made.astype(_STATS)[list(_STATS)]


def _verdict(decision: str) -> str:
    word = decision.strip().casefold()
    return next((verdict for verdict, words in _VERDICTS.items() if word in words), "chosen")


def _stats(part: pd.DataFrame) -> dict[str, Any]:
    decided = part[part["status"] == "decided"]
    late = decided["decided_by"].eq("timeout").fillna(value=False).astype(bool)
    answered = decided[~late]
    people = answered["response_s"]
    verdicts = answered["verdict"].value_counts()
    counts = {verdict: int(verdicts.get(verdict, 0)) for verdict in (*_VERDICTS, "chosen")}
    judged = counts["approved"] + counts["rejected"] + counts["changed"]
    return {
        "count": len(part),
        "open": int(part["status"].isin(["pending", "sending", "unknown"]).sum()),
        "decided": len(decided),
        "answered": len(answered),
        **counts,
        "approval_rate": counts["approved"] / judged if judged else pd.NA,
        "mean_response_s": people.mean(),
        "median_response_s": people.median(),
        "longest_response_s": people.max(),
        "mean_resolution_s": decided["response_s"].mean(),
        "timeouts": int(late.sum()),
        "expired": int((part["status"] == "expired").sum()),
    }


# ---- two runs ------------------------------------------------------------------------------------------------------


def compare_runs(a: RunFacts, b: RunFacts) -> pd.DataFrame:
    """Compare two runs, as a whole and phase by phase.

    Args:
        a: the first run: its row of `history.runs`, its phases, its tasks and, to count retries, its events (see
            `bottlenecks`).
        b: the second run.

    Returns:
        One row per ``(phase, measure)``; the phase ``(run)`` is the run as a whole. Measures are `duration_s`,
        `cost_usd`, `tokens`, `tasks`, `failures` (tasks that stayed failed) and `retries` (new beginnings after an
        end). Columns, all Float64, unknown is NA: `a`, `b`, `difference` (b − a), `ratio` (b / a; NA where a is 0).
    """
    facts = [_measures(*run) for run in (a, b)]
    phases = list(dict.fromkeys(phase for run in facts for phase in run))
    places = pd.MultiIndex.from_product([phases, _MEASURES], names=["phase", "measure"])
    columns = {
        name: pd.array([run.get(phase, {}).get(measure) for phase, measure in places], dtype="Float64")
        for name, run in zip(("a", "b"), facts, strict=True)
    }
    made = pd.DataFrame(columns, index=places)
    base = made["a"].mask(made["a"] == 0)
    return made.assign(difference=made["b"] - made["a"], ratio=made["b"] / base)


def _measures(
    run: pd.Series[Any], phases: pd.DataFrame, tasks: pd.DataFrame, events: pd.DataFrame | None = None
) -> dict[str, dict[str, Any]]:
    flat = _flat(tasks)
    retries, _ = _tries(flat, events)
    flat = flat.assign(retries=retries)
    whole = {
        "duration_s": run["duration_s"],
        "cost_usd": run["cost_usd"],
        "tokens": run["tokens_used"],
        "tasks": run["total_tasks"],
        "failures": run["failed_tasks"],
        "retries": retries.sum(min_count=1),
    }
    made = {RUN: whole} | {str(name): _of_tasks(part) for name, part in flat.groupby(_phases(flat), sort=False)}
    named = {}
    for number, phase in phases.iterrows():
        name = str(number) if pd.isna(phase["name"]) else str(phase["name"])
        extra = {"duration_s": phase["duration_s"]} if pd.notna(phase["duration_s"]) else {}
        named[name] = made.get(name, {"tasks": 0, "failures": 0, "retries": 0}) | extra
    return {RUN: whole} | named | {name: facts for name, facts in made.items() if name not in named}


def _of_tasks(part: pd.DataFrame) -> dict[str, Any]:
    ended = part[_ended(part)]
    span_s = (ended["ended_at"].max() - ended["started_at"].min()).total_seconds() if len(ended) else None
    return {
        "duration_s": span_s,
        "cost_usd": part["cost_usd"].sum(min_count=1),
        "tokens": part["tokens"].sum(min_count=1),
        "tasks": len(part),
        "failures": int((part["status"] == "failed").sum()),
        "retries": part["retries"].sum(min_count=1),
    }


# ---- shapes --------------------------------------------------------------------------------------------------------


def _runs(flat: pd.DataFrame) -> pd.Series[Any]:
    """Return the run of each row; a console's frames hold a single run."""
    return flat["execution"] if "execution" in flat else pd.Series("", index=flat.index, dtype="string")


def _ended(flat: pd.DataFrame) -> pd.Series[Any]:
    return flat["started_at"].notna() & flat["ended_at"].notna()


def _flat(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.reset_index(drop=frame.index.names == [None])


def _seconds(rows: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the seconds from each row's start to its end, float64, 0 where one is unknown."""
    spans = (rows["ended_at"] - rows["started_at"]).dt.total_seconds()
    return np.asarray(spans.fillna(0.0).clip(lower=0), "float64")


def _micros(times: pd.Series[Any], known: pd.Series[Any]) -> Micros:
    """Return times in microseconds since 1970-01-01 UTC, int64, 0 where unknown."""
    return np.where(known, np.asarray(times.astype("datetime64[us, UTC]").astype("int64"), "int64"), 0)


def _shaped(frame: pd.DataFrame, dtypes: dict[str, str], *, without: set[str]) -> pd.DataFrame:
    kept = {name: kind for name, kind in dtypes.items() if name not in without}
    return frame.reindex(columns=list(kept)).astype(kept).reset_index(drop=True)
