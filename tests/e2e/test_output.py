"""The Output tab in a real JupyterLab: the whole log searched, filtered, chosen and stored as a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.servers.json_server import JsonServer
from tests.support.folding import task

if TYPE_CHECKING:
    from tests.e2e.lab import Lab

LINES = 5000
SHOW = "from runconsole import ConsoleWidget\nw = ConsoleWidget({url!r}, title='A build')"


def frames() -> list[str]:
    """A run of three named tasks that write 5,000 lines, one of them to stderr."""
    return [
        *(task("task.created", taskId=f"t{n}", prompt=f"Step {n}") for n in range(3)),
        *(
            task(
                "task.output",
                taskId=f"t{n % 3}",
                stream="stderr" if n == 4321 else "stdout",
                data=f"\x1b[3{n % 8}mline {n:05}\x1b[0m of the build\n",
            )
            for n in range(LINES)
        ),
    ]


def test_the_whole_log_is_searched_filtered_and_stored(lab: Lab) -> None:
    with JsonServer(frames()) as server:
        notebook = lab.new_notebook([SHOW.format(url=server.url)])
        notebook.run_all()
        panel = notebook.panel
        panel.get_by_role("tab", name="Output").click()
        log = panel.get_by_role("log", name="Output")
        expect(log).to_contain_text("line 04999")
        search, matches = (
            panel.get_by_role("searchbox", name="Search output"),
            panel.get_by_role("status", name="Matches"),
        )
        search.fill("line 0001")
        expect(matches).to_have_text("10 of 10")  # the nearest one above the end
        search.press("Enter")
        expect(matches).to_have_text("1 of 10")
        expect(log).to_contain_text("line 00010")
        expect(log).to_contain_text("line 00008")
        expect(log.locator("[aria-current] mark")).to_have_text("line 0001")
        search.press("Shift+Enter")
        expect(matches).to_have_text("10 of 10")
        search.fill("")
        panel.get_by_role("button", name="Next error").click()
        expect(matches).to_have_text("error 1 of 1")
        expect(log.locator("[aria-current]")).to_contain_text("line 04321")
        panel.get_by_role("combobox", name="Task").fill("step 2")
        expect(panel).to_contain_text("1,666 of 5,000 lines")
        expect(log).to_contain_text("Step 2")
        with notebook.tab.expect_download() as download:
            panel.get_by_role("button", name="Download the shown lines").click()
        text = Path(download.value.path()).read_text()
        assert text.splitlines() == [f"line {n:05} of the build" for n in range(LINES) if n % 3 == 2]
        assert notebook.complaints == []
