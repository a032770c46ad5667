"""The messages and the state of a thread, folded from events, so that the next request can carry them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runconsole.protocols.agui.frames import Event
from runconsole.protocols.agui.patches import Document

__all__ = ["Conversation"]

_UNSENT_ROLES = frozenset({"activity", "reasoning"})
"""Messages for people, which no request carries: servers of 0.x refuse them."""


class Conversation:
    """The messages of a server and ours in one thread.

    Attributes:
        state: the agent's.
        activities: the content of each activity, by its message id.
        calls: the name of each tool call.
        arguments: the parts of the arguments of each tool call, as they came.
    """

    def __init__(self, messages: list[Any], state: Any) -> None:
        self.state = Document(state)
        self.activities: dict[str, Document] = {}
        self.calls: dict[str, str] = {}
        self.arguments: dict[str, list[str]] = {}
        self._messages: dict[str, dict[str, Any]] = {}
        self._texts: dict[str, list[str]] = {}
        self._open: dict[str, str] = {}
        """The newest message, and the newest tool call, of chunks that name none."""
        self.replace(messages)

    def replace(self, messages: Any) -> None:
        """Take all messages as the server lists them."""
        self._messages.clear()
        self._texts.clear()
        for number, message in enumerate(messages if isinstance(messages, list) else ()):
            if not isinstance(message, Mapping):
                continue
            self._messages[str(message.get("id") or f"message-{number}")] = dict(message)
            for call_id, name, arguments in tool_calls(message):
                self.calls.setdefault(call_id, name)
                self.arguments[call_id] = [arguments]

    def messages(self) -> list[dict[str, Any]]:
        """Return the messages for a request."""
        return [self._whole(name, message) for name, message in self._messages.items() if _is_sent(message)]

    def text(self, message_id: str) -> str:
        """Return the text of a message so far."""
        return "".join(self._texts.get(message_id, ()))

    def name(self, message_id: str | None) -> str | None:
        """Return the name of a message's author, where the server gave one."""
        name = self._messages.get(message_id or "", {}).get("name")
        return name if isinstance(name, str) else None

    def has_said(self, message_id: object, text: str) -> bool:
        """Return whether a message came before, by its id or in these words."""
        if message_id in self._messages:
            return True
        return any(self._whole(name, message).get("content") == text for name, message in self._messages.items())

    def call_arguments(self, call_id: str) -> str:
        """Return the arguments of a tool call so far."""
        return "".join(self.arguments.get(call_id, ()))

    # ---- text -------------------------------------------------------------------------------------------------------

    def start_text(self, event: Event) -> str:
        """Begin a message, or go on with it; return its id."""
        name = event.message_id or self._open.get("text") or "message"
        self._open["text"] = name
        if name not in self._texts:
            message = self._messages.setdefault(name, {"id": name, "role": event.role or "assistant"})
            known = message.get("content")
            self._texts[name] = [known] if isinstance(known, str) else []
            if event.name:
                message.setdefault("name", event.name)
        return name

    def add_text(self, event: Event) -> str:
        """Add text to a message; return its id."""
        name = self.start_text(event)
        if isinstance(event.delta, str):
            self._texts[name].append(event.delta)
        return name

    # ---- tools ------------------------------------------------------------------------------------------------------

    def start_call(self, event: Event) -> tuple[str, bool]:
        """Begin a tool call, or go on with it; return its id, and whether it is new."""
        call_id = event.tool_call_id or self._open.get("call") or "call"
        self._open["call"] = call_id
        if call_id in self.calls:
            return call_id, False
        self.calls[call_id] = event.tool_call_name or "tool"
        self.arguments[call_id] = []
        parent = event.parent_message_id or call_id
        message = self._messages.setdefault(parent, {"id": parent, "role": "assistant"})
        message.setdefault("toolCalls", []).append(
            {"id": call_id, "type": "function", "function": {"name": self.calls[call_id], "arguments": ""}}
        )
        return call_id, True

    def add_arguments(self, event: Event) -> tuple[str, bool]:
        """Add to the arguments of a tool call; return as `start_call`."""
        call_id, is_new = self.start_call(event)
        if isinstance(event.delta, str):
            self.arguments[call_id].append(event.delta)
        return call_id, is_new

    def add_result(self, event: Event) -> None:
        """Add the message with the result of a tool call."""
        name = event.message_id or f"result-{event.tool_call_id}"
        content = event.content if isinstance(event.content, (str, list)) else ""
        self._messages[name] = {"id": name, "role": "tool", "toolCallId": event.tool_call_id, "content": content}

    def _whole(self, name: str, message: dict[str, Any]) -> dict[str, Any]:
        """Return a message with the text and the arguments that have come in parts."""
        whole = dict(message)
        if name in self._texts:
            whole["content"] = self.text(name)
        if isinstance(whole.get("toolCalls"), list):
            whole["toolCalls"] = [self._whole_call(call) for call in whole["toolCalls"]]
        return whole

    def _whole_call(self, call: Any) -> Any:
        call_id = call.get("id") if isinstance(call, Mapping) else None
        if call_id not in self.arguments:
            return call
        return {**call, "function": {**call.get("function", {}), "arguments": self.call_arguments(call_id)}}


def _is_sent(message: Mapping[str, Any]) -> bool:
    return message.get("role") not in _UNSENT_ROLES


def tool_calls(message: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return the id, the name and the arguments of each tool call of a message."""
    calls = message.get("toolCalls")
    found = []
    for call in calls if isinstance(calls, list) else ():
        function = call.get("function") if isinstance(call, Mapping) else None
        if isinstance(function, Mapping) and isinstance(call.get("id"), str):
            name, arguments = function.get("name"), function.get("arguments")
            found.append((call["id"], str(name or "tool"), arguments if isinstance(arguments, str) else ""))
    return found
