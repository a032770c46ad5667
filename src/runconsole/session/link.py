"""One connection with the wire that speaks over it: reads to the end, hands over what it reads."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING

from runconsole.errors import LinkLost
from runconsole.events import Micros, Received
from runconsole.protocols.base import Signal, Wire
from runconsole.redaction.secrets import NO_SECRETS, Redactor, Secret, bare
from runconsole.session.aio import spawn
from runconsole.session.redacting import redacting
from runconsole.transports.base import Connection, PacedConnection, Transport

if TYPE_CHECKING:
    from runconsole.recording import Recorder

__all__ = ["OnSignals", "OpenLink"]

_SLICE = 256
"""Frames after which others on the I/O thread have their turn."""

_LONGEST_TYPE = 60
"""Characters of a type of event in the log."""
_logger = logging.getLogger(__name__)

OnSignals = Callable[["OpenLink", Sequence[Signal]], None]


class OpenLink:
    """An open connection.

    Attributes:
        reader: the task that drains it: it ends with LinkLost, or with what `on_signals` raises.
        close_reason: why nothing more is to be expected of it but answers, once that is so.
        is_greeted: True if all frames that must come first have been sent.
        is_over: True if the server has ended the stream.
        recorder: records its frames; None for no recording.
        redactor: hides secrets in what comes before the wire reads it. A recorder does that by itself.
    """

    def __init__(  # noqa: PLR0917 - what a link is made of
        self,
        connection: Connection,
        wire: Wire,
        on_signals: OnSignals,
        now: Callable[[], Micros],
        recorder: Recorder | None = None,
        redactor: Redactor = NO_SECRETS,
    ) -> None:
        self.connection = connection
        self.wire = wire
        self.recorder = recorder
        self.redactor = redactor
        self._paced = connection if isinstance(connection, PacedConnection) else None
        self._now = now
        self._number = 0 if recorder is None else recorder.opened(wire)
        self.close_reason: asyncio.Future[LinkLost] = asyncio.get_running_loop().create_future()
        self.is_greeted = False
        self.is_over = False
        self._stack = AsyncExitStack()
        self._posts: set[asyncio.Task[None]] = set()
        # It reads before anything is sent: a server that refuses us may close before it has read our first frame.
        self.reader = asyncio.create_task(self._drain(on_signals, now), name="runconsole-drain")

    @classmethod
    async def open(  # noqa: PLR0917 - as above
        cls,
        transport: Transport,
        wire: Wire,
        on_signals: OnSignals,
        now: Callable[[], Micros],
        recorder: Recorder | None = None,
        redactor: Redactor = NO_SECRETS,
    ) -> OpenLink:
        """Connect and begin to read; nothing is sent yet. Raises LinkLost."""
        stack = AsyncExitStack()
        link = cls(await stack.enter_async_context(transport.connect()), wire, on_signals, now, recorder, redactor)
        link._stack = stack
        return link

    async def greet(self) -> None:
        """Send the first frames of the wire. A broken link ends its `reader`."""
        await self.send(list(map(Secret, self.wire.open(self._now()))))
        self.is_greeted = True

    def part(self, why: LinkLost) -> None:
        """Note that only answers are to be expected of it any more."""
        if not self.close_reason.done():
            self.close_reason.set_result(why)

    def read_on(self) -> bool:
        """Read at once what waits for the end of a pause; return whether there was one."""
        return self._paced is not None and self._paced.read_on()

    async def send(self, frames: Sequence[str | Secret[str]]) -> None:
        """Send frames; a broken link ends its `reader`."""
        with suppress(LinkLost):
            for frame in frames:
                if self.recorder is not None:
                    self.recorder.sent(self._number, bare(frame))
                if _logger.isEnabledFor(logging.DEBUG):
                    _logger.debug("sent a frame of %d characters", len(bare(frame)))
                await self.connection.send(self.redactor.name(bare(frame)))

    def post(self, frame: str) -> None:
        """Send a frame soon; frames leave in the order they were posted."""
        spawn(self._posts, self.send([frame]), "post")

    async def close(self) -> list[str]:
        """Close; return the ids of the requests that nobody will answer any more."""
        self.reader.cancel()
        try:
            await asyncio.gather(self.reader, return_exceptions=True)
        finally:
            await self._stack.aclose()
        if self.recorder is not None:
            self.recorder.closed(self._number)
        return list(self.wire.lost())

    async def _drain(self, on_signals: OnSignals, now: Callable[[], Micros]) -> None:
        receive = self.connection.receive
        plain = self.wire.receive if self.recorder is None else self.recorder.reader(self._number, self.wire)
        guarded = plain if self.recorder is not None else redacting(self.redactor, self.wire)
        while True:
            frames = await receive()
            for first in range(0, len(frames), _SLICE):
                if first:
                    await asyncio.sleep(0)
                at = now()  # of one read from the socket: what came together has one time
                part = frames[first : first + _SLICE]
                read = guarded if self.redactor.may_hold_any(part) else plain
                is_logged = _logger.isEnabledFor(logging.DEBUG)
                is_plain = read is plain and self.recorder is None and not is_logged
                signals: Sequence[Signal]
                while part:
                    signals = self.wire.receive_plain(part, at) if is_plain else ()
                    count = len(signals) or 1
                    signals = signals or read(part[0], at)
                    if is_logged:
                        self._log_received(part[0], signals)
                    on_signals(self, signals)
                    part = part[count:]
            frames, signals = (), ()  # a traceback with locals would show them

    def _log_received(self, frame: str | bytes, signals: Sequence[Signal]) -> None:
        """Log a frame by its size and the types of its events, never by what else it holds."""
        unit = "characters" if isinstance(frame, str) else "bytes"
        types = ", ".join(self._type_of(signal) for signal in signals)
        _logger.debug("received a frame of %d %s: %s", len(frame), unit, types or "nothing")

    def _type_of(self, signal: Signal) -> str:
        if not isinstance(signal, Received):
            return type(signal).__name__
        return ascii(self.redactor.hide_said(signal.type)[:_LONGEST_TYPE])
