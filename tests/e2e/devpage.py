"""The page of `js/dev`: the panel and the board on a kernel that is a script, in every state that can be asked for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Locator, Page

JS = Path(__file__).parents[2] / "js"


@contextmanager
def serving() -> Iterator[str]:
    """The address of the server of the page, without a query."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), sysconfig.get_path("scripts")])
    node = shutil.which("node", path=path)
    assert node is not None
    # Its standard input keeps it alive.
    with subprocess.Popen(
        [node, "dev/serve.mjs"], cwd=JS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().strip().partition("?")[0]
        finally:
            server.kill()


def show(page: Page, address: str, query: str, tab: str | None = None) -> Locator:
    """Open the page in a state; return its panel, with the tab that was asked for."""
    page.goto(f"{address}?{query}")
    panel = page.get_by_role("region", name="Run console", exact=True)
    expect(panel).to_be_visible()
    if tab is not None:
        panel.get_by_role("tab", name=tab, exact=True).click()
    return panel
