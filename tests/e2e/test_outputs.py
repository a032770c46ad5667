"""The panel's outputs in a real JupyterLab: one a cell, undisturbed by the end of the run, anew when it was closed."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from runconsole.widget.code import code_of
from tests.e2e.runs import connection
from tests.servers.json_server import JsonServer, Peer
from tests.support.folding import execution

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.lab import Lab, NotebookPage

VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
SAVE_STATE = "@jupyter-widgets/jupyterlab-manager:saveWidgetState"
MAKE = "import ipywidgets\nfrom runconsole import ConsoleWidget\nw = ConsoleWidget({url!r}, title='A release')"


@contextmanager
def run_of_many_tasks() -> Iterator[tuple[JsonServer, threading.Event]]:
    """A server with a run of 300 tasks that completes when the event is set."""
    go_on = threading.Event()

    def script(peer: Peer) -> None:
        peer.send(execution("execution_started", execution_id="e", total_tasks=300))
        peer.send(*(execution("progress_update", task_id=f"task-{n:03}", status="completed") for n in range(300)))
        go_on.wait(120)
        peer.send(execution("execution_completed", status="success"))

    with JsonServer(script) as server:
        try:
            yield server, go_on
        finally:
            go_on.set()


def report_alone(notebook: NotebookPage, begin: str, *, cell: int = 0) -> Any:
    """Wait until the file holds the report of a cell, in place of a view, with this beginning; return the output."""
    while True:
        (output,) = notebook.save().cells[cell].outputs
        if VIEW not in output.data and output.data["text/html"].startswith(begin):
            return output.data
        notebook.tab.wait_for_timeout(100)


def test_the_end_of_a_run_keeps_the_view_and_updates_the_file(lab: Lab) -> None:
    with run_of_many_tasks() as (server, go_on):
        notebook = lab.new_notebook([MAKE.format(url=server.url)])
        notebook.run_all()
        panel = notebook.panel
        report_alone(notebook, "▶ 0 %")
        panel.get_by_role("tab", name="Tasks").click()
        table = panel.get_by_role("table", name="Tasks")
        filter_box = panel.get_by_role("searchbox")
        filter_box.click()
        filter_box.type("task-2")
        expect(table).to_contain_text("task-200")
        scrolled = table.evaluate_handle(
            "e => { for (; e; e = e.parentElement) if (e.scrollHeight > e.clientHeight + 99) return e; }"
        )
        scrolled.evaluate("e => { e.scrollTop = 444; }")
        expect(table).to_contain_text("task-216")
        go_on.set()
        expect(connection(panel)).to_contain_text("ended")
        assert "Completed A release" in report_alone(notebook, "✔ completed")["text/plain"]
        expect(panel).to_have_count(1)
        expect(panel.get_by_role("tab", name="Tasks")).to_have_attribute("aria-selected", "true")
        expect(filter_box).to_have_value("task-2")
        expect(filter_box).to_be_focused()
        expect(table).to_contain_text("task-216")
        assert scrolled.evaluate("e => [e.isConnected, e.scrollTop]") == [True, 444]
        assert notebook.complaints == []


@pytest.mark.parametrize("is_over", [True, False], ids=["ended", "running"])
def test_a_notebook_reopened_without_its_kernel_shows_the_report(lab: Lab, *, is_over: bool) -> None:
    with run_of_many_tasks() as (server, go_on):
        notebook = lab.new_notebook([MAKE.format(url=server.url)])
        notebook.run_all()
        if is_over:
            go_on.set()
        report_alone(notebook, "✔ completed" if is_over else "▶ 0 %")
        notebook.close()
        lab.server.end_session(notebook.path)
        notebook = lab.open(notebook.path)
        expect(notebook.output(0)).to_contain_text(
            "recorded: the final state of this run" if is_over else "the run was still going on at"
        )
        expect(notebook.output(0).get_by_role("img", name="Overall progress: 0 %")).to_be_visible()
        expect(notebook.output(0)).not_to_contain_text("model not found")
        expect(notebook.panel).to_have_count(0)
        assert notebook.complaints == []


def test_a_page_loaded_again_has_the_panel_in_place_of_the_report(lab: Lab) -> None:
    with run_of_many_tasks() as (server, go_on):
        notebook = lab.new_notebook([MAKE.format(url=server.url), "w"])
        notebook.run_all()
        report_alone(notebook, "▶ 0 %")
        report_alone(notebook, "▶ 0 %", cell=1)
        expect(notebook.panel).to_have_count(2)
        notebook.save()
        notebook.reload()
        expect(notebook.panel).to_have_count(2)
        expect(connection(notebook.panel.first)).to_contain_text("live")
        expect(notebook.output(0).get_by_text("still going on at")).to_be_hidden()
        go_on.set()
        expect(connection(notebook.panel.nth(1))).to_contain_text("ended")
        notebook.run_cell(1)
        expect(notebook.panel).to_have_count(2)
        assert notebook.complaints == []


@contextmanager
def saved_state(notebook: NotebookPage) -> Iterator[None]:
    """Have the page save the state of widgets with notebooks."""
    notebook.command(SAVE_STATE)
    try:
        yield
    finally:
        notebook.command(SAVE_STATE)


def test_panels_in_a_saved_notebook_share_their_code_and_need_no_kernel(lab: Lab) -> None:
    with run_of_many_tasks() as (server, go_on), run_of_many_tasks() as (other, go_on_too):
        go_on.set()
        go_on_too.set()
        notebook = lab.new_notebook([MAKE.format(url=server.url), MAKE.format(url=other.url)])
        notebook.run_all()
        report_alone(notebook, "✔ completed")
        report_alone(notebook, "✔ completed", cell=1)
        with saved_state(notebook):
            states = notebook.save().metadata["widgets"][STATE]["state"].values()
        codes = [model["state"]["packed"] for model in states if "packed" in model["state"]]
        assert codes == [code_of("widget").packed]
        assert sum("_esm" in model["state"] for model in states) == 2
        notebook.close()
        lab.server.end_session(notebook.path)
        notebook = lab.open(notebook.path)
        expect(notebook.panel).to_have_count(2)
        for panel in notebook.panel.all():
            expect(panel.get_by_role("tab", name="Tasks")).to_have_css("cursor", "pointer")  # from the style sheet
            panel.get_by_role("tab", name="Tasks").click()
            expect(panel.get_by_role("table", name="Tasks")).to_contain_text("task-001")
        assert notebook.complaints == []


def test_a_collapsed_output_begins_with_a_sentence_and_opens_as_it_was(lab: Lab) -> None:
    with run_of_many_tasks() as (server, go_on):
        notebook = lab.new_notebook([MAKE.format(url=server.url)])
        notebook.run_all()
        report_alone(notebook, "▶ 0 %")
        notebook.panel.get_by_role("tab", name="Tasks").click()
        notebook.command("notebook:hide-cell-outputs")
        placeholder = notebook.cell(0).locator(".jp-OutputPlaceholder")
        expect(placeholder).to_contain_text("▶ 0 % · 0/300 · A release")
        go_on.set()
        expect(placeholder).to_contain_text("✔ completed · 0 % · 0/300")
        notebook.command("notebook:show-cell-outputs")
        expect(connection(notebook.panel)).to_contain_text("ended")
        expect(notebook.panel.get_by_role("tab", name="Tasks")).to_have_attribute("aria-selected", "true")
        assert notebook.complaints == []


def test_a_box_in_the_same_cell_is_the_one_panel(lab: Lab) -> None:
    with run_of_many_tasks() as (server, _):
        cells = [MAKE.format(url=server.url) + more for more in ("\nipywidgets.VBox([ipywidgets.HBox([w])])", "")]
        notebook = lab.new_notebook([*cells, "w"])
        notebook.run_cell(0)
        expect(notebook.panel).to_have_count(1)
        expect(connection(notebook.panel)).to_contain_text("live")
        notebook.run_cell(1)
        expect(notebook.panel).to_have_count(2)
        notebook.run_cell(2)
        expect(notebook.panel).to_have_count(3)
        assert server.handshakes == 1


def test_a_cell_run_again_after_a_close_shows_the_run(lab: Lab) -> None:
    with run_of_many_tasks() as (server, go_on):
        notebook = lab.new_notebook([MAKE.format(url=server.url), "ipywidgets.Widget.close_all()"])
        notebook.run_all()
        expect(notebook.panel).to_have_count(0)
        notebook.run_cell(0)
        expect(notebook.panel).to_have_count(1)
        expect(connection(notebook.panel)).to_contain_text("live")
        assert server.handshakes == 1
        go_on.set()
        expect(connection(notebook.panel)).to_contain_text("ended")
