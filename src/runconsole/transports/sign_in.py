"""The token and headers that sign in: trimmed, checked at once, with the secrets among them.

No function here raises: an exception would carry the values along.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any

from runconsole.redaction.secrets import Secret, bare
from runconsole.text.unicode import encodable_value
from runconsole.transports.address import is_secret_name

__all__ = ["check_headers", "check_token", "header_secrets", "named_secrets"]

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
"""Characters that no header may hold; a tab is none of them."""
_SHORTEST_PART = 8
_MOST_DEPTH = 20


def check_token(token: Any, *, in_header: bool) -> tuple[Secret[str] | None, str | None]:
    """Return the token without white space around it, and what is wrong with it in one sentence, or None."""
    given = bare(token)
    if given is None:
        return None, None
    if isinstance(given, str):
        given = given.strip()
    problem = _problem_of_token(given, in_header=in_header)
    return (Secret(given), None) if problem is None else (None, problem)


def _problem_of_token(given: Any, *, in_header: bool) -> str | None:
    if not isinstance(given, str):
        return f"expected token= to be a string, got a {type(given).__name__}"
    if not given:
        return "expected token= to be a secret, got an empty text: leave it out to sign in without one"
    if _CONTROL.search(given) or "\t" in given:
        return "expected token= to be one line, got line breaks or control characters in it: check where it is from"
    if encodable_value(given) != given:
        return "expected token= to be a text that can be sent, got half a character in it: check where it is from"
    if in_header and not _is_latin1(given):
        return 'expected token= to hold characters that a header can carry, got others: pass another auth="query"'
    return None


def check_headers(headers: Any) -> tuple[Secret[Mapping[str, str]] | None, str | None]:
    """Return the headers without white space around names and values, and what is wrong with them, or None."""
    given = bare(headers)
    if given is None:
        return None, None
    if not isinstance(given, Mapping):
        return None, f"expected headers= to be a mapping of header names to values, got a {type(given).__name__}"
    for number, (name, value) in enumerate(given.items(), 1):
        problem = _problem_of_header(number, name, bare(value))
        if problem is not None:
            return None, problem
    return Secret({name.strip(): bare(value).strip() for name, value in given.items()}), None


def _problem_of_header(number: int, name: Any, value: Any) -> str | None:
    if not isinstance(name, str):
        return f"expected headers= to have names that are strings, got a {type(name).__name__}"
    if not _HEADER_NAME.fullmatch(name.strip()):
        return f"expected headers= to have names like 'X-Api-Key', got another in place {number}: check it"
    if not isinstance(value, str):
        return f"expected the header {name!r} to be a string, got a {type(value).__name__}"
    if _CONTROL.search(value.strip()) or not _is_latin1(value.strip()):
        return (
            f"expected a value that a header can carry for {name!r}, got line breaks, control characters or"
            " characters past Latin-1: check where it is from"
        )
    return None


def _is_latin1(text: str) -> bool:
    return all(c <= "\xff" for c in text)


def header_secrets(headers: Mapping[str, str]) -> list[str]:
    """Return the secrets among the values of headers that sign in: each whole, and in its parts."""
    values = [value for name, value in headers.items() if is_secret_name(name)]
    return [part for value in values for part in _parts(value) if part]


def _parts(value: str) -> Iterator[str]:
    yield value
    scheme, space, rest = value.partition(" ")
    if space and "=" not in scheme:
        yield rest
        if scheme.lower() == "basic":
            yield _password(rest)
    for pair in value.split(";") if "=" in value else ():
        told = pair.partition("=")[2].strip().strip('"')
        if len(told) >= _SHORTEST_PART:
            yield told


def _password(code: str) -> str:
    try:
        return base64.b64decode(code + "==").decode("utf-8", "replace").partition(":")[2]
    except (binascii.Error, ValueError):
        return ""


def named_secrets(value: Any, depth: int = 0) -> list[str]:
    """Return the texts that stand under names like ``token`` in a message."""
    if depth > _MOST_DEPTH:
        return []
    if isinstance(value, Mapping):
        told = [text for name, text in value.items() if isinstance(text, str) and text and is_secret_name(str(name))]
        return told + [secret for inner in value.values() for secret in named_secrets(inner, depth + 1)]
    if isinstance(value, (list, tuple)):
        return [secret for inner in value for secret in named_secrets(inner, depth + 1)]
    return []
