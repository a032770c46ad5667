"""The server of a panel's page: its address, its own pages and nobody else's, and the panel's messages both ways."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from queue import Queue
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from runconsole import Console
from runconsole.browser import PanelServer
from tests.servers.json_server import JsonServer, Peer
from tests.support.folding import task

ASKED = task("task.hitl_required", checkpointId="c", title="Ship it?", options=["approve", "reject"])


@asynccontextmanager
async def served(console: Console) -> AsyncIterator[str]:
    """Serve the panel of a console; give the address of its page."""
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(PanelServer(console).serve(ready.set_result))
    try:
        yield await asyncio.wait_for(ready, 20)
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        console.stop()


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def opened(url: str, **options: Any) -> connect:
    """A page's connection, from the origin of the page."""
    options.setdefault("origin", Origin(origin_of(url)))
    return connect(f"{url.replace('http', 'ws', 1)}socket", proxy=None, **options)


async def received(page: ClientConnection, kind: str) -> dict[str, Any]:
    """Wait for a message of a kind."""
    async with asyncio.timeout(20):
        while True:
            message: dict[str, Any] = json.loads(await page.recv())
            if message["kind"] == kind:
                return message


async def asked(url: str, path: str = "", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Ask for a page; return the status, the headers and the content."""
    parts = urlsplit(url)

    def ask() -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(parts.netloc, timeout=20)
        connection.request("GET", path or parts.path, headers=headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()

    return await asyncio.to_thread(ask)


async def test_the_page_is_there_at_its_address_alone() -> None:
    console = Console("ws://127.0.0.1:9/ws", start=False)
    async with served(console) as url:
        status, headers, content = await asked(url)
        assert status == 200
        assert b'<script type="module">' in content
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        for path in ("/", "/wrong/", "/wrong/socket"):
            assert (await asked(url, path))[0] == 403
        assert (await asked(url, f"{urlsplit(url).path}other"))[0] == 404


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1"])
async def test_a_request_by_another_name_gets_nothing(host: str) -> None:
    async with served(Console("ws://127.0.0.1:9/ws", start=False)) as url:
        named = host.format(port=urlsplit(url).port)
        status, _, content = await asked(url, Host=named)
        assert status == 421
        assert b"<script" not in content
        assert (await asked(url, Host=f"localhost:{urlsplit(url).port}"))[0] == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", None])
async def test_a_socket_of_another_page_is_refused(origin: str | None) -> None:
    async with served(Console("ws://127.0.0.1:9/ws", start=False)) as url:
        with pytest.raises(InvalidStatus) as refused:
            async with opened(url, origin=origin):
                pass
        assert refused.value.response.status_code == 403


async def test_two_pages_show_the_run_and_either_answers() -> None:
    answers: Queue[str] = Queue()

    def asks(peer: Peer) -> None:
        peer.send(ASKED)
        answer = peer.expect(lambda message: message.get("type") == "checkpoint.resolve")
        answers.put(answer["payload"]["decision"])
        peer.send({"type": "ack", "correlationId": answer["correlationId"]})
        peer.expect()

    with JsonServer(asks) as server:
        console = Console(server.url, start=False)
        async with served(console) as url, opened(url) as one, opened(url) as other:
            console.start()
            for page in (one, other):
                await page.send('{"kind": "ready", "have": -1}')
            picture = (await received(one, "snapshot"))["picture"]
            while not picture["checkpoints"]["rows"]:
                await one.send('{"kind": "snapshot", "have": -1}')
                picture = (await received(one, "snapshot"))["picture"]
            press = {"kind": "decide", "id": "p1", "checkpoint": "c", "answer": {"option": "approve"}}
            await other.send(json.dumps(press))
            for page in (one, other):
                assert (await received(page, "answer")) == {"kind": "answer", "id": "p1", "ok": True, "error": None}
            # The page's answer says that the console has taken the press; the server has it later.
            assert await asyncio.to_thread(answers.get, timeout=20) == "approve"
        assert answers.empty()


async def test_nonsense_of_a_page_breaks_nothing() -> None:
    console = Console("ws://127.0.0.1:9/ws", start=False)
    async with served(console) as url, opened(url) as page:
        for text in ("nonsense", "[" * 5000, "7", "null", '{"kind": 5}', '{"kind": "explode", "id": "x"}'):
            await page.send(text)
        await page.send(b"\x00\xff")
        assert "unknown message kind" in (await received(page, "answer"))["error"]
        await page.send('{"kind": "ready", "have": -1}')
        assert (await received(page, "snapshot"))["picture"]["head"]["link"] == "idle"


async def test_a_secret_reaches_no_page() -> None:
    secret = "hunter22-canary"
    with JsonServer([task("task.started", title=f"password {secret}")]) as server:
        console = Console(f"{server.url}?token={secret}", token=secret, start=False)
        async with served(console) as url, opened(url) as page:
            console.start()
            await asyncio.to_thread(server.connected, 1)
            await page.send('{"kind": "ready", "have": -1}')
            text = ""
            while '"total":1' not in text:
                text += json.dumps(json.loads(await page.recv()), separators=(",", ":"))
            assert secret not in text
            assert secret not in (await asked(url))[2].decode()
