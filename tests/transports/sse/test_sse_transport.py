"""Streams of events over HTTP on real sockets: each failure is one clear sentence, and one verdict on a new attempt."""

from __future__ import annotations

import asyncio
import logging
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from runconsole.errors import LinkLost
from runconsole.transports.sse.transport import BROKEN, ENDED, OPENED, REFUSED, SseTransport
from tests.servers.other_servers import ECHO, closed_port, http, tcp_server
from tests.servers.proxies import HttpProxy, proxied
from tests.servers.sse_server import STREAM, Exchange, SseServer, events, sse_server

PEM = Path(__file__).parents[2] / "servers" / "localhost.pem"
SECRET = "s3cret-value"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ws", "wss", "http", "https", "socks", "all", "no"):
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name.upper()}_PROXY", raising=False)


def answers(data: bytes) -> Any:
    return lambda exchange: exchange.write(data)


def stream(*messages: Any) -> bytes:
    return STREAM + events(*messages)


async def lost(url: str, **options: Any) -> LinkLost:
    """Return the failure of connecting (or else of sending and receiving)."""
    with pytest.raises(LinkLost) as caught:  # noqa: PT012 - whichever comes first
        async with SseTransport(url, **options).connect() as connection:
            if options.get("method") == "POST":
                await connection.send("{}")
            while True:
                await connection.receive()
    sentence = str(caught.value)
    assert SECRET not in sentence
    assert "\n" not in sentence
    return caught.value


def waits(exchange: Exchange) -> None:
    exchange.open(1)
    exchange.wait_closed()


async def end_of(connection: Any, frames: list[str]) -> LinkLost:
    """Collect the frames to the end of a connection; return how it ended."""
    try:
        while True:
            frames += await connection.receive()
    except LinkLost as lost:
        return lost


async def next_frame(connection: Any) -> str:
    """Return the one frame that comes next."""
    [frame] = await connection.receive()
    return str(frame)


async def frames_until(connection: Any, last: str) -> list[str]:
    frames: list[str] = []
    while not frames or not str(frames[-1]).startswith(last):
        frames += await connection.receive()
    return frames


# ---- GET ------------------------------------------------------------------------------------------------------------


async def test_a_stream_is_read_to_its_end() -> None:
    with sse_server(answers(STREAM + b": hello\n\ndata: a\n\nevent: e\ndata: b\ndata: c\n\ndata: cut")) as server:
        async with SseTransport(server.url, headers={"X-Mine": "yes"}).connect() as connection:
            frames: list[str] = []
            ended = await end_of(connection, frames)
    assert frames == ["a", "b\nc", "cut"]
    assert ended.orderly
    asked = server.asked[0]
    assert asked.line == "GET /agent HTTP/1.1"
    assert asked.headers["accept"] == "text/event-stream"
    assert asked.headers["x-mine"] == "yes"
    assert "last-event-id" not in asked.headers


async def test_the_next_connection_resumes_behind_the_last_event() -> None:
    with sse_server(answers(STREAM + b"id: 7\ndata: a\n\nid: 8\ndata: cut"), answers(STREAM)) as server:
        transport = SseTransport(server.url)
        for _ in range(3):
            async with transport.connect() as connection:
                await end_of(connection, [])
    assert [asked.headers.get("last-event-id") for asked in server.asked] == [None, "7", "7"]


async def test_a_stream_that_breaks_is_no_orderly_end() -> None:
    def breaks(exchange: Exchange) -> None:
        exchange.write(STREAM.replace(b"Connection: close", b"Content-Length: 1000") + events(1))

    with sse_server(breaks) as server:
        error = await lost(server.url)
    assert "broke without an end" in str(error)
    assert (error.orderly, error.fatal) == (False, False)


async def test_a_silent_stream_is_dead_after_the_given_time() -> None:
    with sse_server(waits) as server:
        error = await lost(server.url, silence=0.2)
    assert "sent nothing for 0.2 s: the connection was dead" in str(error)


async def test_leaving_closes_the_connection_at_once() -> None:
    with sse_server(waits) as server:
        async with SseTransport(server.url).connect() as connection:
            assert await connection.receive() == ["1"]
            reading = asyncio.create_task(connection.receive())
            await asyncio.sleep(0)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        assert await asyncio.to_thread(server.exchanges.get().closed.wait, 10)


async def test_a_message_of_five_megabytes_arrives() -> None:
    text = "x" * 5_000_000
    with sse_server(answers(stream(text))) as server:
        async with SseTransport(server.url).connect() as connection:
            assert await connection.receive() == [f'"{text}"']


async def test_nothing_is_sent_into_a_stream_that_only_reads() -> None:
    with sse_server(answers(stream(1))) as server:
        async with SseTransport(server.url).connect() as connection:
            with pytest.raises(LinkLost, match="only reads"):
                await connection.send("hello")


# ---- POST -----------------------------------------------------------------------------------------------------------


