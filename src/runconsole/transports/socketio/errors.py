"""The reasons why a Socket.IO connection could not be made, or ended, in words. Needs aiohttp."""

from __future__ import annotations

import re
import ssl as ssl_module
from collections.abc import Callable
from http import HTTPStatus

import aiohttp

from runconsole.errors import LinkLost
from runconsole.reconnect import REFUSED, RETRY, UNTRUSTED, of_close, of_refusal, of_status
from runconsole.transports.pages import explain_page
from runconsole.transports.proxies import Proxy, explain_proxy_error, explain_proxy_status
from runconsole.transports.websocket import explain as explain_network

__all__ = ["explain", "explain_end", "explain_refusal"]

_MOST_SHOWN = 200
_STATUS_KEYS = frozenset({"code", "status", "statusCode", "status_code"})
_NO_CODE = 0
"""aiohttp's code for a close frame without one."""
_PROXY_SIGN_IN = 407


def explain(  # noqa: PLR0911 - one for each kind of error
    error: Exception, host: str, path: str, proxy: Proxy | None = None
) -> LinkLost:
    """Say why no connection could be made."""
    if isinstance(error, LinkLost):
        return error
    by_proxy = None if proxy is None else _explain_proxy(error, proxy, host)
    if by_proxy is not None:
        return by_proxy
    if isinstance(error, aiohttp.WSServerHandshakeError):
        page = explain_page(error.status, error.headers or {}, b"", host)
        return page or _explain_status(error.status, host if proxy is None else f"{host} (by {proxy.shown})", path)
    if isinstance(error, aiohttp.InvalidURL):
        return LinkLost(f"expected a URL like http://host:port, got one for {host!r}: check its spelling", fatal=True)
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return explain_network(error.certificate_error, f"wss://{host}")
    if isinstance(error, aiohttp.ClientConnectorError):
        return _explain_os_error(error.os_error, host)
    return LinkLost(
        f"expected a Socket.IO server at {host}/{path}, got something else: check the port, the path and the scheme",
        doubtful=True,
    )


def _explain_proxy(error: Exception, proxy: Proxy, host: str) -> LinkLost | None:
    """Say what went wrong with the proxy; None where it did not."""
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return explain_proxy_status(error.status, proxy, host)
    if isinstance(error, aiohttp.WSServerHandshakeError) and error.status == _PROXY_SIGN_IN:
        return explain_proxy_status(error.status, proxy, host)  # of a plain connection it is asked for the page itself
    if isinstance(error, aiohttp.ClientConnectorError) and not isinstance(error, aiohttp.ClientSSLError):
        return explain_proxy_error(error.os_error, proxy, host)  # nothing else is connected to
    if proxy.is_socks and type(error).__module__.startswith(("python_socks", "aiohttp_socks")):
        return explain_proxy_error(error, proxy, host)
    return None


def _explain_os_error(error: OSError, host: str) -> LinkLost:
    if isinstance(error, ssl_module.SSLError) and "WRONG_VERSION_NUMBER" in str(error):
        return LinkLost(
            f"expected TLS at {host}, got a server without it: use http:// instead of https://", policy=UNTRUSTED
        )
    return explain_network(error, f"ws://{host}")


def _explain_status(status: int, host: str, path: str) -> LinkLost:
    try:
        name = f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        name = str(status)
    policy = of_status(status)
    if policy is REFUSED:
        text = f"{host} refused us with HTTP {name}: pass a valid token=, and check that Socket.IO is at /{path}"
    elif status == HTTPStatus.INTERNAL_SERVER_ERROR:  # what uvicorn makes of a path that nothing is mounted at
        text = f"{host} answered HTTP {name}: it has a fault, or no Socket.IO at /{path}"
    elif policy is RETRY:
        text = f"{host} answered HTTP {name}: the server is not ready"
    else:
        text = f"expected Socket.IO over WebSocket at {host}/{path}, got HTTP {name}: check the path of the URL"
    if policy is not REFUSED and not path.rstrip("/").endswith("socket.io"):
        text += " (the path says where Socket.IO is mounted; a namespace cannot be followed, only the main one)"
    return LinkLost(text, policy=policy, code=status)


def explain_refusal(details: object, host: str, hide: Callable[[str], str]) -> LinkLost:
    """Say why the server let us not in, or sent us away: a Socket.IO server's CONNECT_ERROR or last words."""
    said = hide(", ".join(_strings(details))) or "no reason given"
    said = "".join(c if c.isprintable() else " " for c in said)[:_MOST_SHOWN]
    policy = of_refusal(said, status=_status(details))
    if policy is REFUSED:
        return LinkLost(f"{host} does not accept us ({said}): pass a valid token=", policy=policy)
    return LinkLost(f"{host} does not let us in ({said})", policy=policy)


def _strings(details: object) -> list[str]:
    """Return the texts in what a server says, at most two levels deep: ``{"message": …, "data": {"code": …}}``."""
    if isinstance(details, str):
        return [details]
    if not isinstance(details, dict):
        return []
    inner = details.get("data")
    return [value for value in details.values() if isinstance(value, str)] + (
        [value for value in inner.values() if isinstance(value, str)] if isinstance(inner, dict) else []
    )


def _status(details: object) -> int | None:
    """Return the HTTP status among what a server says, as two levels deep."""
    if not isinstance(details, dict):
        return None
    inner = details.get("data")
    told = [*details.items(), *(inner.items() if isinstance(inner, dict) else ())]
    numbers = [value for key, value in told if str(key) in _STATUS_KEYS and isinstance(value, (int, str))]
    return next((int(value) for value in numbers if re.fullmatch(r"[1-5]\d\d", str(value))), None)


def explain_end(socket: aiohttp.ClientWebSocketResponse | None, host: str, heartbeat: float) -> LinkLost:
    """Say how an open connection ended."""
    error = None if socket is None else socket.exception()
    code = None if socket is None else socket.close_code
    if isinstance(error, aiohttp.ServerTimeoutError):
        return LinkLost(f"{host} answered no ping for {heartbeat / 2:g} s: the connection was dead")
    if code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG:
        return LinkLost(f"a message to or from {host} was over the limit, which is 64 MiB on our side", code=code)
    if error is None and code is not None and code != aiohttp.WSCloseCode.ABNORMAL_CLOSURE:
        policy = of_close(code)
        if policy is REFUSED:
            return LinkLost(f"{host} does not accept us (close code {code}): pass a valid token=", policy=policy)
        orderly = code in {aiohttp.WSCloseCode.OK, _NO_CODE}
        return LinkLost(f"{host} closed the connection with code {code}", policy=policy, code=code, orderly=orderly)
    return LinkLost(f"the connection to {host} broke without a goodbye", code=1006)
