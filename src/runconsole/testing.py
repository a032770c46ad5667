"""A transport without a server, for tests of code that is built on a console.

fake = FakeTransport()
with Console("ws://fake/ws", transport=fake) as console:
    fake.send({"type": "task.started", "payload": {"taskId": "t"}})
    fake.send({"type": "task.completed", "payload": {"taskId": "t"}})
    fake.close()                       # in good order; fake.close(1013) is a server that is too busy
    console.wait(10)
assert fake.sent == []                 # the frames of the console
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from runconsole.errors import LinkLost
from runconsole.transports.websocket import explain_close

__all__ = ["FakeTransport"]

_HOST = "the fake server"


class FakeTransport:
    """A server in this process: a test sends its frames, and it keeps the frames of the console.

    Its methods may be called from any thread. A frame is a string, sent as it is, or a value, sent as JSON.

    Args:
        *scripts: the first connections, one after the other: the frames that come, in order, and optionally a final
            `LinkLost` that ends the connection. A `LinkLost` in the place of a script refuses the connection. Further
            connections bring no frame of their own.
        reply: called with each frame of the console; returns the frames that come back. It runs on the thread of the
            console, and must not block.

    Attributes:
        sent: the frames that the console has sent, over all connections, read as JSON where they are JSON.
        connections: the number of connections that were made or refused.
    """

    def __init__(
        self,
        *scripts: Iterable[Any] | LinkLost,
        reply: Callable[[Any], Iterable[Any]] | None = None,
    ) -> None:
        self._scripts = iter(scripts)
        self._reply = reply
        self._changed = threading.Condition()
        self._open: _Connection | None = None
        self.sent: list[Any] = []
        self.connections = 0

    # ---- the server -------------------------------------------------------------------------------------------------

    def send(self, *frames: Any, timeout: float = 10.0) -> None:
        """Send frames over the open connection; wait for one where there is none.

        Raises TimeoutError where none is made within `timeout` seconds.
        """
        with self._connection(timeout) as connection:
            connection.put([_text(frame) for frame in frames])

    def close(self, code: int = 1000, reason: str = "", *, timeout: float = 10.0) -> None:
        """Close the open connection with a WebSocket's close code and reason. Raises as `send`."""
        self.fail(explain_close(_HOST, code, reason, reason), timeout=timeout)

    def fail(self, lost: LinkLost | None = None, *, timeout: float = 10.0) -> None:
        """End the open connection with a `LinkLost`; None is a broken network. Raises as `send`."""
        with self._connection(timeout) as connection:
            self._open = None
            connection.put([lost or explain_close(_HOST, None)])

    def wait_for(self, is_so: Callable[[FakeTransport], bool], timeout: float = 10.0) -> None:
        """Wait until a condition holds for the sent frames and the connections.

            fake.wait_for(lambda fake: len(fake.sent) == 2)

        Raises TimeoutError where it does not within `timeout` seconds.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: is_so(self), timeout):
                raise TimeoutError(f"it did not become so within {timeout:g} s; the console sent {self.sent!r}")

    @contextmanager
    def _connection(self, timeout: float) -> Iterator[_Connection]:
        """Yield the open connection, which stays open meanwhile."""
        with self._changed:
            until = time.monotonic() + timeout
            self._changed.wait_for(lambda: self._open is not None, until - time.monotonic())
            if self._open is None:
                raise TimeoutError(f"the console made no connection within {timeout:g} s")
            yield self._open

    # ---- the transport ----------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[_Connection]:
        """Connect. Raises LinkLost where the script has one."""
        with self._changed:
            self.connections += 1
            script = next(self._scripts, ())
            connection = None if isinstance(script, LinkLost) else _Connection(self)
            self._open = connection
            self._changed.notify_all()
        if isinstance(script, LinkLost):
            raise script
        assert connection is not None  # noqa: S101 - for the type checker
        connection.put([step if isinstance(step, LinkLost) else _text(step) for step in script])
        try:
            yield connection
        finally:
            with self._changed:
                if self._open is connection:
                    self._open = None

    def _took(self, connection: _Connection, frame: str) -> None:
        """Keep a frame of the console, and reply to it."""
        value = _value(frame)
        with self._changed:
            self.sent.append(value)
            self._changed.notify_all()
        if self._reply is not None:
            connection.put([_text(answer) for answer in self._reply(value)])


class _Connection:
    """The console's end of one connection."""

    def __init__(self, transport: FakeTransport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._coming: asyncio.Queue[str | LinkLost] = asyncio.Queue()
        self._end: LinkLost | None = None

    def put(self, what: Sequence[str | LinkLost]) -> None:
        """Queue frames, and optionally the end; from any thread."""
        for each in what:
            self._loop.call_soon_threadsafe(self._coming.put_nowait, each)

    async def receive(self) -> list[str]:
        """Return the next frame. Raises LinkLost at the end."""
        came = self._end or await self._coming.get()
        if isinstance(came, LinkLost):
            self._end = came
            raise came
        return [came]

    async def send(self, frame: str) -> None:
        """Send a frame. Raises LinkLost after the end."""
        if self._end is not None:
            raise self._end
        self._transport._took(self, frame)  # noqa: SLF001 - two parts of one thing


def _text(frame: Any) -> str:
    return frame if isinstance(frame, str) else json.dumps(frame)


def _value(frame: str) -> Any:
    try:
        return json.loads(frame)
    except ValueError:
        return frame