async def test_each_post_has_a_stream_of_its_own() -> None:
    with sse_server(answers(stream(1, 2)), answers(stream(3))) as server:
        async with SseTransport(server.url, method="POST").connect() as connection:
            assert server.asked == []
            await connection.send('{"n":1}')
            assert await frames_until(connection, ENDED) == [OPENED, "1", "2", ENDED]
            await connection.send('{"n":2}')
            assert await frames_until(connection, ENDED) == [OPENED, "3", ENDED]
    assert [asked.json for asked in server.asked] == [{"n": 1}, {"n": 2}]
    assert server.asked[0].headers["content-type"] == "application/json"


async def test_a_response_that_goes_on_is_broken_off_for_the_next_request() -> None:
    with sse_server(waits, answers(stream(2))) as server:
        async with SseTransport(server.url, method="POST").connect() as connection:
            await connection.send("{}")
            assert await frames_until(connection, "1") == [OPENED, "1"]
            await connection.send("{}")
            assert await frames_until(connection, "2") == [ENDED, OPENED, "2"]
        assert await asyncio.to_thread(server.exchanges.get().closed.wait, 10)


async def test_a_post_that_breaks_says_so_in_a_frame_and_is_not_repeated() -> None:
    with sse_server(Exchange.reset) as server:
        async with SseTransport(server.url, method="POST").connect() as connection:
            await connection.send("{}")
            frame = await next_frame(connection)
            assert frame.startswith(BROKEN)
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [500, 502, 504])
async def test_a_post_that_may_have_counted_is_broken(status: int) -> None:
    with sse_server(answers(http(f"{status} X"))) as server:
        async with SseTransport(server.url, method="POST").connect() as connection:
            await connection.send("{}")
            frame = await next_frame(connection)
    assert frame.startswith(f"{BROKEN}127.0.0.1:{server.port} answered HTTP {status}")


async def test_a_later_post_that_is_not_taken_leaves_the_connection() -> None:
    refusal = answers(http("422 X", '{"detail": [{"loc": ["body", "resume"], "msg": "unknown interrupt"}]}'))
    with sse_server(answers(stream(1)), refusal, answers(stream(2))) as server:
        async with SseTransport(server.url, method="POST").connect() as connection:
            await connection.send("{}")
            await frames_until(connection, ENDED)
            await connection.send("{}")
            frame = await next_frame(connection)
            assert frame.startswith(REFUSED)
            assert "(body.resume: unknown interrupt)" in frame
            await connection.send("{}")
            assert await frames_until(connection, ENDED) == [OPENED, "2", ENDED]


async def test_leaving_breaks_off_a_post() -> None:
    with sse_server(waits) as server:
        async with SseTransport(server.url, method="POST").connect() as connection:
            await connection.send("{}")
            await frames_until(connection, "1")
        assert await asyncio.to_thread(server.exchanges.get().closed.wait, 10)


# ---- what is no stream ----------------------------------------------------------------------------------------------

HTML = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<html>Please log in</html>"


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("answer", "words", "verdict"),
    [
        (
            http("401 Unauthorized", f'{{"detail": "bad {SECRET}"}}'),
            "refused us with HTTP 401 Unauthorized (bad",
            "fatal",
        ),
        (http("403 Forbidden"), "refused us with HTTP 403 Forbidden (hello): pass a valid token=", "fatal"),
        (
            http("404 Not Found", '{"message": "no agent"}'),
            "got HTTP 404 Not Found (no agent): check the path",
            "doubt",
        ),
        (http("405 Method Not Allowed", "<p>no</p>"), "got HTTP 405 Method Not Allowed: check the path", "fatal"),
        (http("422 X", '{"error": {"message": "no id"}}'), "does not take the request (HTTP 422", "fatal"),
        (http("429 X"), "answered HTTP 429 Too Many Requests (hello): the server is not ready", "retry"),
        (http("503 X", ""), "answered HTTP 503 Service Unavailable: the server is not ready", "retry"),
        (HTML.encode(), "expected an agent at 127.0.0.1", {"GET": "doubt", "POST": "fatal"}),
        (http("200 OK", "{}"), "got a response of no type: check the path", {"GET": "doubt", "POST": "fatal"}),
        (http("204 No Content", ""), "nothing to stream (HTTP 204", "fatal"),
    ],
)
async def test_a_response_that_is_no_stream_is_explained(method: str, answer: bytes, words: str, verdict: Any) -> None:
    with sse_server(answers(answer)) as server:
        options = {"wanted": "an agent", "hide": lambda text: text.replace(SECRET, "***")}
        error = await lost(f"{server.url}?token={SECRET}", method=method, headers={"X-Key": SECRET}, **options)
    assert words in str(error)
    assert error.policy.first == (verdict if isinstance(verdict, str) else verdict[method])


@pytest.mark.parametrize(
    ("answer", "words"),
    [(ECHO, "expected a stream of server-sent events at"), (b"SSH-2.0-OpenSSH_9.2\r\n", "got something else")],
    ids=["echo", "ssh"],
)
async def test_a_server_of_another_kind_is_said_to_be_one(answer: bytes, words: str) -> None:
    with tcp_server(answer) as port:
        error = await lost(f"http://localhost:{port}/?token={SECRET}")
    assert words in str(error)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_port_where_nobody_listens_is_a_refused_connection(method: str) -> None:
    with closed_port() as port:
        error = await lost(f"http://localhost:{port}/?token={SECRET}", method=method)
    assert str(error) == f"nothing listens at localhost:{port} (connection refused): start the server or check the port"
    assert error.policy.first == "retry"


