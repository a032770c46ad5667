"""Signing in: from a console's arguments to an address, headers and certificates, and to a WebSocket."""

from __future__ import annotations

import ssl as ssl_module
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from runconsole.errors import InvalidArgument
from runconsole.protocols.options import LinkOptions
from runconsole.redaction.secrets import Secret
from runconsole.transports.address import with_query, without_user

if TYPE_CHECKING:
    from runconsole.transports.websocket import WebSocketTransport

__all__ = ["context_of", "context_of_options", "problem_of_address", "signed", "websocket"]

_WEBSOCKET_SCHEMES = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}


def problem_of_address(options: LinkOptions) -> str | None:
    """Return a sentence about an unusable WebSocket or HTTP address; None where it can be tried."""
    if "://" not in options.url.reveal():
        return f"expected a URL like ws://host:port/path, got {options.address!r}: check its spelling"
    try:
        parts = urlsplit(options.url.reveal())
        host, _ = parts.hostname, parts.port
    except ValueError:
        return f"expected a URL like ws://host:port/path, got {options.address!r}: check its host and port"
    if parts.scheme not in _WEBSOCKET_SCHEMES:
        return f"expected a URL that begins with ws:// or wss://, got {options.address!r}: check its scheme"
    if not host:
        return f"expected a URL like ws://host:port/path, got {options.address!r}: it names no host"
    return None


def websocket(options: LinkOptions, **query: str) -> WebSocketTransport:
    """Return a transport to the address, with `query` added to it, and with the credentials."""
    from runconsole.transports.websocket import WebSocketTransport

    url, headers = signed(options)
    parts = urlsplit(url.reveal())
    target = parts._replace(scheme=_WEBSOCKET_SCHEMES[parts.scheme], fragment="").geturl()
    return WebSocketTransport(
        Secret(with_query(target, **query) if query else target),
        headers=headers,
        ssl=context_of_options(options),
        hide=options.redact,
    )


def signed(options: LinkOptions, *, in_header: bool = True) -> tuple[Secret[str], Secret[Mapping[str, str]]]:
    """Return the URL and the headers, with the token in one of them if `auth` puts it there.

    Args:
        options: the console's.
        in_header: True if the token is a header where `auth` is None.
    """
    url = options.url.reveal()
    headers = dict(options.headers.reveal()) if options.headers is not None else {}
    goes_in_header = options.auth == "header" or (options.auth is None and in_header)
    if options.token is not None and options.auth == "query":
        url = with_query(url, token=options.token.reveal())
    elif options.token is not None and goes_in_header and not _signs_in(headers):
        headers["Authorization"] = f"Bearer {options.token.reveal()}"
    return Secret(_signed_once(url, headers)), Secret(headers)


def _signs_in(headers: Mapping[str, str]) -> bool:
    return any(name.lower() == "authorization" for name in headers)


def _signed_once(url: str, headers: Mapping[str, str]) -> str:
    """Return the URL without a user and password if a header signs in: they would be a second one (RFC 9110)."""
    return without_user(url) if _signs_in(headers) else url


def context_of_options(options: LinkOptions) -> ssl_module.SSLContext | None:
    """Return the context for TLS; None for the system's certificates. Raises InvalidArgument."""
    return context_of(options.ssl) if isinstance(options.ssl, str) else options.ssl


def context_of(path: str) -> ssl_module.SSLContext:
    """Return a context that trusts the certificates of a PEM file. Raises InvalidArgument."""
    try:
        return ssl_module.create_default_context(cafile=path)
    except (OSError, ssl_module.SSLError) as error:
        why = error.strerror or type(error).__name__
        raise InvalidArgument(f"expected ssl= to name a readable PEM file, got {path!r} ({why})") from None
