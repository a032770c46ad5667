"""Take the pictures of the documentation from the real thing: the hosts, the simulator, a headless Chromium.

`make screenshots` writes docs/images/. ``python scripts/screenshots.py FOLDER NAME...`` writes some of them to another
folder; a name is that of a picture without its suffix.
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from PIL import Image
from playwright.sync_api import expect

from runconsole import Console
from runconsole.simulator import Simulator
from tests.e2e.hosts import marimo_server, notebook_server, voila_server
from tests.e2e.lab import DARK, LIGHT, Lab, open_lab, start_browser
from tests.e2e.window import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Locator, Page

    from tests.e2e.lab import NotebookPage

IMPORTS = "import runconsole\nfrom runconsole import ConsoleWidget\nfrom runconsole.simulator import Simulator"
EXECUTION = (
    'w = ConsoleWidget(simulator.url, title="authentication_feature", token_budget=100_000, expected_artifacts=45)'
)
AGENTS = 'simulator = Simulator("tasks", speed=4, decision_timeout=1800).start()'
TASKS = 'w = ConsoleWidget(simulator.url, title="Four agents", cost_limit=1.00)'
FAST, RECORDED = 300, 40
"""The speed of runs that are over when their picture is taken, and of those whose recording is shown."""
WIDTH, HEIGHT, LONG = 1180, 1700, 120_000
EXACT, NEAR = 160, 96
"""The most frequent colors of a picture stay as they are; these many stand for all others."""


class Album:
    """The wanted pictures and their folder. Each is asked for by name, right before it is taken."""

    def __init__(self, folder: Path, names: list[str]) -> None:
        self._folder = folder
        self._names = set(names)
        self.taken: list[str] = []

    def wants(self, *names: str) -> bool:
        """Return whether any of these pictures is wanted."""
        return not self._names or not self._names.isdisjoint(names)

    def take(self, name: str, subject: Locator | Page) -> None:
        """Write a picture, with a palette: it has few colors, and a third of the size then."""
        if not self.wants(name):
            return
        file = self._folder / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        subject.screenshot(path=file, animations="disabled")
        with Image.open(file) as picture:
            with_palette(picture.convert("RGB")).save(file, optimize=True)
        self.taken.append(name)
        print(file, f"{file.stat().st_size // 1024} KiB")


def with_palette(picture: Image.Image) -> Image.Image:
    """Return the picture with at most 256 colors, each pixel in the nearest one."""
    pixels = np.asarray(picture).reshape(-1, 3)
    colors, places, counts = np.unique(pixels, axis=0, return_inverse=True, return_counts=True)
    by_count = np.argsort(-counts)
    exact, others = colors[by_count[:EXACT]], colors[by_count[EXACT:]]
    near = np.empty((0, 3), np.uint8)
    if len(others):
        rest = Image.fromarray(others[np.newaxis]).quantize(NEAR, Image.Quantize.MAXCOVERAGE)
        near = np.unique(np.asarray(rest.convert("RGB")).reshape(-1, 3), axis=0)
    palette = np.concatenate([exact, near])
    distances = ((colors[:, np.newaxis].astype(np.int32) - palette) ** 2).sum(axis=2)
    indices = distances.argmin(axis=1).astype(np.uint8)[places.reshape(-1)]
    made = Image.fromarray(indices.reshape(picture.height, picture.width))
    made.putpalette(palette.tobytes())
    return made


def main(folder: Path, names: list[str]) -> None:
    """Write the pictures, each group in a host of its own. Raises ValueError for a name that is none."""
    album = Album(folder, names)
    for group, pictures in GROUPS.items():
        if album.wants(*pictures):
            group(album)
    unknown = set(names) - set(album.taken)
    if unknown:
        raise ValueError(f"expected names of pictures ({', '.join(sum(GROUPS.values(), ()))}), got {sorted(unknown)}")


# ---- runs in JupyterLab ----------------------------------------------------------------------------------------------


def live_execution(album: Album) -> None:
    """120 tasks in phases and waves, at work."""
    with open_lab(viewport=(WIDTH, HEIGHT), theme=LIGHT, scale=2) as lab:
        notebook = run(lab, f'{IMPORTS}\nsimulator = Simulator("execution", speed=30).start()', EXECUTION)
        panel = notebook.panel
        wait_for_percent(panel, 55)
        album.take("execution", panel)
        show(panel, "Timeline")
        chart = panel.get_by_role("region", name="Timeline")
        chart.get_by_role("combobox", name="Lanes").select_option("worker")
        chart.get_by_role("checkbox", name="Critical path").check()
        chart.get_by_role("slider", name="Zoom").fill("8")
        wait_for_percent(panel, 78)
        album.take("timeline", panel)
        panel.get_by_role("button", name="Compact").click()
        album.take("compact", panel)


def ended_execution(album: Album) -> None:
    """The tables of a run that is over, and its replay."""
    with open_lab(viewport=(WIDTH, HEIGHT), theme=LIGHT, scale=2) as lab:
        notebook = lab.new_notebook(
            [
                f'{IMPORTS}\nsimulator = Simulator("execution", speed={RECORDED}, failures=2).start()',
                f'{EXECUTION}\nw.wait(120)\nw.save("run.jsonl")',
                'ConsoleWidget("run.jsonl", speed=1)',
            ]
        )
        notebook.run_cell(0)
        notebook.run_cell(1)
        panel = notebook.output(1).get_by_role("region", name="Run console")
        show(panel, "Errors")
        album.take("errors", panel)
        show(panel, "Artifacts")
        panel.get_by_role("button", name="by folder").click()
        album.take("artifacts", panel)
        show(panel, "Tasks")
        panel.get_by_role("table", name="Tasks").get_by_role("button", name="Details of").first.click()
        expect(panel.get_by_role("dialog")).to_be_visible()
        album.take("task", panel)
        panel.get_by_role("button", name="Keys", exact=True).click()
        album.take("keys", panel)
        notebook.run_cell(2)
        replay = notebook.output(2).get_by_role("region", name="Run console")
        replay.get_by_role("group", name="Replay").get_by_role("button", name="Pause").click()
        replay.get_by_role("slider", name="Position").fill("6")
        wait_for_percent(replay, 25)
        album.take("replay", replay)


def agents(album: Album) -> None:
    """Agents that ask, in the dark."""
    with open_lab(viewport=(WIDTH, HEIGHT), theme=DARK, scale=2) as lab:
        notebook = run(lab, f"{IMPORTS}\n{AGENTS}", TASKS)
        panel = notebook.panel
        expect(panel.get_by_role("group").first).to_be_visible(timeout=LONG)
        wait_for_percent(panel, 20)
        expect(panel.get_by_role("status", name="Run status")).to_have_text("waiting for you · 2", timeout=LONG)
        album.take("decision", panel)
        show(panel, "Output")
        panel.get_by_role("searchbox", name="Search output").fill("accounts")
        expect(panel.get_by_role("status", name="Matches")).to_contain_text(" of ")
        album.take("output", panel)
        show(panel, "Agents")
        album.take("agents", panel)


def several_runs(album: Album) -> None:
    """A fleet, and an inbox of its questions."""
    with open_lab(viewport=(WIDTH, HEIGHT), theme=LIGHT, scale=2) as lab:
        notebook = run(
            lab,
            f'{IMPORTS}\n{AGENTS}\nother = Simulator("execution", speed=20).start()\n'
            f'over = Simulator("execution", speed={FAST}, failures=2, seed=2).start()',
            'a = ConsoleWidget(simulator.url, title="Four agents", display=False)\n'
            'b = ConsoleWidget(other.url, title="authentication_feature", display=False)\n'
            'c = ConsoleWidget(over.url, title="nightly evaluation", display=False)\nc.wait(60)\n'
            "runconsole.FleetWidget([a, b, c])",
            "runconsole.InboxWidget([a, b, c])",
        )
        fleet = notebook.tab.get_by_role("region", name="Fleet")
        inbox = notebook.tab.get_by_role("region", name="Inbox")
        expect(inbox.get_by_role("article")).to_have_count(2, timeout=LONG)
        album.take("fleet", fleet)
        album.take("inbox", inbox)


def run(lab: Lab, *cells: str) -> NotebookPage:
    """Return a notebook that has run these cells."""
    notebook = lab.new_notebook(cells, name="analysis.ipynb")
    notebook.run_all()
    expect(notebook.tab.get_by_role("region").first).to_be_visible(timeout=LONG)
    return notebook


def show(panel: Locator, tab: str) -> None:
    """Choose a tab, and leave the pointer where nothing is."""
    panel.get_by_role("tab", name=tab, exact=True).click()
    panel.page.mouse.move(0, 0)


def wait_for_percent(panel: Locator, percent: int) -> None:
    """Wait until the run has come this far."""
    bar = panel.get_by_role("progressbar", name="Overall progress")
    while float(bar.get_attribute("aria-valuenow", timeout=LONG) or 0) < percent:
        panel.page.wait_for_timeout(100)


# ---- places ----------------------------------------------------------------------------------------------------------

CELL = f"{IMPORTS}\n{AGENTS}\n{TASKS}\nw"
WINDOW = (1280, 800)


def side_bar(album: Album) -> None:
    """The panel beside a notebook."""
    work = "import pandas as pd\n\nprices = pd.Series([3, 5, 8, 13])\nprices.describe()"
    with open_lab(viewport=WINDOW, theme=LIGHT, scale=1.5) as lab:
        notebook = run(lab, f"{IMPORTS}\n{AGENTS}", TASKS, work)
        notebook.panel.get_by_role("button", name="Open in side bar").click()
        settle(notebook.panel.last)
        notebook.tab.evaluate("path => { harness.panel(path).content.activeCellIndex = 2 }", notebook.path)
        notebook.panel.first.get_by_role("button", name="Compact").click()
        notebook.tab.mouse.move(0, 0)
        album.take("sidebar", notebook.tab)


def notebook_7(album: Album) -> None:
    """The panel in Notebook 7."""
    with (
        folder() as home,
        notebook_server(home) as server,
        start_browser() as browser,
        Window(browser, viewport=WINDOW, scale=1.5) as window,
        Lab(server, window, theme=DARK).opened() as lab,
    ):
        notebook = run(lab, CELL)
        settle(notebook.panel)
        notebook.tab.mouse.move(0, 0)
        album.take("notebook7", notebook.tab)


def voila(album: Album) -> None:
    """The panel in a dashboard of Voilà."""
    with folder() as home, voila_server(CELL, home) as url, page(url) as tab:
        settle(tab.get_by_role("region", name="Run console"))
        album.take("voila", tab)


def marimo(album: Album) -> None:
    """The panel in an app of marimo."""
    # Its column is narrow.
    with folder() as home, marimo_server(CELL.replace("1.00)", "1.00, height=720)"), home) as url, page(url) as tab:
        settle(tab.get_by_role("region", name="Run console"))
        album.take("marimo", tab)


def one_file(album: Album) -> None:
    """The run's HTML file in a browser without Jupyter, and in one without scripts: the report of saved notebooks."""
    with folder() as home, Simulator("execution", speed=RECORDED).start() as simulator:
        with Console(simulator.url, title="authentication_feature", expected_artifacts=45) as console:
            console.wait(120)
            console.to_html(home / "run.html")
        with page((home / "run.html").as_uri()) as tab:
            expect(tab.get_by_role("region", name="Run console")).to_be_visible()
            album.take("onefile", tab)
        with page((home / "run.html").as_uri(), scripts=False) as tab:
            tab.set_viewport_size({"width": 640, "height": 780})  # the report needs no more
            album.take("report", tab)


def settle(panel: Locator) -> None:
    """Wait until two agents of the run ask."""
    expect(panel.get_by_role("status", name="Run status")).to_have_text("waiting for you · 2", timeout=LONG)


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as home:
        yield Path(home)


@contextmanager
def page(url: str, *, scripts: bool = True) -> Iterator[Page]:
    with start_browser() as browser:
        tab = browser.new_page(
            viewport={"width": WINDOW[0], "height": WINDOW[1]},
            device_scale_factor=1.5,
            color_scheme="light",
            java_script_enabled=scripts,
        )
        tab.goto(url, timeout=LONG)
        yield tab


GROUPS: dict[Callable[[Album], None], tuple[str, ...]] = {
    live_execution: ("execution", "timeline", "compact"),
    ended_execution: ("errors", "artifacts", "task", "keys", "replay"),
    agents: ("decision", "output", "agents"),
    several_runs: ("fleet", "inbox"),
    side_bar: ("sidebar",),
    notebook_7: ("notebook7",),
    voila: ("voila",),
    marimo: ("marimo",),
    one_file: ("onefile", "report"),
}
"""The functions that take pictures, each with the names of its pictures."""

if __name__ == "__main__":
    main(
        Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "docs" / "images",
        sys.argv[2:],
    )
