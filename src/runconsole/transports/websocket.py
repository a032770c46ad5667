"""WebSocket connections by `websockets`, and one clear sentence for each way they fail."""

from __future__ import annotations

import socket
import ssl as ssl_module
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from websockets.asyncio.client import connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidMessage,
    InvalidProxyStatus,
    InvalidStatus,
    InvalidURI,
)

from runconsole.errors import LinkLost
from runconsole.reconnect import DENIED, REFUSED, RETRY, STRANGE, UNTRUSTED, Policy, of_close, of_status
from runconsole.redaction.secrets import Secret, bare
from runconsole.transports.address import hostname, is_loopback
from runconsole.transports.internals import unusable
from runconsole.transports.pages import explain_page
from runconsole.transports.proxies import Proxy, explain_proxy_error, explain_proxy_status, proxy_for
from runconsole.transports.quiet import quiet
from runconsole.transports.redirects import REDIRECTS, follow_redirect

if TYPE_CHECKING:
    from runconsole.transports.inbox import InboxConnection

__all__ = ["WebSocketTransport"]

MAX_SIZE = 64 * 2**20
OPEN_TIMEOUT = 15
HEARTBEAT = 10.0
CLOSE_TIMEOUT = 1
"""A half-open connection is noticed after two heartbeats and this: within 21 s."""

_UNAUTHORIZED = 4001
_NO_SUCH_STREAM = frozenset({4404, 4410})
_ORDERLY = frozenset({1000, 1005})
"""Normal closure; a close frame without a code, as `close()` sends it in JavaScript."""


class WebSocketTransport:
    """Connects to one ``ws://`` or ``wss://`` URL.

    Args:
        url: with everything the server needs, secrets included: it is never shown.
        headers: sent with the handshake.
        ssl: a context for ``wss://``; None uses the system's certificates.
        heartbeat: seconds between two pings, and to wait for the answer to each.
        hide: hides secrets in what the server says.
    """

    def __init__(
        self,
        url: str | Secret[str],
        *,
        headers: Mapping[str, str] | Secret[Mapping[str, str]] | None = None,
        ssl: ssl_module.SSLContext | None = None,
        heartbeat: float = HEARTBEAT,
        hide: Callable[[str], str] = str,
    ) -> None:
        self._url = Secret(url)
        self._headers = Secret(dict(bare(headers) or {}))
        self._ssl = ssl
        self._heartbeat = heartbeat
        self._hide = hide

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[_Open]:
        """Connect; leaving the context closes within `CLOSE_TIMEOUT`. Raises LinkLost."""
        connection = await self._open()
        try:
            yield _Open(connection, self._url, self._heartbeat, self._hide)
        finally:
            connection.read_on()
            try:
                await connection.close()
            finally:  # a cancelled close, too, leaves nothing open
                connection.transport.abort()

    async def _open(self) -> InboxConnection:
        local = is_loopback(self._url.reveal())
        options: dict[str, Any] = {"ssl": self._ssl} if self._url.reveal().startswith("wss:") and self._ssl else {}
        proxy = proxy_for(self._url.reveal())
        begun: list[InboxConnection] = []
        inbox_connection = _inbox_connection()

        def begin(*args: Any, **kwargs: Any) -> InboxConnection:
            begun.append(inbox_connection(*args, **kwargs))
            return begun[-1]

        try:
            connection = await _Connect(
                self._url.reveal(),
                create_connection=cast("Any", begin),
                additional_headers=self._headers.reveal(),
                logger=quiet("websockets.client"),
                proxy=None if proxy is None else proxy.url.reveal(),
                compression=None if local else "deflate",
                max_size=MAX_SIZE,
                open_timeout=OPEN_TIMEOUT,
                ping_interval=self._heartbeat,
                ping_timeout=self._heartbeat,
                close_timeout=CLOSE_TIMEOUT,
                **options,
            )
            return cast("InboxConnection", connection)
        except (OSError, TimeoutError, InvalidHandshake, InvalidURI, ValueError, _Redirected) as error:
            if proxy is not None and not begun:  # the proxy has not let us through to the server
                lost = _explain_proxy(error, proxy, hostname(self._url.reveal()))
            else:
                lost = explain(error, self._url.reveal())
        except (AttributeError, TypeError) as error:
            lost = unusable("websockets", str(error))
        # Outside of the handler: the frames of the error hold the headers.
        raise lost


