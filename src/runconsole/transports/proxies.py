"""The proxy on the way to a server, as the environment or the system names it, and why a way through it fails."""

from __future__ import annotations

import ipaddress
import socket
import ssl as ssl_module
from contextlib import suppress
from errno import ECONNREFUSED
from http import HTTPStatus
from importlib.util import find_spec
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

from runconsole.errors import LinkLost
from runconsole.redaction.secrets import Secret
from runconsole.transports.address import is_loopback

__all__ = ["Proxy", "explain_proxy_error", "explain_proxy_status", "proxy_for"]

_SECURE = {"wss", "https"}
_SCHEMES = {"socks": "socks5h"}
"""As desktops write them, and what is meant."""
_HTTP = ("http", "https")
_SOCKS = ("socks5h", "socks5", "socks4a", "socks4")
_PORTS = {"http": 80, "https": 443}
_SOCKS_PORT = 1080


class Proxy(NamedTuple):
    """A proxy.

    Attributes:
        url: with its user and password.
        shown: without them.
        is_socks: True if it speaks SOCKS, else HTTP.
    """

    url: Secret[str]
    shown: str
    is_socks: bool


def proxy_for(url: str) -> Proxy | None:
    """Return the proxy to reach a URL by; None where none is named, and for this machine itself.

    It is looked for as curl and pip do: ``wss_proxy`` (or ``ws_proxy``) first, then ``socks_proxy``, ``https_proxy``,
    for plain connections ``http_proxy``, and ``all_proxy``; without a scheme it is an HTTP proxy. ``no_proxy`` names
    hosts, domains and networks that are reached without one.

    Raises LinkLost where there is one that cannot be used.
    """
    parts = urlsplit(url)
    if is_loopback(url) or _is_bypassed(parts):
        return None
    names = ("wss", "socks", "https", "all") if parts.scheme in _SECURE else ("ws", "socks", "https", "http", "all")
    known = getproxies()
    name = next((name for name in names if known.get(name, "").strip()), None)
    return None if name is None else _proxy(name, known[name].strip())


def _is_bypassed(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme in _SECURE else 80)
    if proxy_bypass(f"{host}:{port}"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    for entry in getproxies().get("no", "").split(","):
        with suppress(ValueError):
            if "/" in entry and address in ipaddress.ip_network(entry.strip(), strict=False):
                return True
    return False


def _proxy(name: str, given: str) -> Proxy:
    """Return a proxy as it is written in a variable."""
    scheme, mark, rest = given.partition("://")
    if not mark:
        scheme, rest = "http" if name != "socks" else "socks5h", given
    elif name == "socks" and scheme == "http":  # as macOS names its SOCKS proxy
        scheme = "socks5h"
    scheme = _SCHEMES.get(scheme.lower(), scheme.lower())
    user, _, place = rest.rpartition("@")
    place = place.partition("/")[0]
    try:
        parts = urlsplit(f"//{place}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if scheme not in (*_HTTP, *_SOCKS) or not host:
        got = f"one with {scheme}://" if host else "one without a host"
        raise LinkLost(
            f"expected a proxy like http://host:port or socks5h://host:port in {name}_proxy, got {got}: change the"
            " variable, or name the server in no_proxy",
            fatal=True,
        )
    place = f"{f'[{host}]' if ':' in host else host}:{port or _PORTS.get(scheme, _SOCKS_PORT)}"
    shown = f"{scheme}://{place}"
    if user and ":" not in user:
        user += ":"  # a user without a password
    proxy = Proxy(Secret(f"{scheme}://{user}@{place}" if user else shown), shown, scheme in _SOCKS)
    if proxy.is_socks and find_spec("python_socks") is None:
        raise LinkLost(
            f'the proxy {shown} speaks SOCKS, which needs python-socks: pip install "runconsole[socks]"', fatal=True
        )
    return proxy


def explain_proxy_status(status: int, proxy: Proxy, host: str) -> LinkLost:
    """Say what an HTTP proxy means that answers with a status in place of a connection."""
    try:
        name = f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        name = str(status)
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        what = "a user and password it accepts" if "@" in proxy.url.reveal() else "a user and password"
        return LinkLost(
            f"the proxy {proxy.shown} wants {what} (HTTP {name}): set them in the proxy's variable, like"
            " http://user:password@host:port",
            doubtful=True,
        )
    if status >= 500:
        return LinkLost(f"the proxy {proxy.shown} cannot reach {host} (HTTP {name}): is the server up?")
    return LinkLost(
        f"the proxy {proxy.shown} refuses to connect to {host} (HTTP {name}): ask who runs it, or name the server in"
        " no_proxy",
        doubtful=True,
    )


def explain_proxy_error(error: BaseException, proxy: Proxy, host: str) -> LinkLost:
    """Say why there is no connection to a proxy, or none through it, where it has not answered in HTTP."""
    cause = error.__cause__ or error
    by_socks = "" if not proxy.is_socks else type(cause).__name__  # of python-socks or aiohttp-socks
    if by_socks == "ProxyError" and str(cause):
        why = f"does not connect us to {host} ({_printable(str(cause))})"
    elif isinstance(error, TimeoutError) or by_socks == "ProxyTimeoutError":
        why = "did not answer in time"
    elif isinstance(error, ssl_module.SSLCertVerificationError):
        why = f"has a certificate that is not trusted ({error.verify_message})"
    elif isinstance(error, ssl_module.SSLError):
        why = "does not speak TLS as it should: write http:// in its variable if it speaks none"
    elif isinstance(error, socket.gaierror):
        why = "has a name that cannot be resolved"
    elif isinstance(error, OSError) or by_socks == "ProxyConnectionError":
        refused = getattr(cause, "errno", None) == ECONNREFUSED or f"Errno {ECONNREFUSED}]" in str(cause)
        what = getattr(cause, "strerror", None) or type(cause).__name__
        why = "is not there (connection refused)" if refused else f"cannot be reached ({_printable(what)})"
    else:
        why = "answered with something that is no proxy's answer"
    return LinkLost(f"the proxy {proxy.shown} {why}: check the proxy environment variables, or no_proxy")


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)[:200]
