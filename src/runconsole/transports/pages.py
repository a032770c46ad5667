"""Web pages in place of a handshake: a sign-in page, a portal of the network, the site's own."""

from __future__ import annotations

import re
from collections.abc import Mapping

from runconsole.errors import LinkLost
from runconsole.transports.address import shown_address

__all__ = ["explain_page", "leads_to_sign_in"]

_SIGN_IN = re.compile(
    r"\b(?:sign|log)[ _-]?[io]n\b|\bsso\b|\bsaml|\boauth|\bopenid|\boidc\b|type=.?password|captive|\baccounts\."
    r"|/auth\b",
    re.IGNORECASE,
)
_NETWORK_SIGN_IN = 511
_MOST_READ = 65_536


def leads_to_sign_in(location: str) -> bool:
    """Return whether a redirect's target looks like a sign-in page."""
    return _SIGN_IN.search(location) is not None


def explain_page(
    status: int, headers: Mapping[str, str], body: bytes, host: str, wanted: str = "a WebSocket"
) -> LinkLost | None:
    """Say that a page answered in place of the server, `wanted`; None for any other answer.

    A page is HTML with a status of success, a redirect to one that was not followed, or what a network says that wants
    a sign-in (RFC 6585).
    """
    if status == _NETWORK_SIGN_IN:
        return LinkLost(
            f"the network in between wants you to sign in before it lets anything through to {host} (HTTP 511): open"
            " any page in a browser, sign in, and connect again"
        )
    is_page = "html" in headers.get("Content-Type", "").lower()
    if 300 <= status < 400:
        signs_in = leads_to_sign_in(headers.get("Location", ""))
        if not signs_in:
            return None
    elif is_page and status < 300:
        signs_in = _SIGN_IN.search(body[:_MOST_READ].decode("utf-8", "replace")) is not None
    else:
        return None
    got = "a sign-in page" if signs_in else "a web page, perhaps one to sign in"
    if 300 <= status < 400:
        got = f"a redirect to a sign-in page, {shown_address(headers['Location'])}"
    else_ = "" if signs_in else ", or check the path of the URL"
    return LinkLost(
        f"expected {wanted} at {host}, got {got} (HTTP {status}): sign in there with a browser and pass what it"
        f' gives you, headers={{"Cookie": …}} or token={else_}',
        doubtful=True,
        code=status,
    )
