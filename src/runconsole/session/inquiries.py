"""Asking the server, over a live link, for what nobody was there to hear."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from runconsole.errors import RunConsoleError
from runconsole.events import Fact, Micros, Received
from runconsole.log import EventLog
from runconsole.session.catchup import Call, inquire, reread
from runconsole.session.tasks import spawn
from runconsole.state import RunState

__all__ = ["Inquiries"]

_LONGEST_PAST = 5
"""Times `linger` in which a server may send what was missed, before it is asked how tasks ended."""


class Inquiries:
    """Asks beside the stream, and applies the answers.

    Args:
        call: makes one query.
        apply: folds in an answer.
        now: our clock.
        linger: seconds of silence after which a server has told what it had to.
    """

    def __init__(
        self,
        state: RunState,
        log: EventLog,
        call: Call,
        apply: Callable[[Fact | Received], None],
        now: Callable[[], Micros],
        *,
        linger: float,
    ) -> None:
        self._state = state
        self._log = log
        self._call = call
        self._apply = apply
        self._now = now
        self._linger = linger
        self._tasks: set[asyncio.Task[None]] = set()

    def reread(self, *, again: bool) -> None:
        """Ask what is open, and after a reconnect (`again`) also what may have been decided or ended meanwhile."""
        spawn(self._tasks, self._read(reread(self._call, self._state, self._now(), self._calm, again=again)), "reread")

    def settle(self, checkpoint_id: str) -> None:
        """Ask what became of a checkpoint."""
        spawn(self._tasks, self._read(inquire(self._call, self._state, [checkpoint_id], self._now())), "inquire")

    def stop(self) -> None:
        """Ask no more: the link is gone."""
        for task in self._tasks:
            task.cancel()

    async def _read(self, answers: AsyncIterator[Received | Fact]) -> None:
        with suppress(RunConsoleError):
            async for answer in answers:
                self._apply(answer)

    async def _calm(self) -> None:
        """Return when the server has been silent for a while, or does not stop talking."""
        count = -1
        for _ in range(_LONGEST_PAST):
            if count == len(self._log):
                return
            count = len(self._log)
            await asyncio.sleep(self._linger)
