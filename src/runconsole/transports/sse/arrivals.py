"""Frames that tasks in the background bring, until one of them brings the end of the connection."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from runconsole.errors import LinkLost

__all__ = ["Arrivals"]

_AHEAD = 64
"""The most reads from the network that may wait for the console."""


class Arrivals:
    """The frames of one connection, and the tasks that bring them. `put` waits while too many are not yet taken."""

    def __init__(self) -> None:
        self._came: asyncio.Queue[list[str | bytes] | LinkLost] = asyncio.Queue(_AHEAD)
        self._end: LinkLost | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def put(self, came: list[str | bytes] | LinkLost) -> None:
        """Add frames, or the end."""
        await self._came.put(came)

    async def receive(self) -> list[str | bytes]:
        """Return the frames that have come. Raises LinkLost where the connection has ended, again and again."""
        if self._end is not None:
            raise self._end
        came = await self._came.get()
        if isinstance(came, LinkLost):
            self._end = came
            raise came
        return came

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Begin a task, which ends with `close` at the latest; return it."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        """Break off all tasks."""
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
