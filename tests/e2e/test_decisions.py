"""Decisions at the worst moment, in a real JupyterLab against a server that answers on command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.e2e.runs import ask, card, decided, decisions_at, follow, now, press, question, until
from tests.servers.json_server import JsonServer, Message

if TYPE_CHECKING:
    from playwright.sync_api import Locator

    from tests.e2e.lab import Lab, NotebookPage


def acknowledge(server: JsonServer) -> Message:
    """Acknowledge the answer that came, as the server's word."""
    message = server.peer.expect(lambda message: message.get("type") == "checkpoint.resolve")
    server.peer.send({"type": "ack", "correlationId": message["correlationId"]})
    return message


def test_conflicting_presses_in_two_tabs_send_one_decision(lab: Lab) -> None:
    with JsonServer() as server:
        first = follow(lab, server, question())
        first.save()
        second = lab.open(first.path)
        expect(card(second)).to_be_visible()
        expect(second.panel.get_by_role("status", name="Connection")).to_contain_text("live")
        # While the console's thread is held, neither tab learns of the press in the other.
        first.kernel_exec("import threading\nheld = threading.Event()\nw._engine._io.call(held.wait, 60)")
        press(first, "Approve")
        press(second, "Reject")
        first.kernel_exec("held.set()")
        message = acknowledge(server)
        won = message["payload"]["decision"]
        for page in (first, second):
            expect(card(page)).to_have_count(0)
            expect(page.panel).to_contain_text(f"{won.capitalize()}, decided by you")
        lost = {"approve": "Reject", "reject": "Approve"}[won]
        loser = second if won == "approve" else first
        expect(loser.panel).to_contain_text(f"Your answer {lost} was not sent.")
        assert len(decisions_at(server)) == 1
        states = first.kernel_eval("list(w.decisions['state'])")
        assert sorted(states) == ["acknowledged", "refused"]


def test_a_page_reloaded_during_a_decision_shows_it(lab: Lab) -> None:
    with JsonServer() as server:
        notebook = follow(lab, server, question())
        notebook.save()
        press(notebook, "Approve")
        server.peer.expect(lambda message: message.get("type") == "checkpoint.resolve")
        notebook.reload()
        expect(card(notebook)).to_contain_text("Approve: sending… waiting for the server")
        reject = card(notebook).get_by_role("button", name="Reject", exact=True)
        expect(reject).to_have_attribute("aria-disabled", "true")
        press(notebook, "Reject")
        acknowledge(server)
        expect(card(notebook)).to_have_count(0)
        expect(notebook.panel).to_contain_text("Approve, decided by you")
        assert len(decisions_at(server)) == 1


def test_typed_text_survives_reload_and_restart(lab: Lab) -> None:
    text = "<b>wait</b> for the migration"
    asked = question()
    with JsonServer() as server:
        notebook = follow(lab, server, asked, more=["w"])

        def box(cell: int) -> Locator:
            return notebook.output(cell).get_by_role("textbox", name="Feedback")

        box(0).fill(text)
        notebook.save()
        notebook.reload()
        expect(box(0)).to_have_value(text)
        notebook.run_cell(1)
        expect(box(1)).to_have_value(text)
        box(1).fill(f"{text}!")
        expect(box(0)).to_have_value(f"{text}!")

        notebook.restart_kernel()
        notebook.reload()  # JupyterLab does not know: it would continue to talk to the old kernel's subshell
        notebook.run_cell(0)
        server.connected(2).send(asked)
        expect(box(0)).to_be_editable()
        expect(box(0)).to_have_value(f"{text}!")
        notebook.output(0).get_by_role("button", name="Approve", exact=True).click()
        assert acknowledge(server)["payload"]["feedback"] == f"{text}!"
        expect(notebook.output(0)).to_contain_text("Approve, decided by you")
        assert notebook.tab.evaluate("sessionStorage.getItem('runconsole.drafts.1')") is None


def test_typed_text_stays_when_the_question_closes(lab: Lab) -> None:
    with JsonServer() as server:
        notebook = follow(lab, server, question("other", title="Merge it?", taskId="u"), question())
        box = card(notebook).get_by_role("textbox", name="Feedback")
        box.click()
        notebook.tab.keyboard.type("wait for the dd")
        server.peer.send(decided(autoTriggered=True))
        kept = notebook.panel.get_by_role("textbox", name="Feedback that did not count")
        expect(kept).to_have_value("wait for the dd")
        expect(kept).to_be_focused()
        expect(notebook.panel).to_contain_text("Approve, by default when the time was up. What you wrote did not count")
        cells = notebook.tab.locator(".jp-Notebook .jp-Cell").count()
        notebook.tab.keyboard.type("ddbb migration")  # "dd" deletes a cell and "b" adds one, in the notebook's own keys
        expect(kept).to_be_focused()
        assert notebook.tab.locator(".jp-Notebook .jp-Cell").count() == cells
        server.peer.send({"type": "task.cancelled", "payload": {"taskId": "u", "reason": "obsolete"}})
        expect(card(notebook, "Merge it?")).to_have_count(0)
        expect(notebook.panel).to_contain_text("Merge it?: no longer needed")
        expect(kept).to_be_focused()
        notebook.panel.get_by_role("tab", name="Decisions").click()
        history = notebook.panel.get_by_role("table", name="Decisions")
        expect(history).to_contain_text("the time-out")
        assert decisions_at(server) == []


