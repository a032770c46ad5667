"""HTTP requests whose response is a stream of events, by httpx2. Needs httpx2.

httpx2 continues httpx, by the same author and in the care of Pydantic: httpx's last stable version is of December 2024,
and httpx2 has had releases every few weeks since it began in May 2026. Its transport is used without its client, so
that nothing logs URLs, follows redirects, keeps cookies or reads the environment.
"""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl as ssl_module
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

import httpx2

from runconsole.errors import LinkLost
from runconsole.reconnect import DENIED
from runconsole.redaction.secrets import Secret
from runconsole.transports.address import hostname, without_user
from runconsole.transports.proxies import Proxy, proxy_for
from runconsole.transports.redirects import REDIRECTS, follow_redirect
from runconsole.transports.sse.errors import (
    explain_break,
    explain_failure,
    explain_response,
    is_unsent,
    proxy_status,
)
from runconsole.transports.sse.parser import MAX_SIZE, SseEvent, SseParser, TooBig
from runconsole.version import __version__

__all__ = ["Failed", "SseRequests", "Stream"]

OPEN_TIMEOUT = 15.0
_MOST_REDIRECTS = 5
_MOST_READ = 65_536
"""Bytes of a response that is no stream."""
_CLOSE_TIMEOUT = 1.0
_TOO_BIG = 1009
_MAYBE_PROCESSED = frozenset({500, 502, 504})
"""Statuses after which a request may have taken effect."""
_PROBES = (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3))
_KEEP_ALIVE = [
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *((socket.IPPROTO_TCP, getattr(socket, name), value) for name, value in _PROBES if hasattr(socket, name)),
]
"""A half-open connection is noticed within half a minute. Streams of events have no pings that a client may send."""


class Failed(Exception):
    """There is no stream.

    Attributes:
        lost: the reason.
        may_count: True if the server may have acted on the request.
    """

    def __init__(self, lost: LinkLost, *, may_count: bool) -> None:
        super().__init__(str(lost))
        self.lost = lost
        self.may_count = may_count


class SseRequests:
    """Makes requests to one address.

    Args:
        url: ``http(s)://``, with everything the server needs.
        headers: sent with each request.
        ssl: a context for ``https://``; None uses the system's certificates.
        hide: hides secrets in what the server says.
        wanted: the kind of endpoint that is expected, for a sentence.

    Raises LinkLost where the proxy of the environment cannot be used.
    """

    def __init__(
        self,
        url: Secret[str],
        headers: Secret[Mapping[str, str]],
        *,
        ssl: ssl_module.SSLContext | None,
        hide: Callable[[str], str],
        wanted: str,
    ) -> None:
        self._url, self._headers = _with_user(url, headers)
        self._hide = hide
        self._wanted = wanted
        self.host = hostname(url.reveal())
        self._proxy = proxy_for(url.reveal())
        verify: Any = (ssl or ssl_module.create_default_context()) if _is_secure(url) else False
        self._transport = httpx2.AsyncHTTPTransport(
            verify=verify, trust_env=False, proxy=_proxy_of(self._proxy), socket_options=_KEEP_ALIVE
        )

    async def close(self) -> None:
        """Close all connections at once."""
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT):
                await self._transport.aclose()
        except (TimeoutError, httpx2.HTTPError, RuntimeError):
            return

    async def open(
        self,
        method: Literal["GET", "POST"],
        body: str | None = None,
        *,
        url: Secret[str] | None = None,
        last_id: str = "",
        patience: float | None,
    ) -> Stream:
        """Return the stream of a request. Raises Failed.

        Args:
            method: of the request.
            body: JSON.
            url: another address of the same server; None is that of these requests.
            last_id: the id of the last event, to resume behind it; empty for none.
            patience: seconds to wait for the response's head; None for any time.
        """
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last_id} if last_id else {})
        return await self._checked(await self._response(method, body, url, headers, patience), method)

    async def fetch(
        self, method: Literal["GET", "POST"], url: Secret[str], body: str | None = None, *, patience: float
    ) -> tuple[int, bytes]:
        """Return the status and the body of a request that answers at once, whatever the status. Raises Failed.

        Arguments as of `open`; `patience` is for the whole response.
        """
        found = b""
        try:
            async with asyncio.timeout(patience):
                response = await self._response(method, body, url, {"Accept": "application/json"}, patience)
                try:
                    async for chunk in response.aiter_bytes():
                        found += chunk
                        if len(found) > MAX_SIZE:
                            raise Failed(LinkLost(f"{self.host} answers with too much to read"), may_count=True)
                finally:
                    await response.aclose()
        except (httpx2.HTTPError, httpx2.StreamError, TimeoutError, OSError):
            failed = Failed(LinkLost(f"{self.host} broke off its answer, or did not answer in time"), may_count=True)
        else:
            return response.status_code, found
        raise failed  # outside of the handler: the frames of the error hold the headers

    async def _response(
        self, method: str, body: str | None, url: Secret[str] | None, headers: Mapping[str, str], patience: float | None
    ) -> httpx2.Response:
        """Return the response to a request, behind redirects within one origin. Raises Failed."""
        url = url or self._url
        for _ in range(_MOST_REDIRECTS):
            request = self._request(url, method, body, headers)
            try:
                async with asyncio.timeout(patience):
                    response = await self._transport.handle_async_request(request)
            except (httpx2.HTTPError, TimeoutError, OSError) as error:
                known = error if isinstance(error, httpx2.HTTPError) else httpx2.ReadTimeout("")
                failed = Failed(
                    explain_failure(known, self._url.reveal(), self.host, self._wanted, self._proxy),
                    may_count=not is_unsent(known),
                )
            except (httpx2.InvalidURL, ValueError, UnicodeError) as error:
                failed = Failed(
                    LinkLost(f"expected a usable URL and headers for {self.host} ({type(error).__name__})", fatal=True),
                    may_count=False,
                )
            else:
                following = self._redirected(url, response, method)
                if following is None:
                    return response
                await response.aclose()
                url = following
                continue
            raise failed  # outside of the handler: the frames of the error hold the headers
        raise Failed(LinkLost(f"{self.host} redirects in a circle", doubtful=True), may_count=False)

    def _request(self, url: Secret[str], method: str, body: str | None, more: Mapping[str, str]) -> httpx2.Request:
        headers = {
            "Accept-Encoding": "identity",
            "Cache-Control": "no-store",
            "User-Agent": f"runconsole/{__version__}",
            **more,
        }
        if body is not None:
            headers["Content-Type"] = "application/json"
        given = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in self._headers.reveal().items()]
        own = {name.lower() for name, _ in given}
        sent = [(n.encode(), v.encode()) for n, v in headers.items() if n.lower().encode() not in own]
        extensions = {"timeout": {"connect": OPEN_TIMEOUT, "pool": OPEN_TIMEOUT, "read": None, "write": None}}
        content = None if body is None else body.encode()
        return httpx2.Request(method, url.reveal(), headers=[*sent, *given], content=content, extensions=extensions)

    def _redirected(self, url: Secret[str], response: httpx2.Response, method: str) -> Secret[str] | None:
        """Return the address of a redirect within one origin; None for no redirect. Raises Failed for any other."""
        location = response.headers.get("Location")
        if response.status_code not in REDIRECTS or location is None:
            return None
        if response.status_code == 303 and method == "POST":
            return None  # it leads to a page about what was done
        target = follow_redirect(url.reveal(), location, response.status_code, self._wanted)
        if isinstance(target, LinkLost):
            raise Failed(target, may_count=False)
        return Secret(target.replace("ws", "http", 1))

    async def _checked(self, response: httpx2.Response, method: str) -> Stream:
        """Return the stream of a response. Raises Failed where it is none."""
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if response.status_code == 200 and kind == "text/event-stream":
            return Stream(response, self.host)
        body = b""
        try:
            async with asyncio.timeout(OPEN_TIMEOUT):
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > _MOST_READ:
                        break
        except (httpx2.HTTPError, TimeoutError):
            pass  # its status says enough
        finally:
            await response.aclose()
        lost = proxy_status(response, self._proxy, self.host)
        lost = lost or explain_response(response, body[:_MOST_READ], self.host, self._wanted, self._hide)
        if method == "POST" and response.status_code < 400:
            lost.policy = DENIED  # perhaps it did what was asked, and only its response is none that we can read
        raise Failed(lost, may_count=response.status_code in _MAYBE_PROCESSED)


