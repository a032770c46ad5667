"""Hides secrets in whatever travels, in every spelling they may have there."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

__all__ = ["Secrets"]

HIDDEN = "***"
_SHORT = 4
"""Shorter secrets are hidden only as whole values: anything else would make nonsense of the rest."""

_NAMED = re.compile(
    r'("[^"]*(?:token|secret|passw|api_?key|authorization|credential|jwt)[^"]*"\s*:\s*)"(?:[^"\\]|\\.)*"', re.IGNORECASE
)


class Secrets:
    """Replaces each of some secrets by `HIDDEN`.

    Found as they are, escaped as in JSON (once and twice), quoted as in a URL, and in base64.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        spellings = {spelling for secret in secrets if secret for spelling in _spellings(secret)}
        longest_first = sorted(spellings, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(_pattern, longest_first))) if spellings else None

    def hide(self, text: str) -> str:
        """Return the text without secrets."""
        return text if self._pattern is None else self._pattern.sub(HIDDEN, text)

    def hide_line(self, line: bytes) -> bytes:
        """Return bytes, UTF-8 as far as they are text, without secrets."""
        if self._pattern is None:
            return line
        return self.hide(line.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def hide_sent(self, frame: str) -> str:
        """Return a frame of ours without secrets, and without whatever stands under a name like ``token``."""
        return _NAMED.sub(rf'\1"{HIDDEN}"', self.hide(frame))

    def hide_frame(self, frame: str | bytes) -> str | bytes:
        """Return a frame without secrets; one in UTF-8 becomes text."""
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


def _pattern(spelling: str) -> str:
    if len(spelling) >= _SHORT:
        return re.escape(spelling)
    return rf'(?<=["= ]){re.escape(spelling)}(?=\\?["&]|$)'
