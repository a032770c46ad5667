"""Notebooks in a real JupyterLab, driven in a real browser.

    with open_lab() as lab:
        notebook = lab.new_notebook(["from runconsole import ConsoleWidget", "ConsoleWidget(url)"])
        notebook.run_all()
        expect(notebook.panel).to_be_visible()

Tests get `lab` as a fixture (conftest.py). Everything here waits for conditions; time-outs only end what hangs.
"""

from __future__ import annotations

import itertools
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from playwright.sync_api import Browser, Locator, sync_playwright

from tests.e2e.kernels import KernelError, kernel_client
from tests.e2e.server import JupyterServer
from tests.e2e.window import Window

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playwright.sync_api import BrowserContext, ConsoleMessage, Error, Page

LIGHT = "JupyterLab Light"
DARK = "JupyterLab Dark"

OPEN_TIMEOUT = 120.0
"""Seconds for a notebook to open and its kernel to be idle."""
RUN_TIMEOUT = 120.0
"""Seconds for cells to end."""

_ROOT = Path(__file__).parents[2]
_CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Nothing leaves the machine: a page that asks for anything from outside fails at once.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


@contextmanager
def start_browser() -> Iterator[Browser]:
    """A headless Chromium, the one that `scripts/get-browser` finds."""
    found = subprocess.run([_ROOT / "scripts" / "get-browser", "--find"], check=True, stdout=subprocess.PIPE, text=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found.stdout.strip(), args=_CHROMIUM_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def open_lab(*, viewport: tuple[int, int] = (1280, 900), theme: str = LIGHT, scale: float = 1) -> Iterator[Lab]:
    """A server, a browser and a window of `viewport` CSS pixels, at `scale` device pixels each, all of its own."""
    with (
        tempfile.TemporaryDirectory() as home,
        JupyterServer(Path(home)) as server,
        start_browser() as browser,
        Window(browser, viewport=viewport, scale=scale) as window,
        Lab(server, window, theme=theme).opened() as lab,
    ):
        yield lab


class Lab:
    """JupyterLab as one person sees it: a browser window, on a server that others may share.

    Attributes:
        server: the Jupyter server.
        window: the browser window.
        theme: the theme of newly opened notebooks, LIGHT or DARK.
        pages: the notebooks opened so far.
    """

    _numbers = itertools.count(1)

    def __init__(self, server: JupyterServer, window: Window, *, theme: str = LIGHT) -> None:
        self.server = server
        self.window = window
        self.theme = theme
        self.pages: list[NotebookPage] = []

    @property
    def context(self) -> BrowserContext:
        """Playwright's browser context."""
        return self.window.context

    @contextmanager
    def opened(self) -> Iterator[Lab]:
        """Gives the tabs back to the window and ends their kernels at the end."""
        try:
            yield self
        finally:
            for page in self.pages:
                page.stop_noting()
            self.window.give_back([page.tab for page in self.pages])
            for page in self.pages:
                self.server.end_session(page.path)

    def kernel(self, ipykernel: str) -> str:
        """The name of a kernel with this version of ipykernel, for `new_notebook(kernel=...)`."""
        return self.server.kernel(ipykernel)

    def new_notebook(self, cells: Sequence[str], *, kernel: str = "python3", name: str | None = None) -> NotebookPage:
        """Writes a notebook with these code cells and opens it, ready to run; nothing has run yet."""
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
            metadata={"kernelspec": {"name": kernel, "display_name": kernel, "language": "python"}},
        )
        path = name or f"test-{next(self._numbers)}.ipynb"
        nbformat.write(notebook, self.server.root / path)
        return self.open(path)

    def open(self, path: str) -> NotebookPage:
        """Opens a notebook in a new tab, relative to the server's root; returns when its kernel is idle."""
        page = NotebookPage(self, path)
        self.pages.append(page)
        page.load()
        return page


