"""Runs reported by cells: the panel, questions while the cell waits, notebooks that a program executes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import nbformat
from nbclient import NotebookClient
from playwright.sync_api import expect

from tests.e2e.runs import LONG, card, is_busy, press, progress, until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.lab import Lab

ASK = """
import runconsole
with runconsole.start_run("release") as run:
    for n in run.track(range(4), "evaluate"):
        print("case", n)
    answer = run.ask("Deploy the model?", options=["deploy", "keep"])
    print("took", answer.option, answer.decided_by)
"""
FORM = """
import runconsole
schema = {
    "type": "object",
    "required": ["rate", "device"],
    "properties": {
        "rate": {"type": "number", "maximum": 0.1, "default": 0.01, "title": "Learning rate"},
        "device": {"enum": ["cpu", "gpu"], "title": "Device"},
        "resume": {"type": "boolean", "default": True, "title": "Resume"},
        "until": {"type": "string", "format": "date", "title": "Not after"},
        "notes": {"type": "string", "title": "Notes"},
    },
}
with runconsole.start_run("training") as run:
    answer = run.ask("Begin the training?", options=["train", "skip"], schema=schema)
    print("took", answer.option, answer.modifications)
"""
LOOP = """
import itertools, time, runconsole
with runconsole.start_run("endless") as run:
    for number in run.track(itertools.count(), "wait"):
        time.sleep(0.05)
    with run.task("next"):
        print("went on")
"""
UNATTENDED = """
import runconsole
with runconsole.start_run("unattended") as run:
    with run.task("work"):
        pass
    try:
        run.ask("Deploy the model?", options=["deploy", "keep"])
    except runconsole.NoOneToAsk as error:
        print(error)
"""


def test_a_cell_asks_and_its_panel_answers_while_it_waits(lab: Lab) -> None:
    notebook = lab.new_notebook([ASK])
    notebook.run_cell(0, wait=False)
    expect(card(notebook, "Deploy the model?")).to_be_visible(timeout=LONG)
    assert is_busy(notebook)
    press(notebook, "deploy", "Deploy the model?")
    notebook.wait_idle()
    expect(notebook.output(0)).to_contain_text("took deploy you")
    expect(progress(notebook.panel)).to_have_attribute("aria-valuenow", "100")
    until(lambda: notebook.kernel_eval("run.checkpoints['decided_by'].tolist()") == ["you"])
    assert notebook.kernel_eval("run.tasks['status'].tolist()") == ["completed"]
    assert notebook.panel.count() == 1


def test_a_form_is_judged_by_the_kernel_and_its_values_come_typed(lab: Lab) -> None:
    notebook = lab.new_notebook([FORM])
    notebook.run_cell(0, wait=False)
    form = card(notebook, "Begin the training?")
    expect(form).to_be_visible(timeout=LONG)
    rate = form.get_by_role("textbox", name="Learning rate")
    expect(rate).to_have_value("0.01")
    rate.fill("3")
    press(notebook, "train", "Begin the training?")
    expect(rate).to_have_accessible_description(re.compile("3 is greater than the maximum of 0.1"))
    expect(rate).to_be_focused()
    expect(rate).to_have_value("3")
    device = form.get_by_role("radiogroup", name="Device")
    expect(device).to_have_accessible_description("a value is needed")
    rate.press_sequentially("j")  # in a form, no key is the panel's or the notebook's
    expect(rate).to_have_value(re.compile("j"))
    rate.fill("0.05")
    expect(rate).not_to_have_attribute("aria-invalid", "true")
    device.get_by_role("radio", name="gpu").check()
    form.get_by_role("checkbox", name="Resume").uncheck()
    form.get_by_label("Not after").fill("2026-05-31")
    press(notebook, "train", "Begin the training?")
    notebook.wait_idle()
    expect(notebook.output(0)).to_contain_text(
        "took train {'rate': 0.05, 'device': 'gpu', 'resume': False, 'until': '2026-05-31'}"
    )


def test_a_date_of_which_a_part_is_typed_is_not_left_out(lab: Lab) -> None:
    notebook = lab.new_notebook([FORM])
    notebook.run_cell(0, wait=False)
    form = card(notebook, "Begin the training?")
    expect(form).to_be_visible(timeout=LONG)
    form.get_by_role("radio", name="cpu").check()
    day = form.get_by_label("Not after")
    day.press_sequentially("05")
    press(notebook, "train", "Begin the training?")
    expect(day).to_have_accessible_description("the date is not complete")
    day.fill("")
    press(notebook, "skip", "Begin the training?")
    notebook.wait_idle()
    expect(notebook.output(0)).to_contain_text("took skip None")


def test_an_interrupted_cell_withdraws_its_question(lab: Lab) -> None:
    notebook = lab.new_notebook([ASK])
    notebook.run_cell(0, wait=False)
    expect(card(notebook, "Deploy the model?")).to_be_visible(timeout=LONG)
    notebook.command("notebook:interrupt-kernel")
    notebook.wait_idle()
    expect(card(notebook, "Deploy the model?")).to_have_count(0)
    assert notebook.kernel_eval("run.console.run.status") == "cancelled"


def test_the_panel_cancels_a_loop_while_its_cell_runs(lab: Lab) -> None:
    notebook = lab.new_notebook([LOOP])
    notebook.run_cell(0, wait=False)
    panel = notebook.panel
    panel.get_by_role("tab", name="Tasks", exact=True).click()
    panel.get_by_role("button", name="Details of wait").click()
    drawer = panel.get_by_role("dialog", name="Task wait")
    drawer.get_by_role("button", name="Cancel task", exact=True).click()
    drawer.get_by_role("button", name="Cancel task: press again to confirm", exact=True).click()
    notebook.wait_idle()
    expect(notebook.output(0)).to_contain_text("went on")
    expect(drawer).to_contain_text("cancelled")
    assert notebook.kernel_eval("run.tasks['status'].tolist()") == ["cancelled", "completed"]


def test_in_ipykernel_6_a_busy_cell_asks_nobody(lab: Lab) -> None:
    notebook = lab.new_notebook([UNATTENDED], kernel=lab.kernel("6.31.0"))
    notebook.run_cell(0)
    expect(notebook.output(0)).to_contain_text("a press arrives only when the cell has ended")


def test_an_executed_notebook_says_at_once_that_nobody_answers_and_keeps_the_run(tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(UNATTENDED)],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = notebook.cells[0].outputs
    said = "".join(output.text for output in outputs if output.output_type == "stream")
    assert said.startswith("no answer can ever come: a program executes this notebook; pass timeout= and default=")
    shown = [output.data["text/plain"] for output in outputs if output.output_type == "display_data"]
    assert len(shown) == 1
    assert shown[0].startswith("Completed")
    assert "unattended" in shown[0]
