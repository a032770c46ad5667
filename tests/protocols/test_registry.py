"""The registry of protocols, and the handshake of given options, seen by a real server."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from websockets.sync.server import ServerConnection, serve

from runconsole import Console
from runconsole.errors import LinkLost
from runconsole.options import check
from runconsole.protocols.registry import resolve
from tests.console.test_console import END
from tests.servers.json_server import JsonServer, closes, does, eventually, says

if TYPE_CHECKING:
    from websockets.datastructures import Headers

USER, PASSWORD, TOKEN = "me", "pw-s3cret", "t0ken-s3cret"
BASIC = f"Basic {b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"
BEARER = f"Bearer {TOKEN}"


class Doorman:
    """A server that accepts every client and closes at once."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.handshakes: list[tuple[str, Headers]] = []

    def greet(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.handshakes.append((connection.request.path, connection.request.headers))


@pytest.fixture
def doorman() -> Iterator[Doorman]:
    host = Doorman("")
    with serve(host.greet, "localhost", 0) as server:
        host.host = f"localhost:{server.socket.getsockname()[1]}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield host
        server.shutdown()
        thread.join()


def handshake(doorman: Doorman, url: str, **options: Any) -> tuple[str, Headers]:
    """Connect once; return the path and the headers that the server saw."""
    checked = check({"url": url, **options})
    transport = resolve(checked, checked.inferred_protocol()).transport

    async def connect() -> None:
        async with asyncio.timeout(20), transport.connect() as connection:
            await connection.receive()

    with pytest.raises(LinkLost) as caught:
        asyncio.run(connect())
    assert not any(secret in str(caught.value) for secret in (PASSWORD, TOKEN, BASIC))
    eventually(lambda: doorman.handshakes)
    return doorman.handshakes[-1]


@pytest.mark.parametrize(
    ("user", "options", "signed"),
    [
        ("", {}, []),
        ("", {"token": TOKEN}, [BEARER]),
        (f"{USER}:{PASSWORD}@", {}, [BASIC]),
        (f"{USER}:{PASSWORD}@", {"token": TOKEN}, [BEARER]),
        (f"{USER}:{PASSWORD}@", {"token": TOKEN, "auth": "query"}, [BASIC]),
        (f"{USER}:{PASSWORD}@", {"token": TOKEN, "auth": "message"}, [BASIC]),
        (f"{USER}:{PASSWORD}@", {"headers": {"X-Team": "a"}}, [BASIC]),
        (f"{USER}:{PASSWORD}@", {"headers": {"Authorization": "Key mine"}}, ["Key mine"]),
        (f"{USER}:{PASSWORD}@", {"headers": {"authorization": "Key mine"}, "token": TOKEN}, ["Key mine"]),
    ],
)
def test_a_handshake_signs_in_once_and_what_is_explicit_counts(
    doorman: Doorman, user: str, options: dict[str, Any], signed: list[str]
) -> None:
    path, headers = handshake(doorman, f"ws://{user}{doorman.host}/ws?room=7", **options)
    assert headers.get_all("Authorization") == signed
    assert path.startswith("/ws?room=7")
    assert headers["Host"] == doorman.host
    assert headers.get("X-Team") == options.get("headers", {}).get("X-Team")


@pytest.mark.parametrize(
    ("options", "signed"),
    [({}, [BASIC]), ({"token": TOKEN}, [BASIC]), ({"headers": {"authorization": "Key mine"}}, ["Key mine"])],
)
def test_a_socketio_handshake_signs_in_once_too(doorman: Doorman, options: dict[str, Any], signed: list[str]) -> None:
    path, headers = handshake(doorman, f"http://{USER}:{PASSWORD}@{doorman.host}", **options)
    assert headers.get_all("Authorization") == signed
    assert path.startswith("/socket.io/")
    assert TOKEN not in path


def test_protocols_load_when_they_are_first_used() -> None:
    code = (
        "import sys, runconsole; from runconsole.options import check;"
        "check({'url': 'ws://h/trpc'}); check({'url': 'http://h'});"
        "print(*(name for name in sys.modules if name.startswith('runconsole.protocols') and name.endswith('.wire')))"
    )
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=50)
    assert ran.stdout.split() == []


def test_neither_the_user_nor_the_token_is_seen_anywhere_else(tmp_path: Path) -> None:
    refuses = does(says(END.replace("success", f"{PASSWORD} {TOKEN}")), closes(4001, f"bad token {TOKEN}"))
    path = tmp_path / "run.jsonl"
    with JsonServer(refuses) as server:
        url = server.url.replace("//", f"//{USER}:{PASSWORD}@")
        with Console(url, token=TOKEN, record=path) as it:
            eventually(lambda: it.status in {"failed", "ended"})
            seen = [repr(it), str(it), it.links.to_string(), str(it.summary), repr(it._engine.options), it.address]
    seen.append(path.read_text())
    assert not [text for text in seen for secret in (PASSWORD, TOKEN) if secret in text]
