"""Lone surrogates: half an emoji from a browser, a file name that is not UTF-8. Neither JSON nor a page can hold them.

Texts are made encodable where they enter: the arguments of a console, answers, messages of the page, own facts.
"""

from __future__ import annotations

import os
import re
from typing import Any, TypeVar

import msgspec

from runconsole.errors import InvalidArgument

__all__ = ["check_path", "encodable_fact", "encodable_value"]

_SURROGATE = re.compile("[\ud800-\udfff]")
_Fact = TypeVar("_Fact", bound=msgspec.Struct)


def encodable_value(value: Any) -> Any:
    """Return a text, or a JSON value with all its texts, with U+FFFD for each lone surrogate.

    Raises RecursionError for a value that is nested deeper than Python can follow.
    """
    match value:
        case str():
            return value if value.isascii() else _encodable_text(value)
        case list():
            return [encodable_value(item) for item in value]
        case tuple() if type(value) is tuple:
            return tuple(encodable_value(item) for item in value)
        case dict():
            return {encodable_value(name): encodable_value(item) for name, item in value.items()}
    return value


def _encodable_text(text: str) -> str:
    if _SURROGATE.search(text) is None:
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # two halves become the one character


def encodable_fact(fact: _Fact) -> _Fact:
    """Return a fact with U+FFFD for each lone surrogate in its fields, and in those of a fact that it holds."""
    try:
        msgspec.json.encode(fact)
    except UnicodeEncodeError:
        return _replaced(fact)
    except (TypeError, ValueError, RecursionError):
        pass  # values that JSON cannot hold for another reason are left alone
    return fact


def _replaced(fact: _Fact) -> _Fact:
    fields = {name: getattr(fact, name) for name in fact.__struct_fields__}
    return msgspec.structs.replace(
        fact,
        **{
            name: _replaced(value) if isinstance(value, msgspec.Struct) else encodable_value(value)
            for name, value in fields.items()
        },
    )


def check_path(path: str | os.PathLike[str]) -> None:
    """Raise InvalidArgument for a name that no file can have here; names that are not UTF-8 are fine."""
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        raise InvalidArgument(
            f"expected the name of a file, got {os.fspath(path)!r}, which this system cannot write: choose another name"
        ) from None
