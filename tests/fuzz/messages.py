"""Messages of the page: each is answered, in JSON, and nothing is raised."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import msgspec

from runconsole.widget import ConsoleWidget

__all__ = ["Page", "message"]

_KINDS = ("ready", "snapshot", "decide", "page", "detail", "link", "replay", "command", "other", "", None, 5)
_FIELDS: dict[str, list[Any]] = {
    "id": ["a", 1, None, {}, "\ud800"],
    "table": ["tasks", "events", "checkpoints", "none", 5, None, []],
    "key": ["0", "cp-456", -1, "9" * 400, None, {}, "²"],
    "offset": [0, -5, 10**30, "7", None, 1.5, float("nan"), []],
    "limit": [100, -1, 10**30, "x", None, float("inf")],
    "status": ["running", 5, None, []],
    "search": ["task", "", 5, "\ud800", ["a"]],
    "checkpoint": ["cp-456", "none", 5, None, "\ud800"],
    "answer": [
        *({"option": "approve", "feedback": "fine"}, {"option": 7, "feedback": ["x"]}, None, "x"),
        {"option": "\ud800", "feedback": "\ud83d", "modifications": [float("nan")]},
    ],
    "action": ["reconnect", "play", "seek", "speed", "none", 5, None],
    "value": [0, -1, 1e308, float("nan"), "fast", None, True],
    "have": [-1, 3, "x", None, 10**30],
    "part": [0, -1, "x", None],
    "of": ["cp-456", 5, None],
    "task": ["0", "9", 5, None],
    "command": ["cancel", "none", 5, None],
    "at": [0, "x", None, 1e300, float("nan")],
}


def message(chance: random.Random) -> Any:
    """Return a message as a page might send it, or nothing like one."""
    if chance.random() < 0.05:
        return chance.choice([None, 5, "text", [], {}, {"kind": []}])
    fields = {name: chance.choice(values) for name, values in _FIELDS.items() if chance.random() < 0.6}
    return {"kind": chance.choice(_KINDS), **fields}


class Page:
    """A widget of a recording whose answers are kept instead of sent."""

    def __init__(self, recording: Path) -> None:
        self.widget = ConsoleWidget(str(recording))
        self.widget.send = self._take
        self.largest = 0

    def _take(self, content: Any, *_: Any, **__: Any) -> None:
        self.largest = max(self.largest, len(msgspec.json.encode(content)))

    def check(self, message: Any) -> None:
        """Hand over a message, on this thread. Raises the handler's exceptions."""
        self.widget._on_page_message(self.widget, message, [])

    def close(self) -> None:
        """Take the panel away."""
        self.widget.stop()
        self.widget.close()