class _Redirected(Exception):
    """A redirect that is not followed."""

    def __init__(self, lost: LinkLost) -> None:
        super().__init__(str(lost))
        self.lost = lost


class _Connect(connect):
    """Follows redirects within one origin only."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Return the URL to go on with, or an exception."""
        if not isinstance(exc, InvalidStatus) or exc.response.status_code not in REDIRECTS:
            return exc
        location = exc.response.headers.get("Location")
        if location is None:
            return exc
        target = follow_redirect(self.uri, location, exc.response.status_code)
        return _Redirected(target) if isinstance(target, LinkLost) else target


def _inbox_connection() -> type[InboxConnection]:
    try:
        from runconsole.transports.inbox import InboxConnection, check_internals

        check_internals()
    except (ImportError, AttributeError, TypeError) as error:
        raise unusable("websockets", str(error)) from None
    return InboxConnection


def _explain_proxy(error: Exception, proxy: Proxy, host: str) -> LinkLost:
    if isinstance(error, InvalidProxyStatus):
        return explain_proxy_status(error.response.status_code, proxy, host)
    return explain_proxy_error(error, proxy, host)


class _Open:
    """One open WebSocket."""

    def __init__(
        self, connection: InboxConnection, url: Secret[str], heartbeat: float, hide: Callable[[str], str]
    ) -> None:
        self._connection = connection
        self._url = url
        self._heartbeat = heartbeat
        self._hide = hide

    async def receive(self) -> list[str | bytes]:
        try:
            return await self._connection.receive_all()
        except ConnectionClosed as error:
            lost = self._explain(error)
        raise lost

    def read_on(self) -> bool:
        return self._connection.read_on()

    async def send(self, frame: str) -> None:
        lost = None
        self._connection.expect_answer()
        try:
            await self._connection.send(frame)
        except ConnectionClosed as error:
            lost = self._explain(error)
        if lost is not None:
            raise lost

    def _explain(self, error: ConnectionClosed) -> LinkLost:
        return _explain_close(error, self._url.reveal(), self._heartbeat, self._hide)


def _explain_close(error: ConnectionClosed, url: str, heartbeat: float, hide: Callable[[str], str]) -> LinkLost:
    """Say how a connection ended."""
    received = error.rcvd
    ours = error.sent.code if error.sent is not None and not error.rcvd_then_sent else None
    if ours == 1011:
        return LinkLost(f"{hostname(url)} answered no ping for {heartbeat:g} s: the connection was dead")
    if ours == 1009:  # whether the server has acknowledged our goodbye or not
        limit = MAX_SIZE // 2**20
        return LinkLost(f"{hostname(url)} sent a message of over {limit} MiB, which is the limit", code=1009)
    if received is None:
        return explain_close(hostname(url), None)
    return explain_close(hostname(url), received.code, received.reason, hide(received.reason))


def explain_close(host: str, code: int | None, reason: str = "", shown: str = "") -> LinkLost:
    """Return what it means that a server closed a connection.

    Args:
        host: the server, for a person.
        code: the close code; None where the connection broke without one.
        reason: the server's words.
        shown: the same without secrets.
    """
    if code is None:
        return LinkLost(f"the connection to {host} broke without a goodbye", code=1006)
    if code == 1009:  # without the code, by which the session knows a message that it cannot take
        return LinkLost(f"{host} closed the connection with code 1009: a message of ours was too long for it")
    said = f" ({_printable(shown)})" if shown else ""
    policy = of_close(code, reason)
    text = f"{host} closed the connection with code {code}{said}"
    if policy in (REFUSED, DENIED):
        with_code = f" with code {code}" if code != _UNAUTHORIZED else ""
        text = f"{host} does not accept us{with_code}{said}: pass a valid token=, or another auth="
    elif code in _NO_SUCH_STREAM:
        text = f"{text}, which says that there is no such stream: check the path of the URL, and what is followed"
    return LinkLost(text, policy=policy, code=code, orderly=code in _ORDERLY and policy is RETRY)


