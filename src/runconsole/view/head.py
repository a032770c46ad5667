"""The picture's head: the run and its link in a few fields."""

from __future__ import annotations

from typing import NamedTuple

from runconsole.state import RunState
from runconsole.view.contract import Described, Head, Storm
from runconsole.view.rows import SENTENCE, ms, number, short

__all__ = ["ErrorCounts", "head"]

_ALERTS = 3
_OFFSET_STEP = 500  # the clock's estimate moves with every event; steps of half a second do not


class ErrorCounts(NamedTuple):
    """The errors by their outcome."""

    fatal: int
    open: int
    storm: Storm | None


def head(state: RunState, described: Described, output_lines: int, errors: ErrorCounts) -> Head:
    """Return the head: the fields of the state, and those that are `described`."""
    run = state.run()
    link = state.links[-1] if state.links else None
    reason = state.interruption or (link.reason if link else None)
    return {
        **described,
        "title": short(described["title"]),
        "url": short(described["url"], SENTENCE),
        "attempt": link.attempt if link else 0,
        "retry_at": ms(link.retry_at) if link else None,
        "reason": short(reason, SENTENCE) if reason else None,
        "notice": _notice(state),
        "status": run.status,
        "percent": number(run.percent, 2),
        "total_tasks": run.total_tasks,
        "completed_tasks": run.completed_tasks,
        "failed_tasks": run.failed_tasks,
        "counts": {str(status): count for status, count in state.counts.items()},
        "started_at": ms(run.started_at),
        "ended_at": ms(run.ended_at),
        "duration_s": number(run.duration_s),
        "last_event_at": ms(state.last_event_at),
        "usual_gap_s": number(state.usual_gap_s, 1),
        "estimated_duration_s": number(run.estimated_duration_s),
        "current_task": run.current_task and short(run.current_task),
        "current_task_name": run.current_task_name and short(run.current_task_name),
        "current_wave": run.current_wave,
        "tokens_used": run.tokens_used,
        "token_budget": run.token_budget,
        "cost_usd": number(run.cost_usd, 6),
        "cost_limit": run.cost_limit,
        "artifacts": run.artifacts,
        "expected_artifacts": run.expected_artifacts,
        "errors": run.errors,
        "errors_fatal": errors.fatal,
        "errors_open": errors.open,
        "storm": errors.storm,
        "questions": state.open_count,
        "output_lines": output_lines,
        "duplicates": sum(row.duplicates for row in state.links),
        "missed": max(0, sum((row.missed or 0) - (row.filled or 0) for row in state.links)),
        "clock_offset": state.clock.offset // 1000 // _OFFSET_STEP * _OFFSET_STEP,
        "alerts": [
            {"level": short(row.level), "text": short(row.text, SENTENCE), "at": ms(row.at)}
            for row in list(state.alerts)[-_ALERTS:]
        ],
    }


def _notice(state: RunState) -> str | None:
    """Return the sentence about a present silence, else the newest one about the link."""
    notice = state.quiet or next((row.notice for row in reversed(state.links[-4:]) if row.notice), None)
    return None if notice is None else short(notice, SENTENCE)
