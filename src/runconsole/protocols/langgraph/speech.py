"""Messages that come in parts while a model writes them: the channel `messages`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from msgspec import Struct

from runconsole.events import TokenUsage
from runconsole.protocols.langgraph.messages import text_of, usage_of

__all__ = ["Speech", "Spoken"]

_OTHERS = frozenset({"human", "system", "tool", "user"})


class Spoken(NamedTuple):
    """News of a message.

    Attributes:
        text: more of it.
        is_start: True if it begins.
        name: its author, where it has one.
    """

    text: str = ""
    is_start: bool = False
    usage: TokenUsage | None = None
    model: str | None = None
    name: str | None = None
    error: str | None = None


class _Message(Struct):
    mark: str | None
    is_model: bool
    model: str | None
    name: str | None
    blocks: set[int | str | None]
    """The blocks of which a part has come."""
    ends_line: bool = True


class Speech:
    """Follows the messages of all sub-graphs at once. A part names no message: it is the newest of its sub-graph."""

    def __init__(self) -> None:
        self._now: dict[tuple[str, ...], _Message] = {}
        self._said: set[str] = set()

    def has_said(self, mark: str | None) -> bool:
        """Return whether the text of a message has come in parts."""
        return mark in self._said

    def read(self, place: tuple[str, ...], data: Mapping[str, Any]) -> Spoken | None:
        """Return what a part says; None for one that says nothing."""
        if data.get("event") == "message-start":
            return self._begin(place, data)
        if data.get("event") == "error":
            words = data.get("message")
            return Spoken(error=words if isinstance(words, str) and words else "the model failed")
        message = self._now.get(place)
        return None if message is None or not message.is_model else self._part(place, message, data)

    def _part(self, place: tuple[str, ...], message: _Message, data: Mapping[str, Any]) -> Spoken | None:
        match data.get("event"):
            case "content-block-delta":
                delta = data.get("delta")
                kind = delta.get("type") if isinstance(delta, Mapping) else None
                text = delta.get("text") if isinstance(delta, Mapping) and kind == "text-delta" else None
                return self._more(message, _block(data), text)
            case "content-block-start" | "content-block-finish" if _block(data) not in message.blocks:
                return self._more(message, _block(data), text_of(data.get("content")))
            case "message-finish":
                del self._now[place]
                usage = usage_of(data.get("usage"), message.mark, message.model)
                return Spoken("" if message.ends_line else "\n", usage=usage, model=message.model, name=message.name)
        return None

    def _begin(self, place: tuple[str, ...], data: Mapping[str, Any]) -> Spoken | None:
        details = data.get("metadata")
        model = details.get("model") if isinstance(details, Mapping) else None
        mark, name = data.get("id"), data.get("name")
        message = self._now[place] = _Message(
            mark if isinstance(mark, str) else None,
            str(data.get("role")) not in _OTHERS,
            model if isinstance(model, str) else None,
            name if isinstance(name, str) else None,
            set(),
        )
        return Spoken(is_start=True, model=message.model, name=message.name) if message.is_model else None

    def _more(self, message: _Message, index: int | str | None, text: Any) -> Spoken | None:
        if not isinstance(text, str) or not text:
            return None
        message.blocks.add(index)
        message.ends_line = text.endswith("\n")
        if message.mark is not None:
            self._said.add(message.mark)
        return Spoken(text, name=message.name)


def _block(data: Mapping[str, Any]) -> int | str | None:
    index = data.get("index")
    return index if isinstance(index, (int, str)) else None
