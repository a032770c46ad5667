"""The process's one I/O thread: a daemon with an asyncio loop, shared by all consoles, there only while one runs."""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from runconsole.clock import set_clock
from runconsole.engine.resolver import Resolver

__all__ = ["IOThread", "lease"]

_JOIN_TIMEOUT = 5.0
_lock = threading.Lock()
_current: IOThread | None = None


class IOThread:
    """A running loop in its own thread, held by leases. Get one by `lease`, give it back by `release`."""

    def __init__(self) -> None:
        self._leases = 0
        self.is_lost = False
        """True if this process is a fork of the one in which the thread runs: nothing here gets anywhere any more."""
        self.loop = asyncio.new_event_loop()
        with suppress(AttributeError):  # another kind of loop, set by an event loop policy, may resolve by itself
            self.loop.getaddrinfo = Resolver(self.loop).getaddrinfo  # type: ignore[method-assign]
        self._thread = threading.Thread(target=self._run, name="runconsole-io", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
            while leftovers := asyncio.all_tasks(self.loop):  # what was to be called soon may begin others
                for task in leftovers:
                    task.cancel()
                self.loop.run_until_complete(asyncio.gather(*leftovers, return_exceptions=True))
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
            self.loop.run_until_complete(self.loop.shutdown_default_executor())
        finally:
            self.loop.close()

    @property
    def is_current(self) -> bool:
        """True if the caller runs on this thread."""
        return threading.current_thread() is self._thread

    def call(self, function: Callable[..., object], *args: Any) -> None:
        """Run a function on the loop soon; from any thread."""
        self.loop.call_soon_threadsafe(function, *args)

    def release(self) -> None:
        """Give the lease back; with the last one the thread ends."""
        global _current  # noqa: PLW0603 - the process's one thread
        if self.is_lost:
            return
        with _lock:
            self._leases -= 1
            if self._leases > 0:
                return
            if _current is self:
                _current = None
        self._stop()

    def _stop(self) -> None:
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.loop.stop)
        if not self.is_current:
            self._thread.join(_JOIN_TIMEOUT)

    def _lease(self) -> IOThread:
        self._leases += 1
        return self


def lease() -> IOThread:
    """Return the process's I/O thread, started if need be. Every lease is given back by `release`."""
    global _current  # noqa: PLW0603 - the process's one thread
    with _lock:
        if _current is None:
            set_clock()  # nothing follows a run now
            _current = IOThread()
        return _current._lease()  # noqa: SLF001 - of this module


_lost: list[IOThread] = []
"""Threads of the process this one was forked from: their loops are never closed here, for they share descriptors."""


def _forget() -> None:
    """Begin anew in a forked process: threads are not inherited, and a lock may have been held by one of them."""
    global _current, _lock  # noqa: PLW0603 - the process's one thread
    _lock = threading.Lock()
    if _current is not None:
        _current.is_lost = True
        _lost.append(_current)
        _current = None


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_forget)


@atexit.register
def _end() -> None:
    """Close connections and end the thread before the interpreter takes its modules away."""
    if _current is not None:
        _current._stop()  # noqa: SLF001 - of this module
