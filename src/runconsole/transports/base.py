"""The small interface between the session and the world."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

__all__ = ["Connection", "Transport"]


class Connection(Protocol):
    """One open connection. Its owner always drains it."""

    async def receive(self) -> Sequence[str | bytes]:
        """Return the frames that have come, in order, at least one.

        Raises LinkLost when the connection has ended, however it ended, and all that came has been returned.
        """

    async def send(self, frame: str) -> None:
        """Send one text frame. Raises LinkLost where the connection has ended."""


class Transport(Protocol):
    """Makes connections to one server, one at a time."""

    def connect(self) -> AbstractAsyncContextManager[Connection]:
        """Connect; leaving the context closes the connection within about a second. Raises LinkLost."""