async def test_a_host_that_has_no_address_is_said_to_have_none() -> None:
    error = await lost(f"http://no-such-host.invalid/?token={SECRET}")
    assert "cannot be resolved: check its spelling" in str(error)


# ---- redirects ------------------------------------------------------------------------------------------------------


def moved(location: str, status: str = "307 Temporary Redirect") -> Any:
    return answers(http(f"{status}\r\nLocation: {location}", ""))


@pytest.mark.parametrize("status", ["301 X", "302 X", "307 X", "308 X"])
async def test_a_redirect_within_the_server_is_followed_with_the_request(status: str) -> None:
    with sse_server(moved("/agent/", status), answers(stream(1))) as server:
        async with SseTransport(server.url, method="POST", headers={"X-Key": SECRET}).connect() as connection:
            await connection.send('{"n":1}')
            assert await frames_until(connection, ENDED) == [OPENED, "1", ENDED]
    assert server.asked[1].line == "POST /agent/ HTTP/1.1"
    assert server.asked[1].json == {"n": 1}
    assert server.asked[1].headers["x-key"] == SECRET


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_redirect_to_another_server_gets_nothing_of_ours(method: str) -> None:
    with sse_server(answers(stream(1))) as other, sse_server(moved(f"{other.url}?token={SECRET}")) as server:
        error = await lost(server.url, method=method, headers={"X-Key": SECRET})
    assert f"redirects to another server, http://127.0.0.1:{other.port}/agent" in str(error)
    assert other.asked == []


async def test_a_circle_of_redirects_ends() -> None:
    with sse_server(moved("/agent")) as server:
        error = await lost(server.url)
    assert "redirects in a circle" in str(error)
    assert len(server.asked) == 5


# ---- TLS and proxies ------------------------------------------------------------------------------------------------


@contextmanager
def tls_server() -> Iterator[SseServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)
    with sse_server(answers(stream(1)), tls=context) as server:
        yield server


async def test_an_untrusted_certificate_is_reported_with_advice() -> None:
    with tls_server() as server:
        error = await lost(f"https://localhost:{server.port}/")
    assert "is not trusted (self" in str(error)
    assert "pass ssl= with a context or the path of its CA" in str(error)
    assert error.fatal


async def test_a_certificate_of_a_given_private_ca_is_accepted() -> None:
    with tls_server() as server:
        context = ssl.create_default_context(cafile=str(PEM))
        async with SseTransport(f"https://localhost:{server.port}/", ssl=context).connect() as connection:
            assert await connection.receive() == ["1"]


async def test_tls_to_a_server_without_it_says_so() -> None:
    with tcp_server(http("400 Bad Request")) as port:
        error = await lost(f"https://localhost:{port}/")
    assert "use http:// instead of https://" in str(error)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 407 X\r\nContent-Length: 0\r\n\r\n", "wants a user and password (HTTP 407"),
        (b"HTTP/1.1 407 X\r\nContent-Length: 0\r\n\r\n", "wants a user and password it accepts (HTTP 407"),
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_refuses_is_named(
    monkeypatch: pytest.MonkeyPatch, scheme: str, answer: bytes, words: str
) -> None:
    user = f"me:{SECRET}@" if "accepts" in words else ""
    with proxied(HttpProxy, answer=answer) as (port, heads):
        monkeypatch.setenv("https_proxy", f"http://{user}127.0.0.1:{port}")
        error = await lost(f"{scheme}://runs.invalid/agent")
    assert f"the proxy http://127.0.0.1:{port} {words}" in str(error)
    assert heads


async def test_a_proxy_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with closed_port() as port:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        error = await lost("http://runs.invalid/agent")
    assert f"the proxy http://127.0.0.1:{port} is not there (connection refused)" in str(error)


# ---- the library ----------------------------------------------------------------------------------------------------


async def test_a_missing_client_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx2", None)
    for name in ("requests", "errors"):
        monkeypatch.delitem(sys.modules, f"runconsole.transports.sse.{name}", raising=False)
    error = await lost("http://localhost:1")
    assert str(error) == 'expected the HTTP client httpx2, which is not installed: pip install "runconsole[agents]"'
    assert error.fatal


def test_the_client_loads_when_it_is_first_used() -> None:
    code = "import sys, runconsole.transports.sse.transport; sys.exit('httpx2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


async def test_nothing_logs_an_address_or_a_header(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with sse_server(answers(stream(1))) as server:
        transport = SseTransport(f"{server.url}?token={SECRET}", headers={"Authorization": f"Bearer {SECRET}"})
        async with transport.connect() as connection:
            await connection.receive()
    assert SECRET not in caplog.text
    assert SECRET not in repr(transport.__dict__)
