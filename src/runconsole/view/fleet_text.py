"""Several runs as lines of text and as HTML tables, for terminals and for readers without a kernel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from runconsole.view.fleet import KnownRun, questions, rows
from runconsole.view.fleet_contract import FleetRow
from runconsole.view.markup import table, text
from runconsole.view.screen import clean, money

__all__ = ["fleet_table", "fleet_text", "run_lines"]

_MOST = 100


def fleet_text(known: Sequence[KnownRun]) -> str:
    """Return the runs and their open questions as lines."""
    asked = questions(known)
    lines = [f"{len(known):,} runs, {len(asked):,} open questions"]
    lines += [f"  {line}" for line in run_lines(known)]
    lines += [f"  ? {clean(each.run_name)}: {clean(each.title)}" for each in asked]
    return "\n".join(lines)


def run_lines(known: Sequence[KnownRun]) -> Iterator[str]:
    """Yield a line for each run: its name, its state in words, its progress, and the reason where it has no link."""
    for run in rows(known):
        failed = f"{run['failed_tasks']:,} failed" if run["failed_tasks"] else ""
        reason = clean(run.get("reason", "")) if run["link"] in {"retrying", "failed"} else ""
        parts = (clean(run["name"]), run["words"], _percent(run), _tasks(run), failed, reason)
        yield " · ".join(part for part in parts if part)


def fleet_table(known: Sequence[KnownRun]) -> str:
    """Return the runs and their open questions as tables."""
    columns = ("Run", "State", "Progress", "Tasks", "Failed", "Cost", "Questions")
    lines = (
        (
            text(run["name"]),
            text(run["words"]),
            text(_percent(run)),
            text(_tasks(run)),
            text(_number(run["failed_tasks"])),
            text("" if run["cost_usd"] is None else money(run["cost_usd"])),
            text(_number(run["questions"])),
        )
        for run in rows(known)
    )
    asked = questions(known)
    listed = table("Runs", columns, lines, len(known), most=_MOST)
    open_ones = ((text(each.run_name), text(each.title)) for each in asked)
    return f"<div>{listed}{table('Open questions', ('Run', 'Question'), open_ones, len(asked), most=_MOST)}</div>"


def _number(count: int) -> str:
    return f"{count:,}" if count else ""


def _percent(run: FleetRow) -> str:
    return "" if run["percent"] is None else f"{int(run['percent'])} %"


def _tasks(run: FleetRow) -> str:
    done, total = run["completed_tasks"], run["total_tasks"]
    return _number(done) if total is None else f"{done:,} of {total:,}"
