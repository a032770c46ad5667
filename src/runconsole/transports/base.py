"""The small interface between the session and the world."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, runtime_checkable

__all__ = ["Connection", "PacedConnection", "Transport"]


class Connection(Protocol):
    """One open connection. Its owner always drains it."""

    async def receive(self) -> Sequence[str | bytes]:
        """Return the frames that have come, in order, at least one.

        Raises LinkLost when the connection has ended, however it ended, and all that came has been returned.
        """

    async def send(self, frame: str) -> None:
        """Send one text frame. Raises LinkLost where the connection has ended."""


@runtime_checkable
class PacedConnection(Connection, Protocol):
    """A connection that pauses between two reads while frames come often."""

    def read_on(self) -> bool:
        """End such a pause; return whether there was one."""


class Transport(Protocol):
    """Makes connections to one server, one at a time."""

    def connect(self) -> AbstractAsyncContextManager[Connection]:
        """Connect; leaving the context closes the connection within about a second. Raises LinkLost."""
