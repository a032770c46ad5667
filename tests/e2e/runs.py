"""Runs of the simulator in a notebook, and how to find one's way about the panel."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator

    from tests.e2e.lab import Lab, NotebookPage

EXECUTION = """
from runconsole import ConsoleWidget
from runconsole.simulator import Simulator
sim = Simulator("execution", speed={speed}).start()
"""
TASKS = EXECUTION.replace('"execution"', '"tasks"')
SHOW = 'w = ConsoleWidget(sim.url, title="authentication_feature", token_budget=100_000, expected_artifacts=45)'
CHECKPOINT = "Review the specification: password reset by e-mail"
LONG = 60_000


def until(condition: Any, seconds: float = 60) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition never held"
        time.sleep(0.1)


def progress(panel: Locator) -> Locator:
    return panel.get_by_role("progressbar", name="Overall progress")


def connection(panel: Locator) -> Locator:
    return panel.get_by_role("status", name="Connection")


def open_checkpoint(
    lab: Lab, *, kernel: str = "python3", more: list[str] | None = None, speed: int = 20
) -> NotebookPage:
    """Return a notebook in which a run waits for the decision on `CHECKPOINT`."""
    notebook = lab.new_notebook([TASKS.format(speed=speed), SHOW, *(more or [])], kernel=kernel)
    notebook.run_cell(0)
    notebook.run_cell(1)
    expect(notebook.panel.get_by_role("group", name=CHECKPOINT)).to_be_visible(timeout=LONG)
    return notebook


def is_busy(notebook: NotebookPage) -> bool:
    """Whether a cell runs."""
    return str(notebook.tab.evaluate("path => harness.state(path)", notebook.path)) != "idle"
