"""Statistics of the questions of runs and of their answers."""

from __future__ import annotations

from typing import Any

import pandas as pd

__all__ = ["ALL", "checkpoint_stats"]

ALL = "(all)"
"""The row of `checkpoint_stats` for every type together."""
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
_VERDICTS = {
    "approved": {"approve", "approved", "accept", "accepted", "yes"},
    "rejected": {"reject", "rejected", "decline", "declined", "deny", "denied", "no", "abort", "cancel"},
    "changed": {"modify", "modified", "revise", "change", "changes", "retry", "skip", "escalate", "defer"},
}
"""Words of a decision by verdict: the task family's actions and their like. Any other word is a choice among
options."""


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
