"""Messages of chat models as the state of a graph holds them: their text, their usage, their tool calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, ValuesView
from typing import Any

import msgspec

from runconsole.events import TokenUsage

__all__ = ["json_of", "messages_in", "model_of", "text_of", "tool_calls_of", "usage_of"]

_AI = frozenset({"ai", "AIMessage", "AIMessageChunk", "assistant"})
_TOOL = frozenset({"tool", "ToolMessage"})
_MOST_NESTED = 4


def messages_in(value: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the messages of models (``ai``) and of tools (``tool``) in what a node has written, at its top level."""
    written = value.values() if isinstance(value, Mapping) else value
    for each in written if isinstance(written, (list, ValuesView)) else ():
        for message in each if isinstance(each, list) else [each]:
            if isinstance(message, Mapping):
                kind = str(message.get("type") or message.get("role"))
                if kind in _AI and "content" in message:
                    yield "ai", message
                elif kind in _TOOL and "tool_call_id" in message:
                    yield "tool", message


def text_of(content: Any, depth: int = 0) -> str:
    """Return the text of a message's content, which may be a list of blocks."""
    if isinstance(content, str):
        return content
    if isinstance(content, list) and depth < _MOST_NESTED:
        return "".join(text_of(block, depth + 1) for block in content)
    if isinstance(content, Mapping) and content.get("type", "text") == "text":
        text = content.get("text")
        return text if isinstance(text, str) else ""
    return ""


def tool_calls_of(message: Mapping[str, Any]) -> Iterator[tuple[str, str | None, Any]]:
    """Yield the id, the tool and the arguments of each tool call of a message."""
    listed = message.get("tool_calls")
    for call in listed if isinstance(listed, list) else ():
        if isinstance(call, Mapping) and isinstance(call.get("id"), str):
            name = call.get("name")
            yield call["id"], name if isinstance(name, str) else None, call.get("args")


def usage_of(usage: Any, mark: str | None, model: str | None) -> TokenUsage | None:
    """Return the tokens of a message, by the names of LangChain's UsageMetadata; None where it has none."""
    if not isinstance(usage, Mapping):
        return None
    cached = _part(usage.get("input_token_details"), "cache_read")
    reasoning = _part(usage.get("output_token_details"), "reasoning")
    total, given, written = (_count(usage.get(f"{name}_tokens")) for name in ("total", "input", "output"))
    if total is None and given is None and written is None:
        return None
    return TokenUsage(mark, model, total, given, written, cached, reasoning)


def _part(details: Any, name: str) -> int | None:
    return _count(details.get(name)) if isinstance(details, Mapping) else None


def model_of(message: Mapping[str, Any]) -> str | None:
    """Return the model that has written a message, where it says so."""
    details = message.get("response_metadata")
    names = [details.get(name) for name in ("model_name", "model")] if isinstance(details, Mapping) else []
    return next((name for name in names if isinstance(name, str) and name), None)


def json_of(value: Any) -> str:
    """Return a value as JSON."""
    return msgspec.json.encode(value).decode()


def _count(value: Any) -> int | None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return round(value) if is_number and 0 <= value < 2**53 else None
