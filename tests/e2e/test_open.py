"""The panel in a page of `runconsole open`, in a real browser without Jupyter."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from runconsole import ActionDecision, ActionRequest, Console, TakenAnswer, start_run
from tests.e2e.runs import connection, decisions_at, progress, question
from tests.servers.json_server import JsonServer, Peer, eventually
from tests.support.folding import execution

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Locator, Page

TITLE = "Ship it?"
COMMAND = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from runconsole.cli import main; main()"
)


@contextmanager
def opened(target: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process that serves the panel, and the address of the page."""
    command = [sys.executable, "-u", "-c", COMMAND, "open", target, "--no-browser"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().split()[-1]
        finally:
            process.kill()


@contextmanager
def pages(browser: Browser, url: str, count: int = 1) -> Iterator[tuple[list[Page], list[str]]]:
    """Tabs on the address, and their complaints and requests to elsewhere."""
    context = browser.new_context()
    noted: list[str] = []
    try:
        tabs = [context.new_page() for _ in range(count)]
        for tab in tabs:
            tab.on("console", lambda line: noted.append(line.text) if line.type in {"error", "warning"} else None)
            tab.on("pageerror", lambda error: noted.append(str(error)))
            tab.on("request", lambda request: None if request.url == url else noted.append(request.url))
            tab.goto(url)
        yield tabs, noted
    finally:
        context.close()


def panel_of(page: Page) -> Locator:
    panel = page.get_by_role("region", name="Run console")
    expect(panel).to_be_visible()
    return panel


def answer(panel: Locator, option: str) -> None:
    """Press the button of an option, on the card or in the question's drawer."""
    card, opener = panel.get_by_role("group", name=TITLE), panel.get_by_role("button", name=TITLE)
    expect(card.or_(opener).first).to_be_visible()
    if not card.first.is_visible():
        opener.first.click()
    panel.get_by_role("button", name=option, exact=True).click()


def asks(peer: Peer) -> None:
    peer.send(execution("execution_started", execution_id="e", total_tasks=4))
    peer.send(execution("progress_update", task_id="t1", status="completed", completed_tasks=1, total_tasks=4))
    peer.send(question())
    message = peer.expect(lambda message: message.get("type") == "checkpoint.resolve")
    peer.send({"type": "ack", "correlationId": message["correlationId"]})
    peer.send(execution("execution_completed", status="success", completed_tasks=4, total_tasks=4))


def test_two_tabs_follow_a_run_and_one_answers(browser: Browser) -> None:
    with (
        JsonServer(asks) as server,
        opened(server.url) as (process, url),
        pages(browser, url, 2) as ((one, other), noted),
    ):
        for page in (one, other):
            expect(progress(panel_of(page))).to_have_attribute("aria-valuenow", "25")
        answer(panel_of(other), "Approve")
        for page in (one, other):
            expect(connection(panel_of(page))).to_contain_text("ended")
            expect(progress(panel_of(page))).to_have_attribute("aria-valuenow", "100")
        assert [message["payload"]["decision"] for message in decisions_at(server)] == ["approve"]
        assert server.handshakes == 1
        assert noted == []
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        expect(one.get_by_text("Start it again, and open its new address.")).to_be_visible()


def test_a_recording_plays_in_the_page(browser: Browser, tmp_path: Path) -> None:
    with JsonServer(asks) as server, Console(server.url, record=tmp_path / "run.jsonl") as console:
        eventually(lambda: console.pending)
        console.decide("c", "approve")
        assert console.wait(20)
    with opened(str(tmp_path / "run.jsonl")) as (_, url), pages(browser, url) as ((page,), noted):
        panel = panel_of(page)
        expect(progress(panel)).to_have_attribute("aria-valuenow", "100")
        panel.get_by_role("button", name="Play again").click()
        expect(connection(panel)).to_contain_text("ended")
        assert noted == []


MAIL = ActionRequest(
    "send_mail",
    {"to": "ann", "files": ["a.pdf"]},
    "Sends a mail",
    ("approve", "edit", "reject"),
    {"type": "object", "properties": {"to": {"type": "string", "minLength": 3}}},
)


def test_actions_are_edited_and_decided_one_by_one(browser: Browser) -> None:
    taken: list[TakenAnswer] = []
    asked = [MAIL, ActionRequest("erase", {"path": "/x"})]
    with start_run("assistant") as run:
        asking = threading.Thread(target=lambda: taken.append(run.ask("Do these?", requests=asked, timeout=120)))
        asking.start()
        with opened(run.serve()) as (_, url), pages(browser, url) as ((page,), noted):
            panel = panel_of(page)
            panel.get_by_role("button", name="Do these?").click()
            mail, erase = (panel.get_by_role("group", name=each.name, exact=True) for each in asked)
            send = panel.get_by_role("button", name="Send", exact=True)
            mail.get_by_role("radio", name="Edit").check()
            erase.get_by_role("radio", name="Reject").check()
            to = mail.get_by_role("textbox", name="to")
            to.fill("b")
            send.click()
            expect(mail.get_by_text("'b' is too short")).to_be_visible()
            expect(to).to_have_attribute("aria-invalid", "true")
            to.fill("bob")
            mail.get_by_role("textbox", name="files").fill('["b.pdf", 2]')
            erase.get_by_role("textbox", name="Reason").fill("keep it")
            send.click()
            asking.join(60)
            assert noted == []
        run.stop_serving()
    assert [answer.decisions for answer in taken] == [
        (ActionDecision("edit", {"to": "bob", "files": ["b.pdf", 2]}), ActionDecision("reject", message="keep it"))
    ]
