"""Socket.IO connections by python-socketio's client, and one clear sentence for each way they fail.

A frame is the JSON text of a small array; what is in the innermost array is byte for byte what travels:

    in   ["connected", {"sid": …}, recovered]    first on each connection; whether the server sends all that was missed
         ["event", [name, argument, …]]
         ["ack", id, [value, …]]
    out  ["call", id, [name, argument, …]]       the server is asked to acknowledge it

What is no such packet comes as it is. Binary arguments come as base64 strings.
"""

from __future__ import annotations

import asyncio
import ssl as ssl_module
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from runconsole.errors import LinkLost
from runconsole.reconnect import REFUSED
from runconsole.redaction.secrets import Redactor, Secret, bare
from runconsole.transports.address import hostname
from runconsole.transports.internals import unusable
from runconsole.transports.proxies import proxy_for

if TYPE_CHECKING:
    from runconsole.transports.socketio.client import Client

__all__ = ["SocketIoTransport"]

OPEN_TIMEOUT = 15.0
AUTH_TIMEOUT = 6.0
"""Seconds to wait for an answer to the auth object, where there is another way to sign in."""
HEARTBEAT = 14.0
"""Seconds between two pings. An answer is awaited for half as long: a half-open connection is noticed within 23 s."""

_SECURE = {"https", "wss"}
_PACKAGES = {"socketio", "engineio", "aiohttp"}


class SocketIoTransport:
    """Connects to one Socket.IO server.

    Args:
        url: ``http(s)://`` or ``ws(s)://``, with everything the server needs, secrets included: it is never shown. A
            path says where Socket.IO is mounted; none is ``/socket.io``.
        token: sent as ``{"token": …}`` in the auth object; None sends none.
        spare_headers: sent instead of `headers`, and without the auth object, once the server has not answered to that.
        headers: sent with the handshake.
        ssl: a context for ``https://``; None uses the system's certificates.
        heartbeat: seconds between two pings.
        hide: hides secrets in what the server says; None hides the token.
        open_timeout: seconds to connect in, the server's connect handler included.

    It remembers where a server with connection state recovery left off, so that the next connection goes on from there.
    """

    def __init__(
        self,
        url: str | Secret[str],
        *,
        token: str | Secret[str] | None = None,
        spare_headers: Secret[Mapping[str, str]] | None = None,
        headers: Mapping[str, str] | Secret[Mapping[str, str]] | None = None,
        ssl: ssl_module.SSLContext | None = None,
        heartbeat: float = HEARTBEAT,
        open_timeout: float = OPEN_TIMEOUT,
        hide: Callable[[str], str] | None = None,
    ) -> None:
        self._url = Secret(url)
        self._auth: Secret[dict[str, str]] = Secret({} if token is None else {"token": bare(token)})
        self._spare_headers = spare_headers
        self._hide = hide or Redactor([] if token is None else [token]).hide_said
        self._headers = Secret(dict(bare(headers) or {}))
        self._ssl = ssl
        self._heartbeat = heartbeat
        self._open_timeout = open_timeout
        self._mark: dict[str, str] = {}

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Client]:
        """Connect; leaving the context closes within about a second. Raises LinkLost."""
        client = self._client()
        try:
            try:
                await self._open(client)
            except _Unanswered as unanswered:
                if self._spare_headers is None:
                    raise
                await client.close()
                client = self._client()
                await self._open_otherwise(client, unanswered, self._spare_headers)
            yield client
        finally:
            self._mark = client.mark
            await client.close()

    async def _open_otherwise(self, client: Client, unanswered: LinkLost, headers: Secret[Mapping[str, str]]) -> None:
        """Connect without the auth object: a server whose connect handler takes none never answers to one."""
        before = self._auth, self._headers
        self._auth, self._headers = Secret({}), Secret(dict(headers.reveal()))
        try:
            await self._open(client)
        except LinkLost as lost:
            self._auth, self._headers = before
            if lost.policy is REFUSED:  # then it is the auth object that it wants, and it was only slow
                raise unanswered from None
            raise
        self._spare_headers = None

    def _client(self) -> Client:
        try:
            from runconsole.transports.socketio.client import Client
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in _PACKAGES:
                raise unusable("python-socketio", str(error)) from None
            raise LinkLost(
                'expected the Socket.IO client, which is not installed: pip install "runconsole[socketio]"', fatal=True
            ) from None
        except (ImportError, AttributeError) as error:
            raise unusable("python-socketio", str(error)) from None
        options: dict[str, Any] = {"heartbeat": self._heartbeat}
        proxy = proxy_for(self._url.reveal())
        if proxy is not None and not proxy.is_socks:
            options["proxy"] = proxy.url.reveal()
        if self._ssl is not None and urlsplit(self._url.reveal()).scheme in _SECURE:
            options["ssl"] = self._ssl
        return Client(hostname(self._url.reveal()), options, self._mark, hide=self._hide, proxy=proxy)

    async def _open(self, client: Client) -> None:
        path = urlsplit(self._url.reveal()).path.strip("/") or "socket.io"
        has_auth = bool(self._auth.reveal())
        patience = min(self._open_timeout, AUTH_TIMEOUT) if has_auth and self._spare_headers else self._open_timeout
        try:
            async with asyncio.timeout(patience):
                await client.open(self._url, path, self._auth, self._headers)
        except TimeoutError:
            host = hostname(self._url.reveal())
            if client.is_open and has_auth:
                raise _Unanswered(
                    f"{host} accepted the connection and did not answer within {patience:g} s: a server whose connect"
                    ' handler takes no auth object never does; pass auth="header", "query" or "message"'
                ) from None
            raise LinkLost(
                f"{host} did not answer within {patience:g} s{client.way}: is the server up and reachable?"
            ) from None


class _Unanswered(LinkLost):
    """The server accepted the WebSocket, and did not answer to the auth object."""
