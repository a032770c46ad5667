"""Asking the server, over a live link, for what no event told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from runconsole.errors import RunConsoleError
from runconsole.events import Fact, Micros, Received
from runconsole.protocols.base import Queries
from runconsole.session.aio import cancelled, spawn
from runconsole.session.catchup import Call, ends, inquire, reread
from runconsole.store.runs import Runs

__all__ = ["Inquiries"]

_LONGEST_PAST = 5
"""Times `linger` in which a server may send what was missed, before it is asked how tasks ended."""


class Inquiries:
    """Asks beside the stream, and applies the answers.

    The methods take the queries of the wire over which they ask.

    Args:
        call: makes one query.
        apply: folds in an answer.
        now: our clock.
        linger: seconds of silence after which a server has told what it had to.
    """

    def __init__(
        self,
        runs: Runs,
        call: Call,
        apply: Callable[[Fact | Received], None],
        now: Callable[[], Micros],
        *,
        linger: float,
    ) -> None:
        self._runs = runs
        self._call = call
        self._apply = apply
        self._now = now
        self._linger = linger
        self._tasks: set[asyncio.Task[None]] = set()
        self._was_cut = False
        """True if the connection before broke before all had been asked."""

    def reread(self, queries: Queries, *, again: bool) -> None:
        """Ask what is open, and after a reconnect (`again`) also what may have been decided or ended meanwhile."""
        calm = _at_once if self._was_cut else self._calm
        self._was_cut = again
        answers = reread(self._call, queries, self._runs.state, self._now(), calm, again=again)
        spawn(self._tasks, self._reread(answers), "reread")

    async def ends(self, queries: Queries, reader: asyncio.Task[None], patience: float) -> None:
        """Ask how tasks ended of which the stream did not tell it: until the link's `reader` is at its end."""
        answers = ends(self._call, queries, self._runs.state, self._now())
        asking = asyncio.create_task(self._read(answers), name="runconsole-ends")
        try:
            await asyncio.wait({asking, reader}, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await cancelled({asking})

    def settle(self, queries: Queries, checkpoint_id: str) -> None:
        """Ask what became of a checkpoint."""
        state = (self._runs.asking(checkpoint_id) or self._runs.newest).state
        answers = inquire(self._call, queries, state, [checkpoint_id], self._now())
        spawn(self._tasks, self._read(answers), "inquire")

    def stop(self) -> None:
        """Ask no more: the link is gone."""
        for task in self._tasks:
            task.cancel()

    async def _reread(self, answers: AsyncIterator[Received | Fact]) -> None:
        await self._read(answers)
        self._was_cut = False

    async def _read(self, answers: AsyncIterator[Received | Fact]) -> None:
        with suppress(RunConsoleError):
            async for answer in answers:
                self._apply(answer)

    async def _calm(self) -> None:
        """Return when the server has been silent for a while, or does not stop talking."""
        count = -1
        for _ in range(_LONGEST_PAST):
            if count == len(self._runs.log):
                return
            count = len(self._runs.log)
            await asyncio.sleep(self._linger)


async def _at_once() -> None:
    """Wait for nothing: links that break so soon are never calm."""
