"""Redirects: followed within one origin, never to another one, which would get the secrets."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from runconsole.errors import LinkLost
from runconsole.reconnect import AFRESH
from runconsole.transports.address import hostname, origin, shown_address
from runconsole.transports.pages import explain_page, leads_to_sign_in

__all__ = ["REDIRECTS", "follow_redirect"]

REDIRECTS = frozenset({300, 301, 302, 303, 307, 308})
_WEBSOCKET_SCHEMES = {"http": "ws", "https": "wss"}


def follow_redirect(url: str, location: str, status: int, wanted: str = "a WebSocket") -> str | LinkLost:
    """Return the ``ws(s)://`` URL that a redirect of the `wanted` server leads to, or why it is not followed."""
    target = urljoin(url.replace("ws", "http", 1) if url.startswith("ws") else url, location)
    try:
        parts = urlsplit(target)
        is_same = origin(target) == origin(url)
    except ValueError:
        return LinkLost(
            f"{hostname(url)} redirects to an address that cannot be read: pass the server's own address",
            policy=AFRESH,
            code=status,
        )
    if not is_same and leads_to_sign_in(location):
        return explain_page(status, {"Location": target}, b"", hostname(url), wanted) or LinkLost(hostname(url))
    if not is_same:
        return LinkLost(
            f"{hostname(url)} redirects to another server, {shown_address(target)}: it was not followed, and nothing"
            " was sent there; pass that address if you trust it",
            policy=AFRESH,
            code=status,
        )
    return parts._replace(scheme=_WEBSOCKET_SCHEMES.get(parts.scheme, parts.scheme)).geturl()