def test_ticked_questions_are_answered_by_keyboard(lab: Lab) -> None:
    titles = ["First?", "Second?", "Third?"]
    with JsonServer() as server:
        notebook = follow(lab, server, *(question(title, title=title) for title in titles))
        keyboard = notebook.tab.keyboard
        notebook.panel.get_by_role("button", name="3 questions", exact=True).click()
        for title in titles[:2]:
            notebook.panel.get_by_role("checkbox", name=f"Select {title}").focus()
            keyboard.press("Space")
        approve = notebook.panel.get_by_role("button", name="Approve 2 selected")
        expect(approve).to_be_visible()
        for _ in range(40):
            if approve.evaluate("button => button === document.activeElement"):
                break
            keyboard.press("Tab")
        expect(approve).to_be_focused()
        keyboard.press("Enter")
        until(lambda: len(decisions_at(server)) == 2)
        for message in decisions_at(server):
            server.peer.send({"type": "ack", "correlationId": message["correlationId"]})
        for title in titles[:2]:
            expect(card(notebook, title)).to_have_count(0)
        expect(card(notebook, "Third?")).to_be_visible()
        assert notebook.panel.evaluate("panel => panel.contains(document.activeElement)")
        assert sorted(message["payload"]["checkpointId"] for message in decisions_at(server)) == ["First?", "Second?"]


def test_the_strip_stays_in_sight_of_a_scrolled_question(lab: Lab) -> None:
    long = "\n".join(f"{number}. a clause of the specification" for number in range(60))
    with JsonServer() as server:
        notebook = follow(lab, server, question(context={"spec": long}, seconds=50), more=["1"] * 12)
        panel = notebook.panel
        strip = panel.locator(".rc-pin")
        panel.get_by_role("tab", name="Tasks").click()
        notebook.tab.set_viewport_size({"width": 1280, "height": 360})
        scroll = "(node, top) => { node.closest('.jp-WindowedPanel-outer').scrollTop += top; }"
        footer = panel.locator("footer")

        def scrolled() -> bool:
            # JupyterLab lays out a smaller window in steps, and may put its scroll position back.
            footer.evaluate(scroll, 5)
            footer.evaluate("node => node.scrollIntoView({block: 'end'})")
            return strip.is_visible()

        until(scrolled)
        expect(strip).to_contain_text("1 question needs your decision")
        expect(strip).to_contain_text("last minute")
        expect(strip).to_be_in_viewport()
        strip.get_by_role("button", name="Show").click()
        asked = panel.get_by_role("region", name="Questions").get_by_role("button", name="Ship it?", exact=True)
        expect(asked).to_be_in_viewport()
        expect(strip).to_be_hidden()


def restarted(notebook: NotebookPage) -> None:
    notebook.restart_kernel()
    press(notebook, "Approve")
    expect(card(notebook)).to_contain_text("The kernel is gone; run the cell again to answer.")
    expect(card(notebook)).not_to_contain_text("queued in this browser")


def test_a_restarted_kernel_locks_the_card(lab: Lab) -> None:
    with JsonServer() as server:
        restarted(follow(lab, server, question()))
        assert decisions_at(server) == []


def test_a_question_moves_nothing_that_is_read(lab: Lab) -> None:
    with JsonServer() as server:
        notebook = lab.new_notebook([f"from runconsole import ConsoleWidget\nw = ConsoleWidget({server.url!r})"])
        notebook.run_cell(0)
        server.peer.send({"type": "task.started", "payload": {"taskId": "t", "title": "Release"}, "timestamp": now()})
        panel = notebook.panel
        panel.get_by_role("tab", name="Tasks", exact=True).click()
        table = panel.get_by_role("table", name="Tasks")
        expect(table).to_contain_text("running")
        places = [each.bounding_box() for each in (panel, table)]
        server.peer.send(question("a", title="Merge it?"), question("b"))
        asked = panel.get_by_role("region", name="Questions")
        expect(asked.get_by_role("button", name="Ship it?", exact=True)).to_be_visible()
        expect(panel.get_by_role("status", name="Run status")).to_have_text("waiting for you · 2")
        # Somebody works in the panel: nothing comes over the content by itself.
        expect(panel.get_by_role("dialog")).to_have_count(0)
        assert [each.bounding_box() for each in (panel, table)] == places
        asked.get_by_role("button", name="Ship it?", exact=True).click()
        dialog = panel.get_by_role("dialog", name="Ship it?")
        expect(dialog.get_by_role("button", name="Approve", exact=True)).to_be_visible()
        notebook.tab.keyboard.press("Escape")
        expect(dialog).to_have_count(0)
        notebook.tab.keyboard.press("a")
        expect(panel.get_by_role("dialog", name="Merge it?")).to_be_visible()
        panel.get_by_role("tab", name="Overview", exact=True).click()
        expect(panel.get_by_role("dialog")).to_have_count(0)
        assert panel.bounding_box() == places[0]


def test_what_cannot_be_undone_is_pressed_twice(lab: Lab) -> None:
    options = [{"id": "keep", "label": "Keep"}, {"id": "abort", "label": "Abort the run"}]
    with JsonServer() as server:
        notebook = follow(lab, server, question(options=options, defaultAction="keep"))
        notebook.save()
        again = "Abort the run: press again to confirm"
        press(notebook, "Abort the run")
        expect(card(notebook).get_by_role("button", name=again)).to_have_text("Press again")
        notebook.reload()  # the first press was none
        expect(ask(notebook.panel, "Ship it?")).to_be_visible()
        press(notebook, "Abort the run")
        assert decisions_at(server) == []
        card(notebook).get_by_role("button", name=again).click()
        assert acknowledge(server)["payload"]["decision"] == "abort"
        expect(card(notebook)).to_have_count(0)
        assert len(decisions_at(server)) == 1
