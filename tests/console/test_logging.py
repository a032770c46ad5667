"""The log under the name `runconsole`: the link's changes and each frame by its size, never by its words."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from runconsole import Console
from tests.servers.json_server import JsonServer, closes, does, eventually, in_turn, says
from tests.support.folding import task

if TYPE_CHECKING:
    import pytest

SECRET = "Zq7+pW/4xV=kT9~mB2&cD"
STARTED = task("task.started", taskId="t", name="a private name")


def test_connects_retries_and_frames_are_logged_at_debug(caplog: pytest.LogCaptureFixture) -> None:
    script = in_turn(does(says(STARTED), closes(1011, f"no {SECRET}")), says(STARTED.replace('"t"', '"u"')))
    with (
        caplog.at_level(logging.DEBUG, "runconsole"),
        JsonServer(script) as server,
        Console(server.url, token=SECRET, task="t") as console,
    ):
        eventually(lambda: console.status == "live" and len(server.peers) > 1, "a second connection")
    own = [record.getMessage() for record in caplog.records if record.name.startswith("runconsole")]
    assert any(line.startswith("link connecting") for line in own)
    assert any(line.startswith("link retrying, failures in a row: 1, next attempt in ") for line in own)
    received = [line for line in own if line.startswith(f"received a frame of {len(STARTED)} characters: ")]
    assert received[0].endswith("'task.started'")
    assert any(line.startswith("sent a frame of ") for line in own)
    assert SECRET not in "\n".join(own)
    assert any("no ***" in line for line in own)
    assert "a private name" not in "\n".join(own)


def test_a_type_that_holds_a_secret_is_logged_without_it(caplog: pytest.LogCaptureFixture) -> None:
    with (
        caplog.at_level(logging.DEBUG, "runconsole"),
        JsonServer(says({"type": f"odd\n{SECRET}", "payload": {}})) as server,
        Console(server.url, token=SECRET) as console,
    ):
        eventually(lambda: len(console.events) == 1)
    assert SECRET not in caplog.text
    assert r"'odd\n***'" in caplog.text


def test_nothing_is_logged_by_default(caplog: pytest.LogCaptureFixture) -> None:
    with JsonServer(says(STARTED)) as server, Console(server.url) as console:
        eventually(lambda: len(console.tasks) == 1)
    assert [record for record in caplog.records if record.name.startswith("runconsole")] == []
