"""The timeline in a real JupyterLab: bars of a live run, zoom, the critical path, and the way to a task."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.e2e.runs import EXECUTION, LONG, SHOW, connection, until

if TYPE_CHECKING:
    from playwright.sync_api import Locator

    from tests.e2e.lab import Lab, NotebookPage


def timeline(notebook: NotebookPage) -> Locator:
    """Open the tab and return the region."""
    notebook.panel.get_by_role("tab", name="Timeline", exact=True).click()
    return notebook.panel.get_by_role("region", name="Timeline")


def test_a_run_is_on_the_timeline_from_its_first_task_to_its_last(lab: Lab) -> None:
    notebook = lab.new_notebook([EXECUTION.format(speed=120), SHOW])
    notebook.run_all()
    chart = timeline(notebook)
    bars = chart.locator(".rc-tl-bar")
    expect(bars.first).to_be_visible()
    expect(connection(notebook.panel)).to_contain_text("ended", timeout=LONG)
    # No event of this server names a worker: one lane has as many rows as tasks ran at once.
    chart.get_by_role("combobox", name="Lanes").select_option("worker")
    until(lambda: bars.count() == 120)

    chart.get_by_role("checkbox", name="Critical path").check()
    path = notebook.kernel_eval("w.critical_path().reset_index()['task_id'].tolist()")
    until(lambda: chart.locator(".rc-tl-on-path").count() == len(path))
    expect(chart).to_contain_text(f"{len(path)} tasks")

    zoom = chart.get_by_role("slider", name="Zoom")
    zoom.fill("30")
    until(lambda: 0 < bars.count() < 120)
    chart.get_by_role("button", name="Fit").click()
    until(lambda: bars.count() == 120)
    expect(zoom).to_have_value("0")

    bars.first.focus()
    first = bars.first.get_attribute("data-key")
    notebook.tab.keyboard.press("ArrowRight")
    focused = chart.locator(".rc-tl-bar:focus")
    expect(focused).to_be_visible()
    assert focused.get_attribute("data-key") != first
    expect(focused).to_have_attribute("aria-label", re.compile(r".+: (completed|failed), [\d.]+"))
    notebook.tab.keyboard.press("Enter")
    expect(notebook.panel.get_by_role("dialog", name=re.compile("^Task "))).to_be_visible()
    assert notebook.complaints == []
