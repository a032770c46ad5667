"""The spellings of a secret on its way, as regular expressions: JSON, URL, HTML, base64, hex, halves.

`needles` are the cheap half: short texts, of which every spelling of the secret contains one.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator

__all__ = ["ESCAPED", "QUOTED", "Spelled", "compiled", "needles", "plain_forms", "rarest"]

ESCAPED = re.compile(r"\\u00(?:3[0-9]|[46][1-9a-fA-F]|[57][0-9aA])")
"""An ASCII letter or digit escaped as in JSON, which is never necessary."""
QUOTED = re.compile(r"%(?:25)*(?:3[0-9]|[46][1-9a-fA-F]|[57][0-9aA])")
"""An ASCII letter or digit quoted as in a URL, which is never necessary."""

_FEWEST = 3
"""Characters that make a needle."""
_HEAD = 48
"""Characters of a long secret that are spelled out; the following text is hidden as far as it looks like the rest."""
_RARE = "QXJKYVGHUWBFZPDNMLOCRISAETqjxzkvw"
_COMMON = 1000
"""More than all letters of `_RARE`: the rank of a letter that is none of them."""
_RUN = re.compile(r"[A-Za-z0-9]+")
_REST = r"(?:[\w.~+/=%&#;:-]|\\+(?:u00|x)[0-9a-fA-F]{2}|\\/)"
_RESTS = re.compile(r"[\w.~+/=-]*", re.ASCII)
_ENTITIES = {'"': "quot", "&": "amp", "'": "apos", "<": "lt", ">": "gt"}
_CONTROLS = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f"}
_NESTED = '"\\\n\r\t\b\f'
"""Characters that JSON within JSON spells differently."""
_BROKEN_ESCAPE = re.compile(r"\\+(?:u[0-9a-fA-F]{0,3})?$")
"""Text before a match: the remainder of an escape whose last letters look like the beginning of the secret."""
_LONGEST_ESCAPE = 16
_BEGINNING = re.compile(r'"[\w.~+/=%\\-]*$')
_ESCAPE = re.compile(r"\\+(?:u00|x)([0-9a-fA-F]{2})")
_PERCENT = re.compile(r"%(?:25)*([0-9a-fA-F]{2})")


def needles(secret: str, *, only_coded: bool = False) -> list[str] | None:
    """Return texts of which each spelling of `Spelled` contains one, ASCII escapes apart.

    None if there are none: then every text has to be searched in full. `only_coded`: base64 and hex alone.
    """
    half = -(-len(secret) // 2)
    halves = [_longest_run(secret[:half]), _longest_run(secret[-half:])]
    plain = halves if min(map(len, halves)) >= _FEWEST else [_longest_run(secret)]
    others = [_longest_run(text) for text in (*_base64s(secret), _hex(secret), _hex(secret).upper())]
    found = others if only_coded else [*plain, *others]
    return found if min(map(len, found)) >= _FEWEST else None


def rarest(needle: str) -> str:
    """Return the letter of a needle that is the rarest in the JSON of events: a search for one letter costs least."""
    return min(needle, key=lambda letter: _RARE.find(letter) % _COMMON)


def compiled(secret: str, *, only_coded: bool = False) -> Spelled:
    """Return expressions for the secret in every spelling.

    Each alternative begins with a letter: that is fast to search.
    """
    if only_coded:
        return Spelled(secret, "|".join(_encoded(secret, 0)), "", "")
    head, rest = secret, ""
    if len(secret) > _HEAD and _RESTS.fullmatch(secret[_HEAD:]):
        head, rest = secret[:_HEAD], rf"{_REST}{{0,{3 * (len(secret) - _HEAD)}}}"
    levels = 3 if any(c in head for c in _NESTED) else 1
    ways = [way + rest for level in reversed(range(levels)) for way in _ways(head, level)]
    if secret.isdecimal():  # within a string; a number of JSON is no secret
        ways = [rf"(?<![\d.:,\[-])(?<![:,\[] )(?:{'|'.join(ways)})(?!\d)"]
    heads, tails = _halves(secret)
    whole = "|".join([*ways, *_encoded(head, len(secret) - len(head))])
    return Spelled(secret, whole, "|".join(heads), "|".join(tails))


class Spelled:
    """A secret in every spelling. No part of it shows in a repr."""

    __slots__ = ("_head", "_secret", "_tail", "_whole")

    def __init__(self, secret: str, whole: str, heads: str, tails: str) -> None:
        self._secret = secret
        self._whole = re.compile(whole)
        self._head = re.compile(heads) if heads else None
        self._tail = re.compile(tails) if tails else None

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield the spans of the secret in a text, or of half of it at an edge; JSON stays JSON without them."""
        for match in self._whole.finditer(text):
            begin = match.start()
            broken = _BROKEN_ESCAPE.search(text, max(0, begin - _LONGEST_ESCAPE), begin)
            yield begin if broken is None else broken.start(), match.end()
        for match in self._head.finditer(text) if self._head is not None else ():
            if self._secret.startswith(_unescaped(match.group())):
                yield match.span()
        for match in self._tail.finditer(text) if self._tail is not None else ():
            begin = match.start()
            word = _BEGINNING.search(text, max(0, begin - len(self._secret)), begin)
            if word is not None and self._secret.endswith(_unescaped(text[word.start() + 1 : match.end()])):
                yield word.start() + 1, match.end()


