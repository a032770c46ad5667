"""Tasks in a real JupyterLab: sorted, filtered by the header, opened in their drawer, at a narrow width too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.e2e.runs import EXECUTION, LONG, SHOW, connection

if TYPE_CHECKING:
    from playwright.sync_api import Locator

    from tests.e2e.lab import Lab, NotebookPage


def finished_run(lab: Lab) -> NotebookPage:
    notebook = lab.new_notebook([EXECUTION.format(speed=300), SHOW])
    notebook.run_all()
    expect(connection(notebook.panel)).to_contain_text("ended", timeout=LONG)
    return notebook


def first_row(panel: Locator) -> Locator:
    return panel.get_by_role("table", name="Tasks").get_by_role("button", name="Details of").first


def test_tasks_are_sorted_and_opened_by_keyboard(lab: Lab) -> None:
    notebook = finished_run(lab)
    panel, keyboard = notebook.panel, notebook.tab.keyboard
    panel.get_by_role("tab", name="Tasks", exact=True).click()
    names = sorted(notebook.kernel_eval("w.tasks['name'].tolist()"), key=str.casefold)
    panel.get_by_role("columnheader", name="Task", exact=True).get_by_role("button").click()
    expect(first_row(panel)).to_have_attribute("aria-label", f"Details of {names[0]}")
    panel.get_by_role("columnheader", name="Task", exact=True).get_by_role("button").click()
    expect(first_row(panel)).to_have_attribute("aria-label", f"Details of {names[-1]}")
    first_row(panel).focus()
    keyboard.press("j")
    keyboard.press("j")
    keyboard.press("k")
    name = notebook.tab.evaluate("document.activeElement.getAttribute('aria-label')").removeprefix("Details of ")
    assert name == names[-2]
    keyboard.press("Enter")
    drawer = panel.get_by_role("dialog", name=f"Task {name}")
    expect(drawer).to_be_focused()
    expect(drawer).to_contain_text("completed")
    for _ in range(12):
        keyboard.press("Tab")
        assert drawer.evaluate("(drawer) => drawer.contains(document.activeElement)")
    keyboard.press("Escape")
    expect(drawer).to_have_count(0)
    expect(panel.get_by_role("button", name=f"Details of {name}", exact=True).first).to_be_focused()
    assert notebook.complaints == []


def test_an_error_leads_to_its_task_and_the_header_to_the_failed_ones(lab: Lab) -> None:
    notebook = finished_run(lab)
    panel = notebook.panel
    # JupyterLab may put its scroll position back between a press and its release: nothing is scrolled for here.
    notebook.tab.set_viewport_size({"width": 1280, "height": 1400})
    panel.get_by_role("tab", name="Errors", exact=True).click()
    panel.get_by_role("group", name="Errors shown").get_by_role("button", name="each").click()
    name = notebook.kernel_eval("w.errors['task_name'].dropna().iloc[-1]")
    panel.get_by_role("table", name="Errors").get_by_role("button", name=name, exact=True).first.click()
    drawer = panel.get_by_role("dialog", name=f"Task {name}")
    message = notebook.kernel_eval("w.errors.dropna(subset=['task_name'])['message'].iloc[-1]")
    expect(drawer).to_contain_text(message.splitlines()[0])
    drawer.get_by_role("button", name="Close").click()
    expect(drawer).to_have_count(0)
    failed = notebook.kernel_eval("int((w.tasks['status'] == 'failed').sum())")
    if failed:
        panel.get_by_role("button", name=f"{failed} failed").first.click()
        expect(panel.get_by_role("table", name="Tasks")).to_have_attribute("aria-rowcount", str(failed + 1))
    assert notebook.complaints == []


def test_a_narrow_panel_has_rows_of_two_lines_that_hold_everything(lab: Lab) -> None:
    notebook = finished_run(lab)
    panel = notebook.panel
    panel.evaluate("(panel) => { panel.closest('.runconsole').style.width = '320px'; }")
    for tab in ("Tasks", "Errors"):
        panel.get_by_role("tab", name=tab, exact=True).click()
        table = panel.get_by_role("table", name=tab)
        expect(table.get_by_role("cell").first).to_be_visible()
        expect(table).to_have_class("rc-table rc-fills rc-two")
        assert table.evaluate("(table) => table.scrollWidth <= table.clientWidth")
    assert notebook.complaints == []