class Stream:
    """An open stream of events."""

    def __init__(self, response: httpx2.Response, host: str) -> None:
        self._response = response
        self._host = host
        self._parser = SseParser()

    @property
    def last_id(self) -> str:
        """The id of the newest event that had one."""
        return self._parser.last_id

    async def read(self, silence: float | None = None) -> AsyncGenerator[list[SseEvent]]:
        """Yield the events as they come, some at a time. Raises LinkLost where the stream breaks.

        `silence` is the number of seconds without a byte after which the connection counts as dead; None is any time.
        """
        lost = None
        chunks = self._response.aiter_bytes()
        try:
            while True:
                async with asyncio.timeout(silence):
                    chunk = await anext(chunks, None)
                events = self._parser.finish() if chunk is None else self._parser.feed(chunk)
                if events:
                    yield events
                if chunk is None:
                    return
        except TimeoutError:
            lost = LinkLost(f"{self._host} sent nothing for {silence:g} s: the connection was dead")
        except TooBig:
            lost = LinkLost(
                f"{self._host} sent an event of over {MAX_SIZE // 2**20} MiB, which is the limit", code=_TOO_BIG
            )
        except (httpx2.HTTPError, httpx2.StreamError, OSError) as error:
            lost = explain_break(error, self._host)
        finally:
            await self._response.aclose()
        if lost is not None:
            raise lost


def _with_user(url: Secret[str], headers: Secret[Mapping[str, str]]) -> tuple[Secret[str], Secret[Mapping[str, str]]]:
    """Return an address without its user, and headers that sign in with that instead."""
    parts = urlsplit(url.reveal())
    if "@" not in parts.netloc:
        return url, headers
    given = headers.reveal()
    if not any(name.lower() == "authorization" for name in given):
        user = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
        given = {**given, "Authorization": f"Basic {base64.b64encode(user.encode()).decode()}"}
    return Secret(without_user(url.reveal())), Secret(given)


def _is_secure(url: Secret[str]) -> bool:
    return urlsplit(url.reveal()).scheme == "https"


def _proxy_of(proxy: Proxy | None) -> httpx2.Proxy | None:
    """Return a proxy as httpx2 takes it. Raises LinkLost for one that it cannot use."""
    if proxy is None:
        return None
    if proxy.is_socks:
        from importlib.util import find_spec

        if not proxy.shown.startswith("socks5"):
            raise LinkLost(
                f"expected a proxy that speaks HTTP or SOCKS 5, got {proxy.shown}: change the proxy environment"
                " variable, or name the server in no_proxy",
                fatal=True,
            )
        if find_spec("socksio") is None:
            raise LinkLost(
                f'the proxy {proxy.shown} speaks SOCKS, which needs socksio: pip install "runconsole[socks]"',
                fatal=True,
            )
    return httpx2.Proxy(proxy.url.reveal())
