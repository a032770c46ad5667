"""A WebSocket connection that hands over all messages that have come at once, and takes the plain ones a short way."""

from __future__ import annotations

import asyncio
import math
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN
from websockets.uri import parse_uri

from runconsole.transports.internals import check_attributes, check_methods

__all__ = ["InboxConnection", "check_internals"]

_METHODS = ("data_received", "process_event", "eof_received", "connection_lost", "recv")
_ATTRIBUTES = (
    *("loop", "response", "connection_lost_waiter"),
    *("protocol.state", "protocol.extensions", "protocol.max_message_size"),
)

_DATA = frozenset({Opcode.TEXT, Opcode.BINARY, Opcode.CONT})
_WHOLE_TEXT = 0x81
"""The first byte of a text message in one frame, uncompressed."""
_MASKED = 0x80
_HEADERS_END = b"\r\n\r\n"
_FEW = 320
_OFTEN = 0.025
_PAUSE = 0.025
_LONG_PAUSE = 0.06
_SEVERAL = 10
"""Seconds without reading, after fewer than `_FEW` messages came less than `_OFTEN` seconds after reading went on; the
long ones where `_SEVERAL` messages came at once. A thousand messages a second then wake this process seventeen times
and not a thousand, which leaves a busy kernel its time: a wake-up costs as much as some fifty messages. The long pause
is more than half of the time between two paints of a panel, which read on: one read comes between them, and not two.
"""
_ANSWERING = 1.0
"""Seconds without pauses after a sent frame, which may be answered."""
_HIGH = 4096
"""Messages in the inbox above which reading stops until they have been taken."""
_MOST_FRAGMENTS = 65_536
_TURN = 0.01
"""Seconds for the library's slow way, after which others on the event loop have their turn: a flood of pings or of
fragments would hold them up for seconds with each read."""
_SLICE = 4096
"""Bytes that the library gets at once."""


