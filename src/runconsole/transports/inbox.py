"""A WebSocket connection that hands over all messages that have come at once, instead of one task switch for each."""

from __future__ import annotations

import asyncio
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.frames import Frame, Opcode

__all__ = ["InboxConnection"]

_DATA = frozenset({Opcode.TEXT, Opcode.BINARY, Opcode.CONT})
_HIGH = 4096
"""Messages in the inbox above which reading stops until they have been taken."""
_MOST_FRAGMENTS = 65_536


class InboxConnection(ClientConnection):
    """A `ClientConnection` to be read with `receive_all` instead of `recv`.

    One read from the socket brings hundreds of small messages; `recv` takes each of them through a queue and a future
    of its own, which costs more than the message.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._inbox: list[str | bytes] = []
        self._parts: list[bytes | bytearray | memoryview] = []
        self._is_text = False
        self._is_paused = False
        self._waiter: asyncio.Future[None] | None = None

    async def receive_all(self) -> list[str | bytes]:
        """Return the messages that have come, at least one. Raises ConnectionClosed when all have been returned.

        A text message that is not UTF-8 comes as bytes, and the connection goes on.
        """
        while not self._inbox:
            if self.connection_lost_waiter.done():
                await self.recv()  # nothing is queued there: it raises
            self._waiter = self.loop.create_future()
            await self._waiter
        messages, self._inbox = self._inbox, []
        if self._is_paused:
            self._is_paused = False
            self.transport.resume_reading()
        return messages

    def process_event(self, event: Any) -> None:
        """Put messages into the inbox; the handshake and control frames go the usual way."""
        if self.response is None or event.opcode not in _DATA:
            super().process_event(event)
        elif event.fin and not self._parts and event.opcode is not Opcode.CONT:
            self._deliver(event.data, is_text=event.opcode is Opcode.TEXT)
        else:
            self._add_fragment(event)

    def _add_fragment(self, frame: Frame) -> None:
        if not self._parts:
            self._is_text = frame.opcode is Opcode.TEXT
        self._parts.append(frame.data)
        if len(self._parts) > _MOST_FRAGMENTS:  # the library has counted their bytes
            self._parts = [b"".join(self._parts)]
        if frame.fin:
            data, self._parts = b"".join(self._parts), []
            self._deliver(data, is_text=self._is_text)

    def _deliver(self, data: bytes | bytearray | memoryview, *, is_text: bool) -> None:
        try:
            self._inbox.append(str(data, "utf-8") if is_text else bytes(data))
        except UnicodeDecodeError:
            self._inbox.append(bytes(data))
        if self._waiter is not None:
            self._wake()
        elif len(self._inbox) > _HIGH and not self._is_paused:
            self._is_paused = True
            self.transport.pause_reading()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wake who waits: there is nothing more to come."""
        super().connection_lost(exc)
        self._wake()
