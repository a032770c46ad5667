"""Finding out whether a server speaks another protocol than the one its address was taken for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from runconsole.errors import LinkLost
from runconsole.events import Micros
from runconsole.protocols.base import Established, Reply, Send, Signal, StreamRefused, Wire
from runconsole.session.link import OpenLink
from runconsole.transports.base import Transport

if TYPE_CHECKING:
    from runconsole.recording import Header

__all__ = ["Other", "is_spoken"]


_UNDERSTOOD = (Established, Reply, Send, StreamRefused)
"""Signals that only an answer to the wire's own first frames gives."""


class Other(NamedTuple):
    """Another protocol that a server may speak, and the header of a recording of it."""

    protocol: str
    wire: Wire
    transport: Transport
    header: Header | None


async def is_spoken(other: Other, now: Callable[[], Micros], patience: float) -> bool:
    """Return whether a server understands a wire, by a connection of its own that is closed again.

    Args:
        other: the wire to try, with its transport.
        now: our clock.
        patience: seconds to wait for the server's word.
    """
    answered = asyncio.Event()

    def on_signals(_: OpenLink, signals: Sequence[Signal]) -> None:
        for signal in signals:
            if isinstance(signal, _UNDERSTOOD):
                answered.set()

    try:
        link = await OpenLink.open(other.transport, other.wire, on_signals, now)
    except LinkLost:
        return False
    try:
        await link.greet()
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await answered.wait()
    finally:
        await link.close()
    return answered.is_set()
