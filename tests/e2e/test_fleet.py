"""Several runs in one panel: questions answered in place, beside a busy cell too, and a run's own panel below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.e2e.runs import LONG, until

if TYPE_CHECKING:
    from tests.e2e.lab import Lab

RUNS = """
import threading, runconsole
from runconsole.simulator import Simulator
simulator = Simulator("tasks", speed=20, decision_timeout=100_000).start()
run = runconsole.start_run("evaluation", show=False)
said, passed_on = [], []
def ask():
    said.append(run.ask("Deploy the model?", options=["deploy", "keep"], default="keep", timeout=600).option)
threading.Thread(target=ask, daemon=True).start()
"""
INBOX = """
inbox = runconsole.InboxWidget([simulator.url, run], on_question=lambda question: passed_on.append(question.title))
inbox
"""
BUSY = """
import time
while not said:
    time.sleep(0.05)
print("said", *said)
"""
FLEET = "fleet = runconsole.FleetWidget([simulator.url, run])\nfleet"


def test_a_question_of_several_runs_is_answered_in_place_while_a_cell_runs(lab: Lab) -> None:
    notebook = lab.new_notebook([RUNS, INBOX, BUSY, "print(sorted(passed_on))"])
    notebook.run_cell(0)
    notebook.run_cell(1)
    inbox = notebook.tab.get_by_role("region", name="Inbox")
    question = inbox.get_by_role("article", name="Deploy the model?")
    expect(question).to_be_visible(timeout=LONG)
    notebook.run_cell(2, wait=False)
    question.get_by_role("button", name="deploy").click()
    notebook.wait_idle()
    expect(notebook.output(2)).to_contain_text("said deploy")
    expect(question).to_have_count(0)
    expect(inbox).to_contain_text("Deploy the model? was answered: deploy by you")
    notebook.run_cell(3)
    expect(notebook.output(3)).to_contain_text("Deploy the model?")
    assert notebook.complaints == []


def test_a_row_of_a_fleet_opens_the_panel_of_its_run(lab: Lab) -> None:
    notebook = lab.new_notebook([RUNS, FLEET])
    notebook.run_cell(0)
    notebook.run_cell(1)
    fleet = notebook.tab.get_by_role("region", name="Fleet")
    expect(fleet.get_by_role("row")).to_have_count(3)
    name = fleet.get_by_role("button", name="4 tasks", exact=True)
    expect(name).to_be_visible(timeout=LONG)
    name.click()
    expect(notebook.panel).to_be_visible(timeout=LONG)
    expect(notebook.panel.get_by_role("heading", name="4 tasks")).to_be_visible()
    name.click()
    expect(notebook.panel).to_have_count(0)
    until(lambda: notebook.kernel_eval("fleet.consoles[0].status") == "live")
    saved = notebook.save()
    assert "Open questions" in saved.cells[1].outputs[0].data["text/html"]
