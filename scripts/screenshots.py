"""Take the pictures of the README from the real thing: JupyterLab, the simulator, a headless Chromium.

`make screenshots` writes docs/images/; ``python scripts/screenshots.py FOLDER`` another folder.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))

from playwright.sync_api import expect

from tests.e2e.lab import DARK, LIGHT, open_lab

if TYPE_CHECKING:
    from playwright.sync_api import Locator

    from tests.e2e.lab import NotebookPage

IMPORTS = "from runconsole import ConsoleWidget\nfrom runconsole.simulator import Simulator"
EXECUTION = (
    'w = ConsoleWidget(simulator.url, title="authentication_feature", token_budget=100_000, expected_artifacts=45)'
)
TASKS = 'w = ConsoleWidget(simulator.url, title="Four agents", cost_limit=1.00)'
WIDTH, HEIGHT, LONG = 1180, 1700, 120_000


def main(folder: Path) -> None:
    """Write one picture for each family, one light and one dark."""
    with open_lab(viewport=(WIDTH, HEIGHT), theme=LIGHT, scale=2) as lab:
        notebook = lab.new_notebook([f'{IMPORTS}\nsimulator = Simulator("execution", speed=30).start()', EXECUTION])
        notebook.run_all()
        wait_for_percent(notebook.panel, 55)
        shoot(notebook, folder / "execution.png")
        notebook.panel.get_by_role("tab", name="Timeline", exact=True).click()
        chart = notebook.panel.get_by_role("region", name="Timeline")
        chart.get_by_role("combobox", name="Lanes").select_option("worker")
        chart.get_by_role("checkbox", name="Critical path").check()
        chart.get_by_role("slider", name="Zoom").fill("8")
        wait_for_percent(notebook.panel, 78)
        shoot(notebook, folder / "timeline.png")
    with open_lab(viewport=(WIDTH, HEIGHT), theme=DARK, scale=2) as lab:
        notebook = lab.new_notebook([f'{IMPORTS}\nsimulator = Simulator("tasks", speed=4).start()', TASKS])
        notebook.run_all()
        expect(notebook.panel.get_by_role("group").first).to_be_visible(timeout=LONG)
        wait_for_percent(notebook.panel, 20)
        shoot(notebook, folder / "decision.png")


def wait_for_percent(panel: Locator, percent: int) -> None:
    """Wait until the run has come this far."""
    bar = panel.get_by_role("progressbar", name="Overall progress")
    while float(bar.get_attribute("aria-valuenow", timeout=LONG) or 0) < percent:
        panel.page.wait_for_timeout(100)


def shoot(notebook: NotebookPage, file: Path) -> None:
    """Write a picture of the panel."""
    notebook.screenshot(file, notebook.panel)
    print(file)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "docs" / "images")
