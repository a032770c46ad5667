"""A recording in the panel, in a real JupyterLab: played, paused, gone through by mouse and keys, reloaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.e2e.runs import EXECUTION, LONG, connection, progress, until

if TYPE_CHECKING:
    from playwright.sync_api import Locator

    from tests.e2e.lab import Lab

RECORD = """
live = ConsoleWidget(sim.url, title="authentication_feature", expected_artifacts=45, record="run.jsonl")
live.wait(120)
live.stop()
"""
REPLAY = 'w = ConsoleWidget("run.jsonl", speed={speed})'
SHOWN = ("Overview", "Tasks", "Artifacts", "Errors", "Decisions")


def player(panel: Locator) -> Locator:
    return panel.get_by_role("group", name="Replay")


def scrubber(panel: Locator) -> Locator:
    return panel.get_by_role("slider", name="Position")


def button(panel: Locator, name: str) -> Locator:
    return player(panel).get_by_role("button", name=name, exact=True)


# The player takes a line of the panel's height, and a table draws the rows that have room.
FIRST_ROWS = "table => [...table.querySelectorAll('[role=row]')].slice(0, 8).map((row) => row.innerText).join('\\n')"


def reading(panel: Locator) -> list[str]:
    """Return the text of the panel's header and views, without present times."""
    said = [panel.locator("dl").inner_text()]
    for tab in SHOWN:
        panel.get_by_role("tab", name=tab, exact=True).click()
        said += [table.evaluate(FIRST_ROWS) for table in panel.get_by_role("table").all()]
    return said


def test_a_recording_plays_pauses_and_seeks_to_the_same_end(lab: Lab) -> None:
    notebook = lab.new_notebook([EXECUTION.format(speed=120), RECORD, REPLAY.format(speed=1)])
    notebook.run_cell(0)
    notebook.run_cell(1)
    live = notebook.output(1).get_by_role("region", name="Run console")
    expect(connection(live)).to_have_text("ended", timeout=LONG)
    expect(player(live)).to_have_count(0)

    notebook.run_cell(2)
    panel = notebook.output(2).get_by_role("region", name="Run console")
    expect(player(panel)).to_be_visible()
    expect(panel.get_by_role("combobox", name="Speed")).to_have_value("1")
    button(panel, "Pause").click()
    expect(button(panel, "Play")).to_be_focused()

    # By keys: forward, and back to the beginning.
    scrubber(panel).focus()
    for _ in range(3):
        notebook.tab.keyboard.press("PageUp")
    until(lambda: notebook.kernel_eval("w.replay.position > 0.2 * w.replay.duration"))
    until(lambda: scrubber(panel).input_value() != "0")
    notebook.tab.keyboard.press("Home")
    until(lambda: notebook.kernel_eval("w.replay.position") == 0)
    expect(progress(panel)).not_to_have_attribute("aria-valuenow", "100")

    # By mouse: somewhere behind the middle; the thumb stays there.
    box = scrubber(panel).bounding_box()
    assert box is not None
    height = box["y"] + box["height"] / 2
    notebook.tab.mouse.move(box["x"] + 8, height)
    notebook.tab.mouse.down()
    for share in (0.2, 0.5, 0.8, 0.6):
        notebook.tab.mouse.move(box["x"] + share * box["width"], height, steps=4)
    notebook.tab.mouse.up()
    expect(progress(panel)).not_to_have_attribute("aria-valuenow", "0")
    # A busy kernel takes its time for the last of them; the thumb shows its position meanwhile.
    until(lambda: notebook.kernel_eval("0.5 < w.replay.position / w.replay.duration < 0.7"))
    position = notebook.kernel_eval("w.replay.position")
    until(lambda: abs(float(scrubber(panel).input_value()) - position) < 0.3)

    # The page is loaded again in the middle.
    notebook.save()
    notebook.reload()
    expect(button(panel, "Play")).to_be_visible()
    assert abs(float(scrubber(panel).input_value()) - position) < 0.3
    assert notebook.kernel_eval("w.replay.position") == position

    panel.get_by_role("combobox", name="Speed").select_option("10×")
    button(panel, "Play").click()
    expect(button(panel, "Play again")).to_be_visible(timeout=LONG)
    expect(connection(panel)).to_have_text("ended")
    assert reading(panel) == reading(live)
    assert notebook.kernel_eval("w.events.equals(live.events) and w.tasks.equals(live.tasks)")

    # The panel names the refused command until another is carried out.
    notebook.kernel_exec("w.stop()")
    button(panel, "Play again").click()
    expect(player(panel)).to_contain_text("Not done: the console is stopped: call start() in a cell.")
    notebook.kernel_exec("w.start()")
    button(panel, "Play again").click()
    expect(player(panel)).not_to_contain_text("Not done")
    assert [complaint for complaint in notebook.complaints if "runconsole" in complaint] == []
