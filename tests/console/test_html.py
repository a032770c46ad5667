"""What a cell shows of a console, of its runs and of its summary: small tables of escaped text."""

from __future__ import annotations

import json
from typing import Any

from runconsole import Console
from tests.servers.json_server import JsonServer, eventually
from tests.support.folding import execution, task
from tests.view.test_report import ALLOWED, HOSTILE, Parts

SHOWN = {*ALLOWED, "code", "strong"}
FRAMES = [
    execution("execution_started", execution_id="e1", total_tasks=2),
    execution("progress_update", task_id="t1", task_name=HOSTILE, status="failed", completed_tasks=1, total_tasks=2),
    execution("error", task_id="t1", message=HOSTILE),
]


def shown(thing: Any) -> Parts:
    parts = Parts(thing._repr_html_())
    assert set(parts.elements) <= SHOWN
    return parts


def test_a_console_its_runs_and_its_summary_are_shown_as_tables() -> None:
    second = execution("execution_started", execution_id="e2", total_tasks=1)
    with (
        JsonServer([*FRAMES, second, execution("execution_completed", status="success", cost_usd=0.42)]) as server,
        Console(server.url) as console,
    ):
        assert console.wait(20)
        assert "✔ completed" in shown(console).text
        assert repr(console) in shown(console).text
        assert "$0.42" in shown(console).text
        runs = shown(console.runs)
        assert runs.captions == ["Runs (2)"]
        assert "e1|" in runs.text
        assert shown(console.runs[0]).captions == ["Tasks (1)", "Errors (1)"]
        summary = console.summary
        assert "$0.42" in shown(summary).text
        assert "link|ended" in shown(summary).text
        assert json.loads(json.dumps(summary, default=str))["status"] == "completed"


def test_a_console_that_has_a_secret_or_has_not_begun_shows_none() -> None:
    with JsonServer([task("task.started", title="password hunter22-canary")]) as server:
        console = Console(f"{server.url}?token=hunter22-canary", token="hunter22-canary")
        eventually(lambda: len(console.events) == 1)
        shows: list[Any] = [console, console.summary]
        assert [thing for thing in shows if "hunter22-canary" in thing._repr_html_()] == []
        console.stop()
    assert Console.__new__(Console)._repr_html_() is None
