"""Host names to addresses, in daemon threads: a resolver that does not answer holds up neither `stop` nor the exit."""

from __future__ import annotations

import asyncio
import functools
import socket
import threading
from contextlib import suppress
from typing import Any

__all__ = ["Resolver"]

_Addresses = list[tuple[Any, ...]]


class Resolver:
    """`getaddrinfo` for one event loop.

    The loop's own runs in its executor, whose threads both the loop's end and the interpreter's wait for. One thread
    asks for each name at a time: those who ask while it does wait for the same answer.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._asking: dict[tuple[Any, ...], asyncio.Future[_Addresses]] = {}

    async def getaddrinfo(self, host: Any, port: Any, **hints: int) -> _Addresses:
        """Return what `socket.getaddrinfo` does. Raises OSError."""
        key = (host, port, *sorted(hints.items()))
        answer = self._asking.get(key)
        if answer is None:
            answer = self._asking[key] = self._loop.create_future()
            answer.add_done_callback(functools.partial(self._answered, key))
            threading.Thread(
                target=self._ask, args=(answer, host, port, hints), name="name-resolver", daemon=True
            ).start()
        return await asyncio.shield(answer)

    def _answered(self, key: tuple[Any, ...], answer: asyncio.Future[_Addresses]) -> None:
        del self._asking[key]
        if not answer.cancelled():
            answer.exception()  # that nobody waits for it any more is no fault

    def _ask(self, answer: asyncio.Future[_Addresses], host: Any, port: Any, hints: dict[str, int]) -> None:
        try:
            addresses = socket.getaddrinfo(host, port, **hints)
        except Exception as error:  # noqa: BLE001 - carried to who asked
            tell = functools.partial(answer.set_exception, error)
        else:
            tell = functools.partial(answer.set_result, addresses)
        with suppress(RuntimeError):  # the loop has been closed since
            self._loop.call_soon_threadsafe(tell)
