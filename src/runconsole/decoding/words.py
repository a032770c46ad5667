"""The words of an error, in the places where servers put them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["words_of"]

_NAMES = (
    *("message", "msg", "error_message", "errorMessage", "error_description", "detail", "details", "error", "errors"),
    *("reason", "description", "title", "text", "cause", "exception", "exc", "err", "failure", "data", "body"),
    "content",
)
_MOST = 5
_DEEPEST = 8


def words_of(error: Any, depth: int = 0) -> str | None:
    """Return the words of an error: a text, a list of them, or an object that holds them; None for none.

    FastAPI lists its errors as ``{"loc": ["body", "name"], "msg": …}``.
    """
    if isinstance(error, str):
        return error if error.strip() else None
    if depth > _DEEPEST:
        return None
    if isinstance(error, list):
        found = [words for item in error[: _MOST * 4] if (words := words_of(item, depth + 1))]
        more = len(error) - _MOST
        return "; ".join(found[:_MOST]) + (f"; and {more} more" if found and more > 0 else "") or None
    if not isinstance(error, Mapping):
        return None
    words = next((words for name in _NAMES if (words := words_of(error.get(name), depth + 1))), None)
    place = error.get("loc")
    if words is not None and isinstance(place, list) and place:
        return f"{'.'.join(map(str, place[:_MOST]))}: {words}"
    return words
