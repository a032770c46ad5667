"""Ids for calls of tools that the server does not identify."""

from __future__ import annotations

from typing import TypeAlias

from runconsole.events import Micros

__all__ = ["UnnamedCalls"]

Holder: TypeAlias = str | None


class UnnamedCalls:
    """Knows the open calls of each agent, to find the one that an end is about.

    A call or an end that came before, with its time and its content, is the same one.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], str] = {}
        """The id of each start and each end."""
        self._open: dict[Holder, dict[str, str | None]] = {}
        """The tool of each open call by its id, oldest first, for each agent."""
        self._counts: dict[Holder, int] = {}

    def start(self, holder: Holder, tool: str | None, at: Micros, content: str | None) -> str:
        """Return the id of a call that begins."""
        key = (holder, tool, at, content)
        if key not in self._known:
            self._known[key] = call_id = self._new(holder)
            self._open.setdefault(holder, {})[call_id] = tool
        return self._known[key]

    def end(self, holder: Holder, tool: str | None, at: Micros, content: str | None) -> str:
        """Return the id of the call that ends: the oldest open one of this tool, else one whose start did not come."""
        key = (holder, tool, at, content, "end")
        if key not in self._known:
            opened = self._open.get(holder, {})
            found = next((call_id for call_id, known in opened.items() if tool in (None, known)), None)
            opened.pop(found or "", None)
            self._known[key] = found or self._new(holder)
        return self._known[key]

    def _new(self, holder: Holder) -> str:
        self._counts[holder] = number = self._counts.get(holder, 0) + 1
        return f"{holder or 'call'}#{number}"
