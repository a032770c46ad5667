"""Proxies of companies: found as curl finds them, used, and named if they refuse us."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from runconsole.errors import LinkLost
from runconsole.transports.proxies import proxy_for
from runconsole.transports.socketio.transport import SocketIoTransport
from runconsole.transports.websocket import WebSocketTransport
from tests.servers.json_server import JsonServer
from tests.servers.other_servers import closed_port, tcp_server
from tests.servers.proxies import HttpProxy, SocksProxy, proxied

SECRET = "s3cret"
REMOTE = "ws://runs.invalid:8000/ws"
WIRES: list[Callable[[], Any]] = [
    lambda: WebSocketTransport(REMOTE),
    lambda: SocketIoTransport("http://runs.invalid:8000"),
]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ws", "wss", "http", "https", "socks", "all", "no"):
        for spelling in (name, name.upper()):
            monkeypatch.delenv(f"{spelling}_proxy", raising=False)
            monkeypatch.delenv(f"{spelling}_PROXY", raising=False)


async def lost(transport: Any) -> LinkLost:
    with pytest.raises(LinkLost) as caught:
        async with transport.connect():
            pass
    assert SECRET not in str(caught.value)
    return caught.value


# ---- which one ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "url", "shown"),
    [
        ("http_proxy", "127.0.0.1:3128", "ws://h/ws", "http://127.0.0.1:3128"),
        ("HTTPS_PROXY", "proxy.corp:3128", "wss://h/ws", "http://proxy.corp:3128"),
        ("https_proxy", "http://proxy.corp", "https://h", "http://proxy.corp:80"),
        ("http_proxy", "http://user:s3cret@proxy.corp:1/path?x", "http://h", "http://proxy.corp:1"),
        ("http_proxy", "user@proxy.corp:1", "http://h", "http://proxy.corp:1"),
        ("http_proxy", "user:p@ss@proxy.corp:1", "http://h", "http://proxy.corp:1"),
        ("http_proxy", "[::1]:3128", "ws://h", "http://[::1]:3128"),
        ("all_proxy", " proxy.corp:8080 ", "wss://h", "http://proxy.corp:8080"),
        ("wss_proxy", "HTTP://one:1", "wss://h", "http://one:1"),
        ("http_proxy", "proxy.corp:1", "wss://h", None),
        ("https_proxy", "proxy.corp:1", "ws://localhost/ws", None),
    ],
)
def test_a_proxy_is_found_as_curl_finds_it(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, url: str, shown: str | None
) -> None:
    monkeypatch.setenv(name, value)
    proxy = proxy_for(url)
    assert (None if proxy is None else proxy.shown) == shown


@pytest.mark.parametrize(
    ("value", "is_used"),
    [
        ("10.1.2.3", False),
        ("10.0.0.0/8", False),
        (" 192.168.0.0/16 , 10.1.2.0/24", False),
        ("10.1.2.3:9000", False),
        ("10.2.0.0/16", True),
        ("*", False),
        ("example.com", True),
    ],
)
def test_no_proxy_names_hosts_and_networks(monkeypatch: pytest.MonkeyPatch, value: str, *, is_used: bool) -> None:
    monkeypatch.setenv("http_proxy", "proxy.corp:1")
    monkeypatch.setenv("no_proxy", value)
    assert (proxy_for("ws://10.1.2.3:9000/ws") is not None) == is_used


@pytest.mark.parametrize(
    "value", ["ftp://proxy.corp:21", "quic://user:s3cret@proxy", "http://", "http://[::1", "a:b:c"]
)
async def test_an_unusable_proxy_is_reported_in_a_sentence(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("http_proxy", value)
    for transport in WIRES:
        error = await lost(transport())
        assert "expected a proxy like http://host:port or socks5h://host:port in http_proxy, got" in str(error)
        assert error.fatal


# ---- through it -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["127.0.0.1:{}", "http://user:s3cret@127.0.0.1:{}", "http://user@127.0.0.1:{}"])
async def test_an_http_proxy_leads_to_the_server(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    with JsonServer(["hello"]) as server, proxied(HttpProxy, port=server.port) as (port, heads):
        monkeypatch.setenv("http_proxy", given.format(port))
        async with WebSocketTransport(REMOTE).connect() as connection:
            assert await connection.receive() == ["hello"]
    assert heads[0].startswith(b"CONNECT runs.invalid:8000 HTTP/1.1\r\n")
    assert (b"Proxy-Authorization: Basic" in heads[0]) == ("@" in given)


@pytest.mark.parametrize("name", ["all_proxy", "socks_proxy"])
@pytest.mark.parametrize("scheme", ["socks5h://", "socks://", "socks5h://user:s3cret@"])
async def test_a_socks_proxy_leads_to_the_server(monkeypatch: pytest.MonkeyPatch, name: str, scheme: str) -> None:
    pytest.importorskip("python_socks")
    with JsonServer(["hello"]) as server, proxied(SocksProxy, port=server.port) as (port, heads):
        monkeypatch.setenv(name, f"{scheme}127.0.0.1:{port}")
        async with WebSocketTransport(REMOTE).connect() as connection:
            assert await connection.receive() == ["hello"]
    assert heads[-1] == b"runs.invalid"
    assert (b"user:s3cret" in heads) == ("@" in scheme)


async def test_a_socks_proxy_leads_to_a_socketio_server(
    serve_socketio: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("aiohttp_socks")
    server = serve_socketio()
    with proxied(SocksProxy, port=server.port) as (port, heads):
        monkeypatch.setenv("all_proxy", f"socks5h://127.0.0.1:{port}")
        async with SocketIoTransport("http://runs.invalid:8000").connect() as connection:
            assert "connected" in (await connection.receive())[0]
    assert heads == [b"runs.invalid"]


async def test_the_package_that_socks_needs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runconsole.transports.proxies.find_spec", lambda name: None)
    monkeypatch.setenv("all_proxy", "socks5://user:s3cret@proxy.corp")
    for transport in WIRES:
        error = await lost(transport())
        assert str(error) == (
            'the proxy socks5://proxy.corp:1080 speaks SOCKS, which needs python-socks: pip install "runconsole[socks]"'
        )
        assert error.fatal


# ---- not through it -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("transport", WIRES, ids=["websocket", "socketio"])
async def test_an_unreachable_proxy_is_named_not_the_server(
    monkeypatch: pytest.MonkeyPatch, transport: Callable[[], Any]
) -> None:
    with closed_port() as port:
        monkeypatch.setenv("http_proxy", f"http://user:s3cret@127.0.0.1:{port}")
        error = await lost(transport())
    assert str(error) == (
        f"the proxy http://127.0.0.1:{port} is not there (connection refused): check the proxy environment variables,"
        " or no_proxy"
    )
    assert not error.fatal


async def test_a_socks_proxy_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("aiohttp_socks")
    with closed_port() as port:
        monkeypatch.setenv("all_proxy", f"socks5h://127.0.0.1:{port}")
        for transport in WIRES:
            sentence = str(await lost(transport()))
            assert sentence.startswith(f"the proxy socks5h://127.0.0.1:{port} is not there (connection refused)")


@pytest.mark.parametrize("transport", WIRES, ids=["websocket", "socketio"])
async def test_a_proxy_whose_name_cannot_be_resolved_is_named(
    monkeypatch: pytest.MonkeyPatch, transport: Callable[[], Any]
) -> None:
    monkeypatch.setenv("http_proxy", "proxy.invalid:3128")
    assert "the proxy http://proxy.invalid:3128 has a name that cannot be resolved" in str(await lost(transport()))


@pytest.mark.parametrize(
    ("status", "words", "doubtful"),
    [
        ("407 Proxy Authentication Required", "wants a user and password it accepts (HTTP 407", True),
        ("403 Forbidden", "refuses to connect to runs.invalid:8000 (HTTP 403 Forbidden)", True),
        ("502 Bad Gateway", "cannot reach runs.invalid:8000 (HTTP 502 Bad Gateway): is the server up?", False),
        ("999 Odd", "answered with something that is no proxy's answer", False),
    ],
)
async def test_a_proxy_that_refuses_is_named(
    monkeypatch: pytest.MonkeyPatch, status: str, words: str, *, doubtful: bool
) -> None:
    with proxied(HttpProxy, answer=f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode()) as (port, _):
        monkeypatch.setenv("http_proxy", f"user:s3cret@127.0.0.1:{port}")
        error = await lost(WebSocketTransport(REMOTE))
    assert f"the proxy http://127.0.0.1:{port} {words}" in str(error)
    assert (error.fatal, error.doubtful) == (False, doubtful)


async def test_a_proxy_that_wants_a_password_is_named_by_socketio_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with proxied(HttpProxy, answer=b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n") as (port, _):
        for name, scheme in (("http_proxy", "http"), ("https_proxy", "https")):
            monkeypatch.setenv(name, f"127.0.0.1:{port}")
            error = await lost(SocketIoTransport(f"{scheme}://runs.invalid:8000"))
            assert f"the proxy http://127.0.0.1:{port} wants a user and password (HTTP 407" in str(error)


async def test_a_socks_proxy_that_refuses_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("aiohttp_socks")
    with proxied(SocksProxy, reply=5) as (port, _):
        monkeypatch.setenv("all_proxy", f"socks5://user:s3cret@127.0.0.1:{port}")
        for url, kind in (("ws://192.0.2.1:8000/ws", WebSocketTransport), ("http://192.0.2.1:8000", SocketIoTransport)):
            error = await lost(kind(url))
            assert f"the proxy socks5://127.0.0.1:{port} does not connect us to 192.0.2.1:8000 (" in str(error)


async def test_a_faulty_server_behind_a_proxy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with tcp_server(b"SSH-2.0-OpenSSH_9.2\r\n") as target, proxied(HttpProxy, port=target) as (port, _):
        monkeypatch.setenv("http_proxy", f"127.0.0.1:{port}")
        error = await lost(WebSocketTransport(REMOTE))
    assert "expected a WebSocket server at runs.invalid:8000, got something else" in str(error)
