"""Callbacks that poll the state on the I/O thread, after each relevant event."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

__all__ = ["Watcher", "Watchers", "on_loop"]

T = TypeVar("T")

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
            self.look()  # who has given up since the last event goes
            self._watchers.append(watcher)

    def look(self) -> None:
        """Let everyone look."""
        self._watchers = [watcher for watcher in self._watchers if not _has_seen(watcher)]


def _has_seen(watcher: Watcher) -> bool:
    try:
        return watcher()
    except (concurrent.futures.InvalidStateError, RuntimeError):
        return True  # whoever waited gave up at this very moment, or is gone with the event loop it waited on


def on_loop(future: concurrent.futures.Future[T]) -> asyncio.Future[T]:
    """Return the future for the running loop, as `asyncio.wrap_future`; the loop may be closed before it is done."""
    loop = asyncio.get_running_loop()
    here: asyncio.Future[T] = loop.create_future()

    def copy() -> None:
        if here.done() or future.cancelled():
            here.cancel()
        elif (error := future.exception()) is not None:
            here.set_exception(error)
        else:
            here.set_result(future.result())

    def tell(_: object) -> None:
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(copy)

    here.add_done_callback(lambda _: future.cancel())
    future.add_done_callback(tell)
    return here
