"""The side bar of JupyterLab: panels come by their button or a command, and leave with their widget or notebook."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.e2e.runs import CHECKPOINT, LONG, PATIENT_TASKS, SHOW, ask, progress

if TYPE_CHECKING:
    from playwright.sync_api import Locator

    from tests.e2e.lab import Lab, NotebookPage

COMMAND = "runconsole:open-in-side-bar"


def area(notebook: NotebookPage) -> Locator:
    """Return the area of the side bar."""
    return notebook.tab.get_by_role("complementary", name="Run consoles")


def beside(notebook: NotebookPage) -> Locator:
    """Return the panels in sight there."""
    return area(notebook).get_by_role("region", name="Run console")


def tab(notebook: NotebookPage, title: str) -> Locator:
    """Return the tab of a panel there."""
    return area(notebook).get_by_role("tab", name=title, exact=True)


def button(panel: Locator) -> Locator:
    return panel.get_by_role("button", name="Open in side bar")


def open_run(lab: Lab, *more: str) -> NotebookPage:
    """Return a notebook with a run whose panel is in the side bar."""
    notebook = lab.new_notebook([PATIENT_TASKS.format(speed=20), SHOW, *more])
    notebook.run_cell(0)
    notebook.run_cell(1)
    button(notebook.output(1)).click(timeout=LONG)
    expect(beside(notebook)).to_be_visible()
    return notebook


def test_the_button_opens_the_panel_once_in_the_side_bar(lab: Lab) -> None:
    notebook = open_run(lab)
    expect(tab(notebook, "authentication_feature")).to_be_visible()
    expect(progress(beside(notebook))).to_be_visible()
    expect(button(beside(notebook))).to_have_count(0)
    assert notebook.output(1).get_by_role("region", name="Run console").count() == 1
    width, height = beside(notebook).evaluate("panel => [panel.clientWidth, panel.clientHeight]")
    assert width > 380
    assert height > 700, "it is not as high as the side bar"
    button(notebook.output(1)).click()
    expect(beside(notebook)).to_have_count(1)
    assert notebook.complaints == []


def test_an_answer_in_the_side_bar_is_one_for_all_views(lab: Lab) -> None:
    notebook = open_run(lab, "w.decisions['option'].tolist()")
    card = ask(beside(notebook), CHECKPOINT)
    card.get_by_role("button", name="Approve").click()
    inner = notebook.output(1).get_by_role("region", name="Run console")
    inner.get_by_role("tab", name="Decisions").click()
    expect(inner.get_by_role("row").filter(has_text=CHECKPOINT)).to_contain_text("Approve")
    notebook.run_cell(2)
    expect(notebook.output(2)).to_contain_text("['approve']")


def test_a_second_press_shows_the_panel_again(lab: Lab) -> None:
    notebook = open_run(lab)
    notebook.command("application:toggle-right-area")
    expect(beside(notebook)).to_be_hidden()
    button(notebook.output(1)).click()
    expect(beside(notebook)).to_be_visible()
    expect(beside(notebook)).to_have_count(1)


def test_the_command_opens_the_panel_of_the_active_cell(lab: Lab) -> None:
    first, second = "a = ConsoleWidget(sim.url, title='first')", "b = ConsoleWidget(sim.url + '?b', title='second')"
    notebook = lab.new_notebook([PATIENT_TASKS.format(speed=20), first, second])
    notebook.run_all()
    expect(notebook.panel).to_have_count(2, timeout=LONG)
    notebook.tab.evaluate("path => { harness.panel(path).content.activeCellIndex = 1 }", notebook.path)
    notebook.tab.keyboard.press("Control+Shift+C")
    notebook.tab.get_by_role("textbox", name="SEARCH").fill("run console open in side bar")
    notebook.tab.keyboard.press("Enter")
    expect(beside(notebook).get_by_role("heading", name="first")).to_be_visible()
    notebook.tab.evaluate("path => { harness.panel(path).content.activeCellIndex = 2 }", notebook.path)
    notebook.command(COMMAND)
    expect(beside(notebook).get_by_role("heading", name="second")).to_be_visible()
    expect(area(notebook).get_by_role("tab", name=re.compile("^(first|second)$"))).to_have_count(2)
    tab(notebook, "first").click()
    expect(beside(notebook).get_by_role("heading", name="first")).to_be_visible()
    tab(notebook, "first").locator(".lm-TabBar-tabCloseIcon").click()
    expect(tab(notebook, "first")).to_have_count(0)
    expect(beside(notebook).get_by_role("heading", name="second")).to_be_visible()
    expect(notebook.panel).to_have_count(3)


def test_a_reload_brings_the_side_bar_back_as_it_was(lab: Lab) -> None:
    notebook = open_run(lab)
    notebook.save()
    notebook.reload()
    expect(progress(beside(notebook))).to_be_visible(timeout=LONG)
    tab(notebook, "authentication_feature").locator(".lm-TabBar-tabCloseIcon").click()
    expect(area(notebook)).to_have_count(0)
    notebook.reload()
    expect(button(notebook.output(1))).to_be_visible(timeout=LONG)
    expect(area(notebook)).to_have_count(0)


def test_a_run_in_the_restarted_kernel_takes_the_place_of_its_panel(lab: Lab) -> None:
    notebook = open_run(lab)
    notebook.restart_kernel()
    expect(beside(notebook)).to_contain_text("run the cell again", timeout=LONG)
    notebook.run_cell(0)
    notebook.run_cell(1)
    expect(beside(notebook).get_by_role("status", name="Connection")).to_have_text("live", timeout=LONG)
    expect(tab(notebook, "authentication_feature")).to_have_count(1)


def test_the_panel_leaves_with_its_widget(lab: Lab) -> None:
    notebook = open_run(lab, "w.close()")
    notebook.run_cell(2)
    expect(area(notebook)).to_have_count(0)


def test_the_panel_leaves_with_its_notebook(lab: Lab) -> None:
    notebook = open_run(lab)
    notebook.tab.evaluate("path => harness.panel(path).dispose()", notebook.path)
    expect(area(notebook)).to_have_count(0)
