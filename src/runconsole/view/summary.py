"""Facts of runs as small HTML tables: a summary, several runs, two runs side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from runconsole.view import markup
from runconsole.view.markup import Markup, text
from runconsole.view.moments import instant, seconds
from runconsole.view.screen import money

__all__ = ["RunLine", "comparison_table", "runs_table", "summary_table"]


class RunLine(NamedTuple):
    """A run as a row among others."""

    name: str
    title: str | None
    status: str
    started_at: datetime | None
    duration_s: float | None
    completed_tasks: int | None
    total_tasks: int | None
    failed_tasks: int | None
    tokens_used: int | None
    cost_usd: float | None
    errors: int | None


def value(name: str, given: Any) -> Markup:
    """Return the value of a named fact, in the unit that its name has; nothing for None."""
    if isinstance(given, datetime) or given is None:
        return instant(given)
    if name == "status":
        return markup.status(str(given))
    if isinstance(given, bool) or not isinstance(given, int | float):
        return text(given)
    if name.endswith("_s"):
        return seconds(given)
    return text(_number(name, given))


def _number(name: str, given: float) -> str:
    if name.startswith("cost_"):
        return money(given)
    if name == "percent":
        return f"{given:.4g} %"
    return f"{given:,.0f}" if given == int(given) else f"{given:,.6g}"


def summary_table(facts: Mapping[str, Any]) -> str:
    """Return named facts as a table; unknown ones are named below it."""
    unknown = ", ".join(name for name, given in facts.items() if given is None)
    note = markup.paragraph(text(f"unknown: {unknown}", 500), muted=True) if unknown else Markup("")
    return f"<div>{markup.facts((name, value(name, given)) for name, given in facts.items())}{note}</div>"


def runs_table(about: str, runs: Iterable[RunLine], total: int) -> str:
    """Return a table of runs below a line about them."""
    columns = ("Run", "Title", "Status", "Started", "Duration", "Tasks", "Failed", "Tokens", "Cost", "Errors")
    rows = map(_run, runs)
    return f"<div>{markup.paragraph(_code(about))}{markup.table('Runs', columns, rows, total)}</div>"


def _run(run: RunLine) -> tuple[Markup, ...]:
    tasks = "" if run.completed_tasks is None else f"{run.completed_tasks:,}"
    if tasks and run.total_tasks is not None:
        tasks = f"{tasks} of {run.total_tasks:,}"
    return (
        text(run.name),
        text(run.title or ""),
        markup.status(run.status),
        instant(run.started_at),
        seconds(run.duration_s),
        text(tasks),
        value("failed_tasks", run.failed_tasks or None),
        value("tokens_used", run.tokens_used),
        value("cost_usd", run.cost_usd),
        value("errors", run.errors or None),
    )


def comparison_table(names: tuple[str, str], rows: Iterable[tuple[str, str, Any, Any, Any, Any]], total: int) -> str:
    """Return two runs side by side; a row is ``(phase, measure, a, b, difference, ratio)``, with None for unknown."""

    def row(given: tuple[str, str, Any, Any, Any, Any]) -> tuple[Markup, ...]:
        phase, measure, a, b, difference, ratio = given
        sign = "" if difference is None else "+" if difference > 0 else "−" if difference < 0 else ""
        change = Markup("") if difference is None else Markup(sign + value(measure, abs(difference)))
        times = text("" if ratio is None else f"× {ratio:,.3g}")
        return (text(phase), text(measure), value(measure, a), value(measure, b), change, times)

    columns = ("Phase", "Measure", *names, "Difference", "Ratio")
    return f"<div>{markup.table('Comparison', columns, map(row, rows), total, most=120)}</div>"


def _code(source: str) -> Markup:
    return Markup(f"<code>{text(source)}</code>")
