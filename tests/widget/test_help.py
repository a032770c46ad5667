"""The help of a notebook while typing: completion and the signature, asked of a real kernel."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel

WIDGET = """
from runconsole import Console, ConsoleWidget
c = Console("ws://127.0.0.1:9/ws", start=False)
w = ConsoleWidget("ws://127.0.0.1:9/ws", start=False, display=False)
"""


@pytest.fixture(scope="module")
def kernel() -> Iterator[Any]:
    manager, client = start_new_kernel(startup_timeout=120)
    try:
        assert client.execute_interactive(WIDGET, timeout=120)["content"]["status"] == "ok"
        yield client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def completed(kernel: Any, code: str) -> list[str]:
    reply = kernel.complete(code, len(code), reply=True, timeout=120)
    return [match.rpartition(".")[2] for match in reply["content"]["matches"]]


def inspected(kernel: Any, code: str) -> str:
    """Return the text of Shift-Tab, without its colors."""
    reply = kernel.inspect(code, len(code), reply=True, timeout=120)
    return re.sub(r"\x1b\[[0-9;]*m", "", reply["content"]["data"].get("text/plain", ""))


def test_the_frames_and_methods_of_a_widget_are_completed(kernel: Any) -> None:
    assert {"table", "tasks"} <= set(completed(kernel, "w.ta"))
    assert set(completed(kernel, "c.ta")) == {"table", "tasks"}
    assert {"completed_tasks"} <= set(completed(kernel, "w.run.comp"))
    assert {"columns"} <= set(completed(kernel, "w.tasks.col"))
    assert {"decide", "decisions"} <= set(completed(kernel, "w.dec"))


def test_the_signature_names_every_option_with_its_type(kernel: Any) -> None:
    text = inspected(kernel, "ConsoleWidget(")
    for words in ("token: 'str | None' = None", "height: 'int' = 600", "on_checkpoint: ", "start: 'bool' = True"):
        assert words in text


def test_a_method_shows_its_own_signature_and_help(kernel: Any) -> None:
    text = inspected(kernel, "w.decide")
    assert "feedback: 'str | None' = None" in text
    assert "Answer a checkpoint" in text
