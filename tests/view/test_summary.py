"""The small HTML tables of cells: a summary, several runs, two runs side by side."""

from __future__ import annotations

from datetime import UTC, datetime

from runconsole.view.summary import RunLine, comparison_table, runs_table, summary_table
from tests.view.test_report import ALLOWED, HOSTILE, Parts

AT = datetime(2026, 11, 28, 10, 32, 5, 999, tzinfo=UTC)
CODE = {"code", "strong"}


def test_a_summary_has_readable_units_and_names_what_is_unknown() -> None:
    parts = Parts(
        summary_table(
            {"status": "running", "started_at": AT, "duration_s": 623.4, "cost_usd": 0.42, "percent": 33.333333}
            | {"tokens_used": 34_500, "title": HOSTILE, "ended_at": None, "current_wave": None, "is_odd": True}
        )
    )
    for shown in ("2026-11-28 10:32:05 UTC", "10m 23s", "$0.42", "33.33 %", "34,500", "True"):
        assert shown in parts.text
    assert "unknown: ended_at, current_wave" in parts.text
    assert set(parts.elements) <= ALLOWED


def test_runs_are_a_bounded_table_under_their_line() -> None:
    lines = [RunLine(f"run-{n}", HOSTILE, "failed", AT, 1.5, n, 100, 2, None, 0.5, 0) for n in range(60)]
    parts = Parts(runs_table(f"History({HOSTILE!r})", lines, len(lines)))
    assert parts.captions == ["Runs (60)"]
    assert "39 of 100" in parts.text
    assert "run-40" not in parts.text
    assert "20 more" in parts.text
    assert set(parts.elements) <= ALLOWED | CODE


def test_a_comparison_has_the_runs_names_and_signed_differences() -> None:
    rows = [
        ("(run)", "cost_usd", 0.5, 0.25, -0.25, 0.5),
        ("(run)", "duration_s", 60.0, 90.0, 30.0, 1.5),
        (HOSTILE, "tasks", 3.0, None, None, None),
    ]
    parts = Parts(comparison_table(("nightly-1", HOSTILE), rows, len(rows)))
    assert "nightly-1" in parts.text
    assert "(run)|cost_usd|$0.50|$0.25|−$0.25|× 0.5" in parts.text
    assert "1m 0s|1m 30s|+30s|× 1.5" in parts.text
    assert set(parts.elements) <= ALLOWED
