"""The console in a real JupyterLab: viewed, pressed, reloaded and saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.e2e.lab import DARK
from tests.e2e.runs import (
    CHECKPOINT,
    EXECUTION,
    LONG,
    PATIENT_TASKS,
    SHOW,
    TASKS,
    ask,
    connection,
    is_busy,
    open_checkpoint,
    progress,
    until,
)

if TYPE_CHECKING:
    from tests.e2e.lab import Lab

TABS = ["Overview", "Tasks", "Timeline", "Output", "Artifacts", "Errors", "Decisions"]


def test_an_execution_is_shown_to_its_end(lab: Lab) -> None:
    notebook = lab.new_notebook([EXECUTION.format(speed=120), SHOW])
    notebook.run_all()
    panel = notebook.panel
    expect(panel).to_have_count(1)
    expect(connection(panel)).to_contain_text("live")
    expect(progress(panel)).to_have_attribute("aria-valuenow", "100", timeout=LONG)
    expect(connection(panel)).to_contain_text("ended")
    for table in ("Phases", "Waves"):
        expect(panel.get_by_role("table", name=table)).to_be_visible()
    for phase in ("Discovery", "Analysis", "Planning", "Execution", "Validation"):
        expect(panel.get_by_role("table", name="Phases").get_by_role("progressbar", name=phase)).to_have_attribute(
            "aria-valuenow", "100"
        )
    assert notebook.kernel_eval("len(w.tasks)") == 120
    assert notebook.kernel_eval("len(w.events) == len(sim.events)")
    assert notebook.complaints == []


def test_every_view_has_its_tab_and_its_table_by_name(lab: Lab) -> None:
    notebook = lab.new_notebook([TASKS.format(speed=200), SHOW])
    notebook.run_all()
    panel = notebook.panel
    expect(connection(panel)).to_contain_text("ended", timeout=LONG)
    tabs = panel.get_by_role("tablist", name="Views")
    for tab in TABS:
        tabs.get_by_role("tab", name=tab, exact=True).click()
        expect(tabs.get_by_role("tab", name=tab, exact=True)).to_have_attribute("aria-selected", "true")
        if tab in {"Tasks", "Artifacts", "Errors", "Decisions"}:
            expect(panel.get_by_role("table", name=tab)).to_be_visible()
        if tab == "Output":
            expect(panel.get_by_role("log", name="Output")).to_contain_text("passed")
    assert notebook.complaints == []


def test_the_keyboard_reaches_every_tab(lab: Lab) -> None:
    notebook = lab.new_notebook([EXECUTION.format(speed=60), SHOW])
    notebook.run_all()
    tabs = notebook.panel.get_by_role("tablist", name="Views")
    tabs.get_by_role("tab", name="Overview", exact=True).focus()
    for tab in TABS[1:]:
        notebook.tab.keyboard.press("ArrowRight")
        expect(tabs.get_by_role("tab", name=tab, exact=True)).to_be_focused()


LET_GO = "import threading\nlet_go = threading.Event()\n"
PANDAS = "import pandas as pd\nframe = pd.DataFrame({'a': range(200_000)})\n"


@pytest.mark.parametrize(
    "busy",
    [
        "let_go.wait(90)",
        "while not let_go.is_set(): pass",
        f"{PANDAS}while not let_go.is_set(): frame.groupby(frame.a % 97).sum()",
    ],
    ids=["asleep", "spinning", "in-pandas"],
)
def test_a_press_reaches_the_server_while_a_cell_is(lab: Lab, busy: str) -> None:
    notebook = open_checkpoint(lab, more=[LET_GO, busy])
    notebook.run_cell(2)
    until(lambda: notebook.kernel_eval("w._is_bound"))
    notebook.run_cell(3, wait=False)
    until(lambda: is_busy(notebook))
    card = notebook.panel.get_by_role("group", name=CHECKPOINT)
    card.get_by_role("textbox", name="Feedback").fill("ship it")
    card.get_by_role("button", name="Approve", exact=True).click()
    expect(card).to_have_count(0)
    expect(notebook.panel).to_contain_text("decided by you")
    decision = notebook.kernel_eval("[(d.option, d.feedback, d.by) for d in sim.decisions][0]", subshell=True)
    assert decision == ["approve", "ship it", "user"]
    assert is_busy(notebook), "the cell should still run"
    notebook.kernel_exec("let_go.set()", subshell=True)
    notebook.wait_idle()


def test_progress_goes_on_while_a_cell_sleeps(lab: Lab) -> None:
    notebook = lab.new_notebook([EXECUTION.format(speed=150) + LET_GO, SHOW, "let_go.wait(90)"])
    notebook.run_cell(0)
    notebook.run_cell(1)
    notebook.run_cell(2, wait=False)
    expect(progress(notebook.panel)).to_have_attribute("aria-valuenow", "100", timeout=LONG)
    assert is_busy(notebook), "the cell should still run"
    notebook.kernel_exec("let_go.set()", subshell=True)


def test_two_presses_send_one_decision(lab: Lab) -> None:
    notebook = open_checkpoint(lab)
    card = notebook.panel.get_by_role("group", name=CHECKPOINT)
    card.get_by_role("button", name="Approve", exact=True).dblclick()
    expect(card).to_have_count(0)
    received = notebook.kernel_eval("[m for m in sim.received if 'checkpoint.resolve' in str(m)].__len__()")
    assert received == 1
    assert notebook.kernel_eval("len(w.decisions)") == 1


def test_a_second_view_and_a_reloaded_page_show_the_same_run(lab: Lab) -> None:
    notebook = lab.new_notebook([PATIENT_TASKS.format(speed=20), SHOW, "w"])
    notebook.run_all()
    first, second = notebook.panel.nth(0), notebook.panel.nth(1)
    for view in (first, second):
        expect(ask(view, CHECKPOINT)).to_be_visible(timeout=LONG)
    notebook.save()
    notebook.reload()
    expect(notebook.panel).to_have_count(2)
    for view in (first, second):
        expect(ask(view, CHECKPOINT)).to_be_visible()
        expect(connection(view)).to_contain_text("live")
    ask(second, CHECKPOINT).get_by_role("button", name="Approve", exact=True).click()
    for view in (first, second):
        expect(view.get_by_role("group", name=CHECKPOINT)).to_have_count(0)
    expect(first).to_contain_text("decided by you")


def test_a_cell_run_twice_opens_no_second_connection(lab: Lab) -> None:
    notebook = lab.new_notebook([EXECUTION.format(speed=8), SHOW])
    notebook.run_all()
    notebook.kernel_exec("before = w")
    notebook.run_cell(1)
    expect(notebook.panel).to_have_count(1)
    expect(connection(notebook.panel)).to_contain_text("live")
    assert notebook.kernel_eval("before is w and len(w.links) == 2")


def test_the_panel_follows_the_theme_of_jupyterlab(lab: Lab) -> None:
    notebook = lab.new_notebook([EXECUTION.format(speed=60), SHOW])
    notebook.run_all()

    def background() -> list[int]:
        color = notebook.panel.evaluate("node => getComputedStyle(node).backgroundColor")
        return [int(part) for part in color[color.index("(") + 1 : -1].split(",")[:3]]

    light = background()
    notebook.set_theme(DARK)
    until(lambda: sum(background()) < sum(light) / 2)


def test_nothing_is_cut_off_at_any_width(lab: Lab) -> None:
    notebook = open_checkpoint(lab)
    panel = notebook.panel
    for width in (500, 800, 1600):
        notebook.tab.set_viewport_size({"width": width + 150, "height": 900})
        assert panel.evaluate("node => node.scrollWidth - node.clientWidth") <= 1
        box = panel.bounding_box()
        assert box is not None
        for button in panel.get_by_role("group", name=CHECKPOINT).get_by_role("button").all():
            place = button.bounding_box()
            assert place is not None
            assert box["x"] <= place["x"]
            assert place["x"] + place["width"] <= box["x"] + box["width"] + 1


def test_an_address_that_cannot_work_says_so_in_one_sentence(lab: Lab) -> None:
    host = lab.server.url.removeprefix("http://")
    words = {
        "ws://127.0.0.1:9/ws": "nothing listens",
        "ftp://127.0.0.1/ws": "begins with ws://",
        "ws://127.0.0.1:99999/ws": "host and port",
        f"ws://{host}/api": "WebSocket",
    }
    notebook = lab.new_notebook([f"from runconsole import ConsoleWidget\nw = ConsoleWidget({url!r})" for url in words])
    notebook.run_all()
    for index, said in enumerate(words.values()):
        expect(notebook.panel.nth(index)).to_contain_text(said)
        expect(notebook.output(index)).not_to_contain_text("Traceback")


def test_an_unknown_option_is_one_sentence_without_a_traceback(lab: Lab) -> None:
    notebook = lab.new_notebook(["from runconsole import ConsoleWidget\nConsoleWidget('ws://127.0.0.1:9', tokn='x')"])
    notebook.run_all(may_fail=True)
    expect(notebook.output(0)).to_contain_text("did you mean 'token'?")
    expect(notebook.output(0)).not_to_contain_text("Traceback")
    expect(notebook.output(0)).not_to_contain_text("line 1")


def test_a_saved_notebook_holds_the_final_screen(lab: Lab) -> None:
    notebook = lab.new_notebook([EXECUTION.format(speed=200), SHOW])
    notebook.run_all()
    expect(connection(notebook.panel)).to_contain_text("ended", timeout=LONG)

    def saved_text() -> str:
        outputs = notebook.save().cells[1].outputs
        return "".join(output.get("data", {}).get("text/plain", "") for output in outputs)

    until(lambda: "Completed authentication_feature" in saved_text())
    assert "Phase 4 (Validation): ✅ [████████████] 100% (10/10 tasks)" in saved_text()


def test_text_from_the_stream_is_never_html(lab: Lab) -> None:
    server = """
