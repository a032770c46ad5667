"""A browser window that keeps a loaded JupyterLab from one test to the next, since loading one takes most of a test."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self

from playwright.sync_api import Error

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from playwright.sync_api import Browser, Page


class Window:
    """A window with tabs; a context manager that closes it.

    Attributes:
        context: Playwright's browser context.
    """

    def __init__(self, browser: Browser, *, viewport: tuple[int, int] = (1280, 900), scale: float = 1) -> None:
        self._width, self._height = viewport
        self.context = browser.new_context(
            viewport={"width": self._width, "height": self._height}, device_scale_factor=scale, reduced_motion="reduce"
        )
        self.context.set_default_timeout(30_000)
        self.context.add_init_script(path=Path(__file__).with_name("harness.js"))
        self._spare: Page | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.context.close()

    @staticmethod
    def has_lab(tab: Page) -> bool:
        """Return whether a JupyterLab is loaded in the tab."""
        return bool(tab.evaluate("window.jupyterapp !== undefined"))

    def take(self) -> Page:
        """Return the tab with a JupyterLab without documents; a new and empty tab if there is none."""
        tab, self._spare = self._spare, None
        return tab or self.context.new_page()

    def give_back(self, tabs: Sequence[Page]) -> None:
        """Close the tabs; keep the first one that can be cleared for the next who takes one."""
        for tab in tabs:
            if self._spare is None and self._cleared(tab):
                self._spare = tab
            else:
                tab.close()

    def _cleared(self, tab: Page) -> bool:
        if tab.is_closed():
            return False
        try:
            tab.evaluate("harness.clear()")
            tab.set_viewport_size({"width": self._width, "height": self._height})
            tab.mouse.move(0, 0)
            return not tab.locator(".jp-Dialog").count()
        except Error:  # the page hangs, or shows something else
            return False
