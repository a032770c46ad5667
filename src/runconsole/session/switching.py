"""A change of connections while the old one still serves: the I/O around `wire.handover`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import cast

from runconsole.errors import LinkLost
from runconsole.events import Micros
from runconsole.protocols.base import Resumable, Signal
from runconsole.session.aio import until
from runconsole.session.connection import Hear, Line
from runconsole.session.handover import Handover
from runconsole.session.pace import Pace
from runconsole.transports.base import Transport

__all__ = ["Change"]


class Change:
    """Takes one run from `old` to a new line. `sort` says what to apply of what either line reads meanwhile."""

    def __init__(self, old: Line, pace: Pace) -> None:
        self._old = old
        self._pace = pace
        self._old_wire = cast("Resumable", old.wire)
        self._wire = self._old_wire.successor()
        self._handover = Handover(self._wire)

    def sort(self, line: Line, signals: Sequence[Signal]) -> list[Signal]:
        """Return what to apply now of these signals."""
        return self._handover.from_old(signals) if line is self._old else self._handover.from_new(signals)

    async def connect(self, transport: Transport, hear: Hear, now: Callable[[], Micros]) -> Line | None:
        """Return the new line once the old one has nothing more to tell; None to stay with the old one."""
        try:
            new = await Line.open(transport, self._wire, hear, now, self._old.tape, self._old.redactor)
        except LinkLost:
            return None
        try:
            await new.greet()
            await until(lambda: self._handover.established or new.reader.done(), self._pace.establish)
            if not self._handover.established or new.reader.done():
                await new.close()
                return None
            await self._old.send(self._old_wire.close())
            await until(lambda: self._old_wire.drained or self._old.reader.done(), self._pace.drain)
        except asyncio.CancelledError:
            await new.close()
            raise
        return new

    def finish(self) -> list[Signal]:
        """Return what was held back."""
        return self._handover.finish()

    @property
    def is_seamless(self) -> bool:
        """Whether the old line has told all it had to tell."""
        return self._old_wire.drained

    @property
    def is_forced(self) -> bool:
        """Whether the old line is gone, so that nobody else tells what was held back."""
        return self._old.reader.done()

    async def answered(self) -> None:
        """Return when the old line's requests are answered, or will never be."""
        await until(lambda: not self._old_wire.pending or self._old.reader.done(), self._pace.reply)
