"""The server of a panel's page: on this machine alone, for whoever has its address with the random token in it."""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from runconsole.browser.bridge import Bridge
from runconsole.console import Console
from runconsole.listening import stop_accepting
from runconsole.onefile.page import live_page

__all__ = ["PanelServer"]

HOST: Final = "127.0.0.1"
_NAMES = (HOST, "localhost")
_TEXT = "text/plain; charset=utf-8"
_LARGEST = 1_000_000
"""Bytes of a message of a page: an answer with its modifications."""
_ASKING = "runconsole: this page needs the address that `runconsole open` printed.\n"


class PanelServer:
    """Serves the panel of one console to any number of pages.

    Every request must name this server (`Host`), and every socket must come from one of its own pages (`Origin`): a
    page of the web can then neither read nor answer anything. The token in the path keeps other users of the machine
    out.

    Args:
        console: the shown console.
        port: 0 takes a free one.
    """

    def __init__(self, console: Console, *, port: int = 0) -> None:
        self._console = console
        self._port = port
        self._token = secrets.token_urlsafe(32)
        self._pages: set[ServerConnection] = set()
        self._policy_page: tuple[str, bytes] | None = None

    @property
    def url(self) -> str:
        """The address of the page, while it is served."""
        return f"http://{HOST}:{self._port}/{self._token}/"

    async def serve(self, ready: Callable[[str], object]) -> None:
        """Serve until cancelled; `ready` gets the address. Raises OSError if the port cannot be listened on."""
        loop = asyncio.get_running_loop()
        bridge = Bridge(self._console, lambda text: _call(loop, self._tell, text))
        self._receive = bridge.receive
        try:
            async with serve(
                self._talk,
                HOST,
                self._port,
                process_request=self._respond,
                max_size=_LARGEST,
                server_header=None,
                compression=None,
            ) as server:
                self._port = next(iter(server.sockets)).getsockname()[1]
                ready(self.url)
                try:
                    await asyncio.Future()
                finally:
                    await stop_accepting(server)
        finally:
            bridge.close()

    def _tell(self, text: str) -> None:
        broadcast(self._pages, text)

    async def _talk(self, page: ServerConnection) -> None:
        self._pages.add(page)
        try:
            async for message in page:
                if isinstance(message, str):
                    self._receive(message)
        except ConnectionClosed:
            pass
        finally:
            self._pages.discard(page)

    def _respond(self, _page: ServerConnection, request: Request) -> Response | None:
        """Return the answer to a request; None for a socket of one of our pages."""
        path, _, rest = request.path.lstrip("/").partition("/")
        if not self._is_ours(request.headers):
            return _answer(HTTPStatus.MISDIRECTED_REQUEST, _TEXT, b"runconsole: this server has another name.\n")
        if not hmac.compare_digest(path.encode(), self._token.encode()):
            return _answer(HTTPStatus.FORBIDDEN, _TEXT, _ASKING.encode())
        if rest == "socket":
            origin = request.headers.get_all("Origin")
            if [host for host in _NAMES if origin == [f"http://{host}:{self._port}"]]:
                return None
            return _answer(HTTPStatus.FORBIDDEN, _TEXT, b"runconsole: this socket is for the panel's own page.\n")
        if rest:
            return _answer(HTTPStatus.NOT_FOUND, _TEXT, b"runconsole: there is nothing here.\n")
        policy, content = self._page()
        return _answer(HTTPStatus.OK, "text/html; charset=utf-8", content, policy)

    def _is_ours(self, headers: Headers) -> bool:
        return headers.get_all("Host") in [[f"{host}:{self._port}"] for host in _NAMES]

    def _page(self) -> tuple[str, bytes]:
        if self._policy_page is None:
            sources = [f"ws://{host}:{self._port}" for host in _NAMES]
            self._policy_page = live_page("runconsole", sources)
        return self._policy_page


def _answer(status: HTTPStatus, kind: str, content: bytes, policy: str = "default-src 'none'") -> Response:
    headers = Headers(
        [
            ("Content-Type", kind),
            ("Content-Length", str(len(content))),
            ("Content-Security-Policy", f"{policy}; frame-ancestors 'none'"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
            ("Cache-Control", "no-store"),
            ("Connection", "close"),
        ]
    )
    return Response(status.value, status.phrase, headers, content)


def _call(loop: asyncio.AbstractEventLoop, function: Callable[[str], object], text: str) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(function, text)
