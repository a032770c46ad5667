"""The reasons why an HTTP stream could not be opened, or ended, in words. Needs httpx2."""

from __future__ import annotations

import json
import re
import socket
import ssl as ssl_module
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

import httpx2

from runconsole.errors import LinkLost
from runconsole.reconnect import AFRESH, REFUSED, RETRY, STRANGE, UNTRUSTED, of_status
from runconsole.transports.pages import explain_page
from runconsole.transports.proxies import Proxy, explain_proxy_error, explain_proxy_status
from runconsole.transports.websocket import explain as explain_network

__all__ = ["explain_break", "explain_failure", "explain_response", "is_unsent", "proxy_status"]

_MOST_SHOWN = 200
_MOST_CAUSES = 8
_WORDS = ("message", "detail", "error", "title", "reason")
"""Fields of an error's JSON in which servers say why."""
_PROXY_SIGN_IN = 407
_UNSENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
)
_STATUS = re.compile(r"([1-5]\d\d)\b")


def is_unsent(error: Exception) -> bool:
    """Return whether a request that failed has never left."""
    return isinstance(error, _UNSENT)


def explain_failure(error: Exception, url: str, host: str, wanted: str, proxy: Proxy | None) -> LinkLost:
    """Say why there is no response.

    Args:
        error: of httpx2.
        url: the address; only its scheme is used.
        host: the server, for a person.
        wanted: the kind of endpoint that was expected.
        proxy: on the way; None for none.
    """
    cause = _cause(error)
    by_proxy = None if proxy is None else _explain_proxy(error, cause, proxy, host)
    if by_proxy is not None:
        return by_proxy
    if isinstance(error, httpx2.TimeoutException):
        return LinkLost(f"{host} did not answer in time: is the server up and reachable?")
    if isinstance(cause, ssl_module.SSLError) and not isinstance(cause, ssl_module.SSLCertVerificationError):
        return LinkLost(
            f"expected TLS at {host}, got a server without it: use http:// instead of https://", policy=UNTRUSTED
        )
    if isinstance(error, httpx2.ConnectError) and isinstance(cause, OSError):
        return explain_network(cause, f"{'wss' if url.startswith('https') else 'ws'}://{host}")
    if isinstance(error, httpx2.RemoteProtocolError):
        return LinkLost(
            f"expected {wanted} at {host}, got something else: check the port, and https:// if it speaks TLS",
            policy=STRANGE,
        )
    return LinkLost(f"the connection to {host} broke before the server had answered", doubtful=True)


def explain_break(error: Exception, host: str) -> LinkLost:
    """Say how a stream broke."""
    if isinstance(error, httpx2.DecodingError):
        return LinkLost(f"{host} sent bytes that cannot be decompressed", doubtful=True)
    return LinkLost(f"the stream of {host} broke without an end")


def explain_response(
    response: httpx2.Response, body: bytes, host: str, wanted: str, hide: Callable[[str], str]
) -> LinkLost:
    """Say what a response means that is no stream of events."""
    status = response.status_code
    headers = {name.title(): value for name, value in response.headers.items()}
    page = explain_page(status, headers, body, host, wanted)
    if page is not None:
        return page
    if status == HTTPStatus.NO_CONTENT:
        return LinkLost(f"{host} has nothing to stream (HTTP 204 No Content)", policy=AFRESH, code=status)
    if status < 300:
        kind = _printable(response.headers.get("Content-Type", "")) or "no type"
        return LinkLost(
            f"expected {wanted} at {host}, got a response of {kind}: check the path of the URL",
            policy=STRANGE,
            code=status,
        )
    return _explain_status(status, host, wanted, _said(body, hide))


def _explain_status(status: int, host: str, wanted: str, said: str) -> LinkLost:
    try:
        name = f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        name = str(status)
    policy = of_status(status)
    words = f" ({said})" if said else ""
    if policy is REFUSED:
        text = f"{host} refused us with HTTP {name}{words}: pass a valid token=, or headers= that sign in"
    elif status == HTTPStatus.INTERNAL_SERVER_ERROR:
        text = f"{host} answered HTTP {name}{words}: the server has a fault"
    elif policy is RETRY:
        text = f"{host} answered HTTP {name}{words}: the server is not ready"
    elif status == HTTPStatus.UNPROCESSABLE_ENTITY:
        text = f"{host} does not take the request (HTTP {name}){words}"
    else:
        text = f"expected {wanted} at {host}, got HTTP {name}{words}: check the path of the URL"
    return LinkLost(text, policy=policy, code=status)


def _said(body: bytes, hide: Callable[[str], str]) -> str:
    """Return the server's own words in an error's body; empty for a page, or none."""
    text = body.decode(errors="replace").strip()
    try:
        text = _words(json.loads(text))
    except (ValueError, RecursionError):
        text = "" if "<" in text else text
    return _printable(hide(text))


def _words(value: Any) -> str:
    """Return what an error's JSON says: one of the usual fields, at most three levels deep."""
    for _ in range(3):
        if isinstance(value, list) and value:
            value = value[0]
        if isinstance(value, str):
            return value
        if not isinstance(value, Mapping):
            break
        found = next((value[name] for name in (*_WORDS, "msg") if value.get(name)), None)
        place = value.get("loc")
        if isinstance(found, str) and isinstance(place, list):  # of a validation error
            return f"{'.'.join(str(part) for part in place)}: {found}"
        value = found
    return value if isinstance(value, str) else ""


def _explain_proxy(error: Exception, cause: BaseException | None, proxy: Proxy, host: str) -> LinkLost | None:
    """Say what went wrong with the proxy; None where it did not."""
    if isinstance(error, httpx2.ProxyError):
        status = _STATUS.match(str(error))
        if status is not None and not proxy.is_socks:
            return explain_proxy_status(int(status[1]), proxy, host)
        return LinkLost(
            f"the proxy {proxy.shown} does not connect us to {host} ({_printable(str(error))}): check the proxy"
            " environment variables, or no_proxy"
        )
    if isinstance(error, httpx2.ConnectTimeout):
        return explain_proxy_error(TimeoutError(), proxy, host)
    if isinstance(error, httpx2.ConnectError) and not isinstance(cause, ssl_module.SSLError):
        return explain_proxy_error(cause or error, proxy, host)
    return None


def _cause(error: BaseException) -> BaseException | None:
    """Return the system's error below one of httpx2: the one that says most."""
    found = [cause for cause in _causes(error) if isinstance(cause, OSError)]
    for kinds in (ssl_module.SSLError, socket.gaierror, ConnectionRefusedError, OSError):
        for cause in found:
            if isinstance(cause, kinds):
                return cause
    return None


def _causes(error: BaseException | None, depth: int = 0) -> Iterator[BaseException]:
    if error is None or depth > _MOST_CAUSES:
        return
    yield error
    for inner in error.exceptions if isinstance(error, BaseExceptionGroup) else ():
        yield from _causes(inner, depth + 1)
    yield from _causes(error.__cause__ or error.__context__, depth + 1)


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)[:_MOST_SHOWN]


def proxy_status(response: httpx2.Response, proxy: Proxy | None, host: str) -> LinkLost | None:
    """Return what a plain proxy says that wants a user; None for any other response."""
    if proxy is None or response.status_code != _PROXY_SIGN_IN:
        return None
    return explain_proxy_status(response.status_code, proxy, host)
