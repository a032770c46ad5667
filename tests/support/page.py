"""The edge of a widget for tests without a browser: the comm, the page behind it, and IPython's report of a cell."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import comm

from runconsole import ConsoleWidget
from tests.servers.json_server import Message, eventually

if TYPE_CHECKING:
    import pytest


class Comm:
    """The messages of a kernel to its browsers."""

    def __init__(self, **opened: Any) -> None:
        self.opened = opened
        self.comm_id = opened.get("comm_id") or "comm-1"
        self.sent: list[Message] = []
        self.states: list[Message] = [opened["data"]["state"]]

    def send(self, data: Any = None, **_: Any) -> None:
        json.dumps(data, allow_nan=False)  # a kernel could send it
        if data["method"] == "custom":
            self.sent.append(data["content"])
        else:
            self.states.append(data["state"])

    def on_msg(self, callback: Callable[[Message], None]) -> None:
        self.deliver = callback

    def close(self, **_: Any) -> None:
        self.closed = True


class Page:
    """The browser's side of one widget."""

    def __init__(self, widget: ConsoleWidget) -> None:
        self.widget = widget
        self.comm: Comm = widget.comm

    def send(self, **message: Any) -> None:
        """Send a message to the kernel, as a click does."""
        data = {"method": "custom", "content": message}
        self.comm.deliver({"content": {"data": data}, "buffers": []})

    def of(self, kind: str) -> list[Message]:
        return [message for message in list(self.comm.sent) if message["kind"] == kind]

    def answer(self, request: str, kind: str = "answer") -> Message:
        """Wait for the answer to a message."""
        eventually(lambda: any(message.get("id") == request for message in self.of(kind)), f"an answer to {request}")
        return next(message for message in self.of(kind) if message.get("id") == request)

    @property
    def picture(self) -> Message:
        """The newest durable picture."""
        picture: Message = self.widget.picture.get("picture", {})
        return picture


class Shell:
    """IPython's state of the running cell."""

    def __init__(self, *, subshell: str | None = None) -> None:
        self.execution_count = 1
        self.subshell = subshell
        self.kernel = self
        self.allow_stdin = True

    def get_parent(self) -> Message:
        return {"header": {"subshell_id": self.subshell}, "content": {"allow_stdin": self.allow_stdin}}


def showing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Page]]:
    """Make widgets and close them after the test."""
    monkeypatch.setattr(comm, "create_comm", Comm)
    made: list[ConsoleWidget] = []

    def show(*arguments: Any, **options: Any) -> Page:
        made.append(ConsoleWidget(*arguments, **options))
        return Page(made[-1])

    yield show
    for widget in made:
        widget.stop()
        widget.close()
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("runconsole")] == []
