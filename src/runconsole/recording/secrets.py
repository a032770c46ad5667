"""Hides secrets in whatever travels, in every spelling they may have there.

Where a secret may be a word that the server uses, too, it is left in what the server says: to hide it there would
destroy the run. Where something tells what it is, or in a whole value of what we send, it is hidden all the same.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from runconsole.recording.facts import FACT_WORDS
from runconsole.recording.lines import Entry, Header

__all__ = ["Secrets"]

HIDDEN = "***"
_SHORT = 8
"""Shorter secrets cannot be told apart from the words of a run."""

_VOCABULARY = FACT_WORDS | {*Header.__struct_fields__, *Entry.__struct_fields__}
"""What a recording's own lines, and most of a server's, are made of."""

_TELLING = r"(?:token|secret|passw|api_?key|authorization|credential|jwt)"
"""Within a name: what stands under it is a secret."""

_NAMED = re.compile(rf'("[^"]*{_TELLING}[^"]*"\s*:\s*)"(?:[^"\\]|\\.)*"', re.IGNORECASE)


class Secrets:
    """Replaces each of some secrets by `HIDDEN`.

    Found as they are, escaped as in JSON (once and twice), quoted as in a URL, and in base64. One that cannot be told
    apart (shorter than eight characters, or a word of `_VOCABULARY`) is found only under a name like ``token``, behind
    ``Bearer``, and as a whole value of what we send.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        given = {secret for secret in secrets if secret}
        distinct = {secret for secret in given if _is_distinct(secret)}
        common = "|".join(map(re.escape, _longest_first(given - distinct)))
        self._anywhere = _either(_pattern(spelling) for spelling in _longest_first(distinct))
        self._told = _either([_told_pattern(common)] if common else [])
        self._as_value = _either([_value_pattern(common)] if common else [])

    def hide(self, text: str) -> str:
        """Return what may come from the server without secrets that can be told apart."""
        if self._anywhere is not None:
            text = self._anywhere.sub(HIDDEN, text)
        return text if self._told is None else self._told.sub(rf"\1{HIDDEN}", text)

    def hide_line(self, line: bytes) -> bytes:
        """Return bytes, UTF-8 as far as they are text, as `hide` does."""
        if self._anywhere is None and self._told is None:
            return line
        return self.hide(line.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def hide_sent(self, frame: str) -> str:
        """Return a frame of ours without secrets, and without whatever stands under a name like ``token``."""
        frame = self.hide(frame)
        if self._as_value is not None:
            frame = self._as_value.sub(HIDDEN, frame)
        return _NAMED.sub(rf'\1"{HIDDEN}"', frame)

    def hide_frame(self, frame: str | bytes) -> str | bytes:
        """Return a frame of the server as `hide` does; one in UTF-8 becomes text."""
        if isinstance(frame, str):
            return self.hide(frame)
        try:
            return self.hide(frame.decode())
        except UnicodeDecodeError:
            return self.hide_line(frame)


def _spellings(secret: str) -> Iterable[str]:
    yield secret
    for is_ascii in (True, False):
        escaped = secret
        for _ in range(2):
            escaped = json.dumps(escaped, ensure_ascii=is_ascii)[1:-1]
            yield escaped
            yield escaped.replace("/", "\\/")
    yield quote(secret, safe="", errors="surrogatepass")
    yield quote_plus(secret, errors="surrogatepass")
    yield quote(secret, errors="surrogatepass")
    if len(secret) >= _SHORT:
        yield base64.b64encode(secret.encode("utf-8", "surrogatepass")).decode().rstrip("=")


def _longest_first(secrets: Iterable[str]) -> list[str]:
    return sorted({spelling for secret in secrets for spelling in _spellings(secret)}, key=len, reverse=True)


def _is_distinct(secret: str) -> bool:
    return len(secret) >= _SHORT and not any(secret.lower() in word.lower() for word in _VOCABULARY)


def _either(patterns: Iterable[str]) -> re.Pattern[str] | None:
    joined = "|".join(patterns)
    return re.compile(joined) if joined else None


def _pattern(spelling: str) -> str:
    if spelling.isdecimal():  # within a string; a number of JSON is none of ours
        return rf"(?<![\d.:,\[-])(?<![:,\[] ){spelling}(?!\d)"
    return re.escape(spelling)


def _told_pattern(spellings: str) -> str:
    return rf'(?i:({_TELLING}[\w-]*(?:\\?"\s*:\s*\\?"|=)(?:Bearer )?|\bBearer ))(?:{spellings})(?=[\s\\"&]|$)'


def _value_pattern(spellings: str) -> str:
    return rf'(?:(?<=["=])|(?<=Bearer ))(?:{spellings})(?=\\?["&]|$)(?!\\?"\s*:)'
