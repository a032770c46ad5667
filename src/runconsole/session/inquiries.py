"""Queries to the server, over a live link, for what no event reported."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from runconsole.errors import RunConsoleError
from runconsole.events import Fact, Micros, Received
from runconsole.protocols.base import Queries
from runconsole.session.catchup import Call, ends, inquire, reread
from runconsole.store.runs import Runs

__all__ = ["Inquiries"]

_LONGEST_PAST = 5
"""Times `linger` in which a server may send what was missed, before it is asked how tasks ended."""


class Inquiries:
    """Asks beside the stream, over a live link; the answers are facts to apply.

    The methods take the function that makes a call, and the queries of the wire over which it asks.

    Args:
        runs: knows what is open.
        now: this machine's clock.
        linger: seconds of silence after which a server has reported what it had to.
    """

    def __init__(self, runs: Runs, now: Callable[[], Micros], *, linger: float) -> None:
        self._runs = runs
        self._now = now
        self._linger = linger
        self._was_cut = False
        """True if the connection before broke before all had been asked."""

    def reread(self, call: Call, queries: Queries, *, again: bool) -> AsyncIterator[Received | Fact]:
        """Ask what is open, and after a reconnect (`again`) also what may have been decided or ended meanwhile."""
        calm = _at_once if self._was_cut else self._calm
        self._was_cut = again
        return self._whole(reread(call, queries, self._runs.state, self._now(), calm, again=again))

    def ends(self, call: Call, queries: Queries) -> AsyncIterator[Received | Fact]:
        """Ask for the ends of tasks that the stream did not report."""
        return _granted(ends(call, queries, self._runs.state, self._now()))

    def outcome(self, call: Call, queries: Queries, checkpoint_id: str) -> AsyncIterator[Received | Fact]:
        """Ask what became of a checkpoint."""
        state = (self._runs.asking(checkpoint_id) or self._runs.newest).state
        return _granted(inquire(call, queries, state, [checkpoint_id], self._now()))

    async def _whole(self, answers: AsyncIterator[Received | Fact]) -> AsyncIterator[Received | Fact]:
        """Pass the answers on, and note that all has been asked."""
        async for answer in _granted(answers):
            yield answer
        self._was_cut = False

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


async def _granted(answers: AsyncIterator[Received | Fact]) -> AsyncIterator[Received | Fact]:
    """Pass answers on until the server refuses one."""
    with suppress(RunConsoleError):
        async for answer in answers:
            yield answer
