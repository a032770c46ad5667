"""A run's HTML file in a real browser, from the disk, with the network off."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from runconsole import Console
from tests.servers.json_server import JsonServer
from tests.support.folding import START, execution, task
from tests.support.hostile import HOSTILE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Locator, Page

TABS = ("Overview", "Tasks", "Timeline", "Output", "Artifacts", "Errors", "Decisions", "Agents")


@contextmanager
def opened(browser: Browser, file: Path, *, scripts: bool = True) -> Iterator[tuple[Page, list[str]]]:
    """The page of a file, and its requests, complaints and errors as they come."""
    context = browser.new_context(offline=True, java_script_enabled=scripts)
    try:
        page = context.new_page()
        noted: list[str] = []
        page.on("console", lambda message: noted.append(message.text) if message.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: noted.append(str(error)))
        page.on("request", lambda request: noted.append(request.url) if request.url != file.as_uri() else None)
        page.goto(file.as_uri())
        yield page, noted
    finally:
        context.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a run with text that would be markup, 300 tasks, a question and output."""
    path: Path = tmp_path_factory.mktemp("file") / "run.html"
    frames = [
        execution("execution_started", execution_id="e", phases=[{"number": 0, "name": HOSTILE, "tasks": 300}]),
        *(
            execution("progress_update", task_id=f"task-{n:03}", phase=0, status=status)
            for n in range(300)
            for status in ("in_progress", "completed")
        ),
        execution("error", task_id="task-001", message=HOSTILE, stack=HOSTILE),
        execution("artifact_created", path=HOSTILE),
        task("task.hitl_required", taskId="task-001", checkpointId="c", title=HOSTILE, options=["approve", HOSTILE]),
        task("checkpoint.resolved", taskId="task-001", checkpointId="c", decision="approve"),
        *(task("task.output", taskId="task-001", data=f"line {n}\n", stream="stdout") for n in range(500)),
        task("task.output", taskId="task-001", data=f"{HOSTILE}\n", stream="stderr"),
        task("agent.spawned", taskId="task-001", agentId="a", name=HOSTILE, model=HOSTILE),
        task("agent.tool_call", agentId="a", toolCallId="k", tool=HOSTILE, arguments={"path": HOSTILE}),
        task("agent.tool_result", agentId="a", toolCallId="k", tool=HOSTILE, result=HOSTILE),
        task("agent.usage", agentId="a", taskId="task-001", model="m", usage={"inputTokens": 900, "outputTokens": 100}),
        task(HOSTILE),
        execution("execution_completed", status="success", completed_tasks=300, total_tasks=300, cost_usd=0.42),
    ]
    recording = path.with_suffix(".jsonl")
    with JsonServer(frames) as server, Console(server.url, title=HOSTILE) as console:
        assert console.wait(60)
        console.save(recording)
    Console(slowed(recording)).to_html(path)
    return path


def slowed(recording: Path) -> Path:
    """A recording in which each line is a second after the one before."""
    header, *lines = map(json.loads, recording.read_bytes().rstrip().split(b"\n"))
    lines = [line | {"at": START + number * 1_000_000} for number, line in enumerate(lines)]
    recording.write_text("".join(f"{json.dumps(line)}\n" for line in (header, *lines)), encoding="utf-8")
    return recording


def panel_of(page: Page) -> Locator:
    panel = page.get_by_role("region", name="Run console")
    expect(panel).to_be_visible()
    return panel


def at_the_beginning(panel: Locator) -> Locator:
    """Go to the run's beginning by the keyboard; return the scrubber."""
    scrubber = panel.get_by_role("slider", name="Position")
    scrubber.focus()
    scrubber.press("Home")
    return scrubber


def test_the_panel_works_from_the_disk_without_a_request(browser: Browser, file: Path) -> None:
    with opened(browser, file) as (page, noted):
        panel = panel_of(page)
        expect(panel.get_by_role("progressbar", name="Overall progress")).to_have_attribute("aria-valuenow", "100")
        for tab in TABS:
            panel.get_by_role("tab", name=tab).click()
            expect(panel.get_by_role("tab", name=tab)).to_have_attribute("aria-selected", "true")
        assert page.evaluate("window.owned") is None
        assert noted == []


