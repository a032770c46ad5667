"""URLs without their secrets."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

__all__ = ["hostname", "is_loopback", "is_secret_name", "redact_url", "url_secrets", "with_query", "without_user"]

_SECRET_KEYS = re.compile(
    r"token|secret|password|passwd|api_?key|^key$|auth|credential|signature|^sig$|jwt|session", re.IGNORECASE
)
_SECRET_NAMES = re.compile(
    r"token|secret|password|passwd|api-?_?key|authorization|cookie|credential|signature|jwt", re.IGNORECASE
)
"""Narrower: what stands under these names is hidden wherever it appears."""
_HIDDEN = "***"


def redact_url(url: str) -> str:
    """Return the URL without user information and with the values of secret-looking query keys hidden."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return re.sub(r"//[^/@]*@", "//", url.split("?", maxsplit=1)[0])
    host = parts.hostname or ""
    netloc = f"[{host}]{port}" if ":" in host else f"{host}{port}"
    query = urlencode(
        [
            (key, _HIDDEN if _SECRET_KEYS.search(key) else value)
            for key, value in parse_qsl(parts.query, keep_blank_values=True)
        ],
        safe="*",
    )
    return urlunsplit((parts.scheme, netloc, parts.path, query, ""))


def is_secret_name(name: str) -> bool:
    """Whether what stands under this name (of a header, of a query's key) is a secret."""
    return bool(_SECRET_NAMES.search(name))


def url_secrets(url: str) -> list[str]:
    """Return the secrets that stand in a URL: its password, and the values of keys with such names."""
    try:
        parts = urlsplit(url)
        values = [value for key, value in parse_qsl(parts.query) if is_secret_name(key)]
        password = parts.password
    except ValueError:
        return []
    return [secret for secret in (unquote(password or ""), *values) if secret]


def with_query(url: str, **values: str) -> str:
    """Return the URL with these query values added."""
    parts = urlsplit(url)
    query = "&".join(filter(None, (parts.query, urlencode(values))))
    return urlunsplit(parts._replace(query=query))


def without_user(url: str) -> str:
    """Return the URL without user information."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def hostname(url: str) -> str:
    """Return ``host:port`` for messages."""
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2] or url


def is_loopback(url: str) -> bool:
    """Whether the URL points at this machine: no proxy and no compression then."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
