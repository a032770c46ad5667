"""Runs of the simulator in a notebook, and locators of the panel's parts."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator

    from tests.e2e.lab import Lab, NotebookPage
    from tests.servers.json_server import JsonServer

EXECUTION = """
from runconsole import ConsoleWidget
from runconsole.simulator import Simulator
sim = Simulator("execution", speed={speed}).start()
"""
TASKS = EXECUTION.replace('"execution"', '"tasks"')
PATIENT_TASKS = TASKS.replace("speed=", "decision_timeout=100_000, speed=")
"""Its questions stay open until they are answered, however slow the machine is."""
SHOW = 'w = ConsoleWidget(sim.url, title="authentication_feature", token_budget=100_000, expected_artifacts=45)'
CHECKPOINT = "Review the specification: password reset by e-mail"
LONG = 60_000


def until(condition: Any, seconds: float = 60) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition never held"
        time.sleep(0.1)


def progress(panel: Locator) -> Locator:
    return panel.get_by_role("progressbar", name="Overall progress")


def connection(panel: Locator) -> Locator:
    return panel.get_by_role("status", name="Connection")


def open_checkpoint(
    lab: Lab, *, kernel: str = "python3", more: list[str] | None = None, speed: int = 20
) -> NotebookPage:
    """Return a notebook in which a run waits for the decision on `CHECKPOINT`."""
    notebook = lab.new_notebook([PATIENT_TASKS.format(speed=speed), SHOW, *(more or [])], kernel=kernel)
    notebook.run_cell(0)
    notebook.run_cell(1)
    expect(ask(notebook.panel, CHECKPOINT)).to_be_visible(timeout=LONG)
    return notebook


def is_busy(notebook: NotebookPage) -> bool:
    """Return whether a cell runs."""
    return str(notebook.tab.evaluate("path => harness.state(path)", notebook.path)) != "idle"


def question(name: str = "c", *, title: str = "Ship it?", seconds: float | None = None, **more: Any) -> dict[str, Any]:
    """Return the event of a checkpoint with a plain and a destructive option, with a deadline in that many seconds."""
    options = [
        {"id": "approve", "label": "Approve", "description": "Go on as planned"},
        {"id": "reject", "label": "Reject", "description": "Stop the task"},
    ]
    payload = {"taskId": "t", "checkpointId": name, "title": title, "options": options, "defaultAction": "approve"}
    if seconds is not None:
        deadline = datetime.now(UTC) + timedelta(seconds=seconds)
        payload["timeout"] = deadline.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"type": "task.hitl_required", "payload": payload | more, "timestamp": now()}


def decided(name: str = "c", option: str = "approve", **more: Any) -> dict[str, Any]:
    """Return the event of a decision."""
    payload = {"checkpointId": name, "selectedOption": option, **more}
    return {"type": "checkpoint.hitl_decided", "payload": payload, "timestamp": now()}


def execution_event(kind: str, **data: Any) -> dict[str, Any]:
    """Return an event of the execution family."""
    return {"type": kind, "data": data, "timestamp": now()}


def now() -> str:
    """Return the present time as servers write it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def follow(
    lab: Lab, server: JsonServer, *events: dict[str, Any], more: list[str] | None = None, **options: Any
) -> NotebookPage:
    """Return a notebook that follows a server which has sent these events, when it shows the last one's question."""
    show = f"from runconsole import ConsoleWidget\nw = ConsoleWidget({server.url!r}, title='A release')"
    notebook = lab.new_notebook([show, *(more or [])], **options)
    notebook.run_cell(0)
    server.peer.send(*events)
    expect(ask(notebook.panel, events[-1]["payload"]["title"])).to_be_visible(timeout=LONG)
    return notebook


def card(notebook: NotebookPage, title: str = "Ship it?") -> Locator:
    """Return the card of the question that is shown."""
    return notebook.panel.get_by_role("group", name=title, exact=True)


def ask(panel: Locator, title: str) -> Locator:
    """Return the card of an open question, after opening it."""
    button = panel.get_by_role("region", name="Questions").get_by_role("button", name=title, exact=True)
    if button.get_attribute("aria-expanded", timeout=LONG) != "true":
        button.click()
    return panel.get_by_role("group", name=title, exact=True)


def press(notebook: NotebookPage, option: str, title: str = "Ship it?") -> None:
    """Press an option's button as it is, without waiting for it to be enabled."""
    button = ask(notebook.panel, title).get_by_role("button", name=option, exact=True)
    button.evaluate("button => button.click()")


def decisions_at(server: JsonServer) -> list[dict[str, Any]]:
    """Return the answers that reached the server."""
    messages = [message for peer in server.peers for message in peer.messages]
    return [message for message in messages if message.get("type") == "checkpoint.resolve"]