def test_all_tasks_can_be_reached(browser: Browser, file: Path) -> None:
    with opened(browser, file) as (page, noted):
        panel = panel_of(page)
        panel.get_by_role("tab", name="Tasks").click()
        table = panel.get_by_role("table", name="Tasks")
        panel.get_by_role("searchbox").fill("task-29")
        expect(table).to_contain_text("task-299")
        expect(table).not_to_contain_text("task-001")
        assert noted == []


def test_agents_are_a_tree_with_what_they_called(browser: Browser, file: Path) -> None:
    with opened(browser, file) as (page, noted):
        panel = panel_of(page)
        panel.get_by_role("tab", name="Agents").click()
        tree = panel.get_by_role("treegrid", name="Agents")
        expect(tree.locator("[aria-level]")).to_have_count(3)
        expect(tree.get_by_role("row").nth(2)).to_contain_text("1,000")
        tree.get_by_role("button").first.focus()
        for _ in range(2):
            page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowRight")
        expect(tree.get_by_role("heading", name="Result")).to_be_visible()
        page.keyboard.press("ArrowUp")
        page.keyboard.press("ArrowLeft")
        expect(tree.locator("[aria-level]")).to_have_count(2)
        assert page.evaluate("window.owned") is None
        assert noted == []


def test_the_scrubber_goes_back_to_the_beginning_and_plays(browser: Browser, file: Path) -> None:
    with opened(browser, file) as (page, noted):
        panel = panel_of(page)
        at_the_beginning(panel)
        expect(panel.get_by_role("tab", name="Errors")).to_have_text("Errors")
        expect(panel.get_by_role("button", name="1 error")).to_have_count(0)
        expect(panel.get_by_role("progressbar", name="Overall progress")).not_to_have_attribute("aria-valuenow", "100")
        panel.get_by_role("combobox", name="Speed").select_option("0")
        panel.get_by_role("button", name="Play", exact=True).click()
        expect(panel.get_by_role("progressbar", name="Overall progress")).to_have_attribute("aria-valuenow", "100")
        assert noted == []


def test_marks_lead_to_the_error_and_back(browser: Browser, file: Path) -> None:
    with opened(browser, file) as (page, noted):
        panel = panel_of(page)
        scrubber = at_the_beginning(panel)
        panel.get_by_role("button", name=re.compile("^Next mark: phase")).click()
        panel.get_by_role("button", name=re.compile("^Next mark: error")).click()
        expect(panel.get_by_role("button", name="1 error")).to_be_visible()
        scrubber.press("[")
        expect(panel.get_by_role("button", name="1 error")).to_have_count(0)
        expect(panel.get_by_role("button", name=re.compile("^Next mark: error"))).to_be_visible()
        assert noted == []


def test_the_charts_are_those_of_the_scrubbed_moment(browser: Browser, file: Path) -> None:
    with opened(browser, file) as (page, noted):
        panel = panel_of(page)
        panel.get_by_role("button", name="Cost $0.42, over time").click()
        charts = panel.get_by_role("dialog", name="Over time")
        expect(charts).to_contain_text("$0.42.")
        throughput = charts.get_by_role("slider", name="Throughput over time")
        expect(charts).to_contain_text("tasks that completed")
        throughput.hover()
        expect(charts.locator("output").first).to_contain_text("/ min")
        throughput.focus()
        throughput.press("Home")
        expect(throughput).to_have_attribute("aria-valuenow", "0")
        panel.get_by_role("slider", name="Position").press("Home")
        expect(charts).not_to_contain_text("$0.42")
        assert noted == []


def test_a_browser_without_scripts_shows_the_report(browser: Browser, file: Path) -> None:
    with opened(browser, file, scripts=False) as (page, noted):
        expect(page.get_by_text("recorded: the final state of this run")).to_be_visible()
        expect(page.get_by_role("img", name="Overall progress: 100 %")).to_be_visible()
        assert noted == []


def test_the_policy_stops_a_script_and_a_request(browser: Browser, file: Path) -> None:
    with opened(browser, file) as (page, noted):
        panel_of(page)
        page.evaluate(
            """() => {
                const script = document.createElement("script");
                script.textContent = "window.owned = 1";
                document.body.append(script);
                return fetch("http://127.0.0.1:9/").catch(() => 0);
            }"""
        )
        assert page.evaluate("window.owned") is None
        assert any("Content Security Policy" in note for note in noted)
        assert not any(note.startswith("http") for note in noted)
