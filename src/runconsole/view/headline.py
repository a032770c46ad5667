"""A run in one sentence: its status, its progress, and what it waits for."""

from __future__ import annotations

from runconsole.events import Micros, TaskStatus
from runconsole.state import RunState, span_s
from runconsole.view.screen import duration, title_of

__all__ = ["SIGNS", "headline"]

SIGNS: dict[str, str] = {
    TaskStatus.PENDING: "○",
    TaskStatus.RUNNING: "▶",
    TaskStatus.PAUSED: "‖",
    TaskStatus.COMPLETED: "✔",
    TaskStatus.FAILED: "✘",
    TaskStatus.CANCELLED: "⊘",
    TaskStatus.SKIPPED: "↷",
    "partial": "⚠",
    "interrupted": "⚠",
}
_WORDS = {TaskStatus.RUNNING: "", "partial": "partly failed"}
"""A running run says its percent first."""


def headline(state: RunState, now: Micros) -> str:
    """Return one line like ``▶ 20 % · 25/120 · 3 running · needs you: 1 · A release``.

    It is plain text without control characters; `now` is this machine's time, in microseconds.
    """
    run = state.run()
    is_over = state.finished or state.left is not None
    total = "" if run.total_tasks is None else f"/{run.total_tasks:,}"
    seconds = run.duration_s if run.duration_s is not None else span_s(run.started_at, state.clock.at(now))
    parts = [
        _WORDS.get(run.status, run.status),
        "" if run.percent is None else f"{int(run.percent)} %",
        f"{run.completed_tasks:,}{total}" if total or run.completed_tasks else "",
        f"{run.running_tasks:,} running" if run.running_tasks and not is_over else "",
        f"{run.failed_tasks:,} failed" if run.failed_tasks else "",
        f"needs you: {state.open_count:,}" if state.open_count else "",
        duration(seconds) if seconds is not None and is_over else "",
        title_of(state),
    ]
    return f"{SIGNS[run.status]} {' · '.join(part for part in parts if part)}"
