"""uvicorn's server, with an end that leaves no connection open."""

from __future__ import annotations

import socket

import uvicorn

from runconsole.listening import stop_accepting

__all__ = ["UvicornServer"]


class UvicornServer(uvicorn.Server):
    """Waits for the connections that the loop has accepted before it closes: those of a client that tries again."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End as uvicorn does."""
        await stop_accepting(*self.servers)
        await super().shutdown(sockets)