def _unescaped(text: str) -> str:
    """Return the plain text of a piece of JSON text or of a quoted URL."""
    text = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text).replace("\\/", "/")
    return _PERCENT.sub(lambda match: chr(int(match[1], 16)), text)


def plain_forms(secret: str) -> Iterator[str]:
    """Yield the forms of a short secret: plain, and escaped as in JSON."""
    yield secret
    for is_ascii in (True, False):
        escaped = secret
        for _ in range(2):
            escaped = json.dumps(escaped, ensure_ascii=is_ascii)[1:-1]
            yield escaped
            yield escaped.replace("/", "\\/")


# ---- characters -----------------------------------------------------------------------------------------------------


def _spelled(text: str, level: int = 0) -> str:
    """Return an expression for a text with quotes and backslashes escaped for `level` nested JSON texts."""
    return "".join(f"(?:{'|'.join(_spellings(c, level))})" for c in text)


def _ways(text: str, level: int = 0) -> list[str]:
    """Return expressions for a text, each of which begins with one letter."""
    rest = _spelled(text[1:], level)
    return [way + rest for way in _spellings(text[0], level)]


def _spellings(c: str, level: int) -> list[str]:
    code = ord(c)
    if c in '"\\' or c in _CONTROLS:
        ways = [_in_json(c, level)]
    elif c == "/":
        ways = ["/", r"\\\\{0,2}/"]
    elif c == " ":
        ways = [" ", r"\+"]
    else:
        ways = [re.escape(c)]
    ways.append(r"\\\\*u" + _hexed(code, 4) if code < 0x10000 else _surrogates(code))
    if code < 0x80:
        ways.append(r"\\\\*x" + _hexed(code, 2))
    ways.append("".join(r"%(?:25)*" + _hexed(byte, 2) for byte in c.encode("utf-8", "surrogatepass")))
    ways.append(rf"&#(?:0*{code}|[xX]0*{_hexed(code, 1)});")
    if c in _ENTITIES:
        ways.append(f"&{_ENTITIES[c]};")
    return ways


def _in_json(c: str, level: int) -> str:
    text = c
    for _ in range(level):
        text = json.dumps(text)[1:-1]
    return re.escape(text)


def _hexed(number: int, digits: int) -> str:
    return "".join(f"[{d}{d.upper()}]" if d.isalpha() else d for d in f"{number:0{digits}x}")


def _surrogates(code: int) -> str:
    high, low = divmod(code - 0x10000, 0x400)
    return rf"\\\\*u{_hexed(0xD800 + high, 4)}\\+u{_hexed(0xDC00 + low, 4)}"


def _longest_run(text: str) -> str:
    return max(_RUN.findall(text), key=len, default="")


# ---- base64 and hex -------------------------------------------------------------------------------------------------


def _encoded(head: str, left: int) -> Iterator[str]:
    for text in _base64s(head):
        spelled = "".join(f"(?:{'|'.join(_BASE64[c])})" if c in _BASE64 else c for c in text[1:])
        for first in _BASE64.get(text[0], [text[0]]):
            yield first + spelled + (rf"{_REST}{{0,{4 * left}}}" if left else r"[\w+/-]?(?:=|\\+u003[dD]|%3[dD]){0,2}")
    code = _hex(head)
    tail = f"[0-9a-fA-F]{{0,{2 * left}}}" if left else ""
    yield code + tail
    if code != code.upper():
        yield code.upper() + tail


_BASE64 = {
    "+": [r"\+", "-", r"\\\\*(?:u00|x)2[bB]", r"%(?:25)*2[bB]"],
    "/": ["/", r"\\\\*/", "_", r"\\\\*(?:u00|x)2[fF]", r"%(?:25)*2[fF]"],
}


def _base64s(text: str) -> Iterator[str]:
    """Yield the base64 of a text within a longer one, for each of the three alignments."""
    data = text.encode("utf-8", "surrogatepass")
    for before, skipped in ((0, 0), (1, 2), (2, 3)):
        coded = base64.b64encode(bytes(before) + data).decode().rstrip("=")
        whole = (before + len(data)) // 3 * 4
        partly = {0: 0, 1: 1, 2: 2}[(before + len(data)) % 3]
        yield coded[skipped : whole + partly]


def _hex(text: str) -> str:
    return text.encode("utf-8", "surrogatepass").hex()


# ---- halves ---------------------------------------------------------------------------------------------------------


def _halves(secret: str) -> tuple[list[str], list[str]]:
    """Return expressions for the halves of a secret that is split over two texts: at an end, and at a start.

    Of a secret in two pieces one holds at least half.
    """
    half = -(-len(secret) // 2)
    head, tail = secret[:half], secret[-half:]
    if secret.isdecimal():
        return [], []
    if min(len(_longest_run(head)), len(_longest_run(tail))) < _FEWEST or any(c in secret for c in _NESTED + " "):
        return [], []
    heads = [rf'{way}{_REST}{{0,{3 * len(secret)}}}(?=\\*")' for way in _ways(head[:_HEAD])]
    return heads, _ways(tail[-_HEAD:])
