"""Whoever waits for something of the state: looked at on the I/O thread after each event that matters."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable

__all__ = ["Watcher", "Watchers"]

Watcher = Callable[[], bool]
"""Looks at the state; returns True when it needs to look no more."""


class Watchers:
    """Watchers of one run. `add` from any thread by way of `call_soon`, `look` on the I/O thread."""

    def __init__(self, call_soon: Callable[[Callable[[], object]], None]) -> None:
        self._call_soon = call_soon
        self._watchers: list[Watcher] = []

    def add(self, watcher: Watcher) -> None:
        """Look soon, and again after each event that matters, until it has seen what it waits for."""
        self._call_soon(lambda: self.add_here(watcher))

    def add_here(self, watcher: Watcher) -> None:
        """As `add`, on the I/O thread, at once."""
        if not _has_seen(watcher):
            self._watchers.append(watcher)

    def look(self) -> None:
        """Let everyone look."""
        self._watchers = [watcher for watcher in self._watchers if not _has_seen(watcher)]


def _has_seen(watcher: Watcher) -> bool:
    try:
        return watcher()
    except concurrent.futures.InvalidStateError:
        return True  # whoever waited gave up at this very moment
