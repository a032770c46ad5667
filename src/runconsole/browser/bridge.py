"""A panel without a notebook: its messages go to any number of pages, and theirs come to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from runconsole.console import Console
from runconsole.text.unicode import encodable_value
from runconsole.widget import ConsoleWidget

__all__ = ["Bridge"]

Message = dict[str, Any]


class _Channel:
    """The widget's way to its pages, in the place of a kernel's comm."""

    comm_id = "panel"

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._callback: Callable[[Message], object] = lambda _: None

    def send(self, data: Any = None, **_: Any) -> None:
        """Pass on a message for the pages. Traits stay here: each page asks for the whole picture."""
        if data["method"] == "custom":
            self._tell(json.dumps(encodable_value(data["content"]), separators=(",", ":")))

    def on_msg(self, callback: Callable[[Message], object]) -> None:
        self._callback = callback

    def close(self, **_: Any) -> None:
        self._tell = lambda _: None

    def deliver(self, content: Any) -> None:
        """Pass on a message of a page."""
        self._callback({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})


class Bridge:
    """The panel of a console.

    Args:
        console: shown, and left running at the end.
        tell: takes each message for the pages as JSON, on any thread.
    """

    def __init__(self, console: Console, tell: Callable[[str], None]) -> None:
        self._widget = ConsoleWidget(console, display=False)
        self._channel = _Channel(tell)
        self._widget.comm = self._channel

    def receive(self, text: str) -> None:
        """Take a message of a page; what is none counts as nothing."""
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            return
        self._channel.deliver(message)

    def close(self) -> None:
        """End the panel; the console goes on."""
        self._widget.close()
