"""Protocols of other packages: an installed one is inferred, followed, answered over, recorded and replayed."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from runconsole import Console, InvalidArgument, RecordingError
from runconsole.options import check
from runconsole.protocols import LinkOptions, ProtocolSpec, registry
from runconsole.protocols.json.wire import ChannelWire
from runconsole.recording import Header, encode_line
from tests.support.folding import task

PACKAGE = Path(__file__).parent / "other_package"
TOKEN = "t0ken-s3cret"


class Graphs(ThreadingHTTPServer):
    """A server of runs: each is started by a request, streams its events, and asks one question."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.started: list[str] = []
        self.answers: list[dict[str, object]] = []
        self.tokens: set[str | None] = set()
        self.is_answered = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/sse"


class _Handler(BaseHTTPRequestHandler):
    server: Graphs

    def do_POST(self) -> None:
        self.server.tokens.add(self.headers["Authorization"])
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/sse/runs":
            self.server.started.append(body["graph"])
            self._answer(200, {"run": 7})
        elif self.path == "/sse/runs/7/checkpoints/cp":
            self.server.answers.append(body)
            self._answer(200, {"applied": body["option"]})
            self.server.is_answered.set()
        else:
            self._answer(404, "no such path")

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self._say(task("task.started"), task("task.hitl_required", checkpointId="cp", options=["approve", "reject"]))
        if self.server.is_answered.wait(60):
            self._say(task("checkpoint.resolved", checkpointId="cp", decision="approve"), task("task.completed"))

    def _say(self, *frames: str) -> None:
        for frame in frames:
            self.wfile.write(f"event: message\ndata: {frame}\n\n".encode())

    def _answer(self, status: int, body: object) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def graphs() -> Iterator[Graphs]:
    with Graphs() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def installed(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a process in which the package is installed."""
    info = tmp_path / "site" / "runconsole_sse-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: runconsole-sse\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[runconsole.protocols]\nsse = runconsole_sse:SseProtocol\n")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(info.parent), str(PACKAGE)])}


FOLLOW = """
import sys
import pandas as pd
from runconsole import Console

url, path = sys.argv[1:]
with Console(url, execution="review", token="t0ken-s3cret", record=path) as live:
    assert live.protocol == "sse"
    while not live.pending:
        assert live.wait(0.01) is False
    assert live.decide("cp", "approve", feedback="ship it").state in {"acknowledged", "applied"}
    assert live.wait(50)
with Console(path) as replay:
    pd.testing.assert_frame_equal(replay.events, live.events)
    pd.testing.assert_frame_equal(replay.decisions, live.decisions)
    assert list(replay.tasks["status"]) == ["completed"]
"""


def run(code: str, *arguments: str, env: dict[str, str]) -> None:
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        check=False,
        env=env,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert ran.returncode == 0, ran.stderr


def test_an_installed_protocol_works_from_start_to_replay(
    graphs: Graphs, installed: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "run.jsonl"
    run(FOLLOW, graphs.url, str(path), env=installed)
    assert graphs.started == ["review"]
    assert [(answer["option"], answer["feedback"]) for answer in graphs.answers] == [("approve", "ship it")]
    assert graphs.tokens == {f"Bearer {TOKEN}"}
    header = json.loads(path.read_text().partition("\n")[0])
    assert (header["protocol"], header["protocol_options"]) == ("sse", {"graph": "review"})
    assert TOKEN not in path.read_text()
    with pytest.raises(RecordingError, match=r"expected a recording of a protocol that is installed .*, got .* 'sse'"):
        Console(path)  # here the package is not installed


def test_command_line_offers_installed_protocols(installed: dict[str, str]) -> None:
    shown = subprocess.run(
        [sys.executable, "-c", "from runconsole.cli import main; main()", "watch", "--help"],
        check=False,
        env=installed,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "[json|trpc|socketio|agui|langgraph|sse|replay]" in shown.stdout, shown


def add(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    entry = EntryPoint(name, value, registry.ENTRY_POINTS)
    monkeypatch.setattr(registry, "_others", lambda: {name: entry})


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("no_such_module:Thing", r"cannot load the protocol 'x1' from no_such_module:Thing \(ModuleNotFoundError: .*"),
        ("json:loads", r"expected the protocol 'x1' at json:loads, got .*: a ProtocolSpec of this name belongs there"),
    ],
)
def test_broken_protocol_is_named_and_no_other_is_harmed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, value: str, sentence: str
) -> None:
    add(monkeypatch, "x1", value)
    with pytest.raises(InvalidArgument, match=sentence):
        check({"url": "ws://h/x", "protocol": "x1"})
    with caplog.at_level(logging.WARNING, "runconsole.protocols"):
        assert check({"url": "ws://h/trpc"}).inferred_protocol() == "trpc"
    assert "x1" in caplog.text


class Fragile(ProtocolSpec):
    """A protocol that cannot read a recording without its options."""

    name = "fragile"

    def wire(self, options: LinkOptions) -> ChannelWire:  # noqa: ARG002 - as ProtocolSpec has it
        return ChannelWire()

    def reader(self, known: Mapping[str, Any]) -> ChannelWire:
        return ChannelWire(known["channels"])


def test_an_unreadable_recording_of_a_protocol_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    add(monkeypatch, "fragile", f"{__name__}:Fragile")
    path = tmp_path / "run.jsonl"
    path.write_bytes(encode_line(Header(1, "0", "fragile", "ws://h", "2026-01-01T00:00:00Z")))
    with pytest.raises(RecordingError, match=r"protocol_options that 'fragile' cannot use \(KeyError: "):
        Console(path)


def test_own_protocols_cannot_be_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        registry, "entry_points", lambda group: [EntryPoint("json", "no_such_module:Thing", group)], raising=True
    )
    registry._others.cache_clear()
    try:
        assert registry.names() == ("json", "trpc", "socketio", "agui", "langgraph", "local")
    finally:
        registry._others.cache_clear()