class NotebookPage:
    """A notebook in a browser tab.

    Attributes:
        tab: Playwright's page, for everything without a method here.
        path: the notebook's path below the server's root.
        complaints: the page's errors in the browser's console, and uncaught exceptions.
    """

    def __init__(self, lab: Lab, path: str) -> None:
        self.lab = lab
        self.path = path
        self.complaints: list[str] = []
        self.tab: Page = lab.window.take()
        self.tab.on("console", self._note_message)
        self.tab.on("pageerror", self._note_error)

    def _note_message(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def _note_error(self, error: Error) -> None:
        self.complaints.append(str(error))

    def stop_noting(self) -> None:
        """Leaves later complaints of the tab to others."""
        self.tab.remove_listener("console", self._note_message)
        self.tab.remove_listener("pageerror", self._note_error)

    # ---- the page's content

    @property
    def panel(self) -> Locator:
        """The consoles on the page, by their accessible name: one for each view."""
        return self.tab.get_by_role("region", name="Run console")

    def cell(self, index: int) -> Locator:
        return self.tab.locator(".jp-Notebook .jp-Cell").nth(index)

    def output(self, index: int) -> Locator:
        """The output area of a cell."""
        return self.cell(index).locator(".jp-Cell-outputArea")

    def screenshot(self, file: Path, element: Locator | None = None) -> None:
        """Writes a PNG of the window, or of one element, even where that is higher than the window."""
        file.parent.mkdir(parents=True, exist_ok=True)
        if element is None:
            self.tab.screenshot(path=file)
        else:
            element.screenshot(path=file, animations="disabled")

    # ---- actions of a person

    def load(self) -> None:
        """Opens the notebook, in JupyterLab where the tab has one, and waits until its kernel is idle."""
        if Window.has_lab(self.tab):
            self.set_theme(self.lab.theme)
            self.tab.evaluate("path => harness.open(path)", self.path)
        else:
            self.lab.server.set_setting("@jupyterlab/apputils-extension:themes", {"theme": self.lab.theme})
            self.tab.goto(self.lab.server.address(self.path))
        self.wait_idle(OPEN_TIMEOUT)

    def reload(self, *, wait: bool = True) -> None:
        """Reloads the page; the kernel lives on. Without `wait` it may still be loading, as it is while a cell runs."""
        self.tab.reload()
        if wait:
            self.wait_idle(OPEN_TIMEOUT)

    def run_cell(self, index: int, *, wait: bool = True, may_fail: bool = False) -> None:
        """Runs a cell. Without `wait` it may still run; with `may_fail` a traceback is no KernelError."""
        self._start("notebook:run-cell", index, wait=wait, may_fail=may_fail)

    def run_all(self, *, wait: bool = True, may_fail: bool = False) -> None:
        """Runs all cells, as `run_cell` runs one."""
        self._start("notebook:run-all-cells", None, wait=wait, may_fail=may_fail)

    def wait_idle(self, timeout: float = RUN_TIMEOUT) -> None:
        """Waits `timeout` seconds for the notebook to be open and no cell to run. Raises Playwright's TimeoutError."""
        self.tab.wait_for_function("path => harness.state(path) === 'idle'", arg=self.path, timeout=timeout * 1000)

    def save(self) -> nbformat.NotebookNode:
        """Saves the notebook; returns the content of the file."""
        self.tab.evaluate("path => harness.save(path)", self.path)
        saved: nbformat.NotebookNode = nbformat.read(self.lab.server.root / self.path, as_version=4)
        return saved

    def set_theme(self, theme: str) -> None:
        """Changes JupyterLab's theme and waits until the page shows it."""
        self.lab.theme = theme
        self.command("apputils:change-theme", theme=theme)
        self.tab.locator(f'body[data-jp-theme-name="{theme}"]').wait_for(state="attached")

    def restart_kernel(self) -> None:
        """Restarts the kernel without a dialog; the page stays."""
        self.lab.server.request("POST", f"/api/kernels/{self.kernel_id}/restart")
        self.wait_idle()

    def command(self, name: str, **arguments: object) -> None:
        """Runs a command of JupyterLab and waits for its end."""
        self.tab.evaluate("([name, args]) => harness.command(name, args)", [name, arguments])

    def close(self) -> None:
        """Closes the tab; the kernel lives on until the lab closes."""
        self.tab.close()

    # The kernel, out of band

    @property
    def kernel_id(self) -> str:
        return self.lab.server.kernel_id(self.path)

    def kernel_exec(self, code: str, *, subshell: bool = False) -> None:
        """Runs code in the notebook's kernel but not in the notebook. Raises KernelError.

        It waits for a running cell; with `subshell=True` (ipykernel 7) it does not.
        """
        with kernel_client(self.lab.server, self.kernel_id, subshell=subshell) as client:
            client.execute(code)

    def kernel_eval(self, expression: str, *, subshell: bool = False) -> Any:
        """The value of an expression in the notebook's kernel, by way of JSON; else as `kernel_exec`."""
        with kernel_client(self.lab.server, self.kernel_id, subshell=subshell) as client:
            return client.evaluate(expression)

    def _start(self, command: str, index: int | None, *, wait: bool, may_fail: bool) -> None:
        self.tab.evaluate(
            "([path, command, index]) => harness.start(path, command, index)", [self.path, command, index]
        )
        if not wait:
            return
        self.wait_idle()
        errors = self.tab.evaluate("path => harness.errors(path)", self.path)
        if errors and not may_fail:
            raise KernelError("\n\n".join(errors))
