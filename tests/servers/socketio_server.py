"""Real Socket.IO servers for the tests: python-socketio on uvicorn in a thread, and Node's own in a process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time
from typing import TYPE_CHECKING, Any, Self

import socketio
import uvicorn

from tests.servers.node import NodeProgram
from tests.support.uvicorn_server import UvicornServer

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator
    from types import TracebackType

PATIENCE = 60.0
_JOINS = {"execution": "execution_id", "discovery": "session_id", "masterplan": "masterplan_id"}
NO_ANSWER = object()
"""The answer to a decision: none, ever."""


class SocketIoServer:
    """A Socket.IO server with the rooms and the catch-up of the execution family's backend.

    It sends `connected` from inside its connect handler. A decision (`checkpoint_resolve`) is answered by
    `answers[checkpointId]` (by its result, if it is an async function of the data), or refused by raising it; others
    get ``{"status": "ok"}``.

    Args:
        token: the token that the auth object must hold; None accepts every client.
        refusal: the data of a refused connection.
        join_error: the message of the bare `error` that answers each join.
        connect_delay: seconds that the connect handler takes.
        path: the path of Socket.IO.
        options: for `AsyncServer`, and uvicorn's `ssl_certfile` and `ssl_keyfile`.

    Attributes:
        handshakes: the number of WebSocket handshakes, over all its lives.
        connections: the number of calls of the connect handler.
        received: the received events, with their data.
        history: by room key, the replay of `request_catch_up`.
    """

    def __init__(
        self,
        *,
        token: str | None = None,
        refusal: Any = None,
        join_error: str | None = None,
        connect_delay: float = 0.0,
        path: str = "socket.io",
        **options: Any,
    ) -> None:
        self.token = token
        self.refusal = refusal
        self.join_error = join_error
        self.connect_delay = connect_delay
        self.handshakes = 0
        self.connections = 0
        self.received: list[tuple[str, Any]] = []
        self.history: dict[str, list[tuple[str, Any]]] = {}
        self.answers: dict[str, Any] = {}
        self.auths: list[Any] = []
        self.farewells: list[str] = []
        self._path = path
        self._tls = {name: options.pop(name) for name in ("ssl_certfile", "ssl_keyfile") if name in options}
        self._options = options
        self._is_open = threading.Event()
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread.is_alive():
            self.kill()

    # ---- life -------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Serve, on the port of its last life if it had one."""
        listener = socket.create_server(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        self.sio = socketio.AsyncServer(async_mode="asgi", **{"max_http_buffer_size": 100_000_000} | self._options)
        self._add_handlers()
        self._app = socketio.ASGIApp(self.sio, socketio_path=self._path)
        config = uvicorn.Config(
            self._count,
            interface="asgi3",
            ws="websockets-sansio",
            lifespan="off",
            log_config=None,
            ws_max_size=2**30,
            **self._tls,
        )
        self._server = UvicornServer(config)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(listener)), name="socketio-server")
        self._thread.start()
        assert self._is_open.wait(PATIENCE)

    async def _serve(self, listener: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        self._telling = asyncio.Lock()
        self._loop.call_soon(self._is_open.set)
        await self._server.serve(sockets=[listener])

    async def _count(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        self.handshakes += scope["type"] == "websocket"
        await self._app(scope, receive, send)

    def kill(self) -> None:
        """End at once and without a close, as a crash does."""

        def crash() -> None:
            for server in self._server.servers:
                server.close()
            self.cut()
            self._server.should_exit = self._server.force_exit = True

        self._loop.call_soon_threadsafe(crash)
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        self._is_open.clear()

    def cut(self) -> None:
        """Cut every TCP connection. On the server's loop."""
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()

    def cut_all(self) -> None:
        """Cut every TCP connection; the server goes on."""
        self._loop.call_soon_threadsafe(self.cut)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Neither read nor write while inside, as behind a cable that was pulled out."""
        thaw = threading.Event()
        self._loop.call_soon_threadsafe(thaw.wait)
        try:
            yield
        finally:
            thaw.set()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    # ---- what the tests tell it -------------------------------------------------------------------------------------

    def emit(self, *events: tuple[str, Any], rooms: list[str | None] | None = None, key: str | None = None) -> None:
        """Send events, each to each of the rooms (to all clients without any); remember them under a room's key."""

        async def send() -> None:
            async with self._telling:
                for name, data in events:
                    if key is not None:
                        self.history.setdefault(key, []).append((name, data))
                    for room in rooms or [None]:
                        await self.sio.emit(name, data, room=room)

        self._run(send())

    def ask(self, name: str, data: Any) -> Any:
        """Send an event that the first client must acknowledge; return the acknowledgement."""
        return self._run(self.sio.call(name, data, to=self.sids[0], timeout=PATIENCE))

    def disconnect_all(self) -> None:
        """Disconnect every client."""

        async def disconnect() -> None:
            for sid in self.sids:
                await self.sio.disconnect(sid)

        self._run(disconnect())

    def send_raw(self, packet: str | bytes) -> None:
        """Send every client a Socket.IO packet unchanged."""

        async def send() -> None:
            for session in list(self.sio.eio.sockets):
                await self.sio.eio.send(session, packet)

        self._run(send())

    @property
    def sids(self) -> list[str]:
        return [sid for sid, _ in self.sio.manager.get_participants("/", None)] if self._has_clients else []

    @property
    def _has_clients(self) -> bool:
        return "/" in self.sio.manager.rooms

    def until(self, name: str, count: int = 1) -> list[Any]:
        """Wait for that many events of a name; return their data."""
        deadline = time.monotonic() + PATIENCE
        while len(found := [data for came, data in self.received if came == name]) < count:
            assert time.monotonic() < deadline, f"{name} never came"
            time.sleep(0.01)
        return found

    # ---- what it does by itself -------------------------------------------------------------------------------------

    def _add_handlers(self) -> None:
        sio = self.sio
        sio.on("connect", self._connect)
        sio.on("disconnect", self._disconnect)
        sio.on("*", self._other)
        sio.on("checkpoint_resolve", self._resolve)
        sio.on("request_catch_up", self._catch_up)
        for room, key in _JOINS.items():
            sio.on(f"join_{room}", self._joiner(room, key))

    async def _connect(self, sid: str, _environ: Any, auth: Any) -> None:
        self.connections += 1
        self.auths.append(auth)
        await asyncio.sleep(self.connect_delay)
        if self.refusal is not None:
            raise socketio.exceptions.ConnectionRefusedError(*self.refusal)
        if self.token is not None and (auth or {}).get("token") != self.token:
            raise socketio.exceptions.ConnectionRefusedError("Invalid or expired token", {"code": "UNAUTHORIZED"})
        await self.sio.emit("connected", {"sid": sid}, room=sid)

    async def _disconnect(self, _sid: str, reason: str) -> None:
        self.farewells.append(reason)

    def _joiner(self, room: str, key: str) -> Any:
        async def join(sid: str, data: Any) -> None:
            self.received.append((f"join_{room}", data))
            if self.join_error is not None:
                await self.sio.emit("error", {"message": self.join_error}, room=sid)
                return
            await self.sio.enter_room(sid, f"{room}_{data[key]}")
            await self.sio.emit(f"{room}_joined", {key: data[key]}, room=sid)

        return join

    async def _catch_up(self, sid: str, data: Any) -> None:
        # New events come after the whole past that was requested before them.
        async with self._telling:
            self.received.append(("request_catch_up", data))
            for name, event in self.history.get(next(iter(data.values())), []):
                await self.sio.emit(name, event, room=sid)

    async def _resolve(self, _sid: str, data: Any) -> Any:
        self.received.append(("checkpoint_resolve", data))
        answer = self.answers.get(data["checkpointId"], {"status": "ok"})
        if callable(answer):
            answer = await answer(data)
        if answer is NO_ANSWER:
            await asyncio.Event().wait()
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def _other(self, name: str, _sid: str, *data: Any) -> None:
        self.received.append((name, data))


class NodeSocketIoServer(NodeProgram):
    """Node's Socket.IO server. socketio-server.mjs documents its options and commands."""

    def __init__(self, **options: Any) -> None:
        super().__init__("socketio-server.mjs", json.dumps(options))
        self.port = self.read_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def command(self, action: str, **body: Any) -> Any:
        """Send the server a command (`emit`, `cut`, …); return its reply."""
        return json.loads(self.ask(json.dumps({"action": action, **body})))
