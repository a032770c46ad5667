"""Shows a console's panel in a browser until Ctrl-C."""

from __future__ import annotations

import asyncio
import webbrowser
from collections.abc import Callable
from contextlib import suppress

from runconsole.browser.serving import PanelServer
from runconsole.console import Console
from runconsole.displays import has_display

__all__ = ["show_page"]


def show_page(console: Console, *, port: int, browser: bool, report: Callable[[str], object]) -> None:
    """Serve the panel, and start the console when its page can be opened; return after Ctrl-C.

    Args:
        console: not started yet; it is stopped at the end.
        port: 0 takes a free one.
        browser: open the page, if there is a display.
        report: takes each line for people.

    Raises OSError if the port cannot be listened on; as `Console.start`.
    """

    def ready(url: str) -> None:
        report(f"The panel is at {url}\nOnly this machine can open it, with this address. Press Ctrl-C to end.")
        console.start()
        if browser and has_display():
            webbrowser.open(url)

    try:
        with suppress(KeyboardInterrupt):
            asyncio.run(PanelServer(console, port=port).serve(ready))
    finally:
        console.stop()
