"""Runs over Socket.IO, on python-socketio and uvicorn: rooms, catch-up, acknowledgements (docs/protocols/socketio.md).

Every client gets the run's events in a room of its own (`delivery="push"`). Of the rooms to join, `discovery` and
`masterplan` get them too, so a client in one of those gets each event twice, as on the real backend; `execution` only
confirms. With `delivery="subscribe"` no client has a room of its own, and each joined room brings the events.

`request_catch_up` sends the run's past once more, unmarked. A `strict` acceptor takes no auth object, sends nothing to
a client in no room but `execution`, and remembers 100 events for sessions and master plans. WebSocket is the only
transport.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import socketio

from runconsole.simulator.injector import ClientLink, FaultInjector, Gone
from runconsole.simulator.scenario import Refusal
from runconsole.simulator.service import Delivery, Frame, RunService
from runconsole.simulator.wires.server import Received, token_in
from runconsole.simulator.wires.socketio_pipe import Pipe, Server

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable

__all__ = ["SocketIoAcceptor"]

_ROOMS = {"execution": "execution_id", "discovery": "session_id", "masterplan": "masterplan_id"}
_MOST_REMEMBERED = 100
"""Events that a strict server replays."""
_MOMENT_S = 0.05
_GARBAGE_PREFIX = "42"


class _Client:
    """One client: its socket as the injector needs it, its rooms, and its frames to send."""

    def __init__(
        self, sid: str, sio: Any, pipe: Pipe, service: RunService, *, replay: bool, delivery: Delivery, strict: bool
    ) -> None:
        self.sid = sid
        self.woken = asyncio.Event()
        self.gone = asyncio.Event()
        self._sio = sio
        self._pipe = pipe
        self._log = service.player.log
        self._pushes = delivery == "push" and not strict
        self._strict = strict
        self._rooms: set[str] = set()
        self._cursor = service.floor if replay and self._pushes else len(self._log)
        self._first = service.floor if replay else self._cursor
        self._pending: deque[Frame | asyncio.Event] = deque()

    # ---- what there is to send --------------------------------------------------------------------------------------

    @property
    def _copies(self) -> int:
        joined = self._rooms - {"execution"} if self._pushes or self._strict else self._rooms
        return len(joined) + self._pushes

    @property
    def is_fed(self) -> bool:
        """True if any of its rooms brings events."""
        return self._copies > 0

    def join(self, room: str) -> None:
        """Join a room; events from now on come through it too."""
        if not self._copies:
            self._cursor = len(self._log)
        self._rooms.add(room)

    async def catch_up(self) -> None:
        """Send the past once more; return when that has been done."""
        sent = asyncio.Event()
        first = max(self._first, self._cursor - _MOST_REMEMBERED) if self._strict else self._first
        self._pending += [Frame(entry.text, entry) for entry in self._log[first : self._cursor]]
        self._pending.append(sent)
        self.woken.set()
        _, rest = await asyncio.wait(
            {asyncio.ensure_future(sent.wait()), asyncio.ensure_future(self.gone.wait())},
            return_when=asyncio.FIRST_COMPLETED,
        )
        for task in rest:
            task.cancel()

    def next_frames(self) -> Iterable[Frame]:
        """Yield the frames to send, until there are no more."""
        while True:
            if self._pending:
                item = self._pending.popleft()
                if isinstance(item, Frame):
                    yield item
                else:
                    item.set()
            elif self._copies and self._cursor < len(self._log):
                entry = self._log[self._cursor]
                self._cursor += 1
                self._pending += [Frame(entry.text, entry)] * self._copies
            else:
                return

    # ---- the socket -------------------------------------------------------------------------------------------------

    async def emit(self, name: str, data: object) -> None:
        """Send an event that does not belong to the run."""
        self._pipe.note_event()
        await self._sio.emit(name, data, to=self.sid)

    async def write(self, frame: Frame) -> None:
        event = json.loads(frame.text)
        await self._pipe.flushed(self._sio.emit(event["type"], event, to=self.sid))

    async def write_raw(self, text: str) -> None:
        await self._pipe.write(_GARBAGE_PREFIX + text)

    async def write_stray(self) -> None:
        await self._pipe.write('42["error",{"message":"not allowed","code":"FORBIDDEN","correlationId":"another"}]')

    def ask_reconnect(self) -> None:
        """Do nothing: the protocol has no such message."""

    def cut(self) -> None:
        self._pipe.cut()

    async def close(self, code: int) -> None:  # noqa: ARG002 - Socket.IO has no codes
        await self._sio.disconnect(self.sid)

    def listen(self, *, on: bool) -> None:
        self._pipe.listen(on=on)


class SocketIoAcceptor:
    """Accepts the clients of a run. The arguments are those of `WebSocketAcceptor` and of `Simulator`."""

    def __init__(
        self,
        service: RunService,
        injector: FaultInjector,
        *,
        received: list[Received],
        on_admitted: Callable[[], None],
        replay: bool,
        delivery: Delivery,
        close_when_done: bool,
        strict: bool = False,
    ) -> None:
        self._strict = strict
        self._service = service
        self._injector = injector
        self._received = received
        self._on_admitted = on_admitted
        self._replay = replay
        self._delivery = delivery
        self._close_when_done = close_when_done
        self._clients: dict[str, tuple[_Client, ClientLink]] = {}
        self._pumps: set[asyncio.Task[None]] = set()
        self._sio: Any = socketio.AsyncServer(async_mode="asgi", transports=["websocket"])
        self._server = Server(socketio.ASGIApp(self._sio), injector.refuses)
        self._add_handlers()

    # ---- life -------------------------------------------------------------------------------------------------------

    async def open(self, listener: socket.socket) -> None:
        """Serve on this socket."""
        await self._server.open(listener)

    async def close(self) -> None:
        """Close every client and end."""
        for client, link in list(self._clients.values()):
            if not link.is_dead:
                with contextlib.suppress(Exception):
                    await self._sio.disconnect(client.sid)
        await self._end(abruptly=False)

    async def crash(self) -> None:
        """End at once, without a close."""
        await self._end(abruptly=True)

    async def _end(self, *, abruptly: bool) -> None:
        await self._server.close(abruptly=abruptly)
        for client, link in list(self._clients.values()):
            client.gone.set()
            self._injector.leave(link)
        pumps = list(self._pumps)
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        with contextlib.suppress(Exception):
            await self._sio.shutdown()

    def wake(self) -> None:
        """Let every connection check for frames to send."""
        for client, _ in self._clients.values():
            client.woken.set()

    # ---- one client -------------------------------------------------------------------------------------------------

    def _add_handlers(self) -> None:
        sio = self._sio
        sio.on("connect", self._connect_of_two if self._strict else self._connect)
        sio.on("disconnect", self._disconnect)
        sio.on("*", self._other)
        sio.on("checkpoint_resolve", self._resolve)
        sio.on("request_catch_up", self._catch_up)
        for room, key in _ROOMS.items():
            sio.on(f"join_{room}", self._joiner(room, key))

    async def _connect_of_two(self, sid: str, environ: dict[str, Any]) -> None:
        """Take no auth object: with such a handler python-socketio never answers a client that sends one."""
        await self._admit(sid, environ, token_in(environ.get("QUERY_STRING", ""), environ.get("HTTP_AUTHORIZATION")))

    async def _connect(self, sid: str, environ: dict[str, Any], auth: object) -> None:
        await self._admit(sid, environ, auth.get("token") if isinstance(auth, dict) else None)

    async def _admit(self, sid: str, environ: dict[str, Any], token: object) -> None:
        if not self._service.accepts(token):
            raise socketio.exceptions.ConnectionRefusedError("Unauthorized", {"code": "UNAUTHORIZED"})
        pipe: Pipe = environ["asgi.scope"]["runconsole.pipe"]
        client = _Client(
            sid, self._sio, pipe, self._service, replay=self._replay, delivery=self._delivery, strict=self._strict
        )
        link = self._injector.enter(client)
        self._clients[sid] = (client, link)
        await client.emit("connected", {"sid": sid})
        pump = asyncio.create_task(self._pump(client, link), name="runconsole-simulator-write")
        self._pumps.add(pump)
        pump.add_done_callback(self._pumps.discard)
        if not self._strict:
            self._on_admitted()

    async def _disconnect(self, sid: str, _reason: str) -> None:
        client, link = self._clients.pop(sid, (None, None))
        if client is not None and link is not None:
            client.gone.set()
            client.woken.set()
            self._injector.leave(link)

    async def _pump(self, client: _Client, link: ClientLink) -> None:
        """Send frames as they come, until the client has gone."""
        with contextlib.suppress(Gone):
            while not client.gone.is_set():
                client.woken.clear()
                for frame in client.next_frames():
                    await link.send(frame)
                await link.catch_up()
                await _news(client, link, within=self._is_over(client))
                if self._is_over(client) and not client.woken.is_set():
                    await self._sio.disconnect(client.sid)
                    return

    def _is_over(self, client: _Client) -> bool:
        """Return whether a client gets nothing more, unless it sends a request within a moment."""
        return self._service.player.finished and self._close_when_done and client.is_fed

    # ---- what clients ask -------------------------------------------------------------------------------------------

    def _note(self, sid: str, name: str, *data: object) -> tuple[_Client, ClientLink] | None:
        """Note a client's request; return None for a client that has gone meanwhile."""
        present = self._clients.get(sid)
        if present is None:
            return None
        client, link = present
        text = json.dumps([name, *data], ensure_ascii=False, default=repr)
        self._received.append(Received(datetime.now(UTC), link.number, text))
        return client, link

    def _joiner(self, room: str, key: str) -> Callable[..., Any]:
        async def join(sid: str, data: object = None) -> None:
            present = self._note(sid, f"join_{room}", data)
            if present is None:
                return
            client = present[0]
            value = data.get(key) if isinstance(data, dict) else None
            if not isinstance(value, str) or not value:
                await client.emit("error", {"message": f"{key} is required"})
                return
            client.join(room)
            if client.is_fed:
                self._on_admitted()
            await client.emit(f"{room}_joined", {key: value, "status": "joined"})
            client.woken.set()

        return join

    async def _catch_up(self, sid: str, data: object = None) -> None:
        present = self._note(sid, "request_catch_up", data)
        keys = data.keys() if isinstance(data, dict) else set()
        is_known = not self._strict or bool(keys & {"session_id", "masterplan_id"})
        if present is not None and self._replay and is_known:
            client, link = present
            await client.catch_up()
            link.caught_up = len(link.offered)

    async def _resolve(self, sid: str, data: object = None) -> dict[str, Any] | None:
        present = self._note(sid, "checkpoint_resolve", data)
        if present is None:
            return None
        client, link = present
        try:
            decision = self._service.resolve(data)
            answer = {"ok": True, "checkpointId": decision.checkpoint_id, "decision": decision.option}
        except Refusal as refusal:
            answer = {"ok": False, "error": {"code": refusal.code, "message": refusal.message}}
        if self._injector.loses_reply(link):
            await client.gone.wait()
        return answer

    async def _other(self, name: str, sid: str, *data: object) -> None:
        self._note(sid, name, *data)


async def _news(client: _Client, link: ClientLink, *, within: bool) -> None:
    """Wait until there may be something to send; `within` a moment, or if events wait to be reordered."""
    try:
        async with asyncio.timeout(_MOMENT_S if within or link.holds else None):
            await client.woken.wait()
    except TimeoutError:
        await link.release_held()
