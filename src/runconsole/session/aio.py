"""Small things about tasks that the parts of a session share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

__all__ = ["cancelled", "spawn", "until"]

_LOOK = 0.02


def spawn(tasks: set[asyncio.Task[None]], work: Coroutine[Any, Any, None], name: str) -> None:
    """Start work that `tasks` holds until it is done: the event loop alone would forget it."""
    tasks.add(task := asyncio.create_task(work, name=f"runconsole-{name}"))
    task.add_done_callback(tasks.discard)


async def until(condition: Callable[[], bool], timeout: float) -> None:  # noqa: ASYNC109 - gives up in silence
    """Wait until the condition holds or the time is over."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    while not condition() and loop.time() < deadline:  # noqa: ASYNC110 - what it waits for is no event of ours
        await asyncio.sleep(_LOOK)


async def cancelled(tasks: set[asyncio.Task[None]]) -> None:
    """Cancel tasks and wait until they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
