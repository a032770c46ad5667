"""The panel in other hosts of widgets: it is drawn, follows its run, and brings an answer back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.e2e.hosts import marimo_server, notebook_server, voila_server
from tests.e2e.lab import DARK, Lab
from tests.e2e.runs import CHECKPOINT, LONG, PATIENT_TASKS, ask, progress
from tests.e2e.window import Window

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from playwright.sync_api import Browser, Page

CELL = f"{PATIENT_TASKS.format(speed=20)}\nw = ConsoleWidget(sim.url)\nw"


def approve(page: Page) -> None:
    """Wait for the question, and answer it."""
    panel = page.get_by_role("region", name="Run console")
    expect(panel).to_be_visible(timeout=LONG)
    expect(progress(panel)).to_be_visible()
    card = ask(panel, CHECKPOINT)
    expect(card).to_be_visible(timeout=LONG)
    card.get_by_role("button", name="Approve").click()
    panel.get_by_role("tab", name="Decisions").click()
    expect(panel.get_by_role("row").filter(has_text=CHECKPOINT)).to_contain_text("Approve")


@pytest.mark.parametrize("server", [voila_server, marimo_server])
def test_a_page_without_cells_shows_the_panel_and_takes_an_answer(
    server: Callable[[str, Path], AbstractContextManager[str]], browser: Browser, tmp_path: Path
) -> None:
    with server(CELL, tmp_path) as url, browser.new_page(viewport={"width": 1100, "height": 900}) as page:
        page.goto(url, timeout=LONG)
        approve(page)


def test_notebook_7_shows_the_panel_and_takes_an_answer(browser: Browser, tmp_path: Path) -> None:
    with (
        notebook_server(tmp_path) as server,
        Window(browser) as window,  # of its own: the other tests' has pages of their JupyterLab
        Lab(server, window, theme=DARK).opened() as notebooks,
    ):
        notebook = notebooks.new_notebook([CELL, "w.decisions['option'].tolist()"])
        notebook.run_cell(0)
        approve(notebook.tab)
        background = notebook.panel.evaluate(
            "panel => getComputedStyle(panel).backgroundColor.match(/\\d+/g).map(Number)"
        )
        assert max(background[:3]) < 64, "light on a dark page"
        # The extension of JupyterLab is loaded here too, and adds nothing.
        assert notebook.tab.evaluate("Object.keys(_JUPYTERLAB)").count("runconsole") == 1
        assert notebook.panel.get_by_role("button", name="Open in side bar").count() == 0
        assert [complaint for complaint in notebook.complaints if "runconsole" in complaint] == []
        notebook.run_cell(1)
        expect(notebook.output(1)).to_contain_text("['approve']")
