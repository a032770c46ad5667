"""The panel on servers as strict as the backends: runs without an end, one after another; a decision over tRPC."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.e2e.runs import LONG, connection, execution_event, progress, until
from tests.servers.json_server import JsonServer

if TYPE_CHECKING:
    from tests.e2e.lab import Lab

STRICT_EXECUTION = """
from runconsole import ConsoleWidget
from runconsole.simulator import Simulator
sim = Simulator("execution", wire="socketio", strict=True, speed=0, autostart=True).start()
sim.wait_finished(60)
w = ConsoleWidget(sim.url, session=sim.events[0]["data"]["execution_id"])
"""
STRICT_TASK = """
from runconsole import ConsoleWidget
from runconsole.simulator import Simulator
sim = Simulator("tasks", wire="trpc", strict=True, dialect="resolve", flat=True, speed=200, decision_timeout=100_000)
sim.start()
w = ConsoleWidget(sim.url, task="task-101")
"""


def test_a_run_that_does_not_say_its_end_is_shown_as_done(lab: Lab) -> None:
    notebook = lab.new_notebook([STRICT_EXECUTION, "w.wait(60, until='done')"])
    notebook.run_all()
    panel = notebook.panel
    expect(progress(panel)).to_have_attribute("aria-valuenow", "100", timeout=LONG)
    expect(panel).to_contain_text(
        "all 120 tasks are done; the server has not said that the run has ended", timeout=LONG
    )
    expect(connection(panel)).to_contain_text("live")
    assert notebook.kernel_eval("w.wait(0, until='done')") is True
    assert notebook.complaints == []


def test_a_question_in_flat_events_over_trpc_is_answered(lab: Lab) -> None:
    notebook = lab.new_notebook([STRICT_TASK])
    notebook.run_all()
    title = "Review the specification: password reset by e-mail"
    card = notebook.panel.get_by_role("group", name=title)
    expect(card).to_be_visible(timeout=LONG)
    card.get_by_role("button", name="Approve", exact=True).click()
    expect(card).to_have_count(0, timeout=LONG)
    expect(notebook.panel).to_contain_text("Approve, decided by you")
    assert notebook.kernel_eval("[(d.option, d.by) for d in sim.decisions]") == [["approve", "user"]]
    expect(connection(notebook.panel)).to_contain_text("ended", timeout=LONG)
    assert notebook.complaints == []


def test_an_earlier_run_of_the_stream_is_chosen_in_the_header(lab: Lab) -> None:
    first = [
        execution_event("execution_started", execution_id="e1", total_tasks=2),
        execution_event(
            "progress_update", task_id="task_001", task_name="first", status="completed", completed_tasks=1
        ),
    ]
    second = [
        execution_event("execution_started", execution_id="e2", total_tasks=3),
        execution_event("progress_update", task_id="task_001", task_name="second", status="running", completed_tasks=0),
    ]
    with JsonServer([*first, *second]) as server:
        notebook = lab.new_notebook([f"from runconsole import ConsoleWidget\nw = ConsoleWidget({server.url!r})"])
        notebook.run_all()
        panel = notebook.panel
        choice = panel.get_by_role("combobox", name="Run")
        expect(choice).to_have_value("1", timeout=LONG)
        assert choice.locator("option").all_inner_texts() == ["e1: interrupted", "e2: running"]
        panel.get_by_role("tab", name="Tasks", exact=True).click()
        tasks = panel.get_by_role("table", name="Tasks")
        expect(tasks).to_contain_text("second")
        choice.select_option("0")
        expect(tasks).to_contain_text("first")
        expect(tasks).not_to_contain_text("second")
        # An earlier run stays in view while the newest goes on; a reload brings the newest.
        server.peer.send(
            execution_event(
                "progress_update", task_id="task_002", task_name="third", status="running", completed_tasks=0
            )
        )
        until(lambda: notebook.kernel_eval("len(w.tasks)") == 2)
        expect(tasks).not_to_contain_text("third")
        choice.select_option("1")
        expect(tasks).to_contain_text("third")
        assert notebook.complaints == []
