"""URLs without their secrets."""

from __future__ import annotations

import ipaddress
import re
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import unquote, unquote_plus, urlencode, urlsplit, urlunsplit

__all__ = [
    "hostname",
    "is_loopback",
    "is_secret_name",
    "origin",
    "shown_address",
    "url_secrets",
    "with_query",
    "without_user",
]

_HARMLESS_KEYS = (  # noqa: SIM905 - a list of names reads best as words
    "a id room rooms channel channels topic topics stream streams task taskid tasks execution executionid run runid job"
    " jobid workflow workflowid thread threadid conversation conversationid masterplan masterplanid plan planid project"
    " projectid namespace ns protocol format version v eio transport connectionparams batch mode debug verbose level"
    " page limit offset cursor from to since until after before seq lang locale tz timezone env environment region zone"
    " replay history follow tail filter type types kind status sort order view"
).split()
"""Keys of a query whose values are shown, in lower case and without ``-`` and ``_``. All other values are hidden."""
_SECRET_NAMES = re.compile(
    r"token|secret|passw|passwd|pwd|pass$|passphrase|^pin$|^otp$|api[-_]?key|[-_ ]key$|^key$|auth|cookie|credential"
    r"|signature|^sig$|jwt|bearer|ticket|session|access|csrf|xsrf",
    re.IGNORECASE,
)
_FEW = 2
"""A value of so few characters is no secret, unless its key says so."""
_NAME = re.compile(r"[A-Za-z][\w.\-\[\]]{0,40}")
_HOST = re.compile(r"(?:localhost|\[[0-9a-fA-F:.%]+\]|[\w-]+(?:\.[\w-]+)+)(?::\d{1,5})?")
_ODD_HOST = re.compile(r"[^\w.:%\[\]-].*", re.DOTALL)
"""A character that no host has in its name, with all that follows."""
_BEGIN = re.compile(r"((?:[A-Za-z][A-Za-z0-9+.\-]*:)?/*)")
_PATH_VALUE = re.compile(r"(;[^=/;]*=)[^/;]*")
_HIDDEN = "***"


class _Parts(NamedTuple):
    """An address taken apart, however it is mistyped: what cannot be told from a password counts as one."""

    begin: str
    """The scheme and slashes."""
    user: str
    """The text before the last ``@`` that may end user information."""
    host: str
    path: str
    query: str


def _parts(url: str) -> _Parts:
    begin = _BEGIN.match(url)[1]  # type: ignore[index]  # it matches any text
    if "/" not in begin:
        begin = ""
    rest = url[len(begin) :]
    user = ""
    host = re.split(r"[/?#\\]", rest, maxsplit=1)[0]
    at = rest.rfind("@")
    query_at = rest.find("?")
    if at >= len(host) and (_HOST.fullmatch(host) or _is_query(host, rest[:at])):
        at = -1  # in the path or the query of a plain host
    elif "@" in host and 0 <= query_at < at and _HOST.fullmatch(host.rpartition("@")[2]):
        at = host.rfind("@")
    if at >= 0:
        user, rest = rest[:at], rest[at + 1 :]
        host = re.split(r"[/?#\\]", rest, maxsplit=1)[0]
    path, _, query = rest[len(host) :].partition("#")[0].partition("?")
    return _Parts(begin, user, _ODD_HOST.sub(_HIDDEN, host, count=1), path, query)


def _is_query(host: str, before: str) -> bool:
    """Return whether an ``@`` stands in a query, and not in a password with a question mark."""
    _, mark, query = before.partition("?")
    name, colon, port = host.partition(":")
    return bool(name and mark) and (not colon or (port.isdecimal() and "=" in query))


def shown_address(url: str) -> str:
    """Return an address as it may be shown: no user information, no fragment, no value that may be a secret."""
    parts = _parts(url)
    begin, host = parts.begin, parts.host
    with suppress(ValueError):
        split = urlsplit(f"//{host}")
        port = f":{split.port}" if split.port else ""
        name = split.hostname or ""
        begin, host = begin.lower(), f"[{name}]{port}" if ":" in name else f"{name}{port}"
    path = _PATH_VALUE.sub(rf"\1{_HIDDEN}", parts.path)
    query = "&".join(_shown_pair(pair) for pair in parts.query.split("&") if pair)
    return f"{begin}{host}{path}{'?' if query else ''}{query}"


def _shown_pair(pair: str) -> str:
    key, equals, value = pair.partition("=")
    name, value = unquote_plus(key), unquote_plus(value)
    if not equals:
        return key if _is_harmless(name) else _HIDDEN
    shown = value if _is_harmless_value(name, value) else _HIDDEN
    return urlencode([(name if _NAME.fullmatch(name) else _HIDDEN, shown)], safe="*[]")


def _is_harmless(key: str) -> bool:
    return key.lower().replace("-", "").replace("_", "") in _HARMLESS_KEYS


def _is_harmless_value(key: str, value: str) -> bool:
    if is_secret_name(key):
        return False
    return len(value) <= _FEW or (_is_harmless(key) and not any(c in value for c in "=;?&@"))


def is_secret_name(name: str) -> bool:
    """Return whether what stands under this name (of a header, of a query's key) is a secret."""
    return bool(_SECRET_NAMES.search(name))


def url_secrets(url: str) -> list[str]:
    """Return the secrets that stand in a URL: its password, and the values that are not known to be harmless."""
    parts = _parts(url)
    name, _, password = parts.user.partition(":")
    pairs = [pair.partition("=") for pair in parts.query.split("&") if pair]
    values = [value if equals else key for key, equals, value in pairs if not _is_shown(key, equals, value)]
    values += [found.group().partition("=")[2] for found in _PATH_VALUE.finditer(parts.path)]
    user = [password, f"{unquote(name)}:{unquote(password)}"] if password else [name]
    told = [unquote(value) for value in user] + [unquote_plus(value) for value in values]
    return [secret for secret in dict.fromkeys([*told, *values]) if secret]


def _is_shown(key: str, equals: str, value: str) -> bool:
    name = unquote_plus(key)
    return _is_harmless_value(name, unquote_plus(value)) if equals else _is_harmless(name)


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
    return _parts(url).host or shown_address(url)


def origin(url: str) -> tuple[str, str, int | None]:
    """Return what makes two URLs of one server: scheme, host and port. Raises ValueError."""
    parts = urlsplit(url)
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    return scheme, parts.hostname or "", parts.port or {"ws": 80, "wss": 443}.get(scheme)


def is_loopback(url: str) -> bool:
    """Return whether the URL points at this machine: no proxy and no compression then."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
