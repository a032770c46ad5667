"""Two runs side by side."""

from __future__ import annotations

from typing import Any, TypeAlias

import pandas as pd

from runconsole.analysis.retries import tries_of
from runconsole.analysis.shapes import ended_in, flat_frame, phases_of

__all__ = ["RUN", "RunFacts", "compare_runs"]

RUN = "(run)"
"""The rows of `compare_runs` for the run as a whole."""
_MEASURES = ("duration_s", "cost_usd", "tokens", "tasks", "failures", "retries")
RunFacts: TypeAlias = (
    tuple["pd.Series[Any]", pd.DataFrame, pd.DataFrame]
    | tuple["pd.Series[Any]", pd.DataFrame, pd.DataFrame, pd.DataFrame]
)
"""A run's row among the runs, its phases, its tasks and, for its retries, its events."""


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
    flat = flat_frame(tasks)
    retries, _ = tries_of(flat, events)
    flat = flat.assign(retries=retries)
    whole = {
        "duration_s": run["duration_s"],
        "cost_usd": run["cost_usd"],
        "tokens": run["tokens_used"],
        "tasks": run["total_tasks"],
        "failures": run["failed_tasks"],
        "retries": retries.sum(min_count=1),
    }
    made = {RUN: whole} | {str(name): _of_tasks(part) for name, part in flat.groupby(phases_of(flat), sort=False)}
    named = {}
    for number, phase in phases.iterrows():
        name = str(number) if pd.isna(phase["name"]) else str(phase["name"])
        extra = {"duration_s": phase["duration_s"]} if pd.notna(phase["duration_s"]) else {}
        named[name] = made.get(name, {"tasks": 0, "failures": 0, "retries": 0}) | extra
    return {RUN: whole} | named | {name: facts for name, facts in made.items() if name not in named}


def _of_tasks(part: pd.DataFrame) -> dict[str, Any]:
    ended = part[ended_in(part)]
    span_s = (ended["ended_at"].max() - ended["started_at"].min()).total_seconds() if len(ended) else None
    return {
        "duration_s": span_s,
        "cost_usd": part["cost_usd"].sum(min_count=1),
        "tokens": part["tokens"].sum(min_count=1),
        "tasks": len(part),
        "failures": int((part["status"] == "failed").sum()),
        "retries": part["retries"].sum(min_count=1),
    }
