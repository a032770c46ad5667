"""Visible marks for invisible characters, and for those that change how their neighbors are read.

A right-to-left override (U+202E) lets a path read as another one. In shown text such a character becomes ``⟨U+202E⟩``,
and a control character its picture (``␛``). Joiners of emoji or letters stay where they have that meaning. The panel
repeats the same rule in `js/src/kernel/marks.ts`, as a second line of defense.
"""

from __future__ import annotations

import re

__all__ = ["escaped", "marked"]

_LETTERS = "\u0600-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u17b3\u1800-\u18af\ufb50-\ufdff\ufe70-\ufefc"
"""Letters of the scripts that use joiners: Arabic, those of India, Burmese, Khmer, Mongolian."""
_PICTURES = "\u2600-\u27bf\U0001f000-\U0001faff"
_SYMBOLS = "\xa9\xae\u203c\u2049\u2122\u2139\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
_IDEOGRAPHS = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_FLAGS = ("gbeng", "gbsct", "gbwls")

# Invisible characters with a meaning: the tags of a flag, joiners and variation selectors.
_KEPT = "|".join(
    (
        *("\U0001f3f4" + "".join(chr(0xE0000 + ord(c)) for c in flag) + "\U000e007f" for flag in _FLAGS),
        f"(?<=[\ufe0f{_PICTURES}])\u200d(?=[\u2194\u2195\u2b1b{_PICTURES}])",
        f"(?<=[{_LETTERS}])[\u200c\u200d\u180b-\u180d]",
        "(?<=[#*0-9])\ufe0f(?=\u20e3)",
        f"(?<=[{_SYMBOLS}])[\ufe0e\ufe0f]",
        f"(?<=[{_IDEOGRAPHS}])[\ufe00-\ufe02\U000e0100-\U000e01ef]",
    )
)
# Format characters (Cf), what Unicode calls ignorable by default, line separators, lone surrogates.
_HIDDEN = (
    "\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000110bd\U000110cd"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff\ud800-\udfff"
)
_CONTROLS = r"\x00-\x08\x0b-\x1f\x7f-\x9f"
_MARKED = re.compile(f"(?:{_KEPT})|([{_CONTROLS}{_HIDDEN}])")
_MARKED_BUT_CONTROLS = re.compile(f"(?:{_KEPT})|([{_HIDDEN}])")
_ASCII_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def marked(text: str, *, controls: bool = True) -> str:
    r"""Return a text with a visible mark for each deceptive character; tabs and line breaks stay (\r\n as \n).

    `controls`: mark control characters too; False for a text whose control characters are already processed.
    """
    if text.isascii() and (not controls or _ASCII_CONTROL.search(text) is None):
        return text
    return (_MARKED if controls else _MARKED_BUT_CONTROLS).sub(_mark, text.replace("\r\n", "\n"))


def escaped(text: str) -> str:
    """Return a JSON text with an escape for each character that `marked` marks: the same value, all of it visible."""
    return _MARKED.sub(_escape, text)


def _mark(found: re.Match[str]) -> str:
    character = found[1]
    if character is None:
        return found[0]
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"⟨U+{code:04X}⟩"


def _escape(found: re.Match[str]) -> str:
    return found[0] if found[1] is None else "".join(f"\\u{unit:04x}" for unit in _utf16(found[1]))


def _utf16(character: str) -> memoryview:
    return memoryview(character.encode("utf-16", "surrogatepass"))[2:].cast("H")