import asyncio, json, threading
from websockets.asyncio.server import serve
port = None
async def play(ws):
    evil = "<img src=x onerror=window.hacked=1><b>bold</b>"
    question = {"checkpointId": "c", "title": evil, "description": evil, "options": [{"id": "a", "label": evil}],
                "context": {"spec": evil, "changes": [evil]}}
    for kind, payload in {"task.started": {}, "task.output": {"stream": "stdout", "data": evil + "\\n"},
                          "task.hitl_required": question}.items():
        await ws.send(json.dumps({"type": kind, "payload": {"taskId": evil} | payload}))
    await ws.send(evil)
    await asyncio.Future()
ready = threading.Event()
def run():
    async def main():
        global port
        async with serve(play, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            ready.set()
            await asyncio.Future()
    asyncio.run(main())
threading.Thread(target=run, daemon=True).start()
ready.wait()
from runconsole import ConsoleWidget
w = ConsoleWidget(f"ws://127.0.0.1:{port}")
"""
    notebook = lab.new_notebook([server])
    notebook.run_all()
    panel = notebook.panel
    expect(panel.get_by_role("group")).to_be_visible()
    for tab in TABS:
        panel.get_by_role("tab", name=tab, exact=True).click()
    expect(panel.locator("img, b")).to_have_count(0)
    assert notebook.tab.evaluate("window.hacked") is None
