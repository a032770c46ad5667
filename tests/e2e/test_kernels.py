"""A press while a cell runs, on every ipykernel minor: each routes it in another way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.e2e.runs import CHECKPOINT, card, decisions_at, follow, is_busy, open_checkpoint, press, question, until
from tests.servers.json_server import JsonServer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.lab import Lab

HOLD = "import threading\nlet_go = threading.Event()\nlet_go.wait(90)"


@pytest.mark.parametrize("version", ["7.0.1", "7.1.0", "7.3.0", "7.4.0"])
def test_a_press_reaches_the_server_while_a_cell_runs(lab: Lab, version: str) -> None:
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


def test_an_answer_waits_for_a_busy_kernel(lab: Lab, tmp_path: Path) -> None:
    """On 6.x no front end gets through to a busy kernel."""
    gates = [tmp_path / "first", tmp_path / "second"]
    waits = [
        f"import pathlib, time\nwhile not pathlib.Path({str(gate)!r}).exists(): time.sleep(0.05)" for gate in gates
    ]
    with JsonServer() as server:
        notebook = follow(lab, server, question("early", title="Early?"), kernel=lab.kernel("6.31.0"), more=waits)
        notebook.run_cell(1, wait=False)
        until(lambda: is_busy(notebook))
        press(notebook, "Approve", "Early?")
        queued = (
            "Approve – kernel busy: your answer is queued in this browser; it goes out as soon as the kernel is free"
        )
        expect(card(notebook, "Early?")).to_contain_text(queued)
        assert decisions_at(server) == []
        gates[0].touch()
        answer = server.peer.expect(lambda message: message.get("type") == "checkpoint.resolve")
        server.peer.send({"type": "ack", "correlationId": answer["correlationId"]})
        expect(notebook.panel).to_contain_text("Approve, decided by you")
        notebook.wait_idle()

        notebook.run_cell(2, wait=False)
        until(lambda: is_busy(notebook))
        server.peer.send(question("late", title="Left open?"), question(seconds=9))
        press(notebook, "Reject")
        expect(card(notebook)).to_contain_text("Reject – kernel busy: your answer is queued in this browser")
        expect(notebook.panel).to_contain_text("Your answer Reject was not sent.")
        assert is_busy(notebook), "the cell should still run"
        gates[1].touch()
        notebook.wait_idle()
        until(lambda: notebook.kernel_eval("list(w.decisions['state'])") == ["acknowledged", "expired"])
        assert len(decisions_at(server)) == 1

        # Nobody reports this kernel's restart: an idle kernel that does not answer is another one.
        notebook.restart_kernel()
        press(notebook, "Approve", "Left open?")
        # The restart may have come as "stopped" before; either way the card says how to go on.
        expect(card(notebook, "Left open?")).to_contain_text("; run the cell again to answer.")
        expect(card(notebook, "Left open?")).not_to_contain_text("queued in this browser")
