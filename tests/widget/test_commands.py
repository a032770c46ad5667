"""Commands for tasks from the page: sent over the link, answered after the server's answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.servers.json_server import JsonServer, eventually
from tests.servers.node import TrpcServer
from tests.support.folding import task
from tests.support.page import Page, showing

shows = pytest.fixture(showing)


def started(task_id: str) -> dict[str, Any]:
    return {"type": "task.started", "payload": {"taskId": task_id}, "timestamp": "2026-01-01T00:00:00Z"}


def test_a_command_reaches_the_server_and_its_answer_the_page(shows: Callable[..., Page]) -> None:
    server = TrpcServer()
    try:
        page = shows(server.url, protocol="trpc")
        eventually(lambda: server.log()["subscriptions"])
        server.emit(started("t1"), started("missing-2"))
        eventually(lambda: len(page.widget.tasks) == 2)
        eventually(lambda: page.picture["head"]["commands"] == ["cancel", "pause", "resume", "retry"])
        page.send(kind="command", id="c1", task="0", command="pause")
        assert page.answer("c1")["ok"]
        page.send(kind="command", id="c2", task="1", command="cancel")
        assert "Task not found" in page.answer("c2")["error"]
        assert [entry["path"] for entry in server.log()["mutations"]] == ["tasks.pause"]
    finally:
        server.kill()


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"task": "0", "command": "cancel"}, "no live link that takes 'cancel'"),
        ({"task": "7", "command": "cancel"}, "expected the key of a task's row, got '7'"),
        ({"command": "cancel"}, "expected the key of a task's row"),
    ],
)
def test_a_command_that_cannot_be_given_is_refused_in_words(
    shows: Callable[..., Page], message: dict[str, Any], words: str
) -> None:
    with JsonServer([task("task.started")]) as server:
        page = shows(server.url)
        eventually(lambda: len(page.widget.tasks) == 1)
        page.send(kind="command", id="c1", **message)
        assert words in page.answer("c1")["error"]
