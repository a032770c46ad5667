"""A Socket.IO server as strict as the execution family's backend: two-argument connect, silent rooms, no end."""

from __future__ import annotations

from typing import Any

from tests.servers.socketio_server import SocketIoServer

__all__ = ["DevmatrixServer"]


class DevmatrixServer(SocketIoServer):
    """Sends a run's events to the room of its session or master plan; `execution_<id>` is joined and stays silent.

    Its connect handler takes no auth object: a client that sends one is never answered.

    Attributes:
        signed: of each connection the ``Authorization`` header and the query of its handshake.
    """

    def __init__(self, **options: Any) -> None:
        self.signed: list[tuple[str | None, str]] = []
        super().__init__(**options)

    def _add_handlers(self) -> None:
        super()._add_handlers()
        self.sio.on("connect", self._connect_of_two)
        self.sio.on("execute_command", self._command)

    async def _connect_of_two(self, sid: str, environ: Any) -> None:
        self.connections += 1
        self.signed.append((environ.get("HTTP_AUTHORIZATION"), environ.get("QUERY_STRING", "")))
        await self.sio.emit("connected", {"sid": sid}, room=sid)

    async def _command(self, _sid: str, data: Any) -> None:
        self.received.append(("execute_command", data))

    def send_to_room(self, session: str, *events: tuple[str, Any], kind: str = "discovery") -> None:
        """Send events to the room of a session, or of a master plan."""
        self.emit(*events, rooms=[f"{kind}_{session}"])
