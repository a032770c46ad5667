"""The page of `js/dev`: the panel and the board on a kernel that is a script, in every state that can be asked for."""

from __future__ import annotations

import functools
import shutil
import subprocess
import tempfile
import threading
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from scripts.frontend import find_node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Locator, Page

JS = Path(__file__).parents[2] / "js"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def serving() -> Iterator[str]:
    """The address of the page, without a query."""
    node = find_node()
    assert node is not None
    program = shutil.which("node", path=node.path) or "node"
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([program, "dev/build.mjs", folder], cwd=JS, check=True)
        handler = functools.partial(_Quiet, directory=folder)
        with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_port}/"
            finally:
                server.shutdown()
                thread.join()


def show(page: Page, address: str, query: str, tab: str | None = None) -> Locator:
    """Open the page in a state; return its panel, with the tab that was asked for."""
    page.goto(f"{address}?{query}")
    panel = page.get_by_role("region", name="Run console", exact=True)
    expect(panel).to_be_visible()
    if tab is not None:
        panel.get_by_role("tab", name=tab, exact=True).click()
    return panel
