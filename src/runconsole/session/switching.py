"""A change of connections while the old one still serves: the I/O around `wire.handover`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import cast

from runconsole.errors import LinkLost
from runconsole.events import Micros
from runconsole.protocols.base import Resumable, Signal
from runconsole.session.aio import until
from runconsole.session.handover import Handover
from runconsole.session.link import OnSignals, OpenLink
from runconsole.session.pace import Pace
from runconsole.transports.base import Transport

__all__ = ["Change"]


class Change:
    """Takes one run from `old` to a new link. `sort` says what to apply of what either link reads meanwhile."""

    def __init__(self, old: OpenLink, pace: Pace) -> None:
        self._old = old
        self._pace = pace
        self._old_wire = cast("Resumable", old.wire)
        self._wire = self._old_wire.successor()
        self._handover = Handover(self._wire)

    def sort(self, link: OpenLink, signals: Sequence[Signal]) -> list[Signal]:
        """Return what to apply now of these signals."""
        return self._handover.from_old(signals) if link is self._old else self._handover.from_new(signals)

    async def connect(self, transport: Transport, on_signals: OnSignals, now: Callable[[], Micros]) -> OpenLink | None:
        """Return the new link once the old one has nothing more to report; None to stay with the old one."""
        try:
            new = await OpenLink.open(transport, self._wire, on_signals, now, self._old.recorder, self._old.redactor)
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
        """True if the old link has reported everything."""
        return self._old_wire.drained

    @property
    def is_forced(self) -> bool:
        """True if the old link is gone, so that the held events come from nowhere else."""
        return self._old.reader.done()

    async def answered(self) -> None:
        """Return when the old link's requests are answered, or will never be."""
        await until(lambda: not self._old_wire.pending or self._old.reader.done(), self._pace.reply)