def explain(error: Exception, url: str) -> LinkLost:
    """Say why a connection could not be made: what was expected, what came, what to do."""
    host = hostname(url)
    if isinstance(error, _Redirected):
        return error.lost
    if isinstance(error, InvalidStatus):
        response = error.response
        page = explain_page(response.status_code, dict(response.headers.raw_items()), bytes(response.body), host)
        return page or _explain_status(response.status_code, host)
    if isinstance(error, ssl_module.SSLError):
        return _explain_tls(error, host)
    if isinstance(error, OSError) and not isinstance(error, TimeoutError):
        return _explain_network(error, host)
    for kinds, text, policy in _HANDSHAKE_FAILURES:
        if isinstance(error, kinds):
            return LinkLost(text.format(host=host, timeout=OPEN_TIMEOUT), policy=policy)
    return LinkLost(f"expected a usable WebSocket URL and headers for {host} ({type(error).__name__})", fatal=True)


_HANDSHAKE_FAILURES: tuple[tuple[tuple[type[Exception], ...], str, Policy], ...] = (
    ((TimeoutError,), "{host} did not answer within {timeout} s: is the server up and reachable?", RETRY),
    (
        (InvalidURI,),
        "expected a URL like ws://host:port/path, got one for {host!r}: check its spelling",
        DENIED,
    ),
    (
        (InvalidMessage, InvalidHandshake),
        "expected a WebSocket server at {host}, got something else: check the port, and wss:// if it speaks TLS",
        STRANGE,
    ),
)


def _explain_tls(error: ssl_module.SSLError, host: str) -> LinkLost:
    if isinstance(error, ssl_module.SSLCertVerificationError):
        why = error.verify_message or "it cannot be verified"
        return LinkLost(
            f"the certificate of {host} is not trusted ({why}): pass ssl= with a context or the path of its CA",
            policy=UNTRUSTED,
        )
    if "WRONG_VERSION_NUMBER" in str(error):
        return LinkLost(
            f"expected TLS at {host}, got a server without it: use ws:// instead of wss://", policy=UNTRUSTED
        )
    return LinkLost(f"no TLS connection to {host} ({error.reason or 'the handshake failed'})", doubtful=True)


def _explain_network(error: OSError, host: str) -> LinkLost:
    if isinstance(error, socket.gaierror):
        return LinkLost(
            f"the host name in {host} cannot be resolved: check its spelling and the network", doubtful=True
        )
    if isinstance(error, ConnectionRefusedError) or "Multiple exceptions" in str(error):
        return LinkLost(f"nothing listens at {host} (connection refused): start the server or check the port")
    if isinstance(error, ConnectionResetError):
        return LinkLost(
            f"expected a WebSocket server at {host}, which broke off at once: check the port and the scheme",
            doubtful=True,
        )
    return LinkLost(f"no connection to {host} ({error.strerror or type(error).__name__})")


def _explain_status(status: int, host: str) -> LinkLost:
    name = f"{status} {_phrase(status)}".strip()
    policy = of_status(status)
    if policy is REFUSED:
        text = (
            f"{host} refused us with HTTP {name}: pass a valid token=, or another auth=; check the path of the URL,"
            " too: some servers answer so where they have none"
        )
    elif policy is RETRY:
        text = f"{host} answered HTTP {name}: the server is not ready"
    else:
        text = (
            f"expected a WebSocket endpoint at {host}, got HTTP {name}: check the path of the URL, and the port: some"
            " servers have their WebSocket at the one after that of HTTP"
        )
    return LinkLost(text, policy=policy, code=status)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)[:200]