class InboxConnection(ClientConnection):
    """A `ClientConnection` to be read with `receive_all` instead of `recv`.

    One read from the socket brings hundreds of small messages. `recv` takes each of them through a parser that can stop
    at every byte, a queue and a future, which costs more than all that is then done with an event.

    Here what was read is cut into whole frames by their headers. Text messages in one frame go straight to the inbox;
    every other frame, and whatever is not as it should be, goes whole through the library, in its turn.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._inbox: list[str | bytes] = []
        self._parts: list[bytes | bytearray | memoryview] = []
        self._is_text = False
        self._is_paused = False
        self._often_until = 0.0
        """The time until which messages count as frequent."""
        self._brisk_until = 0.0
        self._pause: asyncio.TimerHandle | None = None
        """The end of a pause between two reads; None while there is none."""
        self._waiter: asyncio.Future[None] | None = None
        self._rest = bytearray()
        """The bytes of a frame that is not whole yet, or of the handshake's headers."""
        self._is_opened = False
        self._is_plain = True
        """True if the stream is cut into frames here: not once something was odd."""
        self._turn_ends = 0.0
        self._is_waiting = False
        """True if `_rest` holds whole frames, to go on with in the next turn."""

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
        self._pace(len(messages), self.loop.time())
        return messages

    def _pace(self, count: int, now: float) -> None:
        """Pause between two reads where few messages come often; go on where the inbox was full."""
        if count < _FEW and self._brisk_until < now < self._often_until and self._pause is None:
            pause = _PAUSE if count < _SEVERAL else _LONG_PAUSE
            self.transport.pause_reading()
            self._pause = self.loop.call_later(pause, self.read_on)
            self._often_until = now + pause + _OFTEN
            return
        self._often_until = now + 2 * _OFTEN
        if self._is_paused:
            self._is_paused = False
            self._resume()

    def read_on(self) -> bool:
        """End a pause between two reads; return whether there was one."""
        if self._pause is None:
            return False
        self._pause.cancel()
        self._pause = None
        self._resume()
        return True

    def expect_answer(self) -> None:
        """Read without pauses for a while: a frame is sent that may be answered."""
        self._brisk_until = self.loop.time() + _ANSWERING
        self.read_on()

    def _resume(self) -> None:
        if not (self._is_paused or self._is_waiting or self._pause is not None):
            self.transport.resume_reading()

    # ---- from the socket to frames ----------------------------------------------------------------------------------

    def data_received(self, data: bytes | bytearray) -> None:
        """Take in what was read from the socket."""
        self._turn_ends = self.loop.time() + _TURN
        if self._rest:
            self._rest += data
            data, self._rest = self._rest, bytearray()
        if not self._is_opened:
            data = self._open(data)
        if self._is_opened:
            # What comes after we have said goodbye is for the library to drop.
            (self._cut if self._is_plain and self.protocol.state is OPEN else self._give_up)(data)
            self._arrived()

    def _open(self, data: bytes | bytearray) -> bytes | bytearray:
        """Give the handshake's headers to the library, return what comes after them."""
        end = data.find(_HEADERS_END)
        if end < 0:
            self._keep(data)
            return b""
        end += len(_HEADERS_END)
        super().data_received(_as_http_1_1(data[:end]))
        self._is_opened = True
        if self.protocol.state is not OPEN or self.protocol.extensions:
            self._give_up(data[end:])
            return b""
        return data[end:]

    def _cut(self, data: bytes | bytearray) -> None:  # noqa: C901 - one loop, for each message: a call would cost most
        """Take whole frames out of what was read, and keep the rest."""
        position, size = 0, len(data)
        inbox, largest = self._inbox, self.protocol.max_message_size
        while size - position >= 2:
            first, length = data[position], data[position + 1]
            begin = position + 2
            if length == 126:
                begin += 2
                length = data[begin - 2] << 8 | data[begin - 1] if begin <= size else 0
            elif length == 127:
                begin += 8
                length = int.from_bytes(data[begin - 8 : begin])
            elif length & _MASKED:
                break
            if begin <= size and largest is not None and length > largest:
                break
            end = begin + length
            if begin > size or end > size:
                self._keep(data, position)
                return
            if first == _WHOLE_TEXT and not self._parts:
                try:
                    inbox.append(str(data[begin:end], "utf-8"))
                except UnicodeDecodeError:
                    inbox.append(bytes(data[begin:end]))
            elif not self._pass_on(data, position, end):
                return
            position = end
        if size - position >= 2:  # a mask or a size that should not be: the library says so
            self._give_up(data[position:])
        else:
            self._keep(data, position)

    def _pass_on(self, data: bytes | bytearray, position: int, end: int) -> bool:
        """Give one frame to the library; return whether to go on with those after it, or this has been seen to."""
        super().data_received(bytes(data[position:end]))
        if self.protocol.state is not OPEN:
            self._give_up(data[end:])
        elif self.loop.time() > self._turn_ends:
            self._wait_for_turn(data, end)
        else:
            return True
        return False

    def _keep(self, data: bytes | bytearray, position: int = 0) -> None:
        """Keep what is not whole yet. A large message that comes in many reads is not copied with each of them."""
        self._rest = data if position == 0 and isinstance(data, bytearray) else bytearray(data[position:])

    def _give_up(self, data: bytes | bytearray) -> None:
        """Leave the stream to the library from here on, which stands at the beginning of a frame at first."""
        self._is_plain = False
        for begin in range(0, len(data), _SLICE):
            if begin and self.loop.time() > self._turn_ends:
                self._wait_for_turn(data, begin)
                return
            super().data_received(bytes(data[begin : begin + _SLICE]))

    def _wait_for_turn(self, data: bytes | bytearray, position: int) -> None:
        """Go on from there after others on the event loop, and read nothing before that."""
        self._keep(data, position)
        if not self._is_waiting:
            self._is_waiting = True
            self.transport.pause_reading()
            self.loop.call_soon(self._take_turn)

    def _take_turn(self) -> None:
        self._is_waiting = False
        if not self.transport.is_closing():
            self.data_received(b"")
            self._resume()

    # ---- from frames to messages ------------------------------------------------------------------------------------

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
        self._arrived()

    def _arrived(self) -> None:
        """Wake who waits for messages; stop reading where nobody takes them."""
        if self._inbox and self._waiter is not None:
            self._wake()
        elif len(self._inbox) > _HIGH and not self._is_paused:
            self._is_paused = True
            self.transport.pause_reading()

    # ---- the end ----------------------------------------------------------------------------------------------------

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def eof_received(self) -> None:
        """Let the library see what came of a last frame, too."""
        self._finish()
        super().eof_received()

    def _finish(self) -> None:
        """Give the library all that has come."""
        rest, self._rest = self._rest, bytearray()
        self._is_plain, self._turn_ends = False, math.inf
        self._give_up(rest if self._is_opened else _as_http_1_1(rest))

    def connection_lost(self, exc: Exception | None) -> None:
        """Wake who waits: there is nothing more to come."""
        if self._is_waiting and self.protocol.state is OPEN:
            self._finish()
        super().connection_lost(exc)
        self._wake()


def check_internals() -> None:
    """Raise LinkLost where the library lacks what is used here beside its public API; on a loop."""
    check_methods("websockets", ClientConnection, _METHODS)
    check_methods("websockets", connect, ("process_redirect",))
    check_attributes("websockets", ClientConnection(ClientProtocol(parse_uri("ws://localhost"))), _ATTRIBUTES)


def _as_http_1_1(head: bytes | bytearray) -> bytes:
    """Return an answer's headers as the library reads them: errors of HTTP/1.0, and without a reason, are answers too.

    No handshake succeeds so: RFC 6455 asks for HTTP/1.1.
    """
    line, feed, rest = bytes(head).partition(b"\n")
    version, _, status = line.rstrip(b"\r").partition(b" ")
    if not version.startswith(b"HTTP/1.") or status.startswith(b"101"):
        return bytes(head)
    return b"HTTP/1.1 " + (status if b" " in status else status + b" ") + b"\r" + feed + rest
