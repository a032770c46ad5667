"""Pages in place of a handshake, and errors of old servers, are reported as such."""

from __future__ import annotations

import pytest

from runconsole.errors import LinkLost
from runconsole.transports.socketio.transport import SocketIoTransport
from runconsole.transports.websocket import WebSocketTransport
from tests.servers.other_servers import tcp_server

SIGN_IN = "<html><title>Corp SSO</title><form>Log in <input type=password></form></html>"


def answer(status: str, body: str = "", kind: str = "text/html; charset=utf-8", version: str = "1.1") -> bytes:
    return f"HTTP/{version} {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


async def lost(reply: bytes, *, by_socketio: bool = False) -> LinkLost:
    with tcp_server(reply) as port:
        url = f"://localhost:{port}/ws"
        transport = SocketIoTransport("http" + url) if by_socketio else WebSocketTransport("ws" + url)
        with pytest.raises(LinkLost) as caught:
            await transport.connect().__aenter__()
    return caught.value


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (
            answer("200 OK", SIGN_IN),
            "got a sign-in page (HTTP 200): sign in there with a browser and pass what it gives",
        ),
        (answer("200 OK", "<html>Our app</html>"), "got a web page, perhaps one to sign in (HTTP 200)"),
        (answer("203 Transformed", SIGN_IN), "got a sign-in page (HTTP 203)"),
        (
            answer("511 Network Authentication Required", SIGN_IN),
            "wants you to sign in before it lets anything through",
        ),
    ],
)
async def test_a_page_in_place_of_the_handshake_is_reported(reply: bytes, words: str) -> None:
    error = await lost(reply)
    assert words in str(error)
    assert "localhost:" in str(error)
    assert not error.fatal
    by_socketio = await lost(reply, by_socketio=True)
    assert "sign in" in str(by_socketio)
    assert not by_socketio.fatal


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("404 File not found", "expected a WebSocket endpoint at localhost:"),
        ("404", "got HTTP 404 Not Found"),
        ("503 Busy", "answered HTTP 503 Service Unavailable: the server is not ready"),
        ("401 Unauthorized", "refused us with HTTP 401 Unauthorized: pass a valid token="),
    ],
)
async def test_an_error_of_an_old_server_is_reported_as_it_is(status: str, words: str, version: str) -> None:
    assert words in str(await lost(answer(status, "no", "text/plain", version)))


async def test_an_old_server_cannot_shake_hands() -> None:
    error = await lost(b"HTTP/1.0 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
    assert "expected a WebSocket server at localhost:" in str(error)


async def test_an_answer_cut_within_its_headers_is_reported() -> None:
    assert "expected a WebSocket server at" in str(await lost(b"HTTP/1.0 404 Not Found\r\nContent-Ty"))
