"""A press while a cell runs, on every ipykernel minor: how the kernel routes it changes from one to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.e2e.runs import CHECKPOINT, is_busy, open_checkpoint, until

if TYPE_CHECKING:
    from tests.e2e.lab import Lab

HOLD = "import threading\nlet_go = threading.Event()\nlet_go.wait(90)"


@pytest.mark.parametrize("version", ["7.0.1", "7.1.0", "7.3.0", "7.4.0"])
def test_a_press_reaches_the_server_while_a_cell_runs_on_ipykernel(lab: Lab, version: str) -> None:
    notebook = open_checkpoint(lab, kernel=lab.kernel(version), more=[HOLD])
    assert notebook.kernel_eval("__import__('ipykernel').__version__") == version
    until(lambda: notebook.kernel_eval("w._is_bound"))
    notebook.run_cell(2, wait=False)
    until(lambda: is_busy(notebook))
    notebook.panel.get_by_role("group", name=CHECKPOINT).get_by_role("button", name="Approve", exact=True).click()
    expect(notebook.panel).to_contain_text("decided by you")
    assert is_busy(notebook), "the cell should still run"
    notebook.kernel_exec("let_go.set()", subshell=True)
    notebook.wait_idle()
    assert notebook.kernel_eval("[d.option for d in sim.decisions if d.by == 'user']") == ["approve"]


def test_an_answer_that_must_wait_for_the_kernel_says_so_and_goes_out_once_it_is_free(lab: Lab) -> None:
    hold = "import threading\nlet_go = threading.Event()\nthreading.Timer(4, let_go.set).start()\nlet_go.wait(90)"
    notebook = open_checkpoint(lab, kernel=lab.kernel("6.31.0"), more=[hold], speed=5)
    notebook.run_cell(2, wait=False)
    until(lambda: is_busy(notebook))
    card = notebook.panel.get_by_role("group", name=CHECKPOINT)
    card.get_by_role("button", name="Approve", exact=True).click()
    expect(card).to_contain_text("queued in this browser")
    notebook.wait_idle()
    expect(notebook.panel).to_contain_text("decided by you")
    assert notebook.kernel_eval("[d.option for d in sim.decisions if d.by == 'user']") == ["approve"]
